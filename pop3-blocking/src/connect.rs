//! From a host's name to a session: addresses, time-outs, and where name and password come from.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use pop3_proto::connect::{Destination, Options};
use pop3_proto::login::{Mechanism, Security};
use pop3_proto::{Cause, Config, Entry};

use crate::connection::no_tls;
use crate::{ConnectError, Connection, Error, Session, Tcp};

/// How to reach a maildrop. Host, user name and password are each optional: see [`open`](Self::open).
///
/// ```no_run
/// use pop3_blocking::{Connect, Security};
///
/// let session = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true).open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "it does nothing until it is driven"]
pub struct Connect {
    options: Options,
}

impl Connect {
    /// TLS, the protocol's default port, and 30, 60 and 120 seconds for connecting, for each wait, and for the whole login.
    pub fn new() -> Connect {
        Connect::default()
    }

    /// The server's name or address. By default `$MAILHOST`.
    pub fn host(mut self, host: impl Into<String>) -> Connect {
        self.options.host = Some(host.into());
        self
    }

    /// The port: by default 995 with TLS, else 110.
    pub fn port(mut self, port: u16) -> Connect {
        self.options.port = Some(port);
        self
    }

    /// The user's name. By default what `~/.netrc` (or `$NETRC`) has for the host.
    pub fn user(mut self, user: impl Into<String>) -> Connect {
        self.options.user = Some(user.into());
        self
    }

    /// The password. By default what `~/.netrc` (or `$NETRC`) has for the host and the user.
    pub fn password(mut self, password: impl Into<String>) -> Connect {
        self.options.password = Some(zeroize::Zeroizing::new(password.into()));
        self
    }

    /// How the connection must be protected.
    pub fn security(mut self, security: Security) -> Connect {
        self.options.policy.security = security;
        self
    }

    /// Leave to send the password as it is on an unprotected connection.
    pub fn allow_plaintext(mut self, allow: bool) -> Connect {
        self.options.policy.allow_plaintext = allow;
        self
    }

    /// The one mechanism to use.
    pub fn mechanism(mut self, mechanism: Mechanism) -> Connect {
        self.options.policy.mechanism = Some(mechanism);
        self
    }

    /// Bounds on what the server may send.
    pub fn config(mut self, config: Config) -> Connect {
        self.options.config = config;
        self
    }

    /// How many octets of commands a batch keeps in flight: 128 KiB by default.
    ///
    /// However many these are, and however small the buffers of the operating systems: the two sides never wait for each
    /// other, because [`Tcp`] does not block in writing.
    pub fn window(mut self, octets: usize) -> Connect {
        self.options.window = octets;
        self
    }

    /// How long connecting to one address may take.
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long the server may send nothing while it is waited for.
    pub fn timeout(mut self, timeout: Duration) -> Connect {
        self.options.timeout = timeout;
        self
    }

    /// How long it may take from the connection to the end of the login.
    pub fn login_timeout(mut self, timeout: Duration) -> Connect {
        self.options.login_timeout = timeout;
        self
    }

    /// Has `log` receive the conversation: secrets replaced, bodies as a count of octets.
    pub fn log(mut self, log: impl FnMut(Entry<'_>) + Send + 'static) -> Connect {
        self.options.log = Some(Box::new(log));
        self
    }

    /// Connects and logs in.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: what is missing, what could not be reached, or why the login failed.
    pub fn open(self) -> Result<Session<Tcp>, ConnectError> {
        let mut options = self.options;
        let destination = options.destination(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
        let Destination { host, port, credentials } = destination;
        let failed = |error| ConnectError::Unreachable { host: host.clone(), port, error };
        if options.policy.security != Security::Plaintext {
            return Err(failed(no_tls()));
        }
        let deadline = Instant::now().checked_add(options.login_timeout);
        let stream = dial(&host, port, options.connect_timeout).map_err(failed)?;
        let mut tcp = Tcp::new(stream, options.timeout).map_err(failed)?;
        tcp.set_deadline(deadline).map_err(failed)?;
        let connection = match options.log.take() {
            Some(log) => Connection::with_log(tcp, options.config, log),
            None => Connection::new(tcp, options.config),
        };
        let mut connection = connection?;
        connection.set_window(options.window);
        connection.link.look = Some(Tcp::look);
        let mut session = match connection.login(credentials, options.policy) {
            Ok(session) => session,
            Err(failed) => {
                // Only to be polite: why the login failed is what matters.
                let _ = failed.connection.map(Connection::quit);
                return Err(failed.reason.into());
            }
        };
        session.link.stream.set_deadline(None).map_err(|error| Error::new("the login", Cause::Transport(error)))?;
        Ok(session)
    }
}

/// Connects to the first address of the host that answers.
fn dial(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
