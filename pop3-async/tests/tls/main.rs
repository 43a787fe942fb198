//! TLS against a server that speaks rustls too: the tests that both adapters have, and what only an adapter that waits
//! for both directions has to show.
#![allow(missing_docs, reason = "a test")]

#[path = "../support/adapter.rs"]
mod adapter;
mod attacks;
mod certificates;
mod endings;
mod flow;
mod handshakes;
mod pins;
mod sessions;
mod time;

use adapter::Tokio;
use pop3_blocking::testing::{authority, peer, told};
