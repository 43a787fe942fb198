//! CRAM-MD5 (RFC 2195): a keyed digest of the server's challenge.
//!
//! It only hides the password from an eavesdropper, who can still try to guess it; the server proves nothing. Prefer
//! SCRAM.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use zeroize::Zeroizing;

use crate::sasl::mechanism::debug_by_name;
use crate::sasl::{Mechanism, MechanismError, SaslMessage, plain, prepare};
use crate::wire::argument::BadArgument;

/// CRAM-MD5 (RFC 2195).
pub struct CramMd5 {
    user: String,
    /// Taken when used.
    password: Option<Zeroizing<String>>,
}

impl CramMd5 {
    /// Creates the mechanism for a name and a password.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] if either is empty, contains a NUL, or cannot be prepared by [`prepare`].
    pub fn new(user: &str, password: &str) -> Result<CramMd5, BadArgument> {
        plain::check(&[user, password])?;
        Ok(CramMd5 { user: user.into(), password: Some(prepare(password)?) })
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> &'static str {
        "CRAM-MD5"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SaslMessage, MechanismError> {
        let password =
            self.password.take().ok_or(MechanismError::Challenge("CRAM-MD5 expects no further challenge"))?;
        let mut keyed = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("a key may have any length");
        keyed.update(challenge);
        let mut response = String::with_capacity(self.user.len() + 1 + 32);
        response.push_str(&self.user);
        response.push(' ');
        for octet in keyed.finalize().into_bytes() {
            write!(response, "{octet:02x}").expect("writing to a string cannot fail");
        }
        Ok(Vec::from(response).into())
    }

    fn is_complete(&self) -> bool {
        self.password.is_none()
    }

    fn shows_secret(&self) -> bool {
        false
    }
}

debug_by_name!(CramMd5);
