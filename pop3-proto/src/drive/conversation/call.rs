//! Calls on their way.

use alloc::string::{String, ToString};

use crate::client::Ticket;
#[cfg(doc)]
use crate::drive::conversation::Conversation;
use crate::drive::exchange::Exchange;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<T> {
    /// It is done.
    Done(T),
    /// It goes on after this.
    NeedIo(Io),
}

/// The I/O that is due before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Io {
    /// Write what is [`pending`](Conversation::pending), then wait until something can be read into
    /// [`spare`](Conversation::spare).
    Transfer,
    /// Read what is there already, without waiting: at most one read, for which [`spare`](Conversation::spare) has room.
    /// Report octets or the end of the stream by [`filled`](Conversation::filled); then, in any case, call
    /// [`looked`](Conversation::looked). A stream that cannot be read without waiting is not read.
    Look,
}

/// A command that was sent, and by which conversation: the tickets of each begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) conversation: Identity,
}

/// Tells conversations apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(usize);

impl Identity {
    /// One that no other conversation of this program has, or has had for as long as numbers last.
    #[cfg(target_has_atomic = "ptr")]
    pub(super) fn new() -> Identity {
        use core::sync::atomic::{AtomicUsize, Ordering};
        static LAST: AtomicUsize = AtomicUsize::new(0);
        Identity(LAST.fetch_add(1, Ordering::Relaxed))
    }

    /// The same for all: this processor cannot count for several threads.
    #[cfg(not(target_has_atomic = "ptr"))]
    pub(super) const fn new() -> Identity {
        Identity(0)
    }
}

/// An exchange on its way. It may be dropped at any time: what it left is skipped.
///
/// It goes on in the conversation where it began. In any other one it fails with
/// [`UsageError::Skipped`](crate::UsageError::Skipped).
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Call<E> {
    pub(super) exchange: E,
    pub(super) sent: Option<Sent>,
    /// Its caller looks for secrets in a refusal.
    pub(super) is_searched: bool,
}

impl<E: Exchange> Call<E> {
    /// A call that has not begun.
    pub const fn new(exchange: E) -> Call<E> {
        Call::begun(exchange, None)
    }

    /// A call that has not begun, and whose refusal is searched for secrets by its caller, who knows them.
    pub(crate) const fn searched(exchange: E) -> Call<E> {
        Call { exchange, sent: None, is_searched: true }
    }

    pub(crate) const fn exchange(&self) -> &E {
        &self.exchange
    }

    pub(crate) const fn begun(exchange: E, sent: Option<Sent>) -> Call<E> {
        Call { exchange, sent, is_searched: false }
    }

    /// The command, as a log would show it.
    pub fn operation(&self) -> String {
        self.exchange.command().to_string()
    }

    /// Whether the command is on its way: it may have its effect, whatever happens now.
    pub const fn is_sent(&self) -> bool {
        self.sent.is_some()
    }
}
