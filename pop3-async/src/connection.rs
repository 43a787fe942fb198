//! AUTHORIZATION: a connection before the login (RFC 1939, section 4).

use std::future::poll_fn;

use pop3_proto::drive::{Acknowledge, Capa, Capabilities, Conversation, Deadlines, LogEntry, Step, Timeouts};
use pop3_proto::login::{Credentials, Login, Policy, Progress};
#[cfg(feature = "tls")]
use pop3_proto::tls::{Tls, TlsError};
use pop3_proto::wire::Greeting;
use pop3_proto::{Command, Config};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver::Driver;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has sent its greeting. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) driver: Box<Driver<S>>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A failed login, with the connection if it is still usable, for another attempt or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>>;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Waits for the greeting on a connected stream. If you drop the future, the stream is dropped too.
    ///
    /// No wait is limited by default. Limit this one with [`tokio::time::timeout`], and later ones with
    /// [`set_timeouts`](Self::set_timeouts). Batches keep 32 KiB of commands in flight; change this with
    /// [`set_window`](Self::set_window). If the stream is a socket, set `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`;
    /// [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::TimedOut`](crate::Cause::TimedOut);
    /// [`Cause::Transport`](crate::Cause::Transport).
    pub async fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(Driver::new(stream, Conversation::new(config), Deadlines::new(Timeouts::UNLIMITED))).await
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on. Secrets are replaced,
    /// and bodies are logged as a number of octets.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub async fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(LogEntry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(Driver::new(stream, conversation, Deadlines::new(Timeouts::UNLIMITED))).await
    }

    /// Performs the TLS handshake on a connected stream, and waits for the greeting inside TLS (RFC 8314, section 3.1).
    /// `host` is the server's name as the user gave it: the certificate must be valid for that name or address. If you
    /// drop the future, the stream is dropped too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if TLS cannot be set up, [`ErrorKind::Tls`](crate::ErrorKind::Tls)
    /// if the handshake fails, and the errors of [`new`](Self::new).
    #[cfg(feature = "tls")]
    pub async fn over_tls(stream: S, config: Config, tls: &Tls, host: &str) -> Result<Connection<S>, Error> {
        let conversation = Conversation::new(config);
        let mut driver = Driver::new(stream, conversation, Deadlines::new(Timeouts::UNLIMITED));
        driver.tls = Some(Box::new(Settings::new(tls, host)?));
        Connection::open(driver.start_tls().await?).await
    }

    pub(crate) async fn open(mut driver: Box<Driver<S>>) -> Result<Connection<S>, Error> {
        loop {
            match driver.conversation.greet()? {
                Step::Done(()) => return Ok(Connection { driver }),
                Step::NeedIo(io) => {
                    let done = poll_fn(|cx| driver.poll_io(cx, io)).await;
                    done.map_err(|error| Error::transport("reading the greeting", error))?;
                }
            }
        }
    }

    /// Sets the number of octets of commands that a batch keeps in flight. Any number is safe: see the
    /// [crate's docs](crate).
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Sets the TLS requirements for a login with [`Security::StartTls`](crate::Security::StartTls), and the name or
    /// address for which the server's certificate must be valid.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    #[cfg(feature = "tls")]
    #[doc(alias = "STLS")]
    pub fn set_tls(&mut self, tls: &Tls, host: &str) -> Result<(), TlsError> {
        self.driver.tls = Some(Box::new(Settings::new(tls, host)?));
        Ok(())
    }

    /// Limits future waits; by default nothing is limited.
    ///
    /// A wait lasts from the moment when there was nothing to read until something arrives. If you drop a future, the
    /// next one therefore continues its wait. While no answer is due, no time passes.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.clock.set_timeouts(timeouts);
    }

    /// Returns the greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.driver.conversation.greeting()
    }

    /// Returns the stream.
    pub fn get_ref(&self) -> &S {
        self.driver.stream.get_ref()
    }

    /// Asks for the capabilities before the login with CAPA (RFC 2449, section 5). If you drop the future, the answer
    /// is skipped and not recorded.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    #[doc(alias = "CAPA")]
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::new()).await?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Asks the server to send headers in UTF-8, with UTF8 (RFC 6856, section 2.1). If you drop the future, the server
    /// may or may not do so.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless you have
    /// asked for the [capabilities](Self::capabilities) and they include UTF8: nothing was sent.
    pub async fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8)).await
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if the [`Policy`] requires it, chooses a
    /// mechanism, and authenticates. If you drop the future, the connection is closed, and the password may have been
    /// sent.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with the error and, if it is still usable, the connection. [`LoginError::NoTls`] if the policy
    /// requires TLS and the connection is not inside TLS, or if it requires STLS and you have not called `set_tls`.
    #[doc(alias = "USER")]
    #[doc(alias = "PASS")]
    #[doc(alias = "APOP")]
    #[doc(alias = "AUTH")]
    pub async fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let inside_tls = self.driver.conversation.client().inside_tls();
        if !policy.is_attainable(inside_tls, self.driver.tls.is_some()) {
            return Err(Box::new(LoginFailed { connection: Some(self), error: LoginError::NoTls.into() }));
        }
        let mut login = Login::new(credentials, policy);
        self.driver.begin();
        loop {
            let error = match login.step(&mut self.driver.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.driver)),
                // Boxed, or the future of every login would reserve room for it.
                Ok(Step::Done(Progress::StartTls)) => match Box::pin(self.driver.start_tls()).await {
                    Ok(driver) => {
                        self.driver = driver;
                        continue;
                    }
                    Err(error) => return Err(Box::new(LoginFailed { connection: None, error })),
                },
                Ok(Step::NeedIo(io)) => match poll_fn(|cx| self.driver.poll_io(cx, io)).await {
                    Ok(()) => continue,
                    Err(error) => Error::transport("the login", error),
                },
                Err(error) => error,
            };
            let connection = error.is_recoverable().then_some(self);
            return Err(Box::new(LoginFailed { connection, error }));
        }
    }

    /// Sends QUIT without a login: nothing is deleted. If you drop the future, the connection is closed.
    ///
    /// # Errors
    ///
    /// [`QuitError`], which can usually be ignored.
    pub async fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit().await
    }
}
