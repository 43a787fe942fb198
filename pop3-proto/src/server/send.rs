//! The greeting and the answers: each where it is due, and no text of them breaks a line.

use core::fmt;

use crate::server::answer::Line;
use crate::server::{AnswerError, Due, Server};
#[cfg(doc)]
use crate::server::{BadRequest, ServerConfig};
use crate::state::{Outcome, State};
use crate::wire::apop::Timestamp;
use crate::wire::code::Code;
use crate::wire::kind::{Kind, Shape};
use crate::wire::output::Output;
use crate::wire::payload::Payload;
use crate::wire::stuffing::Stuffer;
use crate::wire::top::Top;

impl Server {
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
}
