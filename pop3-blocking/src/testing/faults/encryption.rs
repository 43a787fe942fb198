//! TLS of the server, and of the client that trusts it.
//!
//! See [`faults`](super) for an example.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use crate::{Tls, client_config};
use pop3_proto::tls::rustls::client::Resumption;
use pop3_proto::tls::rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::super::authority::{Authority, valid_for};
use super::host::Said;

/// The name in the certificate of the server.
pub const HOST: &str = "pop.example.org";

/// The settings of both sides for TLS.
#[derive(Clone, Debug)]
pub struct Protection {
    config: Arc<ServerConfig>,
    /// The settings of a client that trusts the server.
    pub trusted: Tls,
    /// True if TLS begins with STLS, and not with the connection.
    pub stls: bool,
}

impl Protection {
    /// Creates settings without resumption, so that all sessions are alike.
    ///
    /// # Panics
    ///
    /// Panics if the version cannot be used.
    pub fn new(version: &'static SupportedProtocolVersion, stls: bool) -> Protection {
        let authority = Authority::new();
        let config = authority.issue(valid_for(&[HOST])).server_of(&[version]);
        let mut trusted = (*client_config(&authority.trusted()).unwrap()).clone();
        trusted.resumption = Resumption::disabled();
        Protection { config, trusted: Arc::new(trusted).into(), stls }
    }
}

/// The server's end of TLS.
pub(super) struct Encryption {
    connection: ServerConnection,
    /// The client has sent invalid octets, or an alert about ours.
    pub(super) is_broken: bool,
    /// Plaintext that no octets carry yet.
    waiting: Vec<u8>,
    is_closed: bool,
}

impl Encryption {
    pub(super) fn new(protection: &Protection) -> Encryption {
        let connection = ServerConnection::new(Arc::clone(&protection.config)).unwrap();
        Encryption { connection, is_broken: false, waiting: Vec::new(), is_closed: false }
    }

    pub(super) fn is_established(&self) -> bool {
        !self.connection.is_handshaking()
    }

    pub(super) fn decrypt(&mut self, mut octets: &[u8]) -> Vec<u8> {
        let mut plaintext = Vec::new();
        while !octets.is_empty() && !self.is_broken {
            self.connection.read_tls(&mut octets).unwrap();
            match self.connection.process_new_packets() {
                Ok(state) => {
                    let mut piece = vec![0; state.plaintext_bytes_to_read()];
                    self.connection.reader().read_exact(&mut piece).unwrap();
                    plaintext.extend(piece);
                }
                Err(_) => self.is_broken = true,
            }
        }
        plaintext
    }

    pub(super) fn encrypt(&mut self, plaintext: &[u8]) {
        self.connection.writer().write_all(plaintext).unwrap();
        self.waiting.extend(plaintext);
    }

    /// The octets to send. At the end, TLS is closed.
    pub(super) fn take(&mut self, is_over: bool) -> Said {
        let mut octets = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut octets).unwrap();
        }
        let plaintext = if self.is_established() { std::mem::take(&mut self.waiting) } else { Vec::new() };
        let known = octets.len();
        if is_over && !self.is_closed {
            self.is_closed = true;
            self.connection.send_close_notify();
            self.connection.write_tls(&mut octets).unwrap();
        }
        Said { octets, plaintext, known }
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryption").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
