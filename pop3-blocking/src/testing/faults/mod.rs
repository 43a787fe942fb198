//! A stream that fails at an octet of your choice, the server at its other end, and judges of the client's results.
//!
//! ```
//! use std::io::Read;
//! use pop3_blocking::testing::faults::fault::{Fault, Kind, Way};
//! use pop3_blocking::testing::faults::maildrop::Scene;
//! use pop3_blocking::testing::faults::wire::{End, Wire};
//!
//! let fault = Fault { way: Way::ToClient, at: 3, kind: Kind::Closes };
//! let (mut wire, observer) = Wire::new(&Scene::new(100), Some(fault), usize::MAX);
//! let mut octets = Vec::new();
//! wire.read_to_end(&mut octets)?; // a client would call `Connection::over`
//! assert_eq!(octets, b"+OK");
//! let (record, removed) = observer.record();
//! assert_eq!((record.end, removed), (Some(End::Closed), None));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A test plays a session on a [`Wire`](wire::Wire) with [`log_in!`](login::log_in) and [`go_on!`](converse::go_on),
//! which record each result in a [`Results`](results::Results). Then [`judge()`](judge::judge()) compares them with the
//! [`Record`](wire::Record) of the wire. If the order of the octets is not known, a [looser judge](loose::judge())
//! compares them with the results of a session without a fault.

pub mod converse;
pub mod encryption;
pub mod fault;
mod host;
pub mod judge;
pub mod login;
pub mod loose;
pub mod maildrop;
mod reading;
pub mod results;
pub mod wire;
