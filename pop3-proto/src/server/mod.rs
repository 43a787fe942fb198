//! The server role: octets in, requests out; answers in, octets out.

mod answer;
mod config;
mod receive;
mod request;
mod send;

use crate::error::{Awaiting, Excerpt, ProtocolError, Violation};
use crate::state::State;
use crate::wire::kind::Kind;
use crate::wire::line::CommandLines;
use crate::wire::stuffing::Stuffer;
use crate::wire::top::Top;

pub use answer::AnswerError;
pub use config::ServerConfig;
pub use request::{BadRequest, Request};

/// The line length that a server must at least accept, in octets with its CRLF (RFC 2449, section 4).
pub(crate) const MIN_LIMIT: u32 = 255;

/// The side that sends next, and what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Due {
    /// The server sends the greeting.
    Greeting,
    /// The client sends a command, begins TLS or is finished, depending on the state.
    Request,
    /// The client sends a line inside AUTH.
    Response,
    /// The server sends the status line for this command.
    Status(Kind),
    /// The server sends a challenge, because the client has proved nothing yet; or `-ERR`.
    Challenge,
    /// The server sends `-ERR`.
    Refusal,
    /// The server sends `-ERR`, which ends the session.
    LastWord,
    /// The server sends lines, then the end.
    Listing,
    /// The server sends the message, then the end. For TOP it sends only a part of the message.
    Body(Stuffer, Option<Top>),
}

/// A POP3 server without I/O: it reads octets that you own, and writes answers to your output.
///
/// It holds no buffer, no allocation and no secret, and is cheap to clone, compare and hash. It implements the protocol
/// and has no mailbox: you provide the content of the answers.
///
/// A line of the client ends in CRLF or LF, never in a bare CR or NUL. No text of an answer can break a line, pass for
/// a response code or exceed 512 octets: control and non-ASCII characters become `?`, a leading `[`
/// becomes `(`, and the rest is truncated.
///
/// A client may pipeline (RFC 2449, section 6.6). [`Server`] returns one request at a time, and the next one only after
/// the previous one has been answered. Meanwhile, you buffer the client's octets.
///
/// ```
/// use pop3_proto::{Command, Request, Server, ServerConfig, State};
///
/// let mut server = Server::new(ServerConfig::new().plaintext_login(true));
/// let mut out = [0; 512];
/// let mut room = &mut out[..];
/// server.greeting(None, "ready", &mut room)?;
///
/// let mut input: &[u8] = b"user mrose\r\nPASS tan staaf\r\n";
/// let request = server.receive(&mut input)?;
/// assert!(matches!(request, Some(Request::Command(Command::User("mrose")))));
/// assert!(server.receive(&mut input)?.is_none());
/// server.ok("go on", &mut room)?;
/// assert_eq!(server.state(), State::Named);
/// assert_eq!(room.len(), 512 - "+OK ready\r\n+OK go on\r\n".len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    config: ServerConfig,
    state: State,
    due: Due,
    lines: CommandLines,
    /// The number of body lines in the current TOP request.
    top: Option<u32>,
    refusals: u32,
    /// The number of octets that the client may still send before the login.
    allowance: u32,
    tls: bool,
    /// UTF8 was accepted.
    utf8: bool,
    /// Plaintext arrived after STLS.
    injected: bool,
}

impl Server {
    /// Creates a server that has not sent its greeting yet.
    pub const fn new(config: ServerConfig) -> Server {
        Server {
            state: State::Greeting,
            due: Due::Greeting,
            lines: CommandLines::new(),
            top: None,
            refusals: 0,
            allowance: config.max_before_login,
            tls: config.inside_tls,
            utf8: false,
            injected: false,
            config,
        }
    }

    /// Tells the server that the TLS handshake is complete. `rest` is the plaintext received after STLS; it must be
    /// empty, or it is an injection. The name from USER is discarded, and no new greeting is due (RFC 2595, section 4).
    ///
    /// # Errors
    ///
    /// [`Violation::PlaintextAfterStls`], or [`Violation::NoHandshakeDue`] if STLS was not accepted before.
    pub fn tls_established(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if self.injected || (self.state == State::Handshake && !rest.is_empty()) {
            return Err(self.injection());
        }
        if self.state != State::Handshake {
            return Err(failure(Violation::NoHandshakeDue, Awaiting::Nothing));
        }
        self.state = State::secured();
        self.tls = true;
        Ok(())
    }

    #[cold]
    fn injection(&mut self) -> ProtocolError {
        self.injected = true;
        self.close();
        failure(Violation::PlaintextAfterStls, Awaiting::Handshake)
    }

    /// Ends the session without UPDATE: the connection is closed, or you are about to close it. You must close it if a
    /// message cannot be read to its end. Does nothing after the answer to QUIT.
    pub fn close(&mut self) {
        if !self.state.is_over() {
            self.state = State::Closed;
        }
    }

    /// Returns the state of the session, according to the table in [`state`](crate::state).
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns true if the session is inside TLS.
    pub const fn inside_tls(&self) -> bool {
        self.tls
    }

    /// Returns true if USER, and mechanisms that reveal the password, are permitted now. Announce them only then.
    pub const fn permits_plaintext(&self) -> bool {
        self.tls || self.config.plaintext_login
    }

    /// Returns true if STLS is permitted now, or will be once the current request is answered. Announce it only then.
    pub const fn offers_stls(&self) -> bool {
        self.config.stls && !self.tls && !self.utf8 && self.state.permits(Kind::Stls)
    }

    /// Returns true if the client sends next and nothing is to be answered. Returns false if the session is over.
    pub fn wants_request(&self) -> bool {
        matches!(self.due, Due::Request | Due::Response) && self.state != State::Handshake && !self.state.is_over()
    }
}

/// Creates an error without an excerpt: the client's octets may contain a secret.
const fn failure(violation: Violation, awaiting: Awaiting) -> ProtocolError {
    ProtocolError { violation, awaiting, excerpt: Excerpt::EMPTY }
}
