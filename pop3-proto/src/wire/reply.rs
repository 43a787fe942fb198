//! What a server says: status lines, response codes, drop listings, scan listings, unique-ids and languages.
//!
//! Everything borrows from the received octets. A value is parsed when it is asked for, and one that is malformed fails
//! only that question.

use core::fmt;
use core::num::NonZeroU32;

use crate::wire::code::ResponseCode;
use crate::wire::listing::{DropListing, ScanListing, UniqueId};
use crate::wire::text::Text;

use crate::wire::apop::Timestamp;
use crate::wire::capability::Capability;
use crate::wire::malformed::Malformed;
use crate::wire::number::{number, words};
use crate::wire::payload::Payload;

/// A status line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Ok(&'a [u8]),
    Err(&'a [u8]),
    Challenge(&'a [u8]),
}

impl<'a> Status<'a> {
    /// `+OK` and `-ERR` in any case, then nothing or a blank; `+` likewise (RFC 1939, section 3; RFC 5034, section 4).
    pub(crate) fn parse(line: &'a [u8]) -> Option<Status<'a>> {
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let (indicator, text) = line.split_at(end);
        let text = text.strip_prefix(b" ").unwrap_or(text);
        match indicator {
            b"+" => Some(Status::Challenge(text)),
            _ if indicator.eq_ignore_ascii_case(b"+OK") => Some(Status::Ok(text)),
            _ if indicator.eq_ignore_ascii_case(b"-ERR") => Some(Status::Err(text)),
            _ => None,
        }
    }
}

/// The greeting of a server that lets us in (RFC 1939, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Greeting<'a>(pub(crate) Reply<'a>);

impl<'a> Greeting<'a> {
    /// The text, for humans. It never lets the client skip the login.
    pub fn text(&self) -> Text<'a> {
        self.0.text()
    }

    /// The response code, if there is one.
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        self.0.code()
    }

    /// The first valid timestamp for APOP, brackets included (RFC 1939, section 7).
    pub fn timestamp(&self) -> Option<Timestamp<'a>> {
        Timestamp::find(self.0.line)
    }
}

/// The text of a `+OK` line, and what it says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reply<'a> {
    line: &'a [u8],
}

impl<'a> Reply<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Reply<'a> {
        Reply { line }
    }

    /// All that stands behind the `+OK` and its blank, response code included.
    pub const fn line(&self) -> &'a [u8] {
        self.line
    }

    /// The text behind the response code, for humans.
    pub fn text(&self) -> Text<'a> {
        Text::new(ResponseCode::split(self.line).1)
    }

    /// The response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        ResponseCode::split(self.line).0
    }

    /// The answer to STAT. Text behind the second number is ignored (RFC 1939, section 5).
    ///
    /// # Errors
    ///
    /// [`Malformed::DropListing`] if there are no two numbers, or they overflow.
    pub fn stat(&self) -> Result<DropListing, Malformed> {
        let mut words = words(self.line);
        let messages = words.next().and_then(number).and_then(|n| u32::try_from(n).ok());
        let octets = words.next().and_then(number);
        let (Some(messages), Some(octets)) = (messages, octets) else { return Err(Malformed::DropListing) };
        Ok(DropListing { messages, octets })
    }

    /// The answer to LIST with the message `asked` for.
    ///
    /// # Errors
    ///
    /// [`Malformed::ScanListing`], or [`Malformed::OtherMessage`] if its number is not `asked`.
    pub fn scan_listing(&self, asked: NonZeroU32) -> Result<ScanListing, Malformed> {
        let listing = ScanListing::parse(self.line)?;
        if listing.number == asked { Ok(listing) } else { Err(Malformed::OtherMessage) }
    }

    /// The answer to UIDL with the message `asked` for.
    ///
    /// # Errors
    ///
    /// [`Malformed::UniqueId`], or [`Malformed::OtherMessage`] if its number is not `asked`.
    pub fn unique_id(&self, asked: NonZeroU32) -> Result<UniqueId<'a>, Malformed> {
        let (number, id) = UniqueId::parse(self.line)?;
        if number == asked { Ok(id) } else { Err(Malformed::OtherMessage) }
    }

    /// The answer to LAST: the highest message number accessed, 0 for none (RFC 1460).
    ///
    /// # Errors
    ///
    /// [`Malformed::Last`] if there is no number.
    pub fn last(&self) -> Result<u32, Malformed> {
        let last = words(self.line).next().and_then(number).and_then(|n| u32::try_from(n).ok());
        last.ok_or(Malformed::Last)
    }

    /// The answer to LANG with an argument: the tag of the language now in use (RFC 6856, section 3.1).
    pub fn language(&self) -> &'a [u8] {
        words(self.line).next().unwrap_or_default()
    }
}

impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", Text::new(self.line))
    }
}

/// A `-ERR` line: the server said no, and the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal<'a> {
    pub(crate) reply: Reply<'a>,
    pub(crate) is_protected: bool,
}

impl<'a> Refusal<'a> {
    pub(crate) const fn new(line: &'a [u8], is_protected: bool) -> Refusal<'a> {
        Refusal { reply: Reply::new(line), is_protected }
    }

    /// Whether it came inside TLS. What did not may be anybody's: nothing that it says, and no address in it, is to be
    /// shown as the server's (RFC 2595, section 9).
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// All that stands behind the `-ERR` and its blank, response code included.
    pub const fn line(&self) -> &'a [u8] {
        self.reply.line
    }

    /// The text behind the response code, for humans.
    pub fn text(&self) -> Text<'a> {
        self.reply.text()
    }

    /// The response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        self.reply.code()
    }
}

/// A challenge inside AUTH (RFC 5034, section 4). What follows the `+` is Base64, or a server's chatter.
///
/// `Debug` shows only the length: in some mechanisms a challenge is enough to guess the secret from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a>(pub(crate) &'a [u8]);

impl<'a> Challenge<'a> {
    /// The data of the challenge.
    pub const fn payload(&self) -> Payload<'a> {
        Payload::Base64(self.0)
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({:?})", self.payload())
    }
}

/// A line of a listing, without byte-stuffing and line end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row<'a>(pub(crate) &'a [u8]);

impl<'a> Row<'a> {
    /// The line as it came.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is nothing in it but blanks. Some servers send such lines between the others.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|&b| b == b' ' || b == b'\t')
    }

    /// The line as a scan listing (RFC 1939, section 5).
    ///
    /// # Errors
    ///
    /// [`Malformed::ScanListing`] if there are no two numbers, the first is 0, or one overflows.
    pub fn scan_listing(&self) -> Result<ScanListing, Malformed> {
        ScanListing::parse(self.bare())
    }

    /// The line as a message number and its unique-id (RFC 1939, section 7).
    ///
    /// # Errors
    ///
    /// [`Malformed::UniqueId`] if it does not begin with a message number and a blank.
    pub fn unique_id(&self) -> Result<(NonZeroU32, UniqueId<'a>), Malformed> {
        UniqueId::parse(self.bare())
    }

    /// The line as a capability (RFC 2449, section 5).
    pub const fn capability(&self) -> Capability<'a> {
        Capability::new(self.0)
    }

    /// The line as a language: its tag, and its description (RFC 6856, section 3.1).
    pub fn language(&self) -> (&'a [u8], Text<'a>) {
        let line = self.0.trim_ascii();
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        (&line[..end], Text::new(line[end..].trim_ascii()))
    }

    /// Some servers put `+OK` in front of every line.
    fn bare(&self) -> &'a [u8] {
        self.0.strip_prefix(b"+OK ").unwrap_or(self.0)
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({:?})", Text::new(self.0))
    }
}
