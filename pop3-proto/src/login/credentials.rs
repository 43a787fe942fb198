//! Who logs in, and what proves it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

use crate::sasl::Mechanism;

/// Who logs in, and what proves it. `Debug` shows no secret; the memory of it is wiped when dropped.
pub struct Credentials {
    user: String,
    authzid: String,
    /// Where it is for: host and port.
    place: Option<(String, u16)>,
    pub(super) secret: Secret,
}

/// What proves who logs in.
pub(super) enum Secret {
    Password(Source),
    Token(Source),
    /// It was proved outside, as by a client certificate.
    Outside,
    Own(Option<Box<dyn Mechanism>>),
}

type Ask = Box<dyn FnOnce(&str) -> Option<Zeroizing<String>> + Send>;

/// Where a password or a token comes from.
pub(super) enum Source {
    Known(Zeroizing<String>),
    Ask(Ask),
    /// It was asked for, and nobody answered.
    Gone,
}

impl Source {
    /// The secret, asked for if it must be.
    pub(super) fn get(&mut self, user: &str) -> Option<&Zeroizing<String>> {
        if let Source::Ask(_) = self {
            if let Source::Ask(ask) = core::mem::replace(self, Source::Gone) {
                *self = ask(user).map_or(Source::Gone, Source::Known);
            }
        }
        self.known()
    }

    pub(super) fn known(&self) -> Option<&Zeroizing<String>> {
        if let Source::Known(secret) = self { Some(secret) } else { None }
    }
}

impl Credentials {
    /// A name and a password, as the user gave them.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials::with(user, Secret::Password(Source::Known(Zeroizing::new(password.into()))))
    }

    /// A name, and a password that is asked for when all is ready to send it: the server was reached, TLS is up, and the
    /// method is chosen. `ask` gets the name; `None` gives up. It runs inside the login and may take its time, but for the
    /// server's patience.
    pub fn ask(
        user: impl Into<String>,
        ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static,
    ) -> Credentials {
        Credentials::with(user, Secret::Password(Source::Ask(Box::new(ask))))
    }

    /// A name and an `OAuth` 2.0 access token, for OAUTHBEARER or XOAUTH2 (RFC 7628).
    pub fn token(user: impl Into<String>, token: impl Into<String>) -> Credentials {
        Credentials::with(user, Secret::Token(Source::Known(Zeroizing::new(token.into()))))
    }

    /// A name and an access token that is asked for like the password of [`ask`](Self::ask), so that it can be a fresh one.
    pub fn ask_token(
        user: impl Into<String>,
        ask: impl FnOnce(&str) -> Option<Zeroizing<String>> + Send + 'static,
    ) -> Credentials {
        Credentials::with(user, Secret::Token(Source::Ask(Box::new(ask))))
    }

    /// Whom the client certificate names, by EXTERNAL (RFC 4422, appendix A).
    pub fn external() -> Credentials {
        Credentials::with("", Secret::Outside)
    }

    /// A mechanism of your own.
    pub fn mechanism(mechanism: impl Mechanism + 'static) -> Credentials {
        Credentials::with("", Secret::Own(Some(Box::new(mechanism))))
    }

    fn with(user: impl Into<String>, secret: Secret) -> Credentials {
        Credentials { user: user.into(), authzid: String::new(), place: None, secret }
    }

    /// To act for somebody else, whose maildrop it is: the authorization identity of SASL (RFC 4422, section 3.4.1).
    ///
    /// PLAIN, SCRAM and EXTERNAL know it. Other methods are refused then, before anything is sent.
    #[must_use]
    pub fn acting_for(mut self, authzid: impl Into<String>) -> Credentials {
        self.authzid = authzid.into();
        self
    }

    /// The server that they are for, which OAUTHBEARER tells it (RFC 7628, section 3.1). `connect` of an adapter knows it.
    #[must_use]
    pub fn for_server(mut self, host: impl Into<String>, port: u16) -> Credentials {
        self.place = Some((host.into(), port));
        self
    }

    /// The name; empty with [`external`](Self::external) and [`mechanism`](Self::mechanism).
    pub fn user(&self) -> &str {
        &self.user
    }

    /// For whom to act, or empty.
    pub(super) fn authzid(&self) -> &str {
        &self.authzid
    }

    pub(super) fn place(&self) -> Option<(&str, u16)> {
        self.place.as_ref().map(|(host, port)| (&**host, *port))
    }

    /// The password or the token, asked for if it must be.
    pub(super) fn text(&mut self) -> Option<&Zeroizing<String>> {
        match &mut self.secret {
            Secret::Password(source) | Secret::Token(source) => source.get(&self.user),
            Secret::Outside | Secret::Own(_) => None,
        }
    }

    /// The password or the token, if it is known already.
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
