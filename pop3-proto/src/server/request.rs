//! What a server hears.

#[cfg(doc)]
use crate::server::{Server, ServerConfig};
use crate::state::State;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::payload::Response;

/// What the client wants. Borrows only from the input. `Debug` shows no secret.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A command that the state permits: [`Server::ok`] or [`Server::err`] is due; to an AUTH perhaps
    /// [`Server::challenge`].
    Command(Command<'a>),
    /// The client's line inside AUTH (RFC 5034, section 4): `ok`, `err` or another `challenge` is due; to
    /// [`Response::Cancel`] only `err`.
    Response(Response<'a>),
    /// A line that can only be refused. One [`Server::err`] is due, and the session goes on, unless that was a bound without
    /// remedy.
    Bad(BadRequest),
}

/// Why a line can only be refused. `Display` is fit for the text of the `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadRequest {
    /// No such keyword (RFC 1939, section 3).
    #[error("unknown command")]
    Unknown,
    /// The arguments are not those of this command.
    #[error("wrong arguments for {0}")]
    Arguments(Kind),
    /// The state does not permit the command (RFC 1939, section 3).
    #[error("{kind} is not permitted here: {state}")]
    NotPermitted {
        /// The command.
        kind: Kind,
        /// The state it came in.
        state: State,
    },
    /// STLS is not offered, or not any more: inside TLS, or after UTF8 (RFC 2595, section 4; RFC 6856, section 2.1).
    #[error("STLS is not offered")]
    NoStls,
    /// The command would show a password outside TLS (RFC 2595, section 2.3).
    #[error("{0} is permitted only inside TLS")]
    Unprotected(Kind),
    /// The line is longer than the limit. The rest of a command is thrown away as it comes; a response inside AUTH ends
    /// the session.
    #[error("the line is too long")]
    TooLong,
    /// The client has sent more than [`ServerConfig::max_before_login`]. The session ends with the `-ERR`.
    #[error("too much was sent before the login")]
    TooMuch,
}
