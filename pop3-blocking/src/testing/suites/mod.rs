//! Tests that the adapters of this workspace have in common. Each adapter gives every test a name, and passes a
//! function that runs a session.
#![allow(clippy::missing_panics_doc, reason = "that is how a test fails")]

pub mod adapter;
pub mod dovecot;
pub mod examples;
pub mod faults;
pub mod secrets;
pub mod tls;
