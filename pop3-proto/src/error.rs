//! Errors, by cause: a call that is not permitted ([`UsageError`], harmless), broken framing by the peer
//! ([`ProtocolError`], final) and malformed content ([`Malformed`], which fails one answer and leaves the session
//! usable).

use core::fmt;

use crate::state::State;
use crate::wire::argument::BadArgument;
use crate::wire::kind::Kind;
use crate::wire::text::Text;

/// A call that is not permitted now. Nothing was written and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The projected state, in which every command in flight has succeeded, does not permit the command.
    #[error("{kind} is not permitted: the session's state is {state}")]
    NotPermitted {
        /// The command.
        kind: Kind,
        /// The projected state.
        state: State,
    },
    /// STLS, AUTH or QUIT is in flight, and no command may follow until it is answered.
    #[error("nothing may follow {0} until it is answered")]
    Barrier(Kind),
    /// STLS may be sent only when every earlier command has been answered (RFC 2595, section 4).
    #[error("STLS cannot be sent before all earlier commands are answered")]
    InFlight,
    /// The session is already inside TLS (RFC 2595, section 4).
    #[error("the session is already inside TLS")]
    InsideTls,
    /// STLS may not follow UTF8 (RFC 6856, section 2.1).
    #[error("STLS may not follow UTF8")]
    AfterUtf8,
    /// No challenge is waiting for a response.
    #[error("no challenge is waiting for a response")]
    NoChallenge,
    /// An argument may not be sent.
    #[error("{0}")]
    Argument(#[from] BadArgument),
    /// The line would have more than 255 octets with its CRLF (RFC 2449, section 4).
    #[error("the command line would have {len} octets; the limit is 255")]
    TooLong {
        /// Its length in octets.
        len: usize,
    },
    /// Too many runs of different commands are in flight: receive some answers first.
    #[error("too many commands are in flight")]
    WindowFull,
    /// The output has no room for the line.
    #[error("the output has no room for the line")]
    NoRoom,
    /// The server has not announced the command's extension, or its capabilities were not requested (RFC 6856,
    /// sections 2 and 3).
    #[error("the server has not announced {0} in its capabilities")]
    NotAnnounced(Kind),
    /// The server has sent unsolicited octets: the next `receive` fails.
    #[error("the server has sent unsolicited octets")]
    Unsolicited,
    /// All or part of the answer was discarded: a later call was advanced first, the call had already ended, or it
    /// began in another conversation.
    #[error("the answer was skipped by a later call, or belongs to another connection")]
    Skipped,
    /// The session has already failed or ended.
    #[error("the session is over")]
    Over,
}

/// The input that a client is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaiting {
    /// The greeting.
    Greeting,
    /// Nothing: no command is in flight.
    Nothing,
    /// The status line that answers a command, or for AUTH possibly a challenge.
    Status(Kind),
    /// Your response to a challenge.
    Response,
    /// Lines of a listing, or its terminator.
    Listing(Kind),
    /// Octets of a message, or its terminator.
    Body(Kind),
    /// The end of the TLS handshake.
    Handshake,
}

impl fmt::Display for Awaiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Awaiting::Greeting => f.write_str("waiting for the greeting"),
            Awaiting::Nothing => f.write_str("no command was in flight"),
            Awaiting::Status(kind) => write!(f, "waiting for the answer to {kind}"),
            Awaiting::Response => f.write_str("the server waited for a response to its challenge"),
            Awaiting::Listing(kind) => write!(f, "receiving the listing of {kind}"),
            Awaiting::Body(kind) => write!(f, "receiving the message of {kind}"),
            Awaiting::Handshake => f.write_str("waiting for the TLS handshake"),
        }
    }
}

/// A violation of the protocol by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The stream ended too early. A truncated message is never a success.
    #[error("the server closed the connection")]
    Closed,
    /// A status line must begin with `+OK` or `-ERR` (RFC 1939, section 3).
    #[error("the line is neither +OK nor -ERR")]
    NotAStatus,
    /// A line is longer than the limit for its type. Raise [`Config::max_line`](crate::Config) for a server that sends
    /// such rows, or ask LIST and UIDL for one message at a time.
    #[error("the line is longer than {limit} octets")]
    LineTooLong {
        /// The limit in octets, line end included.
        limit: u32,
    },
    /// A bare LF in a status line or a listing, in a session whose lines end in CRLF (RFC 1939, section 3).
    #[error("the line ends in LF without CR")]
    BareLf,
    /// A bare CR in a status line or a listing (RFC 1939, section 3). A row with one is not merely malformed: a line
    /// such as `.` CR CR LF may be a misspelt terminator, and then later answers would be taken for rows.
    #[error("the line contains CR without LF")]
    BareCr,
    /// Octets arrived although no command was in flight.
    #[error("the server has sent unsolicited octets")]
    Unsolicited,
    /// In an answer whose lines end in LF, a lone dot is between line ends of different kinds: it may be the terminator
    /// or part of the message.
    #[error("the end of the message is ambiguous: a lone dot is between line ends of different kinds")]
    AmbiguousEnd,
    /// Plaintext after the `+OK` to STLS, or before TLS in a session that begins with TLS: an injection (RFC 2595,
    /// section 4).
    #[error("plaintext arrived where TLS must begin")]
    PlaintextAfterStls,
    /// A TLS handshake was reported when none was due.
    #[error("no TLS handshake was due")]
    NoHandshakeDue,
    /// `+OK` to a command that the confirmed state does not permit, such as PASS after a refused USER.
    #[error("the server accepted a command that is not permitted in this state")]
    Impossible,
    /// A challenge outside AUTH, or after the exchange was cancelled.
    #[error("the server sent an unexpected challenge")]
    UnexpectedChallenge,
    /// More challenges in one exchange than [`Config::max_challenges`](crate::Config).
    #[error("the server sent too many challenges")]
    TooManyChallenges,
    /// `+OK` to AUTH, although the client has proved nothing or has cancelled (RFC 5034, section 4).
    #[error("the server reported a login before the authentication was complete")]
    PrematureSuccess,
    /// A listing has more lines than [`Config::max_rows`](crate::Config).
    #[error("the listing has more than {limit} lines")]
    TooManyRows {
        /// The limit in lines.
        limit: u32,
    },
    /// A message has more octets than [`Config::max_body`](crate::Config). The octets up to the limit were delivered.
    #[error("the message has more than {limit} octets")]
    BodyTooLong {
        /// The limit in octets.
        limit: u64,
    },
}

/// A violation of the protocol by the peer. The session is over: every later call returns the same error.
///
/// Deletions were not committed, unless QUIT was in flight: then the outcome is unknown (RFC 1939, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProtocolError {
    pub(crate) violation: Violation,
    pub(crate) awaiting: Awaiting,
    pub(crate) excerpt: Excerpt,
}

impl ProtocolError {
    /// Returns the violation.
    pub const fn violation(&self) -> Violation {
        self.violation
    }

    /// Returns the input that the client was waiting for.
    pub const fn awaiting(&self) -> Awaiting {
        self.awaiting
    }

    /// Returns the beginning of the offending line, at most 80 octets. It is empty if there is no line to show, and
    /// from the first password or proof until the login, because the server may echo it.
    pub fn excerpt(&self) -> Text<'_> {
        self.excerpt.text()
    }
}

#[cfg(feature = "alloc")]
impl ProtocolError {
    /// Returns this error for a server that closed the connection before the command reached it.
    pub(crate) fn while_idle(self) -> ProtocolError {
        ProtocolError { awaiting: Awaiting::Nothing, ..self }
    }
}

impl Awaiting {
    /// Returns the command that is being answered. If you call it before [`Client::receive`](crate::Client::receive),
    /// it is the command that the next event answers, so a simple loop over a bare client needs no tickets.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Awaiting::Status(kind) | Awaiting::Listing(kind) | Awaiting::Body(kind) => Some(kind),
            Awaiting::Response => Some(Kind::Auth),
            Awaiting::Greeting | Awaiting::Nothing | Awaiting::Handshake => None,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.violation, self.awaiting)?;
        let said = self.excerpt();
        if said.as_bytes().is_empty() { Ok(()) } else { write!(f, "; it said: {said}") }
    }
}

impl core::error::Error for ProtocolError {}

/// The beginning of a line, kept without allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Excerpt {
    len: u8,
    octets: [u8; Self::MAX],
}

impl Excerpt {
    const MAX: usize = 80;
    pub(crate) const EMPTY: Excerpt = Excerpt { len: 0, octets: [0; Self::MAX] };

    pub(crate) fn of(line: &[u8]) -> Excerpt {
        let mut excerpt = Excerpt::EMPTY;
        for (space, &octet) in excerpt.octets.iter_mut().zip(line) {
            *space = octet;
            excerpt.len += 1;
        }
        excerpt
    }

    fn text(&self) -> Text<'_> {
        Text::new(self.octets.get(..usize::from(self.len)).unwrap_or_default())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}
