//! The settings for a connection, and the defaults for missing ones. This module does no I/O.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::client::Config;
use crate::drive::deadlines::Timeouts;
use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;
use crate::drive::log::LogEntry;
use crate::login::{Credentials, Method, Policy, Security};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// The settings for a connection and its login, passed to the `connect` function of an adapter. Host, user name and
/// password are optional.
///
/// `Debug` does not show the password. Its memory is wiped on drop.
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

/// The proof of identity.
enum Secret {
    Password(Zeroizing<String>),
    /// Credentials that include the name.
    Whole(Credentials),
    /// Credentials that need a name.
    Made(Box<dyn FnOnce(String) -> Credentials + Send>),
}

/// A callback that receives the conversation. Secrets are replaced, and bodies appear as a number of octets.
pub type Log = Box<dyn FnMut(LogEntry<'_>) + Send>;

/// The server and the credentials.
#[derive(Debug)]
pub struct Destination {
    /// The name or address of the server.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The name and the password.
    pub credentials: Credentials,
}

/// The parts of a [`Connect`] with all settings resolved, for an adapter.
pub struct Parts {
    /// The server and the credentials.
    pub destination: Destination,
    /// The permitted protection and methods.
    pub policy: Policy,
    /// Limits on what the server may send.
    pub config: Config,
    /// The maximum number of octets of commands that a batch keeps in flight.
    pub window: usize,
    /// The timeouts.
    pub timeouts: Timeouts,
    /// The TLS configuration.
    #[cfg(feature = "tls")]
    pub tls: Tls,
    /// The callback that receives the conversation.
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
    /// Creates settings for TLS with the platform's verifier, the default port of the protocol, and the timeouts of
    /// [`Timeouts::default`].
    pub fn new() -> Connect {
        Connect::default()
    }

    /// Sets the name or address of the server. The default is `$MAILHOST`.
    pub fn host(mut self, host: impl Into<String>) -> Connect {
        self.host = Some(host.into());
        self
    }

    /// Sets the port. The default is 995 with TLS and 110 otherwise.
    pub fn port(mut self, port: u16) -> Connect {
        self.port = Some(port);
        self
    }

    /// Sets the name of the user. The default is the name in `~/.netrc` (or `$NETRC`) for the host.
    pub fn user(mut self, user: impl Into<String>) -> Connect {
        self.user = Some(user.into());
        self
    }

    /// Sets the password. The default is the password in `~/.netrc` (or `$NETRC`) for the host and the user.
    pub fn password(mut self, password: impl Into<String>) -> Connect {
        self.secret = Some(Secret::Password(Zeroizing::new(password.into())));
        self
    }

    /// Sets an access token instead of a password, for OAUTHBEARER or XOAUTH2 (RFC 7628).
    pub fn token(mut self, token: impl Into<String>) -> Connect {
        let token = Zeroizing::new(token.into());
        self.secret = Some(Secret::Made(Box::new(move |user| Credentials::token(user, token.as_str()))));
        self
    }

    /// Sets a function that returns the password when it is needed, as with [`Credentials::ask`]. It runs inside the
    /// login; with tokio, on the thread of the task.
    pub fn ask(mut self, ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static) -> Connect {
        self.secret = Some(Secret::Made(Box::new(|user| Credentials::ask(user, ask))));
        self
    }

    /// Sets a function that returns an access token when it is needed, as with [`Credentials::ask_token`].
    pub fn ask_token(mut self, ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static) -> Connect {
        self.secret = Some(Secret::Made(Box::new(|user| Credentials::ask_token(user, ask))));
        self
    }

    /// Sets credentials of any kind, including the name. Overrides [`user`](Self::user) and the netrc file.
    pub fn credentials(mut self, credentials: Credentials) -> Connect {
        self.secret = Some(Secret::Whole(credentials));
        self
    }

    /// Sets the required protection of the connection.
    pub fn security(mut self, security: Security) -> Connect {
        self.policy.security = security;
        self
    }

    /// Allows sending the password over an unprotected connection.
    pub fn allow_plaintext(mut self, allow: bool) -> Connect {
        self.policy.allow_plaintext = allow;
        self
    }

    /// Sets the only permitted method: see [`Policy::methods`].
    pub fn method(self, method: Method) -> Connect {
        self.methods([method])
    }

    /// Sets the permitted methods: see [`Policy::methods`].
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Connect {
        self.policy.methods = Some(methods.into_iter().collect());
        self
    }

    /// Sets the limits on what the server may send.
    pub fn config(mut self, config: Config) -> Connect {
        self.config = config;
        self
    }

    /// Sets the maximum number of octets of commands that a batch keeps in flight. The default is 128 KiB, enough for
    /// ten thousand RETRs. With 1, commands are sent one at a time, for servers that confuse the answers to pipelined
    /// commands.
    ///
    /// The `connect` of each adapter documents how its transport uses the value.
    pub fn window(mut self, octets: usize) -> Connect {
        self.window = octets;
        self
    }

    /// Sets the TLS configuration, which may be an `Arc<ClientConfig>`. By default, the platform's verifier checks that
    /// the certificate of the server is valid for the host.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<Tls>) -> Connect {
        self.tls = tls.into();
        self
    }

    /// Sets the timeout for connecting to one address.
    pub fn connect_timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts.connect = timeout;
        self
    }

    /// Sets the timeout for each of these: the TLS handshake, the greeting, the answer to a command, and the next 256
    /// octets of a message or a listing. Until the login completes, [`login_timeout`](Self::login_timeout) also limits
    /// their sum.
    pub fn timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts = self.timeouts.each(timeout);
        self
    }

    /// Sets the timeout from the connection to the end of the login.
    pub fn login_timeout(mut self, timeout: Duration) -> Connect {
        self.timeouts.login = timeout;
        self
    }

    /// Sets all timeouts.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Connect {
        self.timeouts = timeouts;
        self
    }

    /// Sets a callback that receives the conversation. Secrets are replaced, and bodies appear as a number of octets.
    pub fn log(mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) -> Connect {
        self.log = Some(Box::new(log));
        self
    }

    /// Resolves the missing settings, for an adapter. A missing host is replaced by `mailhost`. If the name or the
    /// proof is missing, `netrc` is called with the host and the name, if there is one.
    ///
    /// # Errors
    ///
    /// [`SettingsError::NoHost`] or [`SettingsError::NoCredentials`] if a setting is still missing, or the error of
    /// `netrc`.
    pub fn into_parts(
        self,
        mailhost: Option<String>,
        netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, Error>,
    ) -> Result<Parts, Error> {
        let host = self.host.or(mailhost).ok_or(SettingsError::NoHost)?;
        let credentials = match self.secret {
            Some(Secret::Whole(credentials)) => Some(credentials),
            given => find(&host, self.user, given, netrc)?,
        };
        let Some(credentials) = credentials else { return Err(SettingsError::NoCredentials { host }.into()) };
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

/// Completes the name and the proof from an entry of the netrc file, which may lack either.
fn find(
    host: &str,
    mut user: Option<String>,
    mut secret: Option<Secret>,
    netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<(String, Zeroizing<String>)>, Error>,
) -> Result<Option<Credentials>, Error> {
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

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::drive::error::Cause;

    type Found = Result<Option<(String, Zeroizing<String>)>, Error>;

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
        assert!(matches!(error.cause(), Cause::Settings(SettingsError::NoHost)), "{error}");
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
