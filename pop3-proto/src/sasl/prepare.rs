//! `SASLprep` (RFC 4013): names and passwords in a form in which both sides mean the same octets.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::wire::argument::BadArgument;

/// A password as APOP, CRAM-MD5 and SCRAM put it into a digest (RFC 4013; RFC 6856, section 2.2). What is US-ASCII stays
/// as it is.
///
/// # Errors
///
/// [`BadArgument::Unprepared`] for what `SASLprep` prohibits. Without the feature `saslprep`
/// [`BadArgument::NotAscii`] for all that is not US-ASCII.
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
