//! Tests that the adapters of this workspace have in common. Each adapter names every test, and hands in how to play
//! it.
#![allow(clippy::missing_panics_doc, reason = "that is how a test fails")]

pub mod adapter;
pub mod dovecot;
pub mod examples;
pub mod faults;
pub mod secrets;
pub mod tls;
