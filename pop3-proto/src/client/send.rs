//! The commands and responses of a client: permission, limits, and then the line.

use crate::client::{Client, Ticket, Turn};
use crate::error::UsageError;
use crate::wire::argument::Charset;
use crate::wire::command::{Command, MAX_COMMAND_LINE};
use crate::wire::kind::Kind;
use crate::wire::output::Output;
use crate::wire::payload::Response;

impl Client {
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
        command.encode(len, out).ok_or(UsageError::NoRoom)?;
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
                let line = out.line(len + 2).and_then(|line| line.split_at_mut_checked(len));
                let (data, end) = line.ok_or(UsageError::NoRoom)?;
                payload.encode(data);
                end.copy_from_slice(b"\r\n");
                self.turn = Turn::Server;
                self.shown.in_auth = true;
            }
        }
        Ok(())
    }
}
