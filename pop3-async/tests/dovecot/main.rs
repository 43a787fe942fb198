//! The tests of the blocking adapter against Dovecot, driven through this one: one suite, two drivers.
#![allow(missing_docs, reason = "tests")]

// The suite says `pop3_blocking`, and here that is what `driver` has.
extern crate self as pop3_blocking;

pub mod driver;

pub use driver::{Connection, LoginFailed, MessageReader, Messages, Session, Tcp, connect};
pub use pop3_async::*;

#[path = "../../../pop3-blocking/tests/dovecot/batches.rs"]
mod batches;
#[path = "../../../pop3-blocking/tests/dovecot/calls.rs"]
mod calls;
#[path = "../../../pop3-blocking/tests/dovecot/deletion.rs"]
mod deletion;
#[path = "../../../pop3-blocking/tests/dovecot/logins.rs"]
mod logins;
#[path = "../../../pop3-blocking/tests/dovecot/octets.rs"]
mod octets;
#[path = "../../../pop3-blocking/tests/dovecot/tls.rs"]
mod tls;
#[path = "../../../pop3-blocking/tests/dovecot/user.rs"]
mod user;
#[path = "../../../pop3-blocking/tests/dovecot/witness.rs"]
mod witness;
