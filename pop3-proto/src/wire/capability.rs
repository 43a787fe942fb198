//! Capabilities: the lines of a CAPA answer (RFC 2449).

use core::fmt;

use crate::wire::number::{number, words};
use crate::wire::text::Text;

/// One capability: a tag and its parameters, as the server sent them (RFC 2449, section 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability<'a>(&'a [u8]);

/// The capabilities that this crate interprets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KnownCapability<'a> {
    /// `TOP` (RFC 2449, section 6.1).
    Top,
    /// `USER`: login with USER and PASS is available (RFC 2449, section 6.2).
    User,
    /// `SASL`: login with AUTH is available, with the mechanisms in the parameters (RFC 2449, section 6.3; RFC 5034).
    Sasl,
    /// `RESP-CODES`: a text that begins with `[` begins with a response code (RFC 2449, section 6.4).
    RespCodes,
    /// `LOGIN-DELAY`: the minimum time between two logins (RFC 2449, section 6.5).
    LoginDelay {
        /// The time in seconds.
        seconds: u64,
        /// The time may differ between users and is certain only after the login.
        per_user: bool,
    },
    /// `PIPELINING`: commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    Pipelining,
    /// `EXPIRE`: the time for which the server keeps messages (RFC 2449, section 6.7).
    Expire {
        /// Days after which the server deletes a message; 0 means as soon as it was retrieved, `None` means never.
        days: Option<u64>,
        /// The time may differ between users and is certain only after the login.
        per_user: bool,
    },
    /// `UIDL` (RFC 2449, section 6.8).
    Uidl,
    /// `IMPLEMENTATION`: the name of the server, which must not change the behavior of a client (RFC 2449, section
    /// 6.9).
    Implementation(Text<'a>),
    /// `STLS` (RFC 2595, section 4).
    Stls,
    /// `AUTH-RESP-CODE`: a refusal because of wrong credentials carries the code AUTH (RFC 3206, section 6).
    AuthRespCode,
    /// `UTF8` (RFC 6856, section 2).
    Utf8 {
        /// Names and passwords may be UTF-8 (RFC 6856, section 2.2).
        user: bool,
    },
    /// `LANG` (RFC 6856, section 3).
    Lang,
}

impl<'a> Capability<'a> {
    /// Wraps a line of a CAPA answer, without its line end.
    pub(crate) const fn new(line: &'a [u8]) -> Capability<'a> {
        Capability(line)
    }

    /// Returns the line as received.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the tag, which is case-insensitive. It is empty if the line is blank.
    pub fn tag(self) -> &'a [u8] {
        words(self.0).next().unwrap_or_default()
    }

    /// Returns the parameters in order.
    pub fn params(self) -> impl Iterator<Item = &'a [u8]> {
        words(self.0).skip(1)
    }

    /// Returns the meaning of the capability, or `None` if it is unknown or has invalid parameters.
    pub fn known(self) -> Option<KnownCapability<'a>> {
        let tag = self.tag();
        let is = |name: &str| tag.eq_ignore_ascii_case(name.as_bytes());
        let first = self.params().next();
        let user = |nth: usize| self.params().nth(nth).is_some_and(|word| word.eq_ignore_ascii_case(b"USER"));
        if is("TOP") {
            Some(KnownCapability::Top)
        } else if is("USER") {
            Some(KnownCapability::User)
        } else if is("SASL") {
            Some(KnownCapability::Sasl)
        } else if is("RESP-CODES") {
            Some(KnownCapability::RespCodes)
        } else if is("LOGIN-DELAY") {
            Some(KnownCapability::LoginDelay { seconds: number(first?)?, per_user: user(1) })
        } else if is("PIPELINING") {
            Some(KnownCapability::Pipelining)
        } else if is("EXPIRE") {
            let never = first?.eq_ignore_ascii_case(b"NEVER");
            let days = if never { None } else { Some(number(first?)?) };
            Some(KnownCapability::Expire { days, per_user: user(1) })
        } else if is("UIDL") {
            Some(KnownCapability::Uidl)
        } else if is("IMPLEMENTATION") {
            Some(KnownCapability::Implementation(Text::new(
                self.0.trim_ascii().strip_prefix(tag).unwrap_or_default().trim_ascii(),
            )))
        } else if is("STLS") {
            Some(KnownCapability::Stls)
        } else if is("AUTH-RESP-CODE") {
            Some(KnownCapability::AuthRespCode)
        } else if is("UTF8") {
            Some(KnownCapability::Utf8 { user: user(0) })
        } else if is("LANG") {
            Some(KnownCapability::Lang)
        } else {
            None
        }
    }
}

/// Shows the line as [`Text`].
impl fmt::Display for Capability<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::new(self.0).fmt(f)
    }
}

impl fmt::Debug for Capability<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capability({:?})", Text::new(self.0))
    }
}
