//! Tests of the client with buffers.
#![cfg(feature = "alloc")]

mod announced;
mod forged;
mod interleaved;
mod unasked;
