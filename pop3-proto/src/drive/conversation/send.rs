//! Commands: what may be sent, and when.

use crate::drive::conversation::{Ahead, Call, Conversation, Io, Look, Sent, Step};
#[cfg(doc)]
use crate::drive::error::Cause;
use crate::drive::error::Error;
use crate::drive::exchange::Exchange;
use crate::drive::log::{LogEntry, LoggedCommand};
use crate::error::{Awaiting, UsageError};
use crate::wire::buffer::Outbox;
use crate::wire::capability::KnownCapability;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::output::Output;
use crate::wire::payload::Response;

impl Conversation {
    /// Sends the call's command, if it can be sent now. [`step`](Self::step) does this too. To pipeline several calls,
    /// begin all of them and then step them in the same order. If this returns [`Step::NeedIo`], nothing was sent: do
    /// the I/O, then begin the call again.
    ///
    /// # Errors
    ///
    /// [`Cause::Usage`] if the command may not be sent; nothing was sent. [`Cause::Protocol`] for an earlier error.
    pub fn begin<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<Step<()>, Error> {
        if call.sent.is_none() {
            match self.send(&call.exchange.command())? {
                Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                Step::Done(sent) => call.sent = sent,
            }
        }
        Ok(Step::Done(()))
    }

    /// Requires a new look: the caller had control, so an earlier look is out of date.
    pub(crate) fn look_again(&mut self) {
        self.look = Look::Due;
    }

    /// Sends a command. Returns `None` if it cannot be sent yet: earlier answers are due, or unsolicited octets have
    /// arrived, for which the next event returns an error.
    pub(crate) fn send(&mut self, command: &Command<'_>) -> Result<Step<Option<Sent>>, Error> {
        self.send_within(command, usize::MAX)
    }

    /// Like [`send`](Self::send), and also returns `None` if the line has more than `room` octets.
    pub(crate) fn send_within(&mut self, command: &Command<'_>, room: usize) -> Result<Step<Option<Sent>>, Error> {
        if self.broken {
            return Err(Error::of(command, self.reason(UsageError::Over)));
        }
        let kind = command.kind();
        if !self.has_announced(kind) {
            return Err(Error::of(command, UsageError::NotAnnounced(kind)));
        }
        let idle = self.client.in_flight() == 0;
        if !idle && !self.pipelining() {
            return Ok(Step::Done(None));
        }
        if self.client.awaiting() == Awaiting::Nothing {
            if !self.inbox.unread().is_empty() {
                // These octets arrived before the command, so they do not answer it.
                self.next_event().map_err(|error| Error::of(command, error))?;
            }
            if self.client.has_unsolicited() {
                // The next event returns the error once the line is complete.
                return Ok(Step::Done(None));
            }
            if !self.has_looked() {
                return Ok(Step::NeedIo(Io::Look));
            }
        }
        if (self.ended || self.outbox.is_closed()) && !self.client.state().is_over() {
            // The server would not read it. The next event returns the error.
            return Ok(Step::Done(None));
        }
        match self.client.send(*command, &mut Limited { outbox: &mut self.outbox, room }) {
            Ok(ticket) => {
                if kind.is_secret() {
                    self.outbox.mark_secret();
                }
                // A QUIT that finds the connection closed may have been executed already: the caller decides.
                self.unanswered |= idle && kind != Kind::Quit;
                (self.lone, self.ahead) = (idle.then_some(ticket), Ahead::Nothing);
                self.note(LogEntry::Command(LoggedCommand(command)));
                Ok(Step::Done(Some(Sent { ticket, conversation: self.identity })))
            }
            // Abandoned calls left commands in flight, which will be answered.
            Err(
                UsageError::Unsolicited
                | UsageError::Barrier(_)
                | UsageError::InFlight
                | UsageError::WindowFull
                | UsageError::NoRoom,
            ) => Ok(Step::Done(None)),
            Err(rejected) => {
                // The look allocated a buffer.
                self.settle();
                // The reason why the session is over is more useful than `UsageError::Over`.
                self.client.receive(&mut &b""[..]).map_err(|error| Error::of(command, error))?;
                Err(Error::of(command, rejected))
            }
        }
    }

    /// Returns true unless a command needs a capability that was not announced (RFC 6856, sections 2 and 3).
    pub(super) fn has_announced(&self, kind: Kind) -> bool {
        let any =
            |wanted: fn(KnownCapability<'_>) -> bool| self.capabilities.as_ref().is_some_and(|all| all.any(wanted));
        match kind {
            Kind::Utf8 => any(|known| matches!(known, KnownCapability::Utf8 { .. })),
            Kind::Lang | Kind::LangList => any(|known| known == KnownCapability::Lang),
            _ => true,
        }
    }

    /// Returns true once after a look that found nothing. If it found octets, more may follow.
    pub(super) fn has_looked(&mut self) -> bool {
        core::mem::replace(&mut self.look, Look::Due) == Look::Done || self.ended
    }

    /// Cancels an abandoned AUTH exchange.
    pub(super) fn cancel(&mut self) {
        self.response = None;
        // This cannot be rejected: a challenge was received, and the outbox grows.
        if self.client.respond(Response::Cancel, &mut self.outbox).is_ok() {
            self.note(LogEntry::Response);
        }
    }
}

/// An outbox that takes no line of more than `room` octets.
struct Limited<'a> {
    outbox: &'a mut Outbox,
    room: usize,
}

impl Output for Limited<'_> {
    fn line(&mut self, len: usize) -> Option<&mut [u8]> {
        if len <= self.room { self.outbox.line(len) } else { None }
    }
}
