//! TLS of the server, and of the client who trusts it.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use pop3_blocking::pop3_proto::tls::rustls::client::Resumption;
use pop3_blocking::pop3_proto::tls::rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use pop3_blocking::{Tls, client_config};

use crate::authority::{Authority, valid_for};
use crate::host::Said;

/// The name that the certificate is for.
pub(crate) const HOST: &str = "pop.example.org";

/// The encryption of a session.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    config: Arc<ServerConfig>,
    pub(crate) trusted: Tls,
    /// Begins TLS by STLS.
    pub(crate) stls: bool,
}

impl Protection {
    /// Without resumption, so that all sessions are alike.
    pub(crate) fn new(version: &'static SupportedProtocolVersion, stls: bool) -> Protection {
        let authority = Authority::new();
        let config = authority.issue(valid_for(&[HOST])).server_of(&[version]);
        let mut trusted = (*client_config(&authority.trusted()).unwrap()).clone();
        trusted.resumption = Resumption::disabled();
        Protection { config, trusted: Arc::new(trusted).into(), stls }
    }
}

/// The server's end of TLS.
pub(crate) struct Encryption {
    connection: ServerConnection,
    /// The client has sent nonsense, or complained of ours.
    pub(crate) is_broken: bool,
    /// Plaintext that no octets carry yet.
    waiting: Vec<u8>,
    is_closed: bool,
}

impl Encryption {
    pub(crate) fn new(protection: &Protection) -> Encryption {
        let connection = ServerConnection::new(Arc::clone(&protection.config)).unwrap();
        Encryption { connection, is_broken: false, waiting: Vec::new(), is_closed: false }
    }

    pub(crate) fn is_established(&self) -> bool {
        !self.connection.is_handshaking()
    }

    pub(crate) fn decrypt(&mut self, mut octets: &[u8]) -> Vec<u8> {
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

    pub(crate) fn encrypt(&mut self, plaintext: &[u8]) {
        self.connection.writer().write_all(plaintext).unwrap();
        self.waiting.extend(plaintext);
    }

    /// The octets to be sent. At the end TLS is closed.
    pub(crate) fn take(&mut self, is_over: bool) -> Said {
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
