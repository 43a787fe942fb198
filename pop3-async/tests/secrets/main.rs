//! The blocking adapter's search for secrets, with this one.
#![allow(missing_docs, reason = "a test")]

// The shared tests say `pop3_blocking`, and here that is what `driver` has.
extern crate pop3_blocking as blocking;
extern crate self as pop3_blocking;

#[path = "../dovecot/driver.rs"]
pub mod driver;

pub use driver::{Connection, LoginFailed, MessageReader, Messages, Session, Tcp, connect};
pub use pop3_async::*;

#[path = "../../../pop3-blocking/tests/secrets/logins.rs"]
mod logins;

use blocking::testing::{authority, peer};
use pop3_async::pop3_proto::testing::echo;
