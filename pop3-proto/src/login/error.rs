//! Failed logins, and the classification of refusals.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::drive::capabilities::Capabilities;
use crate::drive::error::Error;
use crate::drive::error::login::LoginError;
use crate::drive::refusal::OwnedRefusal;
use crate::login::credentials::Secret;
use crate::wire::capability::KnownCapability;
use crate::wire::code::Code;

/// Classifies the refusal of the method `name` by its full text `said`. The error contains `refused`, the text that
/// may be shown. `judged` is true if enough was sent to judge the credentials, which contain `secret`. `announced` are
/// the capabilities of the server.
pub(super) fn classify(
    name: Cow<'static, str>,
    secret: &Secret,
    said: &OwnedRefusal,
    refused: OwnedRefusal,
    judged: bool,
    announced: Option<&Capabilities>,
) -> LoginError {
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
    const NOT_NOW: &[&str] =
        &["unavailable", "try again", "try later", "wait", "temporarily", "internal", "server error", "system error"];
    let unaccepted = match secret {
        Secret::Password(_) | Secret::Own(_) => LoginError::Credentials,
        Secret::Token(_) => LoginError::Token,
        Secret::Outside => LoginError::External,
    };
    let any = |wanted: fn(KnownCapability<'_>) -> bool| announced.is_some_and(|all| all.any(wanted));
    match said.code() {
        Some(Code::Auth) => unaccepted(refused),
        Some(Code::InUse) => LoginError::InUse(refused),
        Some(Code::LoginDelay) => LoginError::LoginDelay { refused, delay: announced.and_then(login_delay) },
        Some(Code::SysTemp | Code::Sys) => LoginError::Temporary(refused),
        Some(Code::SysPerm) => LoginError::Permanent(refused),
        Some(_) => LoginError::Refused(refused),
        None if !judged || said.mentions(NOT_IMPLEMENTED) => LoginError::MethodRefused { name, refused },
        None if any(|known| known == KnownCapability::AuthRespCode) => LoginError::Refused(refused),
        // Servers without response codes give the reason in prose. A locked account is not a locked maildrop.
        _ if said.mentions(&["account"]) => unaccepted(refused),
        _ if said.mentions(&["lock", "locked", "busy", "in use"]) => LoginError::InUse(refused),
        _ if said.mentions(NOT_NOW) => LoginError::Temporary(refused),
        _ => unaccepted(refused),
    }
}

/// Returns the announced minimum time between two logins.
fn login_delay(announced: &Capabilities) -> Option<Duration> {
    announced.iter().find_map(|capability| match capability.known() {
        Some(KnownCapability::LoginDelay { seconds, .. }) => Some(Duration::from_secs(seconds)),
        _ => None,
    })
}

/// A failed login, and the connection `C` if it can be used again, for another attempt or for QUIT.
pub struct LoginFailed<C> {
    /// The connection, if it can be used again.
    pub connection: Option<C>,
    /// The error.
    pub error: Error,
}

impl<C> fmt::Debug for LoginFailed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Kept short, because a `main` that returns this error prints it.
        let mut failed = f.debug_struct("LoginFailed");
        failed.field("error", &self.error).field("connected", &self.connection.is_some()).finish()
    }
}

impl<C> fmt::Display for LoginFailed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<C> core::error::Error for LoginFailed<C> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}

/// Drops the connection.
impl<C> From<Box<LoginFailed<C>>> for Error {
    fn from(failed: Box<LoginFailed<C>>) -> Error {
        failed.error
    }
}
