//! Errors, divided by whose fault it is: the caller's ([`UsageError`], harmless), the peer's framing ([`ProtocolError`],
//! final) and the peer's content ([`Malformed`], which fails one answer and leaves the session usable).

use core::fmt;

use crate::state::State;
use crate::wire::argument::BadArgument;
use crate::wire::kind::Kind;
use crate::wire::text::Text;

/// The caller asked for what may not be asked now. Nothing was written and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// The state, as it will be when all in flight has succeeded, does not permit the command.
    #[error("{kind} is not permitted: the session's state is {state}")]
    NotPermitted {
        /// The command.
        kind: Kind,
        /// The projected state.
        state: State,
    },
    /// STLS, AUTH or QUIT is in flight, and nothing may follow it until it is answered.
    #[error("nothing may follow {0} until it is answered")]
    Barrier(Kind),
    /// STLS may be sent only when every earlier command is answered (RFC 2595, section 4).
    #[error("STLS needs every earlier answer first")]
    InFlight,
    /// The session is inside TLS already (RFC 2595, section 4).
    #[error("the session is inside TLS already")]
    InsideTls,
    /// STLS may not follow UTF8 (RFC 6856, section 2.1).
    #[error("STLS may not follow UTF8")]
    AfterUtf8,
    /// No challenge waits for a response.
    #[error("no challenge waits for a response")]
    NoChallenge,
    /// An argument may not go on the wire.
    #[error("{0}")]
    Argument(#[from] BadArgument),
    /// The line would have more than 255 octets with its CRLF (RFC 2449, section 4).
    #[error("the command line would have {len} octets, and 255 are permitted")]
    TooLong {
        /// Its length in octets.
        len: usize,
    },
    /// Too many runs of different commands are in pipeline: receive some answers first.
    #[error("too many commands are in flight")]
    WindowFull,
    /// The output has no room for the line.
    #[error("the output has no room for the line")]
    NoRoom,
    /// A command of an extension that the server has not announced, or was not asked for (RFC 6856, sections 2 and 3).
    #[error("the server has not announced {0} in its capabilities")]
    NotAnnounced(Kind),
    /// The server has sent something that nobody asked for: the next `receive` fails.
    #[error("the server has sent what nobody asked for")]
    Unsolicited,
    /// The answer is gone, or a part of it: a later call was taken further first, or the call has ended before.
    #[error("its answer was skipped by a later call")]
    Skipped,
    /// The session has failed or ended before.
    #[error("the session is over")]
    Over,
}

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaiting {
    /// The greeting.
    Greeting,
    /// Nothing: no command is in flight.
    Nothing,
    /// The status line that answers a command; for AUTH perhaps a challenge.
    Status(Kind),
    /// The caller's response to a challenge.
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

/// How the peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The stream ended too early. A message cut short is never a success.
    #[error("the server closed the connection")]
    Closed,
    /// A status line must begin with `+OK` or `-ERR` (RFC 1939, section 3).
    #[error("the line is neither +OK nor -ERR")]
    NotAStatus,
    /// A line is longer than the limit for lines of its sort.
    #[error("the line is longer than {limit} octets")]
    LineTooLong {
        /// The limit in octets, line end included.
        limit: u32,
    },
    /// A bare LF in a status line or a listing of a session whose lines end in CRLF (RFC 1939, section 3).
    #[error("the line ends in LF without CR")]
    BareLf,
    /// A bare CR in a status line or a listing (RFC 1939, section 3).
    #[error("the line contains CR without LF")]
    BareCr,
    /// Octets that came before any command asked for them.
    #[error("the server has sent what nobody asked for")]
    Unsolicited,
    /// In an answer whose lines end in LF, a lone dot stands between line ends of different kinds: it may be the terminator,
    /// or a part of the message.
    #[error("the end of the message is not certain: a lone dot stands between line ends of different kinds")]
    AmbiguousEnd,
    /// Plaintext behind the `+OK` to STLS, or in front of a TLS that is there from the beginning: an injection (RFC 2595,
    /// section 4).
    #[error("plaintext came where TLS was to begin")]
    PlaintextAfterStls,
    /// A TLS handshake was reported where none was due.
    #[error("no TLS handshake was due")]
    NoHandshakeDue,
    /// `+OK` to a command that the confirmed state does not permit, such as PASS after a refused USER.
    #[error("the server accepted a command that it could not have accepted")]
    Impossible,
    /// A challenge outside of AUTH, or after the exchange was cancelled.
    #[error("the server sent a challenge where none was due")]
    UnexpectedChallenge,
    /// More challenges in one exchange than any mechanism needs.
    #[error("the server sent too many challenges")]
    TooManyChallenges,
    /// `+OK` to AUTH although the client proved nothing, or cancelled (RFC 5034, section 4).
    #[error("the server claims a login without proof")]
    PrematureSuccess,
    /// A listing has more lines than [`Config::max_rows`](crate::Config).
    #[error("the listing has more than {limit} lines")]
    TooManyRows {
        /// The limit in lines.
        limit: u32,
    },
    /// A message has more octets than [`Config::max_body`](crate::Config). It was delivered up to the limit.
    #[error("the message has more than {limit} octets")]
    BodyTooLong {
        /// The limit in octets.
        limit: u64,
    },
}

/// The peer broke the protocol. The session is over: the same error comes for ever after.
///
/// Deletions were not committed, unless QUIT was in pipeline: then that is unknown (RFC 1939, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProtocolError {
    pub(crate) violation: Violation,
    pub(crate) awaiting: Awaiting,
    pub(crate) excerpt: Excerpt,
}

impl ProtocolError {
    /// What the peer did.
    pub const fn violation(&self) -> Violation {
        self.violation
    }

    /// What was awaited when it did.
    pub const fn awaiting(&self) -> Awaiting {
        self.awaiting
    }

    /// The beginning of the offending line, at most 80 octets; empty where there is none to show, and always from a
    /// password or a proof on until the login, because the server may echo it.
    pub fn excerpt(&self) -> Text<'_> {
        self.excerpt.text()
    }
}

#[cfg(feature = "alloc")]
impl ProtocolError {
    /// The same, of a server that had closed the connection before the command reached it.
    pub(crate) fn while_idle(self) -> ProtocolError {
        ProtocolError { awaiting: Awaiting::Nothing, ..self }
    }
}

impl Awaiting {
    /// The command whose answer it is. Asked before [`Client::receive`](crate::Client::receive), it tells whom the next
    /// event answers: a loop over a bare client that needs to know no more may do without tickets.
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
        Text::new(&self.octets[..usize::from(self.len)])
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}
