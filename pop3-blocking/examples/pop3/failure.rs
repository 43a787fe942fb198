//! The reasons why the program ends early, and their exit statuses. No other module chooses one.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use pop3_blocking::pop3_proto::{Awaiting, UsageError};
use pop3_blocking::{Cause, ConnectError, Error, LoginError, QuitError, Security, TlsFailure};

/// The exit statuses other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The server refused.
    Refused = 1,
    /// The command line is invalid, or something that it refers to.
    Usage = 2,
    /// The server broke the protocol.
    Protocol = 3,
    /// Input or output failed, took too long, or ended early.
    Io = 4,
    /// The login failed, or would have been unsafe.
    Login = 5,
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
            "pop:// is not protected, so the password was not sent: use pop3s://, or --starttls; \
             --plaintext permits to send it in the clear",
        )
    }

    /// Converts an error of connecting and logging in, and adds a hint.
    pub(crate) fn connecting(error: ConnectError, security: Security) -> Failure {
        let hint = match &error {
            ConnectError::Unreachable { port: 995, error, .. } if is_unheard(error) => {
                "If the server offers only STLS, try pop://… with --starttls."
            }
            ConnectError::Login(LoginError::Handshake(error)) => tls_hint(error, security),
            ConnectError::Login(
                LoginError::NoStartTls | LoginError::CapaRefused(_) | LoginError::StartTlsRefused(_),
            ) => "Try pop3s://, which is TLS without STLS.",
            ConnectError::Login(LoginError::Failed(error)) => greeting_hint(error, security),
            _ => "",
        };
        match Failure::from(error) {
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
            Failure::new(Status::Io, format!("the output cannot be written: {error}"))
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
        matches!(self, Failure::Because(Status::Refused, _))
    }

    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Failure::Because(status, why) => {
                eprintln!("pop3: {why}");
                ExitCode::from(*status as u8)
            }
            Failure::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<&Error> for Status {
    fn from(error: &Error) -> Status {
        match error.cause() {
            Cause::Refused(_) => Status::Refused,
            // The answer came before the command.
            Cause::Usage(UsageError::Unsolicited) | Cause::Malformed(_) => Status::Protocol,
            Cause::Usage(_) => Status::Usage,
            Cause::Protocol(_) if !error.is_truncated() => Status::Protocol,
            // Protocol, closed while idle, transport: the connection ended early or failed.
            _ => Status::Io,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new(Status::from(&error), error)
    }
}

impl From<QuitError> for Failure {
    fn from(error: QuitError) -> Failure {
        let status = match &error {
            QuitError::Refused(_) => Status::Refused,
            QuitError::NotSent(why) | QuitError::Unknown(why) => Status::from(why),
        };
        Failure::new(status, error)
    }
}

/// Returns the error of the server's TLS, unless the server was only silent or closed the connection.
fn tls_failure(error: &io::Error) -> Option<&TlsFailure> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Returns `true` if the host may exist, but nothing answers at the port.
fn is_unheard(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::TimedOut)
}

fn greeting_hint(error: &Error, security: Security) -> &'static str {
    let is_silent = match error.cause() {
        Cause::Transport(error) if error.kind() == ErrorKind::TimedOut => true,
        Cause::Protocol(why) if why.awaiting() == Awaiting::Greeting => error.is_truncated(),
        _ => return "",
    };
    match error.operation() {
        "reading the greeting" if !is_silent => "This is not POP3: is the port right?",
        "reading the greeting" if security != Security::Tls => {
            "A server that speaks TLS from the beginning waits for the client to begin: try pop3s://."
        }
        _ => "",
    }
}

fn tls_hint(error: &io::Error, security: Security) -> &'static str {
    match tls_failure(error) {
        Some(failure) if failure.is_unknown_authority() => {
            "If it is an authority of your own, try --ca FILE. To pin the certificate, use --pin FINGERPRINT."
        }
        // Includes a server that presents an authority's certificate as its own: --ca does not help there.
        Some(failure) if failure.fingerprint().is_some() => "To pin the certificate, use --pin FINGERPRINT.",
        Some(failure) if failure.is_not_tls() && security == Security::Tls => "Try pop://… with --starttls.",
        _ => "",
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Failure {
        match error {
            LoginError::Failed(error) => error.into(),
            LoginError::Unprotected => Failure::unprotected(),
            LoginError::Unsendable(_) => Failure::usage(error),
            LoginError::Handshake(ref why) if tls_failure(why).is_none() => Failure::new(Status::Io, error),
            _ => Failure::new(Status::Login, error),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Failure {
        match error {
            ConnectError::Login(error) => error.into(),
            ConnectError::Unreachable { .. } => Failure::new(Status::Io, error),
            _ => Failure::usage(error),
        }
    }
}
