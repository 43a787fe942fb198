//! A session with fixed arrays, without std and without an allocator, as on a microcontroller.
//!
//! This file is complete, and uses only `core` and the crate without features. The example `fixed` runs it over a
//! socket; `tests/no_std` links it into a program that has no allocator.

use core::fmt;

use pop3_proto::message::MessageRef;
use pop3_proto::wire::{Digest, DropListing, MAX_COMMAND_LINE};
use pop3_proto::{Awaiting, Client, Command, Config, Event, Kind, ProtocolError, UsageError};

/// The length of a server's line that RFC 2449, section 4, permits, in octets. The input needs to be no larger, because
/// only an incomplete line has to be kept; the octets of a message are passed on as they arrive.
const INPUT: u32 = 512;

/// A stream, such as that of a TCP stack on bare metal.
pub(crate) trait Wire {
    /// The error of a read or a write.
    type Error;
    /// Waits for octets, and returns their number; 0 is the end.
    fn read(&mut self, room: &mut [u8]) -> Result<usize, Self::Error>;
    /// Sends all octets.
    fn write(&mut self, octets: &[u8]) -> Result<(), Self::Error>;
}

/// An error of a session.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The stream failed.
    Wire(E),
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// The command cannot be sent. Nothing was sent.
    Usage(UsageError),
    /// The server refused this command, or with `None` the whole session.
    Refused(Option<Kind>),
    /// The server does not know APOP. There is no TLS here, so the password was not sent.
    NoApop,
}

impl<E> From<ProtocolError> for Failure<E> {
    fn from(error: ProtocolError) -> Failure<E> {
        Failure::Protocol(error)
    }
}

impl<E> From<UsageError> for Failure<E> {
    fn from(error: UsageError) -> Failure<E> {
        Failure::Usage(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Wire(error) => error.fmt(f),
            Failure::Protocol(error) => error.fmt(f),
            Failure::Usage(error) => error.fmt(f),
            Failure::Refused(Some(kind)) => write!(f, "the server refuses {kind}"),
            Failure::Refused(None) => f.write_str("the server refuses to serve"),
            Failure::NoApop => f.write_str("the server does not know APOP"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Failure<E> {}

/// A session, with all the memory that it needs, except for a command line on the stack.
#[derive(Debug)]
pub(crate) struct Session<W> {
    wire: W,
    client: Client,
    input: [u8; INPUT as usize],
    /// The number of octets in `input`.
    filled: usize,
}

impl<W: Wire> Session<W> {
    /// Waits for the greeting, and logs in without sending the password itself.
    pub(crate) fn open(wire: W, user: &str, password: &[u8]) -> Result<Session<W>, Failure<W::Error>> {
        // A line that the client accepts must fit into the input.
        let config = Config::new().max_line(INPUT).max_challenge(INPUT);
        let mut session = Session { wire, client: Client::new(config), input: [0; INPUT as usize], filled: 0 };
        let mut digest = None;
        session.hear(|event| {
            // The digest is computed from the greeting in the input, without a copy.
            if let Event::Greeting(greeting) = event {
                digest = greeting.timestamp().map(|timestamp| Digest::new(timestamp, password));
            }
        })?;
        let digest = digest.ok_or(Failure::NoApop)?;
        session.ask(Command::Apop { user, digest }, |_| {})?;
        Ok(session)
    }

    /// Returns the number of messages and their octets.
    pub(crate) fn stat(&mut self) -> Result<DropListing, Failure<W::Error>> {
        let mut stat = Ok(DropListing { messages: 0, octets: 0 });
        self.ask(Command::Stat, |event| {
            if let Event::Ok { reply, .. } = event {
                stat = reply.stat();
            }
        })?;
        // A malformed reply is reported as a refusal here.
        stat.map_err(|_| Failure::Refused(Some(Kind::Stat)))
    }

    /// Copies the subject of a message into `room`, cut to its size, for a display of one line.
    pub(crate) fn subject<'a>(&mut self, number: u32, room: &'a mut [u8]) -> Result<&'a [u8], Failure<W::Error>> {
        // The only copy, because the search for a header field needs contiguous octets. Octets beyond the array are
        // ignored.
        let (mut header, mut len) = ([0; 1024], 0);
        self.ask(Command::Top { number, lines: 0 }, |event| {
            if let Event::Body { bytes, .. } = event {
                let fits = bytes.len().min(header.len() - len);
                header[len..len + fits].copy_from_slice(&bytes[..fits]);
                len += fits;
            }
        })?;
        let subject = MessageRef::new(&header[..len]).get("subject").map_or(&b""[..], |field| field.raw_body());
        let subject = subject.trim_ascii();
        let fits = subject.len().min(room.len());
        room[..fits].copy_from_slice(&subject[..fits]);
        Ok(&room[..fits])
    }

    /// Ends the session with QUIT.
    pub(crate) fn quit(mut self) -> Result<(), Failure<W::Error>> {
        self.ask(Command::Quit, |_| {})
    }

    /// Sends a command and reads its whole answer.
    fn ask(&mut self, command: Command<'_>, each: impl FnMut(Event<'_>)) -> Result<(), Failure<W::Error>> {
        let mut line = [0; MAX_COMMAND_LINE];
        let mut room = &mut line[..];
        self.client.send(command, &mut room)?;
        let unused = room.len();
        self.wire.write(&line[..MAX_COMMAND_LINE - unused]).map_err(Failure::Wire)?;
        self.hear(each)
    }

    /// Reads until no answer is awaited.
    fn hear(&mut self, mut each: impl FnMut(Event<'_>)) -> Result<(), Failure<W::Error>> {
        let asked = self.client.awaiting().kind();
        loop {
            let mut refused = false;
            let mut rest = &self.input[..self.filled];
            while let Some(event) = self.client.receive(&mut rest)? {
                refused |= matches!(event, Event::Refused { .. } | Event::NoService(_));
                each(event);
            }
            // The rest is an incomplete line. The next read continues it.
            let left = rest.len();
            self.input.copy_within(self.filled - left..self.filled, 0);
            self.filled = left;
            if refused {
                return Err(Failure::Refused(asked));
            }
            if self.client.awaiting() == Awaiting::Nothing {
                return Ok(());
            }
            match self.wire.read(&mut self.input[left..]).map_err(Failure::Wire)? {
                0 => return Ok(self.client.receive_eof(&self.input[..left])?),
                octets => self.filled += octets,
            }
        }
    }
}
