//! From a host's name to a session: addresses, time-outs, and where name and password come from.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use pop3_proto::login::{Credentials, Mechanism, Policy, Security};
use pop3_proto::{Cause, Config, Entry};

use crate::connection::no_tls;
use crate::{Connection, Error, LoginError, Session, Tcp};

/// Octets of commands in flight on TCP: ten thousand RETRs.
const WINDOW: usize = 128 * 1024;

/// How to reach a maildrop. Host, user name and password are each optional: see [`open`](Self::open).
///
/// ```no_run
/// use pop3_blocking::{Connect, Security};
///
/// let session = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true).open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Connect {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<zeroize::Zeroizing<String>>,
    policy: Policy,
    config: Config,
    window: usize,
    patience: Patience,
    log: Option<Log>,
}

type Log = Box<dyn FnMut(Entry<'_>) + Send>;

/// How long things may take.
struct Patience {
    connecting: Duration,
    /// Each time that the server is waited for.
    waiting: Duration,
    /// From the connection to the end of the login.
    login: Duration,
}

impl Default for Connect {
    fn default() -> Connect {
        Connect::new()
    }
}

impl Connect {
    /// TLS, the protocol's default port, and 30, 60 and 120 seconds for connecting, for each wait, and for the whole login.
    pub fn new() -> Connect {
        Connect {
            host: None,
            port: None,
            user: None,
            password: None,
            policy: Policy::default(),
            config: Config::default(),
            window: WINDOW,
            patience: Patience {
                connecting: Duration::from_secs(30),
                waiting: Duration::from_secs(60),
                login: Duration::from_secs(120),
            },
            log: None,
        }
    }

    /// The server's name or address. By default `$MAILHOST`.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Connect {
        self.host = Some(host.into());
        self
    }

    /// The port: by default 995 with TLS, else 110.
    #[must_use]
    pub fn port(mut self, port: u16) -> Connect {
        self.port = Some(port);
        self
    }

    /// The user's name. By default what `~/.netrc` (or `$NETRC`) has for the host.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Connect {
        self.user = Some(user.into());
        self
    }

    /// The password. By default what `~/.netrc` (or `$NETRC`) has for the host and the user.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Connect {
        self.password = Some(zeroize::Zeroizing::new(password.into()));
        self
    }

    /// How the connection must be protected.
    #[must_use]
    pub fn security(mut self, security: Security) -> Connect {
        self.policy.security = security;
        self
    }

    /// Leave to send the password as it is on an unprotected connection.
    #[must_use]
    pub fn allow_plaintext(mut self, allow: bool) -> Connect {
        self.policy.allow_plaintext = allow;
        self
    }

    /// The one mechanism to use.
    #[must_use]
    pub fn mechanism(mut self, mechanism: Mechanism) -> Connect {
        self.policy.mechanism = Some(mechanism);
        self
    }

    /// Bounds on what the server may send.
    #[must_use]
    pub fn config(mut self, config: Config) -> Connect {
        self.config = config;
        self
    }

    /// How many octets of commands a batch keeps in flight: 128 KiB by default.
    ///
    /// However many these are, and however small the buffers of the operating systems: the two sides never wait for each
    /// other, because [`Tcp`] does not block in writing.
    #[must_use]
    pub fn window(mut self, octets: usize) -> Connect {
        self.window = octets;
        self
    }

    /// How long connecting to one address may take.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.patience.connecting = timeout;
        self
    }

    /// How long the server may send nothing while it is waited for.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Connect {
        self.patience.waiting = timeout;
        self
    }

    /// How long it may take from the connection to the end of the login.
    #[must_use]
    pub fn login_timeout(mut self, timeout: Duration) -> Connect {
        self.patience.login = timeout;
        self
    }

    /// Has `log` receive the conversation: secrets replaced, bodies as a count of octets.
    #[must_use]
    pub fn log(mut self, log: impl FnMut(Entry<'_>) + Send + 'static) -> Connect {
        self.log = Some(Box::new(log));
        self
    }

    /// Connects and logs in.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: what is missing, what could not be reached, or why the login failed.
    pub fn open(mut self) -> Result<Session<Tcp>, ConnectError> {
        let host = match self.host.take() {
            Some(host) => host,
            None => std::env::var("MAILHOST").map_err(|_| ConnectError::NoHost)?,
        };
        let credentials = self.credentials(&host)?;
        let port = self.port.unwrap_or(match self.policy.security {
            Security::Tls => 995,
            Security::StartTls | Security::Plaintext => 110,
        });
        let failed = |error| ConnectError::Unreachable { host: host.clone(), port, error };
        if self.policy.security != Security::Plaintext {
            return Err(failed(no_tls()));
        }
        let deadline = Instant::now().checked_add(self.patience.login);
        let stream = dial(&host, port, self.patience.connecting).map_err(failed)?;
        let mut tcp = Tcp::new(stream, self.patience.waiting).map_err(failed)?;
        tcp.set_deadline(deadline).map_err(failed)?;
        let connection = match self.log.take() {
            Some(log) => Connection::with_log(tcp, self.config, log),
            None => Connection::new(tcp, self.config),
        };
        let mut connection = connection.map_err(LoginError::Failed)?;
        connection.set_window(self.window);
        connection.link.look = Some(Tcp::look);
        let mut session = match connection.login(credentials, self.policy) {
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

    /// Name and password: as given, else from the netrc file.
    fn credentials(&mut self, host: &str) -> Result<Credentials, ConnectError> {
        let (user, password) = (self.user.take(), self.password.take());
        let (user, password) = match (user, password) {
            (Some(user), Some(password)) => (user, password),
            (user, password) => {
                let found = crate::netrc::find(host, user.as_deref())?;
                let (name, secret) = found.ok_or_else(|| ConnectError::NoCredentials { host: host.to_owned() })?;
                (user.unwrap_or(name), password.unwrap_or(secret))
            }
        };
        Ok(Credentials::new(user, password.as_str()))
    }
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connect")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
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

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Neither a host was given nor `$MAILHOST` is set.
    #[error("no host was given, and MAILHOST is not set")]
    NoHost,
    /// Name or password are missing, and the netrc file has none for this host.
    #[error("no user name and password were given for {host}, and the netrc file has none")]
    NoCredentials {
        /// The host.
        host: String,
    },
    /// The netrc file is there and cannot be read.
    #[error("the netrc file cannot be read: {0}")]
    Netrc(String),
    /// The server could not be reached.
    #[error("cannot connect to {host}, port {port}: {error}")]
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system says.
        error: io::Error,
    },
    /// The server was reached, and the login failed.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> ConnectError {
        ConnectError::Login(LoginError::Failed(error))
    }
}
