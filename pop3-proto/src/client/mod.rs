//! The client role: commands in, octets out; octets in, events out.

mod config;
mod event;
mod pipeline;
mod receive;
mod send;

use crate::client::pipeline::Pipeline;
use crate::error::{Awaiting, Excerpt, ProtocolError, Violation};
use crate::state::{Outcome, State};
use crate::wire::kind::Kind;
use crate::wire::line::LineEnd;
use crate::wire::stuffing::Unstuffer;

pub use config::Config;
pub use event::{Event, Ticket};

/// The part of the answer to the oldest command that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Status,
    /// Carries the line end of the status line.
    Listing(LineEnd),
    Body(Unstuffer),
}

/// The side that sends next inside AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Turn {
    Server,
    Client,
    /// The server, which may only answer `-ERR`.
    Cancelled,
}

/// Data that the client has sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shown {
    /// The client has sent data in this AUTH exchange: otherwise, `+OK` proves nothing.
    in_auth: bool,
    /// The client has sent a secret that has not led to a login: the server's texts may echo it.
    secret: bool,
}

/// State that is discarded when TLS begins (RFC 2595, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Layer {
    /// The line end of the first status line of this layer.
    line_end: Option<LineEnd>,
    tls: bool,
    /// UTF8 was accepted.
    utf8_mode: bool,
    /// Names and passwords may be UTF-8.
    utf8_user: bool,
}

/// A POP3 client without I/O: a cursor over the caller's octets.
///
/// It holds no buffer, no allocation and no secret, and is cheap to clone, compare and hash.
///
/// ```
/// use pop3_proto::{Client, Command, Config, Event};
///
/// let mut client = Client::new(Config::default());
/// let mut out = [0; 64];
/// let mut room = &mut out[..];
///
/// let mut received: &[u8] = b"+OK ready\r\n";
/// let event = client.receive(&mut received)?;
/// assert!(matches!(event, Some(Event::Greeting(greeting)) if greeting.text().to_string() == "ready"));
///
/// // Not before the login: nothing is written, and nothing changes.
/// assert!(client.send(Command::Retr(1), &mut room).is_err());
/// client.send(Command::Capa, &mut room)?;
/// assert_eq!(room.len(), 64 - "CAPA\r\n".len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    config: Config,
    state: State,
    pipeline: Pipeline,
    part: Part,
    /// Octets at the front of the awaited line that contain no LF.
    scanned: u32,
    /// The octets of the message, lines of the listing, or challenges received in this answer.
    extent: u64,
    /// One blank line before this answer has been skipped.
    forgiven: bool,
    /// Unsolicited octets have arrived.
    unsolicited: bool,
    turn: Turn,
    shown: Shown,
    layer: Layer,
    failure: Option<ProtocolError>,
}

impl Client {
    /// Creates a client that waits for the greeting.
    pub const fn new(config: Config) -> Client {
        Client {
            state: State::Greeting,
            pipeline: Pipeline::new(),
            part: Part::Status,
            scanned: 0,
            extent: 0,
            forgiven: false,
            unsolicited: false,
            turn: Turn::Server,
            shown: Shown { in_auth: false, secret: false },
            layer: Layer { line_end: None, tls: false, utf8_mode: false, utf8_user: false },
            failure: None,
            config,
        }
    }

    /// Returns true if unsolicited octets have arrived whose line is not complete.
    #[cfg(feature = "alloc")]
    pub(crate) const fn has_unsolicited(&self) -> bool {
        self.unsolicited
    }

    /// Tells the client that the stream has ended. `rest` contains the octets that no event consumed.
    ///
    /// Returns `Ok` after the answer to QUIT and after a greeting with `-ERR`. A truncated answer is never a success.
    ///
    /// # Errors
    ///
    /// [`Violation::Closed`] with the input that was awaited, or the earlier error.
    pub fn receive_eof(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if self.state.is_over() && self.in_flight() == 0 {
            return Ok(());
        }
        let said = if matches!(self.part, Part::Status) { rest } else { b"" };
        self.fail(Violation::Closed, said)
    }

    /// Like [`receive_eof`](Self::receive_eof), for commands in flight that had not been transmitted: the server was
    /// idle.
    #[cfg(feature = "alloc")]
    pub(crate) fn receive_eof_while_idle(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        let result = self.receive_eof(rest);
        self.failure = result.err().map(ProtocolError::while_idle);
        self.failure.map_or(Ok(()), Err)
    }

    /// Removes the commands in flight, because none of them was transmitted completely: whatever arrives from now on
    /// does not answer them.
    #[cfg(feature = "alloc")]
    pub(crate) fn forget_in_flight(&mut self) {
        while self.pipeline.oldest().is_some() {
            self.pipeline.pop();
        }
        (self.part, self.forgiven, self.extent) = (Part::Status, false, 0);
    }

    /// Tells the client that the TLS handshake is complete. Call this immediately after the handshake, with both kinds
    /// of TLS: before the greeting if the connection begins with TLS (RFC 8314, section 3.1), or after
    /// [`Event::StartTls`] (RFC 2595, section 4).
    ///
    /// `rest` is the plaintext received before the handshake that no event consumed. It must be empty, because an
    /// attacker may have injected it. Everything learned about the server before TLS is discarded.
    ///
    /// # Errors
    ///
    /// [`Violation::PlaintextAfterStls`] if `rest` is not empty, and [`Violation::NoHandshakeDue`] if no handshake is
    /// due. The session is over.
    pub fn tls_established(&mut self, rest: &[u8]) -> Result<(), ProtocolError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let secured = match self.state {
            State::Greeting if !self.layer.tls => State::Greeting,
            State::Handshake => State::secured(),
            _ => return self.fail(Violation::NoHandshakeDue, b""),
        };
        if !rest.is_empty() || self.unsolicited {
            return self.fail(Violation::PlaintextAfterStls, b"");
        }
        self.state = secured;
        self.layer = Layer { line_end: None, tls: true, utf8_mode: false, utf8_user: false };
        Ok(())
    }

    /// Sets whether names and passwords may be UTF-8, because the server announced `UTF8 USER` (RFC 6856, section 2.2).
    pub fn set_utf8_user(&mut self, announced: bool) {
        self.layer.utf8_user = announced;
    }

    /// Returns the state that the server has confirmed.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns the state after all commands in flight, if they succeed.
    pub fn projected(&self) -> State {
        // One step per run is enough: no row of the table leads to another row of the same kind.
        self.pipeline.kinds().fold(self.state, |state, kind| state.after(kind, Outcome::Ok).unwrap_or(state))
    }

    /// Returns the number of commands that have not been answered yet.
    pub const fn in_flight(&self) -> usize {
        self.pipeline.len()
    }

    /// Returns the command that is answered next.
    pub const fn oldest(&self) -> Option<Ticket> {
        if self.pipeline.len() == 0 { None } else { Some(Ticket(self.pipeline.answered())) }
    }

    /// Returns the input that the client is waiting for. A client has no clock: you set the deadlines.
    pub fn awaiting(&self) -> Awaiting {
        match (self.part, self.pipeline.oldest()) {
            (Part::Listing(_), Some(kind)) => Awaiting::Listing(kind),
            (Part::Body(_), Some(kind)) => Awaiting::Body(kind),
            (_, Some(Kind::Auth)) if self.turn == Turn::Client => Awaiting::Response,
            (_, Some(kind)) => Awaiting::Status(kind),
            (_, None) => match self.state {
                State::Greeting => Awaiting::Greeting,
                State::Handshake => Awaiting::Handshake,
                _ => Awaiting::Nothing,
            },
        }
    }

    /// Returns true if the server's texts may echo a secret: the client has sent one that has not led to a login.
    pub(crate) const fn may_hear_an_echo(&self) -> bool {
        self.shown.secret
    }

    /// Returns true if the session is inside TLS.
    pub const fn inside_tls(&self) -> bool {
        self.layer.tls
    }

    #[cold]
    fn fail<T>(&mut self, violation: Violation, said: &[u8]) -> Result<T, ProtocolError> {
        let awaiting = self.awaiting();
        let excerpt = if self.may_hear_an_echo() { Excerpt::EMPTY } else { Excerpt::of(said) };
        let error = ProtocolError { violation, awaiting, excerpt };
        self.failure = Some(error);
        self.part = Part::Status;
        self.state = State::Closed;
        // Failed clients are equal, regardless of how the octets were split.
        self.scanned = 0;
        self.unsolicited = false;
        Err(error)
    }
}
