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

/// An exchange on its way. It may be dropped at any time: what it left is skipped.
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Call<E> {
    pub(super) exchange: E,
    pub(super) ticket: Option<Ticket>,
}

impl<E: Exchange> Call<E> {
    /// A call that has not begun.
    pub const fn new(exchange: E) -> Call<E> {
        Call { exchange, ticket: None }
    }

    pub(crate) const fn exchange(&self) -> &E {
        &self.exchange
    }

    pub(crate) const fn begun(exchange: E, ticket: Option<Ticket>) -> Call<E> {
        Call { exchange, ticket }
    }

    /// The command, as a log would show it.
    pub fn operation(&self) -> String {
        self.exchange.command().to_string()
    }

    /// Whether the command is on its way: it may have its effect, whatever happens now.
    pub const fn is_sent(&self) -> bool {
        self.ticket.is_some()
    }
}
