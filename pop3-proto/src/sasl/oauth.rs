//! OAUTHBEARER (RFC 7628) and XOAUTH2: an access token instead of a password.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::sasl::mechanism::debug_by_name;
use crate::sasl::plain::joined;
use crate::sasl::{Mechanism, MechanismError, SaslMessage};
use crate::wire::argument::BadArgument;

/// Checks that a token is valid after `Bearer` in HTTP (RFC 6750, section 2.1).
fn check_token(token: &str) -> Result<(), BadArgument> {
    match token {
        "" => Err(BadArgument::Empty),
        _ if token.bytes().all(|b| b.is_ascii_graphic()) => Ok(()),
        _ if token.is_ascii() => Err(BadArgument::Control),
        _ => Err(BadArgument::NotAscii),
    }
}

/// The common part of both mechanisms: one message, and possibly a challenge that contains an error.
struct Bearer {
    message: Option<SaslMessage>,
    /// The response to the error, after which the server sends `-ERR`.
    dummy: &'static [u8],
    refused: Option<Vec<u8>>,
}

impl Bearer {
    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        if self.refused.is_some() {
            return Err(MechanismError::Challenge("the server has already refused the token"));
        }
        self.refused = Some(challenge.into());
        Ok(self.dummy.to_vec().into())
    }

    /// Returns false after a refusal, regardless of the server's status line.
    fn is_complete(&self) -> bool {
        self.message.is_none() && self.refused.is_none()
    }
}

/// OAUTHBEARER (RFC 7628).
pub struct OauthBearer(Bearer);

impl OauthBearer {
    /// Creates the mechanism for a user and an access token, and optionally the host and port where they are used.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] if the name contains control characters, or if the token is empty or contains spaces, control
    /// characters or non-ASCII characters.
    pub fn new(user: &str, token: &str, place: Option<(&str, u16)>) -> Result<OauthBearer, BadArgument> {
        check_token(token)?;
        if [user, place.map_or("", |(host, _)| host)].concat().chars().any(char::is_control) {
            return Err(BadArgument::Control);
        }
        let place = place.map(|(host, port)| format!("\x01host={host}\x01port={port}")).unwrap_or_default();
        let identity = if user.is_empty() { String::new() } else { format!("a={}", sasl_name(user)) };
        let message = joined(&["n,", &identity, ",", &place, "\x01auth=Bearer ", token, "\x01\x01"]);
        Ok(OauthBearer(Bearer { message: Some(message), dummy: b"\x01", refused: None }))
    }
}

/// Escapes `,` and `=`, which have a special meaning in a GS2 header (RFC 5801, section 4).
fn sasl_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

impl Mechanism for OauthBearer {
    fn name(&self) -> &'static str {
        "OAUTHBEARER"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(self.0.message.take())
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        self.0.respond(challenge)
    }

    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    fn shows_secret(&self) -> bool {
        true
    }

    fn explanation(&self) -> Option<&[u8]> {
        self.0.refused.as_deref()
    }
}

/// XOAUTH2, which large providers used before OAUTHBEARER was specified.
///
/// The message always answers a challenge: Office 365 hangs up on a long AUTH line, and tokens are long.
pub struct Xoauth2(Bearer);

impl Xoauth2 {
    /// Creates the mechanism for a user and an access token.
    ///
    /// # Errors
    ///
    /// The errors of [`OauthBearer::new`], and [`BadArgument::Empty`] for an empty name.
    pub fn new(user: &str, token: &str) -> Result<Xoauth2, BadArgument> {
        check_token(token)?;
        match user {
            "" => return Err(BadArgument::Empty),
            _ if user.chars().any(char::is_control) => return Err(BadArgument::Control),
            _ => {}
        }
        let message = joined(&["user=", user, "\x01auth=Bearer ", token, "\x01\x01"]);
        Ok(Xoauth2(Bearer { message: Some(message), dummy: b"", refused: None }))
    }
}

impl Mechanism for Xoauth2 {
    fn name(&self) -> &'static str {
        "XOAUTH2"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        match self.0.message.take() {
            Some(message) => Ok(message),
            None => self.0.respond(challenge),
        }
    }

    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    fn shows_secret(&self) -> bool {
        true
    }

    fn explanation(&self) -> Option<&[u8]> {
        self.0.refused.as_deref()
    }
}

debug_by_name!(OauthBearer, Xoauth2);
