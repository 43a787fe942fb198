//! Which way to log in: what the credentials can prove, set against what the server offers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;

use crate::capability::Known;
use crate::conversation::Conversation;
use crate::error::BadArgument;
use crate::exchange::Capabilities;
use crate::login::credentials::Secret;
use crate::login::{Credentials, LoginError, Method, Policy};
#[cfg(feature = "cram-md5")]
use crate::sasl::CramMd5;
use crate::sasl::{self, Auth, External, Mechanism, MechanismError, OauthBearer, Plain, Xoauth2};
#[cfg(feature = "scram")]
use crate::sasl::{Binding, Hash, Scram};

/// What was chosen.
pub(super) enum Choice {
    UserPass,
    Apop,
    Sasl(Auth),
}

/// Chooses, by what the server announced in this layer, and asks for the secret if that must be.
pub(super) fn choose(
    credentials: &mut Credentials,
    policy: Policy,
    conversation: &Conversation,
) -> Result<Choice, LoginError> {
    let nothing = Capabilities::default();
    let offer = Offer { announced: conversation.capabilities().unwrap_or(&nothing), conversation };
    if let Secret::Own(mechanism) = &mut credentials.secret {
        let mechanism = mechanism.take().ok_or(LoginError::NoSecret)?;
        offer.permit(policy, mechanism.shows_secret())?;
        if !offer.may_have(mechanism.name()) {
            return Err(LoginError::NotOffered(mechanism.name().to_string().into()));
        }
        return offer.auth(mechanism).map(Choice::Sasl);
    }
    let method = policy.method.map_or_else(|| offer.best(credentials), Ok)?;
    offer.permit(policy, method.shows_secret())?;
    check_fit(credentials, method)?;
    let is_offered = match method {
        Method::UserPass => true,
        Method::Apop => conversation.greeting().is_some_and(|greeting| greeting.timestamp().is_some()),
        _ => offer.may_have(method.name()) || offer.has_any(method),
    };
    if !is_offered {
        return Err(LoginError::NotOffered(method.name().into()));
    }
    if method != Method::External && credentials.text().is_none() {
        return Err(LoginError::NoSecret);
    }
    match method {
        Method::UserPass => Ok(Choice::UserPass),
        Method::Apop => Ok(Choice::Apop),
        _ => {
            let mechanism = offer.mechanism(method, credentials).map_err(LoginError::Unsendable)?;
            offer.auth(mechanism.ok_or(LoginError::Unsuitable(method))?).map(Choice::Sasl)
        }
    }
}

/// Whether the credentials are of the kind that the method needs. Known before anything is sent.
pub(super) fn check_fit(credentials: &Credentials, method: Method) -> Result<(), LoginError> {
    let fits = match credentials.secret {
        Secret::Password(_) => !matches!(method, Method::OauthBearer | Method::Xoauth2 | Method::External),
        Secret::Token(_) => matches!(method, Method::OauthBearer | Method::Xoauth2),
        Secret::Outside => method == Method::External,
        Secret::Own(_) => false,
    };
    let built = cfg!(feature = "cram-md5") || method != Method::CramMd5;
    let built = built && (cfg!(feature = "scram") || !matches!(method, Method::ScramSha1 | Method::ScramSha256));
    if fits && built && (credentials.authzid().is_empty() || method.knows_authzid()) {
        Ok(())
    } else {
        Err(LoginError::Unsuitable(method))
    }
}

/// What the server offers.
struct Offer<'a> {
    announced: &'a Capabilities,
    conversation: &'a Conversation,
}

impl Offer<'_> {
    fn has(&self, mechanism: &str) -> bool {
        self.announced.mechanisms().any(|name| name.eq_ignore_ascii_case(mechanism.as_bytes()))
    }

    /// A server without CAPA may know AUTH all the same (RFC 1734).
    fn may_have(&self, mechanism: &str) -> bool {
        self.has(mechanism) || self.announced.iter().next().is_none()
    }

    /// Nothing that tells the secret goes over an unprotected link without leave.
    fn permit(&self, policy: Policy, shows_secret: bool) -> Result<(), LoginError> {
        let permitted = !shows_secret || policy.allow_plaintext || self.conversation.client().inside_tls();
        if permitted { Ok(()) } else { Err(LoginError::Unprotected) }
    }

    /// The best way that is offered.
    fn best(&self, credentials: &Credentials) -> Result<Method, LoginError> {
        let first_of = |methods: &[Method]| methods.iter().copied().find(|method| self.has_any(*method));
        match credentials.secret {
            Secret::Password(_) => {
                let scram: &[Method] =
                    if cfg!(feature = "scram") { &[Method::ScramSha256, Method::ScramSha1] } else { &[] };
                if let Some(method) = first_of(scram).or(first_of(&[Method::Plain])) {
                    return Ok(method);
                }
                if !credentials.authzid().is_empty() {
                    return Err(LoginError::NotOffered("a method to act for somebody else".into()));
                }
                // USER works nearly everywhere, announced or not.
                let only_login = self.has("LOGIN") && !self.announced.any(|known| known == Known::User);
                Ok(if only_login { Method::Login } else { Method::UserPass })
            }
            Secret::Token(_) => {
                let offered = first_of(&[Method::OauthBearer, Method::Xoauth2]);
                offered.ok_or(LoginError::NotOffered("OAUTHBEARER or XOAUTH2".into()))
            }
            Secret::Outside | Secret::Own(_) => Ok(Method::External),
        }
    }

    /// Whether a SASL mechanism is announced, or its variant with -PLUS if we could use that.
    fn has_any(&self, method: Method) -> bool {
        let plus = method.plus().filter(|_| self.conversation.channel_binding().is_some());
        self.has(method.name()) || plus.is_some_and(|plus| self.has(plus))
    }

    /// The mechanism of a method; `None` if it is none, or not in this build.
    #[cfg_attr(not(feature = "scram"), allow(clippy::unused_self, reason = "only SCRAM is bound to the connection"))]
    fn mechanism(&self, method: Method, credentials: &Credentials) -> Result<Option<Box<dyn Mechanism>>, BadArgument> {
        let (authzid, user) = (credentials.authzid(), credentials.user());
        let secret = credentials.known_text().unwrap_or_default();
        Ok(Some(match method {
            Method::Plain => Box::new(Plain::new(authzid, user, secret)?),
            Method::Login => Box::new(sasl::Login::new(user, secret)?),
            #[cfg(feature = "cram-md5")]
            Method::CramMd5 => Box::new(CramMd5::new(user, secret)?),
            #[cfg(feature = "scram")]
            Method::ScramSha1 => Box::new(Scram::new(Hash::Sha1, authzid, user, secret, self.binding(method))?),
            #[cfg(feature = "scram")]
            Method::ScramSha256 => Box::new(Scram::new(Hash::Sha256, authzid, user, secret, self.binding(method))?),
            Method::OauthBearer => Box::new(OauthBearer::new(user, secret, credentials.place())?),
            Method::Xoauth2 => Box::new(Xoauth2::new(user, secret)?),
            Method::External => Box::new(External::new(authzid)?),
            _ => return Ok(None),
        }))
    }

    #[cfg(feature = "scram")]
    fn binding(&self, method: Method) -> Binding {
        match self.conversation.channel_binding() {
            None => Binding::None,
            Some(exporter) if method.plus().is_some_and(|plus| self.has(plus)) => Binding::Exporter(exporter.clone()),
            Some(_) => Binding::NotOffered,
        }
    }

    fn auth(&self, mechanism: Box<dyn Mechanism>) -> Result<Auth, LoginError> {
        let name = mechanism.name().to_string();
        let announced = self.has(&name);
        Auth::new(mechanism, announced).map_err(|error| match error {
            MechanismError::Credentials(bad) => LoginError::Unsendable(bad),
            error => LoginError::Mechanism { name: Cow::Owned(name), error },
        })
    }
}
