//! The login flow: CAPA, STLS, the choice of a method, and a typed error if it fails.
//!
//! A method that fails is never followed by a weaker one; [`Policy::methods`](Policy#structfield.methods) describes the
//! one exception, for channel bindings. Credentials are sent only over a connection with the protection that you
//! require.
//!
//! ```
//! use pop3_proto::login::{Connect, Credentials, Policy, Security};
//!
//! // For an adapter: where to connect, and how to log in.
//! let connect: Connect = "pop3s://mrose@pop.example.org".parse()?;
//! let connect = connect.password("tanstaaf");
//!
//! // For your own loop: a `Login` from credentials and a policy.
//! let login = connect.login(Credentials::new("mrose", "tanstaaf"));
//! assert_eq!(connect.get_policy(), Policy::new().security(Security::Tls));
//! # let _ = login;
//! # Ok::<(), pop3_proto::login::UrlError>(())
//! ```

mod auth;
mod choice;
pub(crate) mod connect;
mod credentials;
mod error;
pub mod netrc;
mod policy;
mod proof;
mod url;

use alloc::borrow::Cow;
use alloc::string::String;

use zeroize::Zeroizing;

use crate::drive::capabilities::Capabilities;
use crate::drive::commands::{Acknowledge, Capa};
use crate::drive::conversation::{Call, Conversation, Step};
use crate::drive::error::{Cause, Error};
use crate::error::{Awaiting, UsageError};
use crate::sasl::{MechanismError, plain, prepare, prepare_query};
use crate::wire::apop::Digest;
use crate::wire::argument::{BadArgument, Charset};
use crate::wire::capability::KnownCapability;
use crate::wire::command::{Command, MAX_COMMAND_LINE};
use choice::{Choice, check_fit, choose};
use credentials::Secret;
use proof::Proof;

#[doc(no_inline)]
pub use crate::drive::error::login::LoginError;
pub use connect::Connect;
pub use credentials::Credentials;
pub use error::LoginFailed;
pub use policy::{Method, Methods, Policy, Security};
pub use url::{PopUrl, UrlError};

/// A state of the login that you must handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// TLS must begin now, at the start of the connection or after STLS. Do the TLS handshake, call `tls::established`
    /// (feature `tls`), or without rustls [`Conversation::tls_established`], and step the login again. If the handshake
    /// fails, call [`Conversation::abort`] instead.
    StartTls,
    /// The login succeeded, and the session is in TRANSACTION.
    LoggedIn,
}

/// A login in progress.
///
/// ```
/// use pop3_proto::Error;
/// use pop3_proto::drive::{Conversation, Io, Step};
/// use pop3_proto::login::{Credentials, Login, Policy, Progress};
///
/// /// Logs in. `transfer` does the I/O, and `handshake` begins TLS and reports it to the conversation.
/// fn log_in(
///     conversation: &mut Conversation,
///     credentials: Credentials,
///     mut transfer: impl FnMut(&mut Conversation, Io) -> Result<(), Error>,
///     mut handshake: impl FnMut(&mut Conversation) -> Result<(), Error>,
/// ) -> Result<(), Error> {
///     let mut login = Login::new(credentials, Policy::new());
///     loop {
///         match login.step(conversation)? {
///             Step::NeedIo(io) => transfer(conversation, io)?,
///             Step::Done(Progress::StartTls) => handshake(conversation)?,
///             Step::Done(Progress::LoggedIn) => return Ok(()),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Login {
    credentials: Credentials,
    policy: Policy,
    stage: Stage,
    /// An earlier secret, not known to this login, was refused on this connection. A refusal may echo it.
    may_hear_an_echo: bool,
}

#[derive(Debug)]
enum Stage {
    Begin,
    Capa(Call<Capa>),
    Stls(Call<Acknowledge<'static>>),
    Handshake,
    /// USER, PASS, and true if both are sent together.
    UserPass(Call<Proof>, Call<Proof>, bool),
    Prove(Call<Proof>),
}

impl Login {
    /// Creates a login that has not begun. If the conversation has not received the greeting yet, the login begins with
    /// the greeting, inside TLS if [`Policy::security`] is [`Security::Tls`].
    pub const fn new(credentials: Credentials, policy: Policy) -> Login {
        Login { credentials, policy, stage: Stage::Begin, may_hear_an_echo: false }
    }

    /// Advances the login as far as the available octets allow.
    ///
    /// # Errors
    ///
    /// [`Error`] with the reason. [`Error::is_recoverable`] returns true if you can use the conversation again.
    pub fn step(&mut self, conversation: &mut Conversation) -> Result<Step<Progress>, Error> {
        let is_greeted = conversation.client().awaiting() != Awaiting::Greeting;
        self.advance(conversation).map_err(|error| match error.cause() {
            Cause::Transport(_) | Cause::TimedOut(_) if is_greeted => Error::new("the login", error.into_cause()),
            _ => error,
        })
    }

    fn advance(&mut self, conversation: &mut Conversation) -> Result<Step<Progress>, Error> {
        loop {
            let inside_tls = conversation.client().inside_tls();
            self.stage = match &mut self.stage {
                Stage::Begin if conversation.client().awaiting() == Awaiting::Greeting => {
                    if self.policy.security == Security::Tls && !inside_tls {
                        Stage::Handshake
                    } else if let Step::NeedIo(io) = conversation.greet()? {
                        return Ok(Step::NeedIo(io));
                    } else {
                        Stage::Begin
                    }
                }
                Stage::Begin => {
                    self.may_hear_an_echo |= conversation.client().may_hear_an_echo();
                    self.check(inside_tls)?;
                    if conversation.capabilities().is_some() {
                        self.choose(conversation)?
                    } else {
                        Stage::Capa(Call::new(Capa::default()))
                    }
                }
                Stage::Capa(call) => {
                    let capabilities = match conversation.step(call) {
                        Ok(Step::NeedIo(io)) => return Ok(Step::NeedIo(io)),
                        Ok(Step::Done(capabilities)) => capabilities,
                        Err(error) => match error.refused() {
                            Some(refused) if self.wants_tls(inside_tls) => {
                                return Err(LoginError::CapaRefused(refused.clone()).into());
                            }
                            // An old server with unknown capabilities (RFC 2449, section 5).
                            Some(_) => Capabilities::default(),
                            None => return Err(error),
                        },
                    };
                    conversation.learn(capabilities);
                    self.choose(conversation)?
                }
                Stage::Stls(call) => match conversation.step(call) {
                    Ok(Step::NeedIo(io)) => return Ok(Step::NeedIo(io)),
                    Ok(Step::Done(())) => {
                        conversation.expect_nothing()?;
                        Stage::Handshake
                    }
                    Err(error) => {
                        return Err(match error.refused() {
                            Some(refused) => LoginError::StartTlsRefused(refused.clone()).into(),
                            None => error,
                        });
                    }
                },
                Stage::Handshake if inside_tls => Stage::Begin,
                Stage::Handshake => {
                    conversation.expect_handshake()?;
                    return Ok(Step::Done(Progress::StartTls));
                }
                Stage::UserPass(user, pass, together) => {
                    if let Step::NeedIo(io) = conversation.begin(user)? {
                        return Ok(Step::NeedIo(io));
                    }
                    if *together {
                        // With USER in flight, `begin` does not ask for I/O.
                        let _ = conversation.begin(pass)?;
                    }
                    match conversation.step(user) {
                        Ok(Step::NeedIo(io)) => return Ok(Step::NeedIo(io)),
                        Ok(Step::Done(())) => {
                            let Stage::UserPass(_, pass, _) = core::mem::replace(&mut self.stage, Stage::Begin) else {
                                continue;
                            };
                            Stage::Prove(pass)
                        }
                        Err(error) => return Err(self.failed(conversation, error)),
                    }
                }
                Stage::Prove(call) => match conversation.step(call) {
                    Ok(Step::NeedIo(io)) => return Ok(Step::NeedIo(io)),
                    Ok(Step::Done(())) => return Ok(Step::Done(Progress::LoggedIn)),
                    Err(error) => match self.without_binding(conversation, &error)? {
                        Some(stage) => stage,
                        None => return Err(self.failed(conversation, error)),
                    },
                },
            }
        }
    }

    fn wants_tls(&self, inside_tls: bool) -> bool {
        self.policy.security == Security::StartTls && !inside_tls
    }

    /// Checks everything that can be checked before anything is sent.
    fn check(&self, inside_tls: bool) -> Result<(), LoginError> {
        if let Some(methods) = self.policy.methods {
            let fits = methods.iter().map(|method| check_fit(&self.credentials, method));
            let one_fits = fits.reduce(|before, next| before.or_else(|first| next.map_err(|_| first)));
            one_fits.unwrap_or(Err(LoginError::NotOffered("a permitted method".into())))?;
        }
        self.check_password().map_err(LoginError::Unsendable)?;
        let shows = self.policy.methods.is_some_and(|methods| methods.iter().all(Method::shows_secret));
        match self.policy.security {
            _ if inside_tls => Ok(()),
            Security::StartTls => Ok(()),
            Security::Plaintext if self.policy.allow_plaintext || !shows => Ok(()),
            Security::Tls | Security::Plaintext => Err(LoginError::Unprotected),
        }
    }

    /// Checks that the only permitted method, or at least one method of several, can send the name and the password.
    /// The rest is checked after CAPA.
    fn check_password(&self) -> Result<(), BadArgument> {
        let user = self.credentials.user();
        let Secret::Password(source) = &self.credentials.secret else { return Ok(()) };
        let password = source.known();
        match self.policy.methods.map(Methods::single) {
            Some(Some(Method::UserPass)) => {
                Command::User(user).check(Charset::Utf8)?;
                password.map_or(Ok(()), |password| Command::Pass(password).check(Charset::Utf8))
            }
            // APOP does not send the password.
            Some(Some(Method::Apop)) => {
                Command::User(user).check(Charset::Utf8)?;
                password.map_or(Ok(()), |password| plain("", user, password).map(drop))
            }
            Some(Some(_)) => password.map_or(Ok(()), |password| plain("", user, password).map(drop)),
            // Some methods permit spaces in the name.
            Some(None) | None => {
                Command::Pass(user).check(Charset::Utf8)?;
                password.map_or(Ok(()), |password| Command::Pass(password).check(Charset::Utf8))
            }
        }
    }

    /// Returns the stage after CAPA.
    fn choose(&mut self, conversation: &mut Conversation) -> Result<Stage, Error> {
        if self.wants_tls(conversation.client().inside_tls()) {
            let offered =
                conversation.capabilities().is_some_and(|all| all.any(|known| known == KnownCapability::Stls));
            return if offered {
                Ok(Stage::Stls(Call::new(Acknowledge(Command::Stls))))
            } else {
                Err(LoginError::NoStartTls.into())
            };
        }
        let choice = choose(&mut self.credentials, self.policy, conversation)?;
        // A prompt for the password may have taken minutes.
        conversation.look_again();
        let user = self.credentials.user();
        let password = Zeroizing::new(String::from(self.credentials.known_text().unwrap_or_default()));
        match choice {
            Choice::UserPass => {
                Self::sendable(conversation, Command::User(user))?;
                Self::sendable(conversation, Command::Pass(&password))?;
                // A server that does not announce USER may still accept it, but must do so before PASS is sent.
                let announced =
                    conversation.capabilities().is_some_and(|all| all.any(|known| known == KnownCapability::User));
                let together = announced && conversation.pipelining();
                let (user, pass) = (Proof::User(user.into()), Proof::Pass(password));
                Ok(Stage::UserPass(Call::searched(user), Call::searched(pass), together))
            }
            Choice::Apop => {
                let greeting = conversation.greeting();
                let timestamp = greeting.and_then(|greeting| greeting.timestamp());
                let timestamp = timestamp.ok_or(LoginError::NotOffered("APOP".into()))?;
                let user = prepare_query(user).map_err(LoginError::Unsendable)?;
                let digest = Digest::new(timestamp, prepare(&password).map_err(LoginError::Unsendable)?.as_bytes());
                Self::sendable(conversation, Command::Apop { user: &user, digest })?;
                Ok(Stage::Prove(Call::searched(Proof::Apop(user, digest))))
            }
            Choice::Sasl(auth) => Ok(Stage::Prove(Call::searched(Proof::Sasl(auth)))),
        }
    }

    /// Returns the stage for the only method that may follow another one: see
    /// [`Policy::methods`](Policy#structfield.methods).
    fn without_binding(&mut self, conversation: &Conversation, error: &Error) -> Result<Option<Stage>, LoginError> {
        let Stage::Prove(call) = &self.stage else { return Ok(None) };
        let Proof::Sasl(auth) = call.exchange() else { return Ok(None) };
        let Some(refused) = error.refused() else { return Ok(None) };
        let method =
            auth.mechanism().name().strip_suffix("-PLUS").and_then(|name| {
                [Method::ScramSha256, Method::ScramSha1].into_iter().find(|method| method.name() == name)
            });
        let Some(method) = method.filter(|_| auth.binding_is_unknown(refused)) else {
            return Ok(None);
        };
        // The messages of this exchange are dropped, so later refusals are not searched for them.
        self.may_hear_an_echo |= auth.has_proved();
        let choice = choice::follow(&mut self.credentials, self.policy, conversation, method)?;
        Ok(choice.map(|auth| Stage::Prove(Call::searched(Proof::Sasl(auth)))))
    }

    /// Checks that the command may be sent. Both commands of a pair are checked before the first is sent.
    fn sendable(conversation: &Conversation, command: Command<'_>) -> Result<(), Error> {
        let announced = conversation.capabilities();
        let utf8 = announced.is_some_and(|all| all.any(|known| known == KnownCapability::Utf8 { user: true }));
        command.check(Charset::of_names(utf8)).map_err(LoginError::Unsendable)?;
        let len = command.encoded_len();
        if len > MAX_COMMAND_LINE {
            return Err(Error::new("the login", Cause::Usage(UsageError::TooLong { len })));
        }
        Ok(())
    }

    /// Returns the name of the method in progress.
    fn method_name(&self) -> Cow<'static, str> {
        match &self.stage {
            Stage::Prove(call) => match call.exchange() {
                Proof::Sasl(auth) => Cow::Owned(auth.mechanism().name().into()),
                Proof::Apop(..) => "APOP".into(),
                Proof::User(_) | Proof::Pass(_) => "USER and PASS".into(),
            },
            _ => "USER and PASS".into(),
        }
    }

    fn failed(&self, conversation: &mut Conversation, error: Error) -> Error {
        let proof = if let Stage::Prove(call) = &self.stage { Some(call.exchange()) } else { None };
        if let Some(Proof::Sasl(auth)) = proof {
            if let (Some(error), true) = (auth.error(), error.refused().is_some()) {
                if error == MechanismError::ServerUnverified {
                    conversation.end();
                }
                let name = String::from(auth.mechanism().name()).into();
                return LoginError::Mechanism { name, error }.into();
            }
        }
        match error.into_cause() {
            Cause::Refused(mut refused) => {
                if let Some(Proof::Sasl(auth)) = proof {
                    refused.explain(auth.mechanism().explanation().unwrap_or_default());
                }
                // The server may have echoed the secret or data derived from it.
                refused.redact(self.credentials.known_text().unwrap_or_default().as_bytes());
                if let Some(proof) = proof {
                    proof.redact(&mut refused, self.credentials.user());
                }
                let mut shown = refused.clone();
                if self.may_hear_an_echo {
                    shown.withhold();
                }
                if let Some(Proof::Sasl(auth)) = proof {
                    if auth.has_lost_its_binding(&refused) {
                        return LoginError::Binding(shown).into();
                    }
                }
                let judged = !matches!(proof, Some(Proof::Sasl(auth)) if !auth.has_proved());
                let announced = conversation.capabilities();
                error::classify(self.method_name(), &self.credentials.secret, &refused, shown, judged, announced).into()
            }
            Cause::Usage(UsageError::Argument(bad)) => LoginError::Unsendable(bad).into(),
            cause => Error::new("the login", cause),
        }
    }
}
