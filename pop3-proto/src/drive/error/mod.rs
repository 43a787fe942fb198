//! The error type of all client operations: the operation, the cause, and whether the session continues.

pub(crate) mod kind;
pub(crate) mod login;
pub(crate) mod quit;
pub(crate) mod settings;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use crate::drive::exchange::ExchangeError;
use crate::drive::refusal::OwnedRefusal;
use crate::drive::timed_out::TimedOut;
use crate::error::{Awaiting, ProtocolError, UsageError, Violation};
use crate::wire::command::Command;
use crate::wire::malformed::Malformed;
use crate::wire::text::Text;
use kind::ErrorKind;
use login::LoginError;
use settings::SettingsError;

/// An error from outside this crate, such as an [`io::Error`](std::io::Error).
pub(crate) type Foreign = Box<dyn core::error::Error + Send + Sync>;

/// An error from connecting, from a login, or from a call.
///
/// [`kind`](Self::kind) shows what you can do about it, and [`cause`](Self::cause) has the details. `Display` shows the
/// operation and the text of the server. The error of a transport or of TLS is not part of that text: it is the
/// [`source`](core::error::Error::source).
///
/// Only QUIT commits deletions. If an error of any other operation ends the session, nothing was deleted.
///
/// ```
/// use pop3_proto::{Error, ErrorKind};
///
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Credentials => "check the name and the password",
///         ErrorKind::InUse | ErrorKind::Temporary => "try again later",
///         ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::Disconnected => "check the network",
///         ErrorKind::Tls | ErrorKind::Protocol => "do not trust this server",
///         _ => "read the message",
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    operation: Cow<'static, str>,
    /// The message that the operation was about, if it was a command for one message.
    message: Option<u32>,
    cause: Box<Cause>,
    /// The server refused the whole session.
    no_service: bool,
}

/// The cause of an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The command is not permitted now, or its arguments are invalid. Nothing was sent; the session continues.
    Usage(UsageError),
    /// A setting for the connection is missing or invalid. Nothing was sent.
    Settings(SettingsError),
    /// The server could not be reached.
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The error of the operating system.
        error: Foreign,
    },
    /// The TLS handshake failed, or the server's certificate is not valid. Nothing secret was sent. The session is
    /// over.
    Handshake(Foreign),
    /// The login was refused, or not attempted.
    Login(LoginError),
    /// The server refused the command, or sent `-ERR` as its greeting. The session continues, except after the
    /// greeting.
    Refused(OwnedRefusal),
    /// The server's answer is malformed, but its end is known. The session continues.
    Malformed(Malformed),
    /// The server reported a successful login before both sides had proved their identity (RFC 4422, section 3.4). The
    /// session is over.
    PrematureSuccess,
    /// The server had closed the connection while no command was in flight, as servers do after a timeout (RFC 1939,
    /// section 3). Nothing was deleted. If the server sent a last line, the error contains it.
    ClosedWhileIdle(ProtocolError),
    /// The server violated the protocol, or closed the connection during an answer. The session is over.
    Protocol(ProtocolError),
    /// A wait exceeded its limit. The session is over.
    TimedOut(TimedOut),
    /// The transport failed. The session is over.
    Transport(Foreign),
}

impl From<ExchangeError> for Cause {
    fn from(failure: ExchangeError) -> Cause {
        match failure {
            ExchangeError::Refused(refused) => Cause::Refused(refused),
            ExchangeError::Malformed(malformed) => Cause::Malformed(malformed),
            ExchangeError::PrematureSuccess => Cause::PrematureSuccess,
        }
    }
}

impl From<ProtocolError> for Cause {
    fn from(error: ProtocolError) -> Cause {
        let idle = error.awaiting() == Awaiting::Nothing
            && match error.violation() {
                Violation::Closed => true,
                // The last line of a server that is closing the connection.
                Violation::Unsolicited => !error.excerpt().as_bytes().is_empty(),
                _ => false,
            };
        if idle { Cause::ClosedWhileIdle(error) } else { Cause::Protocol(error) }
    }
}

impl From<UsageError> for Cause {
    fn from(rejected: UsageError) -> Cause {
        Cause::Usage(rejected)
    }
}

impl Cause {
    /// Creates the cause for a transport that failed, or for a wait that exceeded its limit.
    pub(crate) fn transport(error: Foreign) -> Cause {
        timed_out(error).unwrap_or_else(Cause::Transport)
    }
}

impl Error {
    /// Creates an error. `operation` completes the sentence "... failed".
    pub fn new(operation: impl Into<Cow<'static, str>>, cause: Cause) -> Error {
        Error { operation: operation.into(), message: None, cause: Box::new(cause), no_service: false }
    }

    /// Creates the error of a command.
    pub(crate) fn of(command: &Command<'_>, cause: impl Into<Cause>) -> Error {
        Error { message: command.message(), ..Error::new(command.to_string(), cause.into()) }
    }

    /// Creates the error for a greeting of `-ERR`.
    pub(crate) fn no_service(operation: impl Into<Cow<'static, str>>, refused: OwnedRefusal) -> Error {
        Error { no_service: true, ..Error::new(operation, Cause::Refused(refused)) }
    }

    pub(crate) fn protocol(operation: &'static str, error: ProtocolError) -> Error {
        Error::new(operation, error.into())
    }

    /// Returns the kind of the error, which shows what you can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.cause.kind()
    }

    /// Returns the operation that failed: a command as a log may show it, or a step such as `connecting`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the number of the message that the command was for, such as the 7 of `DELE 7`. A batch has an error for
    /// each message.
    pub fn message_number(&self) -> Option<u32> {
        self.message
    }

    /// Returns the cause.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns the cause by value.
    pub(crate) fn into_cause(self) -> Cause {
        *self.cause
    }

    /// Returns true if the session can continue. For a failed login, true means that you can use the connection for
    /// another attempt.
    pub fn is_recoverable(&self) -> bool {
        match &*self.cause {
            Cause::Usage(rejected) => !matches!(rejected, UsageError::Over | UsageError::Unsolicited),
            Cause::Refused(_) | Cause::Malformed(_) => !self.no_service,
            Cause::Login(error) => error.is_recoverable(),
            // Nothing was sent.
            Cause::Settings(_) => true,
            Cause::Unreachable { .. }
            | Cause::Handshake(_)
            | Cause::PrematureSuccess
            | Cause::ClosedWhileIdle(_)
            | Cause::Protocol(_)
            | Cause::TimedOut(_)
            | Cause::Transport(_) => false,
        }
    }

    /// Returns true if the same call may succeed later, in another session: the maildrop is in use, the server refused
    /// temporarily, or the network failed. See also [`retry_after`](Self::retry_after).
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::InUse
                | ErrorKind::Temporary
                | ErrorKind::Unreachable
                | ErrorKind::TimedOut
                | ErrorKind::Disconnected
        )
    }

    /// Returns the time to wait before the next login, if the server refused this one because it was too soon, and
    /// announced the delay (RFC 2449, section 6.5).
    pub fn retry_after(&self) -> Option<Duration> {
        if let Cause::Login(LoginError::LoginDelay { delay, .. }) = &*self.cause { *delay } else { None }
    }

    /// Returns the server's refusal, if that is the cause.
    pub fn refused(&self) -> Option<&OwnedRefusal> {
        match &*self.cause {
            Cause::Refused(refused) => Some(refused),
            Cause::Login(error) => error.refused(),
            _ => None,
        }
    }

    /// Returns the reason why the login was refused or not attempted, if that is the cause.
    pub fn login(&self) -> Option<&LoginError> {
        if let Cause::Login(error) = &*self.cause { Some(error) } else { None }
    }

    /// Returns the error of the operating system or of the stream, if that is the cause.
    #[cfg(feature = "std")]
    pub fn io(&self) -> Option<&std::io::Error> {
        match &*self.cause {
            Cause::Unreachable { error, .. } | Cause::Handshake(error) | Cause::Transport(error) => {
                error.downcast_ref()
            }
            _ => None,
        }
    }

    /// Returns true if the answer is truncated, because the server closed the connection too early.
    pub fn is_truncated(&self) -> bool {
        matches!(&*self.cause, Cause::Protocol(error) if error.violation() == Violation::Closed)
    }
}

impl From<LoginError> for Error {
    fn from(error: LoginError) -> Error {
        Error::new("the login", Cause::Login(error))
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Error {
        Error::new("connecting", Cause::Settings(error))
    }
}

/// Extracts a [`TimedOut`], which an [`io::Error`](std::io::Error) may contain.
fn timed_out(error: Foreign) -> Result<Cause, Foreign> {
    #[cfg(feature = "std")]
    if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        if let Some(timed_out) = inner.downcast_ref::<TimedOut>() {
            return Ok(Cause::TimedOut(*timed_out));
        }
    }
    error.downcast::<TimedOut>().map(|timed_out| Cause::TimedOut(*timed_out))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.cause {
            // These are whole sentences.
            Cause::Settings(error) => return error.fmt(f),
            Cause::Login(error) => return error.fmt(f),
            Cause::Unreachable { host, port, .. } => {
                return write!(f, "cannot connect to {}, port {port}", Text::new(host.as_bytes()));
            }
            Cause::Handshake(_) => return f.write_str("TLS failed, nothing secret was sent"),
            _ => write!(f, "{} failed: ", self.operation)?,
        }
        match &*self.cause {
            Cause::Usage(rejected) => rejected.fmt(f),
            // Without TLS, anyone on the path can refuse a whole session.
            Cause::Refused(refused) if self.no_service && !refused.is_protected() => {
                write!(f, "without TLS, the server said {refused}")
            }
            Cause::Refused(refused) => write!(f, "the server said {refused}"),
            Cause::Malformed(malformed) => malformed.fmt(f),
            Cause::PrematureSuccess => {
                f.write_str("the server reported success before the authentication was complete; it may be an impostor")
            }
            Cause::ClosedWhileIdle(error) => {
                f.write_str("the server had closed the connection while it was idle")?;
                let said = error.excerpt();
                if said.as_bytes().is_empty() { Ok(()) } else { write!(f, ", saying {said}") }
            }
            Cause::Protocol(error) => error.fmt(f),
            Cause::TimedOut(timed_out) => timed_out.fmt(f),
            _ => f.write_str("the connection failed"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &*self.cause {
            Cause::Unreachable { error, .. } | Cause::Handshake(error) | Cause::Transport(error) => Some(&**error),
            Cause::Settings(error) => core::error::Error::source(error),
            _ => None,
        }
    }
}

/// Converts the error for [`std::io::Read`]. The kind is `UnexpectedEof` if the message is truncated, and
/// [`std::io::Error::downcast`] returns this error.
#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> std::io::Error {
        use std::io::ErrorKind as Kind;
        let kind = match &*error.cause {
            Cause::TimedOut(_) => Kind::TimedOut,
            Cause::Unreachable { .. } | Cause::Handshake(_) | Cause::Transport(_) => {
                error.io().map_or(Kind::Other, std::io::Error::kind)
            }
            Cause::Protocol(_) if error.is_truncated() => Kind::UnexpectedEof,
            Cause::ClosedWhileIdle(_) => Kind::ConnectionAborted,
            Cause::Protocol(_) | Cause::Malformed(_) | Cause::PrematureSuccess => Kind::InvalidData,
            Cause::Usage(_) | Cause::Settings(_) => Kind::InvalidInput,
            Cause::Refused(_) | Cause::Login(_) => Kind::Other,
        };
        std::io::Error::new(kind, error)
    }
}
