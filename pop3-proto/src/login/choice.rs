//! The choice of a method: the methods that the credentials support and the server offers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;

use crate::drive::capabilities::Capabilities;
use crate::drive::conversation::Conversation;
use crate::drive::error::login::LoginError;
use crate::login::auth::Auth;
use crate::login::credentials::Secret;
use crate::login::{Credentials, Method, Methods, Policy};
#[cfg(feature = "cram-md5")]
use crate::sasl::CramMd5;
use crate::sasl::{self, External, Mechanism, MechanismError, OauthBearer, Plain, Xoauth2};
#[cfg(feature = "scram")]
use crate::sasl::{Binding, Hash, Scram};
use crate::wire::argument::BadArgument;
use crate::wire::capability::KnownCapability;

/// The chosen method.
pub(super) enum Choice {
    UserPass,
    Apop,
    Sasl(Auth),
}

/// Chooses a method from the capabilities announced in this layer, and asks for the secret if necessary.
pub(super) fn choose(
    credentials: &mut Credentials,
    policy: Policy,
    conversation: &Conversation,
) -> Result<Choice, LoginError> {
    let nothing = Capabilities::default();
    let offer = Offer { announced: conversation.capabilities().unwrap_or(&nothing), conversation };
    if let Secret::Own(make) = &credentials.secret {
        let mechanism = make();
        offer.permit(policy, mechanism.shows_secret())?;
        if !offer.may_have(mechanism.name()) {
            return Err(LoginError::NotOffered(mechanism.name().to_string().into()));
        }
        return offer.auth(mechanism).map(Choice::Sasl);
    }
    let method = match policy.methods.and_then(Methods::single) {
        Some(method) => {
            let is_offered = offer.has(method) || (method != Method::Apop && offer.may_have(method.name()));
            if is_offered { method } else { return Err(LoginError::NotOffered(method.name().into())) }
        }
        None => offer.best(credentials, policy.methods)?,
    };
    offer.permit(policy, method.shows_secret())?;
    check_fit(credentials, method)?;
    if method.is_bound() && conversation.channel_binding().is_none() {
        let inside_tls = conversation.client().inside_tls();
        return Err(if inside_tls { LoginError::Unsuitable(method.name().into()) } else { LoginError::Unprotected });
    }
    if method != Method::External && credentials.text().is_none() {
        return Err(LoginError::NoSecret);
    }
    match method {
        Method::UserPass => Ok(Choice::UserPass),
        Method::Apop => Ok(Choice::Apop),
        _ => {
            let mechanism = offer.mechanism(method, credentials).map_err(LoginError::Unsendable)?;
            offer.auth(mechanism.ok_or(LoginError::Unsuitable(method.name().into()))?).map(Choice::Sasl)
        }
    }
}

/// Returns the exchange for `method`, the variant without channel binding, after the server refused the binding.
/// Returns `None` if the method is not permitted or not offered.
pub(super) fn follow(
    credentials: &mut Credentials,
    policy: Policy,
    conversation: &Conversation,
    method: Method,
) -> Result<Option<Auth>, LoginError> {
    let nothing = Capabilities::default();
    let offer = Offer { announced: conversation.capabilities().unwrap_or(&nothing), conversation };
    let permitted =
        policy.methods.unwrap_or(Methods::DEFAULT).contains(method) && check_fit(credentials, method).is_ok();
    if !permitted || !offer.announces(method.name()) || !conversation.client().inside_tls() {
        return Ok(None);
    }
    let mechanism = offer.mechanism(method, credentials).map_err(LoginError::Unsendable)?;
    mechanism.map(|mechanism| offer.auth(mechanism)).transpose()
}

/// Checks that the method can use this kind of credentials. This needs nothing from the server.
pub(super) fn check_fit(credentials: &Credentials, method: Method) -> Result<(), LoginError> {
    let fits = match credentials.secret {
        Secret::Password(_) => !matches!(method, Method::OauthBearer | Method::Xoauth2 | Method::External),
        Secret::Token(_) => matches!(method, Method::OauthBearer | Method::Xoauth2),
        Secret::Outside => method == Method::External,
        Secret::Own(_) => false,
    };
    let built = cfg!(feature = "cram-md5") || method != Method::CramMd5;
    let built = built && (cfg!(feature = "scram") || !method.is_scram());
    if fits && built && (credentials.authzid().is_empty() || method.knows_authzid()) {
        Ok(())
    } else {
        Err(LoginError::Unsuitable(method.name().into()))
    }
}

/// The methods that the server offers.
struct Offer<'a> {
    announced: &'a Capabilities,
    conversation: &'a Conversation,
}

impl Offer<'_> {
    /// Returns true if the SASL mechanism is announced.
    fn announces(&self, mechanism: &str) -> bool {
        self.announced.mechanisms().any(|name| name.eq_ignore_ascii_case(mechanism.as_bytes()))
    }

    /// Returns true if the server announced the mechanism or no capabilities at all: a server without CAPA may support
    /// AUTH (RFC 1734).
    fn may_have(&self, mechanism: &str) -> bool {
        self.announces(mechanism) || self.announced.iter().next().is_none()
    }

    /// Checks that a method that shows the secret has TLS or `allow_plaintext`.
    fn permit(&self, policy: Policy, shows_secret: bool) -> Result<(), LoginError> {
        let permitted = !shows_secret || policy.allow_plaintext || self.conversation.client().inside_tls();
        if permitted { Ok(()) } else { Err(LoginError::Unprotected) }
    }

    /// Returns true if a method is offered and can be used on this connection.
    fn has(&self, method: Method) -> bool {
        match method {
            // Nearly all servers support it, announced or not.
            Method::UserPass => true,
            Method::Apop => self.conversation.greeting().is_some_and(|greeting| greeting.timestamp().is_some()),
            // The client certificate was sent in the handshake.
            Method::External => self.may_have(method.name()),
            _ if method.is_bound() && self.conversation.channel_binding().is_none() => false,
            _ => self.announces(method.name()),
        }
    }

    /// Returns the best method that is permitted and offered.
    fn best(&self, credentials: &Credentials, methods: Option<Methods>) -> Result<Method, LoginError> {
        let permitted = methods.unwrap_or(Methods::DEFAULT);
        let only_login = self.announces("LOGIN")
            && permitted.contains(Method::Login)
            && !self.announced.any(|known| known == KnownCapability::User);
        let mut fitting = permitted.iter().filter(|method| check_fit(credentials, *method).is_ok());
        let best = fitting.find(|method| self.has(*method) && !(only_login && *method == Method::UserPass));
        best.ok_or_else(|| {
            LoginError::NotOffered(match (&credentials.secret, methods) {
                (_, Some(methods)) => methods.to_string().into(),
                (Secret::Token(_), None) => "OAUTHBEARER or XOAUTH2".into(),
                (Secret::Outside, None) => "EXTERNAL".into(),
                (_, None) => "a method to act for another user".into(),
            })
        })
    }

    /// Creates the mechanism of a method. Returns `None` if the method does not use SASL or is not in this build.
    #[cfg_attr(not(feature = "scram"), allow(clippy::unused_self, reason = "only SCRAM is bound to the connection"))]
    fn mechanism(&self, method: Method, credentials: &Credentials) -> Result<Option<Box<dyn Mechanism>>, BadArgument> {
        let (authzid, user) = (credentials.authzid(), credentials.user());
        let secret = credentials.known_text().unwrap_or_default();
        Ok(Some(match method {
            Method::Plain => Box::new(Plain::new(authzid, user, secret)?),
            Method::Login => Box::new(sasl::LoginMechanism::new(user, secret)?),
            #[cfg(feature = "cram-md5")]
            Method::CramMd5 => Box::new(CramMd5::new(user, secret)?),
            #[cfg(feature = "scram")]
            Method::ScramSha1 | Method::ScramSha1Plus => {
                Box::new(Scram::new(Hash::Sha1, authzid, user, secret, self.binding(method))?)
            }
            #[cfg(feature = "scram")]
            Method::ScramSha256 | Method::ScramSha256Plus => {
                Box::new(Scram::new(Hash::Sha256, authzid, user, secret, self.binding(method))?)
            }
            Method::OauthBearer => Box::new(OauthBearer::new(user, secret, credentials.place())?),
            Method::Xoauth2 => Box::new(Xoauth2::new(user, secret)?),
            Method::External => Box::new(External::new(authzid)?),
            _ => return Ok(None),
        }))
    }

    /// Returns the channel binding for the proof. It is never `NotOffered` if the server announces -PLUS, because such
    /// a server treats that as an attack (RFC 5802, section 6).
    #[cfg(feature = "scram")]
    fn binding(&self, method: Method) -> Binding {
        match self.conversation.channel_binding() {
            Some(exporter) if method.is_bound() => Binding::Exporter(exporter.clone()),
            Some(_) if !["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"].iter().any(|plus| self.announces(plus)) => {
                Binding::NotOffered
            }
            _ => Binding::None,
        }
    }

    fn auth(&self, mechanism: Box<dyn Mechanism>) -> Result<Auth, LoginError> {
        let name = mechanism.name().to_string();
        let auth = if self.announces(&name) { Auth::announced(mechanism) } else { Auth::unannounced(mechanism) };
        auth.map_err(|error| match error {
            MechanismError::Credentials(bad) => LoginError::Unsendable(bad),
            error => LoginError::Mechanism { name: Cow::Owned(name), error },
        })
    }
}
