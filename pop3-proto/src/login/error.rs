//! Why a login failed.

use alloc::borrow::Cow;
use core::convert::Infallible;
use core::fmt;

use crate::drive::error::Error;
use crate::drive::refusal::OwnedRefusal;
use crate::login::Method;
use crate::sasl::MechanismError;
use crate::wire::argument::BadArgument;
use crate::wire::code::Code;

/// Why a login failed. `T` is the error of the transport.
///
/// A response code says why the server refused. Many servers send none: then known words of the text decide between
/// [`InUse`](Self::InUse), [`Temporary`](Self::Temporary) and [`MethodRefused`](Self::MethodRefused), and where there are
/// none of them, [`Credentials`](Self::Credentials) is only the likely reason.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<T = Infallible> {
    /// The server refused the name or the password; certainly so if the refusal has the response code AUTH. Without a code
    /// this is the likely reason, because nothing in the text says another one.
    Credentials(OwnedRefusal),
    /// Another session has the maildrop; the credentials were not judged (RFC 2449, section 8.1.2). Without a response code,
    /// the text has a word like "locked" or "in use".
    InUse(OwnedRefusal),
    /// The last login was too short a while ago (RFC 2449, section 8.1.1).
    LoginDelay(OwnedRefusal),
    /// Something failed that will pass (RFC 3206, section 4). Without a response code, the text has words like "internal
    /// error" or "try again".
    Temporary(OwnedRefusal),
    /// Something failed that somebody must mend (RFC 3206, section 4).
    Permanent(OwnedRefusal),
    /// The server refused, and not for the credentials: it would have said so (RFC 3206, section 6), or it gave a response
    /// code that is not known here.
    Refused(OwnedRefusal),
    /// The server refused the method or the mechanism of this name, before it could judge the credentials or because it
    /// does not implement it.
    MethodRefused {
        /// The name of the method.
        name: Cow<'static, str>,
        /// The refusal.
        refused: OwnedRefusal,
    },
    /// The server refused to bind the proof to this TLS connection, which is what -PLUS asks for. The credentials were not
    /// judged, and no method without the binding was permitted and offered (see
    /// [`Policy::methods`](crate::login::Policy::methods)).
    Binding(OwnedRefusal),
    /// The password would go over an unprotected connection. Nothing of the credentials was sent.
    Unprotected,
    /// TLS is asked for, and the adapter cannot do it. Nothing was sent.
    NoTls,
    /// The server does not offer STLS. Nothing of the credentials was sent.
    NoStartTls,
    /// The server refused CAPA, so that it cannot offer STLS. Nothing of the credentials was sent.
    CapaRefused(OwnedRefusal),
    /// The server refused STLS. Nothing of the credentials was sent.
    StartTlsRefused(OwnedRefusal),
    /// The TLS handshake failed, or the server's certificate is not good. Nothing of the credentials was sent.
    Handshake(T),
    /// The server does not offer the method or the mechanism of this name. Nothing of the credentials was sent.
    NotOffered(Cow<'static, str>),
    /// These credentials cannot be used by this method: a token is no password, and not every method can act for somebody
    /// else; or the method is not in this build. Nothing was sent.
    Unsuitable(Method),
    /// Nobody answered when the password or the token was asked for. Nothing of the credentials was sent.
    NoSecret,
    /// The name or the password cannot be sent. Nothing of the credentials was.
    Unsendable(BadArgument),
    /// The mechanism of this name did not go on, and was cancelled.
    Mechanism {
        /// The mechanism's name.
        name: Cow<'static, str>,
        /// Why.
        error: MechanismError,
    },
    /// The conversation failed.
    Failed(Error<T>),
}

impl<T> LoginError<T> {
    /// Classifies the refusal of the method `name` by what was `said`, and keeps of it what may be shown: `refused`.
    /// `judged`: enough was sent to judge the credentials. `certain`: the server has announced AUTH-RESP-CODE.
    pub(super) fn of_refusal(
        name: Cow<'static, str>,
        said: &OwnedRefusal,
        refused: OwnedRefusal,
        judged: bool,
        certain: bool,
    ) -> LoginError<T> {
        const NOT_IMPLEMENTED: &[&str] = &[
            "not implemented",
            "unimplemented",
            "not supported",
            "unsupported",
            "unknown command",
            "invalid command",
            "bad command",
            "unrecognized command",
            "unrecognised command",
        ];
        const NOT_NOW: &[&str] = &[
            "unavailable",
            "try again",
            "try later",
            "wait",
            "temporarily",
            "internal",
            "server error",
            "system error",
        ];
        match said.code() {
            Some(Code::Auth) => LoginError::Credentials(refused),
            Some(Code::InUse) => LoginError::InUse(refused),
            Some(Code::LoginDelay) => LoginError::LoginDelay(refused),
            Some(Code::SysTemp | Code::Sys) => LoginError::Temporary(refused),
            Some(Code::SysPerm) => LoginError::Permanent(refused),
            Some(_) => LoginError::Refused(refused),
            None if !judged || said.mentions(NOT_IMPLEMENTED) => LoginError::MethodRefused { name, refused },
            None if certain => LoginError::Refused(refused),
            // Servers older than response codes say it in prose.
            // An account that is locked is another matter than a maildrop.
            _ if said.mentions(&["account"]) => LoginError::Credentials(refused),
            _ if said.mentions(&["lock", "locked", "busy", "in use"]) => LoginError::InUse(refused),
            _ if said.mentions(NOT_NOW) => LoginError::Temporary(refused),
            _ => LoginError::Credentials(refused),
        }
    }

    /// Whether the connection can be used again: for another try, or QUIT.
    pub fn is_recoverable(&self) -> bool {
        match self {
            LoginError::Failed(error) => error.is_recoverable(),
            LoginError::Handshake(_) | LoginError::Mechanism { error: MechanismError::ServerUnverified, .. } => false,
            _ => true,
        }
    }
}

impl LoginError<Infallible> {
    /// The same error in a place where the transport can fail too.
    pub fn widen<T>(self) -> LoginError<T> {
        match self {
            LoginError::Credentials(refused) => LoginError::Credentials(refused),
            LoginError::InUse(refused) => LoginError::InUse(refused),
            LoginError::LoginDelay(refused) => LoginError::LoginDelay(refused),
            LoginError::Temporary(refused) => LoginError::Temporary(refused),
            LoginError::Permanent(refused) => LoginError::Permanent(refused),
            LoginError::Refused(refused) => LoginError::Refused(refused),
            LoginError::MethodRefused { name, refused } => LoginError::MethodRefused { name, refused },
            LoginError::Binding(refused) => LoginError::Binding(refused),
            LoginError::Unprotected => LoginError::Unprotected,
            LoginError::NoTls => LoginError::NoTls,
            LoginError::NoStartTls => LoginError::NoStartTls,
            LoginError::CapaRefused(refused) => LoginError::CapaRefused(refused),
            LoginError::StartTlsRefused(refused) => LoginError::StartTlsRefused(refused),
            LoginError::Handshake(never) => match never {},
            LoginError::NotOffered(name) => LoginError::NotOffered(name),
            LoginError::Unsuitable(method) => LoginError::Unsuitable(method),
            LoginError::NoSecret => LoginError::NoSecret,
            LoginError::Unsendable(bad) => LoginError::Unsendable(bad),
            LoginError::Mechanism { name, error } => LoginError::Mechanism { name, error },
            LoginError::Failed(error) => LoginError::Failed(error.widen()),
        }
    }
}

impl<T> From<Error<T>> for LoginError<T> {
    fn from(error: Error<T>) -> LoginError<T> {
        LoginError::Failed(error)
    }
}

impl<T: fmt::Display> fmt::Display for LoginError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginError::Credentials(said) => write!(f, "wrong user name or password; the server said {said}"),
            LoginError::InUse(said) => write!(f, "another session has the maildrop; the server said {said}"),
            LoginError::LoginDelay(said) => write!(f, "too soon after the last login; the server said {said}"),
            LoginError::Temporary(said) => write!(f, "login is not possible now; the server said {said}"),
            LoginError::Permanent(said) => write!(f, "login is not possible; the server said {said}"),
            LoginError::Refused(said) => write!(f, "login was refused; the server said {said}"),
            LoginError::MethodRefused { name, refused } => {
                write!(f, "the server refused {name} and has not judged the password; the server said {refused}")
            }
            LoginError::Binding(said) => {
                write!(
                    f,
                    "the server refused to bind the login to this TLS connection, and has not judged the password; the \
                     server said {said}"
                )
            }
            LoginError::Unprotected => f.write_str(
                "the connection is not protected, so the password was not sent; a password in the clear needs leave",
            ),
            LoginError::NoTls => {
                f.write_str("TLS is not in this build, or not set up for this connection; nothing was sent")
            }
            LoginError::NoStartTls => f.write_str("the server does not offer STLS; nothing secret was sent"),
            LoginError::StartTlsRefused(said) => {
                write!(f, "the server refused STLS, nothing secret was sent; without TLS anybody may have said {said}")
            }
            LoginError::CapaRefused(said) => {
                write!(
                    f,
                    "the server refused CAPA and so offers no STLS, nothing secret was sent; without TLS anybody may have \
                     said {said}"
                )
            }
            LoginError::Handshake(error) => write!(f, "TLS failed, nothing secret was sent: {error}"),
            LoginError::NotOffered(name) => write!(f, "the server does not offer {name}; nothing secret was sent"),
            LoginError::Unsuitable(method) => {
                write!(
                    f,
                    "these credentials cannot be used with {method}, or it is not in this build; nothing was sent"
                )
            }
            LoginError::NoSecret => f.write_str("no password was given; nothing secret was sent"),
            LoginError::Unsendable(bad) => write!(f, "the credentials cannot be sent: {bad}"),
            LoginError::Mechanism { name, error } => write!(f, "{name} failed: {error}"),
            LoginError::Failed(error) => write!(f, "{error}"),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for LoginError<T> {}

/// A login that failed, and the connection `C` if it can be used again: for another try, or for QUIT.
pub struct LoginFailed<C, T = Infallible> {
    /// The connection, unless it is over.
    pub connection: Option<C>,
    /// Why it failed.
    pub reason: LoginError<T>,
}

impl<C, T: fmt::Debug> fmt::Debug for LoginFailed<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Short, because a `main` that returns it prints it.
        let mut failed = f.debug_struct("LoginFailed");
        failed.field("reason", &self.reason).field("connected", &self.connection.is_some()).finish()
    }
}

impl<C, T: fmt::Display> fmt::Display for LoginFailed<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<C, T: fmt::Debug + fmt::Display> core::error::Error for LoginFailed<C, T> {}
