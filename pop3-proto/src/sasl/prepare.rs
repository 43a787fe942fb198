//! `SASLprep` (RFC 4013): the normal form of names and passwords.

use alloc::string::String;

#[cfg(feature = "saslprep")]
use stringprep::tables;
#[cfg(feature = "saslprep")]
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::wire::argument::BadArgument;

/// Prepares a password for the digests of APOP, CRAM-MD5 and SCRAM, and names and passwords for a store (RFC 4013; RFC
/// 6856, section 2.2). US-ASCII remains unchanged.
///
/// Such a text is a "stored string": it must not contain code points that Unicode 3.2 does not assign, because a later
/// version may give them another normal form (RFC 3454, section 7). The name of a login, and the password of a login
/// that reaches the server as it is, may contain them.
///
/// # Errors
///
/// [`BadArgument::Unprepared`] if `SASLprep` prohibits the text, and [`BadArgument::Empty`] if nothing is left of it.
/// Without the feature `saslprep`, [`BadArgument::NotAscii`] if the text is not US-ASCII.
pub fn prepare(text: &str) -> Result<Zeroizing<String>, BadArgument> {
    let prepared = prepare_query(text)?;
    #[cfg(feature = "saslprep")]
    if prepared.chars().any(tables::unassigned_code_point) {
        return Err(BadArgument::Unprepared);
    }
    Ok(prepared)
}

/// Prepares a "query string", which is compared with stored strings: like [`prepare`], but code points that Unicode 3.2
/// does not assign are permitted.
pub(crate) fn prepare_query(text: &str) -> Result<Zeroizing<String>, BadArgument> {
    if text.is_ascii() {
        return Ok(Zeroizing::new(text.into()));
    }
    #[cfg(feature = "saslprep")]
    {
        let mapped = text.chars().map(|c| if tables::non_ascii_space_character(c) { ' ' } else { c });
        let mapped = mapped.filter(|&c| !tables::commonly_mapped_to_nothing(c));
        let prepared = Zeroizing::new(mapped.nfkc().collect::<String>());
        if prepared.is_empty() {
            Err(BadArgument::Empty)
        } else if prepared.chars().any(is_prohibited) || has_mixed_directions(&prepared) {
            Err(BadArgument::Unprepared)
        } else {
            Ok(prepared)
        }
    }
    #[cfg(not(feature = "saslprep"))]
    Err(BadArgument::NotAscii)
}

/// RFC 4013, section 2.3.
#[cfg(feature = "saslprep")]
fn is_prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
}

/// RFC 3454, section 6.
#[cfg(feature = "saslprep")]
fn has_mixed_directions(text: &str) -> bool {
    let is_right_to_left = tables::bidi_r_or_al;
    text.contains(is_right_to_left)
        && (text.contains(tables::bidi_l) || !text.starts_with(is_right_to_left) || !text.ends_with(is_right_to_left))
}

#[cfg(all(test, feature = "saslprep"))]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{BadArgument, prepare, prepare_query};

    #[test]
    fn only_a_query_contains_unassigned_code_points() {
        // The first one of table A.1 in RFC 3454, and an emoji.
        for (text, query) in [("a\u{221}\u{aa}", "a\u{221}a"), ("\u{ad}\u{1f600}", "\u{1f600}")] {
            assert_eq!(prepare_query(text).unwrap().as_str(), query);
            assert_eq!(prepare(text), Err(BadArgument::Unprepared));
        }
        for text in ["\u{1f600}\u{e000}", "\u{627}1", "\u{627}a\u{627}", "a\u{7}\u{e4}"] {
            assert_eq!(prepare_query(text), Err(BadArgument::Unprepared), "{text:?}");
        }
        assert_eq!(prepare_query("\u{ad}"), Err(BadArgument::Empty));
    }

    proptest! {
        #[test]
        fn stored_strings_are_those_of_the_library(
            text in "([\u{ad}\u{200b}\u{2168}\u{301}\u{627}\u{6f0}\u{1f600} aé1]|.){1,8}",
        ) {
            prop_assume!(!text.is_ascii());
            let expected = stringprep::saslprep(&text).ok().filter(|prepared| !prepared.is_empty());
            let prepared = prepare(&text).ok();
            prop_assert_eq!(prepared.as_deref().map(String::as_str), expected.as_deref());
        }
    }
}
