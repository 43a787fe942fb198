//! AUTHORIZATION: a connection that nobody has logged in on yet (RFC 1939, section 4).

use std::future::poll_fn;

use pop3_proto::drive::{Acknowledge, Capabilities, Conversation, Deadlines, Lines, LogEntry, Step, Timeouts};
use pop3_proto::login::{Credentials, Login, Policy, Progress};
#[cfg(feature = "tls")]
use pop3_proto::tls::{Tls, TlsError};
use pop3_proto::wire::Greeting;
use pop3_proto::{Command, Config};
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(feature = "tls")]
use crate::ConnectError;
use crate::driver::Driver;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has greeted us. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) driver: Box<Driver<S>>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A login that failed, and the connection if it can be used again: for another try, or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>, std::io::Error>;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Waits for the greeting on a stream that is connected already. Dropped: the stream is dropped too.
    ///
    /// Waits are not limited, neither this one nor later ones: [`tokio::time::timeout`] limits this one,
    /// [`set_timeouts`](Self::set_timeouts) the others. Batches keep 32 KiB of commands in flight;
    /// [`set_window`](Self::set_window) changes it. If the stream is a socket, give it `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`; [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::Transport`](crate::Cause::Transport).
    pub async fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(Driver::new(stream, Conversation::new(config), Deadlines::new(Timeouts::UNLIMITED))).await
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on: secrets replaced, bodies
    /// as a count of octets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub async fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(LogEntry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(Driver::new(stream, conversation, Deadlines::new(Timeouts::UNLIMITED))).await
    }

    /// Does the TLS handshake on a stream that is connected already, and waits for the greeting inside TLS (RFC 8314,
    /// section 3.1). `host` is what the user called the server: its certificate must be for that name or address. Dropped:
    /// the stream is dropped too.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Tls`]: TLS cannot even be tried. [`LoginError::Handshake`], with a
    /// [`TlsFailure`](crate::TlsFailure) in it if that is what failed. [`LoginError::Failed`] with what
    /// [`new`](Self::new) fails with.
    #[cfg(feature = "tls")]
    pub async fn over_tls(stream: S, config: Config, tls: &Tls, host: &str) -> Result<Connection<S>, ConnectError> {
        let conversation = Conversation::new(config);
        let mut driver = Driver::new(stream, conversation, Deadlines::new(Timeouts::UNLIMITED));
        driver.tls = Some(Box::new(Settings::new(tls, host)?));
        Ok(Connection::open(driver.start_tls().await?).await?)
    }

    pub(crate) async fn open(mut driver: Box<Driver<S>>) -> Result<Connection<S>, Error> {
        loop {
            match driver.conversation.greet().map_err(pop3_proto::Error::widen)? {
                Step::Done(()) => return Ok(Connection { driver }),
                Step::NeedIo(io) => {
                    let done = poll_fn(|cx| driver.poll_io(cx, io)).await;
                    done.map_err(|cause| Error::new("reading the greeting", cause))?;
                }
            }
        }
    }

    /// Has a batch keep so many octets of commands in flight. Any number will do: see the [crate's docs](crate).
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Tells what a login with [`Security::StartTls`](crate::Security::StartTls) has to prove by TLS, and the name or address that the server's
    /// certificate must be for.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    #[cfg(feature = "tls")]
    pub fn set_tls(&mut self, tls: &Tls, host: &str) -> Result<(), TlsError> {
        self.driver.tls = Some(Box::new(Settings::new(tls, host)?));
        Ok(())
    }

    /// Limits how long things may take from now on; by default nothing is limited.
    ///
    /// What counts is the time from when there was nothing to be read until something was. So the wait of a future that was
    /// dropped goes on with the next one, and while nothing is asked of the server no time passes.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.clock.set_timeouts(timeouts);
    }

    /// The greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.driver.conversation.greeting()
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        self.driver.stream.get_ref()
    }

    /// CAPA: what the server announces before the login (RFC 2449, section 5). Dropped: the answer is skipped, and
    /// nothing learnt from it.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.driver.call(Lines::new(Command::Capa)).await?;
        Ok(self.driver.conversation.learn(Capabilities::new(lines)))
    }

    /// UTF8: has the server send headers in UTF-8 (RFC 6856, section 2.1). Dropped: the server may do so or not.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless the
    /// [capabilities](Self::capabilities) were asked for and have UTF8: nothing was sent.
    pub async fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8)).await
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if that is the [`Policy`], chooses a mechanism, and
    /// proves who we are. Dropped: the connection is closed, and the password may have been sent.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with a reason and, where it can be used again, the connection. [`LoginError::NoTls`] if the policy
    /// demands TLS of a connection that is not inside it, or STLS and nobody called `set_tls`.
    pub async fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let inside_tls = self.driver.conversation.client().inside_tls();
        if !policy.is_attainable(inside_tls, self.driver.tls.is_some()) {
            return Err(Box::new(LoginFailed { connection: Some(self), reason: LoginError::NoTls }));
        }
        let mut login = Login::new(credentials, policy);
        loop {
            let reason = match login.step(&mut self.driver.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.driver)),
                // On the heap, or the future of every login would have room for it.
                Ok(Step::Done(Progress::StartTls)) => match Box::pin(self.driver.start_tls()).await {
                    Ok(driver) => {
                        self.driver = driver;
                        continue;
                    }
                    Err(reason) => return Err(Box::new(LoginFailed { connection: None, reason })),
                },
                Ok(Step::NeedIo(io)) => match poll_fn(|cx| self.driver.poll_io(cx, io)).await {
                    Ok(()) => continue,
                    Err(cause) => LoginError::Failed(Error::new("the login", cause)),
                },
                Err(reason) => reason.widen(),
            };
            let connection = reason.is_recoverable().then_some(self);
            return Err(Box::new(LoginFailed { connection, reason }));
        }
    }

    /// QUIT without a login: nothing is deleted. Dropped: the connection is closed.
    ///
    /// # Errors
    ///
    /// [`QuitError`]; it matters to nobody but the curious.
    pub async fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit().await
    }
}
