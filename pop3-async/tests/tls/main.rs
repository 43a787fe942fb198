//! TLS against a server that speaks rustls too: the blocking adapter's tests driven through this one, and what only an
//! adapter that waits for both directions has to show.
#![allow(missing_docs, reason = "a test")]

// The shared tests say `pop3_blocking`, and here that is what `driver` has.
extern crate pop3_blocking as blocking;
extern crate self as pop3_blocking;

#[path = "../dovecot/driver.rs"]
pub mod driver;

pub use driver::{Connection, LoginFailed, MessageReader, Messages, Session, Tcp, connect};
pub use pop3_async::*;

#[path = "../../../pop3-blocking/tests/tls/attacks.rs"]
mod attacks;
#[path = "../../../pop3-blocking/tests/tls/certificates.rs"]
mod certificates;
#[path = "../../../pop3-blocking/tests/tls/endings.rs"]
mod endings;
#[path = "../../../pop3-blocking/tests/tls/handshakes.rs"]
mod handshakes;
#[path = "../../../pop3-blocking/tests/tls/pins.rs"]
mod pins;
#[path = "../../../pop3-blocking/tests/tls/sessions.rs"]
mod sessions;

mod flow;
mod time;

use blocking::testing::{authority, peer, tls, told};
