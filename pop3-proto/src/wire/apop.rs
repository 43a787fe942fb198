//! APOP (RFC 1939, section 7): the timestamp in a greeting, and its digest with a shared secret.
//!
//! The timestamp is checked strictly. A man in the middle who can choose it freely can choose octets that make MD5
//! collide and, over many logins, learn the first characters of the password (CVE-2007-1558). The msg-id grammar leaves
//! little choice. Do not use MD5 in new designs (RFC 6151): prefer TLS and a better mechanism.

use core::fmt;

use md5::{Digest as _, Md5};
use memchr::memchr;

/// A valid timestamp from a greeting: an RFC 822 msg-id with its angle brackets.
///
/// It is printable US-ASCII: no control character, no 8-bit octet, and no space except inside a quoted string.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp<'a>(&'a [u8]);

impl<'a> Timestamp<'a> {
    /// Returns the first valid timestamp in a greeting's text. With `None`, the server does not offer APOP.
    ///
    /// The grammar is that of RFC 822, sections 3.3 and 6.1, without comments, folding and tabs. Inside a domain
    /// literal, `@`, angle brackets and quoted pairs are also rejected.
    ///
    /// A candidate begins at a `<`. If it is not a msg-id, everything up to the next `>` after the first unexpected
    /// octet is skipped, and the search continues from there. Therefore `<a<b@c>` contains no timestamp (the inner `<`
    /// is part of the rejected candidate), and in `<not one> <1.2@host>` it is the second pair. After an unclosed
    /// quote, the whole rest is skipped.
    pub fn find(greeting_text: &'a [u8]) -> Option<Self> {
        // This is linear for any input: the cursor does not backtrack, and the search resumes where a candidate failed,
        // never at a `<` inside it. Each octet is examined at most a fixed number of times.
        let mut rest = greeting_text;
        loop {
            rest = &rest[memchr(b'<', rest)?..];
            let mut cursor = Cursor(rest);
            if cursor.msg_id().is_some() {
                return rest.get(..rest.len() - cursor.0.len()).map(Self);
            }
            rest = &cursor.0[memchr(b'>', cursor.0)?..];
        }
    }

    /// Returns the octets of the timestamp, angle brackets included. They are the input of the digest.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Timestamp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.0.escape_ascii())
    }
}

/// The rest of the input. Each method consumes what matches; `None` leaves the cursor at the first octet that does not.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn msg_id(&mut self) -> Option<()> {
        self.octet(b'<')?;
        self.dotted(b'"', Self::quoted_string)?;
        self.octet(b'@')?;
        self.dotted(b'[', Self::domain_literal)?;
        self.octet(b'>')
    }

    /// Consumes atoms joined by dots; `special` consumes a part that begins with `open`.
    fn dotted(&mut self, open: u8, special: fn(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            if self.0.first() == Some(&open) {
                special(self)?;
            } else if self.take_while(is_atom) == 0 {
                return None;
            }
            if self.octet(b'.').is_none() {
                return Some(());
            }
        }
    }

    fn quoted_string(&mut self) -> Option<()> {
        let is_printable = |octet: u8| matches!(octet, b' '..=b'~');
        self.octet(b'"')?;
        loop {
            self.take_while(|octet| is_printable(octet) && !matches!(octet, b'"' | b'\\'));
            if self.octet(b'\\').is_none() {
                return self.octet(b'"');
            }
            self.0 = self.0.split_first().filter(|(octet, _)| is_printable(**octet))?.1;
        }
    }

    fn domain_literal(&mut self) -> Option<()> {
        self.octet(b'[')?;
        self.take_while(|octet| octet.is_ascii_graphic() && !b"[]\\@<>".contains(&octet));
        self.octet(b']')
    }

    fn octet(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.split_first().filter(|(octet, _)| **octet == wanted)?.1;
        Some(())
    }

    fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> usize {
        let len = self.0.iter().position(|octet| !fits(*octet)).unwrap_or(self.0.len());
        self.0 = &self.0[len..];
        len
    }
}

/// Returns true for octets of an RFC 822 atom: printable, and not one of its specials.
fn is_atom(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\\\".[]".contains(&octet)
}

/// The digest of an APOP command: always 32 lower-case hex digits, leading zeros included.
///
/// It does not implement `==`, whose timing would reveal how many digits are correct: use [`verify`](Self::verify).
///
/// ```
/// use pop3_proto::wire::{Digest, Timestamp};
///
/// // The example of RFC 1939, section 7.
/// let greeting = b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
/// let timestamp = Timestamp::find(greeting).expect("there is one");
/// let digest = Digest::new(timestamp, b"tanstaaf");
/// assert_eq!(digest.as_bytes(), b"c4c9334bac560ecc979e58001b3e22fb");
/// ```
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the MD5 of the timestamp, angle brackets included, followed by the secret.
    ///
    /// The secret is used unchanged. If it is not US-ASCII, you must have prepared it with `SASLprep` and encoded it as
    /// UTF-8 (RFC 6856, section 2.2).
    pub fn new(timestamp: Timestamp<'_>, secret: &[u8]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let sum = Md5::new().chain_update(timestamp.as_bytes()).chain_update(secret).finalize();
        let mut digits = [0; 32];
        for (pair, octet) in digits.chunks_exact_mut(2).zip(sum) {
            pair[0] = HEX[usize::from(octet >> 4)];
            pair[1] = HEX[usize::from(octet & 15)];
        }
        Self(digits)
    }

    /// Parses a digest from a client: exactly 32 hex digits of either case, else `None`.
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let mut digits: [u8; 32] = digits.try_into().ok()?;
        digits.make_ascii_lowercase();
        digits.iter().all(u8::is_ascii_hexdigit).then_some(Self(digits))
    }

    /// Returns the 32 digits, as written in the command.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns true if the two digests are equal, in a time that does not depend on where they differ.
    pub fn verify(&self, other: &Self) -> bool {
        // `black_box` keeps the compiler from exiting the loop early.
        let differences =
            self.0.iter().zip(&other.0).fold(0, |seen, (mine, theirs)| core::hint::black_box(seen | (mine ^ theirs)));
        differences == 0
    }
}

/// Shows no digit: with the timestamp, the digest would let a reader of the log guess the secret.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use proptest::prelude::*;

    use super::*;

    const RFC: &[u8] = b"<1896.697170952@dbc.mtview.ca.us>";

    fn find(text: &[u8]) -> Option<&[u8]> {
        Timestamp::find(text).map(|timestamp| timestamp.as_bytes())
    }

    fn digest(secret: &[u8]) -> Digest {
        Digest::new(Timestamp::find(RFC).unwrap(), secret)
    }

    #[test]
    fn accepts_every_form_of_a_msg_id() {
        for id in [
            RFC,
            b"<x@y>",
            b"<1.2.3@mx.example.org>",
            b"<!#$%&'*+-/=?^_`{|}~@~>",
            b"<\"two words\"@h>",
            b"<\"<@>\".x.\"\\\" \\\\\"@h>",
            b"<\"\"@h>",
            b"<a@[192.0.2.1]>",
            b"<a@[IPv6:2001:db8::1].b.[c]>",
        ] {
            let greeting = [b"POP3 -> ready, a@b> ", id, b" and more <z@z>"].concat();
            assert_eq!(find(&greeting), Some(id), "{}", id.escape_ascii());
        }
    }

    #[test]
    fn skips_an_invalid_msg_id_and_finds_the_next_one() {
        for id in [
            b"<>" as &[u8],
            b"<@>",
            b"<@h>",
            b"<x@>",
            b"<x>",
            b"<x.y>",
            b"<x..y@h>",
            b"<.x@h>",
            b"<x.@h>",
            b"<x@.h>",
            b"<x@h.>",
            b"<x@h..i>",
            b"<x y@h>",
            b"< x@h>",
            b"<x@h i>",
            b"<x@h >",
            b"<x\t@h>",
            b"<x@y@h>",
            b"<x@@h>",
            b"<x@[y@h]>",
            b"<x@[h>",
            b"<x@[h i]>",
            b"<x@[h]i>",
            b"<x@[h\\]]>",
            b"<x@h]>",
            b"<x@\"h\">",
            b"<\"x\"y@h>",
            b"<x\"y\"@h>",
            b"<\"x\ty\"@h>",
            b"<\"x\xFFy\"@h>",
            b"<\"\\\0\"@h>",
            b"<x\0@h>",
            b"<x\x01@h>",
            b"<x@h\x7F>",
            b"<\xC3\xA4@h>",
            b"<x@h\x80>",
            b"<x@[\xFF]>",
            b"<x,y@h>",
            b"<x@h;>",
            b"<x(y)@h>",
            b"<x<y@h>",
            b"<<x@h>",
        ] {
            assert_eq!(find(id), None, "{}", id.escape_ascii());
            let greeting = [b"hi ", id, b" <1.2@host>"].concat();
            assert_eq!(find(&greeting), Some(b"<1.2@host>".as_slice()), "{}", id.escape_ascii());
        }
        for unclosed in ["", "no bracket", "<", "<a", "<a@", "<a@b", "<\"", "<\"a\\", "<\"a@b> <c@d>", "<a <b@c"] {
            assert_eq!(find(unclosed.as_bytes()), None, "{unclosed}");
        }
    }

    #[test]
    fn digest_of_the_rfc() {
        assert_eq!(digest(b"tanstaaf").as_bytes(), b"c4c9334bac560ecc979e58001b3e22fb");
    }

    #[test]
    fn digest_keeps_leading_zeros_and_takes_any_octets() {
        assert_eq!(digest(b"secret3203").as_bytes(), b"0008fe2ca31c96e6733ee335fde5f9e5");
        assert_eq!(digest(b"").as_bytes(), b"6d7379174f7df9fb329480e5c47c1f1a");
        assert_eq!(digest(b"\0\xFF\r\n").as_bytes(), b"4cbcb18b9b1fd5b65b8d7e1debe79cc2");
    }

    #[test]
    fn digest_is_read_in_either_case_and_compared_whole() {
        let ours = digest(b"tanstaaf");
        let theirs = Digest::parse(b"C4c9334BAC560ecc979e58001b3e22FB").unwrap();
        assert_eq!(theirs.as_bytes(), ours.as_bytes());
        assert!(ours.verify(&theirs));
        for place in 0..32 {
            let mut digits = *ours.as_bytes();
            digits[place] = if digits[place] == b'0' { b'1' } else { b'0' };
            assert!(!ours.verify(&Digest::parse(&digits).unwrap()), "digit {place}");
            digits[place] = b'g';
            assert!(Digest::parse(&digits).is_none(), "digit {place}");
        }
        assert!(Digest::parse(&ours.as_bytes()[1..]).is_none());
        assert!(Digest::parse(&[b'0'; 33]).is_none());
        assert!(Digest::parse(b"").is_none());
    }

    #[test]
    fn debug_shows_the_timestamp_and_no_digit() {
        assert_eq!(format!("{:?}", digest(b"tanstaaf")), "Digest(..)");
        assert_eq!(format!("{:?}", Timestamp::find(b"hi <a@b>")), "Some(Timestamp(<a@b>))");
    }

    proptest! {
        #[test]
        fn a_timestamp_is_part_of_the_greeting_and_is_found_without_it(text in r#"[<>@a."\\\[\] é]{0,40}"#) {
            if let Some(id) = find(text.as_bytes()) {
                prop_assert!(id.starts_with(b"<") && id.ends_with(b">") && id.is_ascii());
                prop_assert!(text.as_bytes().windows(id.len()).any(|window| window == id));
                prop_assert_eq!(find(id), Some(id));
            }
        }
    }
}
