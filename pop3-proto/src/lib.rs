//! POP3 as a sans-IO state machine: octets in, events out; commands in, octets out.
//!
//! [`Client`] is the whole protocol of RFC 1939 and its extensions without a socket, a clock, a buffer or an allocation.
//! It is a cursor over octets that you own: offer what you received, and get events that borrow from it; ask for a
//! command, and get its line in a place of yours. [`Server`] is the same for the other side. For both, what is permitted
//! and where it leads stands in one table, [`state::TABLE`].
//!
//! ```text
//!   Greeting --+OK--> Authorization --USER--> Named --PASS--> Transaction --QUIT--> Update
//!                        |   ^                                     ^
//!                        |   |                                     |
//!                      STLS  TLS handshake                         |
//!                        v   |                                     |
//!                      Handshake       Authorization --APOP, AUTH--+
//! ```
//!
//! # A session, state by state
//!
//! ```
//! use core::num::NonZeroU32;
//! use pop3_proto::{Client, Command, Config, Event, State};
//!
//! let mut client = Client::new(Config::default());
//! let mut out = Vec::new();
//! assert_eq!(client.state(), State::Greeting);
//!
//! let mut input: &[u8] = b"+OK ready\r\n";
//! assert!(matches!(client.receive(&mut input)?, Some(Event::Greeting(_))));
//! assert_eq!(client.state(), State::Authorization);
//!
//! client.send(Command::Stls, &mut out)?;
//! let mut input: &[u8] = b"+OK begin\r\n";
//! assert!(matches!(client.receive(&mut input)?, Some(Event::StartTls { .. })));
//! assert_eq!(client.state(), State::Handshake);
//! // ... the handshake is the adapter's, and what was left over of the plaintext is shown to the client: nothing ...
//! client.tls_established(b"")?;
//! assert_eq!(client.state(), State::Authorization);
//!
//! client.send(Command::User("mrose"), &mut out)?;
//! let mut input: &[u8] = b"+OK\r\n";
//! client.receive(&mut input)?;
//! assert_eq!(client.state(), State::Named);
//!
//! client.send(Command::Pass("tanstaaf"), &mut out)?;
//! let mut input: &[u8] = b"+OK 1 message\r\n";
//! client.receive(&mut input)?;
//! assert_eq!(client.state(), State::Transaction);
//!
//! let stat = client.send(Command::Stat, &mut out)?;
//! let retr = client.send(Command::Retr(NonZeroU32::MIN), &mut out)?;
//! let mut input: &[u8] = b"+OK 1 22\r\n+OK\r\nSubject: dots\r\n\r\n...\r\n.\r\n";
//! let Some(Event::Ok { to, reply }) = client.receive(&mut input)? else { panic!() };
//! assert_eq!((to, reply.stat()?.octets), (stat, 22));
//! assert!(matches!(client.receive(&mut input)?, Some(Event::Ok { to, .. }) if to == retr));
//! let mut message = Vec::new();
//! while let Some(Event::Body { bytes, .. }) = client.receive(&mut input)? {
//!     message.extend_from_slice(bytes);
//! }
//! assert_eq!(message, b"Subject: dots\r\n\r\n..\r\n");
//!
//! client.send(Command::Quit, &mut out)?;
//! let mut input: &[u8] = b"+OK bye\r\n";
//! client.receive(&mut input)?;
//! assert_eq!(client.state(), State::Update);
//! client.receive_eof(input)?;
//!
//! assert!(out.starts_with(b"STLS\r\nUSER mrose\r\nPASS tanstaaf\r\nSTAT\r\nRETR 1\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What you can rely on
//!
//! - However the octets are cut, the events, the errors and the client afterwards are the same.
//! - What may not be asked is [`UsageError`]: nothing was written and nothing changed. What the server refuses is an event.
//!   A server that breaks the protocol is a [`ProtocolError`], for ever after. [Nonsense](Malformed) inside an answer
//!   fails that answer only.
//! - A message cut short is never a whole one, and QUIT ends as committed, refused or unknown.
//! - Octets that nobody asked for are an error: POP3 has no tags, so they would answer the next command.
//! - No secret is in a client, an event, an error or a log.
//! - The work is linear in the octets, the memory constant, and no input panics.
//!
//! # Layers
//!
//! Each module uses only those above it in this list.
//!
//! | module | feature | |
//! |---|---|---|
//! | [`wire`] | | commands, replies and listings, and how they stand in octets; what real servers do beside the RFCs |
//! | [`state`] | | the state machine, as one table |
//! | [`Client`], [`Server`] | | the two roles: no buffer, no allocation |
//! | [`message`] | | header fields and lines of a message |
//! | [`sasl`] | | SASL mechanisms; features `cram-md5`, `scram`, and `saslprep` for names and passwords beyond US-ASCII |
//! | [`drive`] | `alloc` | a client with buffers: conversation, typed commands, batches, deadlines, log |
//! | `tls` | `tls` | what TLS has to prove, for adapters that speak it with rustls |
//! | [`login`] | `alloc` | who logs in, how, and where; why it failed |
//! | [`serve`] | `alloc` | a server with buffers, and the maildrop that it serves; with `std` a maildrop in memory |
//!
//! Without features the crate needs neither std nor an allocator. `std` is the default.
//!
//! # Your own loop
//!
//! The crate's examples are loops to begin from. Each runs without arguments too, with a server of its own:
//! `cargo run -p pop3-proto --example mio`.
//!
//! - [`mio`]: one thread that waits for readiness and downloads many maildrops at once, with a
//!   [`Conversation`](drive::Conversation) for each.
//! - [`completion`]: `io_uring`. The loop owns the buffers, and a bare [`Client`] looks at what was received where it
//!   lies.
//! - [`fixed`]: neither std nor an allocator, but fixed arrays, for a bare [`Client`] in less than a KiB.
//! - [`pipes`], an example of `pop3-blocking`: no socket but the pipes of a child process, as through `ssh host nc`.
//!
//! [`mio`]: https://docs.rs/crate/pop3-proto/latest/source/examples/mio.rs
//! [`completion`]: https://docs.rs/crate/pop3-proto/latest/source/examples/completion/main.rs
//! [`fixed`]: https://docs.rs/crate/pop3-proto/latest/source/examples/fixed/session.rs
//! [`pipes`]: https://docs.rs/crate/pop3-blocking/latest/source/examples/pipes.rs
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod client;
#[cfg(feature = "alloc")]
pub mod drive;
mod error;
#[cfg(feature = "alloc")]
pub mod login;
pub mod message;
pub mod sasl;
#[cfg(feature = "alloc")]
pub mod serve;
mod server;
pub mod state;
#[cfg(feature = "tls")]
pub mod tls;
pub mod wire;

pub use client::{Client, Config, Event, Ticket};
#[cfg(feature = "alloc")]
pub use drive::{Cause, Error, QuitError};
pub use error::{Awaiting, ProtocolError, UsageError, Violation};
#[cfg(feature = "alloc")]
pub use serve::Service;
pub use server::{AnswerError, BadRequest, Request, Server, ServerConfig};
pub use state::{Outcome, State};
pub use wire::{BadArgument, Command, Kind, Malformed, Output, Shape, transmitted_octets};
