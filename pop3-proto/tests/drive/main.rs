//! Tests of the client with buffers.
#![cfg(feature = "alloc")]

mod ahead;
mod announced;
mod closing;
mod copying;
mod deadlines;
#[cfg(feature = "std")]
mod errors;
mod interleaved;
mod opening;
mod scene;
mod unsolicited;
