//! Tests of the server with buffers.
#![cfg(feature = "std")]

mod bounds;
mod layers;
mod limits;
mod lines;
mod logins;
mod messages;
mod offers;
#[cfg(feature = "scram")]
mod scram;
mod script;
#[path = "../support/service.rs"]
mod service;
mod states;
mod stls;
mod work;
