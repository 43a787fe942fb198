//! A [`Service`] that behaves as its personality says.

use std::collections::BTreeSet;
use std::fmt;
use std::format;
use std::string::String;
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::answer::{Last, Rewriter, line_end};
use super::config::{Personality, Update};
use super::maildrop::Quirks;
use super::request::command;
use crate::serve::service::Service;
use crate::serve::{Layered, Maildrop};
use crate::server::ServerConfig;
use crate::state::State;
#[cfg(feature = "tls")]
use crate::testing::link::Encrypted;
use crate::testing::link::{Line, Responder, Schedule};
#[cfg(feature = "tls")]
use crate::tls::rustls;
use crate::wire::Timestamp;
use crate::wire::kind::Kind;

/// The timestamp in the greeting of [`Line::serving`], which is always the same.
const TIMESTAMP: &[u8] = b"<1896.697170952@dbc.mtview.ca.us>";
/// The octets of the client that are kept while no line is complete. A longer line is passed on in pieces.
const LONGEST_LINE: usize = 64 * 1024;
/// While more octets than this are pending, nothing more is read from the client or the maildrop.
const OUTBOX: usize = 64 * 1024;

/// A server session without I/O that has a [`Personality`]. Any loop that drives a [`Service`] can drive it: the
/// methods have the same names and meanings. With an idle time-out or a slow UPDATE, the loop also calls
/// [`pass_time`](Self::pass_time).
///
/// It changes what a [`Service`] hears and says, so everything that a personality leaves alone is the behavior of that
/// server, including TLS, SASL and all limits.
///
/// ```
/// use pop3_proto::ServerConfig;
/// use pop3_proto::serve::MailStore;
/// use pop3_proto::testing::personality::{Personality, QuirkyService};
///
/// let store = MailStore::new();
/// store.add_user("mrose", "secret");
/// let config = ServerConfig::new().plaintext_login(true);
/// let personality = Personality::new().greeting("hello").no_uidl();
/// let mut service = QuirkyService::new(store.maildrop(), config, None, personality);
///
/// let said = b"USER mrose\r\nPASS secret\r\nUIDL\r\n"; // from a socket, or from a link in memory
/// service.spare()[..said.len()].copy_from_slice(said);
/// service.filled(said.len());
///
/// let answers = service.pending();
/// assert!(answers.starts_with(b"+OK hello\r\n"));
/// assert!(answers.ends_with(b"-ERR unknown command\r\n"));
/// ```
pub struct QuirkyService<M> {
    service: Service<Layered<M, Quirks>>,
    personality: Personality,
    answer: Rewriter,
    /// The room for the next octets of the client, and those that are not passed on yet.
    room: Vec<u8>,
    inbox: Vec<u8>,
    /// The last octets that were passed on did not end a line.
    in_line: bool,
    out: Vec<u8>,
    /// The messages that UPDATE removes, although they are not marked.
    retrieved: BTreeSet<u32>,
    /// The message that a RETR in progress asks for.
    retrieving: Option<u32>,
    /// The time since the last octets from the client.
    idle: Duration,
    /// The time until the answer to QUIT may be sent, and the octets of `out` in front of that answer.
    delay: Option<(Duration, usize)>,
    over: bool,
    /// The time on the clock of a link.
    now: Duration,
}

impl<M: Maildrop> QuirkyService<M> {
    /// Creates a session whose first output is the greeting. See [`Service::new`] for the timestamp.
    pub fn new(
        maildrop: M,
        config: ServerConfig,
        timestamp: Option<Timestamp<'_>>,
        personality: Personality,
    ) -> QuirkyService<M> {
        let maildrop = Layered { maildrop, layer: Quirks::new(&personality) };
        let mut session = QuirkyService {
            service: Service::new(maildrop, config, timestamp),
            personality,
            answer: Rewriter::new(),
            room: Vec::new(),
            inbox: Vec::new(),
            in_line: false,
            out: Vec::new(),
            retrieved: BTreeSet::new(),
            retrieving: None,
            idle: Duration::ZERO,
            delay: None,
            over: false,
            now: Duration::ZERO,
        };
        session.work();
        session
    }

    /// Returns the buffer for octets from the client. It is never empty while [`wants_read`](Self::wants_read) returns
    /// true.
    pub fn spare(&mut self) -> &mut [u8] {
        self.room.resize(1024, 0);
        &mut self.room
    }

    /// Processes the first `len` octets of [`spare`](Self::spare).
    pub fn filled(&mut self, len: usize) {
        let len = len.min(self.room.len());
        self.inbox.extend_from_slice(&self.room[..len]);
        if len > 0 {
            self.idle = Duration::ZERO;
        }
        self.work();
    }

    /// Returns the octets to send to the client.
    pub fn pending(&self) -> &[u8] {
        let ready = self.delay.map_or(self.out.len(), |(_, ready)| ready);
        &self.out[..ready]
    }

    /// Reports that the first `len` octets of [`pending`](Self::pending) were sent, and continues processing.
    pub fn written(&mut self, len: usize) {
        let len = len.min(self.pending().len());
        self.out.drain(..len);
        if let Some((_, ready)) = &mut self.delay {
            *ready -= len;
        }
        self.work();
    }

    /// Returns true if the session needs input from the client. If false, there are octets to send, a TLS handshake is
    /// due, the answer to QUIT waits for [`pass_time`](Self::pass_time), or the session is over.
    pub fn wants_read(&self) -> bool {
        !self.over && self.delay.is_none() && self.out.len() <= OUTBOX && self.service.wants_read()
    }

    /// Returns true if the TLS handshake is due: do it, then call [`tls_established`](Self::tls_established).
    pub fn wants_tls(&self) -> bool {
        !self.over && self.out.is_empty() && self.service.wants_tls()
    }

    /// Reports that the TLS handshake is complete. If no handshake was due, the session ends.
    pub fn tls_established(&mut self) {
        // Plaintext after STLS is an injection, which the server has to see.
        let rest = std::mem::take(&mut self.inbox);
        self.pass_on(&rest);
        self.service.tls_established();
        self.work();
    }

    /// Sets the channel binding for proofs of the client. See [`Service::set_channel_binding`].
    pub fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        self.service.set_channel_binding(exporter);
    }

    /// Returns true if the session has ended and everything is sent: close the connection now.
    pub fn is_over(&self) -> bool {
        self.pending().is_empty() && self.delay.is_none() && (self.over || self.service.is_over())
    }

    /// Returns the state of the session. If the personality ended the session, it is [`State::Closed`].
    pub fn state(&self) -> State {
        if self.over { State::Closed } else { self.service.state() }
    }

    /// Returns the time that has to pass until the session does something on its own: it ends because the client is
    /// idle, or it sends the answer to QUIT. `None` if it only waits for the client or the loop.
    pub fn until(&self) -> Option<Duration> {
        if let Some((delay, _)) = self.delay {
            return Some(delay);
        }
        let (limit, _) = self.personality.idle.as_ref().filter(|_| self.wants_read())?;
        Some(limit.saturating_sub(self.idle))
    }

    /// Reports that time has passed on the clock of the test. There is no other clock.
    pub fn pass_time(&mut self, time: Duration) {
        if let Some((delay, ready)) = self.delay {
            let left = delay.saturating_sub(time);
            self.delay = (!left.is_zero()).then_some((left, ready));
            return;
        }
        if !self.wants_read() {
            return;
        }
        self.idle = self.idle.saturating_add(time);
        if let Some((_, text)) = self.personality.idle.as_ref().filter(|(limit, _)| self.idle >= *limit) {
            if let Some(text) = text {
                self.out.extend_from_slice(b"-ERR ");
                self.out.extend_from_slice(text.as_bytes());
                line_end(&self.personality, &mut self.out);
            }
            self.over = true;
        }
    }

    fn work(&mut self) {
        while !self.over {
            self.take_answer();
            if self.out.len() > OUTBOX || self.delay.is_some() || !self.service.wants_read() {
                return;
            }
            let line = self.inbox.iter().position(|&octet| octet == b'\n').map(|at| at + 1);
            let Some(len) = line.or_else(|| (self.inbox.len() >= LONGEST_LINE).then_some(self.inbox.len())) else {
                return;
            };
            let line: Vec<_> = self.inbox.drain(..len).collect();
            self.line(&line);
        }
    }

    /// Takes what the server says, rewritten.
    fn take_answer(&mut self) {
        while !self.service.pending().is_empty() && self.out.len() <= OUTBOX {
            let said = self.service.pending();
            let len = said.len();
            self.answer.rewrite(&self.personality, said, &mut self.out);
            self.service.written(len);
        }
        if self.service.wants_read() || self.service.is_over() {
            if let Some(number) = self.retrieving.take().filter(|_| self.answer.last == Last::Ok) {
                self.retrieved.insert(number);
            }
        }
    }

    /// Passes on a line of the client, or the line that has the effect that the personality wants.
    fn line(&mut self, line: &[u8]) {
        let is_command =
            !std::mem::replace(&mut self.in_line, !line.ends_with(b"\n")) && self.answer.last != Last::Challenge;
        let Some((kind, argument)) = command(line).filter(|_| is_command) else {
            self.answer.begin(None, None);
            return self.pass_on(line);
        };
        if kind == Kind::Quit {
            return self.quit(line);
        }
        let personality = self.personality.clone();
        if let Some(text) = personality.refusal(kind) {
            // A line that the server refuses in every state has the same effect on the state as a refused command.
            self.answer.begin(Some(kind), Some(text));
            return self.pass_on(b"XREFUSED\r\n");
        }
        match kind {
            Kind::Retr if personality.removes_retrieved => {
                self.retrieving = std::str::from_utf8(argument).ok().and_then(|number| number.parse().ok());
            }
            Kind::Rset => self.retrieved.clear(),
            _ => {}
        }
        self.answer.begin(Some(kind), None);
        self.pass_on(line);
    }

    fn quit(&mut self, line: &[u8]) {
        let was_logged_in = self.service.state() == State::Transaction;
        if was_logged_in {
            for number in std::mem::take(&mut self.retrieved) {
                self.answer.hide();
                self.pass_on(format!("DELE {number}\r\n").as_bytes());
                self.take_answer();
            }
        }
        let refusal = self.personality.refusal(Kind::Quit).map(String::from);
        self.answer.begin(Some(Kind::Quit), refusal.as_deref());
        match self.personality.update {
            Update::Silent { .. } if was_logged_in => {
                self.answer.hide();
                self.over = true;
            }
            Update::Slow(delay) if was_logged_in && !delay.is_zero() => self.delay = Some((delay, self.out.len())),
            _ => {}
        }
        self.pass_on(line);
        self.take_answer();
    }

    fn pass_on(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let spare = self.service.spare();
            let len = octets.len().min(spare.len());
            if len == 0 {
                return;
            }
            spare[..len].copy_from_slice(&octets[..len]);
            self.service.filled(len);
            octets = &octets[len..];
        }
    }
}

/// Time passes on the clock of the link.
impl<M: Maildrop> Responder for QuirkyService<M> {
    fn spare(&mut self) -> &mut [u8] {
        if self.wants_read() { self.spare() } else { &mut [] }
    }

    fn filled(&mut self, len: usize) {
        self.filled(len);
    }

    fn pending(&self) -> &[u8] {
        self.pending()
    }

    fn written(&mut self, len: usize) {
        self.written(len);
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn wants_tls(&self) -> bool {
        self.wants_tls()
    }

    fn tls_established(&mut self, exporter: Option<Zeroizing<Vec<u8>>>) {
        if self.wants_tls() {
            self.tls_established();
        }
        if let Some(exporter) = exporter {
            self.set_channel_binding(exporter);
        }
    }

    fn tick(&mut self, now: Duration) {
        self.pass_time(now.saturating_sub(self.now));
        self.now = now;
    }

    fn alarm(&self) -> Option<Duration> {
        self.until().map(|left| self.now.saturating_add(left))
    }
}

impl<M: Maildrop> Line<QuirkyService<M>> {
    /// Creates a line to a server for this maildrop, without a personality. It offers APOP with a timestamp that is
    /// always the same. For another timestamp or a personality, use [`new`](Line::new) with a [`QuirkyService`].
    pub fn serving(maildrop: M, config: ServerConfig, schedule: Schedule) -> Line<QuirkyService<M>> {
        let timestamp = Timestamp::find(TIMESTAMP);
        Line::new(QuirkyService::new(maildrop, config, timestamp, Personality::new()), schedule)
    }
}

#[cfg(feature = "tls")]
impl<M: Maildrop> Line<Encrypted<QuirkyService<M>>> {
    /// Creates a line to a server for this maildrop, with TLS from the beginning if `config` says
    /// [`inside_tls`](ServerConfig::inside_tls), or else after STLS. It has no personality and offers no APOP.
    ///
    /// # Panics
    ///
    /// Panics, also later, if the settings for TLS cannot be used.
    pub fn serving_tls(maildrop: M, config: ServerConfig, tls: Arc<rustls::ServerConfig>, schedule: Schedule) -> Self {
        let service = QuirkyService::new(maildrop, config, None, Personality::new());
        let server = if config.inside_tls { Encrypted::inside(service, tls) } else { Encrypted::new(service, tls) };
        Line::new(server, schedule)
    }
}

impl<M> fmt::Debug for QuirkyService<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QuirkyService { service, personality, .. } = self;
        f.debug_struct("QuirkyService")
            .field("service", service)
            .field("personality", personality)
            .finish_non_exhaustive()
    }
}
