//! The POP3 protocol as a sans-IO state machine.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod apop;
mod capability;
mod client;
mod command;
mod error;
mod flight;
mod frame;
pub mod message;
mod output;
pub mod reply;
pub mod sasl;
pub mod state;

/// What real servers do beside the RFCs, and what becomes of it.
///
#[doc = include_str!("tolerance.md")]
pub mod tolerance {}

pub use capability::{Capability, Known};
pub use client::{Client, Config, Event, Ticket};
pub use command::{Command, Kind, MAX_LINE, Shape};
pub use error::{Awaiting, BadArgument, Malformed, ProtocolError, Rejected, Violation};
pub use frame::{LineEnd, transmitted_octets};
pub use output::Output;
pub use state::{Outcome, State};
