//! The POP3 protocol, client and server, as a sans-IO state machine.
//!
//! [`Client`] implements all of RFC 1939 and its extensions. It has no socket, no clock and no buffer, and does not
//! allocate. You pass in the octets that you received, and get events that borrow from them. You pass in a command, and
//! the client writes its line to your output. [`Server`] does the same for a server. Both take the permitted commands
//! and the transitions from one table, [`state::TABLE`].
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
//! // Do the TLS handshake here. Pass in any plaintext that you received before it; here there is none.
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
//! let retr = client.send(Command::Retr(1), &mut out)?;
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
//! - Errors, the client's state and the events do not depend on how the octets are split into reads, except that a
//!   message may arrive in more pieces.
//! - A command that is not permitted returns [`UsageError`]; nothing was written and nothing changed. A refusal by the
//!   server is an event. If the server breaks the protocol, this and every later `receive` return the same
//!   [`ProtocolError`], and `send` returns [`UsageError::Over`]. A [`Malformed`] value inside an answer fails only that
//!   answer.
//! - A truncated message is never reported as complete. After QUIT, you know whether the deletions were committed,
//!   refused or unknown.
//! - Unsolicited octets are an error: POP3 has no tags, so they would be taken for the answer to the next command.
//! - Clients, errors and logs contain no secret. (An event borrows the server's text, which may echo one.)
//! - The work is linear in the number of octets, a client's size is constant, and no input causes a panic.
//!
//! # Layers
//!
//! Each module uses only the modules before it in this list.
//!
//! | module | feature | |
//! |---|---|---|
//! | [`wire`] | | commands, replies and listings, and their encoding; how servers deviate from the RFCs |
//! | [`state`] | | the state machine, as one table |
//! | [`Client`], [`Server`] | | the two roles: no buffer, no allocation |
//! | [`message`] | | header fields and lines of a message |
//! | [`sasl`] | | SASL mechanisms; features `cram-md5`, `scram`, and `saslprep` for names and passwords that are not US-ASCII |
//! | [`drive`] | `alloc` | a client with buffers: conversation, typed commands, batches, deadlines, log |
//! | [`tls`] | `tls` | requirements on TLS, for adapters that use rustls |
//! | [`login`] | `alloc` | credentials, the choice of a login method, and where to connect; errors of a login |
//! | [`serve`] | `alloc` | a server with buffers, and the maildrop that it serves; with `std`, an in-memory maildrop |
//! | [`testing`] | `testing` | parts for tests |
//!
//! Without features, the crate needs neither std nor an allocator. `std` is enabled by default. `scram`, `cram-md5` and
//! `saslprep` add mechanisms and the preparation of passwords, `serde` stores unique-ids, and `proptest` adds strategies
//! to `testing`.
//!
//! # Guide
//!
//! Chapters about the use of the crate, with code that you can copy:
//!
//! - [`guide::event_loop`]: your own event loop, plain, with STLS, inside TLS, and for many sessions
//! - [`guide::hostile`]: hostile servers and limits
//! - [`guide::retrying`]: what to retry, and when
//! - [`guide::testing`]: testing your application
//! - [`guide::fuzzing`]: fuzzing your own loop
//!
//! # Your own loop
//!
//! The examples of this crate are loops that you can start from. Without arguments, each runs against a server of its
//! own: `cargo run -p pop3-proto --features tls --example mio`.
//!
//! - [`mio`]: one thread waits for readiness and downloads many maildrops at once, with one `Conversation` for each.
//! - [`smol`]: any stream that implements the traits of futures-io, with STLS.
//! - [`completion`]: `io_uring`. The loop owns the buffers, and a bare [`Client`] reads received octets in place.
//! - [`fixed`]: a bare [`Client`] with fixed arrays, less than 1 KiB in total, without std and without an allocator.
//! - [`pipes`], an example in `pop3-blocking`, which uses the pipes of a child process, such as `ssh host nc`, instead
//!   of a socket.
//!
//! [`mio`]: https://docs.rs/crate/pop3-proto/latest/source/examples/mio/main.rs
//! [`smol`]: https://docs.rs/crate/pop3-proto/latest/source/examples/smol.rs
//! [`completion`]: https://docs.rs/crate/pop3-proto/latest/source/examples/completion/main.rs
//! [`fixed`]: https://docs.rs/crate/pop3-proto/latest/source/examples/fixed/session.rs
//! [`pipes`]: https://docs.rs/crate/pop3-blocking/latest/source/examples/pipes.rs
#![cfg_attr(
    not(feature = "alloc"),
    doc = "
[`drive`]: https://docs.rs/pop3-proto/latest/pop3_proto/drive/
[`login`]: https://docs.rs/pop3-proto/latest/pop3_proto/login/
[`serve`]: https://docs.rs/pop3-proto/latest/pop3_proto/serve/
"
)]
#![cfg_attr(not(feature = "tls"), doc = "\n[`tls`]: https://docs.rs/pop3-proto/latest/pop3_proto/tls/\n")]
#![cfg_attr(not(feature = "testing"), doc = "\n[`testing`]: https://docs.rs/pop3-proto/latest/pop3_proto/testing/\n")]
// The guide links to items of these features.
#![cfg_attr(
    not(all(feature = "testing", feature = "tls")),
    doc = "
[`guide::event_loop`]: https://docs.rs/pop3-proto/latest/pop3_proto/guide/event_loop/
[`guide::hostile`]: https://docs.rs/pop3-proto/latest/pop3_proto/guide/hostile/
[`guide::retrying`]: https://docs.rs/pop3-proto/latest/pop3_proto/guide/retrying/
[`guide::testing`]: https://docs.rs/pop3-proto/latest/pop3_proto/guide/testing/
[`guide::fuzzing`]: https://docs.rs/pop3-proto/latest/pop3_proto/guide/fuzzing/
"
)]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod client;
#[cfg(feature = "alloc")]
pub mod drive;
mod error;
#[cfg(all(doc, feature = "testing", feature = "tls"))]
pub mod guide;
#[cfg(feature = "alloc")]
pub mod login;
pub mod message;
pub mod sasl;
#[cfg(feature = "alloc")]
pub mod serve;
mod server;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;
pub mod wire;

pub use client::{Client, Config, Event, Ticket};
#[cfg(feature = "alloc")]
pub use drive::error::{Cause, Error, kind::ErrorKind, quit::QuitError};
pub use error::{Awaiting, ProtocolError, UsageError, Violation};
#[cfg(feature = "alloc")]
pub use serve::service::Service;
pub use server::{AnswerError, BadRequest, Request, Server, ServerConfig};
pub use state::{Outcome, State};
pub use wire::argument::BadArgument;
pub use wire::command::Command;
pub use wire::kind::{Kind, Shape};
pub use wire::malformed::Malformed;
pub use wire::output::Output;
pub use wire::stuffing::transmitted_octets;
/// Memory that is wiped when dropped, for passwords and tokens.
#[cfg(feature = "alloc")]
pub use zeroize::Zeroizing;
