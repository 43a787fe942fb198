//! The attacks of `spec/attacks.md`, row by row: each test has the numbers of its rows in its name.
#![cfg(all(feature = "std", feature = "cram-md5", feature = "scram"))]

mod before_tls;
mod bodies;
mod bounds;
mod display;
mod echoes;
mod endings;
mod framing;
mod injection;
mod login;
mod mechanisms;
#[path = "../support/memory.rs"]
mod memory;
mod numbers;
#[path = "../support/oracle.rs"]
mod oracle;
mod play;
mod scram_server;
#[path = "../support/service.rs"]
mod service;
mod serving;
mod session;
#[path = "../support/stream.rs"]
mod stream;
#[path = "../support/talk.rs"]
mod talk;
