//! The traces of a session: files, log entries, and the octets of messages.

use std::fs;
use std::sync::{Arc, Mutex};

use super::super::adapter::Reader;
use super::user::User;

impl User {
    /// The files that are left.
    pub(super) fn files(&self) -> usize {
        ["cur", "new"].iter().map(|folder| fs::read_dir(self.maildir.join(folder)).unwrap().count()).sum()
    }
}

/// The entries that a log has received, one per line.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn sink(&self) -> impl Fn(crate::LogEntry<'_>) + Send + Sync + 'static {
        let lines = Arc::clone(&self.0);
        move |entry| lines.lock().unwrap().push(entry.to_string())
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the lines that the client sent.
    pub(super) fn said(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line.strip_prefix("C: ")).map(str::to_owned).collect()
    }
}

/// Returns what Dovecot sends for a stored message: each bare LF becomes CRLF, and a line end is added if the last line
/// has none.
pub(super) fn sent(stored: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for (at, &octet) in stored.iter().enumerate() {
        if octet == b'\n' && (at == 0 || stored[at - 1] != b'\r') {
            sent.push(b'\r');
        }
        sent.push(octet);
    }
    if !sent.ends_with(b"\r\n") {
        sent.extend(b"\r\n");
    }
    sent
}

pub(super) fn read(mut message: impl Reader) -> Vec<u8> {
    let mut octets = Vec::new();
    message.read_to_end(&mut octets).unwrap();
    assert_eq!(message.octets(), octets.len() as u64);
    octets
}
