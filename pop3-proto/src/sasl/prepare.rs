//! `SASLprep` (RFC 4013): the normal form of names and passwords.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::wire::argument::BadArgument;

/// Prepares a password for the digests of APOP, CRAM-MD5 and SCRAM (RFC 4013; RFC 6856, section 2.2). US-ASCII remains
/// unchanged.
///
/// # Errors
///
/// [`BadArgument::Unprepared`] if `SASLprep` prohibits the text, and [`BadArgument::Empty`] if nothing is left of it.
/// Without the feature `saslprep`, [`BadArgument::NotAscii`] if the text is not US-ASCII.
pub fn prepare(text: &str) -> Result<Zeroizing<String>, BadArgument> {
    if text.is_ascii() {
        return Ok(Zeroizing::new(text.into()));
    }
    #[cfg(feature = "saslprep")]
    return match stringprep::saslprep(text) {
        Ok(prepared) if prepared.is_empty() => Err(BadArgument::Empty),
        Ok(prepared) => Ok(Zeroizing::new(prepared.into_owned())),
        Err(_) => Err(BadArgument::Unprepared),
    };
    #[cfg(not(feature = "saslprep"))]
    Err(BadArgument::NotAscii)
}
