//! The client's lines: requests, and what is wrong with the others.

use crate::error::ProtocolError;
#[cfg(doc)]
use crate::error::Violation;
use crate::server::{BadRequest, Due, MIN_LIMIT, Request, Server};
use crate::state::State;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::line::{CommandLine, CommandLines};
use crate::wire::parse::BadCommand;
use crate::wire::payload::{Payload, Response};

/// Mechanisms that reveal a reusable password or token to the server and to an eavesdropper.
const REUSABLE: [&str; 4] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];

impl Server {
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
}
