//! The behaviour of a link, which you choose before the session begins.

use std::time::Duration;
use std::vec::Vec;

/// The behaviour of a link in both directions. By default, it neither cuts nor delays, holds 64 KiB, and never fails.
///
/// ```
/// use pop3_proto::testing::link::{Direction, Schedule};
///
/// // One octet at a time in both directions, and the connection is reset after the first 200 octets to the client.
/// let slow = Direction::new().cuts([1]).writes([1]);
/// let schedule = Schedule::new().to_server(slow.clone()).to_client(slow.reset_after(200));
/// # let _ = schedule;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// The octets from the client to the server.
    pub to_server: Direction,
    /// The octets from the server to the client.
    pub to_client: Direction,
}

impl Schedule {
    /// Creates the default schedule.
    pub const fn new() -> Schedule {
        Schedule { to_server: Direction::new(), to_client: Direction::new() }
    }

    /// Sets [`to_server`](Self#structfield.to_server).
    #[must_use]
    pub fn to_server(self, to_server: Direction) -> Schedule {
        Schedule { to_server, ..self }
    }

    /// Sets [`to_client`](Self#structfield.to_client).
    #[must_use]
    pub fn to_client(self, to_client: Direction) -> Schedule {
        Schedule { to_client, ..self }
    }

    /// Sets the same behaviour for both directions.
    #[must_use]
    pub fn both(self, direction: Direction) -> Schedule {
        Schedule { to_server: direction.clone(), to_client: direction }
    }
}

/// The behaviour of a link in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Direction {
    /// The most octets that each read returns, in turn; after the last one, the first one follows. If empty, reads are
    /// not limited. With 0, the read is [interrupted](super::Halt::Interrupted) and must be repeated; this never
    /// happens twice in a row.
    pub cuts: Vec<usize>,
    /// The most octets that each write takes, in turn, as for [`cuts`](Self#structfield.cuts).
    pub writes: Vec<usize>,
    /// The most octets that the link holds. The default is 64 KiB, and the minimum is 1.
    pub capacity: usize,
    /// Keeps written octets back until a flush, or until they fill the capacity. The default is false.
    pub until_flush: bool,
    /// The time that each octet takes. The default is none.
    pub latency: Duration,
    /// Numbers of octets, and the time by which everything after so many octets is delayed.
    pub stalls: Vec<(u64, Duration)>,
    /// Flushes that are [interrupted](super::Halt::Interrupted), in turn, as for [`cuts`](Self#structfield.cuts). If
    /// empty, none is.
    pub interrupted_flushes: Vec<bool>,
    /// Numbers of octets, and the corruption that occurs after so many octets. The octets of all numbers are counted as
    /// they arrive, with the corruptions before them.
    pub corruptions: Vec<(u64, Corruption)>,
    /// A number of octets, and the fault that occurs when so many octets have been written. If both directions have a
    /// fault, the one that occurs first ends the connection.
    pub fault: Option<(u64, Fault)>,
}

impl Direction {
    /// Creates the default behaviour.
    pub const fn new() -> Direction {
        Direction {
            cuts: Vec::new(),
            writes: Vec::new(),
            capacity: 64 * 1024,
            until_flush: false,
            latency: Duration::ZERO,
            stalls: Vec::new(),
            interrupted_flushes: Vec::new(),
            corruptions: Vec::new(),
            fault: None,
        }
    }

    /// Sets [`cuts`](Self#structfield.cuts).
    #[must_use]
    pub fn cuts(self, cuts: impl Into<Vec<usize>>) -> Direction {
        Direction { cuts: cuts.into(), ..self }
    }

    /// Sets [`writes`](Self#structfield.writes).
    #[must_use]
    pub fn writes(self, writes: impl Into<Vec<usize>>) -> Direction {
        Direction { writes: writes.into(), ..self }
    }

    /// Sets [`capacity`](Self#structfield.capacity).
    #[must_use]
    pub const fn capacity(mut self, octets: usize) -> Direction {
        self.capacity = octets;
        self
    }

    /// Sets [`until_flush`](Self#structfield.until_flush).
    #[must_use]
    pub const fn until_flush(mut self, until_flush: bool) -> Direction {
        self.until_flush = until_flush;
        self
    }

    /// Sets [`latency`](Self#structfield.latency).
    #[must_use]
    pub const fn latency(mut self, latency: Duration) -> Direction {
        self.latency = latency;
        self
    }

    /// Delays everything after the first `octets` octets by `time`. You can call this several times.
    #[must_use]
    pub fn stall_after(mut self, octets: u64, time: Duration) -> Direction {
        self.stalls.push((octets, time));
        self
    }

    /// Sets [`interrupted_flushes`](Self#structfield.interrupted_flushes).
    #[must_use]
    pub fn interrupted_flushes(self, flushes: impl Into<Vec<bool>>) -> Direction {
        Direction { interrupted_flushes: flushes.into(), ..self }
    }

    /// Corrupts the octet after the first `octets` octets, or inserts some there. You can call this several times.
    ///
    /// ```
    /// use pop3_proto::testing::link::{Corruption, Direction, Link, Schedule, Side};
    ///
    /// let to_client = Direction::new().corrupt_after(1, Corruption::Flips(0x20)).corrupt_after(3, Corruption::Loses);
    /// let mut link = Link::new(Schedule::new().to_client(to_client));
    /// link.write(Side::Server, b"+OK ready\r\n")?;
    /// let mut space = [0; 64];
    /// let len = link.read(Side::Client, &mut space)?;
    /// assert_eq!(&space[..len], b"+oKready\r\n");
    /// # Ok::<(), pop3_proto::testing::link::Halt>(())
    /// ```
    #[must_use]
    pub fn corrupt_after(mut self, octets: u64, corruption: Corruption) -> Direction {
        self.corruptions.push((octets, corruption));
        self
    }

    /// Ends the connection with [`Fault::Closes`] after `octets` octets.
    #[must_use]
    pub const fn end_after(self, octets: u64) -> Direction {
        self.fault_after(octets, Fault::Closes)
    }

    /// Ends the connection with [`Fault::Resets`] after `octets` octets.
    #[must_use]
    pub const fn reset_after(self, octets: u64) -> Direction {
        self.fault_after(octets, Fault::Resets)
    }

    /// Sets [`fault`](Self#structfield.fault).
    #[must_use]
    pub const fn fault_after(mut self, octets: u64, fault: Fault) -> Direction {
        self.fault = Some((octets, fault));
        self
    }
}

impl Default for Direction {
    fn default() -> Direction {
        Direction::new()
    }
}

/// A change of the octets on their way, which neither end notices by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Corruption {
    /// The bits that are set here are flipped in the next octet.
    Flips(u8),
    /// The next octet is lost.
    Loses,
    /// The next octet arrives twice.
    Doubles,
    /// These octets arrive at once, although nobody sent them.
    Inserts(Vec<u8>),
}

/// A fault that ends a connection, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Writing fails; reading returns what was written before, and then the end of the stream.
    Closes,
    /// Writing fails. In the direction of the fault, reading returns what was written before, and then fails; in the
    /// other direction, it fails at once.
    Resets,
    /// Writing loses the octets; reading returns what was written before, and then the end of the stream. This is what
    /// a client sees before it learns that the server has gone.
    Swallows,
    /// Writing loses the octets; reading returns what was written before, and then waits forever. This is what a client
    /// sees if the network is down.
    Hangs,
}

impl Fault {
    /// All faults.
    pub const ALL: [Fault; 4] = [Fault::Closes, Fault::Resets, Fault::Swallows, Fault::Hangs];
}
