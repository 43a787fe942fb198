//! The lines of a multi-line answer.

use crate::wire::text::Text;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;
use core::slice;

/// The lines of a multi-line answer, in the server's order, without line ends and byte-stuffing. An exchange leaves out
/// blank lines, which some servers send between the others.
///
/// ```
/// use pop3_proto::drive::Listing;
///
/// let listing = Listing::from_iter(["CRAM-MD5", "PLAIN"]);
/// assert_eq!(listing.iter().len(), 2);
/// for line in &listing {
///     assert!(!line.is_empty());
/// }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Listing(Vec<Box<[u8]>>);

impl Listing {
    pub(super) const fn new(lines: Vec<Box<[u8]>>) -> Listing {
        Listing(lines)
    }

    /// Returns an iterator over the lines.
    pub fn iter(&self) -> ListingIter<'_> {
        ListingIter(self.0.iter())
    }
}

/// Keeps all lines as they are.
impl<L: AsRef<[u8]>> FromIterator<L> for Listing {
    fn from_iter<I: IntoIterator<Item = L>>(lines: I) -> Listing {
        Listing(lines.into_iter().map(|line| line.as_ref().into()).collect())
    }
}

impl<'a> IntoIterator for &'a Listing {
    type Item = &'a [u8];
    type IntoIter = ListingIter<'a>;

    fn into_iter(self) -> ListingIter<'a> {
        self.iter()
    }
}

/// Shows the lines as [`Text`].
impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Text::new)).finish()
    }
}

/// An iterator over the lines of a [`Listing`].
#[derive(Clone, Debug)]
pub struct ListingIter<'a>(slice::Iter<'a, Box<[u8]>>);

impl<'a> Iterator for ListingIter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next().map(|line| &**line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for ListingIter<'_> {}

impl FusedIterator for ListingIter<'_> {}
