//! The events of a role, as octets that can be compared.

use std::fmt;

/// Begins each entry. No alphabet contains it.
const MARK: u8 = 0xff;

/// What a caller has learned, in order. The pieces of a body are joined.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard(Vec<u8>);

impl Heard {
    pub(crate) fn note(&mut self, what: &str, octets: &[u8]) {
        self.0.push(MARK);
        self.0.extend_from_slice(what.as_bytes());
        self.0.push(b' ');
        self.0.extend_from_slice(octets);
    }

    /// Notes a piece of a body, which continues the one before it.
    pub(crate) fn body(&mut self, what: &str, octets: &[u8]) {
        let begins = |entry: &[u8]| entry.strip_prefix(what.as_bytes()).is_some_and(|rest| rest.starts_with(b" "));
        if self.0.rsplit(|&octet| octet == MARK).next().is_some_and(begins) {
            self.0.extend_from_slice(octets);
        } else {
            self.note(what, octets);
        }
    }

    /// Appends other events, which may begin with more of a body.
    pub(crate) fn append(&mut self, other: &Heard) {
        for entry in other.0.split(|&octet| octet == MARK).skip(1) {
            if let Some(at) = entry.windows(6).position(|octets| octets == b" body ") {
                let (what, octets) = entry.split_at(at + 5);
                self.body(&String::from_utf8_lossy(what), &octets[1..]);
            } else {
                self.0.push(MARK);
                self.0.extend_from_slice(entry);
            }
        }
    }

    pub(crate) fn copy(&mut self, other: &Heard) {
        self.0.clone_from(&other.0);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.split(|&octet| octet == MARK).skip(1);
        f.debug_list().entries(entries.map(|entry| entry.escape_ascii().to_string())).finish()
    }
}
