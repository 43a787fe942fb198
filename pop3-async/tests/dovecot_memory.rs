//! A big message in little memory: the blocking adapter's test, driven through this adapter.
#![allow(missing_docs, reason = "a test")]

extern crate self as pop3_blocking;

#[path = "dovecot/driver.rs"]
pub mod driver;

pub use driver::{Connection, LoginFailed, MessageReader, Messages, Session, Tcp, connect};
pub use pop3_async::*;

#[path = "../../pop3-blocking/tests/dovecot_memory.rs"]
mod memory;
