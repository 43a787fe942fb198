//! The form of a unique-id in the formats of serde.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{Error, Unexpected, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::OwnedUniqueId;
use crate::wire::listing::UniqueId;

impl Serialize for OwnedUniqueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&escape(self.as_bytes()))
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for OwnedUniqueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OwnedUniqueId, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Form)
        } else {
            deserializer.deserialize_bytes(Form)
        }
    }
}

struct Form;

impl Visitor<'_> for Form {
    type Value = OwnedUniqueId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the octets of a unique-id, or text of 0x21 to 0x7E with escapes such as \\x20")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OwnedUniqueId, E> {
        let octets = unescape(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))?;
        Ok(OwnedUniqueId(octets.into()))
    }

    fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<OwnedUniqueId, E> {
        Ok(UniqueId::new(octets).into())
    }
}

fn escape(octets: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(octets.len());
    for octet in octets {
        // Writing to a string cannot fail.
        let _ = match octet {
            b'\\' => text.write_str("\\x5c"),
            octet => write!(text, "{}", UniqueId::new(&[*octet])),
        };
    }
    text
}

/// Returns `None` if the text has another character, or a backslash that begins no escape.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    loop {
        rest = match *rest {
            [] => return Some(octets),
            [b'\\', b'x', high, low, ref rest @ ..] => {
                octets.push(digit(high)? << 4 | digit(low)?);
                rest
            }
            [octet @ (0x21..=0x5b | 0x5d..=0x7e), ref rest @ ..] => {
                octets.push(octet);
                rest
            }
            _ => return None,
        };
    }
}
