//! The client against peers that play a script, on loopback or in memory.
#![allow(missing_docs, reason = "a test")]

mod asking;
mod closing;
mod cuts;
mod deadlines;
mod errors;
mod memory;
mod pace;
mod quitting;
mod stingy;

use pop3_blocking::testing::peer;
