//! Base64 for AUTH (RFC 4648, section 4; RFC 5034, section 4): strict, and with timing that does not depend on the
//! octets, because most of them are secret.

/// Returns the length of `octets` octets in Base64.
pub(crate) const fn encoded_len(octets: usize) -> usize {
    octets.div_ceil(3) * 4
}

/// Encodes `octets` into `space`, which has exactly [`encoded_len`] octets.
pub(crate) fn encode(octets: &[u8], space: &mut [u8]) {
    for (three, four) in octets.chunks(3).zip(space.chunks_exact_mut(4)) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (i, digit) in four.iter_mut().enumerate() {
            *digit = if i > three.len() { b'=' } else { digit_of(low_six(bits >> (18 - 6 * i))) };
        }
    }
}

/// Returns the Base64 digits that depend on `octets` alone, for `octets` with others around them. `before` is the number
/// of octets before them, modulo three. Digits that also depend on the other octets are omitted.
#[cfg(feature = "alloc")]
pub(crate) fn digits_within(octets: &[u8], before: usize) -> zeroize::Zeroizing<alloc::vec::Vec<u8>> {
    let mut shifted = zeroize::Zeroizing::new(alloc::vec![0; before + octets.len()]);
    shifted[before..].copy_from_slice(octets);
    let mut digits = zeroize::Zeroizing::new(alloc::vec![0; encoded_len(shifted.len())]);
    encode(&shifted, &mut digits);
    digits.truncate(shifted.len() * 8 / 6);
    let shared = (before * 8).div_ceil(6).min(digits.len());
    digits.drain(..shared);
    digits
}

/// Decodes `text` into the front of `space` and returns those octets, or `None` if `text` is not the canonical encoding
/// of some octets, padding included, or does not fit.
pub(crate) fn decode<'s>(text: &[u8], space: &'s mut [u8]) -> Option<&'s [u8]> {
    let ([digits @ .., b'=', b'='] | [digits @ .., b'='] | digits) = text;
    if text.len() % 4 != 0 {
        return None;
    }
    let len = text.len() / 4 * 3 - (text.len() - digits.len());
    let space = space.get_mut(..len)?;
    let mut strange = 0;
    for (four, three) in digits.chunks(4).zip(space.chunks_mut(3)) {
        let mut bits = 0;
        for i in 0..4 {
            let (value, is_digit) = four.get(i).map_or((0, u8::MAX), |&digit| value_of(digit));
            bits = bits << 6 | u32::from(value);
            strange |= !is_digit;
        }
        let [_, decoded @ ..] = bits.to_be_bytes();
        // Unused bits of the last digit must be zero, or several texts would decode to the same octets.
        strange |= decoded.iter().skip(three.len()).fold(0, |all, octet| all | octet);
        three.iter_mut().zip(decoded).for_each(|(place, octet)| *place = octet);
    }
    (strange == 0).then_some(space)
}

#[allow(clippy::cast_possible_truncation, reason = "the mask leaves six bits")]
const fn low_six(bits: u32) -> u8 {
    bits as u8 & 0b11_1111
}

/// Returns all ones if `a < b`, else zero, without a branch.
const fn below(a: u8, b: u8) -> u8 {
    ((a as i16 - b as i16) >> 8).to_le_bytes()[0]
}

const fn digit_of(value: u8) -> u8 {
    let (upper, lower, decimal) = (below(value, 26), below(value, 52), below(value, 62));
    let plus = below(value, 63);
    (upper & value.wrapping_add(b'A'))
        | (!upper & lower & value.wrapping_sub(26).wrapping_add(b'a'))
        | (!lower & decimal & value.wrapping_sub(52).wrapping_add(b'0'))
        | (!decimal & plus & b'+')
        | (!plus & b'/')
}

/// Returns the value of a digit, and all ones if it is a digit.
const fn value_of(digit: u8) -> (u8, u8) {
    const fn within(digit: u8, first: u8, last: u8) -> u8 {
        !below(digit, first) & !below(last, digit)
    }
    let (upper, lower) = (within(digit, b'A', b'Z'), within(digit, b'a', b'z'));
    let (decimal, plus, slash) = (within(digit, b'0', b'9'), within(digit, b'+', b'+'), within(digit, b'/', b'/'));
    let value = (upper & digit.wrapping_sub(b'A'))
        | (lower & digit.wrapping_sub(b'a').wrapping_add(26))
        | (decimal & digit.wrapping_sub(b'0').wrapping_add(52))
        | (plus & 0x3E)
        | (slash & 0x3F);
    (value, upper | lower | decimal | plus | slash)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    use base64ct::{Base64, Encoding};
    use proptest::prelude::*;

    use super::*;

    fn encoded(octets: &[u8]) -> Vec<u8> {
        let mut text = vec![0; encoded_len(octets.len())];
        encode(octets, &mut text);
        text
    }

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        decode(text, &mut vec![0; text.len()]).map(<[u8]>::to_vec)
    }

    #[test]
    fn every_digit_and_no_other_octet() {
        let all = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for octet in 0..=u8::MAX {
            let place = all.iter().position(|&digit| digit == octet).map(|place| u8::try_from(place).unwrap());
            let (value, is_digit) = value_of(octet);
            assert_eq!((is_digit != 0).then_some(value), place, "{octet:#x}");
        }
        for (value, &digit) in (0..).zip(all) {
            assert_eq!(digit_of(value), digit);
        }
    }

    #[test]
    fn every_other_encoding_is_refused() {
        for text in [
            "A", "AA", "AAA", "=", "==", "===", "====", "A===", "AA=A", "=AAA", "AB==", "AAB=", "AA==AAAA", "AA=",
            "AAA=A", "AAA=BBB", "AA A", " AAA", "AAA\n", "AAAA\r\n", "AA--", "AA__", "\u{e4}AA", "AAAAA", "AAAA=",
            "AAAA==", "AA\0A",
        ] {
            assert_eq!(decoded(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(decode(b"AAAA", &mut [0; 2]), None);
        assert_eq!(decode(b"AAA=", &mut [0; 2]), Some(&[0, 0][..]));
    }

    proptest! {
        #[test]
        fn encodes_and_decodes_like_the_library(octets in any::<Vec<u8>>()) {
            let text = encoded(&octets);
            let theirs = Base64::encode_string(&octets);
            prop_assert_eq!(&text, theirs.as_bytes());
            prop_assert_eq!(decoded(&text), Some(octets));
        }

        #[test]
        fn accepts_what_the_library_accepts(text in "[AZaz09+/B=]{0,12}|[A-Za-z0-9+/]{0,8}={0,2}") {
            prop_assert_eq!(decoded(text.as_bytes()), Base64::decode_vec(&text).ok());
        }
    }
}
