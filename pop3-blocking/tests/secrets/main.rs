//! Logins by every method through a whole adapter, inside TLS, against servers that repeat what they hear, with all that
//! the adapter and the libraries below it log, and all that can be shown: no secret is in it.
#![allow(missing_docs, reason = "a test")]

#[path = "../tls/authority.rs"]
#[allow(dead_code, reason = "it is written for more")]
mod authority;
mod logins;
#[path = "../tls/server.rs"]
#[allow(dead_code, reason = "it is written for more")]
mod server;

use pop3_blocking::pop3_proto::testing::echo;
