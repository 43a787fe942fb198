//! What a server serves: the one trait between the protocol and a store of messages.

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU32;

use crate::apop::{Digest, Timestamp};
use crate::reply::Code;

/// A store of messages, as one connection sees it.
///
/// Before [`login`](Self::login) succeeds it is empty. Then it is what it was at that moment until it is dropped: message
/// `n` stays message `n`, and messages that arrive meanwhile are for the next session (RFC 1939, section 5). Numbers are
/// 1-based and never exceed [`count`](Self::count). Dropping the value is how a session without UPDATE ends: it releases
/// what `login` locked and removes nothing.
///
/// Every call is made between two reads of a socket. Whoever has a slow store drives [`Server`](crate::Server) itself.
pub trait Maildrop {
    /// Checks who logs in, and takes the exclusive lock on his maildrop (RFC 1939, section 4).
    ///
    /// Called again after a refusal, never after a success. [`Credentials::prove`] does the comparison; a user who does
    /// not exist must look like a wrong password.
    ///
    /// # Errors
    ///
    /// Why not. The session stays in AUTHORIZATION.
    fn login(&mut self, credentials: Credentials<'_>) -> Result<(), LoginRefused>;

    /// How many messages there are, those to be deleted included.
    fn count(&self) -> u32;

    /// The octets of a message as they are sent, which is what [`transmitted_octets`](crate::transmitted_octets) counts.
    fn octets(&self, number: NonZeroU32) -> u64;

    /// The unique-id of a message: 1 to 70 octets from 0x21 to 0x7E, never used for another message as long as this one
    /// exists (RFC 1939, section 7). UIDL is refused where an id breaks the rule.
    fn unique_id(&self, number: NonZeroU32) -> &str;

    /// Reads from octet `at` of the stored message, counted from 0, into the front of `buffer`, which is never empty.
    ///
    /// Returns how many octets were read, and 0 only at the end of the message. Lines may end in CRLF or LF.
    ///
    /// # Errors
    ///
    /// What went wrong. At `at == 0` the client is refused; in the middle of a message the connection ends (RFC 1939,
    /// section 3: there is no other way to tell him that what he got is not whole).
    fn read(&mut self, number: NonZeroU32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError>;

    /// UPDATE: removes the marked messages, given in ascending order, and releases the lock (RFC 1939, section 6).
    ///
    /// # Errors
    ///
    /// Some of them were not removed. No other message may ever be.
    fn remove(&mut self, marked: &mut dyn Iterator<Item = NonZeroU32>) -> Result<(), StoreError>;
}

/// What a client offers as proof of who it is. `Debug` shows no secret.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// USER and PASS, or SASL PLAIN (RFC 1939, section 7; RFC 4616).
    Password {
        /// The name of the mailbox.
        user: &'a str,
        /// The password, never empty.
        password: &'a str,
    },
    /// APOP (RFC 1939, section 7).
    Apop {
        /// The name of the mailbox.
        user: &'a str,
        /// The timestamp of the greeting.
        timestamp: Timestamp<'a>,
        /// The digest that the client made of it.
        digest: Digest,
    },
}

impl<'a> Credentials<'a> {
    /// The name of the mailbox, as the client gave it: it may hold anything but NUL.
    pub const fn user(&self) -> &'a str {
        match self {
            Credentials::Password { user, .. } | Credentials::Apop { user, .. } => user,
        }
    }

    /// Whether the client knows `secret`, the password that it shares with the store. Nobody knows an empty one.
    ///
    /// The time this takes tells nothing of where the two differ, but it may tell the length of the password.
    pub fn prove(&self, secret: &[u8]) -> bool {
        let equal = match self {
            Credentials::Password { password, .. } => {
                let pairs = password.bytes().zip(secret.iter().chain(core::iter::repeat(&0)));
                // `black_box` keeps the compiler from leaving the loop as soon as the answer is known.
                let seen = pairs.fold(0, |seen, (mine, theirs)| core::hint::black_box(seen | (mine ^ theirs)));
                (seen == 0) & (password.len() == secret.len())
            }
            Credentials::Apop { timestamp, digest, .. } => Digest::new(*timestamp, secret).verify(digest),
        };
        equal & !secret.is_empty()
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if matches!(self, Credentials::Apop { .. }) { "Apop" } else { "Password" };
        write!(f, "{way} {{ user: {:?}, .. }}", self.user())
    }
}

/// Why a login was refused. A text is for the eyes of whoever runs the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// No such user, or a wrong password: the two must look the same. Answered `[AUTH]` (RFC 3206, section 5).
    #[error("wrong user name or password")]
    Credentials,
    /// Another session has the lock. Answered `[IN-USE]` (RFC 2449, section 8.1.2).
    #[error("the maildrop is in use by another session")]
    InUse,
    /// The last login was too short a while ago. Answered `[LOGIN-DELAY]` (RFC 2449, section 8.1.1).
    #[error("the last login was too short a while ago")]
    TooSoon,
    /// The store fails, and that will pass. Answered `[SYS/TEMP]` (RFC 3206, section 4).
    #[error("{0}")]
    Temporary(String),
    /// The store fails, and somebody must mend it. Answered `[SYS/PERM]` (RFC 3206, section 4).
    #[error("{0}")]
    Permanent(String),
}

impl LoginRefused {
    /// The response code that says so to the client.
    pub const fn code(&self) -> Code {
        match self {
            LoginRefused::Credentials => Code::Auth,
            LoginRefused::InUse => Code::InUse,
            LoginRefused::TooSoon => Code::LoginDelay,
            LoginRefused::Temporary(_) => Code::SysTemp,
            LoginRefused::Permanent(_) => Code::SysPerm,
        }
    }
}

/// A store that could not do what it was asked for, with a text for the eyes of whoever runs the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_password_is_compared_whole() {
        let offer = |password| Credentials::Password { user: "u", password };
        assert!(offer(" pa ss ").prove(b" pa ss "));
        for wrong in ["p", "pass!", "Pass", "pas", "passpass", "pass\0"] {
            assert!(!offer(wrong).prove(b"pass"), "{wrong:?}");
        }
        assert!(!offer("pass").prove(b""), "nobody knows an empty password");
        assert!(!offer("").prove(b""));
    }

    #[test]
    fn a_digest_proves_the_secret() {
        let timestamp = Timestamp::find(b"<1896.697170952@dbc.mtview.ca.us>").unwrap();
        let offer =
            |secret: &[u8]| Credentials::Apop { user: "mrose", timestamp, digest: Digest::new(timestamp, secret) };
        assert!(offer(b"tanstaaf").prove(b"tanstaaf"));
        assert!(!offer(b"tanstaaf").prove(b"tanstaag"));
        assert!(!offer(b"").prove(b""));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Credentials::Password { user: "u", password: "hush" });
        assert!(!shown.contains("hush"), "{shown}");
    }
}
