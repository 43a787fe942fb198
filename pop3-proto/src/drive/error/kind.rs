//! Kinds of errors, by what a user can do about them.

use crate::drive::error::login::LoginError;
use crate::drive::error::{Cause, Foreign};
use crate::drive::refusal::OwnedRefusal;
use crate::error::{UsageError, Violation};
use crate::sasl::MechanismError;
use crate::wire::code::Code;

/// The kind of an [`Error`](crate::Error). Connecting, logging in and calls have the same kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server refused the name, the password, the token or the client certificate. Without a response code, this is
    /// only the likely reason: see [`LoginError::Credentials`].
    Credentials,
    /// Another session has locked the maildrop. Try again later.
    InUse,
    /// The server cannot serve you now. Try again later, and no sooner than [`Error::retry_after`] if it returns a
    /// time.
    ///
    /// [`Error::retry_after`]: crate::Error::retry_after
    Temporary,
    /// The server refused for any other reason.
    Refused,
    /// The server cannot be reached. Nothing was sent.
    Unreachable,
    /// A wait exceeded a limit of [`Timeouts`](crate::drive::Timeouts) or of the operating system.
    TimedOut,
    /// The connection was lost, or the server closed it. Nothing was deleted, unless this happened during QUIT.
    Disconnected,
    /// TLS failed; the source has the reason. If the handshake failed, for example because of an invalid certificate,
    /// nothing secret was sent.
    Tls,
    /// The server does not offer something that your settings or your call require: STLS, a login method, an extension.
    Unsupported,
    /// The server broke the protocol, or did not prove its identity.
    Protocol,
    /// A setting or a call is wrong, and nothing was sent.
    Usage,
}

impl Cause {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Cause::Usage(UsageError::Unsolicited) => ErrorKind::Protocol,
            Cause::Usage(UsageError::NotAnnounced(_)) => ErrorKind::Unsupported,
            Cause::Usage(_) | Cause::Settings(_) => ErrorKind::Usage,
            Cause::Unreachable { error, .. } => of_foreign(error, ErrorKind::Unreachable),
            Cause::Handshake(error) | Cause::Transport(error) => of_foreign(error, ErrorKind::Disconnected),
            Cause::Login(error) => error.kind(),
            Cause::Refused(refused) => of_refusal(refused),
            Cause::ClosedWhileIdle(_) => ErrorKind::Disconnected,
            Cause::Protocol(error) if error.violation() == Violation::Closed => ErrorKind::Disconnected,
            Cause::Malformed(_) | Cause::PrematureSuccess | Cause::Protocol(_) => ErrorKind::Protocol,
            Cause::TimedOut(_) => ErrorKind::TimedOut,
        }
    }
}

impl LoginError {
    fn kind(&self) -> ErrorKind {
        match self {
            LoginError::Credentials(_) | LoginError::Token(_) | LoginError::External(_) => ErrorKind::Credentials,
            LoginError::InUse(_) => ErrorKind::InUse,
            LoginError::LoginDelay { .. } | LoginError::Temporary(_) => ErrorKind::Temporary,
            LoginError::Permanent(_) | LoginError::Refused(_) => ErrorKind::Refused,
            LoginError::MethodRefused { .. }
            | LoginError::Binding(_)
            | LoginError::NoStartTls
            | LoginError::CapaRefused(_)
            | LoginError::StartTlsRefused(_)
            | LoginError::NotOffered(_) => ErrorKind::Unsupported,
            LoginError::Mechanism { error: MechanismError::Credentials(_), .. }
            | LoginError::Unprotected
            | LoginError::NoTls
            | LoginError::Unsuitable(_)
            | LoginError::NoSecret
            | LoginError::Unsendable(_) => ErrorKind::Usage,
            LoginError::Mechanism { .. } => ErrorKind::Protocol,
        }
    }
}

/// Returns the kind of a refusal outside the login, such as a greeting of `-ERR [IN-USE]`.
fn of_refusal(refused: &OwnedRefusal) -> ErrorKind {
    match refused.code() {
        Some(Code::InUse) => ErrorKind::InUse,
        Some(Code::LoginDelay | Code::Sys | Code::SysTemp) => ErrorKind::Temporary,
        _ => ErrorKind::Refused,
    }
}

#[cfg(feature = "std")]
fn of_foreign(error: &Foreign, otherwise: ErrorKind) -> ErrorKind {
    use std::io::ErrorKind as Kind;
    match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        Some(Kind::TimedOut | Kind::WouldBlock) => ErrorKind::TimedOut,
        // Only TLS reports octets as invalid.
        Some(Kind::InvalidData) => ErrorKind::Tls,
        None if error.is::<crate::drive::timed_out::TimedOut>() => ErrorKind::TimedOut,
        _ => otherwise,
    }
}

#[cfg(not(feature = "std"))]
fn of_foreign(error: &Foreign, otherwise: ErrorKind) -> ErrorKind {
    if error.is::<crate::drive::timed_out::TimedOut>() { ErrorKind::TimedOut } else { otherwise }
}
