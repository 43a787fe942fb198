//! The client against peers that play a script, on loopback or in memory.
#![allow(missing_docs, reason = "a test")]

mod closing;
mod cuts;
mod deadlines;
mod errors;
mod memory;
mod pace;
mod quitting;
mod small_buffers;
mod unsolicited;

use pop3_blocking::testing::peer;
