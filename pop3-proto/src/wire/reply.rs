//! Replies of a server: status lines, response codes, drop listings, scan listings, unique-ids and languages.
//!
//! All types borrow from the received octets. A value is parsed when you ask for it, and a malformed value fails only
//! that call.

use core::fmt;

use crate::wire::code::ResponseCode;
use crate::wire::listing::{DropListing, ScanListing, UniqueId};
use crate::wire::text::Text;

use crate::wire::apop::Timestamp;
use crate::wire::capability::Capability;
use crate::wire::malformed::Malformed;
use crate::wire::number::{number, words};

/// A parsed status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Ok(&'a [u8]),
    Err(&'a [u8]),
    Challenge(&'a [u8]),
}

impl<'a> Status<'a> {
    /// Parses `+OK` or `-ERR` in any case, or `+`, each followed by nothing or a space (RFC 1939, section 3; RFC 5034,
    /// section 4).
    #[inline]
    pub(crate) fn parse(line: &'a [u8]) -> Option<Status<'a>> {
        let (make, rest): (fn(&'a [u8]) -> Status<'a>, _) = match line {
            [b'+', b'O' | b'o', b'K' | b'k', rest @ ..] => (Status::Ok, rest),
            [b'-', b'E' | b'e', b'R' | b'r', b'R' | b'r', rest @ ..] => (Status::Err, rest),
            [b'+', rest @ ..] => (Status::Challenge, rest),
            _ => return None,
        };
        match rest {
            [] => Some(make(rest)),
            [b' ', text @ ..] => Some(make(text)),
            _ => None,
        }
    }
}

/// A greeting that begins a session (RFC 1939, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Greeting<'a>(pub(crate) Reply<'a>);

impl<'a> Greeting<'a> {
    /// Returns the text for humans. No text lets the client skip the login.
    pub fn text(&self) -> Text<'a> {
        self.0.text()
    }

    /// Returns the response code, if there is one.
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        self.0.code()
    }

    /// Returns the first valid timestamp for APOP, brackets included (RFC 1939, section 7).
    pub fn timestamp(&self) -> Option<Timestamp<'a>> {
        Timestamp::find(self.0.line)
    }
}

/// A `+OK` line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reply<'a> {
    line: &'a [u8],
}

impl<'a> Reply<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Reply<'a> {
        Reply { line }
    }

    /// Returns everything after the `+OK` and its space, response code included.
    pub const fn line(&self) -> &'a [u8] {
        self.line
    }

    /// Returns the text after the response code, for humans.
    pub fn text(&self) -> Text<'a> {
        Text::new(ResponseCode::split(self.line).1)
    }

    /// Returns the response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        ResponseCode::split(self.line).0
    }

    /// Parses the answer to STAT. Text after the second number is ignored (RFC 1939, section 5).
    ///
    /// # Errors
    ///
    /// [`Malformed::DropListing`] if there are not two numbers, or if one overflows.
    pub fn stat(&self) -> Result<DropListing, Malformed> {
        let mut words = words(self.line);
        let messages = words.next().and_then(number).and_then(|n| u32::try_from(n).ok());
        let octets = words.next().and_then(number);
        let (Some(messages), Some(octets)) = (messages, octets) else { return Err(Malformed::DropListing) };
        Ok(DropListing { messages, octets })
    }

    /// Parses the answer to LIST for the message `asked`.
    ///
    /// # Errors
    ///
    /// [`Malformed::ScanListing`], or [`Malformed::OtherMessage`] if the number is not `asked`.
    pub fn scan_listing(&self, asked: u32) -> Result<ScanListing, Malformed> {
        let listing = ScanListing::parse(self.line)?;
        if listing.number == asked { Ok(listing) } else { Err(Malformed::OtherMessage) }
    }

    /// Parses the answer to UIDL for the message `asked`.
    ///
    /// # Errors
    ///
    /// [`Malformed::UniqueId`], or [`Malformed::OtherMessage`] if the number is not `asked`.
    pub fn unique_id(&self, asked: u32) -> Result<UniqueId<'a>, Malformed> {
        let (number, id) = UniqueId::parse(self.line)?;
        if number == asked { Ok(id) } else { Err(Malformed::OtherMessage) }
    }

    /// Parses the answer to LAST: the highest message number accessed, or 0 for none (RFC 1460).
    ///
    /// # Errors
    ///
    /// [`Malformed::Last`] if there is no number.
    pub fn last(&self) -> Result<u32, Malformed> {
        let last = words(self.line).next().and_then(number).and_then(|n| u32::try_from(n).ok());
        last.ok_or(Malformed::Last)
    }

    /// Parses the answer to LANG with an argument: the tag of the language now in use (RFC 6856, section 3.1).
    pub fn language(&self) -> &'a [u8] {
        words(self.line).next().unwrap_or_default()
    }
}

impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", Text::new(self.line))
    }
}

/// A `-ERR` line: the server refused the command. The session continues, unless this is the greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal<'a> {
    pub(crate) reply: Reply<'a>,
    pub(crate) is_protected: bool,
}

impl<'a> Refusal<'a> {
    pub(crate) const fn new(line: &'a [u8], is_protected: bool) -> Refusal<'a> {
        Refusal { reply: Reply::new(line), is_protected }
    }

    /// Returns true if the refusal arrived inside TLS. Anyone on the path can forge one that did not: do not show its
    /// text, or an address in it, as the server's (RFC 2595, section 9).
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// Returns everything after the `-ERR` and its space, response code included.
    pub const fn line(&self) -> &'a [u8] {
        self.reply.line
    }

    /// Returns the text after the response code, for humans.
    pub fn text(&self) -> Text<'a> {
        self.reply.text()
    }

    /// Returns the response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        self.reply.code()
    }
}

/// A line of a listing, without byte-stuffing and line end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row<'a>(pub(crate) &'a [u8]);

impl<'a> Row<'a> {
    /// Returns the line as received.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Returns true if the line is empty or contains only spaces. Some servers send such lines between the others.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|&b| b == b' ' || b == b'\t')
    }

    /// Parses the line as a scan listing (RFC 1939, section 5).
    ///
    /// # Errors
    ///
    /// [`Malformed::ScanListing`] if there are not two numbers, the first is 0, or one overflows.
    pub fn scan_listing(&self) -> Result<ScanListing, Malformed> {
        ScanListing::parse(self.bare())
    }

    /// Parses the line as a message number and its unique-id (RFC 1939, section 7).
    ///
    /// # Errors
    ///
    /// [`Malformed::UniqueId`] if the line does not begin with a message number and a space.
    pub fn unique_id(&self) -> Result<(u32, UniqueId<'a>), Malformed> {
        UniqueId::parse(self.bare())
    }

    /// Returns the line as a capability (RFC 2449, section 5).
    pub const fn capability(&self) -> Capability<'a> {
        Capability::new(self.0)
    }

    /// Parses the line as a language: its tag and its description (RFC 6856, section 3.1).
    pub fn language(&self) -> (&'a [u8], Text<'a>) {
        let line = self.0.trim_ascii();
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        (&line[..end], Text::new(line[end..].trim_ascii()))
    }

    /// Removes the `+OK` that some servers put in front of every line.
    fn bare(&self) -> &'a [u8] {
        self.0.strip_prefix(b"+OK ").unwrap_or(self.0)
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({:?})", Text::new(self.0))
    }
}
