//! Calls in progress, and the I/O that they need.

use crate::client::Ticket;
#[cfg(doc)]
use crate::drive::conversation::Conversation;
use crate::drive::error::quit::QuitError;
use crate::drive::error::{Cause, Error};
use crate::drive::exchange::Exchange;

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<T> {
    /// The call is complete.
    Done(T),
    /// The call needs this I/O before the next step.
    NeedIo(Io),
}

/// I/O that is due before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Io {
    /// Write [`pending`](Conversation::pending), then wait until octets can be read into
    /// [`spare`](Conversation::spare). If the read took everything that had arrived, you can then call
    /// [`send_next`](Conversation::send_next), which saves a look for each message of a batch without pipelining.
    Transfer,
    /// Do one non-blocking read into [`spare`](Conversation::spare) and report it by [`filled`](Conversation::filled),
    /// unless it would block; then call [`looked`](Conversation::looked). If the stream has no non-blocking read, just
    /// call [`looked`](Conversation::looked).
    Look,
}

/// A sent command and its conversation, because each conversation numbers its tickets from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) conversation: Identity,
}

impl Sent {
    /// Returns the command that was sent after this one.
    #[inline]
    pub(crate) const fn next(self) -> Sent {
        Sent { ticket: self.ticket.next(), ..self }
    }
}

/// Identifies a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(usize);

impl Identity {
    /// Returns an identity that no other conversation of this program has or had, until the counter wraps.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn new() -> Identity {
        use core::sync::atomic::{AtomicUsize, Ordering};
        static LAST: AtomicUsize = AtomicUsize::new(0);
        Identity(LAST.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the same identity for all conversations: this processor has no atomic counter.
    #[cfg(not(target_has_atomic = "ptr"))]
    pub(super) const fn new() -> Identity {
        Identity(0)
    }
}

/// An exchange in progress. You can drop it at any time: the rest of its answer is skipped.
///
/// It belongs to the conversation where it began. In any other one it fails with
/// [`UsageError::Skipped`](crate::UsageError::Skipped).
///
/// ```
/// use pop3_proto::Error;
/// use pop3_proto::drive::{Call, Conversation, Exchange, Io, Step};
///
/// /// Sends a command and waits for the value of its answer. `transfer` does the I/O.
/// fn call<E: Exchange>(
///     conversation: &mut Conversation,
///     exchange: E,
///     mut transfer: impl FnMut(&mut Conversation, Io) -> Result<(), Error>,
/// ) -> Result<E::Value, Error> {
///     let mut call = Call::new(exchange);
///     loop {
///         match conversation.step(&mut call)? {
///             Step::Done(value) => return Ok(value),
///             Step::NeedIo(io) => transfer(conversation, io)?,
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Call<E> {
    pub(super) exchange: E,
    pub(super) sent: Option<Sent>,
    /// The caller searches a refusal for secrets.
    pub(super) is_searched: bool,
}

impl<E: Exchange> Call<E> {
    /// Creates a call that has not begun.
    pub const fn new(exchange: E) -> Call<E> {
        Call::begun(exchange, None)
    }

    /// Creates a call that has not begun. Its caller knows the secrets and searches a refusal for them.
    pub(crate) const fn searched(exchange: E) -> Call<E> {
        Call { exchange, sent: None, is_searched: true }
    }

    pub(crate) const fn exchange(&self) -> &E {
        &self.exchange
    }

    pub(crate) const fn begun(exchange: E, sent: Option<Sent>) -> Call<E> {
        Call { exchange, sent, is_searched: false }
    }

    pub(super) fn error(&self, cause: impl Into<Cause>) -> Error {
        Error::of(&self.exchange.command(), cause)
    }

    /// Returns true if the command was sent. It may take effect, even if the call fails.
    pub const fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// Returns the error for a QUIT, if this call was one and failed with `error`.
    pub fn quit_error(&self, error: Error) -> QuitError {
        QuitError::new(error, self.is_sent())
    }
}
