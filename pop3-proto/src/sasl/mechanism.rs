//! The trait of a client's SASL mechanism: challenges in, messages out (RFC 4422).

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::wire::argument::BadArgument;

/// A decoded message of a mechanism. Its memory is wiped when dropped.
pub type SaslMessage = Zeroizing<Vec<u8>>;

/// The client side of a SASL mechanism, for one exchange (RFC 4422, RFC 5034). Use your own with
/// [`Credentials::mechanism`](crate::login::Credentials::mechanism).
///
/// The caller handles Base64, line lengths and `*`. Nothing that a mechanism returns is logged or shown by `Debug`.
///
/// ```
/// use pop3_proto::sasl::{Mechanism, MechanismError, SaslMessage};
///
/// /// ANONYMOUS (RFC 4505).
/// struct Anonymous {
///     sent: bool,
/// }
///
/// impl Mechanism for Anonymous {
///     fn name(&self) -> &str {
///         "ANONYMOUS"
///     }
///
///     fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
///         self.sent = true;
///         Ok(Some(b"guest@example.org".to_vec().into()))
///     }
///
///     fn respond(&mut self, _challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
///         Err(MechanismError::Challenge("ANONYMOUS expects no challenge"))
///     }
///
///     fn is_complete(&self) -> bool {
///         self.sent
///     }
///
///     fn shows_secret(&self) -> bool {
///         false
///     }
/// }
/// ```
pub trait Mechanism: Send {
    /// Returns the name as servers announce it: 1 to 20 of `A-Z`, `0-9`, `-` and `_` (RFC 4422, section 3.1).
    fn name(&self) -> &str;

    /// Returns the first message, or `None` if the server sends first. This is called once, before any other method.
    ///
    /// The message is sent with the AUTH command if the server announced the mechanism and the line is short enough.
    /// Otherwise it answers the first challenge (RFC 5034, section 4).
    ///
    /// # Errors
    ///
    /// [`MechanismError`]: nothing is sent.
    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError>;

    /// Returns the response to a challenge, which may be empty.
    ///
    /// # Errors
    ///
    /// [`MechanismError`]: the exchange is cancelled, and this is not called again.
    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError>;

    /// Returns true if the exchange is complete and the server has proved everything that it must prove. If the server
    /// sends `+OK` before that, the session ends with an error.
    fn is_complete(&self) -> bool;

    /// Returns true if the messages so far let the server judge the credentials. Called after at least one was sent.
    ///
    /// Returns true unless overridden. A mechanism that begins with the user name alone overrides it: a refusal before
    /// the proof does not concern the password.
    fn has_proved(&self) -> bool {
        true
    }

    /// Returns true if an eavesdropper could replay the exchange to log in. Such a mechanism is used only inside TLS,
    /// or if you allow it.
    fn shows_secret(&self) -> bool;

    /// Returns the reason for a refusal that the server gave inside the mechanism, such as the JSON of OAUTHBEARER (RFC
    /// 7628, section 3.2.2).
    fn explanation(&self) -> Option<&[u8]> {
        None
    }
}

impl fmt::Debug for dyn Mechanism + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mechanism({})", self.name())
    }
}

/// Implements `Debug` to show only the name of the mechanism.
macro_rules! debug_by_name {
    ($($mechanism:ty),*) => {$(
        impl core::fmt::Debug for $mechanism {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self as &dyn $crate::sasl::Mechanism, f)
            }
        }
    )*};
}
pub(super) use debug_by_name;

/// The reason why a mechanism failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The server's challenge is invalid; contains the reason.
    #[error("the server's challenge is invalid: {0}")]
    Challenge(&'static str),
    /// The server asks for more work than a client should do; contains the number of iterations (RFC 5802, section
    /// 5.1).
    #[error("the server asks for {0} iterations, which is too many")]
    TooMuchWork(u32),
    /// The server asks for so little work that the password would be easy to guess; contains the number of iterations
    /// (RFC 7677, section 4).
    #[error("the server asks for only {0} iterations, which makes the password easy to guess")]
    TooLittleWork(u32),
    /// The server did not prove that it knows the password: it may be an impostor.
    #[error("the server did not prove that it knows the password; it may be an impostor")]
    ServerUnverified,
    /// The mechanism cannot send this name, password or token.
    #[error("the credentials cannot be sent: {0}")]
    Credentials(BadArgument),
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    NoRandomness,
}
