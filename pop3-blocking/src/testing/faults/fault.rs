//! Faults between a client and a server, and the octet after which they occur.
//!
//! See [`faults`](super) for an example.

use std::io::ErrorKind;

/// The direction of the octets that a fault counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// A fault after `at` octets in the direction `way`.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The direction.
    pub way: Way,
    /// The number of octets before the fault.
    pub at: usize,
    /// The fault.
    pub kind: Kind,
}

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reading comes to the end, and writing fails.
    Closes,
    /// Reading comes to the end, and what is written is lost, as the first packet to a closed socket is.
    Swallows,
    /// Reading and writing fail, and what was not read is lost.
    Resets,
    /// Nothing more comes, and what is written is lost.
    Hangs,
    /// Reading or writing fails with this error. After the timeout of a socket, the octets may still arrive, too late.
    Fails(ErrorKind),
    /// Writing accepts nothing.
    TakesNothing,
    /// Octets that the server did not send.
    Inserts(&'static [u8]),
    /// An octet with some bits flipped.
    Flips(u8),
    /// An octet is missing.
    Loses,
    /// An octet is repeated.
    Doubles,
}

/// A guard that prints the fault of a run if the run panics.
#[derive(Debug)]
pub struct Context {
    /// The fault of the run.
    pub fault: Fault,
    /// The maximum number of octets that a call carries.
    pub piece: usize,
}

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("with {:?}, at most {} octets at a time", self.fault, self.piece);
        }
    }
}
