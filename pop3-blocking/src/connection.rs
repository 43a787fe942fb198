//! AUTHORIZATION: a connection before the login (RFC 1939, section 4).

use std::io::{Read, Write};

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Capa, Capabilities, Deadlines, LogEntry, Step, Timeouts};
use pop3_proto::login::Progress;
use pop3_proto::wire::Greeting;

use crate::driver::Driver;
use crate::transport::Transport;
use crate::{Connect, Credentials, Error, Methods, QuitError, Session};

/// A connection to a server that has sent its greeting. A login turns it into a [`Session`].
///
/// [`Connection::open`] connects to a host; [`Connection::over`] uses a stream of your own.
pub struct Connection<S> {
    pub(crate) driver: Driver<S>,
    pub(crate) connect: Connect,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A failed login, with the connection if it is still usable, for another attempt or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>>;

impl<S: Read + Write> Connection<S> {
    /// Waits for the greeting on a connected stream of your own, such as a pipe. The host is needed for TLS and the
    /// netrc file only.
    ///
    /// The stream need not know about time: time is measured around each read, and the [timeouts](Connect::timeouts) are
    /// checked when the read returns. They work best if reads return by themselves, with
    /// [`TimedOut`](std::io::ErrorKind::TimedOut) or [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing arrives
    /// for a while. Reads and writes that block forever are not limited.
    ///
    /// Batches keep 4 KiB of commands in flight, which any stream should accept without blocking. Change this with
    /// [`Connect::window`]; if the window exceeds what the stream buffers towards the server, both sides may wait for
    /// each other to read (RFC 2449, section 6.6).
    ///
    /// The stream is read only while an answer is awaited. If a server sends `-ERR` and hangs up on an idle client, this
    /// `-ERR` therefore looks like the answer to the next command. For sockets, [`over_tcp`](Connection::over_tcp) has
    /// none of these restrictions.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`;
    /// [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::TimedOut`](crate::Cause::TimedOut);
    /// [`Cause::Transport`](crate::Cause::Transport); with TLS also [`ErrorKind::Usage`](crate::ErrorKind::Usage) if it
    /// cannot be configured and [`ErrorKind::Tls`](crate::ErrorKind::Tls) if the handshake fails.
    ///
    /// ```no_run
    /// use std::os::unix::net::UnixStream;
    /// use pop3_blocking::{Connect, Connection, Credentials, Security};
    ///
    /// let stream = UnixStream::connect("/run/pop3")?;
    /// let connection = Connection::over(stream, Connect::new().security(Security::Plaintext))?;
    /// let mut session = connection.login_as(Credentials::new("mrose", "tanstaaf"))?;
    /// println!("{} messages", session.stat()?.messages);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over(stream: S, connect: Connect) -> Result<Connection<S>, Error> {
        let tls = Driver::<S>::requirements(&connect)?;
        let deadlines = Deadlines::new(connect.get_timeouts());
        let driver = Driver::open(Transport::new(stream, None), &connect, tls, deadlines, 4 * 1024)?;
        Ok(Connection { driver, connect })
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see [`Connect::window`].
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Limits future waits.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// Sets a log that receives the conversation from now on. Secrets are replaced, and bodies are logged as a number
    /// of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.conversation.set_log(log);
    }

    /// Sets the methods that later logins may use: see [`Policy::methods`](crate::Policy#structfield.methods).
    pub fn set_methods(&mut self, methods: Option<Methods>) {
        let policy = self.connect.get_policy().methods(methods);
        self.connect = std::mem::take(&mut self.connect).policy(policy);
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

    /// Logs in with the name and the password of the [`Connect`], or of the [netrc file](crate::find_in_netrc).
    ///
    /// # Errors
    ///
    /// [`SettingsError`](crate::SettingsError) if they are missing, and the errors of [`login_as`](Self::login_as).
    pub fn login(self) -> Result<Session<S>, Box<LoginFailed<S>>> {
        match self.connect.find_credentials(crate::netrc::find) {
            Ok(credentials) => self.login_as(credentials),
            Err(error) => Err(Box::new(LoginFailed { connection: Some(self), error })),
        }
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if [`Connect::security`] requires STLS,
    /// chooses a mechanism, and authenticates.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with the error and, if it is still usable, the connection.
    #[doc(alias = "USER")]
    #[doc(alias = "PASS")]
    #[doc(alias = "APOP")]
    #[doc(alias = "AUTH")]
    #[doc(alias = "STLS")]
    pub fn login_as(mut self, credentials: Credentials) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let mut login = self.connect.login(credentials);
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
