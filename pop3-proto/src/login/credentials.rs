//! The identity that logs in, and its proof.

use alloc::boxed::Box;
#[cfg(not(target_has_atomic = "ptr"))]
pub(super) use alloc::rc::Rc as Shared;
use alloc::string::String;
#[cfg(target_has_atomic = "ptr")]
pub(super) use alloc::sync::Arc as Shared;
use core::fmt;

use zeroize::Zeroizing;

use crate::sasl::Mechanism;

/// A user's identity and its proof, such as a password. `Debug` does not show the secret. The memory of each clone is
/// wiped on drop.
///
/// ```
/// use pop3_proto::Zeroizing;
/// use pop3_proto::login::Credentials;
///
/// let password = Credentials::new("mrose", "tanstaaf");
/// let token = Credentials::token("mrose@example.org", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
/// // Asked for just before it is sent.
/// let asked = Credentials::ask("mrose", |user| std::env::var(format!("PASSWORD_OF_{user}")).ok().map(Zeroizing::new));
/// // An administrator opens the maildrop of another user.
/// let other = Credentials::new("root", "secret").acting_for("mrose");
/// assert!(!format!("{password:?} {token:?} {asked:?} {other:?}").contains("tanstaaf"));
/// ```
#[derive(Clone)]
pub struct Credentials {
    user: String,
    authzid: String,
    /// The host and the port for which the credentials are used.
    place: Option<(String, u16)>,
    pub(super) secret: Secret,
}

/// The proof of identity.
#[derive(Clone)]
pub(super) enum Secret {
    Password(Source),
    Token(Source),
    /// A proof outside SASL, such as a client certificate.
    Outside,
    Own(Make),
}

type Make = Shared<dyn Fn() -> Box<dyn Mechanism> + Send + Sync>;

type Ask = Shared<dyn Fn(&str) -> Option<Zeroizing<String>> + Send + Sync>;

/// The source of a password or a token.
#[derive(Clone)]
pub(super) enum Source {
    Known(Zeroizing<String>),
    Ask(Ask),
    /// The function was called and returned no secret.
    Gone,
}

impl Source {
    /// Returns the secret, and asks for it if necessary.
    pub(super) fn get(&mut self, user: &str) -> Option<&Zeroizing<String>> {
        if let Source::Ask(ask) = self {
            *self = ask(user).map_or(Source::Gone, Source::Known);
        }
        self.known()
    }

    pub(super) fn known(&self) -> Option<&Zeroizing<String>> {
        if let Source::Known(secret) = self { Some(secret) } else { None }
    }
}

impl Credentials {
    /// Creates credentials from a name and a password, as entered by the user.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials::with(user, Secret::Password(Source::Known(Zeroizing::new(password.into()))))
    }

    /// Creates credentials from a name and a function that returns the password. `ask` is called with the name once the
    /// password can be sent: the server is connected, TLS is established, and the method is chosen. `None` cancels the
    /// login. `ask` runs inside the login and may block for as long as the server waits. It is called once for each
    /// login.
    pub fn ask(
        user: impl Into<String>,
        ask: impl Fn(&str) -> Option<Zeroizing<String>> + Send + Sync + 'static,
    ) -> Credentials {
        Credentials::with(user, Secret::Password(Source::Ask(Shared::new(ask))))
    }

    /// Creates credentials from a name and an `OAuth` 2.0 access token, for OAUTHBEARER or XOAUTH2 (RFC 7628).
    pub fn token(user: impl Into<String>, token: impl Into<String>) -> Credentials {
        Credentials::with(user, Secret::Token(Source::Known(Zeroizing::new(token.into()))))
    }

    /// Creates credentials from a name and a function that returns an access token. It is called like the function of
    /// [`ask`](Self::ask), so that it can return a fresh token.
    pub fn ask_token(
        user: impl Into<String>,
        ask: impl Fn(&str) -> Option<Zeroizing<String>> + Send + Sync + 'static,
    ) -> Credentials {
        Credentials::with(user, Secret::Token(Source::Ask(Shared::new(ask))))
    }

    /// Creates credentials for the identity in the client certificate, for EXTERNAL (RFC 4422, appendix A).
    pub fn external() -> Credentials {
        Credentials::with("", Secret::Outside)
    }

    /// Creates credentials for your own mechanism. `make` is called once for each login and returns a new mechanism.
    pub fn mechanism<M: Mechanism + 'static>(make: impl Fn() -> M + Send + Sync + 'static) -> Credentials {
        Credentials::with("", Secret::Own(Shared::new(move || Box::new(make()))))
    }

    fn with(user: impl Into<String>, secret: Secret) -> Credentials {
        Credentials { user: user.into(), authzid: String::new(), place: None, secret }
    }

    /// Sets the user whose maildrop is opened, if it is not the one who logs in: the authorization identity of SASL
    /// (RFC 4422, section 3.4.1).
    ///
    /// PLAIN, SCRAM and EXTERNAL support this. The login then uses none of the other methods.
    #[must_use]
    pub fn acting_for(mut self, authzid: impl Into<String>) -> Credentials {
        self.authzid = authzid.into();
        self
    }

    /// Sets the server, which OAUTHBEARER includes in its message (RFC 7628, section 3.1). The adapters do this for you
    /// if [`Connect::host`](crate::login::Connect::host) is set.
    #[must_use]
    pub fn for_server(mut self, host: impl Into<String>, port: u16) -> Credentials {
        self.place = Some((host.into(), port));
        self
    }

    /// Returns the name. It is empty with [`external`](Self::external) and [`mechanism`](Self::mechanism).
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the authorization identity, which may be empty.
    pub(super) fn authzid(&self) -> &str {
        &self.authzid
    }

    pub(super) fn place(&self) -> Option<(&str, u16)> {
        self.place.as_ref().map(|(host, port)| (&**host, *port))
    }

    /// Returns the password or the token, and asks for it if necessary.
    pub(super) fn text(&mut self) -> Option<&Zeroizing<String>> {
        match &mut self.secret {
            Secret::Password(source) | Secret::Token(source) => source.get(&self.user),
            Secret::Outside | Secret::Own(_) => None,
        }
    }

    /// Returns the password or the token, if it is already known.
    pub(super) fn known_text(&self) -> Option<&str> {
        match &self.secret {
            Secret::Password(source) | Secret::Token(source) => source.known().map(|secret| secret.as_str()),
            Secret::Outside | Secret::Own(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Credentials");
        debug.field("user", &self.user).field("authzid", &self.authzid).finish_non_exhaustive()
    }
}
