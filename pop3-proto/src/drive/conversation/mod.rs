//! Client, buffers, and what is still owed: everything that an adapter needs but the I/O.
//!
//! An adapter is a loop. It steps a [`Call`], a [`Retrieval`] or a [`Login`](crate::login::Login) until it is done; when
//! told [`Step::NeedIo`] it does the [`Io`] that is due: it writes what is [`pending`](Conversation::pending) and reads into
//! [`spare`](Conversation::spare), or only looks whether something can be read. Nothing borrows from the buffers between
//! two steps, so whatever is abandoned half-way leaves a conversation that is still right: the next call skips what the
//! abandoned one left.
//!
//! Calls may overlap, but answers arrive in the order of their commands: a step of a later call skips all that is still
//! unread of earlier answers, and every call that lost a part of its answer fails with [`UsageError::Skipped`].
//!
//! Octets that nobody asked for never answer a later command. POP3 has no tags, so the only way to tell is that they were
//! there before the command: while nothing is in flight, no command is sent before the adapter has [looked](Io::Look),
//! however short a time the conversation was idle. The same holds for the response to a challenge, which may take a person
//! some time. A server that hung up, or announced it, is then told apart from one that refused the command.

mod call;
mod retrieval;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{ControlFlow, Range};

use zeroize::Zeroizing;

use crate::client::{Client, Config, Event, Ticket};
use crate::drive::capabilities::Capabilities;
use crate::drive::error::{Cause, Error};
use crate::drive::exchange::{Exchange, ExchangeError};
use crate::drive::log::{LogEntry, LoggedCommand, Sink};
use crate::drive::refusal::OwnedRefusal;
use crate::error::{Awaiting, ProtocolError, UsageError};
use crate::state::State;
use crate::wire::buffer::{Inbox, Outbox};
use crate::wire::capability::KnownCapability;
use crate::wire::command::Command;
use crate::wire::kind::{Kind, Shape};
use crate::wire::payload::Response;
use crate::wire::reply::{Greeting, Reply};

use call::Identity;
pub(crate) use call::Sent;
pub use call::{Call, Io, Step};
pub use retrieval::Retrieval;

/// Whether a command may be sent to an idle server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The adapter has to look first.
    Due,
    /// Octets were read, and no step has taken them yet: a look that brings some is to be repeated.
    Heard,
    /// The adapter has looked, and there was nothing.
    Done,
}

/// A client, its buffers, and what is owed.
pub struct Conversation {
    identity: Identity,
    client: Client,
    inbox: Inbox,
    outbox: Outbox,
    /// The octets of the message being read that lie in the inbox and nobody has taken yet, and whose message it is.
    body: Range<usize>,
    body_of: Option<Sent>,
    /// The newest command of whose answer a part was thrown away, or whose call has ended. Its call and all earlier ones
    /// must not go on: what they would return looks whole and is not.
    skipped: Option<Ticket>,
    /// The octets that the answer now arriving has brought of a message.
    body_octets: u64,
    greeting: Option<Box<[u8]>>,
    capabilities: Option<Capabilities>,
    channel_binding: Option<Zeroizing<Vec<u8>>>,
    look: Look,
    /// The client as it will be, and its response to a challenge, until the adapter has looked.
    response: Option<Box<(Client, Outbox)>>,
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
            identity: Identity::new(),
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
            look: Look::Due,
            response: None,
            unanswered: false,
            ended: false,
            broken: false,
            log: None,
        }
    }

    /// Has `log` receive the conversation from now on: secrets replaced, bodies as a count of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
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
        self.client.set_utf8_user(capabilities.any(|known| known == KnownCapability::Utf8 { user: true }));
        self.capabilities.insert(capabilities)
    }

    /// Returns true if no answer is owed and the session goes on: no deadline of an answer is running.
    pub fn is_idle(&self) -> bool {
        self.client.awaiting() == Awaiting::Nothing && !(self.ended || self.broken) && !self.client.state().is_over()
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
        const OPERATION: &str = "reading the greeting";
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

    /// Sends the call's command, if nothing stands in its way. [`step`](Self::step) does it too; begin several calls and
    /// then step them in that order to have them travel together. If it returns [`Step::NeedIo`], nothing was sent: begin
    /// the call again after you have looked.
    ///
    /// # Errors
    ///
    /// [`Cause::Usage`]: the command may not be sent; nothing was. [`Cause::Protocol`] from before.
    pub fn begin<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<Step<()>, Error> {
        if call.sent.is_none() {
            match self.send(&call.exchange.command())? {
                Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                Step::Done(sent) => call.sent = sent,
            }
        }
        Ok(Step::Done(()))
    }

    /// Takes a call as far as the octets at hand allow.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Error::is_recoverable`] tells what it means for the rest.
    pub fn step<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<Step<E::Value>, Error> {
        loop {
            if let Step::NeedIo(io) = self.begin(call)? {
                return Ok(Step::NeedIo(io));
            }
            self.expect_owed(call.sent).map_err(|rejected| Error::new(call.operation(), Cause::Usage(rejected)))?;
            let ticket = call.sent.map(|sent| sent.ticket);
            let echo = self.client.may_hear_an_echo();
            let event = self.next_event().map_err(|error| Error::protocol(call.operation(), error))?;
            let Some(event) = event else {
                match self.next_io(ticket) {
                    Some(io) => return Ok(Step::NeedIo(io)),
                    None => continue,
                }
            };
            match event {
                Event::Challenge { to, challenge } if Some(to) == ticket => {
                    // The exchange may ask somebody, and take its time: what comes meanwhile is no answer.
                    let response = call.exchange.respond(challenge);
                    let mut later = Box::new((self.client.clone(), Outbox::default()));
                    let encoded = later.0.respond(response, &mut later.1);
                    encoded.map_err(|rejected| Error::new(call.operation(), Cause::Usage(rejected)))?;
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
                                // Since the login nothing else was secret.
                                Command::Raw { line, .. } if self.client.state() == State::Transaction => {
                                    line.split(' ').skip(1).for_each(|argument| refused.redact(argument.as_bytes()));
                                }
                                _ => refused.withhold(),
                            }
                        }
                        // Whoever says that we are logged in without a proof is not to be talked to.
                        self.broken |= matches!(result, Err(ExchangeError::PrematureSuccess));
                        self.settle();
                        return result.map(Step::Done).map_err(|failure| Error::new(call.operation(), failure.into()));
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
    /// are lost, and its retrieval fails with [`UsageError::Skipped`].
    pub fn spare(&mut self) -> &mut [u8] {
        self.drop_body();
        self.inbox.spare()
    }

    /// The first `octets` of [`spare`](Self::spare) were filled; 0 says that the stream has ended.
    pub fn filled(&mut self, octets: usize) {
        self.ended |= octets == 0;
        self.unanswered &= octets == 0;
        if octets > 0 {
            self.look = Look::Heard;
        }
        self.inbox.filled(octets);
    }

    /// The adapter has done what [`Io::Look`] says. It counts for the next step only.
    pub fn looked(&mut self) {
        if self.look == Look::Due {
            self.look = Look::Done;
        }
    }

    /// The caller held control, so that an earlier look says nothing any more.
    pub(crate) fn look_again(&mut self) {
        self.look = Look::Due;
    }

    /// The transport failed, or took too long: the session is over, whatever may still come.
    pub fn abort(&mut self) {
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

    /// The TLS handshake is done. Call it at that moment, for both kinds of TLS: before [`greet`](Self::greet) where TLS is
    /// there from the beginning (RFC 8314, section 3.1), or when a login says [`StartTls`](crate::login::Progress::StartTls)
    /// (RFC 2595, section 4), after which all that was learnt of the server before is forgotten.
    ///
    /// # Errors
    ///
    /// [`Cause::Protocol`] if plaintext came before the handshake and is left over, or no handshake was due.
    pub fn tls_established(&mut self) -> Result<(), Error> {
        // What is left of STLS itself would go out inside TLS.
        if !self.outbox.pending().is_empty() {
            return Err(Error::new("STLS", Cause::Usage(UsageError::InFlight)));
        }
        self.client.tls_established(self.inbox.unread()).map_err(|error| Error::protocol("TLS", error))?;
        self.greeting = None;
        self.capabilities = None;
        self.channel_binding = None;
        self.note(LogEntry::Tls);
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

    /// Whether the answer is still to come here, or its command still to be sent.
    fn expect_owed(&self, sent: Option<Sent>) -> Result<(), UsageError> {
        if self.broken {
            return Err(UsageError::Over);
        }
        let gone = sent.is_some_and(|Sent { ticket, conversation }| {
            conversation != self.identity
                || self.skipped.is_some_and(|skipped| skipped >= ticket)
                || self.client.oldest().is_none_or(|oldest| oldest > ticket)
        });
        if gone { Err(UsageError::Skipped) } else { Ok(()) }
    }

    /// Notes that a part of the answer to `ticket` is gone.
    fn skip(&mut self, ticket: Option<Ticket>) {
        self.skipped = self.skipped.max(ticket);
    }

    /// Forgets the octets of a message that nobody took. If there are any, the message is no longer whole.
    fn drop_body(&mut self) {
        if !self.body.is_empty() {
            self.skip(self.body_of.map(|sent| sent.ticket));
        }
        (self.body, self.body_of) = (0..0, None);
    }

    /// Nothing may be left unread here.
    pub(crate) fn expect_nothing(&mut self) -> Result<(), Error> {
        self.next_event().map(drop).map_err(|error| Error::protocol("STLS", error))
    }

    /// Sends a command, or returns `None` while something stands in its way: answers that are owed first, or octets that
    /// nobody asked for, of which the next event will complain.
    pub(crate) fn send(&mut self, command: &Command<'_>) -> Result<Step<Option<Sent>>, Error> {
        if self.broken {
            return Err(Error::new(command.to_string(), Cause::Usage(UsageError::Over)));
        }
        if !self.has_announced(command.kind()) {
            let rejected = UsageError::NotAnnounced(command.kind());
            return Err(Error::new(command.to_string(), Cause::Usage(rejected)));
        }
        let idle = self.client.in_flight() == 0;
        if !idle && !self.pipelining() {
            return Ok(Step::Done(None));
        }
        if self.client.awaiting() == Awaiting::Nothing {
            if !self.inbox.unread().is_empty() {
                // It was there before the command, so it is no answer to it.
                self.next_event().map_err(|error| Error::protocol(command.to_string(), error))?;
            }
            if self.client.has_unsolicited() {
                // The next event complains of it, once the line is complete.
                return Ok(Step::Done(None));
            }
            if !self.has_looked() {
                return Ok(Step::NeedIo(Io::Look));
            }
        }
        if self.ended && !self.client.state().is_over() {
            // Nobody would read it. The next event says so.
            return Ok(Step::Done(None));
        }
        match self.client.send(*command, &mut self.outbox) {
            Ok(ticket) => {
                if command.kind().is_secret() {
                    self.outbox.mark_secret();
                }
                // A QUIT that finds the connection closed may have been obeyed before: that is for its caller to judge.
                self.unanswered |= idle && command.kind() != Kind::Quit;
                self.note(LogEntry::Command(LoggedCommand(command)));
                Ok(Step::Done(Some(Sent { ticket, conversation: self.identity })))
            }
            // What abandoned calls left in the way will be answered.
            Err(UsageError::Unsolicited | UsageError::Barrier(_) | UsageError::InFlight | UsageError::WindowFull) => {
                Ok(Step::Done(None))
            }
            Err(rejected) => {
                // Room was made to look.
                self.settle();
                // Why a session is over says more than that it is.
                self.client.receive(&mut &b""[..]).map_err(|error| Error::protocol(command.to_string(), error))?;
                Err(Error::new(command.to_string(), Cause::Usage(rejected)))
            }
        }
    }

    /// Returns true unless a command needs a capability that was not announced (RFC 6856, sections 2 and 3).
    fn has_announced(&self, kind: Kind) -> bool {
        let any =
            |wanted: fn(KnownCapability<'_>) -> bool| self.capabilities.as_ref().is_some_and(|all| all.any(wanted));
        match kind {
            Kind::Utf8 => any(|known| matches!(known, KnownCapability::Utf8 { .. })),
            Kind::Lang | Kind::LangList => any(|known| known == KnownCapability::Lang),
            _ => true,
        }
    }

    /// Returns the I/O that is due where the octets at hand make no event, or `None` if a response to a challenge was due
    /// and is on its way now. The call of `ticket` is being stepped.
    fn next_io(&mut self, ticket: Option<Ticket>) -> Option<Io> {
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

    /// Returns true once after a look that found nothing. What was found may be the beginning of more.
    fn has_looked(&mut self) -> bool {
        core::mem::replace(&mut self.look, Look::Due) == Look::Done || self.ended
    }

    /// Gives up an exchange of AUTH that nobody wants to finish.
    fn cancel(&mut self) {
        self.response = None;
        // It cannot be rejected: a challenge was received, and the outbox grows.
        if self.client.respond(Response::Cancel, &mut self.outbox).is_ok() {
            self.note(LogEntry::Response);
        }
    }

    fn next_event(&mut self) -> Result<Option<Event<'_>>, ProtocolError> {
        self.drop_body();
        if self.look == Look::Heard {
            self.look = Look::Due;
        }
        let kind = if self.log.is_some() { self.client.awaiting().kind() } else { None };
        // Asked before the answer takes its command out of flight.
        let echo = self.client.may_hear_an_echo();
        let event = self.inbox.take(|input| {
            let event = self.client.receive(input)?;
            if event.is_none() && self.ended {
                if let Some(log) = &mut self.log {
                    log(LogEntry::Closed);
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
                        log(LogEntry::Body { octets });
                    }
                    if let Some(entry) = LogEntry::of(event, echo) {
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

    fn note(&mut self, entry: LogEntry<'_>) {
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
