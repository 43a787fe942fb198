//! The client against a real Dovecot. `.ci/dovecot` starts one and says where it is.
#![allow(missing_docs, reason = "a test")]

#[path = "../support/adapter.rs"]
mod adapter;
mod batches;
mod calls;
mod deletion;
mod logins;
mod octets;
mod tls;

use adapter::Tokio;
