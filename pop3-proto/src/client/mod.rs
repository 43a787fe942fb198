//! The client role: commands in, octets out; octets in, events out.

mod config;
mod event;
mod pipeline;

use crate::client::pipeline::Pipeline;
use crate::error::{Awaiting, Excerpt, ProtocolError, UsageError, Violation};
use crate::state::{Outcome, State};
use crate::wire::argument::Charset;
use crate::wire::command::{Command, MAX_COMMAND_LINE};
use crate::wire::kind::{Kind, Shape};
use crate::wire::line::{self, LineEnd, LineError};
use crate::wire::output::Output;
use crate::wire::payload::Response;
use crate::wire::reply::{Challenge, Greeting, Refusal, Reply, Row, Status};
use crate::wire::stuffing::{Piece, Unstuffer, unstuffed};

pub use config::Config;
pub use event::{Event, Ticket};

/// The part of the answer to the oldest command that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Status,
    /// Carries the line end of the status line.
    Listing(LineEnd),
    Body(Unstuffer),
}

/// The side that sends next inside AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Turn {
    Server,
    Client,
    /// The server, which may only answer `-ERR`.
    Cancelled,
}

/// Data that the client has sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shown {
    /// The client has sent data in this AUTH exchange: otherwise, `+OK` proves nothing.
    in_auth: bool,
    /// The client has sent a secret that has not led to a login: the server's texts may echo it.
    secret: bool,
}

/// State that is discarded when TLS begins (RFC 2595, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Layer {
    /// The line end of the first status line of this layer.
    line_end: Option<LineEnd>,
    tls: bool,
    /// UTF8 was accepted.
    utf8_mode: bool,
    /// Names and passwords may be UTF-8.
    utf8_user: bool,
}

/// A POP3 client without I/O: a cursor over the caller's octets.
///
/// It holds no buffer, no allocation and no secret, and is cheap to clone, compare and hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    config: Config,
    state: State,
    pipeline: Pipeline,
    part: Part,
    /// Octets at the front of the awaited line that contain no LF.
    scanned: u32,
    /// The octets of the message, lines of the listing, or challenges received in this answer.
    extent: u64,
    /// One blank line before this answer has been skipped.
    forgiven: bool,
    /// Unsolicited octets have arrived.
    unsolicited: bool,
    turn: Turn,
    shown: Shown,
    layer: Layer,
    failure: Option<ProtocolError>,
}

impl Client {
    /// Creates a client that waits for the greeting.
    pub const fn new(config: Config) -> Client {
        Client {
            state: State::Greeting,
            pipeline: Pipeline::new(),
            part: Part::Status,
            scanned: 0,
            extent: 0,
            forgiven: false,
            unsolicited: false,
            turn: Turn::Server,
            shown: Shown { in_auth: false, secret: false },
            layer: Layer { line_end: None, tls: false, utf8_mode: false, utf8_user: false },
            failure: None,
            config,
        }
    }

    /// Writes one command line to `out` and expects its answer.
    ///
    /// # Errors
    ///
    /// [`UsageError`]: nothing was written and nothing changed.
    pub fn send(&mut self, command: Command<'_>, out: &mut impl Output) -> Result<Ticket, UsageError> {
        let kind = command.kind();
        self.permits(kind)?;
        command.check(Charset::of_names(self.layer.utf8_user))?;
        let len = command.encoded_len();
        if len > MAX_COMMAND_LINE {
            return Err(UsageError::TooLong { len });
        }
        if !self.pipeline.has_room(kind) {
            return Err(UsageError::WindowFull);
        }
        command.encode(out).ok_or(UsageError::NoRoom)?;
        if kind == Kind::Auth {
            self.turn = Turn::Server;
            self.shown.in_auth = matches!(command, Command::Auth { initial_response: Some(_), .. });
        }
        self.shown.secret |= kind.is_secret();
        Ok(Ticket(self.pipeline.push(kind)))
    }

    fn permits(&self, kind: Kind) -> Result<(), UsageError> {
        self.open()?;
        if let Some(barrier) = self.pipeline.newest().filter(|kind| kind.is_barrier()) {
            return Err(UsageError::Barrier(barrier));
        }
        let state = self.projected();
        if !state.permits(kind) {
            return Err(UsageError::NotPermitted { kind, state });
        }
        if kind == Kind::Stls {
            if self.layer.tls {
                return Err(UsageError::InsideTls);
            }
            if self.layer.utf8_mode {
                return Err(UsageError::AfterUtf8);
            }
            if self.in_flight() > 0 {
                return Err(UsageError::InFlight);
            }
        }
        Ok(())
    }

    /// Returns true if unsolicited octets have arrived whose line is not complete.
    #[cfg(feature = "alloc")]
    pub(crate) const fn has_unsolicited(&self) -> bool {
        self.unsolicited
    }

    fn open(&self) -> Result<(), UsageError> {
        if self.failure.is_some() || self.state.is_over() {
            return Err(UsageError::Over);
        }
        if self.unsolicited { Err(UsageError::Unsolicited) } else { Ok(()) }
    }

    /// Writes the client's next line of an AUTH exchange. It has no ticket: the answer still belongs to the AUTH
    /// command.
    ///
    /// # Errors
    ///
    /// [`UsageError`]: nothing was written and nothing changed.
    pub fn respond(&mut self, response: Response<'_>, out: &mut impl Output) -> Result<(), UsageError> {
        self.open()?;
        if self.pipeline.oldest() != Some(Kind::Auth) || self.turn != Turn::Client {
            return Err(UsageError::NoChallenge);
        }
        match response {
            Response::Cancel => {
                out.line(3).ok_or(UsageError::NoRoom)?.copy_from_slice(b"*\r\n");
                self.turn = Turn::Cancelled;
            }
            Response::Data(payload) => {
                payload.check()?;
                let len = payload.encoded_len();
                let (data, end) = out.line(len + 2).ok_or(UsageError::NoRoom)?.split_at_mut(len);
                payload.encode(data);
                end.copy_from_slice(b"\r\n");
                self.turn = Turn::Server;
                self.shown.in_auth = true;
            }
        }
        Ok(())
    }

    /// Reads from `input` up to the next event.
    ///
    /// `Some` advances `input`. `None` means that more octets are needed: call again with the rest of `input` and more
    /// octets after it. `None` may also advance `input`: past a blank line that is skipped, and past everything after
    /// the end of the session.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`]: the session is over, and every later call returns the same error.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call costs more than finding a run of three octets")]
    pub fn receive<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        // Checked first and in place, because a message may consist of very many very short runs.
        if let Part::Body(unstuffer) = &mut self.part {
            match unstuffer.next(input, self.config.max_body - self.extent) {
                None => return Ok(None),
                Some(Piece::Run(bytes)) => {
                    self.extent += bytes.len() as u64;
                    return Ok(Some(Event::Body { to: Ticket(self.pipeline.answered()), bytes }));
                }
                Some(piece) => return self.end_body(&piece, input),
            }
        }
        self.receive_line(input)
    }

    #[inline(never)]
    fn receive_line<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        match (self.part, self.pipeline.oldest()) {
            (Part::Listing(end), Some(kind)) => self.receive_row(kind, end, input),
            (Part::Status, Some(kind)) if kind != Kind::Auth || self.turn != Turn::Client => {
                self.receive_answer(kind, input)
            }
            _ => match self.state {
                State::Greeting => self.receive_greeting(input),
                State::Handshake if input.is_empty() => Ok(None),
                State::Handshake => self.fail(Violation::PlaintextAfterStls, b""),
                State::Update | State::Closed => {
                    *input = &[];
                    Ok(None)
                }
                _ => self.receive_unsolicited(input),
            },
        }
    }

    fn receive_greeting<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        let Some((line, _)) = self.line(self.config.max_line, input)? else { return Ok(None) };
        match Status::parse(line) {
            Some(Status::Ok(text)) => {
                self.state = State::greeted(Outcome::Ok);
                self.note_leftover(input);
                Ok(Some(Event::Greeting(Greeting(Reply::new(text)))))
            }
            Some(Status::Err(text)) => {
                self.state = State::greeted(Outcome::Err);
                Ok(Some(Event::NoService(Refusal::new(text, self.layer.tls))))
            }
            _ => self.fail(Violation::NotAStatus, line),
        }
    }

    fn receive_answer<'a>(&mut self, kind: Kind, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        let limit = if kind == Kind::Auth { self.config.max_challenge } else { self.config.max_line };
        let (line, end) = loop {
            match self.line(limit, input)? {
                None => return Ok(None),
                Some(([], _)) if !self.forgiven && kind != Kind::Stls => self.forgiven = true,
                Some(line) => break line,
            }
        };
        let to = Ticket(self.pipeline.answered());
        match Status::parse(line) {
            Some(Status::Ok(text)) => {
                if kind == Kind::Auth && (self.turn == Turn::Cancelled || !self.shown.in_auth) {
                    return self.fail(Violation::PrematureSuccess, line);
                }
                if !self.state.permits(kind) {
                    return self.fail(Violation::Impossible, line);
                }
                self.extent = 0;
                self.layer.utf8_mode |= kind == Kind::Utf8;
                let reply = Reply::new(text);
                match kind.shape() {
                    Shape::Single => self.finish(kind, Outcome::Ok, input),
                    Shape::Listing => self.part = Part::Listing(end),
                    Shape::Body => self.part = Part::Body(Unstuffer::new(end)),
                }
                Ok(Some(if kind == Kind::Stls { Event::StartTls { to } } else { Event::Ok { to, reply } }))
            }
            Some(Status::Err(text)) => {
                self.finish(kind, Outcome::Err, input);
                Ok(Some(Event::Refused { to, refusal: Refusal::new(text, self.layer.tls) }))
            }
            Some(Status::Challenge(data)) if kind == Kind::Auth && self.turn == Turn::Server => {
                self.extent += 1;
                if self.extent > u64::from(self.config.max_challenges) {
                    return self.fail(Violation::TooManyChallenges, b"");
                }
                self.turn = Turn::Client;
                self.note_leftover(input);
                Ok(Some(Event::Challenge { to, challenge: Challenge(data) }))
            }
            Some(Status::Challenge(_)) => self.fail(Violation::UnexpectedChallenge, line),
            None => self.fail(Violation::NotAStatus, line),
        }
    }

    fn receive_row<'a>(
        &mut self,
        kind: Kind,
        end: LineEnd,
        input: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let line = self.line_with(Some(end), self.config.max_line, input)?;
        let Some((line, _)) = line else { return Ok(None) };
        let to = Ticket(self.pipeline.answered());
        let Some(row) = unstuffed(line) else {
            self.finish(kind, Outcome::Ok, input);
            return Ok(Some(Event::End { to }));
        };
        self.extent += 1;
        let limit = self.config.max_rows;
        if self.extent > u64::from(limit) {
            return self.fail(Violation::TooManyRows { limit }, b"");
        }
        Ok(Some(Event::Row { to, row: Row(row) }))
    }

    #[inline(never)]
    fn end_body<'a>(&mut self, piece: &Piece<'_>, input: &[u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        let to = Ticket(self.pipeline.answered());
        match (piece, self.pipeline.oldest()) {
            (Piece::End, Some(kind)) => {
                self.finish(kind, Outcome::Ok, input);
                Ok(Some(Event::End { to }))
            }
            (Piece::Ambiguous, _) => self.fail(Violation::AmbiguousEnd, b""),
            _ => self.fail(Violation::BodyTooLong { limit: self.config.max_body }, b""),
        }
    }

    /// Handles octets that arrive while no answer is due. One blank line is not consumed: the next answer skips it. A
    /// `-ERR` is read to its end, because it gives the reason why the server is about to hang up.
    fn receive_unsolicited<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Event<'a>>, ProtocolError> {
        self.note_leftover(input);
        if !self.unsolicited {
            return Ok(None);
        }
        if input.first() != Some(&b'-') {
            return self.fail(Violation::Unsolicited, b"");
        }
        let Some((line, _)) = self.line(self.config.max_line, input)? else { return Ok(None) };
        let said = if let Some(Status::Err(_)) = Status::parse(line) { line } else { b"" };
        self.fail(Violation::Unsolicited, said)
    }

    /// Completes the oldest command.
    fn finish(&mut self, kind: Kind, outcome: Outcome, input: &[u8]) {
        // `-ERR` to a command that the confirmed state does not permit is expected, and changes nothing.
        self.state = self.state.after(kind, outcome).unwrap_or(self.state);
        self.pipeline.pop();
        self.shown.secret &= self.state != State::Transaction || self.pipeline.kinds().any(Kind::is_secret);
        self.part = Part::Status;
        self.forgiven = false;
        self.extent = 0;
        if self.pipeline.oldest().is_none() {
            self.note_leftover(input);
        }
    }

    fn note_leftover(&mut self, input: &[u8]) {
        let blank = matches!(input, b"\r" | b"\r\n") || (input == b"\n" && self.layer.line_end == Some(LineEnd::Lf));
        // After STLS, not even a blank line is permitted.
        let forgiven = input.is_empty() || (blank && self.state != State::Handshake);
        self.unsolicited |= !forgiven && !self.state.is_over();
    }

    /// Returns the next status line or challenge, and its line end.
    fn line<'a>(&mut self, limit: u32, input: &mut &'a [u8]) -> Result<Option<(&'a [u8], LineEnd)>, ProtocolError> {
        let strict = if self.config.tolerate_lf { None } else { Some(LineEnd::CrLf) };
        self.line_with(self.layer.line_end.or(strict), limit, input)
    }

    /// Returns the next line. It must end in CRLF if `end` does.
    fn line_with<'a>(
        &mut self,
        end: Option<LineEnd>,
        limit: u32,
        input: &mut &'a [u8],
    ) -> Result<Option<(&'a [u8], LineEnd)>, ProtocolError> {
        match line::line(input, &mut self.scanned, limit, end) {
            Ok(None) => Ok(None),
            Ok(Some(line)) => {
                *input = &input[line.taken..];
                // A blank line that is skipped is not a status line and does not determine the line end.
                if !line.text.is_empty() {
                    self.layer.line_end.get_or_insert(line.end);
                }
                Ok(Some((line.text, line.end)))
            }
            Err(error) => {
                let violation = match error {
                    LineError::TooLong => Violation::LineTooLong { limit },
                    LineError::BareLf => Violation::BareLf,
                    LineError::BareCr => Violation::BareCr,
                };
                let said = &input[..input.len().min(limit as usize)];
                self.fail(violation, said.split(|&b| b == b'\n').next().unwrap_or_default())
            }
        }
    }

    /// Tells the client that the stream has ended. `rest` contains the octets that no event consumed.
    ///
    /// Returns `Ok` after the answer to QUIT and after a greeting with `-ERR`. A truncated answer is never a success.
    ///
    /// # Errors
    ///
    /// [`Violation::Closed`] with the input that was awaited, or the earlier error.
    pub fn receive_eof(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if self.state.is_over() && self.in_flight() == 0 {
            return Ok(());
        }
        let said = if matches!(self.part, Part::Status) { rest } else { b"" };
        self.fail(Violation::Closed, said)
    }

    /// Like [`receive_eof`](Self::receive_eof), for commands in flight that had not been transmitted: the server was
    /// idle.
    #[cfg(feature = "alloc")]
    pub(crate) fn receive_eof_while_idle(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        let result = self.receive_eof(rest);
        self.failure = result.err().map(ProtocolError::while_idle);
        self.failure.map_or(Ok(()), Err)
    }

    /// Tells the client that the TLS handshake is complete. Call this immediately after the handshake, with both kinds
    /// of TLS: before the greeting if the connection begins with TLS (RFC 8314, section 3.1), or after
    /// [`Event::StartTls`] (RFC 2595, section 4).
    ///
    /// `rest` is the plaintext received before the handshake that no event consumed. It must be empty, because an
    /// attacker may have injected it. Everything learned about the server before TLS is discarded.
    ///
    /// # Errors
    ///
    /// [`Violation::PlaintextAfterStls`] if `rest` is not empty, and [`Violation::NoHandshakeDue`] if no handshake is
    /// due. The session is over.
    pub fn tls_established(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let secured = match self.state {
            State::Greeting if !self.layer.tls => State::Greeting,
            State::Handshake => State::secured(),
            _ => return self.fail(Violation::NoHandshakeDue, b""),
        };
        if !rest.is_empty() || self.unsolicited {
            return self.fail(Violation::PlaintextAfterStls, b"");
        }
        self.state = secured;
        self.layer = Layer { line_end: None, tls: true, utf8_mode: false, utf8_user: false };
        Ok(())
    }

    /// Sets whether names and passwords may be UTF-8, because the server announced `UTF8 USER` (RFC 6856, section 2.2).
    pub fn set_utf8_user(&mut self, announced: bool) {
        self.layer.utf8_user = announced;
    }

    /// Returns the state that the server has confirmed.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns the state after all commands in flight, if they succeed.
    pub fn projected(&self) -> State {
        // One step per run is enough: no row of the table leads to another row of the same kind.
        self.pipeline.kinds().fold(self.state, |state, kind| state.after(kind, Outcome::Ok).unwrap_or(state))
    }

    /// Returns the number of commands that have not been answered yet.
    pub const fn in_flight(&self) -> usize {
        self.pipeline.len()
    }

    /// Returns the command that is answered next.
    pub const fn oldest(&self) -> Option<Ticket> {
        if self.pipeline.len() == 0 { None } else { Some(Ticket(self.pipeline.answered())) }
    }

    /// Returns the input that the client is waiting for. A client has no clock: you set the deadlines.
    pub fn awaiting(&self) -> Awaiting {
        match (self.part, self.pipeline.oldest()) {
            (Part::Listing(_), Some(kind)) => Awaiting::Listing(kind),
            (Part::Body(_), Some(kind)) => Awaiting::Body(kind),
            (_, Some(Kind::Auth)) if self.turn == Turn::Client => Awaiting::Response,
            (_, Some(kind)) => Awaiting::Status(kind),
            (_, None) => match self.state {
                State::Greeting => Awaiting::Greeting,
                State::Handshake => Awaiting::Handshake,
                _ => Awaiting::Nothing,
            },
        }
    }

    /// Returns true if the server's texts may echo a secret: the client has sent one that has not led to a login.
    pub(crate) const fn may_hear_an_echo(&self) -> bool {
        self.shown.secret
    }

    /// Returns true if the session is inside TLS.
    pub const fn inside_tls(&self) -> bool {
        self.layer.tls
    }

    #[cold]
    fn fail<T>(&mut self, violation: Violation, said: &[u8]) -> Result<T, ProtocolError> {
        let awaiting = self.awaiting();
        let excerpt = if self.may_hear_an_echo() { Excerpt::EMPTY } else { Excerpt::of(said) };
        let error = ProtocolError { violation, awaiting, excerpt };
        self.failure = Some(error);
        self.part = Part::Status;
        self.state = State::Closed;
        // Failed clients are equal, regardless of how the octets were split.
        self.scanned = 0;
        self.unsolicited = false;
        Err(error)
    }
}
