//! Response codes: machine-readable reasons for a refusal (RFC 2449, section 8; RFC 3206).

use core::fmt;

use crate::wire::text::Text;

/// A response code: `[level/level]` at the beginning of a status line's text (RFC 2449, section 8).
///
/// Its meaning is reliable only if the server announced `RESP-CODES`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseCode<'a>(&'a [u8]);

/// The response codes that this crate interprets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// `IN-USE`: another session has locked the maildrop. This implies nothing about the credentials (RFC 2449, section
    /// 8.1.2).
    InUse,
    /// `LOGIN-DELAY`: the last login was too recent (RFC 2449, section 8.1.1).
    LoginDelay,
    /// `SYS/TEMP`: a temporary system failure (RFC 3206, section 4).
    SysTemp,
    /// `SYS/PERM`: a system failure that requires human intervention (RFC 3206, section 4).
    SysPerm,
    /// `SYS` with an unknown detail.
    Sys,
    /// `AUTH`: the credentials are wrong (RFC 3206, section 5).
    Auth,
    /// `UTF8`: the message or the maildrop requires UTF-8 mode (RFC 6856, section 5).
    Utf8,
    /// Any other code.
    Other,
}

impl Code {
    /// Returns the code as written between the brackets, in upper case; empty for [`Other`](Code::Other).
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
    /// Splits `text` into the code at its beginning and the text after it. Malformed brackets are text.
    pub(super) fn split(text: &'a [u8]) -> (Option<ResponseCode<'a>>, &'a [u8]) {
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

    /// Returns the code as received, without its brackets. Its levels are separated by `/`, the most general first; they
    /// are case-insensitive.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the meaning of the code, to the deepest level that is known.
    pub fn code(self) -> Code {
        let mut levels = self.0.split(|&b| b == b'/');
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
        write!(f, "[{}]", Text::new(self.0))
    }
}
