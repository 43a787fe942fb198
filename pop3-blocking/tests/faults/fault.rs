//! Faults on the way, and the octet after which they occur.

use std::io::ErrorKind;

/// The direction of the octets that a fault counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// A fault after `at` octets in the direction `way`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) way: Way,
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reading comes to the end, and writing fails.
    Closes,
    /// Reading comes to the end, and what is written is lost: the first packet to a peer that has gone.
    Swallows,
    /// Reading and writing fail, and what was not read is lost.
    Resets,
    /// Nothing more comes, and what is written is lost.
    Hangs,
    /// Reading or writing fails so. After the time-out of a socket, the octets may still come, too late.
    Fails(ErrorKind),
    /// Writing takes nothing.
    TakesNothing,
    /// Octets that the server did not send.
    Inserts(&'static [u8]),
    /// An octet with some bits flipped.
    Flips(u8),
    /// An octet less.
    Loses,
    /// An octet twice.
    Doubles,
}

/// Says which run it was that failed.
pub(crate) struct Context {
    pub(crate) fault: Fault,
    /// The most octets that a call carries.
    pub(crate) piece: usize,
}

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("with {:?}, at most {} octets at a time", self.fault, self.piece);
        }
    }
}
