//! A whole session of a server: [`Server`], a maildrop, marks and buffers. All that is missing is a stream.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::serve::maildrop::Maildrop;
use crate::serve::session::ServerSession;
use crate::server::{MIN_LIMIT, ServerConfig};
use crate::state::State;
use crate::wire::apop::Timestamp;
use crate::wire::buffer::Inbox;

/// What the inbox begins with, in octets. It grows as far as a client's line may be long.
const INBOX: usize = 1024;

/// A server's session without I/O: put in what the client sends, send what comes out, until it [is over](Self::is_over).
///
/// It logs in by USER and PASS or PLAIN inside TLS (or where [`ServerConfig::plaintext_login`] says so), by APOP if it has a
/// timestamp, and with the feature `scram` by SCRAM-SHA-256 if the maildrop [has the keys](Maildrop::has_scram).
///
/// The memory it takes is bounded, whatever the client does: while the client does not read its answers, nothing more
/// is read from the client nor from the maildrop. Time is the caller's: to drop a session at any moment deletes nothing.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use pop3_proto::{Service, ServerConfig};
/// use pop3_proto::serve::MailStore;
///
/// let store = MailStore::new();
/// store.add_user("mrose", "secret");
/// let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
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
    /// The client is to speak: all that it said is answered.
    wants_read: bool,
}

impl<M: Maildrop> Service<M> {
    /// A session that greets. With a timestamp it offers APOP, and the timestamp must be a new one for each session
    /// (RFC 1939, section 7); one of more than 400 octets is left out.
    pub fn new(maildrop: M, config: ServerConfig, timestamp: Option<Timestamp<'_>>) -> Service<M> {
        let session = ServerSession::new(maildrop, config, timestamp);
        let limit = config.max_line.max(config.max_response).max(MIN_LIMIT);
        Service { inbox: Inbox::for_secrets(INBOX, limit as usize), session, wants_read: true }
    }

    /// Where to put what the client sends. Never empty while [`wants_read`](Self::wants_read).
    pub fn spare(&mut self) -> &mut [u8] {
        self.inbox.spare()
    }

    /// Takes the first `len` octets of [`spare`](Self::spare), and goes on with the work.
    pub fn filled(&mut self, len: usize) {
        self.inbox.filled(len);
        self.work();
    }

    /// What is to be sent to the client.
    pub fn pending(&self) -> &[u8] {
        self.session.out.pending()
    }

    /// Forgets the first `len` octets of [`pending`](Self::pending), which were sent, and goes on with the work.
    pub fn written(&mut self, len: usize) {
        self.session.out.written(len);
        self.work();
    }

    /// Whether there is nothing to do before the client says more. While false, there is something to be sent, a TLS
    /// handshake to be done, or nothing more at all.
    pub const fn wants_read(&self) -> bool {
        self.wants_read
    }

    /// Whether the TLS handshake is to be done now, and then [`tls_established`](Self::tls_established) be called
    /// (RFC 2595, section 4).
    pub fn wants_tls(&self) -> bool {
        self.state() == State::Handshake && self.pending().is_empty()
    }

    /// Goes on inside TLS. Where no handshake was due, the session ends instead.
    pub fn tls_established(&mut self) {
        if !self.wants_tls() || self.session.server.tls_established(self.inbox.unread()).is_err() {
            self.session.server.close();
        }
        self.work();
    }

    /// What a proof of the client may be bound to from now on: the `tls-exporter` of the TLS connection (RFC 9266, section
    /// 2), 32 octets. Set it when the handshake is done: then SCRAM-SHA-256-PLUS is offered. Of no use without the feature
    /// `scram`.
    pub fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        self.session.set_channel_binding(exporter);
    }

    /// Whether the session ended and all is sent: close the connection now.
    pub fn is_over(&self) -> bool {
        self.state().is_over() && self.pending().is_empty()
    }

    /// The octets of memory that the buffers hold: at most 1 KiB while the client is to speak, all was sent to it, and
    /// nothing of what it said is left over.
    pub fn buffered(&self) -> usize {
        self.inbox.held() + self.session.held()
    }

    /// Where the session is.
    pub const fn state(&self) -> State {
        self.session.server.state()
    }

    /// The maildrop, to be used otherwise or dropped.
    pub fn into_maildrop(self) -> M {
        self.session.maildrop
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
            // Passwords go by here.
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
