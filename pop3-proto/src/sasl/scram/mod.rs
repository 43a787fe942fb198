//! SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither reveals it.
//!
//! `rsasl` implements the cryptography and the messages. This module adds the checks that it lacks: messages have the
//! form that the library assumes, the number of iterations is limited, and the library is not called after an error.

mod keys;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::prelude::{
    ChannelBindingCallback, Mechname, Registry, SASLClient, SASLConfig, Session, SessionError, State,
};
use rsasl::property::{AuthId, AuthzId, Password};
use rsasl::validate::NoValidation;
use zeroize::Zeroizing;

use crate::sasl::mechanism::debug_by_name;
use crate::sasl::{Mechanism, MechanismError, SaslMessage, plain, prepare, prepare_query};
use crate::wire::argument::BadArgument;

pub use keys::{ScramKeys, ScramSecret};

/// The number of iterations that a server may request. RFC 7677, section 4, sets the minimum. The maximum takes a
/// large part of a second. Without a maximum, a server could keep a client busy indefinitely.
const ITERATIONS: core::ops::RangeInclusive<u32> = 4096..=600_000;

/// The hash function of SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SCRAM-SHA-1 (RFC 5802).
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
}

/// The channel binding of the proof (RFC 5802, section 6; RFC 9266).
#[derive(Clone)]
pub enum Binding {
    /// The client states that it does not support channel binding.
    None,
    /// The client supports channel binding, but the server does not offer it. The server detects an attacker who
    /// removed the offer.
    NotOffered,
    /// The proof is valid only for this TLS connection, identified by its `tls-exporter` value. The names of these
    /// mechanisms end in `-PLUS`.
    Exporter(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Binding::None => "None",
            Binding::NotOffered => "NotOffered",
            Binding::Exporter(_) => "Exporter(..)",
        })
    }
}

/// The mechanisms SCRAM-SHA-1 and SCRAM-SHA-256, with or without -PLUS.
pub struct Scram {
    name: &'static str,
    session: Session<NoValidation, Exporter>,
    stage: Stage,
    /// The reason for the server's refusal, one of the values in RFC 5802, section 7.
    refusal: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Challenged,
    Proved,
    Complete,
    /// The library must not be called again.
    Failed,
}

impl Scram {
    /// Creates the mechanism for a name and a password. The authorization identity is `authzid`, or `user` if `authzid`
    /// is empty.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] for a name or a password that is empty, contains a NUL or cannot be [prepared](prepare).
    pub fn new(hash: Hash, authzid: &str, user: &str, password: &str, binding: Binding) -> Result<Scram, BadArgument> {
        plain::check(&[user, password])?;
        let name = match (hash, &binding) {
            (Hash::Sha1, Binding::Exporter(_)) => "SCRAM-SHA-1-PLUS",
            (Hash::Sha1, _) => "SCRAM-SHA-1",
            (Hash::Sha256, Binding::Exporter(_)) => "SCRAM-SHA-256-PLUS",
            (Hash::Sha256, _) => "SCRAM-SHA-256",
        };
        let answers = Answers {
            authzid: prepare_query(authzid)?,
            user: prepare_query(user)?,
            password: prepare(password)?,
            binds: !matches!(binding, Binding::None),
        };
        let exporter = if let Binding::Exporter(exporter) = binding { Some(exporter) } else { None };
        let config = SASLConfig::builder().with_registry(Registry::with_mechanisms(&MECHANISMS)).with_callback(answers);
        let client = SASLClient::with_cb(config.map_err(|_| BadArgument::Mechanism)?, Exporter(exporter));
        let wanted = Mechname::parse(name.as_bytes()).map_err(|_| BadArgument::Mechanism)?;
        let session = client.start_suggested(&[wanted]).map_err(|_| BadArgument::Mechanism)?;
        Ok(Scram { name, session, stage: Stage::First, refusal: None })
    }

    /// Executes one step of the library, which must not be called again after an error.
    fn step(&mut self, input: Option<&[u8]>) -> Result<(SaslMessage, State), SessionError> {
        let before = core::mem::replace(&mut self.stage, Stage::Failed);
        let mut message = Vec::new();
        let state = self.session.step(input, &mut message)?;
        self.stage = before;
        Ok((message.into(), state))
    }
}

impl Mechanism for Scram {
    fn name(&self) -> &str {
        self.name
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        let (message, _) = self.step(None).map_err(|_| MechanismError::NoRandomness)?;
        self.stage = Stage::Challenged;
        Ok(Some(message))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        if !is_attributes(challenge) {
            self.stage = Stage::Failed;
            return Err(MechanismError::Challenge("it is not a SCRAM message"));
        }
        match self.stage {
            Stage::Challenged => {
                let checked = check_nonce(challenge).and_then(|()| check_iterations(challenge));
                checked.inspect_err(|_| self.stage = Stage::Failed)?;
                let answered = self.step(Some(challenge));
                let (message, _) =
                    answered.map_err(|_| MechanismError::Challenge("it does not match the client's message"))?;
                self.stage = Stage::Proved;
                Ok(message)
            }
            // The server refuses and gives the reason; `-ERR` follows.
            Stage::Proved if challenge.starts_with(b"e=") => {
                self.stage = Stage::Failed;
                self.refusal = challenge[2..].split(|&b| b == b',').next().map(<[u8]>::to_vec);
                Ok(SaslMessage::default())
            }
            Stage::Proved => {
                let (message, state) = self.step(Some(challenge)).map_err(|_| MechanismError::ServerUnverified)?;
                self.stage = if state.is_finished() { Stage::Complete } else { Stage::Failed };
                Ok(message)
            }
            Stage::First | Stage::Complete | Stage::Failed => {
                Err(MechanismError::Challenge("SCRAM expects no further challenge"))
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    fn has_proved(&self) -> bool {
        !matches!(self.stage, Stage::First | Stage::Challenged)
    }

    fn shows_secret(&self) -> bool {
        false
    }

    fn explanation(&self) -> Option<&[u8]> {
        self.refusal.as_deref()
    }
}

/// Returns true if a message consists of attributes: a letter, `=` and a value, separated by commas (RFC 5802, section
/// 7). The library reads the first two octets of each attribute without checking that they exist.
pub(crate) fn is_attributes(message: &[u8]) -> bool {
    message.split(|&b| b == b',').all(|part| matches!(part, [name, b'=', ..] if name.is_ascii_alphabetic()))
}

/// Checks that the nonce consists of printable octets (RFC 5802, section 7). It is the only data of the server that a
/// client repeats.
fn check_nonce(challenge: &[u8]) -> Result<(), MechanismError> {
    let nonce = challenge.split(|&b| b == b',').find_map(|part| part.strip_prefix(b"r="));
    if nonce.is_some_and(|nonce| !nonce.iter().all(u8::is_ascii_graphic)) {
        return Err(MechanismError::Challenge("its nonce is not printable"));
    }
    Ok(())
}

fn check_iterations(challenge: &[u8]) -> Result<(), MechanismError> {
    let digits = challenge.split(|&b| b == b',').find_map(|part| part.strip_prefix(b"i="));
    let number = digits.and_then(|digits| core::str::from_utf8(digits).ok()).and_then(|digits| {
        // A number that does not fit in a `u32` is too much work as well.
        let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse().unwrap_or(u32::MAX))
    });
    match number {
        None => Err(MechanismError::Challenge("it does not contain the number of iterations")),
        Some(number) if number < *ITERATIONS.start() => Err(MechanismError::TooLittleWork(number)),
        Some(number) if number > *ITERATIONS.end() => Err(MechanismError::TooMuchWork(number)),
        Some(_) => Ok(()),
    }
}

/// The mechanisms. The list of the library lacks -PLUS.
static MECHANISMS: [rsasl::prelude::Mechanism; 4] = [SCRAM_SHA256_PLUS, SCRAM_SHA256, SCRAM_SHA1_PLUS, SCRAM_SHA1];

/// The values that the library requests.
struct Answers {
    authzid: Zeroizing<String>,
    user: Zeroizing<String>,
    password: Zeroizing<String>,
    binds: bool,
}

impl SessionCallback for Answers {
    fn callback(&self, _: &SessionData, _: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        request.satisfy::<AuthId>(&self.user)?.satisfy::<Password>(self.password.as_bytes())?;
        if !self.authzid.is_empty() {
            request.satisfy::<AuthzId>(&self.authzid)?;
        }
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.binds
    }
}

pub(super) struct Exporter(pub(super) Option<Zeroizing<Vec<u8>>>);

impl ChannelBindingCallback for Exporter {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        self.0.as_ref().filter(|_| name == "tls-exporter").map(|exporter| exporter.as_slice())
    }
}

debug_by_name!(Scram);
