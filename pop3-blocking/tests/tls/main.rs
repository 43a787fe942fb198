//! TLS against a server that also uses rustls, with certificates made for each test.
#![allow(missing_docs, reason = "a test")]

mod attacks;
mod certificates;
mod endings;
mod handshakes;
mod pins;
mod sessions;

use pop3_blocking::testing::suites::adapter::Blocking;
