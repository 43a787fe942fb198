//! A client, its buffers, and the answers that are due: everything that an adapter needs except the I/O.

mod ahead;
mod call;
mod receive;
mod retrieval;
mod send;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use zeroize::Zeroizing;

use crate::client::{Client, Config, Ticket};
use crate::drive::capabilities::Capabilities;
use crate::drive::error::{Cause, Error, Foreign};
use crate::drive::log::{LogEntry, Sink};
#[cfg(doc)]
use crate::drive::timed_out::TimedOut;
use crate::error::{Awaiting, UsageError};
use crate::wire::buffer::{Inbox, Outbox};
use crate::wire::capability::KnownCapability;
use crate::wire::reply::{Greeting, Reply};

use ahead::Ahead;
use call::Identity;
pub(crate) use call::Sent;
pub use call::{Call, Io, Step};
pub(crate) use retrieval::Asked;
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
///
/// An adapter is a loop. It steps a [`Call`], a [`Retrieval`] or a [`Login`](crate::login::Login) until it is done. On
/// [`Step::NeedIo`] it does the requested [`Io`]: it writes [`pending`](Conversation::pending) and reads into
/// [`spare`](Conversation::spare), or only looks for input that has already arrived. Nothing borrows from the buffers
/// between two steps, so you can drop a call at any time and the conversation remains usable: the next call skips the
/// rest of the dropped call's answer.
///
/// Calls may overlap, but answers arrive in the order of their commands. A step of a later call skips the unread rest
/// of all earlier answers. Every call that loses a part of its answer this way fails with [`UsageError::Skipped`].
///
/// Unsolicited octets never answer a later command. POP3 has no tags, so only the time of arrival shows that octets do
/// not answer a command. Therefore, while no command is in flight, the conversation sends a command only after the
/// adapter has [checked for input](Io::Look), even if the conversation was idle only briefly. The same holds for the
/// response to a challenge, because a user may need time to provide it. The check also shows whether the server closed
/// the connection (possibly after a last line) before the command, or refused the command.
///
/// ```
/// use pop3_proto::Config;
/// use pop3_proto::drive::{Call, Capa, Conversation, Io, Step};
///
/// let mut conversation = Conversation::new(Config::default());
/// assert_eq!(conversation.greet()?, Step::NeedIo(Io::Transfer));
/// let octets = b"+OK ready\r\n"; // from a socket
/// conversation.spare()[..octets.len()].copy_from_slice(octets);
/// conversation.filled(octets.len());
/// assert_eq!(conversation.greet()?, Step::Done(()));
///
/// let mut capa = Call::new(Capa::default());
/// assert_eq!(conversation.step(&mut capa)?, Step::NeedIo(Io::Look));
/// conversation.looked(); // nothing has arrived
/// assert_eq!(conversation.step(&mut capa)?, Step::NeedIo(Io::Transfer));
/// assert_eq!(conversation.pending(), b"CAPA\r\n"); // to the socket
/// # Ok::<(), pop3_proto::Error>(())
/// ```
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
    /// The next command of a batch without pipelining.
    ahead: Ahead,
    /// The newest command, if the server had answered everything when it was sent.
    lone: Option<Ticket>,
    /// The client's next state and its response to a challenge, held until the adapter has looked.
    response: Option<Box<(Client, Outbox)>>,
    /// Nothing has arrived since a command was sent to an idle server.
    unanswered: bool,
    ended: bool,
    /// The transport failed: later octets may not be the awaited answer.
    broken: bool,
    /// The error of the transport, until a step returns it.
    failure: Option<Foreign>,
    /// The number of commands that were not written completely, and never will be.
    untransmitted: usize,
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
            ahead: Ahead::Nothing,
            lone: None,
            response: None,
            unanswered: false,
            ended: false,
            broken: false,
            failure: None,
            untransmitted: 0,
            log: None,
        }
    }

    /// Sets a callback that receives the conversation from now on. Secrets are replaced, and bodies appear as a number
    /// of octets.
    pub fn set_log(&mut self, log: impl FnMut(LogEntry<'_>) + Send + 'static) {
        self.log = Some(Box::new(log));
    }

    /// Returns the client, which holds the protocol state.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the greeting, or `None` if it has not arrived or if STLS was used since: TLS discards it.
    pub fn greeting(&self) -> Option<Greeting<'_>> {
        self.greeting.as_ref().map(|line| Greeting(Reply::new(line)))
    }

    /// Returns the capabilities that the server announced in this layer, or `None` if none were recorded with
    /// [`learn`](Self::learn) since the connection or TLS began.
    pub const fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Records the announced capabilities. From now on, commands are pipelined and names may be UTF-8 if the
    /// capabilities permit it.
    pub fn learn(&mut self, capabilities: Capabilities) -> &Capabilities {
        self.client.set_utf8_user(capabilities.any(|known| known == KnownCapability::Utf8 { user: true }));
        self.capabilities.insert(capabilities)
    }

    /// Returns true if no answer is due and the session is not over. No deadline applies then.
    pub(crate) fn is_idle(&self) -> bool {
        self.client.awaiting() == Awaiting::Nothing && !(self.ended || self.broken) && !self.client.state().is_over()
    }

    /// Returns true if commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    #[inline]
    pub(crate) fn pipelining(&self) -> bool {
        self.capabilities.as_ref().is_some_and(Capabilities::pipelining)
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

    /// Ends the session because the transport failed, or because a wait [exceeded its limit](TimedOut). Later octets
    /// are ignored. The next step returns the error, as [`Cause::Transport`] or [`Cause::TimedOut`], and a login whose TLS
    /// handshake is due, as [`Cause::Handshake`].
    pub fn abort(&mut self, error: impl Into<Foreign>) {
        self.end();
        self.failure = Some(error.into());
    }

    /// Ends the session for a reason that the caller returns.
    pub(crate) fn end(&mut self) {
        self.broken = true;
    }

    /// Returns the error of the transport once, if [`UsageError::Over`] is due to it.
    pub(crate) fn reason(&mut self, rejected: UsageError) -> Cause {
        match self.failure.take_if(|_| rejected == UsageError::Over) {
            Some(error) => Cause::transport(error),
            None => rejected.into(),
        }
    }

    /// Checks that the TLS handshake has not failed.
    pub(crate) fn expect_handshake(&mut self) -> Result<(), Error> {
        if !self.broken {
            return Ok(());
        }
        let cause = self.failure.take().map_or(Cause::Usage(UsageError::Over), Cause::Handshake);
        Err(Error::new("beginning TLS", cause))
    }

    /// Returns the octets to write.
    #[inline]
    pub fn pending(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// Reports that a write failed because the peer closed the connection. Nothing is [`pending`](Self::pending) from
    /// now on, and no command can be sent. Continue to read: commands that were written completely may still be
    /// answered, and the server's last line may explain why it closed the connection.
    pub fn write_failed(&mut self) {
        self.untransmitted = self.untransmitted.max(self.outbox.pending_lines());
        self.outbox.close();
    }

    /// Reports that the first `octets` of [`pending`](Self::pending) were written.
    pub fn written(&mut self, octets: usize) {
        self.outbox.written(octets);
    }

    /// Returns the memory of the buffers in octets. It is 0 while no command is in flight, unless octets are waiting to
    /// be taken or written, or [`spare`](Self::spare) has allocated a buffer since.
    pub fn buffered(&self) -> usize {
        self.inbox.held() + self.outbox.held()
    }

    /// Reports that the TLS handshake is complete. Call this immediately after the handshake, with both kinds of TLS:
    /// before [`greet`](Self::greet) if the connection begins with TLS (RFC 8314, section 3.1), or when a login returns
    /// [`StartTls`](crate::login::Progress::StartTls) (RFC 2595, section 4). Everything learned about the server before
    /// TLS is discarded.
    ///
    /// `channel_binding` is the `tls-exporter` of the TLS connection (RFC 9266), 32 octets, to which proofs can be bound,
    /// or `None` if your TLS does not have it. With rustls, use `tls::established`, which passes it.
    ///
    /// # Errors
    ///
    /// [`Cause::Protocol`] if plaintext received before the handshake is left over, or if no handshake is due.
    /// [`Cause::Usage`] if octets are still [`pending`](Self::pending).
    pub fn tls_established(&mut self, channel_binding: Option<Zeroizing<Vec<u8>>>) -> Result<(), Error> {
        // The rest of the STLS command would be sent inside TLS.
        if !self.outbox.pending().is_empty() {
            return Err(Error::new("STLS", Cause::Usage(UsageError::InFlight)));
        }
        self.client.tls_established(self.inbox.unread()).map_err(|error| Error::protocol("TLS", error))?;
        self.greeting = None;
        self.capabilities = None;
        self.channel_binding = channel_binding;
        self.note(LogEntry::Tls);
        Ok(())
    }

    /// Returns the value given to [`tls_established`](Self::tls_established) in this layer.
    pub(crate) fn channel_binding(&self) -> Option<&Zeroizing<Vec<u8>>> {
        self.channel_binding.as_ref()
    }

    /// Releases the buffers if no answer is due.
    pub(crate) fn settle(&mut self) {
        if self.client.in_flight() == 0 {
            self.inbox.rest();
            self.outbox.rest();
        }
    }

    pub(super) fn note(&mut self, entry: LogEntry<'_>) {
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
