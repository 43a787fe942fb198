//! A complete server session except for the stream: [`Server`], a maildrop, deletion marks and buffers.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::serve::maildrop::Maildrop;
use crate::serve::session::ServerSession;
use crate::server::{MIN_LIMIT, ServerConfig};
use crate::state::State;
use crate::wire::apop::Timestamp;
use crate::wire::buffer::Inbox;

/// The initial size of the inbox, in octets. It grows up to the maximum length of a client's line.
const INBOX: usize = 1024;

/// A server session without I/O: pass in the octets from the client, and send the [`pending`](Self::pending) octets,
/// until [`is_over`](Self::is_over) returns true.
///
/// It accepts logins by USER and PASS or PLAIN inside TLS (without TLS if [`ServerConfig::plaintext_login`] permits
/// it), by APOP if it has a timestamp, and with the feature `scram` by SCRAM-SHA-256 if the maildrop
/// has the keys (`Maildrop::has_scram`).
///
/// Its memory use is limited, regardless of what the client does: while the client does not read its answers, nothing
/// more is read from the client or from the maildrop. The session has no clock: you set the timeouts. Dropping a
/// session deletes nothing, at any moment.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use pop3_proto::{Service, ServerConfig};
/// use pop3_proto::serve::MailStore;
///
/// let store = MailStore::new();
/// store.add_user("mrose", "secret");
/// let config = ServerConfig::new().plaintext_login(true);
/// let mut service = Service::new(store.maildrop(), config, None);
///
/// let said = b"USER mrose\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"; // from a socket
/// service.spare()[..said.len()].copy_from_slice(said);
/// service.filled(said.len());
///
/// let answers = service.pending(); // to a socket
/// assert!(answers.ends_with(b"+OK 0 0\r\n+OK bye\r\n"));
/// let all = answers.len();
/// service.written(all);
/// assert!(service.is_over());
/// # }
/// ```
pub struct Service<M> {
    inbox: Inbox,
    session: ServerSession<M>,
    /// All input is answered, and the client sends next.
    wants_read: bool,
}

impl<M: Maildrop> Service<M> {
    /// Creates a session whose first output is the greeting. With a timestamp, it offers APOP. Use a new timestamp for
    /// each session (RFC 1939, section 7). A timestamp of more than 400 octets is ignored.
    pub fn new(maildrop: M, config: ServerConfig, timestamp: Option<Timestamp<'_>>) -> Service<M> {
        let session = ServerSession::new(maildrop, config, timestamp);
        let limit = config.max_line.max(config.max_response).max(MIN_LIMIT);
        Service { inbox: Inbox::for_secrets(INBOX, limit as usize), session, wants_read: true }
    }

    /// Returns the buffer for octets from the client. It is never empty while [`wants_read`](Self::wants_read) returns
    /// true.
    pub fn spare(&mut self) -> &mut [u8] {
        self.inbox.spare()
    }

    /// Processes the first `len` octets of [`spare`](Self::spare).
    pub fn filled(&mut self, len: usize) {
        self.inbox.filled(len);
        self.work();
    }

    /// Returns the octets to send to the client.
    pub fn pending(&self) -> &[u8] {
        self.session.out.pending()
    }

    /// Reports that the first `len` octets of [`pending`](Self::pending) were sent, and continues processing.
    pub fn written(&mut self, len: usize) {
        self.session.out.written(len);
        self.work();
    }

    /// Returns true if the session needs input from the client. If false, there are octets to send, a TLS handshake is
    /// due, or the session is over.
    pub const fn wants_read(&self) -> bool {
        self.wants_read
    }

    /// Returns true if the TLS handshake is due: do it, then call [`tls_established`](Self::tls_established) (RFC 2595,
    /// section 4).
    pub fn wants_tls(&self) -> bool {
        self.state() == State::Handshake && self.pending().is_empty()
    }

    /// Reports that the TLS handshake is complete. If no handshake was due, the session ends.
    pub fn tls_established(&mut self) {
        if !self.wants_tls() || self.session.server.tls_established(self.inbox.unread()).is_err() {
            self.session.server.close();
        }
        self.work();
    }

    /// Sets the channel binding for proofs of the client: the `tls-exporter` of the TLS connection (RFC 9266, section
    /// 2), 32 octets. Call this after the handshake; SCRAM-SHA-256-PLUS is then offered. Without the feature `scram`
    /// this has no effect.
    pub fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        self.session.set_channel_binding(exporter);
    }

    /// Returns true if the session has ended and everything is sent: close the connection now.
    pub fn is_over(&self) -> bool {
        self.state().is_over() && self.pending().is_empty()
    }

    /// Returns the memory of the buffers in octets. It is at most 1 KiB while the session waits for the client and no
    /// octets are left to send or to process.
    pub fn buffered(&self) -> usize {
        self.inbox.held() + self.session.held()
    }

    /// Returns the state of the session.
    pub const fn state(&self) -> State {
        self.session.server.state()
    }

    fn work(&mut self) {
        let Service { inbox, session, .. } = self;
        self.wants_read = loop {
            if session.server.state().is_over() {
                break false;
            }
            if !session.has_room() {
                break false;
            }
            if session.is_sending() {
                session.send();
                continue;
            }
            let before = inbox.unread().len();
            let answered = match inbox.take(|input| session.server.receive(input)) {
                Ok(Some(request)) => Some(session.answer(request).is_ok()),
                Ok(None) => None,
                Err(_) => Some(false),
            };
            // The octets may contain a password.
            inbox.wipe(before - inbox.unread().len());
            let Some(answered) = answered else { break session.server.wants_request() };
            if !answered {
                session.server.close();
            }
        };
        if self.wants_read {
            inbox.shrink();
            session.rest();
        }
    }
}

impl<M> fmt::Debug for Service<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerSession { server, out, .. } = &self.session;
        let pending = out.pending().len();
        f.debug_struct("Service").field("server", server).field("pending", &pending).finish_non_exhaustive()
    }
}
