//! A connection in memory, as octets without I/O: it cuts, delays and loses octets as a [`Schedule`] says.
//!
//! A [`Link`] has two ends, the [client's](Side::Client) and the [server's](Side::Server), and carries octets between
//! them. It has a clock of its own, which stands still until you [advance](Link::advance) it. Everything is
//! deterministic: the same calls have the same results.
//!
//! Use a link directly to test a loop of your own. With a server at its other end, it is a [`Line`], which is enough
//! for most tests. The features `testing` of `pop3-blocking` and `pop3-async` make a stream of a line, for
//! `Connection::over`.
//!
//! ```
//! use std::time::Duration;
//! use pop3_proto::testing::link::{Direction, Halt, Link, Schedule, Side};
//!
//! let to_client = Direction::new().cuts([3, 100]).stall_after(4, Duration::from_secs(30)).end_after(8);
//! let mut link = Link::new(Schedule::new().to_client(to_client));
//!
//! assert_eq!(link.write(Side::Server, b"+OK ready\r\n"), Ok(8), "the link ends after 8 octets");
//! assert_eq!(link.write(Side::Server, b"y\r\n"), Err(Halt::Closed));
//!
//! let mut space = [0; 64];
//! assert_eq!(link.read(Side::Client, &mut space), Ok(3), "a cut");
//! assert_eq!(link.read(Side::Client, &mut space), Ok(1), "what is before the stall");
//! let until = Duration::from_secs(30);
//! assert_eq!(link.read(Side::Client, &mut space), Err(Halt::Stalled { until }));
//! link.advance(until);
//! assert_eq!(link.read(Side::Client, &mut space), Ok(3), "the cuts begin again");
//! assert_eq!(link.read(Side::Client, &mut space), Ok(1));
//! assert_eq!(link.read(Side::Client, &mut space), Ok(0), "the end");
//! ```

#[cfg(feature = "tls")]
mod encrypted;
mod line;
mod pipe;
mod record;
mod schedule;

use std::time::Duration;

#[cfg(feature = "tls")]
pub use encrypted::Encrypted;
pub use line::{Line, Responder};
use pipe::Pipe;
pub use record::Record;
pub use schedule::{Corruption, Direction, Fault, Schedule};

/// An end of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client's end.
    Client,
    /// The server's end.
    Server,
}

/// The reason why a read or a write on a [`Link`] carried no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The call must be repeated. Reading or writing on the other end, or time, is not needed.
    Interrupted,
    /// There is nothing to read or no room to write, until the other end acts.
    Blocked,
    /// There is nothing to read until this time on the clock of the link, unless the other end acts earlier.
    Stalled {
        /// A time after [`Link::now`].
        until: Duration,
    },
    /// Reading or writing failed, because the connection was reset.
    Reset,
    /// Writing failed, because the connection is closed.
    Closed,
}

/// A connection in memory, with both of its ends. See the [module](self) for an example.
#[derive(Clone, Debug)]
pub struct Link {
    to_server: Pipe,
    to_client: Pipe,
    now: Duration,
    /// The fault that ended the connection, and the end that reads in its direction.
    fault: Option<(Fault, Side)>,
    closed: [bool; 2],
    records: [Option<Record>; 2],
}

impl Link {
    /// Creates a link on which nothing was written. Its clock starts at zero.
    pub fn new(schedule: Schedule) -> Link {
        let Schedule { to_server, to_client } = schedule;
        let pipes = (Pipe::new(to_server), Pipe::new(to_client));
        let mut link = Link {
            to_server: pipes.0,
            to_client: pipes.1,
            now: Duration::ZERO,
            fault: None,
            closed: [false; 2],
            records: [None, None],
        };
        link.strike();
        link
    }

    /// Writes octets on this end, and returns how many the link took.
    ///
    /// # Errors
    ///
    /// Any [`Halt`] except [`Stalled`](Halt::Stalled): the link took no octets.
    pub fn write(&mut self, side: Side, octets: &[u8]) -> Result<usize, Halt> {
        if octets.is_empty() {
            return Ok(0);
        }
        let written = self.take(side, octets);
        if let (Ok(len), Some(record)) = (written, &self.records[side as usize]) {
            record.add_written(&octets[..len]);
        }
        written
    }

    fn take(&mut self, side: Side, octets: &[u8]) -> Result<usize, Halt> {
        match self.fault {
            Some((Fault::Closes, _)) => return Err(Halt::Closed),
            Some((Fault::Resets, _)) => return Err(Halt::Reset),
            Some((Fault::Swallows | Fault::Hangs, _)) => return Ok(octets.len()),
            None if self.closed.contains(&true) => return Err(Halt::Closed),
            None => {}
        }
        let now = self.now;
        let written = self.pipe_from(side).write(octets, now);
        self.strike();
        written
    }

    /// Sends the octets that were written on this end, if [`Direction::until_flush`] keeps them back.
    ///
    /// # Errors
    ///
    /// [`Halt::Interrupted`], if [`Direction::interrupted_flushes`] says so. Nothing was sent.
    pub fn flush(&mut self, side: Side) -> Result<(), Halt> {
        let now = self.now;
        self.pipe_from(side).flush(now)
    }

    /// Reads octets on this end, and returns how many: 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// Any [`Halt`] except [`Closed`](Halt::Closed): there are no octets.
    ///
    /// # Panics
    ///
    /// Panics if there is no space for an octet.
    pub fn read(&mut self, side: Side, space: &mut [u8]) -> Result<usize, Halt> {
        assert!(!space.is_empty(), "a read needs space, or its result looks like the end of the stream");
        let (fault, now) = (self.fault, self.now);
        let read = self.pipe_to(side).read(space, now);
        if let (Ok(len), Some(record)) = (read, &self.records[side as usize]) {
            record.add_read(&space[..len]);
        }
        match (read, fault) {
            (Ok(0), Some((Fault::Resets, _))) => Err(Halt::Reset),
            (Ok(0), Some((Fault::Hangs, _))) => Err(Halt::Blocked),
            (read, _) => read,
        }
    }

    /// Closes this end. The other end reads what was written and flushed, and then the end of the stream. Writing fails
    /// on both ends.
    pub fn close(&mut self, side: Side) {
        self.closed[side as usize] = true;
        let now = self.now;
        self.pipe_from(side).end(now);
    }

    /// Returns the time on the clock of the link.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Advances the clock.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now.saturating_add(by);
    }

    /// Advances the clock to a time, such as that of [`Halt::Stalled`]. A time in the past has no effect.
    pub fn advance_to(&mut self, at: Duration) {
        self.now = self.now.max(at);
    }

    /// Returns when the next octets, or the end of the stream, arrive at this end, if they are on their way. This is in
    /// the past if they have arrived.
    pub fn next_arrival(&self, side: Side) -> Option<Duration> {
        let hangs = |pipe: &Pipe| pipe.is_empty() && matches!(self.fault, Some((Fault::Hangs, _)));
        let pipe = self.pipe(side);
        pipe.next_arrival().filter(|_| !hangs(pipe))
    }

    /// Returns the number of octets that were written for this end, without those that were lost after a fault. They
    /// are counted with all [corruptions](Corruption).
    pub const fn carried_to(&self, side: Side) -> u64 {
        self.pipe(side).passed()
    }

    /// Returns a record of the octets that this end writes and reads from now on. A clone of the link goes on with the
    /// same record.
    pub fn record(&mut self, side: Side) -> Record {
        self.records[side as usize].get_or_insert_default().clone()
    }

    /// Returns the fault that has ended the connection, and the end that reads in its direction.
    pub const fn fault(&self) -> Option<(Fault, Side)> {
        self.fault
    }

    /// Applies a fault that is due.
    fn strike(&mut self) {
        if self.fault.is_some() {
            return;
        }
        let struck = |side| self.pipe(side).struck().map(|fault| (fault, side));
        let Some((fault, side)) = struck(Side::Server).or_else(|| struck(Side::Client)) else { return };
        self.fault = Some((fault, side));
        let (now, other) = (self.now, side.other());
        self.pipe_to(side).send(now);
        self.pipe_to(side).end(now);
        match fault {
            Fault::Resets => self.pipe_to(other).cut(now),
            _ => self.pipe_to(other).end(now),
        }
    }

    const fn pipe(&self, to: Side) -> &Pipe {
        match to {
            Side::Client => &self.to_client,
            Side::Server => &self.to_server,
        }
    }

    const fn pipe_to(&mut self, side: Side) -> &mut Pipe {
        match side {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }

    const fn pipe_from(&mut self, side: Side) -> &mut Pipe {
        self.pipe_to(side.other())
    }
}

impl Side {
    /// Returns the end opposite to this one.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}
