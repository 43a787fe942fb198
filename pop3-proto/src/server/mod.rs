//! The server role: octets in, requests out; answers in, octets out.
//!
//! A client may pipeline (RFC 2449, section 6.6). [`Server`] returns one request at a time, and the next one only after
//! the previous one has been answered. Meanwhile, you buffer the client's octets.
//!
//! ```
//! use pop3_proto::{Command, Request, Server, ServerConfig, State};
//!
//! let mut server = Server::new(ServerConfig::new().plaintext_login(true));
//! let mut out = [0; 512];
//! let mut room = &mut out[..];
//! server.greeting(None, "ready", &mut room)?;
//!
//! let mut input: &[u8] = b"user mrose\r\nPASS tan staaf\r\n";
//! let request = server.receive(&mut input)?;
//! assert!(matches!(request, Some(Request::Command(Command::User("mrose")))));
//! assert!(server.receive(&mut input)?.is_none());
//! server.ok("go on", &mut room)?;
//! assert_eq!(server.state(), State::Named);
//! assert_eq!(room.len(), 512 - "+OK ready\r\n+OK go on\r\n".len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod config;
mod request;

use core::fmt;

use crate::error::{Awaiting, Excerpt, ProtocolError, Violation};
use crate::state::{Outcome, State};
use crate::wire::apop::Timestamp;
use crate::wire::code::Code;
use crate::wire::command::Command;
use crate::wire::kind::{Kind, Shape};
use crate::wire::line::{CommandLine, CommandLines};
use crate::wire::output::Output;
use crate::wire::parse::BadCommand;
use crate::wire::payload::{Payload, Response};
use crate::wire::stuffing::Stuffer;
use crate::wire::top::Top;

use answer::Line;

pub use answer::AnswerError;
pub use config::ServerConfig;
pub use request::{BadRequest, Request};

/// The line length that a server must at least accept, in octets with its CRLF (RFC 2449, section 4).
pub(crate) const MIN_LIMIT: u32 = 255;

/// Mechanisms that reveal a reusable password or token to the server and to an eavesdropper.
const REUSABLE: [&str; 4] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];

/// The side that sends next, and what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Due {
    /// The server sends the greeting.
    Greeting,
    /// The client sends a command, begins TLS or is finished, depending on the state.
    Request,
    /// The client sends a line inside AUTH.
    Response,
    /// The server sends the status line for this command.
    Status(Kind),
    /// The server sends a challenge, because the client has proved nothing yet; or `-ERR`.
    Challenge,
    /// The server sends `-ERR`.
    Refusal,
    /// The server sends `-ERR`, which ends the session.
    LastWord,
    /// The server sends lines, then the end.
    Listing,
    /// The server sends the message, then the end. For TOP it sends only a part of the message.
    Body(Stuffer, Option<Top>),
}

/// A POP3 server without I/O: it reads octets that you own, and writes answers to your output.
///
/// It holds no buffer, no allocation and no secret, and is cheap to clone, compare and hash. It implements the protocol
/// and has no mailbox: you provide the content of the answers.
///
/// A line of the client ends in CRLF or LF, never in a bare CR or NUL. No text of an answer can break a line, pass for
/// a response code or exceed 512 octets: control and non-ASCII characters become `?`, a leading
/// `[` becomes `(`, and the rest is truncated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    config: ServerConfig,
    state: State,
    due: Due,
    lines: CommandLines,
    /// The number of body lines in the current TOP request.
    top: Option<u32>,
    refusals: u32,
    /// The number of octets that the client may still send before the login.
    allowance: u32,
    tls: bool,
    /// UTF8 was accepted.
    utf8: bool,
    /// Plaintext arrived after STLS.
    injected: bool,
}

impl Server {
    /// Creates a server that has not sent its greeting yet.
    pub const fn new(config: ServerConfig) -> Server {
        Server {
            state: State::Greeting,
            due: Due::Greeting,
            lines: CommandLines::new(),
            top: None,
            refusals: 0,
            allowance: config.max_before_login,
            tls: config.inside_tls,
            utf8: false,
            injected: false,
            config,
        }
    }

    /// Reads from `input` up to the next request.
    ///
    /// `None` means that an answer is due first, or that more octets are needed: call again with the rest of `input`
    /// and more octets after it. `None` may also advance `input`, past octets that are discarded.
    ///
    /// # Errors
    ///
    /// [`Violation::PlaintextAfterStls`]: octets arrived after STLS and before TLS began. Close the connection: every
    /// later call returns the same error.
    pub fn receive<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Request<'a>>, ProtocolError> {
        // No plaintext octet may be carried over into TLS or be answered there (RFC 2595, section 4). Only the answer
        // to STLS determines whether a handshake follows.
        let is_asked = self.due == Due::Status(Kind::Stls);
        self.injected |= is_asked && !input.is_empty();
        let handshake = self.state == State::Handshake;
        if (self.injected && !is_asked) || (handshake && !input.is_empty()) {
            return Err(self.injection());
        }
        if self.state.is_over() {
            *input = &[];
        }
        match self.due {
            _ if handshake || self.state.is_over() => Ok(None),
            Due::Request => Ok(self.receive_command(input)),
            Due::Response => Ok(self.receive_response(input)),
            _ => Ok(None),
        }
    }

    fn receive_command<'a>(&mut self, input: &mut &'a [u8]) -> Option<Request<'a>> {
        let request = self.line(input, self.config.max_line)?.and_then(|line| self.read(line));
        self.due = match request {
            Ok(Command::Auth { initial_response: None, .. }) => Due::Challenge,
            Ok(command) => Due::Status(command.kind()),
            Err(BadRequest::TooMuch) => Due::LastWord,
            Err(_) => Due::Refusal,
        };
        self.top = if let Ok(Command::Top { lines, .. }) = request { Some(lines) } else { None };
        self.injected = self.due == Due::Status(Kind::Stls) && !input.is_empty();
        Some(request.map_or_else(Request::Bad, Request::Command))
    }

    /// Returns the client's next line. Before the login, the line and discarded octets count against the allowance.
    fn line<'a>(&mut self, input: &mut &'a [u8], limit: u32) -> Option<Result<&'a [u8], BadRequest>> {
        let before = input.len();
        self.lines.skip(input);
        if !self.pay(before - input.len()) {
            // The line was already answered when it became too long.
            self.close();
            *input = &[];
            return None;
        }
        let before = input.len();
        let line = self.lines.next(input, limit.max(MIN_LIMIT));
        if !self.pay(before - input.len()) {
            return Some(Err(BadRequest::TooMuch));
        }
        Some(match line? {
            CommandLine::TooLong => Err(BadRequest::TooLong),
            CommandLine::Line(line) => Ok(line),
        })
    }

    /// Deducts octets from the allowance before the login. Returns false if it is exceeded.
    fn pay(&mut self, octets: usize) -> bool {
        if self.state == State::Transaction {
            return true;
        }
        let left = u32::try_from(octets).ok().and_then(|octets| self.allowance.checked_sub(octets));
        if left.is_none() {
            // The resulting state must not depend on how the octets are split.
            self.lines = CommandLines::new();
        }
        self.allowance = left.unwrap_or(0);
        left.is_some()
    }

    fn read<'a>(&self, line: &'a [u8]) -> Result<Command<'a>, BadRequest> {
        let command = Command::parse(line).map_err(|bad| match bad {
            BadCommand::Unknown => BadRequest::Unknown,
            BadCommand::Arguments(kind) => BadRequest::Arguments(kind),
        })?;
        let kind = command.kind();
        if !self.state.permits(kind) {
            return Err(BadRequest::NotPermitted { kind, state: self.state });
        }
        if kind == Kind::Stls && !self.offers_stls() {
            return Err(BadRequest::NoStls);
        }
        let reusable = match command {
            Command::User(_) => true,
            Command::Auth { mechanism, .. } => REUSABLE.iter().any(|name| name.eq_ignore_ascii_case(mechanism)),
            _ => false,
        };
        if reusable && !self.permits_plaintext() { Err(BadRequest::Unprotected(kind)) } else { Ok(command) }
    }

    fn receive_response<'a>(&mut self, input: &mut &'a [u8]) -> Option<Request<'a>> {
        let (due, request) = match self.line(input, self.config.max_response)? {
            Err(bad) => (Due::LastWord, Request::Bad(bad)),
            Ok(b"*") => (Due::Refusal, Request::Response(Response::Cancel)),
            Ok(data) => (Due::Status(Kind::Auth), Request::Response(Response::Data(Payload::Base64(data)))),
        };
        self.due = due;
        Some(request)
    }

    /// Writes the greeting: `+OK`, a text, and the timestamp if APOP is offered (RFC 1939, section 4).
    ///
    /// You must never use a timestamp twice (RFC 1939, section 7). It is the last word of the line, where every client
    /// finds it; a `<` in the text becomes `(`.
    ///
    /// # Errors
    ///
    /// [`AnswerError`]; [`AnswerError::TooLong`] for a timestamp of more than 400 octets.
    pub fn greeting(
        &mut self,
        timestamp: Option<Timestamp<'_>>,
        text: impl fmt::Display,
        out: &mut impl Output,
    ) -> Result<(), AnswerError> {
        if self.due != Due::Greeting || self.state.is_over() {
            return Err(AnswerError::NotDue);
        }
        let mut line = Line::new("+OK ");
        if let Some(timestamp) = timestamp {
            if timestamp.as_bytes().len() > 400 {
                return Err(AnswerError::TooLong);
            }
            line.text(text);
            line.timestamp(timestamp.as_bytes());
        } else {
            line.text(text);
        }
        line.write(out)?;
        self.state = State::greeted(Outcome::Ok);
        self.due = Due::Request;
        Ok(())
    }

    /// Writes a greeting with `-ERR`, which ends the session.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn no_service(
        &mut self,
        code: Option<Code>,
        text: impl fmt::Display,
        out: &mut impl Output,
    ) -> Result<(), AnswerError> {
        if self.due != Due::Greeting || self.state.is_over() {
            return Err(AnswerError::NotDue);
        }
        Line::refusal(code, text).write(out)?;
        self.state = State::greeted(Outcome::Err);
        Ok(())
    }

    /// Writes `+OK` and a text. For STAT, and for LIST and UIDL with an argument, the text is data: a
    /// [`DropListing`](crate::wire::listing::DropListing), a [`ScanListing`](crate::wire::listing::ScanListing), or a
    /// message number and unique-id.
    ///
    /// If the command has a longer answer ([`Kind::shape`]), this is its first line: call [`row`](Self::row) or
    /// [`body`](Self::body) next, and then [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn ok(&mut self, text: impl fmt::Display, out: &mut impl Output) -> Result<(), AnswerError> {
        let Due::Status(kind) = self.due else { return Err(AnswerError::NotDue) };
        let Some(state) = self.state.after(kind, Outcome::Ok) else { return Err(AnswerError::NotDue) };
        let mut line = Line::new("+OK ");
        line.text(text);
        line.write(out)?;
        self.state = state;
        self.utf8 |= kind == Kind::Utf8;
        self.due = match kind.shape() {
            Shape::Single => Due::Request,
            Shape::Listing => Due::Listing,
            Shape::Body => Due::Body(Stuffer::new(), self.top.map(Top::new)),
        };
        Ok(())
    }

    /// Writes `-ERR`, an optional response code, and a text (RFC 2449, section 8). [`Code::Other`] writes no code.
    ///
    /// Before the login, the last `-ERR` that [`ServerConfig::max_refusals`] permits ends the session. So does the
    /// `-ERR` to [`BadRequest::TooMuch`], and to [`BadRequest::TooLong`] inside AUTH.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn err(
        &mut self,
        code: Option<Code>,
        text: impl fmt::Display,
        out: &mut impl Output,
    ) -> Result<(), AnswerError> {
        let state = match (self.due, self.state) {
            _ if self.state.is_over() => None,
            (Due::Status(kind), state) => state.after(kind, Outcome::Err),
            (Due::Challenge, state) => state.after(Kind::Auth, Outcome::Err),
            // Any line other than PASS after USER makes the server discard the name.
            (Due::Refusal | Due::LastWord, State::Named) => Some(State::Authorization),
            (Due::Refusal | Due::LastWord, state) => Some(state),
            _ => None,
        };
        let Some(state) = state else { return Err(AnswerError::NotDue) };
        Line::refusal(code, text).write(out)?;
        self.state = state;
        // After a refused STLS, the octets that followed it are commands.
        self.injected = false;
        let was_last = core::mem::replace(&mut self.due, Due::Request) == Due::LastWord;
        if state == State::Authorization {
            self.refusals = self.refusals.saturating_add(1);
            if was_last || self.refusals >= self.config.max_refusals {
                self.close();
            }
        }
        Ok(())
    }

    /// Writes a challenge of any length, which is encoded in Base64 (RFC 5034, section 4). Empty data asks for the
    /// initial response that the client did not send with the command.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn challenge(&mut self, data: &[u8], out: &mut impl Output) -> Result<(), AnswerError> {
        if !matches!(self.due, Due::Challenge | Due::Status(Kind::Auth)) || self.state.is_over() {
            return Err(AnswerError::NotDue);
        }
        let payload = Payload::Octets(data);
        let len = payload.encoded_len();
        let line = out.line(len + 4).ok_or(AnswerError::NoRoom)?;
        line[..2].copy_from_slice(b"+ ");
        payload.encode(&mut line[2..2 + len]);
        line[2 + len..].copy_from_slice(b"\r\n");
        self.due = Due::Response;
        Ok(())
    }

    /// Writes a line of a listing, byte-stuffed: a capability, a scan listing, a message number and unique-id, or a
    /// language.
    ///
    /// # Errors
    ///
    /// [`AnswerError`]; [`AnswerError::TooLong`] for more than 512 octets, byte-stuffing and CRLF included.
    pub fn row(&mut self, row: impl fmt::Display, out: &mut impl Output) -> Result<(), AnswerError> {
        if self.due != Due::Listing || self.state.is_over() {
            return Err(AnswerError::NotDue);
        }
        let mut line = Line::new("");
        line.put(&row);
        if line.is_cut {
            return Err(AnswerError::TooLong);
        }
        line.stuff()?;
        line.write(out)
    }

    /// Writes as much of a message as fits into `room`, byte-stuffed and with every line end as CRLF. Advances
    /// `content` past it, and returns the number of octets written. Two octets of room suffice for progress.
    ///
    /// Pass the stored message piece by piece. For TOP, only the requested part is written, and the rest is skipped:
    /// see [`wants_body`](Self::wants_body).
    ///
    /// # Errors
    ///
    /// [`AnswerError::NotDue`].
    pub fn body(&mut self, content: &mut &[u8], room: &mut [u8]) -> Result<usize, AnswerError> {
        let Due::Body(stuffer, top) = &mut self.due else { return Err(AnswerError::NotDue) };
        if self.state.is_over() {
            return Err(AnswerError::NotDue);
        }
        let Some(top) = top else { return Ok(stuffer.write(content, room)) };
        if top.is_complete() {
            *content = &[];
            return Ok(0);
        }
        // The encoding is never shorter than the content, so no more than this can be written now.
        let offer = &content[..content.len().min(room.len())];
        let mut ahead = *top;
        let part = &offer[..ahead.advance(offer)];
        let mut rest = part;
        let written = stuffer.write(&mut rest, room);
        let taken = part.len() - rest.len();
        top.advance(&part[..taken]);
        *content = if top.is_complete() { &[] } else { &content[taken..] };
        Ok(written)
    }

    /// Returns true if more of a message is due: call [`body`](Self::body) until the message ends, then
    /// [`end`](Self::end). Returns false once everything that TOP requested has been written.
    pub fn wants_body(&self) -> bool {
        match &self.due {
            Due::Body(_, top) => !self.state.is_over() && !top.is_some_and(Top::is_complete),
            _ => false,
        }
    }

    /// Ends a listing or a message: completes its last line and writes the terminator (RFC 1939, section 3).
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn end(&mut self, out: &mut impl Output) -> Result<(), AnswerError> {
        let terminator = match self.due {
            _ if self.state.is_over() => return Err(AnswerError::NotDue),
            Due::Listing => Stuffer::new().terminator(),
            Due::Body(stuffer, _) => stuffer.terminator(),
            _ => return Err(AnswerError::NotDue),
        };
        out.line(terminator.len()).ok_or(AnswerError::NoRoom)?.copy_from_slice(terminator);
        self.due = Due::Request;
        Ok(())
    }

    /// Tells the server that the TLS handshake is complete. `rest` is the plaintext received after STLS; it must be
    /// empty, or it is an injection. The name from USER is discarded, and no new greeting is due (RFC 2595, section 4).
    ///
    /// # Errors
    ///
    /// [`Violation::PlaintextAfterStls`], or [`Violation::NoHandshakeDue`] if STLS was not accepted before.
    pub fn tls_established(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if self.injected || (self.state == State::Handshake && !rest.is_empty()) {
            return Err(self.injection());
        }
        if self.state != State::Handshake {
            return Err(failure(Violation::NoHandshakeDue, Awaiting::Nothing));
        }
        self.state = State::secured();
        self.tls = true;
        Ok(())
    }

    #[cold]
    fn injection(&mut self) -> ProtocolError {
        self.injected = true;
        self.close();
        failure(Violation::PlaintextAfterStls, Awaiting::Handshake)
    }

    /// Ends the session without UPDATE: the connection is closed, or you are about to close it. You must close it if a
    /// message cannot be read to its end. Does nothing after the answer to QUIT.
    pub fn close(&mut self) {
        if !self.state.is_over() {
            self.state = State::Closed;
        }
    }

    /// Returns the state of the session, according to the table in [`state`](crate::state).
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns true if the session is inside TLS.
    pub const fn inside_tls(&self) -> bool {
        self.tls
    }

    /// Returns true if USER, and mechanisms that reveal the password, are permitted now. Announce them only then.
    pub const fn permits_plaintext(&self) -> bool {
        self.tls || self.config.plaintext_login
    }

    /// Returns true if STLS is permitted now, or will be once the current request is answered. Announce it only then.
    pub const fn offers_stls(&self) -> bool {
        self.config.stls && !self.tls && !self.utf8 && self.state.permits(Kind::Stls)
    }

    /// Returns true if the client sends next and nothing is to be answered. Returns false if the session is over.
    pub fn wants_request(&self) -> bool {
        matches!(self.due, Due::Request | Due::Response) && self.state != State::Handshake && !self.state.is_over()
    }
}

/// Creates an error without an excerpt: the client's octets may contain a secret.
const fn failure(violation: Violation, awaiting: Awaiting) -> ProtocolError {
    ProtocolError { violation, awaiting, excerpt: Excerpt::EMPTY }
}
