//! A server inside TLS at the end of a link.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use super::line::Responder;
use crate::tls::channel_binding;
use crate::tls::rustls::{ServerConfig, ServerConnection};

/// The most octets from the client that are processed together.
const SPACE: usize = 4096;

/// A server inside TLS, for a [`Line`](super::Line). The [schedule](super::Schedule) and the [record](super::Record) of
/// the link see the encrypted octets.
///
/// TLS begins when the server [wants it](Responder::wants_tls), such as after STLS, or with the connection if you use
/// [`inside`](Self::inside).
///
/// ```
/// use std::sync::Arc;
/// use pop3_proto::ServerConfig;
/// use pop3_proto::serve::MailStore;
/// use pop3_proto::testing::link::{Encrypted, Line, Schedule};
/// use pop3_proto::testing::personality::{Personality, QuirkyService};
/// use pop3_proto::tls::rustls;
/// # fn server_config(cert: Vec<u8>, key: Vec<u8>) -> Result<rustls::ServerConfig, rustls::Error> {
/// #     let provider = Arc::new(rustls::crypto::ring::default_provider());
/// #     let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
/// #     builder.with_no_client_auth().with_single_cert(vec![cert.into()], key.try_into().unwrap())
/// # }
///
/// let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// let tls = server_config(certified.cert.der().to_vec(), certified.key_pair.serialize_der())?;
/// let config = ServerConfig::new().stls(true);
/// let service = QuirkyService::new(MailStore::new().maildrop(), config, None, Personality::new());
/// let mut line = Line::new(Encrypted::new(service, Arc::new(tls)), Schedule::new());
///
/// let mut space = [0; 1024];
/// line.read(&mut space).unwrap();
/// line.write(b"STLS\r\n").unwrap();
/// let len = line.read(&mut space).unwrap();
/// assert!(space[..len].starts_with(b"+OK"));
/// line.write(b"what?").unwrap(); // here a client writes what its side of TLS says
/// let len = line.read(&mut space).unwrap();
/// assert_eq!(space[..len][0], 21, "an alert: this was no TLS");
/// assert_eq!(line.read(&mut space), Ok(0), "the server closes the connection");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `testing::link` of the adapters has an example with a client.
pub struct Encrypted<R> {
    responder: R,
    config: Arc<ServerConfig>,
    /// TLS, once it has begun.
    tls: Option<ServerConnection>,
    /// The handshake is complete.
    is_established: bool,
    /// The client has sent invalid octets, or an alert.
    is_broken: bool,
    /// The server has closed TLS.
    is_closed: bool,
    space: Vec<u8>,
    /// Encrypted octets to send.
    out: Vec<u8>,
}

impl<R: Responder> Encrypted<R> {
    /// Creates a server that begins TLS when `responder` wants it.
    ///
    /// # Panics
    ///
    /// Panics, also later, if the configuration cannot be used.
    pub fn new(responder: R, config: Arc<ServerConfig>) -> Encrypted<R> {
        let mut server = Encrypted {
            responder,
            config,
            tls: None,
            is_established: false,
            is_broken: false,
            is_closed: false,
            space: vec![0; SPACE],
            out: Vec::new(),
        };
        server.work();
        server
    }

    /// Creates a server that begins TLS with the connection.
    ///
    /// # Panics
    ///
    /// Panics if the configuration cannot be used.
    pub fn inside(responder: R, config: Arc<ServerConfig>) -> Encrypted<R> {
        let mut server = Encrypted::new(responder, config);
        server.begin();
        server
    }

    /// Returns the server inside.
    pub const fn responder(&self) -> &R {
        &self.responder
    }

    /// Returns the server inside, to change its behavior.
    pub const fn responder_mut(&mut self) -> &mut R {
        &mut self.responder
    }

    fn begin(&mut self) {
        let connection = ServerConnection::new(Arc::clone(&self.config));
        self.tls.get_or_insert_with(|| connection.expect("the configuration can be used"));
    }

    /// Lets the server and TLS work until they wait for the client.
    fn work(&mut self) {
        if self.tls.is_none() && self.responder.pending().is_empty() && self.responder.wants_tls() {
            self.begin();
        }
        while self.decrypt() || self.encrypt() {}
    }

    /// Passes plaintext to the server. Returns true if there may be more to do.
    fn decrypt(&mut self) -> bool {
        let Some(tls) = self.tls.as_mut().filter(|tls| !self.is_broken && !tls.is_handshaking()) else { return false };
        if !self.is_established {
            self.is_established = true;
            self.responder.tls_established(channel_binding(tls));
        }
        let spare = self.responder.spare();
        match tls.reader().read(spare) {
            Ok(len) if len > 0 => self.responder.filled(len),
            // There is no space, no plaintext, or the client has closed TLS.
            _ => return false,
        }
        true
    }

    /// Takes octets of the server. Returns true if there may be more to do.
    fn encrypt(&mut self) -> bool {
        let Some(tls) = &mut self.tls else { return false };
        let mut moved = false;
        // The server must not answer faster than the client reads.
        if self.is_established && self.out.is_empty() && !self.is_broken {
            let len = tls.writer().write(self.responder.pending()).unwrap_or(0);
            self.responder.written(len);
            moved = len > 0;
            if self.responder.pending().is_empty() && self.responder.is_over() && !self.is_closed {
                self.is_closed = true;
                tls.send_close_notify();
            }
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.out).expect("a vector takes everything");
        }
        moved
    }

    /// Passes octets of the client to TLS.
    fn receive(&mut self, mut len: usize) {
        let Some(tls) = &mut self.tls else { return };
        let mut octets = &self.space[..len];
        while len > 0 && !self.is_broken {
            let read = tls.read_tls(&mut octets).ok().filter(|read| *read > 0);
            len -= read.unwrap_or(len);
            self.is_broken = read.is_none() || tls.process_new_packets().is_err();
        }
        if self.is_broken {
            self.responder.closed();
        }
    }
}

impl<R: Responder> Responder for Encrypted<R> {
    fn spare(&mut self) -> &mut [u8] {
        let Some(tls) = &self.tls else { return self.responder.spare() };
        let has_room = tls.is_handshaking() || !self.responder.spare().is_empty();
        if has_room && !self.is_over() { &mut self.space } else { &mut [] }
    }

    fn filled(&mut self, len: usize) {
        if self.tls.is_some() {
            self.receive(len);
        } else {
            self.responder.filled(len);
        }
        self.work();
    }

    fn pending(&self) -> &[u8] {
        if self.tls.is_some() { &self.out } else { self.responder.pending() }
    }

    fn written(&mut self, len: usize) {
        if self.tls.is_some() {
            self.out.drain(..len);
        } else {
            self.responder.written(len);
        }
        self.work();
    }

    fn is_over(&self) -> bool {
        if self.tls.is_some() { self.is_broken || self.is_closed } else { self.responder.is_over() }
    }

    fn closed(&mut self) {
        self.responder.closed();
    }

    fn tick(&mut self, now: Duration) {
        self.responder.tick(now);
        self.work();
    }

    fn alarm(&self) -> Option<Duration> {
        self.responder.alarm()
    }
}

impl<R: fmt::Debug> fmt::Debug for Encrypted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Encrypted { responder, tls, .. } = self;
        f.debug_struct("Encrypted").field("responder", responder).field("tls", &tls.is_some()).finish_non_exhaustive()
    }
}
