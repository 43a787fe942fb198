//! Other stores: one with keys but without passwords, one without both, one that fails.

use pop3_proto::sasl::{ScramKeys, ScramSecret};
use pop3_proto::serve::{Denial, LoginAttempt, Maildrop, StoreError};

use super::oracle::{Challenge, Client, Keys, encode};
use super::{OPEN, WRONG, challenge, log_in, say, session};

const SALT: &[u8; 16] = b"some random salt";
const ITERATIONS: u32 = 5000;

/// The methods of a maildrop without messages. A store of this file has them and its own ways to log in, where the
/// defaults of [`Maildrop`] matter.
macro_rules! has_no_messages {
    () => {
        fn count(&self) -> u32 {
            0
        }

        fn octets(&self, _: u32) -> u64 {
            0
        }

        fn unique_id(&self, _: u32) -> &'static str {
            ""
        }

        fn read(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<usize, StoreError> {
            Ok(0)
        }

        fn remove(&mut self, _: &mut dyn Iterator<Item = u32>) -> Result<(), StoreError> {
            Ok(())
        }
    };
}

/// Ann's keys and no password, or other keys if told so.
struct KeysOnly {
    gives: fn(&str) -> Result<ScramKeys, StoreError>,
    refuses: Option<Denial>,
}

impl KeysOnly {
    fn new(gives: fn(&str) -> Result<ScramKeys, StoreError>) -> KeysOnly {
        KeysOnly { gives, refuses: None }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it is one of those that may fail")]
fn anns(user: &str) -> Result<ScramKeys, StoreError> {
    if user != "ann" {
        return Ok(ScramSecret::new([9; 32]).keys_of_nobody(user, ITERATIONS));
    }
    let Keys { stored_key, server_key, .. } = Keys::new("top secret", SALT, ITERATIONS);
    Ok(ScramKeys { salt: SALT.to_vec(), iterations: ITERATIONS, stored_key, server_key })
}

impl Maildrop for KeysOnly {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        match (credentials, self.refuses.take()) {
            (LoginAttempt::Proved { user: "ann" }, None) => Ok(()),
            (LoginAttempt::Proved { .. }, Some(refused)) => Err(refused),
            _ => Err(Denial::Credentials),
        }
    }

    fn has_scram(&self) -> bool {
        true
    }

    fn scram_keys(&mut self, user: &str) -> Result<ScramKeys, StoreError> {
        (self.gives)(user)
    }

    has_no_messages!();
}

#[test]
fn keys_are_enough() {
    let ann = Client::new("ann", "top secret");
    assert_eq!(log_in(&mut session(KeysOnly::new(anns)), "SCRAM-SHA-256", &ann), OPEN);
    let wrong = Client::new("ann", "top secre");
    assert_eq!(log_in(&mut session(KeysOnly::new(anns)), "SCRAM-SHA-256", &wrong), WRONG);

    let mut service = session(KeysOnly::new(anns));
    let ours = say(&mut service, &format!("AUTH SCRAM-SHA-256 {}", encode(Client::new("bob", "").first())));
    let Challenge { salt, iterations, .. } = Challenge::parse(&challenge(&ours));
    assert_eq!((salt.len(), iterations), (SALT.len(), ITERATIONS), "nobody has keys like Ann's");
}

#[test]
fn the_keys_of_a_password_agree_with_the_oracle() {
    let derived = ScramKeys::derive("top secret", SALT, ITERATIONS).unwrap();
    assert_eq!(Ok(derived), anns("ann"));
    // The password is longer than a block of the hash.
    let long = "long ".repeat(30);
    let oracle = Keys::new(&long, SALT, 4096);
    let derived = ScramKeys::derive(&long, SALT, 0).unwrap();
    assert_eq!((derived.stored_key, derived.server_key), (oracle.stored_key, oracle.server_key));
}

#[test]
fn v11_the_store_has_the_last_word() {
    for (refused, line) in [
        (Denial::InUse, "-ERR [IN-USE] the maildrop is in use by another session\r\n"),
        (Denial::TooSoon, "-ERR [LOGIN-DELAY] the last login was too recent\r\n"),
        (Denial::Credentials, WRONG),
    ] {
        let mut service = session(KeysOnly { refuses: Some(refused), ..KeysOnly::new(anns) });
        let ann = Client::new("ann", "top secret");
        assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &ann), line);
        assert_eq!(log_in(&mut service, "SCRAM-SHA-256", &ann), OPEN, "and it may be tried again");
    }
}

#[test]
fn a_store_that_fails_says_so() {
    let mut service = session(KeysOnly::new(|_| Err(StoreError("the disk\r\n+OK is gone".into()))));
    let answer = log_in(&mut service, "SCRAM-SHA-256", &Client::new("ann", "top secret"));
    assert_eq!(answer, "-ERR [SYS/TEMP] the disk??+OK is gone\r\n");
}

/// The maildrop of most stores: it has passwords or hashes, and does not know SCRAM.
struct Plain;

impl Maildrop for Plain {
    fn login(&mut self, credentials: LoginAttempt<'_>) -> Result<(), Denial> {
        if credentials.prove(b"pw") { Ok(()) } else { Err(Denial::Credentials) }
    }

    has_no_messages!();
}

#[test]
fn a_store_without_keys_offers_nothing() {
    let mut service = session(Plain);
    assert!(!say(&mut service, "CAPA").contains("SASL"));
    assert_eq!(say(&mut service, "AUTH SCRAM-SHA-256"), "-ERR unknown mechanism\r\n");
}
