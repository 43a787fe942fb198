//! Names for messages that are valid across sessions and accounts.

use std::fmt;

use sha2::{Digest, Sha256};

/// An account. Other accounts may have the same unique-ids.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The host, and its port unless that is a standard port of POP3.
    pub(crate) server: String,
    pub(crate) user: String,
}

/// A digest of an account and of the name of a message in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Mark(String);

impl Mark {
    const OCTETS: usize = 16;

    /// Returns the mark of the message with this unique-id, which is not empty.
    pub(crate) fn new(account: &Account, unique_id: &[u8]) -> Mark {
        Mark::of(&[account.server.as_bytes(), account.user.as_bytes(), unique_id])
    }

    /// Returns the mark of the messages without a unique-id that have the same digest, or the same size. No unique-id
    /// has the same mark.
    pub(crate) fn nameless(account: &Account, what: &impl fmt::Display) -> Mark {
        Mark::of(&[account.server.as_bytes(), account.user.as_bytes(), b"", what.to_string().as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Mark {
        let mut digest = Sha256::new();
        for part in parts {
            // The length is hashed too, so that the parts of two accounts cannot run into each other.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        // Half of the digest rules out accidental collisions. A server that finds one can only lose its own mail.
        let half = digest.finalize().iter().take(Mark::OCTETS).fold(0, |half, octet| half << 8 | u128::from(*octet));
        Mark(format!("{half:032x}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Mark> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (hex && text.len() == 2 * Mark::OCTETS).then(|| Mark(text.to_owned()))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
