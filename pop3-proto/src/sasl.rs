//! What a SASL exchange carries (RFC 5034, section 4), and the mechanism PLAIN (RFC 4616).

use core::fmt;

use crate::base64;
#[cfg(feature = "alloc")]
use crate::command::Command;
use crate::error::BadArgument;
#[cfg(feature = "alloc")]
use crate::reply::Challenge;

/// The data of a challenge or a response: octets to be sent, or Base64 as it came from the peer.
///
/// `Debug` shows only the length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Octets, which go on the wire in Base64.
    Octets(&'a [u8]),
    /// Base64 text from the wire, not yet checked.
    Base64(&'a [u8]),
}

impl<'a> Payload<'a> {
    /// An initial response as it stands in an AUTH line, where `=` stands for the empty one (RFC 5034, section 4).
    pub(crate) fn initial(text: &'a [u8]) -> Payload<'a> {
        Payload::Base64(if text == b"=" { b"" } else { text })
    }

    /// The length in Base64, in octets.
    pub fn encoded_len(&self) -> usize {
        match self {
            Payload::Octets(octets) => base64::encoded_len(octets.len()),
            Payload::Base64(text) => text.len(),
        }
    }

    /// The decoded octets, written to the front of `buffer`.
    ///
    /// Three quarters of [`encoded_len`](Self::encoded_len), rounded up, are room enough.
    ///
    /// # Errors
    ///
    /// [`NotBase64`] if the text is not the strict Base64 of RFC 4648 or `buffer` is too small for it.
    pub fn decode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], NotBase64> {
        match *self {
            Payload::Octets(octets) => {
                let space = buffer.get_mut(..octets.len()).ok_or(NotBase64)?;
                space.copy_from_slice(octets);
                Ok(space)
            }
            Payload::Base64(text) => base64::decode(text, buffer).ok_or(NotBase64),
        }
    }

    /// The decoded octets in a vector of their own, which is wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`NotBase64`] if the text is not the strict Base64 of RFC 4648.
    #[cfg(feature = "alloc")]
    pub fn to_vec(&self) -> Result<zeroize::Zeroizing<alloc::vec::Vec<u8>>, NotBase64> {
        let mut octets = zeroize::Zeroizing::new(alloc::vec![0; self.encoded_len()]);
        let len = self.decode(&mut octets)?.len();
        octets.truncate(len);
        Ok(octets)
    }

    pub(crate) fn check(&self) -> Result<(), BadArgument> {
        match self {
            Payload::Octets(_) => Ok(()),
            Payload::Base64(text) => {
                // Only what may stand in a line: whether it decodes is for the other side to say.
                let written = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
                if text.iter().all(written) { Ok(()) } else { Err(BadArgument::Base64) }
            }
        }
    }

    /// Writes exactly [`encoded_len`](Self::encoded_len) octets.
    pub(crate) fn encode(&self, space: &mut [u8]) {
        match self {
            Payload::Octets(octets) => base64::encode(octets, space),
            Payload::Base64(text) => space.copy_from_slice(text),
        }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} octets in Base64)", self.encoded_len())
    }
}

/// The text is not strict Base64 (RFC 4648), or the buffer is too small for what it decodes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not Base64")]
pub struct NotBase64;

/// A client's line inside an AUTH exchange (RFC 5034, section 4). `Debug` shows no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// The answer to a challenge; empty data is an empty line.
    Data(Payload<'a>),
    /// `*`: gives up. The server must answer `-ERR`.
    Cancel,
}

/// The response of PLAIN: authorization identity, NUL, user, NUL, password (RFC 4616, section 2).
///
/// An empty `authzid` means the identity that belongs to the credentials.
///
/// # Errors
///
/// [`BadArgument::Control`] for a NUL in a part, [`BadArgument::Empty`] for an empty name or password.
#[cfg(feature = "alloc")]
pub fn plain(
    authzid: &str,
    user: &str,
    password: &str,
) -> Result<zeroize::Zeroizing<alloc::vec::Vec<u8>>, BadArgument> {
    if user.is_empty() || password.is_empty() {
        return Err(BadArgument::Empty);
    }
    let parts = [authzid, user, password];
    if parts.iter().any(|part| part.contains('\0')) {
        return Err(BadArgument::Control);
    }
    let len = parts.iter().map(|part| part.len() + 1).sum();
    // Of its full size from the start: growing would leave copies of the secret behind.
    let mut message = zeroize::Zeroizing::new(alloc::vec::Vec::with_capacity(len));
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            message.push(0);
        }
        message.extend_from_slice(part.as_bytes());
    }
    Ok(message)
}

/// AUTH with PLAIN, whose only message is the client's first.
///
/// The initial response is sent along if `announced` and the line stays within 255 octets; otherwise it answers the first
/// challenge (RFC 5034, section 4). A second challenge is cancelled.
#[cfg(feature = "alloc")]
pub(crate) struct AuthPlain {
    message: zeroize::Zeroizing<alloc::vec::Vec<u8>>,
    with_command: bool,
    answered: bool,
}

#[cfg(feature = "alloc")]
impl AuthPlain {
    pub(crate) fn new(message: zeroize::Zeroizing<alloc::vec::Vec<u8>>, announced: bool) -> AuthPlain {
        let mut auth = AuthPlain { message, with_command: announced, answered: false };
        auth.with_command &= auth.command().encoded_len() <= crate::command::MAX_LINE;
        auth.answered = auth.with_command;
        auth
    }

    pub(crate) fn command(&self) -> Command<'_> {
        let initial_response = self.with_command.then(|| Payload::Octets(&self.message));
        Command::Auth { mechanism: "PLAIN", initial_response }
    }

    /// The message as it goes on the wire.
    pub(crate) fn encoded(&self) -> zeroize::Zeroizing<alloc::vec::Vec<u8>> {
        let payload = Payload::Octets(&self.message);
        let mut text = zeroize::Zeroizing::new(alloc::vec![0; payload.encoded_len()]);
        payload.encode(&mut text);
        text
    }

    pub(crate) fn respond(&mut self, _: Challenge<'_>) -> Response<'_> {
        if core::mem::replace(&mut self.answered, true) {
            Response::Cancel
        } else {
            Response::Data(Payload::Octets(&self.message))
        }
    }
}

/// The parts of a client's PLAIN response, decoded: authorization identity, user, password (RFC 4616, section 2).
///
/// `None` unless there are exactly three, in UTF-8, of which only the first may be empty.
#[cfg(feature = "alloc")]
pub(crate) fn plain_parts(message: &[u8]) -> Option<(&str, &str, &str)> {
    let mut parts = core::str::from_utf8(message).ok()?.split('\0');
    let (authzid, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && !user.is_empty() && !password.is_empty();
    whole.then_some((authzid, user, password))
}
