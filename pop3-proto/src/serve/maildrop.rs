//! The trait that connects the protocol to a message store.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "scram")]
use crate::sasl::ScramKeys;
use crate::sasl::prepare_query;
use crate::wire::apop::{Digest, Timestamp};
use crate::wire::code::Code;

/// A message store, as one connection sees it.
///
/// It is empty before [`login`](Self::login) succeeds. After that it does not change until it is dropped: message `n`
/// stays message `n`, and new messages appear in the next session (RFC 1939, section 5). Numbers are 1-based and never
/// exceed [`count`](Self::count). A session without UPDATE drops the value, which releases the lock that `login` took
/// and removes nothing.
///
/// To change some methods of an existing maildrop, write a [`MaildropLayer`](crate::serve::MaildropLayer), which leaves
/// all others as they are. A `&mut M` and a `Box<M>` are maildrops too.
///
/// A [`Service`](crate::Service) waits for each call before it processes more input. If your store is slow, drive
/// [`Server`](crate::Server) yourself.
///
/// ```
/// use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};
/// use pop3_proto::transmitted_octets;
///
/// /// A maildrop whose only message shows the load of the machine.
/// struct Load(String);
///
/// impl Maildrop for Load {
///     fn login(&mut self, attempt: LoginAttempt<'_>) -> Result<(), Denial> {
///         // The password is compared in any case, so that the time does not depend on the name.
///         let proved = attempt.prove(b"tanstaaf");
///         if proved && attempt.user() == "mrose" { Ok(()) } else { Err(Denial::Credentials) }
///     }
///
///     fn count(&self) -> u32 {
///         1
///     }
///
///     fn octets(&self, _number: u32) -> u64 {
///         transmitted_octets(self.0.as_bytes())
///     }
///
///     fn unique_id(&self, _number: u32) -> &str {
///         "load"
///     }
///
///     fn read(&mut self, _number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
///         let rest = usize::try_from(at).ok().and_then(|at| self.0.as_bytes().get(at..)).unwrap_or_default();
///         let octets = rest.len().min(buffer.len());
///         buffer[..octets].copy_from_slice(&rest[..octets]);
///         Ok(octets)
///     }
///
///     fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
///         if marked.next().is_none() { Ok(()) } else { Err(StoreError("the load cannot be deleted".into())) }
///     }
/// }
/// ```
pub trait Maildrop {
    /// Authenticates the user and takes the exclusive lock on the user's maildrop (RFC 1939, section 4).
    ///
    /// It may be called again after a refusal, but never after a success. [`LoginAttempt::prove`] does the comparison.
    /// An unknown user must be indistinguishable from a wrong password.
    ///
    /// # Errors
    ///
    /// The reason for the refusal. The session stays in AUTHORIZATION.
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial>;

    /// Returns true if the store has keys for SCRAM-SHA-256. The mechanism is then offered. The default is false.
    #[cfg(feature = "scram")]
    fn has_scram(&self) -> bool {
        false
    }

    /// Returns the keys of a user for SCRAM-SHA-256: stored ones ([`ScramKeys`]), or ones derived from the user's
    /// password ([`ScramSecret::keys_of`]). It is called only if [`has_scram`](Self::has_scram) returns true. If the
    /// client proves that it has the password, [`login`](Self::login) is called with [`LoginAttempt::Proved`].
    ///
    /// Return keys for an unknown user too, in the same time as for any other: those of
    /// [`ScramSecret::keys_of_nobody`]. An unknown user is then indistinguishable from a wrong password.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store failed. It must not depend on which users exist.
    ///
    /// [`ScramSecret::keys_of`]: crate::sasl::ScramSecret::keys_of
    /// [`ScramSecret::keys_of_nobody`]: crate::sasl::ScramSecret::keys_of_nobody
    #[cfg(feature = "scram")]
    fn scram_keys(&mut self, _user: &str) -> Result<ScramKeys, StoreError> {
        Err(StoreError("there are no keys for SCRAM".into()))
    }

    /// Returns the number of messages, including those marked as deleted.
    fn count(&self) -> u32;

    /// Returns the size of a message as transmitted, in octets, as [`transmitted_octets`](crate::transmitted_octets)
    /// counts it. A [`Service`](crate::Service) reads the sizes of all messages when a login succeeds, and answers STAT
    /// with their sum.
    fn octets(&self, number: u32) -> u64;

    /// Returns the unique-id of a message: 1 to 70 octets from 0x21 to 0x7E, never used for another message as long as
    /// this one exists (RFC 1939, section 7). UIDL is refused if an id does not consist of such octets.
    fn unique_id(&self, number: u32) -> &str;

    /// Reads from octet `at` of the stored message, counted from 0, into the front of `buffer`, which is never empty.
    ///
    /// Returns the number of octets read, and 0 only at the end of the message. Lines may end in CRLF or LF.
    ///
    /// # Errors
    ///
    /// The reason for the failure. If `at` is 0, the client gets a refusal. In the middle of a message the connection
    /// is closed, because there is no other way to report that the message is incomplete (RFC 1939, section 3).
    fn read(&mut self, number: u32, at: u64, buffer: &mut [u8]) -> Result<usize, StoreError>;

    /// Removes the marked messages, given in ascending order, and releases the lock: the UPDATE state (RFC 1939,
    /// section 6).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if some of the marked messages were not removed. An implementation must never remove any other
    /// message.
    fn remove(&mut self, marked: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError>;
}

/// The credentials that a client presents. `Debug` shows no secret.
///
/// A [`Service`](crate::Service) [prepares](crate::sasl::prepare) names and passwords with the feature `saslprep`, and
/// refuses those that cannot be prepared before it calls the store (RFC 4013; RFC 6856, section 2.2). For every login
/// method, it also refuses names and passwords that contain a control character, and non-ASCII ones of more than 255
/// octets.
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
        /// The digest that the client computed.
        digest: Digest,
    },
    /// SASL SCRAM-SHA-256 (RFC 5802): the client has already proved that it has the password from which the user's keys
    /// are derived.
    Proved {
        /// The name of the mailbox.
        user: &'a str,
    },
}

impl<'a> LoginAttempt<'a> {
    /// Returns the name of the mailbox as the client sent it. It may contain anything except control characters.
    pub const fn user(&self) -> &'a str {
        match self {
            LoginAttempt::Password { user, .. } | LoginAttempt::Apop { user, .. } | LoginAttempt::Proved { user } => {
                user
            }
        }
    }

    /// Returns true if the client knows `secret`, the password that it shares with the store. An empty secret never
    /// matches. For [`Proved`](Self::Proved) the value of `secret` does not matter, unless it is empty.
    ///
    /// With the feature `saslprep`, the client's password is prepared before the comparison, and may contain code points
    /// that Unicode 3.2 does not assign. [Prepare](crate::sasl::prepare) `secret` too, once when you store it, and not
    /// for each login.
    ///
    /// The time depends on the client's input. It reveals neither the length of `secret`, nor the position of a
    /// difference, nor whether `secret` is US-ASCII. (Exception: with APOP, the time grows with each 64 octets of
    /// `secret`.)
    pub fn prove(&self, secret: &[u8]) -> bool {
        let equal = match self {
            LoginAttempt::Proved { .. } => true,
            LoginAttempt::Password { password, .. } => {
                let Some(password) = prepared(password) else { return false };
                let pairs = password.bytes().zip(secret.iter().chain(core::iter::repeat(&0)));
                // `black_box` prevents the compiler from leaving the loop as soon as the result is known.
                let seen = pairs.fold(0, |seen, (mine, theirs)| core::hint::black_box(seen | (mine ^ theirs)));
                (seen == 0) & (password.len() == secret.len())
            }
            LoginAttempt::Apop { timestamp, digest, .. } => Digest::new(*timestamp, secret).verify(digest),
        };
        equal & !secret.is_empty()
    }
}

/// The maximum length of a name or password that is prepared, in octets. Preparation can turn one character into
/// eighteen.
const LONGEST_PREPARED: usize = 255;

/// Returns a name or password of a login in the form in which it is compared, or `None` if it cannot be prepared,
/// contains a control character (RFC 4013, section 2.3), or is not US-ASCII and longer than 255 octets.
pub(crate) fn prepared(text: &str) -> Option<Zeroizing<String>> {
    let is_long = text.len() > LONGEST_PREPARED && !text.is_ascii();
    if is_long || text.bytes().any(|octet| octet.is_ascii_control()) {
        return None;
    }
    if cfg!(feature = "saslprep") { prepare_query(text).ok() } else { Some(Zeroizing::new(text.into())) }
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

/// The reason why a login was refused. Its text is sent to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// Unknown user or wrong password, which must be indistinguishable. Sent as `[AUTH]` (RFC 3206, section 5).
    #[error("wrong user name or password")]
    Credentials,
    /// Another session has the lock. Sent as `[IN-USE]` (RFC 2449, section 8.1.2).
    #[error("the maildrop is in use by another session")]
    InUse,
    /// The last login was too recent. Sent as `[LOGIN-DELAY]` (RFC 2449, section 8.1.1).
    #[error("the last login was too recent")]
    TooSoon,
    /// The store has a temporary failure. Sent as `[SYS/TEMP]` (RFC 3206, section 4).
    #[error("{0}")]
    Temporary(String),
    /// The store has a failure that requires intervention. Sent as `[SYS/PERM]` (RFC 3206, section 4).
    #[error("{0}")]
    Permanent(String),
}

impl Denial {
    /// Returns the response code for the client.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Denial::Credentials => Code::Auth,
            Denial::InUse => Code::InUse,
            Denial::TooSoon => Code::LoginDelay,
            Denial::Temporary(_) => Code::SysTemp,
            Denial::Permanent(_) => Code::SysPerm,
        }
    }
}

/// A failure of the store, with a text for the client's user.
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
        // RFC 4013, section 3: SOFT HYPHEN is removed, and the Roman numeral nine becomes I and X.
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
    fn a_password_that_is_not_text_is_compared_unchanged() {
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
