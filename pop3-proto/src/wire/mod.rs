//! Commands, replies and listings of POP3, and their encoding. Nothing here depends on a session.
//!
//! Replies borrow from the received octets. A value is parsed when you ask for it, and a malformed value fails only
//! that call.
//!
//! ```
//! use pop3_proto::{Client, Command, Config, Event};
//! # let mut client = Client::new(Config::default());
//! # let mut out = Vec::new();
//! # client.receive(&mut &b"+OK\r\n"[..])?;
//! # for command in [Command::User("mrose"), Command::Pass("tanstaaf")] {
//! #     client.send(command, &mut out)?;
//! #     client.receive(&mut &b"+OK\r\n"[..])?;
//! # }
//!
//! // A client that is logged in has sent LIST.
//! client.send(Command::List(None), &mut out)?;
//! let mut octets = 0;
//! let mut received: &[u8] = b"+OK 2 messages\r\n1 120\r\n2 200 octets\r\n.\r\n";
//! while let Some(event) = client.receive(&mut received)? {
//!     match event {
//!         Event::Row { row, .. } => octets += row.scan_listing()?.octets,
//!         Event::Refused { refusal, .. } => println!("the server said {}", refusal.text()),
//!         _ => {}
//!     }
//! }
//! assert_eq!(octets, 320);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
mod compact;
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
pub use argument::Charset;
pub use capability::{Capability, KnownCapability};
pub use code::{Code, ResponseCode};
pub use command::MAX_COMMAND_LINE;
pub use listing::{DropListing, ScanListing, UniqueId};
pub use payload::{NotBase64, Payload, Response};
pub use reply::{Greeting, Refusal, Reply, Row};
pub use text::Text;
