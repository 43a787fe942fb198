//! How to reach a maildrop, as an adapter is told, and what can be missing: all of a connection's beginning but the I/O.

use alloc::boxed::Box;
use alloc::string::String;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::client::Config;
use crate::failure::Error;
use crate::log::Entry;
use crate::login::{Credentials, LoginError, Policy, Security};

/// What an adapter's `Connect` collects. `Debug` shows no password; the memory of it is wiped when dropped.
pub struct Options {
    /// The server's name or address.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The user's name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Zeroizing<String>>,
    /// What is permitted on the way in.
    pub policy: Policy,
    /// Bounds on what the server may send.
    pub config: Config,
    /// How many octets of commands a batch keeps in flight.
    pub window: usize,
    /// How long connecting to one address may take.
    pub connect_timeout: Duration,
    /// How long the server may be silent while it is waited for.
    pub timeout: Duration,
    /// How long it may take from the connection to the end of the login.
    pub login_timeout: Duration,
    /// What receives the conversation.
    pub log: Option<Log>,
}

/// What receives the conversation: secrets replaced, bodies as a count of octets.
pub type Log = Box<dyn FnMut(Entry<'_>) + Send>;

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

impl Default for Options {
    /// Nothing is given: TLS, 128 KiB of commands (ten thousand RETRs), and 30, 60 and 120 seconds for connecting, for
    /// each wait, and for the whole login.
    fn default() -> Options {
        Options {
            host: None,
            port: None,
            user: None,
            password: None,
            policy: Policy::default(),
            config: Config::default(),
            window: 128 * 1024,
            connect_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
            login_timeout: Duration::from_secs(120),
            log: None,
        }
    }
}

impl Options {
    /// Finds what was not given: the host is `mailhost` then, and `netrc` is asked for name and password, with the host
    /// and the name if there is one.
    ///
    /// # Errors
    ///
    /// What is missing, or what `netrc` says.
    pub fn destination<T>(
        &mut self,
        mailhost: Option<String>,
        netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, ConnectError<T>>,
    ) -> Result<Destination, ConnectError<T>> {
        let host = self.host.take().or(mailhost).ok_or(ConnectError::NoHost)?;
        let (mut user, mut password) = (self.user.take(), self.password.take());
        if user.is_none() || password.is_none() {
            if let Some((name, secret)) = netrc(&host, user.as_deref())? {
                // An entry may lack either.
                user = user.or(Some(name).filter(|name| !name.is_empty()));
                password = password.or(Some(secret).filter(|secret| !secret.is_empty()));
            }
        }
        let (Some(user), Some(password)) = (user, password) else { return Err(ConnectError::NoCredentials { host }) };
        let port = self.port.unwrap_or(match self.policy.security {
            Security::Tls => 995,
            Security::StartTls | Security::Plaintext => 110,
        });
        Ok(Destination { host, port, credentials: Credentials::new(user, password.as_str()) })
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
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
    /// The server was reached, and the login failed.
    Login(LoginError<T>),
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
        let password = Some(Zeroizing::new("secret".into()));
        let mut options = Options { host: Some("h".into()), user: Some("u".into()), password, ..Options::default() };
        let never = |_: &str, _: Option<&str>| -> Found { unreachable!() };
        let to = options.destination(Some("other".into()), never).unwrap();
        assert_eq!((&*to.host, to.port, to.credentials.user()), ("h", 995, "u"));
    }

    #[test]
    fn what_is_missing_is_looked_up() {
        let mut options = Options { user: Some("u".into()), ..Options::default() };
        options.policy.security = Security::StartTls;
        let netrc = |host: &str, user: Option<&str>| {
            assert_eq!((host, user), ("mailhost", Some("u")));
            Found::Ok(Some(entry("")))
        };
        let to = options.destination(Some("mailhost".into()), netrc).unwrap();
        assert_eq!((&*to.host, to.port, to.credentials.user()), ("mailhost", 110, "u"));

        let mut options = Options { port: Some(1), ..Options::default() };
        let to = options.destination(Some("mailhost".into()), |_, _| Found::Ok(Some(entry("somebody")))).unwrap();
        assert_eq!((to.port, to.credentials.user()), (1, "somebody"));
    }

    #[test]
    fn what_is_not_found_has_a_name() {
        let error = Options::default().destination(None, |_, _| Found::Ok(Some(entry("")))).unwrap_err();
        assert!(matches!(error, ConnectError::NoHost), "{error}");
        let error = Options::default().destination(Some("h".into()), |_, _| -> Found { Ok(None) }).unwrap_err();
        assert_eq!(error.to_string(), "no user name and password were given for h, and the netrc file has none");
    }
}
