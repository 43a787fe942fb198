//! TLS against a server that also uses rustls: the tests that both adapters have, and tests of reading while writing.
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
