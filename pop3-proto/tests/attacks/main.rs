//! The attack table, row by row: each test has the number of its row in its name.
#![cfg(all(feature = "std", feature = "cram-md5", feature = "scram"))]

mod before_tls;
mod bounds;
mod display;
mod framing;
mod injection;
mod login;
mod mechanisms;
mod memory;
#[path = "../oracle/mod.rs"]
mod oracle;
mod play;
mod rows;
mod scram_server;
#[path = "../script/mod.rs"]
mod script;
mod serving;
#[path = "../talk/mod.rs"]
mod talk;
