//! Commands, replies and listings of POP3, and their encoding. Nothing here depends on a session.
//!
//! Replies borrow from the received octets. A value is parsed when you ask for it, and a malformed value fails only
//! that call.
//!
//! # Tolerance
//!
//! Real servers deviate from the RFCs. This crate treats the deviations as follows:
//!
#![doc = include_str!("../tolerance.md")]

pub(crate) mod apop;
pub(crate) mod argument;
pub(crate) mod base64;
#[cfg(feature = "alloc")]
pub(crate) mod buffer;
pub(crate) mod capability;
pub(crate) mod code;
pub(crate) mod command;
mod encoder;
pub(crate) mod kind;
pub(crate) mod line;
pub(crate) mod listing;
pub(crate) mod malformed;
pub(crate) mod number;
pub(crate) mod output;
pub(crate) mod parse;
pub(crate) mod payload;
pub(crate) mod reply;
pub(crate) mod stuffing;
pub(crate) mod text;
pub(crate) mod top;

pub use apop::{Digest, Timestamp};
pub use argument::{BadArgument, Charset};
pub use capability::{Capability, KnownCapability};
pub use code::{Code, ResponseCode};
pub use command::{Command, MAX_COMMAND_LINE};
pub use kind::{Kind, Shape};
pub use listing::{DropListing, ScanListing, UniqueId};
pub use malformed::Malformed;
pub use output::Output;
pub use payload::{NotBase64, Payload, Response};
pub use reply::{Challenge, Greeting, Refusal, Reply, Row};
pub use stuffing::transmitted_octets;
pub use text::Text;
