//! A whole session of a server: [`Server`], a maildrop, marks and buffers. All that is missing is a stream.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use zeroize::Zeroize as _;

use crate::apop::{Digest, Timestamp};
use crate::command::Command;
use crate::maildrop::{Credentials, Maildrop, StoreError};
use crate::reply::{Code, DropListing, ScanListing};
use crate::sasl::{self, Payload, Response};
use crate::server::{AnswerError, MIN_LIMIT, Request, Server, ServerConfig};
use crate::state::State;

/// No more is written than this, in octets, while the client does not read.
const OUTBOX: usize = 64 * 1024;
/// The work goes on while this much of it is free: room for any line, and for a challenge of ours.
const LOW: usize = 1024;
/// How much of a message is read from the maildrop at a time, in octets.
const PIECE: usize = 16 * 1024;
/// What the inbox begins with, in octets. It grows as far as a client's line may be long.
const INBOX: usize = 1024;

/// A server's session without I/O: put in what the client sends, send what comes out, until it [is over](Self::is_over).
///
/// The memory it takes is bounded, whatever the client does: while the client does not read its answers, nothing more
/// is read from the client nor from the maildrop. Time is the caller's: to drop a session at any moment deletes nothing.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use pop3_proto::{Service, ServerConfig, memory::MailStore};
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
    desk: Desk<M>,
    /// The client is to speak: all that it said is answered.
    wants_read: bool,
}

impl<M: Maildrop> Service<M> {
    /// A session that greets. With a timestamp it offers APOP, and the timestamp must be a new one for each session
    /// (RFC 1939, section 7); one of more than 400 octets is left out.
    pub fn new(maildrop: M, config: ServerConfig, timestamp: Option<Timestamp<'_>>) -> Service<M> {
        let mut desk = Desk {
            server: Server::new(config),
            maildrop,
            timestamp: None,
            user: String::new(),
            marks: Vec::new(),
            sending: Sending::Nothing,
            piece: Piece::default(),
            out: Outbox::default(),
        };
        let text = "POP3 server ready";
        match timestamp.filter(|_| desk.server.greeting(timestamp, text, &mut desk.out.octets).is_ok()) {
            Some(timestamp) => desk.timestamp = Some(timestamp.as_bytes().into()),
            // The very first answer is always due, and the outbox takes it.
            None => desk.server.greeting(None, text, &mut desk.out.octets).unwrap_or_default(),
        }
        let limit = config.max_line.max(config.max_response).max(MIN_LIMIT);
        let inbox = Inbox { octets: Vec::new(), start: 0, end: 0, limit: limit as usize };
        Service { inbox, desk, wants_read: true }
    }

    /// Where to put what the client sends. Never empty while [`wants_read`](Self::wants_read).
    pub fn spare(&mut self) -> &mut [u8] {
        self.inbox.spare()
    }

    /// Takes the first `len` octets of [`spare`](Self::spare), and goes on with the work.
    pub fn filled(&mut self, len: usize) {
        self.inbox.end = self.inbox.octets.len().min(self.inbox.end.saturating_add(len));
        self.work();
    }

    /// What is to be sent to the client.
    pub fn pending(&self) -> &[u8] {
        &self.desk.out.octets[self.desk.out.sent..]
    }

    /// Forgets the first `len` octets of [`pending`](Self::pending), which were sent, and goes on with the work.
    pub fn written(&mut self, len: usize) {
        self.desk.out.written(len);
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
        if !self.wants_tls() || self.desk.server.tls_established(self.inbox.said()).is_err() {
            self.desk.server.close();
        }
        self.work();
    }

    /// Whether the session ended and all is sent: close the connection now.
    pub fn is_over(&self) -> bool {
        self.state().is_over() && self.pending().is_empty()
    }

    /// Where the session is.
    pub const fn state(&self) -> State {
        self.desk.server.state()
    }

    /// The maildrop, to be used otherwise or dropped.
    pub fn into_maildrop(self) -> M {
        self.desk.maildrop
    }

    fn work(&mut self) {
        let Service { inbox, desk, .. } = self;
        self.wants_read = loop {
            if desk.server.state().is_over() {
                break false;
            }
            if OUTBOX.saturating_sub(desk.out.octets.len()) < LOW {
                break false;
            }
            if !matches!(desk.sending, Sending::Nothing) {
                desk.send();
                continue;
            }
            let mut input = inbox.said();
            let before = input.len();
            let request = desk.server.receive(&mut input);
            let rest = input.len();
            let answered = match request {
                Ok(Some(request)) => desk.answer(request).is_ok(),
                Ok(None) => {
                    inbox.taken(before - rest);
                    break desk.server.wants_request();
                }
                Err(_) => false,
            };
            inbox.taken(before - rest);
            if !answered {
                desk.server.close();
            }
        };
    }
}

impl<M> fmt::Debug for Service<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Desk { server, out, .. } = &self.desk;
        let pending = out.octets.len() - out.sent;
        f.debug_struct("Service").field("server", server).field("pending", &pending).finish_non_exhaustive()
    }
}

/// What the client said and nobody has taken yet: `octets[start..end]`.
struct Inbox {
    octets: Vec<u8>,
    start: usize,
    end: usize,
    limit: usize,
}

impl Inbox {
    fn said(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    fn spare(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.octets.copy_within(self.start..self.end, 0);
            let moved = self.end - self.start;
            self.octets[moved..self.end].zeroize();
            (self.start, self.end) = (0, moved);
        }
        if self.end == self.octets.len() && self.end < self.limit {
            let mut larger = alloc::vec![0; (2 * self.end).clamp(INBOX, self.limit.max(INBOX))];
            larger[..self.end].copy_from_slice(&self.octets);
            self.octets.zeroize();
            self.octets = larger;
        }
        &mut self.octets[self.end..]
    }

    /// Passwords go by here: what was taken is wiped.
    fn taken(&mut self, len: usize) {
        self.octets[self.start..self.start + len].zeroize();
        self.start += len;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// What is to be sent: `octets[sent..]`.
#[derive(Default)]
struct Outbox {
    octets: Vec<u8>,
    sent: usize,
}

impl Outbox {
    fn written(&mut self, len: usize) {
        self.sent = self.octets.len().min(self.sent.saturating_add(len));
        // Each octet is moved once at most: only when half of them are gone.
        if self.sent > self.octets.len() / 2 {
            self.octets.drain(..self.sent);
            self.sent = 0;
        }
    }
}

/// Octets of a message that are read and not yet written: `octets[start..end]`.
#[derive(Default)]
struct Piece {
    octets: Vec<u8>,
    start: usize,
    end: usize,
}

/// The answer that is being written, if it takes more than a line.
#[derive(Clone, Copy)]
enum Sending {
    Nothing,
    /// LIST, from this number on.
    Sizes(u32),
    /// UIDL, from this number on.
    UniqueIds(u32),
    /// A message, read up to `at`.
    Message {
        number: NonZeroU32,
        at: u64,
    },
}

/// Everything but the inbox, because a request borrows from there.
struct Desk<M> {
    server: Server,
    maildrop: M,
    timestamp: Option<Vec<u8>>,
    /// Whom USER named.
    user: String,
    /// Whether message `n` is marked as deleted is at `n - 1`. Empty before the login.
    marks: Vec<bool>,
    sending: Sending,
    piece: Piece,
    out: Outbox,
}

impl<M: Maildrop> Desk<M> {
    fn ok(&mut self, text: impl fmt::Display) -> Result<(), AnswerError> {
        self.server.ok(text, &mut self.out.octets)
    }

    fn err(&mut self, text: impl fmt::Display) -> Result<(), AnswerError> {
        self.server.err(None, text, &mut self.out.octets)
    }

    fn store_err(&mut self, error: &StoreError) -> Result<(), AnswerError> {
        self.server.err(Some(Code::SysTemp), error, &mut self.out.octets)
    }

    fn answer(&mut self, request: Request<'_>) -> Result<(), AnswerError> {
        match request {
            Request::Bad(bad) => self.err(bad),
            Request::Response(Response::Cancel) => self.err("cancelled"),
            Request::Response(Response::Data(response)) => self.plain(response),
            Request::Command(command) => self.command(command),
        }
    }

    fn command(&mut self, command: Command<'_>) -> Result<(), AnswerError> {
        match command {
            Command::User(user) => {
                self.user.clear();
                self.user.push_str(user);
                // The same for all the world: who exists is not told before the password (RFC 1939, section 7).
                self.ok("and now the password")
            }
            Command::Pass(password) => {
                let user = core::mem::take(&mut self.user);
                self.login(Credentials::Password { user: &user, password })
            }
            Command::Apop { user, digest } => self.apop(user, digest),
            Command::Auth { mechanism, initial_response } => {
                if !mechanism.eq_ignore_ascii_case("PLAIN") {
                    return self.err("unknown mechanism");
                }
                match initial_response {
                    Some(response) => self.plain(response),
                    None => self.server.challenge(b"", &mut self.out.octets),
                }
            }
            Command::Stls => self.ok("begin TLS"),
            Command::Capa => self.capabilities(),
            Command::Stat => {
                let octets = self.live(1).map(|number| self.maildrop.octets(number)).fold(0, u64::saturating_add);
                let messages = u32::try_from(self.live(1).count()).unwrap_or(u32::MAX);
                self.ok(DropListing { messages, octets })
            }
            Command::List(None) => {
                self.sending = Sending::Sizes(1);
                self.ok("scan listing follows")
            }
            Command::List(Some(number)) if self.has(number) => {
                self.ok(ScanListing { number, octets: self.maildrop.octets(number) })
            }
            Command::Uidl(None) if self.live(1).all(|number| is_unique_id(self.maildrop.unique_id(number))) => {
                self.sending = Sending::UniqueIds(1);
                self.ok("unique-id listing follows")
            }
            Command::Uidl(Some(number)) if self.has(number) && is_unique_id(self.maildrop.unique_id(number)) => {
                let id = self.maildrop.unique_id(number);
                self.server.ok(format_args!("{number} {id}"), &mut self.out.octets)
            }
            Command::Uidl(number) if number.is_none_or(|number| self.has(number)) => {
                self.server.err(Some(Code::SysPerm), "a message has no proper unique-id", &mut self.out.octets)
            }
            Command::Retr(number) | Command::Top { number, .. } if self.has(number) => self.open(number),
            Command::Dele(number) if self.has(number) => {
                self.marks[index(number)] = true;
                self.ok(format_args!("message {number} is marked as deleted"))
            }
            Command::List(Some(_)) | Command::Uidl(_) | Command::Retr(_) | Command::Top { .. } | Command::Dele(_) => {
                self.err("no such message")
            }
            Command::Rset => {
                self.marks.fill(false);
                self.ok("nothing is marked")
            }
            Command::Noop => self.ok(""),
            Command::Quit if self.server.state() == State::Transaction => self.update(),
            Command::Quit => self.ok("bye"),
            Command::Last | Command::Utf8 | Command::Lang(_) | Command::LangList | Command::Raw { .. } => {
                self.err("not supported")
            }
        }
    }

    fn apop(&mut self, user: &str, digest: Digest) -> Result<(), AnswerError> {
        let octets = self.timestamp.take().unwrap_or_default();
        let answer = match Timestamp::find(&octets) {
            Some(timestamp) => self.login(Credentials::Apop { user, timestamp, digest }),
            None => self.err("APOP is not offered"),
        };
        self.timestamp = Some(octets);
        answer
    }

    fn plain(&mut self, response: Payload<'_>) -> Result<(), AnswerError> {
        let Ok(message) = response.to_vec() else { return self.err("not Base64") };
        match sasl::plain_parts(&message) {
            Some((authzid, user, password)) if authzid.is_empty() || authzid == user => {
                self.login(Credentials::Password { user, password })
            }
            // To act for somebody else is nobody's right here (RFC 4616, section 2).
            Some(_) => self.server.err(Some(Code::Auth), "not permitted for this identity", &mut self.out.octets),
            None => self.err("not a response of PLAIN"),
        }
    }

    fn login(&mut self, credentials: Credentials<'_>) -> Result<(), AnswerError> {
        if let Err(refused) = self.maildrop.login(credentials) {
            return self.server.err(Some(refused.code()), &refused, &mut self.out.octets);
        }
        self.marks = alloc::vec![false; usize::try_from(self.maildrop.count()).unwrap_or(usize::MAX)];
        self.ok("the maildrop is open")
    }

    fn capabilities(&mut self) -> Result<(), AnswerError> {
        let plaintext = self.server.permits_plaintext();
        let stls = self.server.offers_stls();
        self.ok("capabilities follow")?;
        let list = [
            ("TOP", true),
            ("UIDL", true),
            ("RESP-CODES", true),
            ("AUTH-RESP-CODE", true),
            ("PIPELINING", true),
            ("USER", plaintext),
            ("SASL PLAIN", plaintext),
            ("STLS", stls),
            (concat!("IMPLEMENTATION pop3-proto/", env!("CARGO_PKG_VERSION")), true),
        ];
        for (capability, _) in list.iter().filter(|(_, holds)| *holds) {
            self.server.row(capability, &mut self.out.octets)?;
        }
        self.server.end(&mut self.out.octets)
    }

    /// Reads the first piece before it answers: after `+OK` there is no way to refuse any more.
    fn open(&mut self, number: NonZeroU32) -> Result<(), AnswerError> {
        match self.read(number, 0) {
            Ok(read) => {
                self.sending = Sending::Message { number, at: read };
                self.ok(format_args!("{} octets", self.maildrop.octets(number)))
            }
            Err(error) => self.store_err(&error),
        }
    }

    fn read(&mut self, number: NonZeroU32, at: u64) -> Result<u64, StoreError> {
        let Piece { octets, start, end } = &mut self.piece;
        octets.resize(PIECE, 0);
        let read = self.maildrop.read(number, at, octets)?.min(octets.len());
        (*start, *end) = (0, read);
        Ok(read as u64)
    }

    fn update(&mut self) -> Result<(), AnswerError> {
        let removed = self.maildrop.remove(&mut numbers(&self.marks, 1, true));
        match removed {
            Ok(()) => self.ok("bye"),
            Err(error) => self.store_err(&error),
        }
    }

    /// Goes on with the answer that takes more than a line, as far as there is room.
    fn send(&mut self) {
        let sent = match self.sending {
            Sending::Nothing => Ok(()),
            Sending::Sizes(from) | Sending::UniqueIds(from) => self.send_row(from),
            Sending::Message { number, at } => self.send_message(number, at),
        };
        if sent.is_err() {
            self.server.close();
        }
    }

    fn send_row(&mut self, from: u32) -> Result<(), AnswerError> {
        let Some(number) = self.live(from).next() else { return self.end() };
        // Behind the last number there is nothing: `live` ends there.
        let next = number.get().saturating_add(1);
        let out = &mut self.out.octets;
        if let Sending::UniqueIds(_) = self.sending {
            self.sending = Sending::UniqueIds(next);
            self.server.row(format_args!("{number} {}", self.maildrop.unique_id(number)), out)
        } else {
            self.sending = Sending::Sizes(next);
            self.server.row(ScanListing { number, octets: self.maildrop.octets(number) }, out)
        }
    }

    fn send_message(&mut self, number: NonZeroU32, at: u64) -> Result<(), AnswerError> {
        let Piece { octets, start, end } = &mut self.piece;
        if self.server.wants_body() && start < end {
            let mut content = &octets[*start..*end];
            let out = &mut self.out.octets;
            let used = out.len();
            // Stuffing can double it, but hardly ever does: what does not fit waits for the next turn.
            let room = (content.len() + content.len() / 16 + 64).min(OUTBOX - used);
            out.resize(used + room, 0);
            let written = self.server.body(&mut content, &mut out[used..]).unwrap_or_default();
            out.truncate(used + written);
            *start = *end - content.len();
            return Ok(());
        }
        if !self.server.wants_body() {
            return self.end();
        }
        match self.read(number, at) {
            Ok(0) => self.end(),
            Ok(read) => {
                self.sending = Sending::Message { number, at: at + read };
                Ok(())
            }
            // Without the terminator, so that the client knows that this is not all.
            Err(_) => {
                self.server.close();
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<(), AnswerError> {
        self.sending = Sending::Nothing;
        self.server.end(&mut self.out.octets)
    }

    /// Whether there is such a message, not marked as deleted.
    fn has(&self, number: NonZeroU32) -> bool {
        self.marks.get(index(number)) == Some(&false)
    }

    /// The messages from number `from` on that are not marked as deleted.
    fn live(&self, from: u32) -> impl Iterator<Item = NonZeroU32> {
        numbers(&self.marks, from, false)
    }
}

/// The place of a message in `marks`.
fn index(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX) - 1
}

/// The messages from number `from` on whose mark is `marked`.
fn numbers(marks: &[bool], from: u32, marked: bool) -> impl Iterator<Item = NonZeroU32> {
    let all = (from..).map_while(NonZeroU32::new);
    all.map_while(move |number| Some((number, *marks.get(index(number))?)))
        .filter_map(move |(number, mark)| (mark == marked).then_some(number))
}

/// RFC 1939, section 7.
fn is_unique_id(id: &str) -> bool {
    matches!(id.len(), 1..=70) && id.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_wiped() {
        let mut inbox = Inbox { octets: Vec::new(), start: 0, end: 0, limit: 4096 };
        let mut rest: &[u8] = &b"PASS hush\r\n".repeat(200);
        while !rest.is_empty() {
            let spare = inbox.spare();
            let len = rest.len().min(spare.len());
            spare[..len].copy_from_slice(&rest[..len]);
            inbox.end += len;
            rest = &rest[len..];
        }
        let all = inbox.said().len();
        assert_eq!((all, inbox.spare().len()), (2200, 4096 - 2200));
        inbox.taken(all - 11);
        assert_eq!(inbox.said(), b"PASS hush\r\n");
        inbox.spare();
        assert_eq!(inbox.said(), b"PASS hush\r\n");
        inbox.taken(11);
        assert!(inbox.octets.iter().all(|&octet| octet == 0), "not even where it lay before it was moved");
    }
}
