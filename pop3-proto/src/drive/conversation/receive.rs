//! Answers: each event goes to the call that it answers.

use alloc::boxed::Box;
use core::ops::ControlFlow;

use crate::client::{Event, Ticket};
use crate::drive::conversation::{Call, Conversation, Io, Look, Sent, Step};
use crate::drive::error::{Cause, Error};
use crate::drive::exchange::{Exchange, ExchangeError};
use crate::drive::log::LogEntry;
use crate::drive::refusal::OwnedRefusal;
use crate::error::{Awaiting, ProtocolError, UsageError};
use crate::state::State;
use crate::wire::buffer::Outbox;
use crate::wire::command::Command;
use crate::wire::kind::Shape;

impl Conversation {
    /// Waits for the greeting.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] if the greeting is `-ERR`, which ends the session. [`Cause::Protocol`] if the server breaks
    /// the protocol.
    pub fn greet(&mut self) -> Result<Step<()>, Error> {
        const OPERATION: &str = "reading the greeting";
        if self.broken {
            return Err(Error::new(OPERATION, self.reason(UsageError::Over)));
        }
        match self.next_event().map_err(|error| Error::protocol(OPERATION, error))? {
            None => Ok(Step::NeedIo(Io::Transfer)),
            Some(Event::Greeting(greeting)) => {
                self.greeting = Some(greeting.0.line().into());
                self.settle();
                Ok(Step::Done(()))
            }
            Some(Event::NoService(refusal)) => Err(Error::no_service(OPERATION, OwnedRefusal::new(refusal))),
            Some(_) => Err(Error::new(OPERATION, Cause::Usage(UsageError::Over))),
        }
    }

    /// Advances a call as far as the available octets allow.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Error::is_recoverable`] returns true if the session can continue.
    pub fn step<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<Step<E::Value>, Error> {
        loop {
            if let Step::NeedIo(io) = self.begin(call)? {
                return Ok(Step::NeedIo(io));
            }
            self.expect_owed(call.sent).map_err(|rejected| call.error(self.reason(rejected)))?;
            let ticket = call.sent.map(|sent| sent.ticket);
            let echo = self.client.may_hear_an_echo();
            let event = self.next_event().map_err(|error| call.error(error))?;
            let Some(event) = event else {
                match self.next_io(ticket) {
                    Some(io) => return Ok(Step::NeedIo(io)),
                    None => continue,
                }
            };
            match event {
                Event::Challenge { to, challenge } if Some(to) == ticket => {
                    // The exchange may wait for a user: octets that arrive meanwhile are not the answer.
                    let response = call.exchange.respond(challenge);
                    let mut later = Box::new((self.client.clone(), Outbox::default()));
                    let encoded = later.0.respond(response, &mut later.1);
                    encoded.map_err(|rejected| call.error(rejected))?;
                    later.1.mark_secret();
                    (self.response, self.look) = (Some(later), Look::Due);
                }
                Event::Challenge { to, .. } => {
                    self.skip(Some(to));
                    self.cancel();
                }
                event if event.to() == ticket => {
                    if let ControlFlow::Break(mut result) = call.exchange.event(event) {
                        self.skip(ticket);
                        if let (Err(ExchangeError::Refused(refused)), true) = (&mut result, echo && !call.is_searched) {
                            match call.exchange.command() {
                                // After the login, only the arguments of a raw command may be secret.
                                Command::Raw(line) | Command::RawListing(line)
                                    if self.client.state() == State::Transaction =>
                                {
                                    line.split(' ').skip(1).for_each(|argument| refused.redact(argument.as_bytes()));
                                }
                                _ => refused.withhold(),
                            }
                        }
                        // End the session: the server claimed success without proving that it knows the password.
                        self.broken |= matches!(result, Err(ExchangeError::PrematureSuccess));
                        self.settle();
                        return result.map(Step::Done).map_err(|failure| call.error(failure));
                    }
                }
                event => {
                    let to = event.to();
                    self.skip(to);
                }
            }
        }
    }

    /// Checks that the answer can still arrive in this conversation, or that its command has not been sent yet.
    #[inline]
    pub(super) fn expect_owed(&self, sent: Option<Sent>) -> Result<(), UsageError> {
        if self.broken {
            return Err(UsageError::Over);
        }
        let gone = sent.is_some_and(|Sent { ticket, conversation }| {
            conversation != self.identity
                || self.skipped.is_some_and(|skipped| skipped >= ticket)
                || (self.client.oldest().is_none_or(|oldest| oldest > ticket) && !self.is_closing())
        });
        if gone { Err(UsageError::Skipped) } else { Ok(()) }
    }

    /// Returns true if the only commands without an answer were not written completely: the next event is an error.
    #[inline]
    fn is_closing(&self) -> bool {
        self.untransmitted > 0 && self.client.in_flight() <= self.untransmitted
    }

    /// Records that part of the answer to `ticket` was discarded.
    pub(super) fn skip(&mut self, ticket: Option<Ticket>) {
        self.skipped = self.skipped.max(ticket);
    }

    /// Discards the octets of a message that were not taken. If there are any, the message is no longer complete.
    #[inline]
    pub(super) fn drop_body(&mut self) {
        if !self.body.is_empty() {
            self.skip(self.body_of.map(|sent| sent.ticket));
        }
        (self.body, self.body_of) = (0..0, None);
    }

    /// Checks that no octets are left unread.
    pub(crate) fn expect_nothing(&mut self) -> Result<(), Error> {
        self.next_event().map(drop).map_err(|error| Error::protocol("STLS", error))
    }

    /// Returns the I/O that is due if the available octets contain no event, or `None` if a response to a challenge has
    /// just been sent or cancelled. `ticket` is the call being stepped.
    pub(super) fn next_io(&mut self, ticket: Option<Ticket>) -> Option<Io> {
        if self.client.awaiting() != Awaiting::Response {
            return Some(Io::Transfer);
        }
        if self.client.oldest() != ticket {
            self.cancel();
            return None;
        }
        if !self.has_looked() {
            return Some(Io::Look);
        }
        if let Some((client, response)) = self.response.take().map(|response| *response) {
            self.client = client;
            self.outbox.append(&response);
            self.note(LogEntry::Response);
        }
        None
    }

    pub(super) fn next_event(&mut self) -> Result<Option<Event<'_>>, ProtocolError> {
        self.drop_body();
        self.prepare(None);
        if self.is_closing() && !self.inbox.unread().is_empty() {
            self.client.forget_in_flight();
        }
        if self.look == Look::Heard {
            self.look = Look::Due;
        }
        let kind = if self.log.is_some() { self.client.awaiting().kind() } else { None };
        // Evaluated before the answer removes its command from flight.
        let echo = self.client.may_hear_an_echo();
        let result = self.inbox.take(|input| match self.client.receive(input) {
            Ok(None) if self.ended => {
                if let Some(log) = &mut self.log {
                    log(LogEntry::Closed);
                }
                // The server was idle if the oldest command had not been transmitted completely.
                let untransmitted = self.untransmitted.max(self.outbox.pending_lines());
                let idle = self.unanswered && self.client.in_flight() <= untransmitted;
                let end = if idle { self.client.receive_eof_while_idle(input) } else { self.client.receive_eof(input) };
                end.map(|()| None)
            }
            result => result,
        });
        match &result {
            Ok(Some(Event::Body { bytes, .. })) => self.body_octets += bytes.len() as u64,
            Ok(Some(event)) => {
                let octets = core::mem::take(&mut self.body_octets);
                if let Some(log) = &mut self.log {
                    if kind.is_some_and(|kind| kind.shape() == Shape::Body) && matches!(event, Event::End { .. }) {
                        log(LogEntry::Body { octets });
                    }
                    if let Some(entry) = LogEntry::of(*event, echo) {
                        log(entry);
                    }
                }
            }
            Ok(None) | Err(_) => {}
        }
        result
    }
}
