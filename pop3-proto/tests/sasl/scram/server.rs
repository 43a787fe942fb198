//! A server of SCRAM that follows the RFCs, or cheats. It shares no code with the client.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::play::{base64, unbase64};

/// The functions of RFC 5802, section 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Sha1,
    Sha256,
}

impl Function {
    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let text = parts.concat();
        match self {
            Function::Sha1 => {
                Hmac::<Sha1>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
            }
            Function::Sha256 => {
                Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
            }
        }
    }

    fn hash(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Function::Sha1 => Sha1::digest(octets).to_vec(),
            Function::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut round = self.hmac(password, &[salt, &1u32.to_be_bytes()]);
        let mut all = round.clone();
        for _ in 1..iterations {
            round = self.hmac(password, &[&round]);
            all.iter_mut().zip(&round).for_each(|(all, octet)| *all ^= octet);
        }
        all
    }
}

/// The server's way to cheat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cheat {
    /// The whole first message, instead of the right one; `{nonce}` is the client's.
    pub(crate) first: Option<String>,
    /// The whole final message.
    pub(crate) last: Option<String>,
    /// Says `+OK` after so many messages of its own.
    pub(crate) ok_after: Option<usize>,
    /// Says this at the end.
    pub(crate) end: Option<&'static str>,
}

pub(crate) struct Server {
    pub(crate) function: Function,
    pub(crate) password: String,
    pub(crate) exporter: Vec<u8>,
    pub(crate) cheat: Cheat,
    pub(crate) messages: Vec<String>,
    /// The validity of the client's proof, if it sent one.
    pub(crate) proved: Option<bool>,
}

impl Server {
    pub(crate) fn new(function: Function, cheat: Cheat) -> Server {
        Server { function, password: "pencil".into(), exporter: vec![], cheat, messages: vec![], proved: None }
    }

    pub(crate) fn answer(&mut self, line: &str) -> String {
        let text = match line {
            "*" => return "-ERR cancelled\r\n".into(),
            _ => line.rsplit(' ').next().unwrap(),
        };
        let message = String::from_utf8(unbase64(text)).unwrap();
        if let (Some(last), true) = (self.cheat.ok_after, self.messages.len() % 2 == 0) {
            if self.messages.len() / 2 == last {
                return "+OK come in\r\n".into();
            }
        }
        let reply = match self.messages.len() {
            0 => self.first(&message),
            2 => self.last(&message),
            _ => {
                assert_eq!(message, "", "the client has nothing more to say");
                return self
                    .cheat
                    .end
                    .unwrap_or(if self.proved == Some(true) { "+OK" } else { "-ERR [AUTH] no" })
                    .to_owned()
                    + "\r\n";
            }
        };
        self.messages.extend([message, reply.clone()]);
        format!("+ {}\r\n", base64(reply))
    }

    fn first(&self, message: &str) -> String {
        let nonce = message.split(",r=").nth(1).unwrap();
        let salt = base64("a salt");
        let first = self.cheat.first.clone().unwrap_or(format!("r={{nonce}}3rfcNHYJY1ZVvWVs7j,s={salt},i=4096"));
        first.replace("{nonce}", nonce)
    }

    fn last(&mut self, message: &str) -> String {
        let [client_first, server_first] = &self.messages[..] else { panic!() };
        let salted = self.function.salted(self.password.as_bytes(), b"a salt", 4096);
        let key = |name: &[u8]| self.function.hmac(&salted, &[name]);
        let (client_key, server_key) = (key(b"Client Key"), key(b"Server Key"));
        let (without_proof, proof) = message.split_once(",p=").unwrap();
        let bare_at = client_first
            .find(",n=")
            .or(client_first.find(",,"))
            .map(|_| client_first.match_indices(',').nth(1).unwrap().0 + 1);
        let (header, bare) = client_first.split_at(bare_at.unwrap());
        let signed = [bare, server_first, without_proof].join(",");
        let signature = self.function.hmac(&self.function.hash(&client_key), &[signed.as_bytes()]);
        let expected: Vec<u8> = signature.iter().zip(&client_key).map(|(a, b)| a ^ b).collect();
        let binding = [header.as_bytes(), &self.exporter].concat();
        let bound = without_proof.starts_with(&format!("c={},", base64(&binding)));
        self.proved = Some(bound && unbase64(proof) == expected);
        if let Some(last) = &self.cheat.last {
            return last.clone();
        }
        match self.proved {
            Some(true) => format!("v={}", base64(self.function.hmac(&server_key, &[signed.as_bytes()]))),
            _ => "e=invalid-proof".into(),
        }
    }
}

#[test]
fn the_oracle_knows_the_vectors_of_the_rfcs() {
    for (function, salt, signed, proof, verifier) in [
        (
            Function::Sha1,
            "QSXCR+Q6sek8bf92",
            "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Function::Sha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ] {
        let salted = function.salted(b"pencil", &unbase64(salt), 4096);
        let client_key = function.hmac(&salted, &[b"Client Key"]);
        let signature = function.hmac(&function.hash(&client_key), &[signed.as_bytes()]);
        let ours: Vec<u8> = signature.iter().zip(&client_key).map(|(a, b)| a ^ b).collect();
        assert_eq!(base64(ours), proof);
        assert_eq!(base64(function.hmac(&function.hmac(&salted, &[b"Server Key"]), &[signed.as_bytes()])), verifier);
    }
}
