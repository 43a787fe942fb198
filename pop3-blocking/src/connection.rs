//! AUTHORIZATION: a connection before the login (RFC 1939, section 4).

use std::io::{Read, Write};

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Capa, Capabilities, Deadlines, LogEntry, Timeouts};
use pop3_proto::login::Progress;
use pop3_proto::wire::Greeting;

use crate::driver::Driver;
use crate::transport::Transport;
use crate::{Connect, Credentials, Error, Methods, QuitError, Session};

/// A connection to a server that has sent its greeting. A login turns it into a [`Session`].
///
/// [`Connection::open`] connects to a host; [`Connection::over`] uses a stream of your own.
///
/// ```
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use pop3_blocking::{Connect, Connection, Credentials};
///
/// let connection = Connection::open(Connect::new().host("pop.example.org"))?;
/// println!("the server says {:?}", connection.greeting().map(|greeting| greeting.text()));
/// let mut session = connection.login_as(Credentials::new("mrose", "tanstaaf"))?;
/// session.delete(1)?;
/// session.quit()?;
/// # Ok(())
/// # }
/// ```
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
    /// Waits for the greeting on a connected stream of your own, such as a pipe. Set the host if you use TLS, the netrc
    /// file or OAUTHBEARER; `$MAILHOST` is not used.
    ///
    /// The stream needs no timeouts of its own: the time of each read is measured, and the
    /// [timeouts](Connect::timeouts) are checked when the read returns. They are more precise if reads return from time
    /// to time, with [`TimedOut`](std::io::ErrorKind::TimedOut) or [`WouldBlock`](std::io::ErrorKind::WouldBlock) if
    /// nothing arrives for a while. A read or a write that never returns is not interrupted.
    ///
    /// Batches keep 4 KiB of commands in flight, which any stream should accept without blocking. Change this with
    /// [`Connect::window`]; if the window is larger than the stream's send buffer, both sides may wait for each other
    /// to read (RFC 2449, section 6.6).
    ///
    /// The stream is read only while an answer is awaited. Therefore, if a server sends `-ERR` to an idle client and
    /// closes the connection, this `-ERR` is taken for the answer to the next command. For sockets, use
    /// [`over_tcp`](Connection::over_tcp), which has none of these restrictions.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) if the greeting is `-ERR`;
    /// [`Cause::Protocol`](crate::Cause::Protocol); [`Cause::TimedOut`](crate::Cause::TimedOut);
    /// [`Cause::Transport`](crate::Cause::Transport); with TLS, also an error of the kind
    /// [`Usage`](crate::ErrorKind::Usage) if the settings are invalid, and of the kind [`Tls`](crate::ErrorKind::Tls)
    /// if the certificate is not valid.
    ///
    /// ```no_run
    /// use std::os::unix::net::UnixStream;
    /// use pop3_blocking::{Connect, Connection, Credentials, Security};
    ///
    /// let stream = UnixStream::connect("/run/pop3")?;
    /// let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true);
    /// let connection = Connection::over(stream, connect)?;
    /// let mut session = connection.login_as(Credentials::new("mrose", "tanstaaf"))?;
    /// println!("{} messages", session.stat()?.messages);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over(stream: S, connect: Connect) -> Result<Connection<S>, Error> {
        Connection::over_transport(Transport::new(stream, None), connect, 4 * 1024)
    }

    /// Waits for the greeting. `window` is the default of [`Connect::window`].
    pub(crate) fn over_transport(
        transport: Transport<S>,
        connect: Connect,
        window: usize,
    ) -> Result<Connection<S>, Error> {
        let tls = Driver::<S>::requirements(&connect)?;
        let deadlines = Deadlines::new(connect.get_timeouts());
        Ok(Connection { driver: Driver::open(transport, &connect, tls, deadlines, window)?, connect })
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see [`Connect::window`].
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// connection.set_window(0); // the batches of the session: one command at a time
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Sets the time limits for future waits.
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// use std::time::Duration;
    /// use pop3_blocking::Timeouts;
    ///
    /// connection.set_timeouts(Timeouts::new().login(Duration::from_secs(20)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.deadlines.set_timeouts(timeouts);
    }

    /// Sets a log that receives the conversation from now on. Secrets are replaced, and bodies are logged as a number
    /// of octets.
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// connection.set_log(|entry| eprintln!("{entry}")); // such as `C: USER mrose` and `C: PASS ***`
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.driver.conversation.set_log(log);
    }

    /// Sets the methods that later logins may use: see [`Policy::methods`](crate::Policy#structfield.methods).
    ///
    /// ```
    /// # fn f(mut connection: pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// use pop3_blocking::{Method, Methods};
    ///
    /// connection.set_methods(Some(Methods::of(&[Method::ScramSha256])));
    /// let session = connection.login()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_methods(&mut self, methods: Option<Methods>) {
        let policy = self.connect.get_policy().methods(methods);
        self.connect = std::mem::take(&mut self.connect).policy(policy);
    }

    /// Returns the greeting.
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// if let Some(greeting) = connection.greeting() {
    ///     println!("the server says {}", greeting.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.driver.conversation.greeting()
    }

    /// Returns the stream.
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<pop3_blocking::Tcp>) -> Result<(), pop3_blocking::Error> {
    /// println!("the server is {:?}", connection.get_ref().get_ref().peer_addr());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &S {
        self.driver.transport.get_ref()
    }

    /// Asks for the capabilities with CAPA, before the login (RFC 2449, section 5).
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). Old servers refuse the command with [`Cause::Refused`](crate::Cause::Refused).
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// for mechanism in connection.capabilities()?.mechanisms() {
    ///     println!("{}", String::from_utf8_lossy(mechanism));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CAPA")]
    pub fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::default())?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Asks the server to send headers in UTF-8, with UTF8 (RFC 6856, section 2.1). Do not call this before a login
    /// that begins TLS with STLS, which is not permitted after UTF8.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless you have
    /// asked for the [capabilities](Self::capabilities) and they include UTF8: nothing was sent.
    ///
    /// ```
    /// # fn f(connection: &mut pop3_blocking::Connection<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// use pop3_blocking::pop3_proto::wire::KnownCapability;
    ///
    /// if connection.capabilities()?.any(|known| matches!(known, KnownCapability::Utf8 { .. })) {
    ///     connection.utf8()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8))
    }

    /// Logs in with the name and the password of the [`Connect`], or of the [netrc file](crate::find_in_netrc).
    ///
    /// # Errors
    ///
    /// [`SettingsError`](crate::SettingsError) if they are missing, and the errors of [`login_as`](Self::login_as).
    ///
    /// ```no_run
    /// use pop3_blocking::{Connect, Connection};
    ///
    /// let to = Connect::new().host("pop.example.org").user("mrose").password("tanstaaf");
    /// let session = Connection::open(to)?.login().map_err(|failed| failed.error)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn login(self) -> Result<Session<S>, Box<LoginFailed<S>>> {
        match self.connect.find_credentials(crate::find_in_netrc) {
            Ok(credentials) => self.login_as(credentials),
            Err(error) => Err(Box::new(LoginFailed { connection: Some(self), error })),
        }
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if [`Connect::security`] requires STLS,
    /// chooses a login method, and authenticates.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with the error and, if it is still usable, the connection.
    ///
    /// ```no_run
    /// use pop3_blocking::{Connect, Connection, Credentials};
    ///
    /// let connection = Connection::open(Connect::new().host("pop.example.org"))?;
    /// match connection.login_as(Credentials::new("mrose", "tanstaaf")) {
    ///     Ok(mut session) => println!("{} messages", session.stat()?.messages),
    ///     Err(failed) => println!("{}; try again: {}", failed.error, failed.connection.is_some()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "USER")]
    #[doc(alias = "PASS")]
    #[doc(alias = "APOP")]
    #[doc(alias = "AUTH")]
    #[doc(alias = "STLS")]
    pub fn login_as(mut self, credentials: Credentials) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let mut login = self.connect.login(credentials);
        loop {
            let result = match self.driver.run(|conversation| login.step(conversation)) {
                Ok(Progress::LoggedIn) => return Ok(Session::new(self.driver)),
                Ok(Progress::StartTls) => self.driver.start_tls(),
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
    /// [`QuitError`]. You can usually ignore it.
    ///
    /// ```
    /// # type Done = Result<(), Box<dyn std::error::Error>>;
    /// # fn f(mut connection: pop3_blocking::Connection<std::net::TcpStream>) -> Done {
    /// use pop3_blocking::pop3_proto::wire::KnownCapability;
    ///
    /// let has_uidl = connection.capabilities()?.any(|known| known == KnownCapability::Uidl);
    /// connection.quit()?; // without a login
    /// # Ok(())
    /// # }
    /// ```
    pub fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit()
    }
}
