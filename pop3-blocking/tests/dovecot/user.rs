//! Users of the test's Dovecot, each with a Maildir that the test fills.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, process};

use pop3_blocking::{Connect, MessageReader, Security, Session, Tcp, connect};

pub(crate) const PASSWORD: &str = "pass";

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: start a server with `.ci/dovecot start DIR`"))
}

pub(crate) fn address() -> SocketAddr {
    variable("POP3_TEST_ADDR").parse().expect("POP3_TEST_ADDR is not an address")
}

/// Returns the address at which TLS begins at once.
#[cfg(feature = "tls")]
pub(crate) fn tls_address() -> SocketAddr {
    variable("POP3_TEST_TLS_ADDR").parse().expect("POP3_TEST_TLS_ADDR is not an address")
}

/// A user whom no other test and no other run has.
pub(crate) struct User {
    pub(crate) name: String,
    maildir: PathBuf,
    delivered: AtomicU32,
}

impl User {
    pub(crate) fn new(test: &str) -> User {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let name = format!("{test}-{}-{now}", process::id());
        let maildir = PathBuf::from(variable("POP3_TEST_MAIL")).join(&name);
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.join(folder)).unwrap();
        }
        User { name, maildir, delivered: AtomicU32::new(0) }
    }

    /// A user with these messages.
    pub(crate) fn with(test: &str, messages: &[&[u8]]) -> User {
        let user = User::new(test);
        for message in messages {
            user.deliver(message);
        }
        user
    }

    /// Returns the path of the next message. Dovecot numbers messages by the time in their names.
    pub(crate) fn next_file(&self) -> PathBuf {
        let count = self.delivered.fetch_add(1, Ordering::Relaxed);
        self.maildir.join(format!("new/{}.P1M{count}.test", 1_600_000_000 + count))
    }

    pub(crate) fn deliver(&self, message: &[u8]) {
        fs::File::create(self.next_file()).unwrap().write_all(message).unwrap();
    }

    /// The files that are left.
    pub(crate) fn files(&self) -> usize {
        ["cur", "new"].iter().map(|folder| fs::read_dir(self.maildir.join(folder)).unwrap().count()).sum()
    }

    pub(crate) fn connect(&self) -> Connect {
        let address = address();
        Connect::new()
            .host(address.ip().to_string())
            .port(address.port())
            .user(&self.name)
            .password(PASSWORD)
            .security(Security::Plaintext)
            .allow_plaintext(true)
    }

    pub(crate) fn open(&self) -> Session<Tcp> {
        connect(self.connect()).unwrap()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // Another test may be reading the parent; what cannot be removed stays until the server's folder goes.
        let _ = fs::remove_dir_all(&self.maildir);
    }
}

/// The entries that a log has received, one per line.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn sink(&self) -> impl Fn(pop3_blocking::LogEntry<'_>) + Send + Sync + 'static {
        let lines = Arc::clone(&self.0);
        move |entry| lines.lock().unwrap().push(entry.to_string())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Returns the lines that the client sent.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line.strip_prefix("C: ")).map(str::to_owned).collect()
    }
}

/// Returns what Dovecot sends for a stored message: each bare LF becomes CRLF, and a line end is added if the last line
/// has none.
pub(crate) fn sent(stored: &[u8]) -> Vec<u8> {
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

pub(crate) fn read<S: std::io::Read + Write>(mut message: MessageReader<'_, S>) -> Vec<u8> {
    let mut octets = Vec::new();
    std::io::Read::read_to_end(&mut message, &mut octets).unwrap();
    assert_eq!(message.octets(), octets.len() as u64);
    octets
}
