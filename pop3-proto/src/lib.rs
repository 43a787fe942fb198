//! The POP3 protocol as a sans-IO state machine.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod answer;
pub mod apop;
#[cfg(feature = "alloc")]
pub mod batch;
#[cfg(feature = "alloc")]
mod buffer;
mod capability;
mod client;
mod command;
#[cfg(feature = "alloc")]
pub mod conversation;
mod error;
#[cfg(feature = "alloc")]
pub mod exchange;
#[cfg(feature = "alloc")]
mod failure;
mod flight;
mod frame;
#[cfg(feature = "alloc")]
mod log;
#[cfg(feature = "alloc")]
pub mod login;
#[cfg(feature = "alloc")]
pub mod maildrop;
#[cfg(feature = "std")]
pub mod memory;
pub mod message;
mod output;
pub mod reply;
pub mod sasl;
pub mod server;
#[cfg(feature = "alloc")]
mod service;
pub mod state;

/// What real servers do beside the RFCs, and what becomes of it.
///
#[doc = include_str!("tolerance.md")]
pub mod tolerance {}

pub use capability::{Capability, Known};
pub use client::{Client, Config, Event, Ticket};
pub use command::{Command, Kind, MAX_LINE, Shape};
pub use error::{Awaiting, BadArgument, Malformed, ProtocolError, Rejected, Violation};
#[cfg(feature = "alloc")]
pub use failure::{Cause, Error, QuitError, Refused};
pub use frame::{LineEnd, transmitted_octets};
#[cfg(feature = "alloc")]
pub use log::Entry;
pub use output::Output;
pub use server::{Request, Server, ServerConfig};
#[cfg(feature = "alloc")]
pub use service::Service;
pub use state::{Outcome, State};
