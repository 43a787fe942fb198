//! Values of listings: sizes and unique-ids.

use core::fmt;

use crate::wire::malformed::Malformed;
use crate::wire::number::{as_message_number, message_number, next_number};
use crate::wire::text::Text;

/// A drop listing: the answer to STAT (RFC 1939, section 5). Messages marked as deleted do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropListing {
    /// The number of messages in the maildrop.
    pub messages: u32,
    /// Their size in octets, as the server counts it: a hint, often wrong.
    pub octets: u64,
}

/// Formats as in the answer to STAT: both numbers, separated by one space.
impl fmt::Display for DropListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.octets)
    }
}

/// A scan listing: a line of LIST (RFC 1939, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScanListing {
    /// The message number, valid only in this session.
    pub number: u32,
    /// The size in octets, as the server counts it: a hint, often wrong.
    pub octets: u64,
}

/// Formats as in a line of LIST: both numbers, separated by one space.
impl fmt::Display for ScanListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.octets)
    }
}

impl ScanListing {
    pub(super) fn parse(line: &[u8]) -> Result<ScanListing, Malformed> {
        let mut rest = line;
        let number = next_number(&mut rest).and_then(as_message_number).ok_or(Malformed::ScanListing)?;
        let octets = next_number(&mut rest).ok_or(Malformed::ScanListing)?;
        Ok(ScanListing { number, octets })
    }
}

/// A unique-id: octets chosen by the server that identify a message across sessions (RFC 1939, section 7).
///
/// It is neither text nor a file name; use its `Display` to show it. Servers send empty ids (a message number, a space
/// and nothing else), duplicate ids, and ids that are not [conforming](Self::is_conforming). All are kept as received,
/// without surrounding spaces.
///
/// ```
/// use pop3_proto::wire::UniqueId;
///
/// let id = UniqueId::new(b"../whqtswO00WBw418f9t5JxYwZ");
/// assert!(id.is_conforming()); // and yet not a name for a file
/// assert!(!UniqueId::new(b"two words").is_conforming());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId<'a>(&'a [u8]);

impl<'a> UniqueId<'a> {
    /// Wraps octets as an id.
    pub const fn new(octets: &'a [u8]) -> UniqueId<'a> {
        UniqueId(octets)
    }

    pub(super) fn parse(line: &'a [u8]) -> Result<(u32, UniqueId<'a>), Malformed> {
        let line = line.trim_ascii_start();
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let number = message_number(&line[..end]).ok_or(Malformed::UniqueId)?;
        // An id cannot contain a space, so trailing spaces are not part of it.
        let (mut id, is_blank) = (&line[end..], |octet: Option<&u8>| octet == Some(&b' '));
        if id.is_empty() {
            return Err(Malformed::UniqueId);
        }
        while is_blank(id.first()) {
            id = &id[1..];
        }
        while is_blank(id.last()) {
            id = &id[..id.len() - 1];
        }
        Ok((number, UniqueId(id)))
    }

    /// Returns the octets of the id, 0 or more.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns true if the id has 1 to 70 octets, each from 0x21 to 0x7E (RFC 1939, section 7).
    pub fn is_conforming(self) -> bool {
        matches!(self.0.len(), 1..=70) && self.0.iter().all(|b| (0x21..=0x7e).contains(b))
    }
}

/// Shows octets from 0x21 to 0x7E as they are, and each other octet as `\x` and two hexadecimal digits. The result is
/// for humans: different ids may look the same.
impl fmt::Display for UniqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&octet| match octet {
            0x21..=0x7e => fmt::Write::write_char(f, octet.into()),
            _ => write!(f, "\\x{octet:02x}"),
        })
    }
}

impl fmt::Debug for UniqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UniqueId({:?})", Text::new(self.0))
    }
}
