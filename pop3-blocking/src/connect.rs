//! Connecting by host name: addresses, timeouts, and the source of name and password.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use pop3_proto::drive::Deadlines;

use crate::driver::Driver;
use crate::transport::Transport;
use crate::{Cause, Connect, Connection, Error, Session, Tcp};

/// Connects and logs in, inside TLS unless [`Connect::security`] specifies otherwise. If the login fails, this ends the
/// connection with QUIT.
///
/// Missing settings come from `$MAILHOST` and the [netrc file](crate::find_in_netrc). To do something between the
/// greeting and the login, use [`Connection::open`]. To use a stream of your own, call [`Connection::over`].
///
/// # Errors
///
/// [`Error`]: a setting is missing, the server could not be reached, or the login failed.
///
/// ```no_run
/// use pop3_blocking::{Connect, connect};
///
/// let session = connect(Connect::new().host("pop.example.org").user("mrose"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(connect: Connect) -> Result<Session<Tcp>, Error> {
    let connect = connect.default_host(std::env::var("MAILHOST").ok());
    let credentials = connect.find_credentials(crate::find_in_netrc)?;
    match Connection::open(connect)?.login_as(credentials) {
        Ok(session) => Ok(session),
        Err(failed) => {
            // Errors are ignored: the reason of the failed login matters more.
            let _ = failed.connection.map(Connection::quit);
            Err(failed.error)
        }
    }
}

impl Connection<Tcp> {
    /// The octets of commands that a batch keeps in flight, enough for ten thousand RETRs.
    pub(crate) const WINDOW: usize = 128 * 1024;

    /// Connects to a host and waits for the greeting.
    ///
    /// [`Timeouts`](crate::Timeouts) limits every wait except the lookup of the host name. If the platform's
    /// certificate authorities are needed, this function reads them. If you connect often, load them once, with
    /// `client_config`.
    ///
    /// Batches keep 128 KiB of commands in flight; change this with [`Connect::window`]. A large window cannot cause a
    /// deadlock, because [`Tcp`] does not block in writes.
    ///
    /// # Errors
    ///
    /// [`Error`]: a setting is missing, the server could not be reached, or the greeting is not `+OK`.
    ///
    /// ```no_run
    /// use pop3_blocking::{Connect, Connection};
    ///
    /// let mut connection = Connection::open(Connect::new().host("pop.example.org"))?;
    /// println!("{:?}", connection.capabilities()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(connect: Connect) -> Result<Connection<Tcp>, Error> {
        let connect = connect.default_host(std::env::var("MAILHOST").ok());
        let tls = Driver::<Tcp>::requirements(&connect)?;
        let (host, port) = connect.server()?;
        let mut deadlines = Deadlines::new(connect.get_timeouts());
        let stream = dial(host, port, &mut deadlines).and_then(Tcp::new);
        let stream = stream.map_err(|error| {
            let cause = Cause::Unreachable { host: host.into(), port, error: error.into() };
            Error::new("connecting", cause)
        })?;
        let transport = Transport::new(stream, Some(Tcp::ABILITIES));
        Ok(Connection { driver: Driver::open(transport, &connect, tls, deadlines, Self::WINDOW)?, connect })
    }

    /// Waits for the greeting on a connected socket, such as one to a proxy, and otherwise does the same as
    /// [`open`](Self::open). Set the host if you use TLS, the netrc file or OAUTHBEARER; `$MAILHOST` is not used.
    ///
    /// # Errors
    ///
    /// [`Error`]: a setting is missing, or the greeting is not `+OK`.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use pop3_blocking::{Connect, Connection, Security};
    /// # use pop3_blocking::pop3_proto::{ServerConfig, serve::MailStore};
    ///
    /// # let store = MailStore::new();
    /// # store.add_user("mrose", "tanstaaf");
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// # std::thread::spawn(move || {
    /// #     let (stream, _) = listener.accept()?;
    /// #     pop3_blocking::serve(stream, store.maildrop(), ServerConfig::new().plaintext_login(true))
    /// # });
    /// let stream = TcpStream::connect(address)?; // with your own options, or to a proxy
    /// let to = Connect::new().security(Security::Plaintext).allow_plaintext(true).user("mrose").password("tanstaaf");
    /// let mut session = Connection::over_tcp(stream, to)?.login()?;
    /// assert_eq!(session.stat()?.messages, 0);
    /// session.quit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over_tcp(stream: TcpStream, connect: Connect) -> Result<Connection<Tcp>, Error> {
        let stream =
            Tcp::new(stream).map_err(|error| Error::new("reading the greeting", Cause::Transport(error.into())))?;
        Connection::over_transport(Transport::new(stream, Some(Tcp::ABILITIES)), connect, Self::WINDOW)
    }
}

/// Connects to the first address of the host that answers.
///
/// The operating system determines the duration of the name lookup; it cannot be limited here.
fn dial(host: &str, port: u16, deadlines: &mut Deadlines) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let limit = deadlines.connection()?;
        let begin = Instant::now();
        let result = TcpStream::connect_timeout(&address, limit);
        deadlines.spent(begin.elapsed(), 0);
        match result {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
