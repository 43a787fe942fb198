//! The settings for a connection, and the defaults for settings that you omit. This module does no I/O.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

use crate::client::Config;
use crate::drive::conversation::Conversation;
use crate::drive::deadlines::Timeouts;
use crate::drive::error::Error;
use crate::drive::error::settings::SettingsError;
use crate::drive::log::LogEntry;
use crate::login::credentials::Shared;
use crate::login::netrc::NetrcEntry;
use crate::login::{Credentials, Login, Method, Policy, Security};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// The settings for a connection and its login, whether you give the host name or a stream of your own. An adapter
/// opens the connection.
///
/// Host, user name and password are optional. Clone the settings to connect again. `Debug` does not show the password,
/// and the memory of each clone is wiped on drop.
///
/// ```
/// use pop3_proto::login::Connect;
/// use pop3_proto::login::Security;
///
/// let connect = Connect::new().host("localhost").security(Security::Plaintext).allow_plaintext(true);
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is given to an adapter"]
pub struct Connect(Box<Settings>);

/// The settings, in a box: futures that take a [`Connect`] reserve only a pointer for it.
#[derive(Clone, Default)]
struct Settings {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    given: Option<Given>,
    policy: Policy,
    config: Config,
    window: Option<usize>,
    timeouts: Timeouts,
    #[cfg(feature = "tls")]
    tls: Tls,
    log: Option<Log>,
}

type Log = Shared<dyn Fn(LogEntry<'_>) + Send + Sync>;

/// The password or the credentials that were set.
#[derive(Clone)]
enum Given {
    /// Credentials that include the name, if their kind has one.
    Whole(Credentials),
    /// The password of the user.
    Password(Zeroizing<String>),
}

impl Connect {
    /// Creates settings for TLS with the platform's verifier, the default port 995, and the timeouts of
    /// [`Timeouts::default`].
    pub fn new() -> Connect {
        Connect::default()
    }

    /// Sets the name or address of the server. The default is `$MAILHOST`, unless you use a stream of your own.
    pub fn host(mut self, host: impl Into<String>) -> Connect {
        self.0.host = Some(host.into());
        self
    }

    /// Sets the port. The default is 995 with TLS and 110 otherwise.
    pub fn port(mut self, port: u16) -> Connect {
        self.0.port = Some(port);
        self
    }

    /// Sets the user name. The default is the name for the host in the netrc file: the file that `$NETRC` names, or
    /// else `~/.netrc`.
    pub fn user(mut self, user: impl Into<String>) -> Connect {
        self.0.user = Some(user.into());
        self
    }

    /// Sets the password. The default is the password in `~/.netrc` (or `$NETRC`) for the host and the user.
    pub fn password(mut self, password: impl Into<String>) -> Connect {
        self.0.given = Some(Given::Password(Zeroizing::new(password.into())));
        self
    }

    /// Sets credentials of any kind, including the name: a token, a function that returns the password or the token, a
    /// client certificate, or your own mechanism. Overrides [`user`](Self::user) and the netrc file.
    pub fn credentials(mut self, credentials: Credentials) -> Connect {
        self.0.given = Some(Given::Whole(credentials));
        self
    }

    /// Sets the whole policy: the required protection and the permitted methods.
    pub fn policy(mut self, policy: Policy) -> Connect {
        self.0.policy = policy;
        self
    }

    /// Sets the required protection of the connection.
    pub fn security(mut self, security: Security) -> Connect {
        self.0.policy.security = security;
        self
    }

    /// Allows sending the password over an unprotected connection.
    pub fn allow_plaintext(mut self, allow: bool) -> Connect {
        self.0.policy.allow_plaintext = allow;
        self
    }

    /// Sets the permitted methods: see [`Policy::methods`](Policy#structfield.methods).
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Connect {
        self.0.policy.methods = Some(methods.into_iter().collect());
        self
    }

    /// Sets the limits on what the server may send.
    pub fn config(mut self, config: Config) -> Connect {
        self.0.config = config;
        self
    }

    /// Sets the maximum number of octets of commands that a batch keeps in flight. With 1, a batch sends one command at
    /// a time, for servers that confuse the answers to pipelined commands. The default depends on the stream; each
    /// adapter documents it.
    pub fn window(mut self, octets: usize) -> Connect {
        self.0.window = Some(octets);
        self
    }

    /// Sets the TLS configuration, which may be an `Arc<ClientConfig>`. By default, the platform's verifier checks that
    /// the certificate of the server is valid for the host.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<Tls>) -> Connect {
        self.0.tls = tls.into();
        self
    }

    /// Sets all timeouts.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Connect {
        self.0.timeouts = timeouts;
        self
    }

    /// Sets a callback that receives the conversation. Secrets are replaced, and bodies appear as a number of octets.
    pub fn log(mut self, log: impl Fn(LogEntry<'_>) + Send + Sync + 'static) -> Connect {
        self.0.log = Some(Shared::new(log));
        self
    }

    /// Sets the host if none was set. An adapter passes the value of `$MAILHOST`.
    pub fn default_host(mut self, host: Option<String>) -> Connect {
        self.0.host = self.0.host.or(host);
        self
    }

    /// Returns the host and the port, for an adapter.
    ///
    /// # Errors
    ///
    /// [`SettingsError::NoHost`].
    pub fn server(&self) -> Result<(&str, u16), SettingsError> {
        let host = self.0.host.as_deref().ok_or(SettingsError::NoHost)?;
        let default = if self.0.policy.security == Security::Tls { 995 } else { 110 };
        Ok((host, self.0.port.unwrap_or(default)))
    }

    /// Returns the credentials, for an adapter. If the user name or the secret is missing, this calls `netrc` with the
    /// host and, if it is set, the user name.
    ///
    /// # Errors
    ///
    /// [`SettingsError::NoHost`] or [`SettingsError::NoCredentials`] if a setting is missing, or the error of `netrc`.
    pub fn find_credentials(
        &self,
        netrc: impl FnOnce(&str, Option<&str>) -> Result<Option<NetrcEntry>, Error>,
    ) -> Result<Credentials, Error> {
        Ok(match (self.0.user.clone(), self.0.given.clone()) {
            (_, Some(Given::Whole(credentials))) => credentials,
            (Some(user), Some(Given::Password(password))) => Credentials::new(user, password.as_str()),
            (user, given) => {
                let (host, _) = self.server()?;
                let missing = || SettingsError::NoCredentials { host: host.into() };
                // An entry may lack the name or the password.
                let NetrcEntry { login, password } = netrc(host, user.as_deref())?.ok_or_else(missing)?;
                let user = user.or(Some(login).filter(|login| !login.is_empty())).ok_or_else(missing)?;
                match given {
                    Some(Given::Password(password)) => Credentials::new(user, password.as_str()),
                    _ if password.is_empty() => return Err(missing().into()),
                    _ => Credentials::new(user, password.as_str()),
                }
            }
        })
    }

    /// Returns the login with these credentials, for an adapter.
    pub fn login(&self, credentials: Credentials) -> Login {
        let credentials = match self.server() {
            Ok((host, port)) if credentials.place().is_none() => credentials.for_server(host, port),
            _ => credentials,
        };
        Login::new(credentials, self.0.policy)
    }

    /// Returns a conversation with these limits and this log, for an adapter.
    pub fn conversation(&self) -> Conversation {
        let mut conversation = Conversation::new(self.0.config);
        if let Some(log) = self.0.log.clone() {
            conversation.set_log(move |entry| log(entry));
        }
        conversation
    }

    /// Returns the permitted protection and methods.
    pub fn get_policy(&self) -> Policy {
        self.0.policy
    }

    /// Returns the number of octets of commands that a batch keeps in flight, if it was set.
    pub fn get_window(&self) -> Option<usize> {
        self.0.window
    }

    /// Returns the timeouts.
    pub fn get_timeouts(&self) -> Timeouts {
        self.0.timeouts
    }

    /// Returns the TLS configuration.
    #[cfg(feature = "tls")]
    pub fn get_tls(&self) -> &Tls {
        &self.0.tls
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("host", &self.0.host)
            .field("port", &self.0.port)
            .field("user", &self.0.user)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::drive::error::Cause;

    type Found = Result<Option<NetrcEntry>, Error>;

    fn entry(login: &str) -> NetrcEntry {
        NetrcEntry { login: login.into(), password: Zeroizing::new("hush".into()) }
    }

    #[test]
    fn given_settings_are_not_looked_up() {
        let connect = Connect::new().host("h").user("u").password("secret").default_host(Some("other".into()));
        let never = |_: &str, _: Option<&str>| -> Found { unreachable!() };
        assert_eq!(connect.server().unwrap(), ("h", 995));
        assert_eq!(connect.find_credentials(never).unwrap().user(), "u");
        let whole = connect.credentials(Credentials::new("w", "secret"));
        assert_eq!(whole.find_credentials(never).unwrap().user(), "w");
    }

    #[test]
    fn missing_settings_are_looked_up() {
        let netrc = |host: &str, user: Option<&str>| {
            assert_eq!((host, user), ("mailhost", Some("u")));
            Found::Ok(Some(entry("")))
        };
        let nowhere = Connect::new().default_host(Some("mailhost".into()));
        let connect = nowhere.clone().user("u").security(Security::StartTls);
        assert_eq!(connect.server().unwrap(), ("mailhost", 110));
        assert_eq!(connect.find_credentials(netrc).unwrap().user(), "u");

        let connect = nowhere.port(1);
        assert_eq!(connect.server().unwrap(), ("mailhost", 1));
        assert_eq!(connect.find_credentials(|_, _| Found::Ok(Some(entry("somebody")))).unwrap().user(), "somebody");
    }

    #[test]
    fn settings_that_are_not_found_are_named() {
        let error = Connect::new().find_credentials(|_, _| Found::Ok(Some(entry("")))).unwrap_err();
        assert!(matches!(error.cause(), Cause::Settings(SettingsError::NoHost)), "{error}");
        let connect = Connect::new().host("h");
        for found in [None, Some(entry("")), Some(NetrcEntry { login: "u".into(), ..NetrcEntry::default() })] {
            let error = connect.find_credentials(|_, _| -> Found { Ok(found) }).unwrap_err();
            assert_eq!(error.to_string(), "no user name and password were given for h, and the netrc file has none");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let connect = Connect::new().host("h").user("u").password("tanstaaf").log(|_| ());
        assert_eq!(alloc::format!("{connect:?}").find("tanstaaf"), None);
        let credentials = connect.find_credentials(|_, _| Found::Ok(None)).unwrap();
        assert_eq!(alloc::format!("{credentials:?}").find("tanstaaf"), None);
    }

    #[test]
    fn a_clone_asks_for_the_password_again() {
        use core::sync::atomic::{AtomicU32, Ordering};

        static ASKED: AtomicU32 = AtomicU32::new(0);
        let first = Connect::new().host("h").credentials(Credentials::ask("u", |user| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Some(Zeroizing::new(user.into()))
        }));
        for connect in [first.clone(), first] {
            let mut credentials = connect.find_credentials(|_, _| Found::Ok(None)).unwrap();
            assert_eq!(credentials.text().map(|text| text.as_str()), Some("u"));
            assert_eq!(credentials.text().map(|text| text.as_str()), Some("u"));
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 2, "once for each login");
    }
}
