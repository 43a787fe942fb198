//! PLAIN (RFC 4616) and LOGIN: the password as it is.

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::sasl::mechanism::debug_by_name;
use crate::sasl::{Mechanism, MechanismError, Message};
use crate::wire::argument::BadArgument;

/// The message of PLAIN: authorization identity, NUL, user, NUL, password (RFC 4616, section 2).
///
/// An empty `authzid` means the identity that belongs to the credentials.
///
/// # Errors
///
/// [`BadArgument::Control`] for a NUL in a part, [`BadArgument::Empty`] for an empty name or password.
pub fn plain(authzid: &str, user: &str, password: &str) -> Result<Message, BadArgument> {
    check(&[user, password])?;
    if authzid.contains('\0') {
        return Err(BadArgument::Control);
    }
    Ok(joined(&[authzid, "\0", user, "\0", password]))
}

/// A message made of parts, of its full size from the start: growing would leave copies of the secret behind.
pub(super) fn joined(parts: &[&str]) -> Message {
    let mut message = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        message.extend_from_slice(part.as_bytes());
    }
    message
}

/// What no mechanism can carry: nothing at all, and NUL.
pub(super) fn check(parts: &[&str]) -> Result<(), BadArgument> {
    if parts.iter().any(|part| part.is_empty()) {
        return Err(BadArgument::Empty);
    }
    if parts.iter().any(|part| part.contains('\0')) { Err(BadArgument::Control) } else { Ok(()) }
}

/// The parts of a client's PLAIN message, decoded: authorization identity, user, password (RFC 4616, section 2).
///
/// `None` unless there are exactly three, in UTF-8, of which only the first may be empty.
pub(crate) fn plain_parts(message: &[u8]) -> Option<(&str, &str, &str)> {
    let mut parts = core::str::from_utf8(message).ok()?.split('\0');
    let (authzid, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && !user.is_empty() && !password.is_empty();
    whole.then_some((authzid, user, password))
}

/// PLAIN (RFC 4616): one message of the client's.
pub struct Plain {
    message: Option<Message>,
}

impl Plain {
    /// For a name and a password, to act for `authzid`, or for `user` if that is empty.
    ///
    /// # Errors
    ///
    /// Those of [`plain`].
    pub fn new(authzid: &str, user: &str, password: &str) -> Result<Plain, BadArgument> {
        Ok(Plain { message: Some(plain(authzid, user, password)?) })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn first(&mut self) -> Result<Option<Message>, MechanismError> {
        Ok(self.message.take())
    }

    fn respond(&mut self, _: &[u8]) -> Result<Message, MechanismError> {
        Err(MechanismError::Challenge("all is said in PLAIN"))
    }

    fn is_complete(&self) -> bool {
        self.message.is_none()
    }

    fn shows_secret(&self) -> bool {
        true
    }
}

/// LOGIN (an expired draft, which is all there is): the server asks for the name, then for the password.
///
/// What it asks is not read: servers word it in many ways, and always in this order.
pub struct Login {
    /// The next one is the last one.
    answers: Vec<Message>,
}

impl Login {
    /// For a name and a password.
    ///
    /// # Errors
    ///
    /// [`BadArgument::Empty`] and [`BadArgument::Control`], the latter for a NUL.
    pub fn new(user: &str, password: &str) -> Result<Login, BadArgument> {
        check(&[user, password])?;
        Ok(Login { answers: [password, user].map(|answer| joined(&[answer])).into() })
    }
}

impl Mechanism for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn first(&mut self) -> Result<Option<Message>, MechanismError> {
        Ok(None)
    }

    fn respond(&mut self, _: &[u8]) -> Result<Message, MechanismError> {
        self.answers.pop().ok_or(MechanismError::Challenge("all is said in LOGIN"))
    }

    fn is_complete(&self) -> bool {
        self.answers.is_empty()
    }

    fn shows_secret(&self) -> bool {
        true
    }
}

/// EXTERNAL (RFC 4422, appendix A): who we are was shown outside, as by a client certificate.
pub struct External {
    authzid: String,
    said: bool,
}

impl External {
    /// To act for `authzid`, or for whom the certificate names if that is empty.
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

    fn first(&mut self) -> Result<Option<Message>, MechanismError> {
        self.said = true;
        Ok(Some(joined(&[&self.authzid])))
    }

    fn respond(&mut self, _: &[u8]) -> Result<Message, MechanismError> {
        Err(MechanismError::Challenge("all is said in EXTERNAL"))
    }

    fn is_complete(&self) -> bool {
        self.said
    }

    fn shows_secret(&self) -> bool {
        false
    }
}

debug_by_name!(Plain, Login, External);
