//! Reasons why a login was refused or not attempted.

use alloc::borrow::Cow;
use core::fmt;
use core::time::Duration;

use crate::drive::refusal::OwnedRefusal;
use crate::sasl::MechanismError;
use crate::wire::argument::BadArgument;

/// The reason why a login was refused or not attempted.
///
/// A response code gives the reason for a refusal. Many servers send none. Known words in the text then distinguish
/// [`InUse`](Self::InUse), [`Temporary`](Self::Temporary) and [`MethodRefused`](Self::MethodRefused). Without such
/// words, [`Credentials`](Self::Credentials), [`Token`](Self::Token) and [`External`](Self::External) are only the
/// likely reasons.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError {
    /// The server refused the name or the password. This is certain if the refusal has the response code AUTH. Without
    /// a code it is the likely reason, because the text names no other.
    Credentials(OwnedRefusal),
    /// The server refused the OAuth token: it may have expired, lack a permission, or belong to another user. Without a
    /// response code, this is only the likely reason.
    Token(OwnedRefusal),
    /// The server refused the proof outside SASL, such as the client certificate, or its user. Without a response code,
    /// this is only the likely reason.
    External(OwnedRefusal),
    /// Another session has locked the maildrop. The credentials were not checked (RFC 2449, section 8.1.2). Without a
    /// response code, the text has a word like "locked" or "in use".
    InUse(OwnedRefusal),
    /// The last login was too recent (RFC 2449, section 8.1.1).
    LoginDelay {
        /// The refusal.
        refused: OwnedRefusal,
        /// The minimum time between two logins, if the server announced it (RFC 2449, section 6.5).
        delay: Option<Duration>,
    },
    /// A temporary failure (RFC 3206, section 4). Without a response code, the text has words like "internal error" or
    /// "try again".
    Temporary(OwnedRefusal),
    /// A failure that requires human intervention (RFC 3206, section 4).
    Permanent(OwnedRefusal),
    /// The server refused for a reason other than the credentials. Either the server marks wrong credentials with
    /// `[AUTH]` and this refusal has no such mark (RFC 3206, section 6), or the response code matches no other variant.
    Refused(OwnedRefusal),
    /// The server refused the method or the mechanism of this name: it does not implement it, or it refused before it
    /// had received enough to check the credentials.
    MethodRefused {
        /// The name of the method.
        name: Cow<'static, str>,
        /// The refusal.
        refused: OwnedRefusal,
    },
    /// The server refused to bind the proof to this TLS connection, which -PLUS requires. The credentials were not
    /// checked, and no method without the binding was both permitted and offered (see
    /// [`Policy::methods`](crate::login::Policy#structfield.methods)).
    Binding(OwnedRefusal),
    /// The login would send the password or the token over an unprotected connection, or requires TLS for another
    /// reason. No part of the credentials was sent.
    Unprotected,
    /// TLS is required, but the adapter does not support it or has no settings for it. Nothing was sent.
    NoTls,
    /// The server does not offer STLS. No part of the credentials was sent.
    NoStartTls,
    /// The server refused CAPA, and therefore does not offer STLS. No part of the credentials was sent.
    CapaRefused(OwnedRefusal),
    /// The server refused STLS. No part of the credentials was sent.
    StartTlsRefused(OwnedRefusal),
    /// The server offers none of the permitted methods or mechanisms, which the text names. No part of the credentials
    /// was sent.
    NotOffered(Cow<'static, str>),
    /// The method of this name cannot be used: it needs a different kind of credentials, it cannot act for another
    /// user, it needs a channel binding that this TLS connection does not have, or it is not in this build. No part of
    /// the credentials was sent.
    Unsuitable(Cow<'static, str>),
    /// The function that supplies the password or the token returned none. No part of the credentials was sent.
    NoSecret,
    /// The name or the password cannot be sent. No part of the credentials was sent.
    Unsendable(BadArgument),
    /// The mechanism of this name failed and was cancelled.
    Mechanism {
        /// The mechanism's name.
        name: Cow<'static, str>,
        /// The error of the mechanism.
        error: MechanismError,
    },
}

impl LoginError {
    /// Returns the server's refusal, if there is one.
    pub(crate) fn refused(&self) -> Option<&OwnedRefusal> {
        match self {
            LoginError::Credentials(refused)
            | LoginError::Token(refused)
            | LoginError::External(refused)
            | LoginError::InUse(refused)
            | LoginError::LoginDelay { refused, .. }
            | LoginError::Temporary(refused)
            | LoginError::Permanent(refused)
            | LoginError::Refused(refused)
            | LoginError::MethodRefused { refused, .. }
            | LoginError::Binding(refused)
            | LoginError::CapaRefused(refused)
            | LoginError::StartTlsRefused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Returns true if the connection can be used again, for another attempt or for QUIT.
    pub(crate) fn is_recoverable(&self) -> bool {
        !matches!(self, LoginError::Mechanism { error: MechanismError::ServerUnverified, .. })
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginError::Credentials(said) => write!(f, "wrong user name or password; the server said {said}"),
            LoginError::Token(said) => write!(f, "the token was refused; the server said {said}"),
            LoginError::External(said) => {
                write!(f, "the client certificate or its user was refused; the server said {said}")
            }
            LoginError::InUse(said) => write!(f, "another session has locked the maildrop; the server said {said}"),
            LoginError::LoginDelay { refused, .. } => {
                write!(f, "too soon after the last login; the server said {refused}")
            }
            LoginError::Temporary(said) => write!(f, "login is not possible now; the server said {said}"),
            LoginError::Permanent(said) => write!(f, "login is not possible; the server said {said}"),
            LoginError::Refused(said) => write!(f, "login was refused; the server said {said}"),
            LoginError::MethodRefused { name, refused } => {
                write!(f, "the server refused {name} and did not check the password; the server said {refused}")
            }
            LoginError::Binding(said) => {
                write!(
                    f,
                    "the server refused to bind the login to this TLS connection, and did not check the password; the \
                     server said {said}"
                )
            }
            LoginError::Unprotected => f.write_str(
                "the connection is not protected, so the password was not sent; sending it in plaintext requires `allow_plaintext`",
            ),
            LoginError::NoTls => {
                f.write_str("this build does not support TLS, or TLS is not configured for this connection; nothing was sent")
            }
            LoginError::NoStartTls => f.write_str("the server does not offer STLS; nothing secret was sent"),
            LoginError::StartTlsRefused(said) => {
                write!(f, "the server refused STLS, nothing secret was sent; without TLS, anyone may have sent {said}")
            }
            LoginError::CapaRefused(said) => {
                write!(
                    f,
                    "the server refused CAPA and so offers no STLS, nothing secret was sent; without TLS, anyone may have \
                     sent {said}"
                )
            }
            LoginError::NotOffered(name) => write!(f, "the server does not offer {name}; nothing secret was sent"),
            LoginError::Unsuitable(method) => {
                write!(
                    f,
                    "these credentials cannot be used with {method}, or this build does not support it; nothing was sent"
                )
            }
            LoginError::NoSecret => f.write_str("no password was given; nothing secret was sent"),
            LoginError::Unsendable(bad) => write!(f, "the credentials cannot be sent: {bad}"),
            LoginError::Mechanism { name, error } => write!(f, "{name} failed: {error}"),
        }
    }
}

impl core::error::Error for LoginError {}
