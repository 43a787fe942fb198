//! Client, buffers, and what is still owed: everything that an adapter needs but the I/O.
//!
//! An adapter is a loop. It steps a [`Call`], a [`Retrieval`] or a [`Login`](crate::login::Login) until it is done; when
//! told [`Step::NeedIo`] it writes what is [`pending`](Conversation::pending) and reads into
//! [`spare`](Conversation::spare). Nothing borrows from the buffers between two steps, so whatever is abandoned half-way
//! leaves a conversation that is still right: the next call skips what the abandoned one left.
//!
//! Calls may overlap, but answers arrive in the order of their commands: a step of a later call skips all that is still
//! unread of earlier answers, and every call that lost a part of its answer fails with [`Rejected::Skipped`].

mod call;
mod retrieval;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{ControlFlow, Range};

use zeroize::Zeroizing;

use crate::buffer::{Inbox, Outbox};
use crate::capability::Known;
use crate::client::{Client, Config, Event, Ticket};
use crate::command::{Command, Kind, Shape};
use crate::error::{Awaiting, ProtocolError, Rejected};
use crate::exchange::{Capabilities, Exchange, Failure};
use crate::failure::{Cause, Error, Refused};
use crate::log::{Entry, Sent, Sink};
use crate::reply::{Greeting, Reply};
use crate::sasl::Response;

pub use call::{Call, Step};
pub use retrieval::Retrieval;

/// A client, its buffers, and what is owed.
pub struct Conversation {
    client: Client,
    inbox: Inbox,
    outbox: Outbox,
    /// The octets of the message being read that lie in the inbox and nobody has taken yet, and whose message it is.
    body: Range<usize>,
    body_of: Option<Ticket>,
    /// The newest command of whose answer a part was thrown away, or whose call has ended. Its call and all earlier ones
    /// must not go on: what they would return looks whole and is not.
    skipped: Option<Ticket>,
    /// The octets that the answer now arriving has brought of a message.
    body_octets: u64,
    greeting: Option<Box<[u8]>>,
    capabilities: Option<Capabilities>,
    channel_binding: Option<Zeroizing<Vec<u8>>>,
    /// Nothing has come since a command was sent to an idle server.
    unanswered: bool,
    ended: bool,
    /// The transport failed, so that what would come now is not what was waited for.
    broken: bool,
    log: Option<Sink>,
}

impl Conversation {
    /// A conversation that waits for the greeting.
    pub fn new(config: Config) -> Conversation {
        let longest = config.max_line.max(config.max_challenge) as usize;
        Conversation {
            client: Client::new(config),
            inbox: Inbox::new(1024, longest.max(64 * 1024)),
            outbox: Outbox::default(),
            body: 0..0,
            body_of: None,
            skipped: None,
            body_octets: 0,
            greeting: None,
            capabilities: None,
            channel_binding: None,
            unanswered: false,
            ended: false,
            broken: false,
            log: None,
        }
    }

    /// Has `log` receive the conversation from now on: secrets replaced, bodies as a count of octets.
    pub fn set_log(&mut self, log: impl FnMut(Entry<'_>) + Send + 'static) {
        self.log = Some(Box::new(log));
    }

    /// The protocol's state.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The greeting of this layer: there is none inside a TLS that STLS began.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.greeting.as_ref().map(|line| Greeting(Reply::new(line)))
    }

    /// What the server announced in this layer, if it was asked.
    pub const fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Believes what the server announced: from now on commands are pipelined, and names may be UTF-8, where it says so.
    pub fn learn(&mut self, capabilities: Capabilities) -> &Capabilities {
        self.client.set_utf8_user(capabilities.any(|known| known == Known::Utf8 { user: true }));
        self.capabilities.insert(capabilities)
    }

    /// Whether nothing is owed and nothing is left unread. An adapter that can read without waiting may then look, before
    /// it begins a call, whether the server said something or closed the connection meanwhile.
    pub fn is_idle(&self) -> bool {
        self.client.awaiting() == Awaiting::Nothing
            && self.inbox.unread().is_empty()
            && !(self.ended || self.broken)
            && !self.client.state().is_over()
    }

    /// Whether commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    pub fn pipelining(&self) -> bool {
        self.capabilities.as_ref().is_some_and(Capabilities::pipelining)
    }

    /// Waits for the greeting.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] for a greeting that is `-ERR`, which ends the session; [`Cause::Protocol`].
    pub fn greet(&mut self) -> Result<Step<()>, Error> {
        const DOING: &str = "reading the greeting";
        match self.next_event().map_err(|error| Error::protocol(DOING, error))? {
            None => Ok(Step::NeedIo),
            Some(Event::Greeting(greeting)) => {
                self.greeting = Some(greeting.0.line().into());
                self.settle();
                Ok(Step::Done(()))
            }
            Some(Event::NoService(refusal)) => Err(Error::no_service(DOING, Refused::new(refusal))),
            Some(_) => Err(Error::new(DOING, Cause::Rejected(Rejected::Over))),
        }
    }

    /// Sends the call's command, if nothing stands in its way. [`step`](Self::step) does it too; begin several calls and
    /// then step them in that order to have them travel together.
    ///
    /// # Errors
    ///
    /// [`Cause::Rejected`]: the command may not be sent; nothing was. [`Cause::Protocol`] from before.
    pub fn begin<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<(), Error> {
        if call.ticket.is_none() {
            call.ticket = self.send(&call.exchange.command())?;
        }
        Ok(())
    }

    /// Takes a call as far as the octets at hand allow.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Error::session_goes_on`] tells what it means for the rest.
    pub fn step<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<Step<E::Value>, Error> {
        loop {
            self.begin(call)?;
            self.expect_owed(call.ticket).map_err(|rejected| Error::new(call.doing(), Cause::Rejected(rejected)))?;
            let echo = self.client.may_hear_an_echo();
            let event = self.next_event().map_err(|error| Error::protocol(call.doing(), error))?;
            let Some(event) = event else { return Ok(Step::NeedIo) };
            match event {
                Event::Challenge { to, challenge } if Some(to) == call.ticket => {
                    let response = call.exchange.respond(challenge);
                    let sent = Self::respond(&mut self.client, &mut self.outbox, &mut self.log, response);
                    sent.map_err(|rejected| Error::new(call.doing(), Cause::Rejected(rejected)))?;
                }
                Event::Challenge { to, .. } => {
                    self.skip(Some(to));
                    self.cancel();
                }
                event if event.to() == call.ticket => {
                    if let ControlFlow::Break(mut result) = call.exchange.event(event) {
                        self.skip(call.ticket);
                        if let (Err(Failure::Refused(refused)), true) = (&mut result, echo) {
                            let kind = call.exchange.command().kind();
                            // Who sends a secret knows it, and blots it out. Others hear of an earlier one.
                            if !kind.is_secret() && kind != Kind::User {
                                refused.withhold();
                            }
                        }
                        // Whoever says that we are logged in without a proof is not to be talked to.
                        self.broken |= matches!(result, Err(Failure::Unproved));
                        self.settle();
                        return result.map(Step::Done).map_err(|failure| Error::new(call.doing(), failure.into()));
                    }
                }
                event => {
                    let to = event.to();
                    self.skip(to);
                }
            }
        }
    }

    /// Room to read into, never empty. Call it only when told [`Step::NeedIo`]: octets of a message that you have not taken
    /// are lost, and its retrieval fails with [`Rejected::Skipped`].
    pub fn spare(&mut self) -> &mut [u8] {
        self.drop_body();
        self.inbox.spare()
    }

    /// The first `octets` of [`spare`](Self::spare) were filled; 0 says that the stream has ended.
    pub fn filled(&mut self, octets: usize) {
        self.ended |= octets == 0;
        self.unanswered &= octets == 0;
        self.inbox.filled(octets);
    }

    /// The transport failed, or took too long: the session is over, whatever may still come.
    pub fn break_off(&mut self) {
        self.broken = true;
    }

    /// Octets to be written.
    pub fn pending(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// The first `octets` of [`pending`](Self::pending) were written.
    pub fn written(&mut self, octets: usize) {
        self.outbox.written(octets);
    }

    /// The octets of memory that the buffers hold. While nothing is in flight that is none, but for octets that nobody has
    /// taken or written yet, and for what a call of [`spare`](Self::spare) asked for since.
    pub fn buffered(&self) -> usize {
        self.inbox.held() + self.outbox.held()
    }

    /// The TLS handshake that STLS asked for is done: all that was learnt of the server before is forgotten (RFC 2595,
    /// section 4).
    ///
    /// # Errors
    ///
    /// [`Cause::Protocol`] if there is plaintext left over, or no handshake was due.
    pub fn tls_established(&mut self) -> Result<(), Error> {
        // What is left of STLS itself would go out inside TLS.
        if !self.outbox.pending().is_empty() {
            return Err(Error::new("STLS", Cause::Rejected(Rejected::InFlight)));
        }
        self.client.tls_established(self.inbox.unread()).map_err(|error| Error::protocol("TLS", error))?;
        self.greeting = None;
        self.capabilities = None;
        self.channel_binding = None;
        self.note(Entry::Tls);
        Ok(())
    }

    /// What a proof may be bound to: the `tls-exporter` of the TLS connection (RFC 9266), 32 octets. Set it when the
    /// handshake is done and [`tls_established`](Self::tls_established), if that is due, was called.
    pub fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        self.channel_binding = Some(exporter);
    }

    /// What [`set_channel_binding`](Self::set_channel_binding) was given in this layer.
    pub fn channel_binding(&self) -> Option<&Zeroizing<Vec<u8>>> {
        self.channel_binding.as_ref()
    }

    /// Whether the answer is still to come, or its command still to be sent.
    fn expect_owed(&self, ticket: Option<Ticket>) -> Result<(), Rejected> {
        if self.broken {
            return Err(Rejected::Over);
        }
        let gone = ticket.is_some_and(|ticket| {
            self.skipped.is_some_and(|skipped| skipped >= ticket)
                || self.client.oldest().is_none_or(|oldest| oldest > ticket)
        });
        if gone { Err(Rejected::Skipped) } else { Ok(()) }
    }

    /// Notes that a part of the answer to `ticket` is gone.
    fn skip(&mut self, ticket: Option<Ticket>) {
        self.skipped = self.skipped.max(ticket);
    }

    /// Forgets the octets of a message that nobody took. If there are any, the message is no longer whole.
    fn drop_body(&mut self) {
        if !self.body.is_empty() {
            self.skip(self.body_of);
        }
        (self.body, self.body_of) = (0..0, None);
    }

    /// Nothing may be left unread here.
    pub(crate) fn expect_nothing(&mut self) -> Result<(), Error> {
        self.next_event().map(drop).map_err(|error| Error::protocol("STLS", error))
    }

    /// Sends a command, or gives `None` while something stands in its way: answers that are owed first, or octets that nobody asked for, which the next event will complain of.
    pub(crate) fn send(&mut self, command: &Command<'_>) -> Result<Option<Ticket>, Error> {
        if self.broken {
            return Err(Error::new(command.to_string(), Cause::Rejected(Rejected::Over)));
        }
        let idle = self.client.in_flight() == 0;
        if !idle && !self.pipelining() {
            return Ok(None);
        }
        if self.client.awaiting() == Awaiting::Nothing && !self.inbox.unread().is_empty() {
            // It was there before the command, so it is no answer to it.
            self.next_event().map_err(|error| Error::protocol(command.to_string(), error))?;
        }
        if self.ended && !self.client.state().is_over() {
            // Nobody would read it. The next event says so.
            return Ok(None);
        }
        match self.client.send(*command, &mut self.outbox) {
            Ok(ticket) => {
                if command.kind().is_secret() {
                    self.outbox.mark_secret();
                }
                // A QUIT that finds the connection closed may have been obeyed before: that is for its caller to judge.
                self.unanswered |= idle && command.kind() != Kind::Quit;
                self.note(Entry::Command(Sent(command)));
                Ok(Some(ticket))
            }
            // What abandoned calls left in the way will be answered.
            Err(Rejected::Unsolicited | Rejected::Barrier(_) | Rejected::InFlight | Rejected::WindowFull) => Ok(None),
            Err(rejected) => {
                // Why a session is over says more than that it is.
                self.client.receive(&mut &b""[..]).map_err(|error| Error::protocol(command.to_string(), error))?;
                Err(Error::new(command.to_string(), Cause::Rejected(rejected)))
            }
        }
    }

    fn respond(
        client: &mut Client,
        outbox: &mut Outbox,
        log: &mut Option<Sink>,
        response: Response<'_>,
    ) -> Result<(), Rejected> {
        client.respond(response, outbox)?;
        outbox.mark_secret();
        if let Some(log) = log {
            log(Entry::Response);
        }
        Ok(())
    }

    /// Gives up an exchange of AUTH that nobody wants to finish.
    fn cancel(&mut self) {
        // It cannot be rejected: the challenge was just received, and the outbox grows.
        let _ = Self::respond(&mut self.client, &mut self.outbox, &mut self.log, Response::Cancel);
    }

    fn next_event(&mut self) -> Result<Option<Event<'_>>, ProtocolError> {
        self.drop_body();
        let kind = if self.log.is_some() { self.client.awaiting().kind() } else { None };
        // Asked before the answer takes its command out of flight.
        let echo = self.client.may_hear_an_echo();
        let event = self.inbox.take(|input| {
            let event = self.client.receive(input)?;
            if event.is_none() && self.ended {
                if let Some(log) = &mut self.log {
                    log(Entry::Closed);
                }
                // The command to an idle server had not even left: it had hung up before.
                if self.unanswered && !self.outbox.pending().is_empty() {
                    self.client.receive_eof_while_idle(input)?;
                } else {
                    self.client.receive_eof(input)?;
                }
            }
            Ok(event)
        })?;
        match event {
            Some(Event::Body { bytes, .. }) => self.body_octets += bytes.len() as u64,
            Some(event) => {
                let octets = core::mem::take(&mut self.body_octets);
                if let Some(log) = &mut self.log {
                    if kind.is_some_and(|kind| kind.shape() == Shape::Body) && matches!(event, Event::End { .. }) {
                        log(Entry::Body { octets });
                    }
                    if let Some(entry) = Entry::of(event, echo) {
                        log(entry);
                    }
                }
            }
            None => {}
        }
        Ok(event)
    }

    /// Gives the buffers back where nothing more is to come.
    pub(crate) fn settle(&mut self) {
        if self.client.in_flight() == 0 {
            self.inbox.rest();
            self.outbox.rest();
        }
    }

    fn note(&mut self, entry: Entry<'_>) {
        if let Some(log) = &mut self.log {
            log(entry);
        }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("client", &self.client)
            .field("unread", &self.inbox.unread().len())
            .field("pending", &self.outbox.pending().len())
            .finish_non_exhaustive()
    }
}
