//! Why a typed call failed: what was being done, what the server said, and whether the session goes on.

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

/// The reason of an [`Error`]. `T` is the error of the transport.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<T = Infallible> {
    /// It may not be asked now, or not with these arguments. Nothing was sent; the session goes on.
    Usage(UsageError),
    /// The server said no. The session goes on, unless it was the greeting.
    Refused(OwnedRefusal),
    /// The server's answer makes no sense, but its end is known. The session goes on.
    Malformed(Malformed),
    /// The server said that the login succeeded, before it was proved who is who (RFC 4422, section 3.4). The session is
    /// over.
    PrematureSuccess,
    /// The server had closed the connection while no command was in flight, as servers do after a time (RFC 1939,
    /// section 3). Nothing was deleted. What it said at the end, if anything, is in the error.
    ClosedWhileIdle(ProtocolError),
    /// The server broke the protocol, or closed the connection inside an answer. The session is over.
    Protocol(ProtocolError),
    /// The transport failed, or took too long. The session is over.
    Transport(T),
}

/// Why a typed call failed.
///
/// Deletions are committed by QUIT alone: after an error that ends the session, none of them happened, unless QUIT
/// itself was being done.
#[derive(Debug)]
pub struct Error<T = Infallible> {
    pub(super) operation: Cow<'static, str>,
    pub(super) cause: Box<Cause<T>>,
    /// The server said no to the whole session.
    no_service: bool,
}

impl<T> Error<T> {
    /// An error that happened while `doing` something, which completes the sentence "... failed".
    pub fn new(operation: impl Into<Cow<'static, str>>, cause: Cause<T>) -> Error<T> {
        Error { operation: operation.into(), cause: Box::new(cause), no_service: false }
    }

    /// The greeting was `-ERR`.
    pub(crate) fn no_service(operation: impl Into<Cow<'static, str>>, refused: OwnedRefusal) -> Error<T> {
        Error { no_service: true, ..Error::new(operation, Cause::Refused(refused)) }
    }

    pub(crate) fn protocol(operation: impl Into<Cow<'static, str>>, error: ProtocolError) -> Error<T> {
        let idle = error.awaiting() == Awaiting::Nothing
            && match error.violation() {
                Violation::Closed => true,
                // The last words of a server that hangs up.
                Violation::Unsolicited => !error.excerpt().as_bytes().is_empty(),
                _ => false,
            };
        Error::new(operation, if idle { Cause::ClosedWhileIdle(error) } else { Cause::Protocol(error) })
    }

    /// What was being done: a command as a log would show it, or a step such as `connecting`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The reason.
    pub fn cause(&self) -> &Cause<T> {
        &self.cause
    }

    /// The reason, as a value of its own.
    pub fn into_cause(self) -> Cause<T> {
        *self.cause
    }

    /// Whether the session can go on.
    pub fn is_recoverable(&self) -> bool {
        match &*self.cause {
            Cause::Usage(rejected) => !matches!(rejected, UsageError::Over | UsageError::Unsolicited),
            Cause::Refused(_) | Cause::Malformed(_) => !self.no_service,
            Cause::PrematureSuccess | Cause::ClosedWhileIdle(_) | Cause::Protocol(_) | Cause::Transport(_) => false,
        }
    }

    /// The server's refusal, if it was one.
    pub fn refused(&self) -> Option<&OwnedRefusal> {
        if let Cause::Refused(refused) = &*self.cause { Some(refused) } else { None }
    }

    /// What was received is only a part, because the server closed the connection too early.
    pub fn is_truncated(&self) -> bool {
        matches!(&*self.cause, Cause::Protocol(error) if error.violation() == Violation::Closed)
    }
}

impl Error<Infallible> {
    /// The same error in a place where the transport can fail too.
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
            // A whole session is refused: that anybody can do who is on the way.
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

/// So that a message can be read through [`std::io::Read`]: the kind tells truncation apart, and
/// [`std::io::Error::downcast`] gives the error back.
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
