//! From a host's name to a session: addresses, time-outs, and where name and password come from.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::time::Duration;

use pop3_proto::connect::{Destination, Options};
use pop3_proto::conversation::Conversation;
use pop3_proto::login::{Mechanism, Security};
use pop3_proto::{Config, Entry};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::no_tls;
use crate::link::Link;
use crate::patience::Patience;
use crate::{Cause, ConnectError, Connection, Error, Session};

/// How to reach a maildrop. Host, user name and password are each optional: see [`open`](Self::open).
///
/// ```no_run
/// use pop3_async::{Connect, Security};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let connect = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true);
/// let session = connect.open().await?;
/// # Ok(())
/// # }
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

    /// How many octets of commands a batch keeps in flight: 128 KiB by default. Any number will do: see the [crate's
    /// docs](crate).
    pub fn window(mut self, octets: usize) -> Connect {
        self.options.window = octets;
        self
    }

    /// How long connecting to one address may take.
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long the server may send nothing (and take nothing) while it is waited for. The wait of a future that was
    /// dropped goes on with the next one.
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

    /// Connects and logs in. Dropped: the connection is closed; nothing was deleted.
    ///
    /// The time for the login covers all of it, from the look-up of the name on. The netrc file is read, if it must be,
    /// without leaving the thread: it is a small one.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: what is missing, what could not be reached, or why the login failed.
    pub async fn open(self) -> Result<Session<TcpStream>, ConnectError> {
        let mut options = self.options;
        let destination = options.destination(std::env::var("MAILHOST").ok(), crate::netrc::find)?;
        let Destination { host, port, credentials } = destination;
        let failed = |error| ConnectError::Unreachable { host: host.clone(), port, error };
        if options.policy.security != Security::Plaintext {
            return Err(failed(no_tls()));
        }
        let late = |error| Error::new("the login", Cause::Transport(error));
        let deadline = Instant::now().checked_add(options.login_timeout);
        let dialling = by(deadline, dial(&host, port, options.connect_timeout)).await;
        let stream = dialling.and_then(|result| result).map_err(failed)?;
        // A batch writes many commands at once, and what it writes last must not wait for an acknowledgement.
        stream.set_nodelay(true).map_err(failed)?;
        let mut conversation = Conversation::new(options.config);
        if let Some(log) = options.log.take() {
            conversation.set_log(log);
        }
        let mut link = Link::new(stream, conversation, Patience::new(Some(options.timeout)));
        link.window = options.window;
        let connection = by(deadline, Connection::open(link)).await.map_err(late)??;
        let failed = match by(deadline, connection.login(credentials, options.policy)).await.map_err(late)? {
            Ok(session) => return Ok(session),
            Err(failed) => failed,
        };
        if let Some(connection) = failed.connection {
            // Only to be polite: why the login failed is what matters.
            let _ = by(deadline, connection.quit()).await;
        }
        Err(failed.reason.into())
    }
}

/// Has a part of the login end by the deadline, if there is one.
async fn by<T>(deadline: Option<Instant>, part: impl Future<Output = T>) -> io::Result<T> {
    let Some(deadline) = deadline else { return Ok(part.await) };
    let late = |_| io::Error::new(ErrorKind::TimedOut, "the login took too long");
    timeout_at(deadline, part).await.map_err(late)
}

/// Connects to the first address of the host that answers.
async fn dial(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(ErrorKind::TimedOut, "there was no answer in time"),
        }
    }
    Err(last)
}
