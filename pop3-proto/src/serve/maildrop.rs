//! What a server serves: the one trait between the protocol and a store of messages.

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU32;

use zeroize::Zeroizing;

#[cfg(feature = "scram")]
use crate::sasl::ScramKeys;
use crate::wire::apop::{Digest, Timestamp};
use crate::wire::code::Code;

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
    /// Called again after a refusal, never after a success. [`LoginAttempt::prove`] does the comparison; a user who does
    /// not exist must look like a wrong password.
    ///
    /// # Errors
    ///
    /// Why not. The session stays in AUTHORIZATION.
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial>;

    /// Whether the store has keys for SCRAM-SHA-256, so that it is offered. It has not unless it says so.
    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        false
    }

    /// The keys of a user for SCRAM-SHA-256: kept ones ([`ScramKeys`]), or made of his password
    /// ([`ScramSecret::keys_of`]). Asked only where [`has_scram`](Self::has_scram) said so. If the client has what they are
    /// made of, [`login`](Self::login) is called with [`LoginAttempt::Proved`].
    ///
    /// A name that is nobody's gets keys too, in the same time as any other: those of
    /// [`ScramSecret::keys_of_nobody`]. Then it looks like a wrong password.
    ///
    /// # Errors
    ///
    /// The store fails. Nothing here may depend on who exists.
    ///
    /// [`ScramSecret::keys_of`]: crate::sasl::ScramSecret::keys_of
    /// [`ScramSecret::keys_of_nobody`]: crate::sasl::ScramSecret::keys_of_nobody
    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, _user: &str) -> Result<ScramKeys, StoreError> {
        Err(StoreError("there are no keys for SCRAM".into()))
    }

    /// How many messages there are, those to be deleted included.
    fn count(&self) -> u32;

    /// The octets of a message as they are sent, which is what [`transmitted_octets`](crate::transmitted_octets) counts. A
    /// [`Service`](crate::Service) asks for those of all messages when a login succeeds, and answers STAT from their sum.
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
///
/// From a [`Service`](crate::Service), names and passwords are [prepared](crate::sasl::prepare) with the feature
/// `saslprep`, and what cannot be prepared is refused before the store hears of it (RFC 4013; RFC 6856, section 2.2). So
/// is what has a control character, in every way to log in, and what is not US-ASCII and longer than 255 octets.
#[derive(Clone, Copy)]
pub enum LoginAttempt<'a> {
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
    /// SASL SCRAM-SHA-256 (RFC 5802): the client has proved already that it has what the user's keys are made of.
    Proved {
        /// The name of the mailbox.
        user: &'a str,
    },
}

impl<'a> LoginAttempt<'a> {
    /// The name of the mailbox, as the client gave it: it may hold anything but control characters.
    pub const fn user(&self) -> &'a str {
        match self {
            LoginAttempt::Password { user, .. } | LoginAttempt::Apop { user, .. } | LoginAttempt::Proved { user } => {
                user
            }
        }
    }

    /// Whether the client knows `secret`, the password that it shares with the store. Nobody knows an empty one. What was
    /// proved already stays proved, whatever `secret` is.
    ///
    /// With the feature `saslprep` what the client gave is [prepared](crate::sasl::prepare) before it is compared. Prepare
    /// `secret` too, when you store it, and not for each login.
    ///
    /// The time this takes depends on what the client gave, and tells nothing of `secret`: neither its length, nor where the
    /// two differ, nor whether it is US-ASCII. (A digest of APOP takes time for each 64 octets of `secret`.)
    pub fn prove(&self, secret: &[u8]) -> bool {
        let equal = match self {
            LoginAttempt::Proved { .. } => true,
            LoginAttempt::Password { password, .. } => {
                let Some(password) = prepared(password) else { return false };
                let pairs = password.bytes().zip(secret.iter().chain(core::iter::repeat(&0)));
                // `black_box` keeps the compiler from leaving the loop as soon as the answer is known.
                let seen = pairs.fold(0, |seen, (mine, theirs)| core::hint::black_box(seen | (mine ^ theirs)));
                (seen == 0) & (password.len() == secret.len())
            }
            LoginAttempt::Apop { timestamp, digest, .. } => Digest::new(*timestamp, secret).verify(digest),
        };
        equal & !secret.is_empty()
    }
}

/// The longest name or password that is prepared, in octets. One character may become eighteen.
const LONGEST_PREPARED: usize = 255;

/// A name or a password as it is compared: in a form in which both sides mean the same. `None` if it has no such form, has
/// a control character (RFC 4013, section 2.3), or is not US-ASCII and longer than 255 octets.
pub(crate) fn prepared(text: &str) -> Option<Zeroizing<String>> {
    let is_long = text.len() > LONGEST_PREPARED && !text.is_ascii();
    if is_long || text.bytes().any(|octet| octet.is_ascii_control()) {
        return None;
    }
    if cfg!(feature = "saslprep") { crate::sasl::prepare(text).ok() } else { Some(Zeroizing::new(text.into())) }
}

impl fmt::Debug for LoginAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self {
            LoginAttempt::Password { .. } => "Password",
            LoginAttempt::Apop { .. } => "Apop",
            LoginAttempt::Proved { .. } => "Proved",
        };
        write!(f, "{way} {{ user: {:?}, .. }}", self.user())
    }
}

/// Why a login was refused. A text is for the eyes of whoever runs the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
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

impl Denial {
    /// The response code that says so to the client.
    pub const fn code(&self) -> Code {
        match self {
            Denial::Credentials => Code::Auth,
            Denial::InUse => Code::InUse,
            Denial::TooSoon => Code::LoginDelay,
            Denial::Temporary(_) => Code::SysTemp,
            Denial::Permanent(_) => Code::SysPerm,
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
        let offer = |password| LoginAttempt::Password { user: "u", password };
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
            |secret: &[u8]| LoginAttempt::Apop { user: "mrose", timestamp, digest: Digest::new(timestamp, secret) };
        assert!(offer(b"tanstaaf").prove(b"tanstaaf"));
        assert!(!offer(b"tanstaaf").prove(b"tanstaag"));
        assert!(!offer(b"").prove(b""));
    }

    #[test]
    #[cfg(feature = "saslprep")]
    fn both_sides_are_prepared() {
        let offer = |password| LoginAttempt::Password { user: "u", password };
        // RFC 4013, section 3: SOFT HYPHEN goes, and the Roman numeral nine is an I and an X.
        let stored = |password| crate::sasl::prepare(password).unwrap();
        assert!(offer("I\u{AD}X").prove(stored("\u{2168}").as_bytes()));
        assert!(offer("Jose\u{301}").prove("Jos\u{E9}".as_bytes()));
        assert!(offer("Jos\u{E9}").prove(stored("Jose\u{301}").as_bytes()));
        assert!(!offer("Jose").prove("Jos\u{E9}".as_bytes()));
        assert!(!offer("\u{E000}").prove("\u{E000}".as_bytes()), "a private character is prohibited");
        assert!(!offer("\u{AD}").prove("\u{AD}".as_bytes()), "nothing is left of it");

        let timestamp = Timestamp::find(b"<1@h>").unwrap();
        let digest = Digest::new(timestamp, "Jos\u{E9}".as_bytes());
        assert!(LoginAttempt::Apop { user: "u", timestamp, digest }.prove(stored("Jose\u{301}").as_bytes()));
    }

    #[test]
    fn what_is_no_text_is_taken_as_it_is() {
        let timestamp = Timestamp::find(b"<1@h>").unwrap();
        let digest = Digest::new(timestamp, b"caf\xe9");
        assert!(LoginAttempt::Apop { user: "u", timestamp, digest }.prove(b"caf\xe9"));
        assert!(!LoginAttempt::Password { user: "u", password: "caf\u{e9}" }.prove(b"caf\xe9"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", LoginAttempt::Password { user: "u", password: "hush" });
        assert!(!shown.contains("hush"), "{shown}");
    }
}
