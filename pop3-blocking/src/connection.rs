//! AUTHORIZATION: a connection before the login (RFC 1939, section 4).

use std::io::{Read, Write};

use pop3_proto::drive::{Acknowledge, Capa, Capabilities, Conversation, LogEntry, Step, Timeouts};
use pop3_proto::login::{Credentials, Login, Policy, Progress};
#[cfg(feature = "tls")]
use pop3_proto::tls::{Tls, TlsError};
use pop3_proto::wire::Greeting;
use pop3_proto::{Command, Config};

use crate::driver::Driver;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has sent its greeting. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) driver: Driver<S>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A failed login, with the connection if it is still usable, for another attempt or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>>;

impl<S: Read + Write> Connection<S> {
    /// Waits for the greeting on a connected stream, for as long as reads of the stream wait: see
    /// [`set_timeouts`](Self::set_timeouts).
    ///
    /// Batches keep 4 KiB of commands in flight, which any transport should accept without blocking; change this with
    /// [`set_window`](Self::set_window). A stream of your own is read only while an answer is awaited. If a server
    /// sends `-ERR` and hangs up on an idle client, this `-ERR` therefore looks like the answer to the next command;
    /// [`connect`](crate::connect()) distinguishes them.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`;
    /// [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::TimedOut`](crate::Cause::TimedOut);
    /// [`Cause::Transport`](crate::Cause::Transport).
    pub fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(Driver::new(stream, Conversation::new(config)))
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on. Secrets are replaced,
    /// and bodies are logged as a number of octets.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(LogEntry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(Driver::new(stream, conversation))
    }

    /// Performs the TLS handshake on a connected stream, and waits for the greeting inside TLS (RFC 8314, section 3.1).
    /// `host` is the server's name as the user gave it: the certificate must be valid for that name or address.
    ///
    /// Reads of the stream must not return [`WouldBlock`](std::io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if TLS cannot be set up, [`ErrorKind::Tls`](crate::ErrorKind::Tls)
    /// if the handshake fails, and the errors of [`new`](Self::new).
    #[cfg(feature = "tls")]
    pub fn over_tls(stream: S, config: Config, tls: &Tls, host: &str) -> Result<Connection<S>, Error> {
        let mut driver = Driver::new(stream, Conversation::new(config));
        driver.tls = Some(Settings::new(tls, host)?);
        driver.start_tls()?;
        Connection::open(driver)
    }

    pub(crate) fn open(mut driver: Driver<S>) -> Result<Connection<S>, Error> {
        loop {
            match driver.conversation.greet()? {
                Step::Done(()) => return Ok(Connection { driver }),
                Step::NeedIo(io) => driver.io(io, || "reading the greeting".into())?,
            }
        }
    }

    /// Sets the number of octets of commands that a batch keeps in flight. It must not exceed what the transport
    /// buffers towards the server, or both sides may wait for each other to read (RFC 2449, section 6.6).
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
        self.driver.tls = Some(Settings::new(tls, host)?);
        Ok(())
    }

    /// Limits future waits; by default nothing is limited.
    ///
    /// Time is measured around each read and checked when the read returns, so reads of the stream must return by
    /// themselves: with [`TimedOut`](std::io::ErrorKind::TimedOut) or [`WouldBlock`](std::io::ErrorKind::WouldBlock) if
    /// nothing arrives, as those of a [`TcpStream`](std::net::TcpStream) do after
    /// [`set_read_timeout`](std::net::TcpStream::set_read_timeout). A stream whose reads and writes block forever
    /// cannot be timed. Streams of [`connect`](crate::connect()) keep every limit.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// Returns the greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.driver.conversation.greeting()
    }

    /// Returns the stream.
    pub fn get_ref(&self) -> &S {
        self.driver.transport.get_ref()
    }

    /// Asks for the capabilities before the login with CAPA (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    #[doc(alias = "CAPA")]
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::new())?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Asks the server to send headers in UTF-8, with UTF8 (RFC 6856, section 2.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless you have
    /// asked for the [capabilities](Self::capabilities) and they include UTF8: nothing was sent.
    pub fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8))
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if the [`Policy`] requires it, chooses a
    /// mechanism, and authenticates.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with the error and, if it is still usable, the connection. [`LoginError::NoTls`] if the policy
    /// requires TLS and the connection is not inside TLS, or if it requires STLS and you have not called
    /// [`set_tls`](Self::set_tls).
    #[doc(alias = "USER")]
    #[doc(alias = "PASS")]
    #[doc(alias = "APOP")]
    #[doc(alias = "AUTH")]
    pub fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let inside_tls = self.driver.conversation.client().inside_tls();
        if !policy.is_attainable(inside_tls, self.driver.tls.is_some()) {
            return Err(Box::new(LoginFailed { connection: Some(self), error: LoginError::NoTls.into() }));
        }
        let mut login = Login::new(credentials, policy);
        loop {
            let result = match login.step(&mut self.driver.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.driver)),
                Ok(Step::Done(Progress::StartTls)) => self.driver.start_tls(),
                Ok(Step::NeedIo(io)) => self.driver.io(io, || "the login".into()),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                let connection = error.is_recoverable().then_some(self);
                return Err(Box::new(LoginFailed { connection, error }));
            }
        }
    }

    /// Sends QUIT without a login: nothing is deleted.
    ///
    /// # Errors
    ///
    /// [`QuitError`], which can usually be ignored.
    pub fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit()
    }
}
