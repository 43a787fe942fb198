//! A client, its buffers, and the answers that are due: everything that an adapter needs except the I/O.
//!
//! An adapter is a loop. It steps a [`Call`], a [`Retrieval`] or a [`Login`](crate::login::Login) until it is done. On
//! [`Step::NeedIo`] it does the requested [`Io`]: it writes [`pending`](Conversation::pending) and reads into
//! [`spare`](Conversation::spare), or only looks for input that has already arrived. Nothing borrows from the buffers
//! between two steps, so you can drop a call at any time and the conversation remains usable: the next call skips the
//! rest of the dropped call's answer.
//!
//! Calls may overlap, but answers arrive in the order of their commands. A step of a later call skips everything unread
//! of earlier answers, and every call that lost part of its answer fails with [`UsageError::Skipped`].
//!
//! Unsolicited octets never answer a later command. POP3 has no tags, so the only evidence is that the octets arrived
//! before the command was sent. Therefore, while nothing is in flight, no command is sent before the adapter has
//! [looked](Io::Look), even if the conversation was idle only briefly. The same holds for the response to a challenge,
//! because a user may need time to provide it. This also distinguishes a server that closed the connection, or
//! announced that it would, from one that refused the command.

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

/// Permission to send a command to an idle server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The adapter must look first.
    Due,
    /// Octets were read and no step has consumed them yet: a look that finds octets must be repeated.
    Heard,
    /// The adapter has looked and found nothing.
    Done,
}

/// A client, its buffers, and the answers that are due.
pub struct Conversation {
    identity: Identity,
    client: Client,
    inbox: Inbox,
    outbox: Outbox,
    /// The octets in the inbox that belong to the message being read and have not been taken yet, and that message's
    /// command.
    body: Range<usize>,
    body_of: Option<Sent>,
    /// The newest command whose answer was partly discarded, or whose call has ended. Its call and all earlier ones
    /// must not continue: they would return a partial result as if it were complete.
    skipped: Option<Ticket>,
    /// The number of octets of a message received in the current answer.
    body_octets: u64,
    greeting: Option<Box<[u8]>>,
    capabilities: Option<Capabilities>,
    channel_binding: Option<Zeroizing<Vec<u8>>>,
    look: Look,
    /// The client's next state and its response to a challenge, held until the adapter has looked.
    response: Option<Box<(Client, Outbox)>>,
    /// Nothing has arrived since a command was sent to an idle server.
    unanswered: bool,
    ended: bool,
    /// The transport failed: later octets may not be the awaited answer.
    broken: bool,
    log: Option<Sink>,
}

impl Conversation {
    /// Creates a conversation that waits for the greeting.
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

    /// Sends the conversation to `log` from now on, with secrets replaced and bodies given as a number of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.log = Some(Box::new(log));
    }

    /// Returns the client, which holds the protocol state.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the greeting of this layer. There is none inside TLS that STLS began.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.greeting.as_ref().map(|line| Greeting(Reply::new(line)))
    }

    /// Returns the capabilities that the server announced in this layer, or `None` if it was not asked.
    pub const fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Records the announced capabilities. From now on, commands are pipelined and names may be UTF-8 if the
    /// capabilities permit it.
    pub fn learn(&mut self, capabilities: Capabilities) -> &Capabilities {
        self.client.set_utf8_user(capabilities.any(|known| known == KnownCapability::Utf8 { user: true }));
        self.capabilities.insert(capabilities)
    }

    /// Returns true if no answer is due and the session is not over: no deadline for an answer is running.
    pub fn is_idle(&self) -> bool {
        self.client.awaiting() == Awaiting::Nothing && !(self.ended || self.broken) && !self.client.state().is_over()
    }

    /// Returns true if commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    pub fn pipelining(&self) -> bool {
        self.capabilities.as_ref().is_some_and(Capabilities::pipelining)
    }

    /// Waits for the greeting.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] if the greeting is `-ERR`, which ends the session; [`Cause::Protocol`].
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

    /// Sends the call's command, if it can be sent now. [`step`](Self::step) does this too. To pipeline several calls,
    /// begin all of them and then step them in the same order. If this returns [`Step::NeedIo`], nothing was sent: do
    /// the look, then begin the call again.
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
                    // The exchange may wait for a user: octets that arrive meanwhile are not the answer.
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

    /// Returns the buffer to read into, which is never empty. Call this only after [`Step::NeedIo`]: octets of a
    /// message that you have not taken are lost, and its retrieval fails with [`UsageError::Skipped`].
    pub fn spare(&mut self) -> &mut [u8] {
        self.drop_body();
        self.inbox.spare()
    }

    /// Reports that the first `octets` of [`spare`](Self::spare) were filled; 0 means that the stream has ended.
    pub fn filled(&mut self, octets: usize) {
        self.ended |= octets == 0;
        self.unanswered &= octets == 0;
        if octets > 0 {
            self.look = Look::Heard;
        }
        self.inbox.filled(octets);
    }

    /// Reports that the adapter has done an [`Io::Look`]. This is valid for the next step only.
    pub fn looked(&mut self) {
        if self.look == Look::Due {
            self.look = Look::Done;
        }
    }

    /// Requires a new look: the caller had control, so an earlier look is out of date.
    pub(crate) fn look_again(&mut self) {
        self.look = Look::Due;
    }

    /// Ends the session after the transport has failed or timed out. Later octets are ignored.
    pub fn abort(&mut self) {
        self.broken = true;
    }

    /// Returns the octets to write.
    pub fn pending(&self) -> &[u8] {
        self.outbox.writable()
    }

    /// Reports that a write failed because the peer closed the connection. Nothing is [`pending`](Self::pending) from
    /// now on. Continue to read: what the server sent before it closed the connection may explain why.
    pub fn write_failed(&mut self) {
        self.outbox.close();
    }

    /// Reports that the first `octets` of [`pending`](Self::pending) were written.
    pub fn written(&mut self, octets: usize) {
        self.outbox.written(octets);
    }

    /// Returns the memory that the buffers hold, in octets. While nothing is in flight this is 0, except for octets
    /// that were not taken or written yet, and for the buffer that a later call of [`spare`](Self::spare) allocated.
    pub fn buffered(&self) -> usize {
        self.inbox.held() + self.outbox.held()
    }

    /// Reports that the TLS handshake is complete. Call this immediately after the handshake, with both kinds of TLS:
    /// before [`greet`](Self::greet) if the connection begins with TLS (RFC 8314, section 3.1), or when a login returns
    /// [`StartTls`](crate::login::Progress::StartTls) (RFC 2595, section 4). Everything learned about the server before
    /// TLS is discarded.
    ///
    /// # Errors
    ///
    /// [`Cause::Protocol`] if plaintext received before the handshake is left over, or if no handshake is due.
    /// [`Cause::Usage`] if octets are still [`pending`](Self::pending).
    pub fn tls_established(&mut self) -> Result<(), Error> {
        // The rest of the STLS command would be sent inside TLS.
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

    /// Sets the channel binding for proofs: the `tls-exporter` of the TLS connection (RFC 9266), 32 octets. Call this
    /// after the handshake, and after [`tls_established`](Self::tls_established).
    pub fn set_channel_binding(&mut self, exporter: Zeroizing<Vec<u8>>) {
        self.channel_binding = Some(exporter);
    }

    /// Returns the value given to [`set_channel_binding`](Self::set_channel_binding) in this layer.
    pub fn channel_binding(&self) -> Option<&Zeroizing<Vec<u8>>> {
        self.channel_binding.as_ref()
    }

    /// Checks that the answer can still arrive in this conversation, or that its command has not been sent yet.
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

    /// Records that part of the answer to `ticket` was discarded.
    fn skip(&mut self, ticket: Option<Ticket>) {
        self.skipped = self.skipped.max(ticket);
    }

    /// Discards the octets of a message that were not taken. If there are any, the message is no longer complete.
    fn drop_body(&mut self) {
        if !self.body.is_empty() {
            self.skip(self.body_of.map(|sent| sent.ticket));
        }
        (self.body, self.body_of) = (0..0, None);
    }

    /// Checks that no octets are left unread.
    pub(crate) fn expect_nothing(&mut self) -> Result<(), Error> {
        self.next_event().map(drop).map_err(|error| Error::protocol("STLS", error))
    }

    /// Sends a command. Returns `None` if it cannot be sent yet: earlier answers are due, or unsolicited octets have
    /// arrived, for which the next event returns an error.
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
                // These octets arrived before the command, so they do not answer it.
                self.next_event().map_err(|error| Error::protocol(command.to_string(), error))?;
            }
            if self.client.has_unsolicited() {
                // The next event returns the error once the line is complete.
                return Ok(Step::Done(None));
            }
            if !self.has_looked() {
                return Ok(Step::NeedIo(Io::Look));
            }
        }
        if self.ended && !self.client.state().is_over() {
            // The server would not read it. The next event returns the error.
            return Ok(Step::Done(None));
        }
        match self.client.send(*command, &mut self.outbox) {
            Ok(ticket) => {
                if command.kind().is_secret() {
                    self.outbox.mark_secret();
                }
                // A QUIT that finds the connection closed may have been executed already: the caller decides.
                self.unanswered |= idle && command.kind() != Kind::Quit;
                self.note(LogEntry::Command(LoggedCommand(command)));
                Ok(Step::Done(Some(Sent { ticket, conversation: self.identity })))
            }
            // Abandoned calls left commands in flight, which will be answered.
            Err(UsageError::Unsolicited | UsageError::Barrier(_) | UsageError::InFlight | UsageError::WindowFull) => {
                Ok(Step::Done(None))
            }
            Err(rejected) => {
                // The look allocated a buffer.
                self.settle();
                // The reason why the session is over is more useful than `UsageError::Over`.
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

    /// Returns the I/O that is due if the available octets contain no event, or `None` if a response to a challenge has
    /// just been sent or cancelled. `ticket` is the call being stepped.
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

    /// Returns true once after a look that found nothing. If it found octets, more may follow.
    fn has_looked(&mut self) -> bool {
        core::mem::replace(&mut self.look, Look::Due) == Look::Done || self.ended
    }

    /// Cancels an abandoned AUTH exchange.
    fn cancel(&mut self) {
        self.response = None;
        // This cannot be rejected: a challenge was received, and the outbox grows.
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
        // Evaluated before the answer removes its command from flight.
        let echo = self.client.may_hear_an_echo();
        let event = self.inbox.take(|input| {
            let event = self.client.receive(input)?;
            if event.is_none() && self.ended {
                if let Some(log) = &mut self.log {
                    log(LogEntry::Closed);
                }
                // The server closed the connection while idle: the command had not been transmitted.
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

    /// Releases the buffers if no answer is due.
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
