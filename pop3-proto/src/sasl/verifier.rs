//! SCRAM-SHA-256 from the server's side (RFC 5802, RFC 7677).
//!
//! The library makes the challenges and judges the proof. Decided here is what it leaves open: that a message has the
//! shape that it takes for granted, whose name it is, that the part of TLS in it is the one that was agreed on, and that
//! nothing of it tells who exists.

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
use crate::sasl::{Message, ScramKeys};

/// The name of the mechanism, without the proof that the client sees the same TLS connection, and with it.
pub(crate) const NAMES: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];

/// What a client's message may be long, in octets: names of 255 and nonces of the same length fit. Some of it is sent back.
const MAX_MESSAGE: usize = 1024;

/// Mechanisms that the library may choose from: it lets nobody use the one without PLUS who could have used the other.
static WITHOUT_PLUS: &[Mechanism] = &[SCRAM_SHA256];
static WITH_PLUS: &[Mechanism] = &[SCRAM_SHA256, SCRAM_SHA256_PLUS];

/// The first message of a client, checked.
pub(crate) struct ClientFirst<'a> {
    message: &'a [u8],
    plus: bool,
    /// For whom the client wants to act; empty for himself. Not yet prepared.
    pub(crate) authzid: String,
    /// Who the client says he is. Not yet prepared.
    pub(crate) user: String,
}

impl<'a> ClientFirst<'a> {
    /// Takes the first message to the mechanism with or without `plus`. What is wrong is told in words for a client's eyes.
    pub(crate) fn parse(message: &'a [u8], plus: bool) -> Result<ClientFirst<'a>, &'static str> {
        const NO_MESSAGE: &str = "not a message of SCRAM";
        if message.len() > MAX_MESSAGE {
            return Err("the message is too long");
        }
        let mut parts = core::str::from_utf8(message).map_err(|_| NO_MESSAGE)?.split(',');
        let mut part = || parts.next().ok_or(NO_MESSAGE);
        match (part()?, plus) {
            ("n" | "y", false) | ("p=tls-exporter", true) => {}
            ("n" | "y", true) => return Err("the proof is not bound to TLS, as it is with PLUS"),
            (flag, _) if flag.starts_with("p=") => return Err("no such channel binding here"),
            _ => return Err(NO_MESSAGE),
        }
        let authzid = match part()? {
            "" => String::new(),
            authzid => authzid.strip_prefix("a=").and_then(name).ok_or(NO_MESSAGE)?,
        };
        let user = part()?;
        if user.starts_with("m=") {
            return Err("no extensions of SCRAM are known here");
        }
        let user = user.strip_prefix("n=").and_then(name).ok_or(NO_MESSAGE)?;
        let nonce = part()?.strip_prefix("r=").ok_or(NO_MESSAGE)?;
        if nonce.is_empty() || !nonce.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(NO_MESSAGE);
        }
        // The library would leave them out of what is signed.
        if parts.next().is_some() {
            return Err("no extensions of SCRAM are known here");
        }
        Ok(ClientFirst { message, plus, authzid, user })
    }
}

/// A name without the escapes that keep commas and equals signs out of a message (RFC 5802, section 5.1).
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
    /// Who claims to have these keys, prepared.
    user: String,
    session: Session<Proved, Exporter>,
}

impl Verifier {
    /// Challenges a client to prove that he knows the password to `keys`. `exporter` is what the proof is bound to with
    /// PLUS; where there is one, PLUS is offered.
    ///
    /// `None` if the client could have used PLUS and says that it was not offered: somebody took it out.
    pub(crate) fn begin(
        first: &ClientFirst<'_>,
        user: String,
        keys: ScramKeys,
        exporter: Option<Zeroizing<Vec<u8>>>,
    ) -> Option<(Verifier, Message)> {
        let mechanisms = if exporter.is_some() { WITH_PLUS } else { WITHOUT_PLUS };
        let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(mechanisms));
        let server = SASLServer::<Proved, _>::with_cb(config.with_callback(Keys(keys)).ok()?, Exporter(exporter));
        let chosen = if first.plus { SCRAM_SHA256_PLUS.mechanism } else { SCRAM_SHA256.mechanism };
        let mut session = server.start_suggested(chosen).ok()?;
        let mut challenge = Vec::new();
        session.step(Some(first.message), &mut challenge).ok()?;
        Some((Verifier { user, session }, challenge.into()))
    }

    /// Judges the proof, and answers it with ours. `None` if it is none.
    pub(crate) fn finish(mut self, message: &[u8]) -> Option<(String, Message)> {
        // The library looks at the first two octets of each attribute without asking whether there are any.
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

/// The client's proof was right. The library tells it by nothing else.
struct Proved;

impl Validation for Proved {
    type Value = ();
}

/// What the library asks for.
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
