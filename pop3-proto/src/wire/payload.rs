//! Data of a SASL exchange over POP3 (RFC 5034, section 4).

use crate::wire::argument::BadArgument;
use crate::wire::base64;

use core::fmt;

/// The data of a challenge or a response: octets to be sent, or Base64 as received from the peer.
///
/// `Debug` shows only the length: in some mechanisms, a challenge is enough to guess the secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Octets, which are sent in Base64.
    Octets(&'a [u8]),
    /// Base64 as received, not yet checked: a server may send prose instead.
    Base64(&'a [u8]),
}

impl<'a> Payload<'a> {
    /// Wraps an initial response as written in an AUTH line, where `=` stands for an empty one (RFC 5034, section 4).
    pub(crate) fn initial(text: &'a [u8]) -> Payload<'a> {
        Payload::Base64(if text == b"=" { b"" } else { text })
    }

    /// Returns the length in Base64, in octets.
    pub fn encoded_len(&self) -> usize {
        match self {
            Payload::Octets(octets) => base64::encoded_len(octets.len()),
            Payload::Base64(text) => text.len(),
        }
    }

    /// Decodes into the front of `buffer` and returns those octets.
    ///
    /// A buffer of three quarters of [`encoded_len`](Self::encoded_len), rounded up, is large enough.
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

    /// Decodes into a new vector, which is wiped when dropped.
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
                // Checks only the characters: the peer decides whether the text decodes.
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

/// An error: the text is not strict Base64 (RFC 4648), or the buffer is too small for the decoded octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not Base64")]
pub struct NotBase64;

/// A client's line inside an AUTH exchange (RFC 5034, section 4). `Debug` shows no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// The answer to a challenge; empty data is an empty line.
    Data(Payload<'a>),
    /// `*`: cancels the exchange. The server must answer `-ERR`.
    Cancel,
}
