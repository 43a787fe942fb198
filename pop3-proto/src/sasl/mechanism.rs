//! What a SASL mechanism is to a client: messages out, challenges in, and whether it is complete (RFC 4422).

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::wire::argument::BadArgument;

/// A message of a mechanism, decoded. Its memory is wiped when dropped.
pub type Message = Zeroizing<Vec<u8>>;

/// A SASL mechanism from the client's side, for one exchange (RFC 4422, RFC 5034). Bring your own by
/// [`Credentials::mechanism`](crate::login::Credentials::mechanism).
///
/// Base64, the length of lines and `*` are not its business. Nothing that it gives away is logged, nor shown by `Debug`.
///
/// ```
/// use pop3_proto::sasl::{Mechanism, MechanismError, Message};
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
///     fn first(&mut self) -> Result<Option<Message>, MechanismError> {
///         self.sent = true;
///         Ok(Some(b"guest@example.org".to_vec().into()))
///     }
///
///     fn respond(&mut self, _challenge: &[u8]) -> Result<Message, MechanismError> {
///         Err(MechanismError::Challenge("there is none in ANONYMOUS"))
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
    /// The name, as servers announce it: 1 to 20 of `A-Z`, `0-9`, `-` and `_` (RFC 4422, section 3.1).
    fn name(&self) -> &str;

    /// The first message, if it is the client's; `None` if the server speaks first. Called once, before anything else.
    ///
    /// It goes with the AUTH command if the server announced the mechanism and the line stays short enough, else it
    /// answers the first challenge (RFC 5034, section 4).
    ///
    /// # Errors
    ///
    /// [`MechanismError`]: nothing is sent.
    fn first(&mut self) -> Result<Option<Message>, MechanismError>;

    /// The answer to a challenge, which may be empty.
    ///
    /// # Errors
    ///
    /// [`MechanismError`]: the exchange is cancelled, and not asked again.
    fn respond(&mut self, challenge: &[u8]) -> Result<Message, MechanismError>;

    /// Whether all was said, and all was proved that the server has to prove. A server that says `+OK` before that is not
    /// believed, and the session ends.
    fn is_complete(&self) -> bool;

    /// Whether somebody who listens could log in with what he heard. Then it is done inside TLS, or with leave only.
    fn shows_secret(&self) -> bool;

    /// What the server said of its refusal inside the mechanism, such as the JSON of OAUTHBEARER (RFC 7628, section 3.2.2).
    fn explanation(&self) -> Option<&[u8]> {
        None
    }
}

impl fmt::Debug for dyn Mechanism + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mechanism({})", self.name())
    }
}

/// `Debug` that shows the mechanism's name and nothing else.
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

/// Why a mechanism did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The server's challenge makes no sense: what is wrong with it.
    #[error("the server's challenge makes no sense: {0}")]
    Challenge(&'static str),
    /// The server asks for more work than a client should do: this many iterations (RFC 5802, section 5.1).
    #[error("the server asks for {0} iterations, which is too many")]
    TooMuchWork(u32),
    /// What the server asks for would make it easy to guess the password: this many iterations (RFC 7677, section 4).
    #[error("the server asks for {0} iterations, so that the password could be guessed")]
    TooLittleWork(u32),
    /// The server does not know the password that it claims to have checked: it may be somebody else.
    #[error("the server could not prove that it knows the password; it may be an impostor")]
    ServerUnverified,
    /// The name, the password or the token cannot be sent by this mechanism.
    #[error("the credentials cannot be sent: {0}")]
    Credentials(BadArgument),
    /// The system gives no random numbers.
    #[error("there are no random numbers")]
    NoRandomness,
}
