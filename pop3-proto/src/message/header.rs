//! Header fields: where each one begins and ends, and its unfolded body.

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;
use core::iter::FusedIterator;

use memchr::memchr;

use crate::message::MessageRef;
use crate::message::lines::{Lines, line_len, without_end};

/// An item of a header section.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Header<'a> {
    /// A field with all its continuation lines.
    Field(Field<'a>),
    /// One line that is not a field, line end included: it has no colon, or no name before the colon, or it continues
    /// no field. An mbox `From ` line is an example.
    Stray(&'a [u8]),
}

impl<'a> Header<'a> {
    /// Returns the octets as they appear in the message, line ends included. Concatenated in order, they are the header
    /// section.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Field(field) => field.as_bytes(),
            Self::Stray(line) => line,
        }
    }
}

/// A header field (RFC 5322, section 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field<'a> {
    octets: &'a [u8],
    name: &'a [u8],
    raw_body: &'a [u8],
}

impl<'a> Field<'a> {
    /// Returns the whole field as it appears in the message, line ends included.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.octets
    }

    /// Returns the name as sent: one or more printable US-ASCII octets, without spaces before the colon (RFC 5322,
    /// 4.5).
    pub const fn name(self) -> &'a [u8] {
        self.name
    }

    /// Returns true if the field has this case-insensitive name.
    pub fn is(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Returns everything after the colon, still folded: with spaces and inner line ends, but without the last line
    /// end.
    pub const fn raw_body(self) -> &'a [u8] {
        self.raw_body
    }

    /// Returns the non-empty pieces of the unfolded body (RFC 5322, 2.2.3).
    ///
    /// Line ends are removed, and so are spaces and tabs before the first other octet: `Subject: x` yields `x`. All
    /// other spaces and tabs remain, including those at the beginning of a continuation line and trailing ones.
    pub const fn unfolded(self) -> Unfolded<'a> {
        Unfolded { lines: MessageRef(self.raw_body).lines(), started: false }
    }

    /// Returns the unfolded body in one piece, as described for [`unfolded`](Self::unfolded); borrowed if it was not
    /// folded.
    #[cfg(feature = "alloc")]
    pub fn body(self) -> Cow<'a, [u8]> {
        let mut pieces = self.unfolded();
        let first = pieces.next().unwrap_or_default();
        let Some(second) = pieces.next() else {
            return Cow::Borrowed(first);
        };
        let mut body = Vec::with_capacity(self.raw_body.len());
        body.extend_from_slice(first);
        body.extend_from_slice(second);
        body.extend(pieces.flatten());
        Cow::Owned(body)
    }
}

/// An iterator over the items of a header section, created by [`MessageRef::headers`].
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    pub(super) rest: MessageRef<'a>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let mut end = line_len(self.rest.0);
        let line = without_end(&self.rest.0[..end]);
        if line.is_empty() {
            self.rest.0 = &[];
            return None;
        }
        // The field before consumed its continuation lines, so a line that begins with a space here continues nothing;
        // a name cannot contain a space. The same applies to an mbox `From ` line with a time of day.
        let Some((name, colon)) = memchr(b':', line).and_then(|colon| Some((field_name(&line[..colon])?, colon)))
        else {
            let (stray, rest) = self.rest.0.split_at_checked(end)?;
            self.rest.0 = rest;
            return Some(Header::Stray(stray));
        };
        while let Some(b' ' | b'\t') = self.rest.0.get(end) {
            end += line_len(&self.rest.0[end..]);
        }
        let (octets, rest) = self.rest.0.split_at_checked(end)?;
        self.rest.0 = rest;
        Some(Header::Field(Field { octets, name, raw_body: without_end(octets).get(colon + 1..)? }))
    }
}

impl FusedIterator for Headers<'_> {}

/// An iterator over the pieces of an unfolded field body, created by [`Field::unfolded`].
#[derive(Clone, Debug)]
pub struct Unfolded<'a> {
    lines: Lines<'a>,
    started: bool,
}

impl<'a> Iterator for Unfolded<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // Every line end inside a field is followed by a space or tab, or the field would end there. All of them are
        // removed.
        for line in self.lines.by_ref() {
            let blanks = line.iter().take_while(|octet| !self.started && is_blank(**octet)).count();
            if blanks < line.len() {
                self.started = true;
                return Some(&line[blanks..]);
            }
        }
        None
    }
}

impl FusedIterator for Unfolded<'_> {}

/// Returns the field name in the octets before a colon, if there is one (RFC 5322, 2.2 and 4.5).
fn field_name(mut octets: &[u8]) -> Option<&[u8]> {
    while let [name @ .., b' ' | b'\t'] = octets {
        octets = name;
    }
    (!octets.is_empty() && octets.iter().all(u8::is_ascii_graphic)).then_some(octets)
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

// A message is private: `Debug` shows only sizes and the names of fields.

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Stray(line) => write!(f, "Stray({} octets)", line.len()),
        }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({}, {} octets)", self.name.escape_ascii(), self.octets.len())
    }
}
