//! The SCRAM proofs of a password (RFC 5802, section 3), and Base64: an oracle, which shares no code with the crate.

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

pub(crate) fn base64(octets: &[u8]) -> String {
    Base64::encode_string(octets)
}

/// Decodes a text that is known to be Base64.
pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The digest that a SCRAM mechanism uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
}

impl Digest {
    /// Returns the digest of the mechanism of this name.
    pub(crate) fn of(mechanism: &str) -> Digest {
        if mechanism.starts_with("SCRAM-SHA-256") { Digest::Sha256 } else { Digest::Sha1 }
    }

    fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Digest::Sha1 => Sha1::digest(octets).to_vec(),
            Digest::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        const ANY: &str = "a key may have any length";
        match self {
            Digest::Sha1 => {
                Hmac::<Sha1>::new_from_slice(key).expect(ANY).chain_update(octets).finalize().as_bytes().to_vec()
            }
            Digest::Sha256 => {
                Hmac::<Sha256>::new_from_slice(key).expect(ANY).chain_update(octets).finalize().as_bytes().to_vec()
            }
        }
    }

    /// Returns the proofs, the client's and the server's.
    pub(crate) fn proofs(self, password: &str, salt: &[u8], iterations: u32, auth_message: &str) -> [Vec<u8>; 2] {
        let mut last = self.hmac(password.as_bytes(), &[salt, &1_u32.to_be_bytes()].concat());
        let mut salted = last.clone();
        for _ in 1..iterations {
            last = self.hmac(password.as_bytes(), &last);
            salted = xor(&salted, &last);
        }
        let client_key = self.hmac(&salted, b"Client Key");
        let signature = self.hmac(&self.digest(&client_key), auth_message.as_bytes());
        let server_key = self.hmac(&salted, b"Server Key");
        [xor(&client_key, &signature), self.hmac(&server_key, auth_message.as_bytes())]
    }
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// Checks the examples of RFC 5802, section 5, and RFC 7677, section 3.
#[test]
fn the_oracle_agrees_with_the_examples_of_the_rfcs() {
    let examples = [
        (
            Digest::Sha1,
            "QSXCR+Q6sek8bf92",
            "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
             s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            ["v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="],
        ),
        (
            Digest::Sha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            ["dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="],
        ),
    ];
    for (digest, salt, auth_message, expected) in examples {
        let proofs = digest.proofs("pencil", &unbase64(salt), 4096, auth_message);
        assert_eq!(proofs.map(|proof| base64(&proof)), expected);
    }
}
