//! The server's octets, line by line and run by run: what each one means for the oldest command.

use crate::client::{Client, Event, Part, Ticket, Turn};
use crate::error::{ProtocolError, Violation};
use crate::state::{Outcome, State};
use crate::wire::kind::{Kind, Shape};
use crate::wire::line::{self, LineEnd, LineError};
use crate::wire::payload::Payload;
use crate::wire::reply::{Greeting, Refusal, Reply, Row, Status};
use crate::wire::stuffing::{Piece, Unstuffer, unstuffed};

impl Client {
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

    /// Copies octets of the message that is being received from `input` to `space`, without byte-stuffing, and returns
    /// the number of octets written. Advances `input` past them.
    ///
    /// Returns 0 if [`receive`](Self::receive) is due: the message has ended, more octets are needed, or no message is
    /// being received. [`oldest`](Self::oldest) is the command that the message answers.
    ///
    /// You can use this instead of [`receive`](Self::receive) and [`Event::Body`] at any time during a message. If you
    /// copy the octets anyway, this is faster, because one call takes many lines that begin with dots.
    ///
    /// ```
    /// use pop3_proto::{Client, Command, Config, Event};
    ///
    /// # let mut client = Client::new(Config::default());
    /// # let mut out = Vec::new();
    /// # client.receive(&mut &b"+OK\r\n"[..])?;
    /// # for command in [Command::User("mrose"), Command::Pass("tanstaaf")] {
    /// #     client.send(command, &mut out)?;
    /// #     client.receive(&mut &b"+OK\r\n"[..])?;
    /// # }
    /// // A client that is logged in.
    /// client.send(Command::Retr(1), &mut out)?;
    /// let mut input: &[u8] = b"+OK\r\nSubject: dots\r\n\r\n...\r\n..\r\n.\r\n";
    /// assert!(matches!(client.receive(&mut input)?, Some(Event::Ok { .. })));
    /// let mut message = [0; 80];
    /// let octets = client.copy_body(&mut input, &mut message);
    /// assert_eq!(&message[..octets], b"Subject: dots\r\n\r\n..\r\n.\r\n");
    /// assert_eq!(client.copy_body(&mut input, &mut message), 0);
    /// assert!(matches!(client.receive(&mut input)?, Some(Event::End { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_body(&mut self, input: &mut &[u8], space: &mut [u8]) -> usize {
        let Part::Body(unstuffer) = &mut self.part else { return 0 };
        let room = usize::try_from(self.config.max_body - self.extent).unwrap_or(usize::MAX).min(space.len());
        let octets = unstuffer.copy(input, &mut space[..room]);
        self.extent += octets as u64;
        octets
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
                Ok(Some(Event::Challenge { to, challenge: Payload::Base64(data) }))
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
    #[inline]
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
}
