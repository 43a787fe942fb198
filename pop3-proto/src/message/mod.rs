//! Header fields and lines of a retrieved message, parsed lazily from its octets.
//!
//! Mail is often malformed, so this module preserves every octet: each octet of a message is in its header section, in
//! the blank line after that, or in its body, and each octet of the header section is in a [`Header`], field or not.
//! Lines end in CRLF or a bare LF. A bare CR, a NUL and 8-bit octets are content. No charset is assumed and nothing is
//! decoded.
//!
//! ```
//! use pop3_proto::message::MessageRef;
//!
//! let message = MessageRef::new(b"From: a@example.org\r\nSubject: two\r\n lines\r\n\r\nHello.\r\n");
//! let subject = message.get("subject").unwrap();
//! assert_eq!(subject.raw_body(), b" two\r\n lines");
//! assert!(subject.unfolded().eq([&b"two"[..], b" lines"]));
//! assert_eq!(message.body(), b"Hello.\r\n");
//! assert!(MessageRef::new(message.body()).lines().eq([b"Hello."]));
//! ```

mod header;
mod lines;
#[cfg(test)]
mod tests;

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

pub use header::{Field, Header, Headers, Unfolded};
pub use lines::Lines;

/// A message over borrowed octets, without byte-stuffing. Creating one does not examine the octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageRef<'a>(&'a [u8]);

impl<'a> MessageRef<'a> {
    /// Wraps any octets: a whole message, the result of TOP, or something else.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Returns the whole message.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the header section up to the first blank line, line ends included, or the whole message if it has no
    /// blank line.
    pub fn header_bytes(self) -> &'a [u8] {
        self.split().0
    }

    /// Returns everything after the first blank line, unchanged; empty if the message has no blank line (RFC 5322,
    /// 2.1).
    pub fn body(self) -> &'a [u8] {
        self.split().2
    }

    /// Splits the message into header section, line end of the blank line, and body.
    fn split(self) -> (&'a [u8], &'a [u8], &'a [u8]) {
        self.split_at_blank().unwrap_or((self.0, &[], &[]))
    }

    fn split_at_blank(self) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let mut lines = self.lines();
        loop {
            let rest = lines.rest.0;
            if lines.next()?.is_empty() {
                let header = self.0.get(..self.0.len() - rest.len())?;
                let blank = rest.get(..rest.len() - lines.rest.0.len())?;
                return Some((header, blank, lines.rest.0));
            }
        }
    }

    /// Returns the fields of the header section in order, and the lines that are not fields.
    pub const fn headers(self) -> Headers<'a> {
        Headers { rest: self }
    }

    /// Returns the header fields in order, duplicates included, without the lines that are not fields.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> + Clone {
        self.headers().filter_map(|header| match header {
            Header::Field(field) => Some(field),
            Header::Stray(_) => None,
        })
    }

    /// Returns the first field with this case-insensitive name. Nothing after that field is examined. For all of them,
    /// filter the [`fields`](Self::fields) by [`Field::is`].
    pub fn get(self, name: &str) -> Option<Field<'a>> {
        self.fields().find(|field| field.is(name))
    }

    /// Returns all lines of the message, header section and blank line included.
    pub const fn lines(self) -> Lines<'a> {
        Lines { rest: self }
    }
}

/// A message that owns its octets. Read it with the methods of [`view`](Self::view).
#[cfg(feature = "alloc")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    octets: Vec<u8>,
}

#[cfg(feature = "alloc")]
impl Message {
    /// Returns a [`MessageRef`], which has the methods to read the message.
    pub fn view(&self) -> MessageRef<'_> {
        MessageRef::new(&self.octets)
    }

    /// Returns the whole message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// Returns the whole message without copying it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.octets
    }
}

#[cfg(feature = "alloc")]
impl From<Vec<u8>> for Message {
    fn from(octets: Vec<u8>) -> Self {
        Self { octets }
    }
}

// A message can be huge and is private: `Debug` shows only its size.

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageRef({} octets)", self.0.len())
    }
}

#[cfg(feature = "alloc")]
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} octets)", self.octets.len())
    }
}
