//! What a server says: status lines, response codes, drop listings, scan listings, unique-ids and languages.
//!
//! Everything borrows from the received octets. A value is parsed when it is asked for, and one that is malformed fails
//! only that question.

use core::fmt;
use core::num::NonZeroU32;

use crate::apop::Timestamp;
use crate::capability::Capability;
use crate::command::{message_number, number};
use crate::error::Malformed;
use crate::sasl::Payload;

/// Octets that a server means for human eyes. Shown with controls, direction marks and non-UTF-8 octets escaped.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Takes octets as text.
    pub const fn new(octets: &'a [u8]) -> Text<'a> {
        Text(octets)
    }

    /// The octets as they came.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || is_invisible(c) {
                    write!(f, "{}", c.escape_unicode())?;
                } else {
                    fmt::Write::write_char(f, c)?;
                }
            }
            for octet in chunk.invalid() {
                write!(f, "\\x{octet:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Characters that change how their neighbours look, or separate lines, without being seen.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

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

/// A response code: `[level/level]` at the beginning of a status line's text (RFC 2449, section 8).
///
/// Its meaning is certain only if the server announced `RESP-CODES`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode<'a>(&'a [u8]);

/// The response codes that have a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// `IN-USE`: the maildrop is locked by another session; says nothing of the credentials (RFC 2449, section 8.1.2).
    InUse,
    /// `LOGIN-DELAY`: the last login was too short a while ago (RFC 2449, section 8.1.1).
    LoginDelay,
    /// `SYS/TEMP`: a system failure that will pass (RFC 3206, section 4).
    SysTemp,
    /// `SYS/PERM`: a system failure that somebody must mend (RFC 3206, section 4).
    SysPerm,
    /// `SYS` with an unknown detail.
    Sys,
    /// `AUTH`: the credentials are wrong (RFC 3206, section 5).
    Auth,
    /// `UTF8`: the message, or the maildrop, needs UTF-8 mode (RFC 6856, section 5).
    Utf8,
    /// Any other.
    Other,
}

impl Code {
    /// The code as it stands between the brackets, in upper case; empty for [`Other`](Code::Other).
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::InUse => "IN-USE",
            Code::LoginDelay => "LOGIN-DELAY",
            Code::SysTemp => "SYS/TEMP",
            Code::SysPerm => "SYS/PERM",
            Code::Sys => "SYS",
            Code::Auth => "AUTH",
            Code::Utf8 => "UTF8",
            Code::Other => "",
        }
    }
}

impl<'a> ResponseCode<'a> {
    /// The code at the beginning of `text`, and the text behind it. Malformed brackets are text.
    fn split(text: &'a [u8]) -> (Option<ResponseCode<'a>>, &'a [u8]) {
        let plain = (None, text);
        let Some(inner) = text.strip_prefix(b"[") else { return plain };
        let Some(end) = inner.iter().position(|&b| b == b']') else { return plain };
        let (code, rest) = (&inner[..end], &inner[end + 1..]);
        let level = |level: &[u8]| !level.is_empty() && level.iter().all(|b| (0x21..=0x7e).contains(b));
        if !code.split(|&b| b == b'/').all(level) {
            return plain;
        }
        (Some(ResponseCode(code)), rest.strip_prefix(b" ").unwrap_or(rest))
    }

    /// The code without its brackets, as it came.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The levels of the hierarchy, the most general first. Compare them without regard to case.
    pub fn levels(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|&b| b == b'/')
    }

    /// What the code means, to the level that is known.
    pub fn code(self) -> Code {
        let mut levels = self.levels();
        let (first, second) = (levels.next().unwrap_or_default(), levels.next().unwrap_or_default());
        let known = |name: &str| first.eq_ignore_ascii_case(name.as_bytes());
        let detail = |name: &str| second.eq_ignore_ascii_case(name.as_bytes());
        if known("IN-USE") {
            Code::InUse
        } else if known("LOGIN-DELAY") {
            Code::LoginDelay
        } else if known("AUTH") {
            Code::Auth
        } else if known("UTF8") {
            Code::Utf8
        } else if known("SYS") && detail("TEMP") {
            Code::SysTemp
        } else if known("SYS") && detail("PERM") {
            Code::SysPerm
        } else if known("SYS") {
            Code::Sys
        } else {
            Code::Other
        }
    }
}

impl fmt::Debug for ResponseCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", Text(self.0))
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
        Text(ResponseCode::split(self.line).1)
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
        write!(f, "Reply({:?})", Text(self.line))
    }
}

/// A `-ERR` line: the server said no, and the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal<'a>(pub(crate) Reply<'a>);

impl<'a> Refusal<'a> {
    /// All that stands behind the `-ERR` and its blank, response code included.
    pub const fn line(&self) -> &'a [u8] {
        self.0.line
    }

    /// The text behind the response code, for humans.
    pub fn text(&self) -> Text<'a> {
        self.0.text()
    }

    /// The response code, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<ResponseCode<'a>> {
        self.0.code()
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
    /// [`Malformed::UniqueId`] if it does not begin with a message number.
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
        (&line[..end], Text(line[end..].trim_ascii()))
    }

    /// Some servers put `+OK` in front of every line.
    fn bare(&self) -> &'a [u8] {
        self.0.strip_prefix(b"+OK ").unwrap_or(self.0)
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({:?})", Text(self.0))
    }
}

/// The drop listing: the answer to STAT (RFC 1939, section 5). Messages marked as deleted do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropListing {
    /// How many messages the maildrop has.
    pub messages: u32,
    /// Their octets, as the server counts them: a hint, often wrong.
    pub octets: u64,
}

/// As in the answer to STAT: both numbers, one blank between them.
impl fmt::Display for DropListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.octets)
    }
}

/// A scan listing: a line of LIST (RFC 1939, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScanListing {
    /// The message number, valid in this session only.
    pub number: NonZeroU32,
    /// Its octets, as the server counts them: a hint, often wrong.
    pub octets: u64,
}

/// As in a line of LIST: both numbers, one blank between them.
impl fmt::Display for ScanListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.octets)
    }
}

impl ScanListing {
    fn parse(line: &[u8]) -> Result<ScanListing, Malformed> {
        let mut words = words(line);
        let (number, octets) = (words.next().and_then(message_number), words.next().and_then(number));
        let (Some(number), Some(octets)) = (number, octets) else { return Err(Malformed::ScanListing) };
        Ok(ScanListing { number, octets })
    }
}

/// A unique-id: octets chosen by the server that name a message across sessions (RFC 1939, section 7).
///
/// It is neither text nor a file name. Servers send empty ones, doubled ones, and ones that are not
/// [conforming](Self::is_conforming); all of them are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId<'a>(&'a [u8]);

impl<'a> UniqueId<'a> {
    /// Takes octets as an id.
    pub const fn new(octets: &'a [u8]) -> UniqueId<'a> {
        UniqueId(octets)
    }

    fn parse(line: &'a [u8]) -> Result<(NonZeroU32, UniqueId<'a>), Malformed> {
        let line = line.trim_ascii_start();
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let number = message_number(&line[..end]).ok_or(Malformed::UniqueId)?;
        let id = &line[end..];
        let blanks = id.iter().take_while(|&&b| b == b' ').count();
        Ok((number, UniqueId(&id[blanks..])))
    }

    /// The octets of the id, 0 or more.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether the id keeps the rule: 1 to 70 octets, each from 0x21 to 0x7E (RFC 1939, section 7).
    pub fn is_conforming(self) -> bool {
        matches!(self.0.len(), 1..=70) && self.0.iter().all(|b| (0x21..=0x7e).contains(b))
    }
}

impl fmt::Debug for UniqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UniqueId({:?})", Text(self.0))
    }
}

/// The words of a line, however many blanks stand between them.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b' ' || b == b'\t').filter(|word| !word.is_empty())
}
