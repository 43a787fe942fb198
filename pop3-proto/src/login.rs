//! The login flow: CAPA, STLS, the choice of a mechanism, and a typed reason when it fails.
//!
//! A mechanism that fails is never followed by a weaker one, and nothing of the credentials leaves on a link that is less
//! protected than the caller allows.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::ops::ControlFlow;

use zeroize::Zeroizing;

use crate::apop::Digest;
use crate::capability::Known;
use crate::client::Event;
use crate::command::{Command, MAX_LINE};
use crate::conversation::{Call, Conversation, Step};
use crate::error::{BadArgument, Rejected};
use crate::exchange::{Acknowledge, Capabilities, Exchange, Failure, Lines, acknowledged};
use crate::failure::{Cause, Error, Refused};
use crate::reply::{Challenge, Code};
use crate::sasl::{AuthPlain, Response, plain};

/// Who logs in. `Debug` shows no password; the memory is wiped when dropped.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

impl Credentials {
    /// A name and a password, as the user gave them.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials { user: user.into(), password: Zeroizing::new(password.into()) }
    }

    /// The name.
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How the connection must be protected before anything secret is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet on (RFC 8314, section 3.1). The default.
    #[default]
    Tls,
    /// TLS begun by STLS (RFC 2595, section 4). It never falls back.
    StartTls,
    /// No protection.
    Plaintext,
}

/// How to prove who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// USER and PASS: the password as it is (RFC 1939, section 7).
    UserPass,
    /// APOP: a digest of the password and of the greeting's timestamp (RFC 1939, section 7). Used only if asked for by
    /// name: many servers send timestamps that they cannot serve.
    Apop,
    /// SASL PLAIN: the password as it is (RFC 4616).
    Plain,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::UserPass => "USER",
            Method::Apop => "APOP",
            Method::Plain => "PLAIN",
        })
    }
}

/// What is permitted on the way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The protection that is required.
    pub security: Security,
    /// Leave to send a password as it is without TLS. False by default.
    pub allow_plaintext: bool,
    /// The one mechanism to use; by default PLAIN if the server announces it, else USER and PASS.
    pub method: Option<Method>,
}

/// Why a login failed. `T` is the error of the transport.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<T = Infallible> {
    /// The server refused the name or the password.
    Credentials(Refused),
    /// Another session has the maildrop; the credentials were not judged (RFC 2449, section 8.1.2).
    InUse(Refused),
    /// The last login was too short a while ago (RFC 2449, section 8.1.1).
    LoginDelay(Refused),
    /// Something failed that will pass (RFC 3206, section 4).
    Temporary(Refused),
    /// Something failed that somebody must mend (RFC 3206, section 4).
    Permanent(Refused),
    /// The server refused, and not for the credentials, since it would have said so (RFC 3206, section 6).
    Refused(Refused),
    /// The password would go over an unprotected connection. Nothing of the credentials was sent.
    Unprotected,
    /// TLS is asked for, and the adapter cannot do it. Nothing was sent.
    NoTls,
    /// The server does not offer STLS. Nothing of the credentials was sent.
    NoStartTls,
    /// The server refused STLS. Nothing of the credentials was sent.
    StartTlsRefused(Refused),
    /// The TLS handshake failed. Nothing of the credentials was sent; the session is over.
    Handshake(T),
    /// The server does not offer the mechanism that was asked for. Nothing of the credentials was sent.
    NoMethod(Method),
    /// The name or the password cannot be sent. Nothing of the credentials was.
    Unsendable(BadArgument),
    /// The conversation failed.
    Failed(Error<T>),
}

impl<T> LoginError<T> {
    fn of_refusal(refused: Refused, certain: bool) -> LoginError<T> {
        match refused.code() {
            Some(Code::Auth) => LoginError::Credentials(refused),
            Some(Code::InUse) => LoginError::InUse(refused),
            Some(Code::LoginDelay) => LoginError::LoginDelay(refused),
            Some(Code::SysTemp | Code::Sys) => LoginError::Temporary(refused),
            Some(Code::SysPerm) => LoginError::Permanent(refused),
            _ if certain => LoginError::Refused(refused),
            // Servers older than response codes say it in prose.
            // An account that is locked is another matter than a maildrop.
            _ if refused.mentions(&["account"]) => LoginError::Credentials(refused),
            _ if refused.mentions(&["lock", "locked", "busy", "in use"]) => LoginError::InUse(refused),
            _ if refused.mentions(&["unavailable", "try again", "wait"]) => LoginError::Temporary(refused),
            _ => LoginError::Credentials(refused),
        }
    }

    /// Whether the connection can be used again: for another try, or QUIT.
    pub fn session_goes_on(&self) -> bool {
        match self {
            LoginError::Handshake(_) => false,
            LoginError::Failed(error) => error.session_goes_on(),
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
            LoginError::Unprotected => LoginError::Unprotected,
            LoginError::NoTls => LoginError::NoTls,
            LoginError::NoStartTls => LoginError::NoStartTls,
            LoginError::StartTlsRefused(refused) => LoginError::StartTlsRefused(refused),
            LoginError::Handshake(never) => match never {},
            LoginError::NoMethod(mechanism) => LoginError::NoMethod(mechanism),
            LoginError::Unsendable(bad) => LoginError::Unsendable(bad),
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
            LoginError::Unprotected => f.write_str(
                "the connection is not protected, so the password was not sent; a password in the clear needs leave",
            ),
            LoginError::NoTls => f.write_str("TLS is not in this build; nothing was sent"),
            LoginError::NoStartTls => f.write_str("the server does not offer STLS; nothing secret was sent"),
            LoginError::StartTlsRefused(said) => {
                write!(f, "the server refused STLS, nothing secret was sent; it said {said}")
            }
            LoginError::Handshake(error) => write!(f, "the TLS handshake failed, nothing secret was sent: {error}"),
            LoginError::NoMethod(mechanism) => {
                write!(f, "the server does not offer {mechanism}; nothing secret was sent")
            }
            LoginError::Unsendable(bad) => write!(f, "the credentials cannot be sent: {bad}"),
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

/// Where a login stands when it needs its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// STLS was accepted and nothing is left unread: do the TLS handshake, call
    /// [`Conversation::tls_established`], and go on.
    StartTls,
    /// The session is in TRANSACTION.
    LoggedIn,
}

/// A login on its way.
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Login {
    credentials: Credentials,
    policy: Policy,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    Capa(Call<Lines<'static>>),
    Stls(Call<Acknowledge<'static>>),
    Handshake,
    /// Both travel together where the server pipelines.
    UserPass(Call<Proof>, Call<Proof>),
    Prove(Call<Proof>),
}

impl Login {
    /// A login that has not begun. It needs a conversation whose greeting has come.
    pub const fn new(credentials: Credentials, policy: Policy) -> Login {
        Login { credentials, policy, stage: Stage::Begin }
    }

    /// Takes the login as far as the octets at hand allow.
    ///
    /// # Errors
    ///
    /// Why it failed; [`LoginError::session_goes_on`] tells whether the conversation can be used again.
    pub fn step(&mut self, conversation: &mut Conversation) -> Result<Step<Progress>, LoginError> {
        loop {
            let inside_tls = conversation.client().inside_tls();
            self.stage = match &mut self.stage {
                Stage::Begin => {
                    self.check(inside_tls)?;
                    if conversation.capabilities().is_some() {
                        self.choose(conversation)?
                    } else {
                        Stage::Capa(Call::new(Lines::new(Command::Capa)))
                    }
                }
                Stage::Capa(call) => {
                    let lines = match conversation.step(call) {
                        Ok(Step::NeedIo) => return Ok(Step::NeedIo),
                        Ok(Step::Done(lines)) => lines,
                        // An old server, of which nothing is known (RFC 2449, section 5).
                        Err(error) if error.refused().is_some() => Vec::new(),
                        Err(error) => return Err(error.into()),
                    };
                    conversation.learn(Capabilities::new(lines));
                    self.choose(conversation)?
                }
                Stage::Stls(call) => match conversation.step(call) {
                    Ok(Step::NeedIo) => return Ok(Step::NeedIo),
                    Ok(Step::Done(())) => {
                        conversation.expect_nothing()?;
                        Stage::Handshake
                    }
                    Err(error) => {
                        return Err(match error.refused() {
                            Some(refused) => LoginError::StartTlsRefused(refused.clone()),
                            None => error.into(),
                        });
                    }
                },
                Stage::Handshake if inside_tls => Stage::Begin,
                Stage::Handshake => return Ok(Step::Done(Progress::StartTls)),
                Stage::UserPass(user, pass) => {
                    conversation.begin(user)?;
                    // A server that does not announce USER may still take it, but must say so before PASS leaves.
                    let announced =
                        conversation.capabilities().is_some_and(|all| all.any(|known| known == Known::User));
                    if announced && conversation.pipelining() {
                        conversation.begin(pass)?;
                    }
                    match conversation.step(user) {
                        Ok(Step::NeedIo) => return Ok(Step::NeedIo),
                        Ok(Step::Done(())) => {
                            let Stage::UserPass(_, pass) = core::mem::replace(&mut self.stage, Stage::Begin) else {
                                continue;
                            };
                            Stage::Prove(pass)
                        }
                        Err(error) => return Err(self.failed(conversation, error)),
                    }
                }
                Stage::Prove(call) => match conversation.step(call) {
                    Ok(Step::NeedIo) => return Ok(Step::NeedIo),
                    Ok(Step::Done(())) => return Ok(Step::Done(Progress::LoggedIn)),
                    Err(error) => return Err(self.failed(conversation, error)),
                },
            }
        }
    }

    /// What can be known before anything is sent.
    fn check(&self, inside_tls: bool) -> Result<(), LoginError> {
        let Credentials { user, password } = &self.credentials;
        // What no mechanism can carry, or the one that was asked for cannot. The rest is known after CAPA.
        let sendable = match self.policy.method {
            None => Command::Pass(user).check(true).and_then(|()| Command::Pass(password).check(true)),
            Some(Method::Plain) => plain("", user, password).map(drop),
            Some(_) => Command::User(user).check(true).and_then(|()| Command::Pass(password).check(true)),
        };
        sendable.map_err(LoginError::Unsendable)?;
        let hidden = self.policy.method == Some(Method::Apop);
        match self.policy.security {
            _ if inside_tls => Ok(()),
            Security::StartTls => Ok(()),
            Security::Plaintext if hidden || self.policy.allow_plaintext => Ok(()),
            Security::Tls | Security::Plaintext => Err(LoginError::Unprotected),
        }
    }

    /// The stage after CAPA.
    fn choose(&self, conversation: &Conversation) -> Result<Stage, LoginError> {
        let nothing = Capabilities::default();
        let capabilities = conversation.capabilities().unwrap_or(&nothing);
        if self.policy.security == Security::StartTls && !conversation.client().inside_tls() {
            if !capabilities.any(|known| known == Known::Stls) {
                return Err(LoginError::NoStartTls);
            }
            return Ok(Stage::Stls(Call::new(Acknowledge(Command::Stls))));
        }
        let Credentials { user, password } = &self.credentials;
        let announced = capabilities.mechanisms().any(|name| name.eq_ignore_ascii_case(b"PLAIN"));
        let default = if announced { Method::Plain } else { Method::UserPass };
        match self.policy.method.unwrap_or(default) {
            Method::UserPass => {
                Self::sendable(conversation, Command::User(user))?;
                Self::sendable(conversation, Command::Pass(password))?;
                Ok(Stage::UserPass(Call::new(Proof::User(user.clone())), Call::new(Proof::Pass(password.clone()))))
            }
            Method::Apop => {
                let greeting = conversation.greeting();
                let timestamp = greeting.and_then(|greeting| greeting.timestamp());
                let timestamp = timestamp.ok_or(LoginError::NoMethod(Method::Apop))?;
                // It would have to be prepared first (RFC 6856, section 2.2), so that both sides mean the same.
                if !password.is_ascii() {
                    return Err(LoginError::Unsendable(BadArgument::NotAscii));
                }
                let digest = Digest::new(timestamp, password.as_bytes());
                Self::sendable(conversation, Command::Apop { user, digest })?;
                Ok(Stage::Prove(Call::new(Proof::Apop(user.clone(), digest))))
            }
            // A server without CAPA may know AUTH all the same (RFC 1734).
            Method::Plain if announced || capabilities == &nothing => {
                let message = plain("", user, password).map_err(LoginError::Unsendable)?;
                Ok(Stage::Prove(Call::new(Proof::Plain(AuthPlain::new(message, announced)))))
            }
            Method::Plain => Err(LoginError::NoMethod(Method::Plain)),
        }
    }

    /// Whether the server can take the command, asked before the first of a pair goes out.
    fn sendable(conversation: &Conversation, command: Command<'_>) -> Result<(), LoginError> {
        let announced = conversation.capabilities();
        let utf8 = announced.is_some_and(|all| all.any(|known| known == Known::Utf8 { user: true }));
        command.check(utf8).map_err(LoginError::Unsendable)?;
        let len = command.encoded_len();
        if len > MAX_LINE {
            return Err(LoginError::Failed(Error::new("the login", Cause::Rejected(Rejected::TooLong { len }))));
        }
        Ok(())
    }

    fn failed(&self, conversation: &Conversation, error: Error) -> LoginError {
        match error.into_cause() {
            Cause::Refused(mut refused) => {
                // The server may have echoed the line, in whichever form the password was in it.
                if let Stage::Prove(call) = &self.stage {
                    call.exchange().redact(&mut refused);
                }
                refused.redact(self.credentials.password.as_bytes());
                let certain = conversation.capabilities().is_some_and(|c| c.any(|known| known == Known::AuthRespCode));
                LoginError::of_refusal(refused, certain)
            }
            Cause::Rejected(Rejected::Argument(bad)) => LoginError::Unsendable(bad),
            cause => LoginError::Failed(Error::new("the login", cause)),
        }
    }
}

/// A command that carries a part of the credentials.
enum Proof {
    User(String),
    Pass(Zeroizing<String>),
    Apop(String, Digest),
    Plain(AuthPlain),
}

impl Proof {
    /// Blots out what the password was turned into.
    fn redact(&self, refused: &mut Refused) {
        match self {
            Proof::User(_) | Proof::Pass(_) => {}
            Proof::Apop(_, digest) => refused.redact(digest.as_bytes()),
            Proof::Plain(auth) => refused.redact(&auth.encoded()),
        }
    }
}

impl Exchange for Proof {
    type Value = ();

    fn command(&self) -> Command<'_> {
        match self {
            Proof::User(user) => Command::User(user),
            Proof::Pass(password) => Command::Pass(password),
            Proof::Apop(user, digest) => Command::Apop { user, digest: *digest },
            Proof::Plain(auth) => auth.command(),
        }
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), Failure>> {
        acknowledged(event)
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Response<'_> {
        match self {
            Proof::Plain(auth) => auth.respond(challenge),
            _ => Response::Cancel,
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.command())
    }
}
