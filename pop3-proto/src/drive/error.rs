//! Errors of typed calls: the operation, the server's answer, and whether the session continues.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::convert::Infallible;
use core::fmt;

use crate::drive::exchange::ExchangeError;
use crate::drive::refusal::OwnedRefusal;
use crate::error::{Awaiting, ProtocolError, UsageError, Violation};
use crate::wire::malformed::Malformed;

impl<T> From<ExchangeError> for Cause<T> {
    fn from(failure: ExchangeError) -> Cause<T> {
        match failure {
            ExchangeError::Refused(refused) => Cause::Refused(refused),
            ExchangeError::Malformed(malformed) => Cause::Malformed(malformed),
            ExchangeError::PrematureSuccess => Cause::PrematureSuccess,
        }
    }
}

/// The cause of an [`Error`]. `T` is the error of the transport.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<T = Infallible> {
    /// The command is not permitted now, or not with these arguments. Nothing was sent; the session continues.
    Usage(UsageError),
    /// The server refused. The session continues, unless this was the greeting.
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
    /// The transport failed or timed out. The session is over.
    Transport(T),
}

/// The error of a typed call.
///
/// Only QUIT commits deletions: after an error that ends the session nothing was deleted, unless the operation was
/// QUIT.
#[derive(Debug)]
pub struct Error<T = Infallible> {
    pub(super) operation: Cow<'static, str>,
    pub(super) cause: Box<Cause<T>>,
    /// The server refused the whole session.
    no_service: bool,
}

impl<T> Error<T> {
    /// Creates an error. `operation` completes the sentence "... failed".
    pub fn new(operation: impl Into<Cow<'static, str>>, cause: Cause<T>) -> Error<T> {
        Error { operation: operation.into(), cause: Box::new(cause), no_service: false }
    }

    /// Creates the error for a greeting of `-ERR`.
    pub(crate) fn no_service(operation: impl Into<Cow<'static, str>>, refused: OwnedRefusal) -> Error<T> {
        Error { no_service: true, ..Error::new(operation, Cause::Refused(refused)) }
    }

    pub(crate) fn protocol(operation: impl Into<Cow<'static, str>>, error: ProtocolError) -> Error<T> {
        let idle = error.awaiting() == Awaiting::Nothing
            && match error.violation() {
                Violation::Closed => true,
                // The last line of a server that is closing the connection.
                Violation::Unsolicited => !error.excerpt().as_bytes().is_empty(),
                _ => false,
            };
        Error::new(operation, if idle { Cause::ClosedWhileIdle(error) } else { Cause::Protocol(error) })
    }

    /// Returns the operation that failed: a command as a log may show it, or a step such as `connecting`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the cause.
    pub fn cause(&self) -> &Cause<T> {
        &self.cause
    }

    /// Returns the cause by value.
    pub fn into_cause(self) -> Cause<T> {
        *self.cause
    }

    /// Returns true if the session can continue.
    pub fn is_recoverable(&self) -> bool {
        match &*self.cause {
            Cause::Usage(rejected) => !matches!(rejected, UsageError::Over | UsageError::Unsolicited),
            Cause::Refused(_) | Cause::Malformed(_) => !self.no_service,
            Cause::PrematureSuccess | Cause::ClosedWhileIdle(_) | Cause::Protocol(_) | Cause::Transport(_) => false,
        }
    }

    /// Returns the server's refusal, if that is the cause.
    pub fn refused(&self) -> Option<&OwnedRefusal> {
        if let Cause::Refused(refused) = &*self.cause { Some(refused) } else { None }
    }

    /// Returns true if the answer is truncated, because the server closed the connection too early.
    pub fn is_truncated(&self) -> bool {
        matches!(&*self.cause, Cause::Protocol(error) if error.violation() == Violation::Closed)
    }
}

impl Error<Infallible> {
    /// Converts the error to one whose transport can also fail.
    pub fn widen<T>(self) -> Error<T> {
        let cause = match *self.cause {
            Cause::Usage(rejected) => Cause::Usage(rejected),
            Cause::Refused(refused) => Cause::Refused(refused),
            Cause::Malformed(malformed) => Cause::Malformed(malformed),
            Cause::PrematureSuccess => Cause::PrematureSuccess,
            Cause::ClosedWhileIdle(error) => Cause::ClosedWhileIdle(error),
            Cause::Protocol(error) => Cause::Protocol(error),
            Cause::Transport(never) => match never {},
        };
        Error { operation: self.operation, cause: Box::new(cause), no_service: self.no_service }
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.operation)?;
        match &*self.cause {
            Cause::Usage(rejected) => write!(f, "{rejected}"),
            // Without TLS, anybody on the path can refuse a whole session.
            Cause::Refused(refused) if self.no_service && !refused.is_protected() => {
                write!(f, "without TLS, the server said {refused}")
            }
            Cause::Refused(refused) => write!(f, "the server said {refused}"),
            Cause::Malformed(malformed) => write!(f, "{malformed}"),
            Cause::PrematureSuccess => {
                f.write_str("the server said +OK before anything was proved; it may be an impostor")
            }
            Cause::ClosedWhileIdle(error) => {
                f.write_str("the server had closed the connection while it was idle")?;
                let said = error.excerpt();
                if said.as_bytes().is_empty() { Ok(()) } else { write!(f, ", saying {said}") }
            }
            Cause::Protocol(error) => write!(f, "{error}"),
            Cause::Transport(error) => write!(f, "{error}"),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for Error<T> {}

/// Permits reading a message through [`std::io::Read`]: the kind identifies truncation, and
/// [`std::io::Error::downcast`] returns the original error.
#[cfg(feature = "std")]
impl From<Error<std::io::Error>> for std::io::Error {
    fn from(error: Error<std::io::Error>) -> std::io::Error {
        use std::io::ErrorKind;
        let kind = match &*error.cause {
            Cause::Transport(transport) => transport.kind(),
            Cause::Protocol(_) if error.is_truncated() => ErrorKind::UnexpectedEof,
            Cause::ClosedWhileIdle(_) => ErrorKind::ConnectionAborted,
            Cause::Protocol(_) | Cause::Malformed(_) | Cause::PrematureSuccess => ErrorKind::InvalidData,
            Cause::Usage(_) => ErrorKind::InvalidInput,
            Cause::Refused(_) => ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}
