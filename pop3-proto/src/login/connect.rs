//! How to reach a maildrop, as an adapter is told, and what can be missing: all of a connection's beginning but the I/O.

use alloc::boxed::Box;
use alloc::string::String;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::client::Config;
use crate::drive::deadlines::Timeouts;
use crate::drive::error::Error;
use crate::drive::log::LogEntry;
use crate::login::{Credentials, LoginError, Method, Policy, Security};
#[cfg(feature = "tls")]
use crate::tls::{Tls, TlsError};

/// How to reach a maildrop: what the function `connect` of an adapter is given. Host, user name and password are each
/// optional.
///
/// `Debug` shows no password; the memory of it is wiped when dropped.
///
/// ```
/// use pop3_proto::login::Connect;
/// use pop3_proto::login::Security;
///
/// let connect = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true);
/// ```
#[must_use = "it does nothing until it is given to `connect`"]
pub struct Connect {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    secret: Option<Secret>,
    policy: Policy,
    config: Config,
    window: usize,
    timeouts: Timeouts,
    #[cfg(feature = "tls")]
    tls: Tls,
    log: Option<Log>,
}

/// What was given to prove who logs in.
enum Secret {
    Password(Zeroizing<String>),
    /// These need no name.
    Whole(Credentials),
    /// These need one.
    Made(Box<dyn FnOnce(String) -> Credentials + Send>),
}

/// What receives the conversation: secrets replaced, bodies as a count of octets.
pub type Log = Box<dyn FnMut(LogEntry<'_>) + Send>;

/// Where to connect to, and who logs in.
#[derive(Debug)]
pub struct Destination {
    /// The server's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Name and password.
    pub credentials: Credentials,
}

/// A [`Connect`] in which nothing is missing any more, for an adapter to carry out.
pub struct Parts {
    /// Where to connect to, and who logs in.
    pub destination: Destination,
    /// What is permitted on the way in.
    pub policy: Policy,
    /// Bounds on what the server may send.
    pub config: Config,
    /// How many octets of commands a batch keeps in flight.
    pub window: usize,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What TLS has to prove.
    #[cfg(feature = "tls")]
    pub tls: Tls,
    /// What receives the conversation.
    pub log: Option<Log>,
}

impl Default for Connect {
    fn default() -> Connect {
        Connect {
            host: None,
            port: None,
            user: None,
            secret: None,
            policy: Policy::default(),
            config: Config::default(),
            window: 128 * 1024,
            timeouts: Timeouts::default(),
            #[cfg(feature = "tls")]
            tls: Tls::new(),
            log: None,
        }
    }
}

impl Connect {
    /// TLS as the platform's verifier wants it, the protocol's default port, and the time-outs of [`Timeouts::default`].
    pub fn new() -> Connect {
        Connect::default()
    }

    /// The server's name or address. By default `$MAILHOST`.
    pub fn host(mut self, host: impl Into<String>) -> Connect {
        self.host = Some(host.into());
        self
    }

    /// The port: by default 995 with TLS, else 110.
    pub fn port(mut self, port: u16) -> Connect {
        self.port = Some(port);
        self
    }

    /// The user's name. By default what `~/.netrc` (or `$NETRC`) has for the host.
    pub fn user(mut self, user: impl Into<String>) -> Connect {
        self.user = Some(user.into());
        self
    }

    /// The password. By default what `~/.netrc` (or `$NETRC`) has for the host and the user.
    pub fn password(mut self, password: impl Into<String>) -> Connect {
        self.secret = Some(Secret::Password(Zeroizing::new(password.into())));
        self
    }

    /// An access token instead of a password, for OAUTHBEARER or XOAUTH2 (RFC 7628).
    pub fn token(mut self, token: impl Into<String>) -> Connect {
        let token = Zeroizing::new(token.into());
        self.secret = Some(Secret::Made(Box::new(move |user| Credentials::token(user, token.as_str()))));
        self
    }

    /// A password that is asked for when it is needed, as with [`Credentials::ask`]. What is asked runs inside the login: with
    /// tokio, on the thread of the task.
    pub fn ask(mut self, ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static) -> Connect {
        self.secret = Some(Secret::Made(Box::new(|user| Credentials::ask(user, ask))));
        self
    }

    /// An access token that is asked for when it is needed, as with [`Credentials::ask_token`].
    pub fn ask_token(mut self, ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static) -> Connect {
        self.secret = Some(Secret::Made(Box::new(|user| Credentials::ask_token(user, ask))));
        self
    }

    /// Name and proof in one, of any kind. No [`user`](Self::user) and no netrc file counts then.
    pub fn credentials(mut self, credentials: Credentials) -> Connect {
        self.secret = Some(Secret::Whole(credentials));
        self
    }

    /// How the connection must be protected.
    pub fn security(mut self, security: Security) -> Connect {
        self.policy.security = security;
        self
    }

    /// Leave to send the password as it is on an unprotected connection.
    pub fn allow_plaintext(mut self, allow: bool) -> Connect {
        self.policy.allow_plaintext = allow;
        self
    }

    /// The one way to log in: see [`Policy::methods`].
    pub fn method(self, method: Method) -> Connect {
        self.methods([method])
    }

    /// The ways to log in that are permitted: see [`Policy::methods`].
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Connect {
        self.policy.methods = Some(methods.into_iter().collect());
        self
    }

    /// Bounds on what the server may send.
    pub fn config(mut self, config: Config) -> Connect {
        self.config = config;
        self
    }

    /// How many octets of commands a batch keeps in pipeline: 128 KiB by default, ten thousand RETRs. With 1, commands go one by
    /// one: for a server that mixes up its answers to pipelined commands.
    ///
    /// What a transport makes of it stands with its adapter's `connect`.
    pub fn window(mut self, octets: usize) -> Connect {
        self.window = octets;
        self
    }

    /// What TLS has to prove: by default, to the platform's verifier, that the server has the name given as the host. An
    /// `Arc<ClientConfig>` does too.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<Tls>) -> Connect {
        self.tls = tls.into();
        self
    }

    /// How long connecting to one address may take.
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts.connect = timeout;
        self
    }

    /// How long each may take of the TLS handshake, the greeting, and the answer to a command; and the next 256 octets of a
    /// message or a listing. Until the login is done, [`login_timeout`](Self::login_timeout) limits all of them together.
    pub fn timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts = self.timeouts.each(timeout);
        self
    }

    /// How long it may take from the connection to the end of the login.
    pub fn login_timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts.login = timeout;
        self
    }

    /// All time-outs at once.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Connect {
        self.timeouts = timeouts;
        self
    }

    /// Has `log` receive the conversation: secrets replaced, bodies as a count of octets.
    pub fn log(mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) -> Connect {
        self.log = Some(Box::new(log));
        self
    }

    /// Finds what was not given, for an adapter: the host is `mailhost` then, and `netrc` is asked for name and password,
    /// with the host and the name if there is one.
    ///
    /// # Errors
    ///
    /// What is missing, or what `netrc` says.
    pub fn into_parts<T>(
        self,
        mailhost: Option<String>,
        netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, ConnectError<T>>,
    ) -> Result<Parts, ConnectError<T>> {
        let host = self.host.or(mailhost).ok_or(ConnectError::NoHost)?;
        let credentials = match self.secret {
            Some(Secret::Whole(credentials)) => Some(credentials),
            given => find(&host, self.user, given, netrc)?,
        };
        let Some(credentials) = credentials else { return Err(ConnectError::NoCredentials { host }) };
        let port = self.port.unwrap_or(match self.policy.security {
            Security::Tls => 995,
            Security::StartTls | Security::Plaintext => 110,
        });
        Ok(Parts {
            destination: Destination { credentials: credentials.for_server(&*host, port), host, port },
            policy: self.policy,
            config: self.config,
            window: self.window,
            timeouts: self.timeouts,
            #[cfg(feature = "tls")]
            tls: self.tls,
            log: self.log,
        })
    }
}

/// Completes a name and a proof by what the netrc file has, whose entries may lack either.
fn find<T>(
    host: &str,
    mut user: Option<String>,
    mut secret: Option<Secret>,
    netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, ConnectError<T>>,
) -> Result<Option<Credentials>, ConnectError<T>> {
    if user.is_none() || secret.is_none() {
        if let Some((name, password)) = netrc(host, user.as_deref())? {
            user = user.or(Some(name).filter(|name| !name.is_empty()));
            secret = secret.or(Some(password).filter(|password| !password.is_empty()).map(Secret::Password));
        }
    }
    let Some(user) = user else { return Ok(None) };
    Ok(secret.map(|secret| match secret {
        Secret::Password(password) => Credentials::new(user, password.as_str()),
        Secret::Whole(credentials) => credentials,
        Secret::Made(make) => make(user),
    }))
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = f.debug_struct("Parts");
        parts.field("destination", &self.destination).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Why there is no session. `T` is the error of the transport.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError<T = Infallible> {
    /// Neither a host was given nor `$MAILHOST` is set.
    NoHost,
    /// Name or password are missing, and the netrc file has none for this host.
    NoCredentials {
        /// The host.
        host: String,
    },
    /// The netrc file is there and cannot be read.
    Netrc(String),
    /// The server could not be reached.
    Unreachable {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system says.
        error: T,
    },
    /// TLS cannot even be tried. Nothing was sent.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// The server was reached, and the login failed.
    Login(LoginError<T>),
}

#[cfg(feature = "tls")]
impl<T> From<TlsError> for ConnectError<T> {
    fn from(error: TlsError) -> ConnectError<T> {
        ConnectError::Tls(error)
    }
}

impl<T> From<LoginError<T>> for ConnectError<T> {
    fn from(error: LoginError<T>) -> ConnectError<T> {
        ConnectError::Login(error)
    }
}

impl<T> From<Error<T>> for ConnectError<T> {
    fn from(error: Error<T>) -> ConnectError<T> {
        ConnectError::Login(LoginError::Failed(error))
    }
}

impl<T: fmt::Display> fmt::Display for ConnectError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::NoHost => f.write_str("no host was given, and MAILHOST is not set"),
            ConnectError::NoCredentials { host } => {
                write!(f, "no user name and password were given for {host}, and the netrc file has none")
            }
            ConnectError::Netrc(why) => write!(f, "the netrc file cannot be read: {why}"),
            ConnectError::Unreachable { host, port, error } => {
                write!(f, "cannot connect to {host}, port {port}: {error}")
            }
            #[cfg(feature = "tls")]
            ConnectError::Tls(error) => write!(f, "TLS cannot be set up: {error}"),
            ConnectError::Login(error) => error.fmt(f),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for ConnectError<T> {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    type Found = Result<Option<(String, Zeroizing<String>)>, ConnectError>;

    fn entry(name: &str) -> (String, Zeroizing<String>) {
        (name.into(), Zeroizing::new("hush".into()))
    }

    #[test]
    fn what_is_given_is_not_looked_up() {
        let connect = Connect::new().host("h").user("u").password("secret");
        let never = |_: &str, _: Option<&str>| -> Found { unreachable!() };
        let to = connect.into_parts(Some("other".into()), never).unwrap().destination;
        assert_eq!((&*to.host, to.port, to.credentials.user()), ("h", 995, "u"));
    }

    #[test]
    fn what_is_missing_is_looked_up() {
        let netrc = |host: &str, user: Option<&str>| {
            assert_eq!((host, user), ("mailhost", Some("u")));
            Found::Ok(Some(entry("")))
        };
        let connect = Connect::new().user("u").security(Security::StartTls);
        let to = connect.into_parts(Some("mailhost".into()), netrc).unwrap().destination;
        assert_eq!((&*to.host, to.port, to.credentials.user()), ("mailhost", 110, "u"));

        let connect = Connect::new().port(1);
        let parts = connect.into_parts(Some("mailhost".into()), |_, _| Found::Ok(Some(entry("somebody")))).unwrap();
        assert_eq!((parts.destination.port, parts.destination.credentials.user()), (1, "somebody"));
    }

    #[test]
    fn what_is_not_found_has_a_name() {
        let error = Connect::new().into_parts(None, |_, _| Found::Ok(Some(entry("")))).unwrap_err();
        assert!(matches!(error, ConnectError::NoHost), "{error}");
        let error = Connect::new().into_parts(Some("h".into()), |_, _| -> Found { Ok(None) }).unwrap_err();
        assert_eq!(error.to_string(), "no user name and password were given for h, and the netrc file has none");
    }

    #[test]
    fn no_password_is_shown() {
        let connect = Connect::new().host("h").user("u").password("tanstaaf").log(|_| ());
        assert_eq!(alloc::format!("{connect:?}").find("tanstaaf"), None);
        let parts = connect.into_parts(None, |_, _| Found::Ok(None)).unwrap();
        assert_eq!(alloc::format!("{parts:?}").find("tanstaaf"), None);
    }
}
