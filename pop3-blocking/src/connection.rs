//! AUTHORIZATION: a connection that nobody has logged in on yet (RFC 1939, section 4).

use std::io::{Read, Write};

use pop3_proto::drive::{Acknowledge, Capabilities, Conversation, Lines, LogEntry, Step, Timeouts};
use pop3_proto::login::{Credentials, Login, Policy, Progress};
#[cfg(feature = "tls")]
use pop3_proto::tls::{Tls, TlsError};
use pop3_proto::wire::Greeting;
use pop3_proto::{Command, Config};

#[cfg(feature = "tls")]
use crate::ConnectError;
use crate::driver::Driver;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::{Error, LoginError, QuitError, Session};

/// A connection to a server that has greeted us. A login turns it into a [`Session`].
pub struct Connection<S> {
    pub(crate) driver: Driver<S>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A login that failed, and the connection if it can be used again: for another try, or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>, std::io::Error>;

impl<S: Read + Write> Connection<S> {
    /// Waits for the greeting on a stream that is connected already.
    ///
    /// Batches keep 4 KiB of commands in flight, which any transport should take without blocking;
    /// [`set_window`](Self::set_window) changes it. A stream of your own is read only when an answer is awaited, so a `-ERR`
    /// that a server says before it hangs up on an idle client looks like the answer to the next command;
    /// [`connect`](crate::connect()) tells them apart. It is waited for as long as the stream waits: see
    /// [`set_timeouts`](Self::set_timeouts).
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`; [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::Transport`](crate::Cause::Transport).
    pub fn new(stream: S, config: Config) -> Result<Connection<S>, Error> {
        Connection::open(Driver::new(stream, Conversation::new(config)))
    }

    /// Like [`new`](Self::new), with a log that receives the conversation from the greeting on: secrets replaced, bodies
    /// as a count of octets.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_log(
        stream: S,
        config: Config,
        log: impl FnMut(LogEntry<'_>) + Send + 'static,
    ) -> Result<Connection<S>, Error> {
        let mut conversation = Conversation::new(config);
        conversation.set_log(log);
        Connection::open(Driver::new(stream, conversation))
    }

    /// Does the TLS handshake on a stream that is connected already, and waits for the greeting inside TLS (RFC 8314,
    /// section 3.1). `host` is what the user called the server: its certificate must be for that name or address.
    ///
    /// The stream must not say [`WouldBlock`](std::io::ErrorKind::WouldBlock) of its reads.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Tls`]: TLS cannot even be tried. [`LoginError::Handshake`], with a
    /// [`TlsFailure`](crate::TlsFailure) in it if that is what failed. [`LoginError::Failed`] with what
    /// [`new`](Self::new) fails with.
    #[cfg(feature = "tls")]
    pub fn over_tls(stream: S, config: Config, tls: &Tls, host: &str) -> Result<Connection<S>, ConnectError> {
        let mut driver = Driver::new(stream, Conversation::new(config));
        driver.tls = Some(Settings::new(tls, host)?);
        driver.start_tls()?;
        Ok(Connection::open(driver)?)
    }

    pub(crate) fn open(mut driver: Driver<S>) -> Result<Connection<S>, Error> {
        loop {
            match driver.conversation.greet().map_err(pop3_proto::Error::widen)? {
                Step::Done(()) => return Ok(Connection { driver }),
                Step::NeedIo(io) => driver.io(io, || "reading the greeting".into())?,
            }
        }
    }

    /// Has a batch keep so many octets of commands in flight: at most what the transport buffers towards the server, or
    /// both sides may end up waiting for each other to read (RFC 2449, section 6.6).
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
        self.driver.tls = Some(Settings::new(tls, host)?);
        Ok(())
    }

    /// Limits how long things may take from now on; by default nothing is limited.
    ///
    /// Time is counted while a read is waited for, and looked at when that returns: so a limit is kept no better than the
    /// stream's own reads return by themselves, with [`TimedOut`](std::io::ErrorKind::TimedOut) or
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing came, as those of a
    /// [`TcpStream`](std::net::TcpStream) do after [`set_read_timeout`](std::net::TcpStream::set_read_timeout). A stream
    /// whose reads and writes block for ever cannot be timed. Those of [`connect`](crate::connect()) keep every limit.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// The greeting.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.driver.conversation.greeting()
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        self.driver.transport.get_ref()
    }

    /// CAPA: what the server announces before the login (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); an old server refuses.
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let lines = self.driver.call(Lines::new(Command::Capa))?;
        Ok(self.driver.conversation.learn(Capabilities::new(lines)))
    }

    /// UTF8: has the server send headers in UTF-8 (RFC 6856, section 2.1).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless the
    /// [capabilities](Self::capabilities) were asked for and have UTF8: nothing was sent.
    pub fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8))
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if that is the [`Policy`], chooses a mechanism, and
    /// proves who we are.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with a reason and, where it can be used again, the connection. [`LoginError::NoTls`] if the policy
    /// demands TLS of a connection that is not inside it, or STLS and nobody called [`set_tls`](Self::set_tls).
    pub fn login(mut self, credentials: Credentials, policy: Policy) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let inside_tls = self.driver.conversation.client().inside_tls();
        if !policy.is_attainable(inside_tls, self.driver.tls.is_some()) {
            return Err(Box::new(LoginFailed { connection: Some(self), reason: LoginError::NoTls }));
        }
        let mut login = Login::new(credentials, policy);
        loop {
            let result = match login.step(&mut self.driver.conversation) {
                Ok(Step::Done(Progress::LoggedIn)) => return Ok(Session::new(self.driver)),
                Ok(Step::Done(Progress::StartTls)) => self.driver.start_tls(),
                Ok(Step::NeedIo(io)) => self.driver.io(io, || "the login".into()).map_err(LoginError::Failed),
                Err(reason) => Err(reason.widen()),
            };
            if let Err(reason) = result {
                let connection = reason.is_recoverable().then_some(self);
                return Err(Box::new(LoginFailed { connection, reason }));
            }
        }
    }

    /// QUIT without a login: nothing is deleted.
    ///
    /// # Errors
    ///
    /// [`QuitError`]; it matters to nobody but the curious.
    pub fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit()
    }
}
