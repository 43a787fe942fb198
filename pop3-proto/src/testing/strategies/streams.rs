//! Octets of a server, and the sizes of the reads in which they arrive.

use std::vec::Vec;

use proptest::collection::vec as list;
use proptest::prelude::Strategy;
use proptest::sample;

/// Pieces that matter to POP3, so that random streams reach deep states.
const PIECES: &[&[u8]] = &[
    b"+OK",
    b"-ERR",
    b"\r\n",
    b"\r\n",
    b"ab",
    b" ",
    b"+",
    b"+ ",
    b".",
    b".\r\n",
    b"\r\n.\r\n",
    b"..",
    b"\n",
    b"\r",
    b"\0",
    b"\xc3\xa9",
];

/// Returns the octets of a server that says anything: status lines, challenges, listings and messages, whole and
/// broken.
pub fn server_stream() -> impl Strategy<Value = Vec<u8>> {
    list(sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

/// Returns the sizes of reads or writes, in octets, each at least 1. Repeat them from the beginning if there are more
/// octets. They shrink to none: everything arrives at once.
///
/// In a test with several values, let this one come first. Values shrink in order, and octets that are cut everywhere
/// shrink further than octets that are cut at one place.
///
/// [`pieces`](crate::testing::cuts::pieces) cuts octets with them.
pub fn cuts() -> impl Strategy<Value = Vec<usize>> {
    list(1..9_usize, 0..40)
}
