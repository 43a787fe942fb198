//! Tests of the client with buffers.
#![cfg(feature = "alloc")]

mod announced;
mod closing;
#[cfg(feature = "std")]
mod errors;
mod forged;
mod interleaved;
mod opening;
mod unasked;
