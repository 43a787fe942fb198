//! A POP3 client for tokio, driven by [`pop3_proto`].
//!
//! [`connect()`] turns a host, a name and a password into a [`Session`]; on a stream of your own, begin with a
//! [`Connection`]. All protocol knowledge is in [`pop3_proto`], whose types stand in these signatures.
//!
//! ```no_run
//! use pop3_async::{Connect, connect};
//! use tokio::io::AsyncReadExt;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = connect(Connect::new().host("pop.example.org").user("mrose").password("tanstaaf")).await?;
//! let mut messages = session.retrieve_all().await?;
//! while let Some(mut message) = messages.next().await? {
//!     let mut octets = Vec::new();
//!     message.read_to_end(&mut octets).await?;
//!     println!("message {}: {} octets", message.number(), octets.len());
//! }
//! session.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The surface is that of `pop3-blocking` with `.await`. Any tokio runtime will do, of one thread or many, with its I/O
//! and time drivers enabled where [`connect()`] or a time-out is used; futures are [`Send`] if the stream is.
//!
//! # Dropped futures
//!
//! What is on its way lies in the session, not in the future. So any future may be dropped at any time (a branch of
//! `select!` that lost, a time-out around a call), and what is called next gets its own answer:
//!
//! * Dropped before it was first polled, a future has done nothing.
//! * Dropped later, its command may be on its way: sent, or to be sent along with the next call. Then it has its effect,
//!   and its answer is skipped by the next call. What that means for a command that changes something stands with the
//!   method.
//! * [`Messages::next`], [`Headers`], [`Deletions`] and reading a [`Message`] keep their place: what is called again goes
//!   on where the dropped future stood, and nothing is left out.
//! * Futures that make or consume the connection or the session (`connect`, `new`, `login`, `quit`) end it. Nothing was
//!   deleted then, unless it was [`Session::quit`], of which nobody knows.
//!
//! # No deadlock
//!
//! A server need not read while it writes (RFC 2449, section 6.6). So whenever this client waits, it waits for both
//! directions: it reads even while the server takes nothing. However many commands are in flight and however little the
//! transport buffers, the two sides never wait for each other. A caller who does not read applies back-pressure: nothing
//! is read from the transport but what is asked for, and no more than 64 KiB ahead.
//!
//! # TLS
//!
//! The default is TLS from the first octet on; [`Security::StartTls`] begins it by STLS, on port 110. Neither falls back to
//! less. What it has to prove is a `Tls`: by default that the server has the name given as the host, as the platform's
//! verifier judges. When it fails, [`LoginError::Handshake`] says so in plain words, and a `TlsFailure` in it for programs.
//! A stream of your own is put under TLS by `Connection::over_tls`, or by STLS after `Connection::set_tls`. All that is
//! said above of dropped futures and of deadlocks holds inside TLS as well; there a record, 16 KiB at the most, may be read
//! ahead beside.
//!
//! QUIT ends TLS, and so does a session that is dropped or abandoned if [`connect()`] made it; that is not waited for.
//!
//! It is the feature `tls`, which is on by default. Without it both give [`LoginError::NoTls`], before anything is sent.
//!
//! # Deadlines
//!
//! The server is not waited for longer than [`Timeouts`] permits: for its greeting, the TLS handshake, each answer, each
//! stretch of a message or a listing, and all of the login. A server that sends an octet now and then gains nothing by it,
//! and time in which you ask for nothing does not count. On a stream of your own nothing is limited before
//! [`Connection::set_timeouts`].
#![forbid(unsafe_code)]

mod batch;
mod clock;
mod connect;
mod connection;
mod driver;
mod message;
mod netrc;
mod serve;
mod session;
mod stream;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

pub use batch::{Deletions, Headers, Messages};
pub use connect::connect;
pub use connection::{Connection, LoginFailed};
pub use message::Message;
pub use netrc::{file as netrc_file, find as find_in_netrc};
pub use pop3_proto::drive::{LogEntry, Timeouts};
pub use pop3_proto::login::{Connect, Credentials, Method, Methods, Policy, Security};
#[cfg(feature = "tls")]
pub use pop3_proto::tls::{Fingerprint, Tls, TlsError, TlsFailure};
pub use pop3_proto::{self, Config};
#[cfg(feature = "tls")]
pub use serve::serve_tls;
pub use serve::{serve, serve_with};
pub use session::Session;

/// Why a call failed.
pub type Error = pop3_proto::Error<std::io::Error>;
/// The reason of an [`Error`].
pub type Cause = pop3_proto::Cause<std::io::Error>;
/// Why there is no session.
pub type ConnectError = pop3_proto::login::ConnectError<std::io::Error>;
/// Why a login failed.
pub type LoginError = pop3_proto::login::LoginError<std::io::Error>;
/// Why a QUIT is not known to have committed the deletions.
pub type QuitError = pop3_proto::QuitError<std::io::Error>;

/// The README's examples, compiled: here, because the other two crates are at hand.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
