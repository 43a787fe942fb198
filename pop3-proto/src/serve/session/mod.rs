//! Request handling in a server session: queries the maildrop, keeps the deletion marks, and writes the answers.

mod authentication;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use memchr::memchr;

use crate::serve::maildrop::{LoginAttempt, Maildrop, StoreError};
use crate::server::{AnswerError, Request, Server, ServerConfig};
use crate::state::State;
use crate::wire::apop::Timestamp;
use crate::wire::buffer::Outbox;
use crate::wire::code::Code;
use crate::wire::command::Command;
use crate::wire::listing::{DropListing, ScanListing, UniqueId};
use crate::wire::output::Output as _;
use crate::wire::payload::Response;
use authentication::Auth;

/// The maximum number of octets written while the client does not read.
const OUTBOX: usize = 64 * 1024;
/// The free space in the outbox that is required to continue: room for any line and any challenge of the server.
const LOW: usize = 4096;
/// The number of octets read from the maildrop at a time.
const PIECE: usize = 16 * 1024;

/// The values of a mark: the message is not deleted, or it is marked as deleted.
const LIVE: u8 = 0;
const MARKED: u8 = 1;

/// Octets of a message that were read and not written yet: `octets[start..end]`.
#[derive(Default)]
struct Piece {
    octets: Vec<u8>,
    start: usize,
    end: usize,
}

/// The number of messages without a conforming unique-id: all of them, and those not marked as deleted.
#[derive(Clone, Copy)]
struct Nameless {
    all: u32,
    live: u32,
}

/// The multi-line answer that is being written.
#[derive(Clone, Copy)]
enum Sending {
    Nothing,
    /// LIST, from this message number on.
    Sizes(u32),
    /// UIDL, from this message number on.
    UniqueIds(u32),
    /// A message that was read up to `at`.
    Message {
        number: u32,
        at: u64,
    },
}

/// Everything except the inbox, because a request borrows from the inbox.
pub(crate) struct ServerSession<M> {
    pub(crate) server: Server,
    pub(crate) maildrop: M,
    timestamp: Option<Vec<u8>>,
    /// The name that USER gave.
    user: String,
    auth: Auth,
    /// The mark of message `n`, [`LIVE`] or [`MARKED`], at `n - 1`. Empty before the login.
    marks: Vec<u8>,
    /// All messages, and those not marked as deleted. Cached, because a client may ask for them very often.
    all: DropListing,
    live: DropListing,
    /// Counted on first use and cached, because a client may send UIDL very often.
    nameless: Option<Nameless>,
    sending: Sending,
    piece: Piece,
    pub(crate) out: Outbox,
}

impl<M: Maildrop> ServerSession<M> {
    /// Creates a session that sends the greeting. A timestamp that is too long for it is omitted.
    pub(crate) fn new(maildrop: M, config: ServerConfig, timestamp: Option<Timestamp<'_>>) -> ServerSession<M> {
        let mut session = ServerSession {
            server: Server::new(config),
            maildrop,
            timestamp: None,
            user: String::new(),
            auth: Auth::default(),
            marks: Vec::new(),
            all: DropListing { messages: 0, octets: 0 },
            live: DropListing { messages: 0, octets: 0 },
            nameless: None,
            sending: Sending::Nothing,
            piece: Piece::default(),
            out: Outbox::default(),
        };
        let text = "POP3 server ready";
        match timestamp.filter(|_| session.server.greeting(timestamp, text, &mut session.out).is_ok()) {
            Some(timestamp) => session.timestamp = Some(timestamp.as_bytes().into()),
            // The first answer is always due, and the outbox has room for it.
            None => session.server.greeting(None, text, &mut session.out).unwrap_or_default(),
        }
        session
    }

    /// Returns true if there is room for any line and any challenge of the server.
    pub(crate) fn has_room(&self) -> bool {
        OUTBOX.saturating_sub(self.out.pending().len()) >= LOW
    }

    /// Returns true if a multi-line answer is being written.
    pub(crate) const fn is_sending(&self) -> bool {
        !matches!(self.sending, Sending::Nothing)
    }

    /// Releases the buffers if everything is sent. Call this when the client sends next.
    pub(crate) fn rest(&mut self) {
        if self.out.pending().is_empty() {
            self.out.rest();
            self.piece = Piece::default();
        }
    }

    /// Returns the memory that the buffers hold, in octets.
    pub(crate) fn held(&self) -> usize {
        self.out.held() + self.piece.octets.capacity()
    }

    fn ok(&mut self, text: impl fmt::Display) -> Result<(), AnswerError> {
        self.server.ok(text, &mut self.out)
    }

    fn err(&mut self, text: impl fmt::Display) -> Result<(), AnswerError> {
        self.server.err(None, text, &mut self.out)
    }

    fn store_err(&mut self, error: &StoreError) -> Result<(), AnswerError> {
        self.server.err(Some(Code::SysTemp), error, &mut self.out)
    }

    /// Answers a request, or begins to answer it.
    pub(crate) fn answer(&mut self, request: Request<'_>) -> Result<(), AnswerError> {
        match request {
            Request::Bad(bad) => {
                self.auth.forget();
                self.err(bad)
            }
            Request::Response(Response::Cancel) => {
                self.auth.forget();
                self.err("cancelled")
            }
            Request::Response(Response::Data(response)) => self.response(response),
            Request::Command(command) => self.command(command),
        }
    }

    fn command(&mut self, command: Command<'_>) -> Result<(), AnswerError> {
        match command {
            Command::User(user) => {
                self.user.clear();
                self.user.push_str(user);
                // The same for every name, so that it does not reveal which users exist (RFC 1939, section 7).
                self.ok("send the password")
            }
            Command::Pass(password) => {
                let user = core::mem::take(&mut self.user);
                self.log_in(LoginAttempt::Password { user: &user, password })
            }
            Command::Apop { user, digest } => self.apop(user, digest),
            Command::AuthList => self.mechanism_list(),
            Command::Auth { mechanism, initial_response } => self.auth(mechanism, initial_response),
            Command::Stls => self.ok("begin TLS"),
            Command::Capa => self.capabilities(),
            Command::Stat => self.ok(self.live),
            Command::List(None) => {
                self.sending = Sending::Sizes(1);
                self.ok("scan listing follows")
            }
            Command::List(Some(number)) if self.has(number) => {
                self.ok(ScanListing { number, octets: self.maildrop.octets(number) })
            }
            Command::Uidl(None) if self.unique_ids_conform() => {
                self.sending = Sending::UniqueIds(1);
                self.ok("unique-id listing follows")
            }
            Command::Uidl(Some(number)) if self.has(number) && self.unique_id_conforms(number) => {
                let id = self.maildrop.unique_id(number);
                self.server.ok(format_args!("{number} {id}"), &mut self.out)
            }
            Command::Uidl(number) if number.is_none_or(|number| self.has(number)) => {
                self.server.err(Some(Code::SysPerm), "a message has no valid unique-id", &mut self.out)
            }
            Command::Retr(number) | Command::Top { number, .. } if self.has(number) => self.open(number),
            Command::Dele(number) if self.has(number) => {
                self.marks[index(number)] = MARKED;
                self.live.messages -= 1;
                self.live.octets = self.live.octets.saturating_sub(self.maildrop.octets(number));
                let conforms =
                    self.nameless.is_none_or(|nameless| nameless.live == 0) || self.unique_id_conforms(number);
                if let (Some(nameless), false) = (&mut self.nameless, conforms) {
                    nameless.live = nameless.live.saturating_sub(1);
                }
                self.ok(format_args!("message {number} is marked as deleted"))
            }
            Command::List(Some(_)) | Command::Uidl(_) | Command::Retr(_) | Command::Top { .. } | Command::Dele(_) => {
                self.err("no such message")
            }
            Command::Rset => {
                self.marks.fill(LIVE);
                self.live = self.all;
                self.nameless = self.nameless.map(|Nameless { all, .. }| Nameless { all, live: all });
                self.ok("no message is marked as deleted")
            }
            Command::Noop => self.ok(""),
            Command::Quit if self.server.state() == State::Transaction => self.update(),
            Command::Quit => self.ok("bye"),
            Command::Last
            | Command::Utf8
            | Command::Lang(_)
            | Command::LangList
            | Command::Raw(_)
            | Command::RawListing(_) => self.err("not supported"),
        }
    }

    fn mechanism_list(&mut self) -> Result<(), AnswerError> {
        self.ok("mechanisms follow")?;
        for name in self.mechanisms() {
            self.server.row(name, &mut self.out)?;
        }
        self.end()
    }

    fn capabilities(&mut self) -> Result<(), AnswerError> {
        let plaintext = self.server.permits_plaintext();
        let stls = self.server.offers_stls();
        let sasl = self.mechanisms().fold(String::from("SASL"), |line, name| line + " " + name);
        self.ok("capabilities follow")?;
        let list = [
            ("TOP", true),
            ("UIDL", true),
            ("RESP-CODES", true),
            ("AUTH-RESP-CODE", true),
            ("PIPELINING", true),
            ("USER", plaintext),
            (&sasl, sasl != "SASL"),
            ("STLS", stls),
            (concat!("IMPLEMENTATION pop3-proto/", env!("CARGO_PKG_VERSION")), true),
        ];
        for (capability, _) in list.iter().filter(|(_, holds)| *holds) {
            self.server.row(capability, &mut self.out)?;
        }
        self.server.end(&mut self.out)
    }

    /// Begins a message. Reads its first piece before the answer, because after `+OK` a refusal is impossible.
    fn open(&mut self, number: u32) -> Result<(), AnswerError> {
        match self.read(number, 0) {
            Ok(read) => {
                self.sending = Sending::Message { number, at: read };
                self.ok(format_args!("{} octets", self.maildrop.octets(number)))
            }
            Err(error) => self.store_err(&error),
        }
    }

    fn read(&mut self, number: u32, at: u64) -> Result<u64, StoreError> {
        let Piece { octets, start, end } = &mut self.piece;
        octets.resize(PIECE, 0);
        let read = self.maildrop.read(number, at, octets)?.min(octets.len());
        (*start, *end) = (0, read);
        Ok(read as u64)
    }

    fn update(&mut self) -> Result<(), AnswerError> {
        let removed = self.maildrop.remove(&mut numbers(&self.marks, 1, MARKED));
        match removed {
            Ok(()) => self.ok("bye"),
            Err(error) => self.store_err(&error),
        }
    }

    /// Continues the multi-line answer as far as there is room.
    pub(crate) fn send(&mut self) {
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
        // After the last number, `live` returns nothing.
        let next = number.saturating_add(1);
        let out = &mut self.out;
        if let Sending::UniqueIds(_) = self.sending {
            self.sending = Sending::UniqueIds(next);
            self.server.row(format_args!("{number} {}", self.maildrop.unique_id(number)), out)
        } else {
            self.sending = Sending::Sizes(next);
            self.server.row(ScanListing { number, octets: self.maildrop.octets(number) }, out)
        }
    }

    fn send_message(&mut self, number: u32, at: u64) -> Result<(), AnswerError> {
        let Piece { octets, start, end } = &mut self.piece;
        if self.server.wants_body() && start < end {
            let mut content = &octets[*start..*end];
            // Byte-stuffing can double the size but rarely does: the rest waits for the next call.
            let room = (content.len() + content.len() / 16 + 64).min(OUTBOX - self.out.pending().len());
            let space = self.out.line(room).unwrap_or_default();
            let written = self.server.body(&mut content, space).unwrap_or_default();
            self.out.take_back(room - written);
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
            // Close without the terminator, so that the client knows that the message is incomplete.
            Err(_) => {
                self.server.close();
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<(), AnswerError> {
        self.sending = Sending::Nothing;
        self.server.end(&mut self.out)
    }

    /// Returns true if the message exists and is not marked as deleted.
    fn has(&self, number: u32) -> bool {
        self.marks.get(index(number)) == Some(&LIVE)
    }

    /// Returns the messages from number `from` on that are not marked as deleted.
    fn live(&self, from: u32) -> impl Iterator<Item = u32> {
        numbers(&self.marks, from, LIVE)
    }

    fn unique_id_conforms(&self, number: u32) -> bool {
        UniqueId::new(self.maildrop.unique_id(number).as_bytes()).is_conforming()
    }

    /// Returns true if all messages that are not marked as deleted have a conforming unique-id.
    fn unique_ids_conform(&mut self) -> bool {
        let nameless = self.nameless.unwrap_or_else(|| self.count_nameless());
        self.nameless = Some(nameless);
        nameless.live == 0
    }

    fn count_nameless(&self) -> Nameless {
        let mut nameless = Nameless { all: 0, live: 0 };
        for (number, mark) in (1..=u32::MAX).zip(&self.marks) {
            if !self.unique_id_conforms(number) {
                nameless.all += 1;
                nameless.live += u32::from(*mark == LIVE);
            }
        }
        nameless
    }

    /// Begins TRANSACTION.
    fn open_maildrop(&mut self) {
        let count = self.maildrop.count();
        let octets = (1..=count).map(|number| self.maildrop.octets(number));
        self.all = DropListing { messages: count, octets: octets.fold(0, u64::saturating_add) };
        self.live = self.all;
        self.nameless = None;
        self.marks = alloc::vec![LIVE; usize::try_from(count).unwrap_or(usize::MAX)];
    }
}

/// Returns the index of a message in `marks`.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX) - 1
}

/// Returns the messages that have this mark, from number `from` on, which is 1 or more.
fn numbers(marks: &[u8], from: u32, mark: u8) -> impl Iterator<Item = u32> {
    let mut at = usize::try_from(from).unwrap_or(usize::MAX).saturating_sub(1);
    core::iter::from_fn(move || {
        at += memchr(mark, marks.get(at..)?)? + 1;
        u32::try_from(at).ok()
    })
}
