//! Events of a client, and the tickets that identify the answered commands.

use core::fmt;

#[cfg(doc)]
use crate::client::Client;
#[cfg(doc)]
use crate::wire::kind::Kind;
use crate::wire::payload::Payload;
use crate::wire::reply::{Greeting, Refusal, Reply, Row};

/// Identifies a command that was sent, so that events can refer to it.
///
/// The tickets of a client ascend, and are answered in that order, each once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

#[cfg(feature = "alloc")]
impl Ticket {
    /// Returns the ticket of the command that is sent after this one.
    pub(crate) const fn next(self) -> Ticket {
        Ticket(self.0 + 1)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// An event: the next part of the server's output. It borrows only from the input, so you can send while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A greeting: AUTHORIZATION begins (RFC 1939, section 4).
    Greeting(Greeting<'a>),
    /// A greeting with `-ERR`: the session is over before it began.
    NoService(Refusal<'a>),
    /// `+OK`. This is the whole answer, unless the command's [`Kind`] has a listing or a message.
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
    /// A challenge of AUTH: call [`Client::respond`] next (RFC 5034, section 4).
    Challenge {
        /// The AUTH command of the exchange.
        to: Ticket,
        /// The challenge.
        challenge: Payload<'a>,
    },
    /// A line of a listing.
    Row {
        /// The command answered.
        to: Ticket,
        /// The line.
        row: Row<'a>,
    },
    /// Octets of a message, without byte-stuffing: the longest run available, never empty.
    Body {
        /// The command answered.
        to: Ticket,
        /// The octets.
        bytes: &'a [u8],
    },
    /// The end of a listing or a message.
    End {
        /// The command answered.
        to: Ticket,
    },
    /// STLS was accepted: do the handshake now, then call [`Client::tls_established`] (RFC 2595, section 4).
    StartTls {
        /// The STLS command.
        to: Ticket,
    },
}

impl Event<'_> {
    /// Returns the command that this event answers in whole or in part, or `None` for the greeting.
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
