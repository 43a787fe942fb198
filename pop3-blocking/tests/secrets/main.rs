//! Logins by every method through a whole adapter, inside TLS, against servers that repeat what they hear, with all that
//! the adapter and the libraries below it log, and all that can be shown: no secret is in it.
#![allow(missing_docs, reason = "a test")]

mod logins;

use pop3_blocking::pop3_proto::testing::echo;
use pop3_blocking::testing::{authority, peer};
