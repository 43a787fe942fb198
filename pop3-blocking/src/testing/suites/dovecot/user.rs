//! Users of the test's Dovecot, each with a Maildir that the test fills.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, process};

use super::super::adapter::{Adapter, Session};
use crate::{Connect, Security};

pub(super) const PASSWORD: &str = "pass";

pub(super) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: start a server with `.ci/dovecot start DIR`"))
}

pub(super) fn address() -> SocketAddr {
    variable("POP3_TEST_ADDR").parse().expect("POP3_TEST_ADDR is not an address")
}

/// A user whom no other test and no other run has.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) maildir: PathBuf,
    delivered: AtomicU32,
}

impl User {
    pub(super) fn new(test: &str) -> User {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let name = format!("{test}-{}-{now}", process::id());
        let maildir = PathBuf::from(variable("POP3_TEST_MAIL")).join(&name);
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.join(folder)).unwrap();
        }
        User { name, maildir, delivered: AtomicU32::new(0) }
    }

    /// A user with these messages.
    pub(super) fn with(test: &str, messages: &[&[u8]]) -> User {
        let user = User::new(test);
        for message in messages {
            user.deliver(message);
        }
        user
    }

    /// Returns the path of the next message. Dovecot numbers messages by the time in their names.
    pub(super) fn next_file(&self) -> PathBuf {
        let count = self.delivered.fetch_add(1, Ordering::Relaxed);
        self.maildir.join(format!("new/{}.P1M{count}.test", 1_600_000_000 + count))
    }

    pub(super) fn deliver(&self, message: &[u8]) {
        fs::File::create(self.next_file()).unwrap().write_all(message).unwrap();
    }

    pub(super) fn connect(&self) -> Connect {
        let address = address();
        Connect::new()
            .host(address.ip().to_string())
            .port(address.port())
            .user(&self.name)
            .password(PASSWORD)
            .security(Security::Plaintext)
            .allow_plaintext(true)
    }

    pub(super) fn open<A: Adapter>(&self) -> impl Session + use<A> {
        A::connect(self.connect()).unwrap()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // Another test may be reading the parent; what cannot be removed stays until the server's folder goes.
        let _ = fs::remove_dir_all(&self.maildir);
    }
}
