//! The reasons why the program ends early, and their exit statuses. No other module chooses one.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use pop3_blocking::pop3_proto::{Awaiting, UsageError};
use pop3_blocking::{Cause, Error, ErrorKind as Kind, LoginError, QuitError, Security, TlsFailure};

use crate::notes;

/// The exit statuses other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The server refused.
    Refused = 1,
    /// The command line is invalid, or refers to something invalid.
    Usage = 2,
    /// The server broke the protocol.
    Protocol = 3,
    /// Input or output failed, took too long, or ended early.
    Io = 4,
    /// The login failed, or would have been unsafe.
    Login = 5,
    /// The server asks to try again later. The number is that of `EX_TEMPFAIL` in `sysexits.h`, which mail programs
    /// know.
    Temporary = 75,
}

/// A reason to end the program early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error to be shown.
    Because(Status, String),
    /// The reader of the standard output closed it, as with `| head`. This is not an error.
    OutputClosed,
}

impl Failure {
    pub(crate) fn new(status: Status, why: impl Display) -> Failure {
        Failure::Because(status, why.to_string())
    }

    pub(crate) fn usage(why: impl Display) -> Failure {
        Failure::new(Status::Usage, why)
    }

    pub(crate) fn unprotected() -> Failure {
        Failure::new(
            Status::Login,
            "nothing secret was sent, because pop:// is not encrypted: use pop3s:// or --starttls, \
             or --plaintext to send the password without TLS",
        )
    }

    /// Converts an error of connecting and logging in, and adds a hint.
    pub(crate) fn connecting(error: Error, security: Security, is_pinned: bool) -> Failure {
        let hint = match error.cause() {
            _ if is_temporary(&error) => "",
            Cause::Unreachable { port: 995, .. } if is_unheard(&error) => {
                "If the server offers only STLS, try pop://… with --starttls."
            }
            Cause::Handshake(_) => tls_hint(&error, security, is_pinned),
            Cause::Login(LoginError::NoStartTls | LoginError::CapaRefused(_) | LoginError::StartTlsRefused(_)) => {
                "Try pop3s://, which does not use STLS."
            }
            Cause::Login(LoginError::Token(_)) => "The token may have expired, or belong to another user.",
            _ => greeting_hint(&error, security),
        };
        Failure::from(error).hint(hint)
    }

    /// Adds a sentence that shows what may help, unless it is empty.
    pub(crate) fn hint(self, hint: &str) -> Failure {
        match self {
            Failure::Because(status, why) if !hint.is_empty() => {
                let end = if why.ends_with(['.', '!', '?']) { "" } else { "." };
                Failure::Because(status, format!("{why}{end} {hint}"))
            }
            failure => failure,
        }
    }

    /// Converts an error of writing to the standard output.
    #[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(crate) fn output(error: io::Error) -> Failure {
        if error.kind() == ErrorKind::BrokenPipe {
            Failure::OutputClosed
        } else {
            Failure::new(Status::Io, format!("the output could not be written: {error}"))
        }
    }

    /// Converts an error of reading a message from the server.
    pub(crate) fn reading(error: io::Error) -> Failure {
        match error.downcast::<Error>() {
            Ok(error) => error.into(),
            Err(error) => Failure::new(Status::Io, error),
        }
    }

    /// Returns `true` if the session can still be ended with QUIT.
    pub(crate) fn is_recoverable(&self) -> bool {
        matches!(self, Failure::Because(Status::Refused | Status::Temporary, _))
    }

    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Failure::Because(status, why) => {
                notes::error(why);
                ExitCode::from(*status as u8)
            }
            Failure::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<&Error> for Status {
    fn from(error: &Error) -> Status {
        match error.cause() {
            _ if is_temporary(error) => Status::Temporary,
            Cause::Refused(_) => Status::Refused,
            // The answer came before the command.
            Cause::Usage(UsageError::Unsolicited) | Cause::Malformed(_) => Status::Protocol,
            Cause::Usage(_) | Cause::Settings(_) | Cause::Login(LoginError::Unsendable(_)) => Status::Usage,
            Cause::Login(_) => Status::Login,
            Cause::Handshake(_) if TlsFailure::of(error).is_some() => Status::Login,
            Cause::Protocol(_) if !error.is_truncated() => Status::Protocol,
            // The connection could not be made, ended early, failed, or timed out.
            _ => Status::Io,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        if matches!(error.login(), Some(LoginError::Unprotected)) {
            return Failure::unprotected();
        }
        let status = Status::from(&error);
        if status == Status::Temporary {
            return Failure::new(status, format!("{}. {}", Chain(&error), when_to_try(&error)));
        }
        Failure::new(status, Chain(&error))
    }
}

impl From<QuitError> for Failure {
    fn from(error: QuitError) -> Failure {
        let status = match &error {
            QuitError::Refused(_) => Status::Refused,
            QuitError::NotSent(why) | QuitError::Unknown(why) => Status::from(why),
        };
        Failure::new(status, Chain(&error))
    }
}

/// Shows an error and its sources in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self.0, f)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Returns `true` if the server asks to try again later.
fn is_temporary(error: &Error) -> bool {
    matches!(error.kind(), Kind::InUse | Kind::Temporary)
}

/// Returns the advice for a temporary refusal.
fn when_to_try(error: &Error) -> String {
    match (error.kind(), error.retry_after()) {
        (_, Some(delay)) => format!("Try again in {} seconds.", delay.as_secs()),
        (Kind::InUse, None) => "Try again when the other session is over, or in some minutes.".to_owned(),
        (_, None) => "Try again later.".to_owned(),
    }
}

/// Returns `true` if the host may exist, but does not answer on the port.
fn is_unheard(error: &Error) -> bool {
    error.io().is_some_and(|error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::TimedOut))
}

fn greeting_hint(error: &Error, security: Security) -> &'static str {
    let is_silent = match error.cause() {
        Cause::TimedOut(_) => true,
        Cause::Protocol(why) if why.awaiting() == Awaiting::Greeting => error.is_truncated(),
        _ => return "",
    };
    match error.operation() {
        "reading the greeting" if !is_silent => "The server does not speak POP3: check the port.",
        "reading the greeting" if security != Security::Tls => {
            "The server may expect TLS from the beginning: try pop3s://."
        }
        _ => "",
    }
}

fn tls_hint(error: &Error, security: Security, is_pinned: bool) -> &'static str {
    match TlsFailure::of(error) {
        Some(failure) if is_pinned && failure.fingerprint().is_some() => {
            "Someone may be intercepting the connection. Use --pin with the new fingerprint only if the operator of the \
             server confirms it."
        }
        Some(failure) if failure.is_unknown_authority() => {
            "To trust a private authority, use --ca FILE. To accept the certificate after you have compared it, use --pin \
             FINGERPRINT."
        }
        // Includes a server that presents an authority's certificate as its own: --ca does not help there.
        Some(failure) if failure.fingerprint().is_some() => {
            "To accept the certificate after you have compared it, use --pin FINGERPRINT."
        }
        Some(failure) if failure.is_not_tls() && security == Security::Tls => "Try pop://… with --starttls.",
        _ => "",
    }
}
