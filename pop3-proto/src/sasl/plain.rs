//! PLAIN (RFC 4616), LOGIN and EXTERNAL.

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::sasl::mechanism::debug_by_name;
use crate::sasl::{Mechanism, MechanismError, SaslMessage};
use crate::wire::argument::BadArgument;

/// Returns the message of PLAIN: authorization identity, NUL, user, NUL, password (RFC 4616, section 2).
pub(crate) fn plain(authzid: &str, user: &str, password: &str) -> Result<SaslMessage, BadArgument> {
    check(&[user, password])?;
    if authzid.contains('\0') {
        return Err(BadArgument::Control);
    }
    Ok(joined(&[authzid, "\0", user, "\0", password]))
}

/// Concatenates parts into a message, allocated in full size: growing would leave copies of the secret behind.
pub(super) fn joined(parts: &[&str]) -> SaslMessage {
    let mut message = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        message.extend_from_slice(part.as_bytes());
    }
    message
}

/// Checks that no part is empty or contains a NUL, which no mechanism can send.
pub(super) fn check(parts: &[&str]) -> Result<(), BadArgument> {
    if parts.iter().any(|part| part.is_empty()) {
        return Err(BadArgument::Empty);
    }
    if parts.iter().any(|part| part.contains('\0')) { Err(BadArgument::Control) } else { Ok(()) }
}

/// Splits a decoded PLAIN message into authorization identity, user and password (RFC 4616, section 2).
///
/// Returns `None` unless there are exactly three parts in UTF-8, of which only the first may be empty.
pub(crate) fn plain_parts(message: &[u8]) -> Option<(&str, &str, &str)> {
    let mut parts = core::str::from_utf8(message).ok()?.split('\0');
    let (authzid, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && !user.is_empty() && !password.is_empty();
    whole.then_some((authzid, user, password))
}

/// PLAIN (RFC 4616): the client sends one message.
pub struct Plain {
    message: Option<SaslMessage>,
}

impl Plain {
    /// Creates the mechanism for a name and a password, to act as `authzid`, or as `user` if `authzid` is empty.
    ///
    /// # Errors
    ///
    /// [`BadArgument::Control`] for a NUL in a part, [`BadArgument::Empty`] for an empty name or password.
    pub fn new(authzid: &str, user: &str, password: &str) -> Result<Plain, BadArgument> {
        Ok(Plain { message: Some(plain(authzid, user, password)?) })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(self.message.take())
    }

    fn respond(&mut self, _: &[u8]) -> Result<SaslMessage, MechanismError> {
        Err(MechanismError::Challenge("PLAIN expects no further challenge"))
    }

    fn is_complete(&self) -> bool {
        self.message.is_none()
    }

    fn shows_secret(&self) -> bool {
        true
    }
}

/// LOGIN (specified only by an expired draft): the server asks for the name, then for the password.
///
/// The text of the challenges is ignored: servers word them differently, but always ask in this order.
pub struct LoginMechanism {
    /// The remaining answers, in reverse order.
    answers: Vec<SaslMessage>,
}

impl LoginMechanism {
    /// Creates the mechanism for a name and a password.
    ///
    /// # Errors
    ///
    /// [`BadArgument::Empty`] and [`BadArgument::Control`], the latter for a NUL.
    pub fn new(user: &str, password: &str) -> Result<LoginMechanism, BadArgument> {
        check(&[user, password])?;
        Ok(LoginMechanism { answers: [password, user].map(|answer| joined(&[answer])).into() })
    }
}

impl Mechanism for LoginMechanism {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, _: &[u8]) -> Result<SaslMessage, MechanismError> {
        self.answers.pop().ok_or(MechanismError::Challenge("LOGIN expects no further challenge"))
    }

    fn is_complete(&self) -> bool {
        self.answers.is_empty()
    }

    fn has_proved(&self) -> bool {
        self.answers.is_empty()
    }

    fn shows_secret(&self) -> bool {
        true
    }
}

/// EXTERNAL (RFC 4422, appendix A): the client is authenticated by other means, such as a client certificate.
pub struct External {
    authzid: String,
    said: bool,
}

impl External {
    /// Creates the mechanism to act as `authzid`, or as the identity in the certificate if `authzid` is empty.
    ///
    /// # Errors
    ///
    /// [`BadArgument::Control`] for a NUL.
    pub fn new(authzid: &str) -> Result<External, BadArgument> {
        if authzid.contains('\0') {
            Err(BadArgument::Control)
        } else {
            Ok(External { authzid: authzid.into(), said: false })
        }
    }
}

impl Mechanism for External {
    fn name(&self) -> &'static str {
        "EXTERNAL"
    }

    fn first(&mut self) -> Result<Option<SaslMessage>, MechanismError> {
        self.said = true;
        Ok(Some(joined(&[&self.authzid])))
    }

    fn respond(&mut self, _: &[u8]) -> Result<SaslMessage, MechanismError> {
        Err(MechanismError::Challenge("EXTERNAL expects no further challenge"))
    }

    fn is_complete(&self) -> bool {
        self.said
    }

    fn shows_secret(&self) -> bool {
        false
    }
}

debug_by_name!(Plain, LoginMechanism, External);
