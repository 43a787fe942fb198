//! AUTHORIZATION: a connection before the login (RFC 1939, section 4).

use std::future::poll_fn;

use pop3_proto::Command;
use pop3_proto::drive::{Acknowledge, Capa, Capabilities, Deadlines, LogEntry, Timeouts};
use pop3_proto::login::Progress;
use pop3_proto::wire::Greeting;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver::Driver;
use crate::{Connect, Credentials, Error, Methods, QuitError, Session};

/// A connection to a server that has sent its greeting. A login turns it into a [`Session`].
///
/// [`Connection::open`] connects to a host; [`Connection::over`] uses a stream of your own.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use pop3_async::{Connect, Connection, Credentials};
///
/// let connection = Connection::open(Connect::new().host("pop.example.org")).await?;
/// println!("the server says {:?}", connection.greeting().map(|greeting| greeting.text()));
/// let mut session = connection.login_as(Credentials::new("mrose", "tanstaaf")).await?;
/// session.delete(1).await?;
/// session.quit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Connection<S> {
    pub(crate) driver: Box<Driver<S>>,
    pub(crate) connect: Connect,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.driver).finish()
    }
}

/// A failed login, with the connection if it is still usable, for another attempt or for QUIT.
pub type LoginFailed<S> = pop3_proto::login::LoginFailed<Connection<S>>;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Waits for the greeting on a connected stream of your own, such as a pipe or a socket to a proxy. Set the host if
    /// you use TLS, the netrc file or OAUTHBEARER; `$MAILHOST` is not used. If you drop the future, the stream is
    /// dropped too.
    ///
    /// Batches keep 32 KiB of commands in flight; change this with [`Connect::window`]. Any number is safe: see
    /// [No deadlock](crate#no-deadlock). If the stream is a socket, set `TCP_NODELAY`.
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
    /// use pop3_async::{Connect, Connection, Credentials, Security};
    /// use tokio::net::UnixStream;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let stream = UnixStream::connect("/run/pop3").await?;
    /// let connect = Connect::new().security(Security::Plaintext).allow_plaintext(true);
    /// let connection = Connection::over(stream, connect).await?;
    /// let mut session = connection.login_as(Credentials::new("mrose", "tanstaaf")).await?;
    /// println!("{} messages", session.stat().await?.messages);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn over(stream: S, connect: Connect) -> Result<Connection<S>, Error> {
        let tls = Driver::<S>::requirements(&connect, false)?;
        let deadlines = Deadlines::new(connect.get_timeouts());
        let driver = Driver::open(stream, &connect, tls, deadlines, 32 * 1024).await?;
        Ok(Connection { driver, connect })
    }

    /// Sets the number of octets of commands that a batch keeps in flight: see [`Connect::window`].
    ///
    /// ```
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// connection.set_window(0); // the batches of the session: one command at a time
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_window(&mut self, octets: usize) {
        self.driver.window = octets;
    }

    /// Sets the time limits for future waits.
    ///
    /// A wait begins when there is nothing to read, and ends when something arrives. If you drop a future, the wait
    /// continues with the next call. Time during which no answer is due does not count. If a future is not polled until
    /// more than a second after a limit, octets that it then finds count as received in time.
    ///
    /// ```
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// use std::time::Duration;
    /// use pop3_async::Timeouts;
    ///
    /// connection.set_timeouts(Timeouts::new().login(Duration::from_secs(20)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.driver.clock.set_timeouts(timeouts);
    }

    /// Sets a log that receives the conversation from now on. Secrets are replaced, and bodies are logged as a number
    /// of octets.
    ///
    /// ```
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
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
    /// # async fn f(mut connection: pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// use pop3_async::{Method, Methods};
    ///
    /// connection.set_methods(Some(Methods::of(&[Method::ScramSha256])));
    /// let session = connection.login().await?;
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
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
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
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// println!("the server is {:?}", connection.get_ref().peer_addr());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &S {
        self.driver.stream.get_ref()
    }

    /// Asks for the capabilities with CAPA, before the login (RFC 2449, section 5). If you drop the future, the answer
    /// is skipped and not recorded.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); old servers refuse the command.
    ///
    /// ```
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// for mechanism in connection.capabilities().await?.mechanisms() {
    ///     println!("{}", String::from_utf8_lossy(mechanism));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CAPA")]
    pub async fn capabilities(&mut self) -> Result<&Capabilities, Error> {
        let capabilities = self.driver.call(Capa::default()).await?;
        Ok(self.driver.conversation.learn(capabilities))
    }

    /// Asks the server to send headers in UTF-8, with UTF8 (RFC 6856, section 2.1). Do not call this before a login
    /// that begins TLS with STLS, which is not permitted after UTF8. If you drop the future, the server may or may not
    /// do so.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`UsageError::NotAnnounced`](pop3_proto::UsageError::NotAnnounced) unless you have
    /// asked for the [capabilities](Self::capabilities) and they include UTF8: nothing was sent.
    ///
    /// ```
    /// # async fn f(connection: &mut pop3_async::Connection<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// use pop3_async::pop3_proto::wire::KnownCapability;
    ///
    /// if connection.capabilities().await?.any(|known| matches!(known, KnownCapability::Utf8 { .. })) {
    ///     connection.utf8().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn utf8(&mut self) -> Result<(), Error> {
        self.driver.call(Acknowledge(Command::Utf8)).await
    }

    /// Logs in with the name and the password of the [`Connect`], or of the [netrc file](crate::find_in_netrc). If you
    /// drop the future, the connection is closed, and the password may have been sent.
    ///
    /// # Errors
    ///
    /// [`SettingsError`](crate::SettingsError) if they are missing, and the errors of [`login_as`](Self::login_as).
    ///
    /// ```no_run
    /// use pop3_async::{Connect, Connection};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let to = Connect::new().host("pop.example.org").user("mrose").password("tanstaaf");
    /// let session = Connection::open(to).await?.login().await.map_err(|failed| failed.error)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn login(self) -> Result<Session<S>, Box<LoginFailed<S>>> {
        match self.connect.find_credentials(crate::find_in_netrc) {
            Ok(credentials) => self.login_as(credentials).await,
            Err(error) => Err(Box::new(LoginFailed { connection: Some(self), error })),
        }
    }

    /// Logs in: asks for the capabilities unless they are known, begins TLS if [`Connect::security`] requires STLS,
    /// chooses a login method, and authenticates. If you drop the future, the connection is closed, and the password
    /// may have been sent.
    ///
    /// # Errors
    ///
    /// [`LoginFailed`], with the error and, if it is still usable, the connection.
    ///
    /// ```no_run
    /// use pop3_async::{Connect, Connection, Credentials};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = Connection::open(Connect::new().host("pop.example.org")).await?;
    /// match connection.login_as(Credentials::new("mrose", "tanstaaf")).await {
    ///     Ok(mut session) => println!("{} messages", session.stat().await?.messages),
    ///     Err(failed) => println!("{}; try again: {}", failed.error, failed.connection.is_some()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "USER")]
    #[doc(alias = "PASS")]
    #[doc(alias = "APOP")]
    #[doc(alias = "AUTH")]
    #[doc(alias = "STLS")]
    pub async fn login_as(mut self, credentials: Credentials) -> Result<Session<S>, Box<LoginFailed<S>>> {
        let mut login = self.connect.login(credentials);
        self.driver.begin();
        loop {
            let stepped = poll_fn(|cx| self.driver.poll_steps(cx, |conversation| login.step(conversation))).await;
            let error = match stepped {
                Ok(Progress::LoggedIn) => return Ok(Session::new(self.driver)),
                // Boxed, or the future of every login would reserve room for it.
                Ok(Progress::StartTls) => match Box::pin(self.driver.start_tls()).await {
                    Ok(driver) => {
                        self.driver = driver;
                        continue;
                    }
                    Err(error) => return Err(Box::new(LoginFailed { connection: None, error })),
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
    /// [`QuitError`]. You can usually ignore it.
    ///
    /// ```
    /// # type Done = Result<(), Box<dyn std::error::Error>>;
    /// # async fn f(mut connection: pop3_async::Connection<tokio::net::TcpStream>) -> Done {
    /// use pop3_async::pop3_proto::wire::KnownCapability;
    ///
    /// let has_uidl = connection.capabilities().await?.any(|known| known == KnownCapability::Uidl);
    /// connection.quit().await?; // without a login
    /// # Ok(())
    /// # }
    /// ```
    pub async fn quit(mut self) -> Result<(), QuitError> {
        self.driver.quit().await
    }
}
