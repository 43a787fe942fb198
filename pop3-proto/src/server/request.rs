//! Requests that a server receives.

#[cfg(doc)]
use crate::server::{Server, ServerConfig};
use crate::state::State;
use crate::wire::command::Command;
use crate::wire::kind::Kind;
use crate::wire::payload::Response;

/// A request from the client. It borrows only from the input. `Debug` shows no secret.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A command that the state permits. Answer it with [`Server::ok`] or [`Server::err`], or an AUTH possibly with
    /// [`Server::challenge`].
    Command(Command<'a>),
    /// The client's line inside AUTH (RFC 5034, section 4). Answer it with `ok`, `err` or another `challenge`; answer
    /// [`Response::Cancel`] only with `err`.
    Response(Response<'a>),
    /// A line that can only be refused. Answer it with one [`Server::err`]. The session continues, unless the line
    /// exceeded a limit that ends the session.
    Bad(BadRequest),
}

/// The reason why a line can only be refused. You can use its `Display` as the text of the `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadRequest {
    /// The keyword is unknown (RFC 1939, section 3).
    #[error("unknown command")]
    Unknown,
    /// The arguments do not fit the command.
    #[error("wrong arguments for {0}")]
    Arguments(Kind),
    /// The state does not permit the command (RFC 1939, section 3).
    #[error("{kind} is not permitted here: {state}")]
    NotPermitted {
        /// The command.
        kind: Kind,
        /// The state in which it arrived.
        state: State,
    },
    /// STLS is not offered, or no longer: inside TLS, or after UTF8 (RFC 2595, section 4; RFC 6856, section 2.1).
    #[error("STLS is not offered")]
    NoStls,
    /// The command would reveal a password outside TLS (RFC 2595, section 2.3).
    #[error("{0} is permitted only inside TLS")]
    Unprotected(Kind),
    /// The line is longer than the limit. The rest of a command line is discarded as it arrives; a response inside AUTH
    /// ends the session.
    #[error("the line is too long")]
    TooLong,
    /// The client has sent more than [`ServerConfig::max_before_login`]. The session ends with the `-ERR`.
    #[error("too much was sent before the login")]
    TooMuch,
}
