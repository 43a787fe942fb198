//! The server side of SCRAM-SHA-256 (RFC 5802, RFC 7677).
//!
//! The library creates the challenges and verifies the proof. This module does the rest: it checks the format of
//! messages, which the library does not, extracts the names, verifies that the channel binding is the one agreed on,
//! and reveals nothing about which users exist.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::{SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::prelude::{Mechanism, Registry, SASLConfig, SASLServer, Session, SessionError, Validation};
use rsasl::validate::{Validate, ValidationError};
use zeroize::Zeroizing;

use crate::sasl::scram::{Exporter, is_attributes};
use crate::sasl::{SaslMessage, ScramKeys};

/// The names of the mechanism, without and with channel binding.
pub(crate) const NAMES: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];

/// The maximum length of a client's message in octets: names of 255 octets and nonces of the same length fit. Parts of
/// it are sent back.
const MAX_MESSAGE: usize = 1024;

/// The mechanisms that the library may choose from. With PLUS among them, it refuses a client that supports PLUS and
/// claims that the server does not offer it.
static WITHOUT_PLUS: &[Mechanism] = &[SCRAM_SHA256];
static WITH_PLUS: &[Mechanism] = &[SCRAM_SHA256, SCRAM_SHA256_PLUS];

/// The parsed first message of a client.
pub(crate) struct ClientFirst<'a> {
    message: &'a [u8],
    plus: bool,
    /// The identity that the client wants to act as, or empty for its own. Not yet prepared.
    pub(crate) authzid: String,
    /// The user name that the client gives. Not yet prepared.
    pub(crate) user: String,
}

impl<'a> ClientFirst<'a> {
    /// Parses the first message to the mechanism with or without `plus`. The error is a text that can be sent to the
    /// client.
    pub(crate) fn parse(message: &'a [u8], plus: bool) -> Result<ClientFirst<'a>, &'static str> {
        const NO_MESSAGE: &str = "not a SCRAM message";
        if message.len() > MAX_MESSAGE {
            return Err("the message is too long");
        }
        let mut parts = core::str::from_utf8(message).map_err(|_| NO_MESSAGE)?.split(',');
        let mut part = || parts.next().ok_or(NO_MESSAGE);
        match (part()?, plus) {
            ("n" | "y", false) | ("p=tls-exporter", true) => {}
            ("n" | "y", true) => return Err("PLUS requires a proof that is bound to TLS"),
            (flag, _) if flag.starts_with("p=") => return Err("this channel binding is not supported"),
            _ => return Err(NO_MESSAGE),
        }
        let authzid = match part()? {
            "" => String::new(),
            authzid => authzid.strip_prefix("a=").and_then(name).ok_or(NO_MESSAGE)?,
        };
        let user = part()?;
        if user.starts_with("m=") {
            return Err("SCRAM extensions are not supported");
        }
        let user = user.strip_prefix("n=").and_then(name).ok_or(NO_MESSAGE)?;
        let nonce = part()?.strip_prefix("r=").ok_or(NO_MESSAGE)?;
        if nonce.is_empty() || !nonce.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(NO_MESSAGE);
        }
        // The library would omit further attributes from what is signed.
        if parts.next().is_some() {
            return Err("SCRAM extensions are not supported");
        }
        Ok(ClientFirst { message, plus, authzid, user })
    }
}

/// Removes the escapes for commas and equals signs from a name (RFC 5802, section 5.1).
fn name(escaped: &str) -> Option<String> {
    let mut parts = escaped.split('=');
    let mut name = String::from(parts.next()?);
    for part in parts {
        let (sign, rest) =
            None.or_else(|| Some((',', part.strip_prefix("2C")?))).or_else(|| Some(('=', part.strip_prefix("3D")?)))?;
        name.push(sign);
        name.push_str(rest);
    }
    (!name.is_empty() && !name.contains('\0')).then_some(name)
}

/// An exchange that waits for the client's proof.
pub(crate) struct Verifier {
    /// The prepared name of the user who must prove these keys.
    user: String,
    session: Session<Proved, Exporter>,
}

impl Verifier {
    /// Challenges a client to prove that it knows the password of `keys`. With `exporter`, PLUS is offered, and the
    /// proof is bound to this value if the client uses PLUS.
    ///
    /// Returns `None` if the client could have used PLUS and claims that it was not offered: someone removed it from
    /// the capabilities.
    pub(crate) fn begin(
        first: &ClientFirst<'_>,
        user: String,
        keys: ScramKeys,
        exporter: Option<Zeroizing<Vec<u8>>>,
    ) -> Option<(Verifier, SaslMessage)> {
        let mechanisms = if exporter.is_some() { WITH_PLUS } else { WITHOUT_PLUS };
        let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(mechanisms));
        let server = SASLServer::<Proved, _>::with_cb(config.with_callback(Keys(keys)).ok()?, Exporter(exporter));
        let chosen = if first.plus { SCRAM_SHA256_PLUS.mechanism } else { SCRAM_SHA256.mechanism };
        let mut session = server.start_suggested(chosen).ok()?;
        let mut challenge = Vec::new();
        session.step(Some(first.message), &mut challenge).ok()?;
        Some((Verifier { user, session }, challenge.into()))
    }

    /// Verifies the client's proof and returns the user and the server's proof, or `None` if it is wrong.
    pub(crate) fn finish(mut self, message: &[u8]) -> Option<(String, SaslMessage)> {
        // The library indexes the first two octets of each attribute without a length check.
        if message.len() > MAX_MESSAGE || !is_attributes(message) {
            return None;
        }
        let mut proof = Vec::new();
        self.session.step(Some(message), &mut proof).ok()?;
        self.session.validation()?;
        Some((self.user, proof.into()))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Signals that the client's proof is correct; the library reports it in no other way.
struct Proved;

impl Validation for Proved {
    type Value = ();
}

/// The keys that the library asks for.
struct Keys(ScramKeys);

impl SessionCallback for Keys {
    fn callback(&self, _: &SessionData, _: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        let ScramKeys { salt, iterations, stored_key, server_key } = &self.0;
        request.satisfy::<ScramStoredPassword<'_>>(&ScramStoredPassword::new(
            *iterations,
            salt,
            stored_key,
            server_key,
        ))?;
        Ok(())
    }

    fn validate(&self, _: &SessionData, _: &Context<'_>, proved: &mut Validate<'_>) -> Result<(), ValidationError> {
        proved.finalize::<Proved>(());
        Ok(())
    }
}
