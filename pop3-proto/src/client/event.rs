//! What a client hears, and which of its commands that answers.

use core::fmt;

#[cfg(doc)]
use crate::client::Client;
#[cfg(doc)]
use crate::wire::kind::Kind;
use crate::wire::reply::{Challenge, Greeting, Refusal, Reply, Row};

/// Names a command that was sent, so that events can say whom they answer.
///
/// Tickets of one client ascend, and are answered in that order, each once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What the server said. Borrows only from the input, so the client is free to send while an event lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The greeting lets us in: AUTHORIZATION begins (RFC 1939, section 4).
    Greeting(Greeting<'a>),
    /// The greeting is `-ERR`: the session is over before it began.
    NoService(Refusal<'a>),
    /// `+OK`. It is the whole answer, unless the command's [`Kind`] announces a listing or a message.
    Ok {
        /// The command answered.
        to: Ticket,
        /// The status line.
        reply: Reply<'a>,
    },
    /// `-ERR`: the whole answer (RFC 1939, section 3).
    Refused {
        /// The command answered.
        to: Ticket,
        /// The status line.
        refusal: Refusal<'a>,
    },
    /// A challenge of AUTH: [`Client::respond`] is due (RFC 5034, section 4).
    Challenge {
        /// The AUTH that goes on.
        to: Ticket,
        /// The challenge.
        challenge: Challenge<'a>,
    },
    /// A line of a listing.
    Row {
        /// The command answered.
        to: Ticket,
        /// The line.
        row: Row<'a>,
    },
    /// Octets of a message, without byte-stuffing: the longest run that was there, never empty.
    Body {
        /// The command answered.
        to: Ticket,
        /// The octets.
        bytes: &'a [u8],
    },
    /// A listing or a message is complete.
    End {
        /// The command answered.
        to: Ticket,
    },
    /// STLS was accepted: do the handshake now, then call [`Client::tls_established`] (RFC 2595, section 4).
    StartTls {
        /// The STLS answered.
        to: Ticket,
    },
}

impl Event<'_> {
    /// The command that this answers, or a part of it; `None` for the greeting.
    pub const fn to(&self) -> Option<Ticket> {
        match *self {
            Event::Greeting(_) | Event::NoService(_) => None,
            Event::Ok { to, .. }
            | Event::Refused { to, .. }
            | Event::Challenge { to, .. }
            | Event::Row { to, .. }
            | Event::Body { to, .. }
            | Event::End { to }
            | Event::StartTls { to } => Some(to),
        }
    }
}
