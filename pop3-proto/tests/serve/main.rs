//! Tests of the server with buffers.
#![cfg(feature = "std")]

mod bounds;
mod limits;
#[cfg(feature = "scram")]
mod scram;
mod script;
mod sessions;
mod work;
