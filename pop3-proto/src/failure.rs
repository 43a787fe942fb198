//! Why a typed call failed: what was being done, what the server said, and whether the session goes on.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use crate::base64::digits_within;
use crate::error::{Awaiting, Malformed, ProtocolError, Rejected, Violation};
use crate::exchange::Failure;
use crate::reply::{Code, Refusal, Text};

/// A `-ERR` line to keep: the server said no.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Refused {
    line: Vec<u8>,
    /// What was said beside the line.
    explanation: Vec<u8>,
    is_protected: bool,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal<'_>) -> Refused {
        Refused { line: refusal.line().to_vec(), explanation: Vec::new(), is_protected: refusal.is_protected() }
    }

    pub(crate) fn explain(&mut self, explanation: &[u8]) {
        self.explanation = explanation.to_vec();
    }

    fn refusal(&self) -> Refusal<'_> {
        Refusal::new(&self.line, self.is_protected)
    }

    /// Whether it came inside TLS. What did not may be anybody's: nothing that it says, and no address in it, is to be
    /// shown as the server's.
    pub const fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// The text behind the response code, for humans.
    pub fn text(&self) -> Text<'_> {
        self.refusal().text()
    }

    /// What the response code means, if there is one (RFC 2449, section 8).
    pub fn code(&self) -> Option<Code> {
        self.refusal().code().map(crate::reply::ResponseCode::code)
    }

    /// What the server said beside the line, inside a SASL mechanism: the JSON of OAUTHBEARER and XOAUTH2 (RFC 7628,
    /// section 3.2.2).
    pub fn explanation(&self) -> Option<Text<'_>> {
        Some(Text::new(&self.explanation)).filter(|_| !self.explanation.is_empty())
    }

    /// Keeps nothing but what the response code means, where the rest may be an echo of a secret.
    pub(crate) fn withhold(&mut self) {
        let code = self.code().map_or("", Code::as_str);
        self.line = if code.is_empty() { b"***".to_vec() } else { alloc::format!("[{code}] ***").into_bytes() };
        self.explanation.clear();
    }

    /// Whether one of the phrases stands in the line, in any case, as words of their own.
    pub(crate) fn mentions(&self, phrases: &[&str]) -> bool {
        let line = self.line.to_ascii_lowercase();
        let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        phrases.iter().any(|phrase| {
            memchr::memmem::find_iter(&line, phrase.as_bytes()).any(|at| {
                let before = at.checked_sub(1).and_then(|at| line.get(at));
                !letter(before) && !letter(line.get(at + phrase.len()))
            })
        })
    }

    /// [Withholds](Self::withhold) the text if it contains `secret`, as it is or within Base64. What is left around a gap
    /// would tell what is missing.
    pub(crate) fn redact(&mut self, secret: &[u8]) {
        if secret.is_empty() {
            return;
        }
        let shows = |form: &[u8]| {
            let finder = memchr::memmem::Finder::new(form);
            !form.is_empty() && [&self.line, &self.explanation].into_iter().any(|said| finder.find(said).is_some())
        };
        if shows(secret) || (0..3).any(|before| shows(&digits_within(secret, before))) {
            self.withhold();
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-ERR {}", Text::new(&self.line))?;
        self.explanation().map_or(Ok(()), |explanation| write!(f, " ({explanation})"))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({self})")
    }
}

impl<T> From<Failure> for Cause<T> {
    fn from(failure: Failure) -> Cause<T> {
        match failure {
            Failure::Refused(refused) => Cause::Refused(refused),
            Failure::Malformed(malformed) => Cause::Malformed(malformed),
            Failure::Unproved => Cause::Unproved,
        }
    }
}

/// The reason of an [`Error`]. `T` is the error of the transport.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<T = Infallible> {
    /// It may not be asked now, or not with these arguments. Nothing was sent; the session goes on.
    Rejected(Rejected),
    /// The server said no. The session goes on, unless it was the greeting.
    Refused(Refused),
    /// The server's answer makes no sense, but its end is known. The session goes on.
    Malformed(Malformed),
    /// The server said that the login succeeded, before it was proved who is who (RFC 4422, section 3.4). The session is
    /// over.
    Unproved,
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
    doing: Cow<'static, str>,
    cause: Box<Cause<T>>,
    /// The server said no to the whole session.
    no_service: bool,
}

impl<T> Error<T> {
    /// An error that happened while `doing` something, which completes the sentence "... failed".
    pub fn new(doing: impl Into<Cow<'static, str>>, cause: Cause<T>) -> Error<T> {
        Error { doing: doing.into(), cause: Box::new(cause), no_service: false }
    }

    /// The greeting was `-ERR`.
    pub(crate) fn no_service(doing: impl Into<Cow<'static, str>>, refused: Refused) -> Error<T> {
        Error { no_service: true, ..Error::new(doing, Cause::Refused(refused)) }
    }

    pub(crate) fn protocol(doing: impl Into<Cow<'static, str>>, error: ProtocolError) -> Error<T> {
        let idle = error.awaiting() == Awaiting::Nothing
            && match error.violation() {
                Violation::Closed => true,
                // The last words of a server that hangs up.
                Violation::Unsolicited => !error.excerpt().as_bytes().is_empty(),
                _ => false,
            };
        Error::new(doing, if idle { Cause::ClosedWhileIdle(error) } else { Cause::Protocol(error) })
    }

    /// What was being done: a command as a log would show it, or a step such as `connecting`.
    pub fn doing(&self) -> &str {
        &self.doing
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
    pub fn session_goes_on(&self) -> bool {
        match &*self.cause {
            Cause::Rejected(rejected) => !matches!(rejected, Rejected::Over | Rejected::Unsolicited),
            Cause::Refused(_) | Cause::Malformed(_) => !self.no_service,
            Cause::Unproved | Cause::ClosedWhileIdle(_) | Cause::Protocol(_) | Cause::Transport(_) => false,
        }
    }

    /// The server's refusal, if it was one.
    pub fn refused(&self) -> Option<&Refused> {
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
            Cause::Rejected(rejected) => Cause::Rejected(rejected),
            Cause::Refused(refused) => Cause::Refused(refused),
            Cause::Malformed(malformed) => Cause::Malformed(malformed),
            Cause::Unproved => Cause::Unproved,
            Cause::ClosedWhileIdle(error) => Cause::ClosedWhileIdle(error),
            Cause::Protocol(error) => Cause::Protocol(error),
            Cause::Transport(never) => match never {},
        };
        Error { doing: self.doing, cause: Box::new(cause), no_service: self.no_service }
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.doing)?;
        match &*self.cause {
            Cause::Rejected(rejected) => write!(f, "{rejected}"),
            // A whole session is refused: that anybody can do who is on the way.
            Cause::Refused(refused) if self.no_service && !refused.is_protected() => {
                write!(f, "without TLS, the server said {refused}")
            }
            Cause::Refused(refused) => write!(f, "the server said {refused}"),
            Cause::Malformed(malformed) => write!(f, "{malformed}"),
            Cause::Unproved => f.write_str("the server said +OK before anything was proved; it may be an impostor"),
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

/// Why a QUIT is not known to have committed the deletions (RFC 1939, section 6). The session is over in any case.
#[derive(Debug)]
pub enum QuitError<T = Infallible> {
    /// The server refused: some messages that were marked are still there.
    Refused(Refused),
    /// The session was over before QUIT was sent: nothing was deleted.
    NotSent(Error<T>),
    /// QUIT was sent, and no answer came: the marked messages may be deleted or not.
    Unknown(Error<T>),
}

impl<T> QuitError<T> {
    /// What it means that QUIT failed with `error`, after it was `sent` or before.
    pub fn new(error: Error<T>, sent: bool) -> QuitError<T> {
        match *error.cause {
            Cause::Refused(refused) => QuitError::Refused(refused),
            cause => {
                let error = Error::new(error.doing, cause);
                if sent { QuitError::Unknown(error) } else { QuitError::NotSent(error) }
            }
        }
    }
}

impl<T: fmt::Display> fmt::Display for QuitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuitError::Refused(refused) => {
                write!(f, "some messages were not deleted; the server answered QUIT with {refused}")
            }
            QuitError::NotSent(error) => write!(f, "nothing was deleted, because QUIT could not be sent: {error}"),
            QuitError::Unknown(error) => write!(f, "it is unknown whether messages were deleted: {error}"),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for QuitError<T> {}

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
            Cause::Protocol(_) | Cause::Malformed(_) | Cause::Unproved => ErrorKind::InvalidData,
            Cause::Rejected(_) => ErrorKind::InvalidInput,
            Cause::Refused(_) => ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}
