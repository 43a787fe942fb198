//! A client of SCRAM-SHA-256, written from RFC 5802 with only a hash function.

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};

/// Computes HMAC (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |octet: u8| block.map(|key| key ^ octet);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

fn xor(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// Computes `Hi` of RFC 5802, section 2.2.
fn hi(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut round = hmac(password, &[salt, &[0, 0, 0, 1]].concat());
    let mut sum = round;
    for _ in 1..iterations {
        round = hmac(password, &round);
        sum = xor(sum, round);
    }
    sum
}

pub(crate) fn encode(octets: impl AsRef<[u8]>) -> String {
    Base64::encode_string(octets.as_ref())
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).expect("the server's challenges are Base64")
}

/// The keys that the server keeps (RFC 5802, section 3).
#[allow(clippy::struct_field_names, reason = "the RFC's names")]
pub(crate) struct Keys {
    client_key: [u8; 32],
    pub(crate) stored_key: [u8; 32],
    pub(crate) server_key: [u8; 32],
}

impl Keys {
    pub(crate) fn new(password: &str, salt: &[u8], iterations: u32) -> Keys {
        let salted = hi(password.as_bytes(), salt, iterations);
        let client_key = hmac(&salted, b"Client Key");
        Keys { client_key, stored_key: Sha256::digest(client_key).into(), server_key: hmac(&salted, b"Server Key") }
    }
}

/// The parts of a client's messages, so that each can be wrong.
#[derive(Clone)]
pub(crate) struct Client {
    /// The GS2 header: `n,,` or other flags of channel binding and of the authorization identity.
    pub(crate) header: String,
    /// The escaped name.
    pub(crate) user: String,
    pub(crate) nonce: String,
    pub(crate) password: String,
    /// The octets after the header in `c=`.
    pub(crate) exporter: Vec<u8>,
}

/// A server's first message, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Challenge {
    pub(crate) nonce: String,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
}

impl Challenge {
    pub(crate) fn parse(message: &str) -> Challenge {
        let mut parts = message.split(',');
        let mut part = |name: &str| parts.next().and_then(|part| part.strip_prefix(name)).expect(name).to_owned();
        let (nonce, salt, iterations) = (part("r="), part("s="), part("i="));
        assert_eq!(parts.next(), None, "{message}");
        Challenge { nonce, salt: decode(&salt), iterations: iterations.parse().unwrap() }
    }
}

impl Client {
    pub(crate) fn new(user: &str, password: &str) -> Client {
        Client {
            header: "n,,".into(),
            user: user.into(),
            nonce: "fyko+d2lbbFgONRv9qkxdawL".into(),
            password: password.into(),
            exporter: Vec::new(),
        }
    }

    fn bare(&self) -> String {
        format!("n={},r={}", self.user, self.nonce)
    }

    pub(crate) fn first(&self) -> String {
        format!("{}{}", self.header, self.bare())
    }

    /// Returns the last message with the proof, and the answer that the server must give to it.
    pub(crate) fn last(&self, server_first: &str) -> (String, String) {
        let challenge = Challenge::parse(server_first);
        assert!(challenge.nonce.starts_with(&self.nonce) && challenge.nonce.len() >= self.nonce.len() + 18);
        let keys = Keys::new(&self.password, &challenge.salt, challenge.iterations);
        let binding = encode([self.header.as_bytes(), &self.exporter].concat());
        let without_proof = format!("c={binding},r={}", challenge.nonce);
        let said = format!("{},{server_first},{without_proof}", self.bare());
        let proof = xor(keys.client_key, hmac(&keys.stored_key, said.as_bytes()));
        let verifier = encode(hmac(&keys.server_key, said.as_bytes()));
        (format!("{without_proof},p={}", encode(proof)), format!("v={verifier}"))
    }
}

/// Checks the example of RFC 7677, section 3, so that the oracle itself is right.
#[test]
fn the_example_of_the_rfc() {
    let client = Client { nonce: "rOprNGfwEbeRWgbNEkqO".into(), ..Client::new("user", "pencil") };
    assert_eq!(client.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let (last, verifier) =
        client.last("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    assert_eq!(
        last,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert_eq!(verifier, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}
