//! The errors of a login.

use alloc::borrow::Cow;
use core::convert::Infallible;
use core::fmt;

use crate::drive::error::Error;
use crate::drive::refusal::OwnedRefusal;
use crate::login::Method;
use crate::sasl::MechanismError;
use crate::wire::argument::BadArgument;
use crate::wire::code::Code;

/// An error of a login. `T` is the error type of the transport.
///
/// A response code gives the reason for a refusal. Many servers send none. Known words in the text then distinguish
/// [`InUse`](Self::InUse), [`Temporary`](Self::Temporary) and [`MethodRefused`](Self::MethodRefused). Without such
/// words, [`Credentials`](Self::Credentials) is only the likely reason.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<T = Infallible> {
    /// The server refused the name or the password. This is certain if the refusal has the response code AUTH. Without
    /// a code it is the likely reason, because the text names no other.
    Credentials(OwnedRefusal),
    /// Another session has locked the maildrop. The credentials were not judged (RFC 2449, section 8.1.2). Without a
    /// response code, the text has a word like "locked" or "in use".
    InUse(OwnedRefusal),
    /// The last login was too recent (RFC 2449, section 8.1.1).
    LoginDelay(OwnedRefusal),
    /// A temporary failure (RFC 3206, section 4). Without a response code, the text has words like "internal error" or
    /// "try again".
    Temporary(OwnedRefusal),
    /// A failure that requires human intervention (RFC 3206, section 4).
    Permanent(OwnedRefusal),
    /// The server refused for a reason other than the credentials. Either the server marks wrong credentials with
    /// `[AUTH]` and this refusal has no such mark (RFC 3206, section 6), or the response code matches no other variant.
    Refused(OwnedRefusal),
    /// The server refused the method or the mechanism of this name, before it could judge the credentials or because it
    /// does not implement it.
    MethodRefused {
        /// The name of the method.
        name: Cow<'static, str>,
        /// The refusal.
        refused: OwnedRefusal,
    },
    /// The server refused to bind the proof to this TLS connection, which -PLUS requires. The credentials were not
    /// judged, and no method without the binding was permitted and offered (see
    /// [`Policy::methods`](crate::login::Policy::methods)).
    Binding(OwnedRefusal),
    /// The password would be sent over an unprotected connection. Nothing of the credentials was sent.
    Unprotected,
    /// TLS is required, but the adapter does not support it or has no settings for it. Nothing was sent.
    NoTls,
    /// The server does not offer STLS. Nothing of the credentials was sent.
    NoStartTls,
    /// The server refused CAPA, and therefore does not offer STLS. Nothing of the credentials was sent.
    CapaRefused(OwnedRefusal),
    /// The server refused STLS. Nothing of the credentials was sent.
    StartTlsRefused(OwnedRefusal),
    /// The TLS handshake failed, or the server's certificate is not valid. Nothing of the credentials was sent.
    Handshake(T),
    /// The server does not offer the method or the mechanism of this name. Nothing of the credentials was sent.
    NotOffered(Cow<'static, str>),
    /// This method cannot use these credentials: a token is not a password, and some methods cannot act for another
    /// user. Or the method is not in this build. Nothing was sent.
    Unsuitable(Method),
    /// The function that was asked for the password or the token returned none. Nothing of the credentials was sent.
    NoSecret,
    /// The name or the password cannot be sent. Nothing of the credentials was sent.
    Unsendable(BadArgument),
    /// The mechanism of this name failed and was cancelled.
    Mechanism {
        /// The mechanism's name.
        name: Cow<'static, str>,
        /// The error of the mechanism.
        error: MechanismError,
    },
    /// The conversation failed.
    Failed(Error<T>),
}

impl<T> LoginError<T> {
    /// Classifies the refusal of the method `name` by its full text `said`. The error contains `refused`, the text that
    /// may be shown. `judged` is true if enough was sent to judge the credentials. `certain` is true if the server
    /// announced AUTH-RESP-CODE.
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
            // Servers without response codes give the reason in prose. A locked account is not a locked maildrop.
            _ if said.mentions(&["account"]) => LoginError::Credentials(refused),
            _ if said.mentions(&["lock", "locked", "busy", "in use"]) => LoginError::InUse(refused),
            _ if said.mentions(NOT_NOW) => LoginError::Temporary(refused),
            _ => LoginError::Credentials(refused),
        }
    }

    /// Returns true if the connection can be used again, for another attempt or for QUIT.
    pub fn is_recoverable(&self) -> bool {
        match self {
            LoginError::Failed(error) => error.is_recoverable(),
            LoginError::Handshake(_) | LoginError::Mechanism { error: MechanismError::ServerUnverified, .. } => false,
            _ => true,
        }
    }
}

impl LoginError<Infallible> {
    /// Converts the error for a context in which the transport can also fail.
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

/// A failed login, and the connection `C` if it can be used again, for another attempt or for QUIT.
pub struct LoginFailed<C, T = Infallible> {
    /// The connection, if it can be used again.
    pub connection: Option<C>,
    /// The reason for the failure.
    pub reason: LoginError<T>,
}

impl<C, T: fmt::Debug> fmt::Debug for LoginFailed<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Kept short, because a `main` that returns this error prints it.
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
