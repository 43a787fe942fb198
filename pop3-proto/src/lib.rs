//! The POP3 protocol as a sans-IO state machine.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod apop;
pub mod message;
