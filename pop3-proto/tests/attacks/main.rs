//! The attack table, row by row: each test has the number of its row in its name.
#![cfg(feature = "std")]

mod before_tls;
mod bounds;
mod framing;
mod injection;
#[cfg(all(feature = "cram-md5", feature = "scram"))]
mod mechanisms;
mod memory;
#[path = "../oracle/mod.rs"]
mod oracle;
mod play;
#[cfg(feature = "scram")]
mod scram_server;
#[path = "../talk/mod.rs"]
mod talk;
