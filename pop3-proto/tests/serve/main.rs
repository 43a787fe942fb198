//! Tests of the server with buffers.
#![cfg(feature = "std")]

mod bounds;
mod limits;
mod lines;
mod logins;
mod messages;
mod offers;
#[cfg(feature = "scram")]
mod scram;
mod script;
mod states;
mod stls;
mod work;
