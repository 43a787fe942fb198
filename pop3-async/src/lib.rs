//! A POP3 client for tokio, driven by [`pop3_proto`].
//!
//! [`connect()`] takes a host, a name and a password, and returns a [`Session`]. For a stream of your own, start with
//! [`Connection::over`], which takes the same settings. [`pop3_proto`] implements the protocol, and its types appear in
//! the signatures of this crate.
//!
//! ```no_run
//! use pop3_async::{Connect, connect};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = connect(Connect::new().host("pop.example.org").user("mrose").password("tanstaaf")).await?;
//! let mut messages = session.retrieve_all().await?;
//! while let Some(message) = messages.next().await? {
//!     let number = message.number();
//!     let message = message.into_message().await?;
//!     println!("message {number}: {} octets", message.as_bytes().len());
//! }
//! session.quit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The API is the same as that of `pop3-blocking`, with `.await`. It works with any tokio runtime, single- or
//! multi-threaded. Enable the time driver of the runtime and, for [`connect()`] and [`Connection::open`], the I/O
//! driver. Futures are [`Send`] if the stream is.
//!
//! # Guide
//!
//! Chapters on downloading without losing mail, on logins with TLS and `OAuth`, on moving from other libraries, and
//! on recipes with tokio: see [`guide`].
//!
//! # Features
//!
//! ```sh
//! cargo add pop3-async
//! cargo add tokio --features macros,rt-multi-thread
//! ```
//!
//! | feature | |
//! |---|---|
//! | `tls` | TLS with rustls and the platform's verifier; enabled by default |
//! | `serde` | unique-ids can be stored in files of your own |
//! | `testing` | a stream in memory that cuts, delays and ends as you want, with a server at its other end |
//!
//! Without default features, only [`Security::Plaintext`] is possible. The crate requires Rust 1.85.
//!
//! # Errors
//!
//! Connecting, logging in and every call return an [`Error`]. Its [`kind`](Error::kind) shows what you can do about it.
//! [`Error::is_transient`] and [`Error::retry_after`] show whether and when to try again. A failed
//! [`Connection::login`] also returns the connection if it is still usable. [`Session::quit`] returns a [`QuitError`],
//! which shows whether the messages were deleted.
//!
//! ```no_run
//! use pop3_async::{Connect, Error, ErrorKind, connect};
//!
//! async fn check(to: Connect) -> Result<(), Error> {
//!     let Err(error) = connect(to).await else { return Ok(()) };
//!     match error.kind() {
//!         ErrorKind::Credentials => println!("ask for another password: {error}"),
//!         ErrorKind::InUse | ErrorKind::Temporary => println!("try again later: {error}"),
//!         ErrorKind::Unreachable | ErrorKind::TimedOut | ErrorKind::Disconnected => println!("the network: {error}"),
//!         ErrorKind::Tls | ErrorKind::Protocol => println!("do not trust this server: {error}"),
//!         _ => return Err(error),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Dropped futures
//!
//! The state of a call is stored in the session, not in the future. You can therefore drop any future at any time, for
//! example in `select!` or `timeout`, and the next call gets its own answer:
//!
//! * A future that is dropped before it was first polled has done nothing.
//! * If a future is dropped later, its command may have been sent, or is sent with the next call. The command then
//!   takes effect, and the next call skips its answer. The documentation of each method that changes something
//!   describes the effect.
//! * [`Messages::next`], [`Headers`], [`Deletions`] and reads from a [`MessageReader`] lose nothing: the next call
//!   continues where the dropped future stopped.
//! * If you drop a future that creates or consumes a connection or a session (`connect`, `open`, `over`, `login`,
//!   `login_as`, `quit`), the connection ends. Nothing was deleted, unless the future was [`Session::quit`]: then the
//!   outcome is unknown.
//!
//! # No deadlock
//!
//! A server need not read while it writes (RFC 2449, section 6.6). Therefore, while this client waits to write, it also
//! reads. The two sides never wait for each other, regardless of the number of commands in flight and the buffer sizes
//! of the transport. If you do not read, back-pressure applies: the client reads only what you ask for, and at most 64
//! KiB ahead.
//!
//! # TLS
//!
//! By default, TLS begins with the connection; with [`Security::StartTls`], it begins with STLS on port 110. Neither
//! falls back to plaintext. A `Tls` sets the requirements: by default, the platform's verifier must accept the server's
//! certificate for the given host name. If a certificate is not valid or TLS fails in another way, the kind of the
//! error is [`ErrorKind::Tls`], its source gives the reason, and `TlsFailure::of` has the details. The sections above,
//! on dropped futures and deadlocks, also apply inside TLS; there, one more record of at most 16 KiB may be read ahead.
//!
//! By default, each connection loads the platform's certificate authorities on the current thread, which is slow. If
//! you open many connections, call `client_config` once.
//!
//! QUIT closes TLS. If you drop or abandon a session from [`connect()`], TLS is closed too, if that is possible without
//! waiting.
//!
//! TLS requires the feature `tls`, which is enabled by default. Without it, both modes return [`LoginError::NoTls`]
//! before anything is sent.
//!
//! # Deadlines
//!
//! [`Timeouts`] limits each wait: for the greeting, the TLS handshake, each answer, each part of a message or a
//! listing, and the login as a whole. A server cannot extend a limit by sending octets one at a time. The time between
//! your calls does not count. This also holds for a stream of your own.
//!
//! # Tests
//!
//! With the feature `testing`, the module `testing` contains a stream in memory that has a server at its other end,
//! such as one that plays a script, and that cuts, delays and ends as you want.
// Without the feature, the link leads to the documentation with all features.
#![cfg_attr(not(feature = "tls"), doc = "")]
#![cfg_attr(not(feature = "tls"), doc = "[`guide`]: https://docs.rs/pop3-async/latest/pop3_async/guide/")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod batch;
mod clock;
mod connect;
mod connection;
mod driver;
#[cfg(all(doc, feature = "tls"))]
pub mod guide;
mod message;
mod netrc;
mod serve;
mod session;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;
mod turn;

pub use batch::{Deletions, Headers, Messages};
pub use connect::connect;
pub use connection::{Connection, LoginFailed};
pub use message::MessageReader;
pub use netrc::find_in_netrc;
pub use pop3_proto::drive::{
    Capabilities, Language, LanguageTag, Listing, LogEntry, OwnedRefusal, OwnedUniqueId, SettingsError, Timeouts,
};
pub use pop3_proto::login::netrc::NetrcEntry;
pub use pop3_proto::login::{Connect, Credentials, LoginError, Method, Methods, Policy, PopUrl, Security, UrlError};
pub use pop3_proto::message::Message;
pub use pop3_proto::serve::Maildrop;
#[cfg(feature = "tls")]
pub use pop3_proto::tls::{Fingerprint, Tls, TlsError, TlsFailure};
pub use pop3_proto::wire::{DropListing, Greeting, ScanListing};
pub use pop3_proto::{self, Cause, Config, Error, ErrorKind, QuitError, ServerConfig, Zeroizing};
pub use serve::serve;
#[cfg(feature = "tls")]
pub use serve::serve_tls;
pub use session::Session;
#[cfg(feature = "tls")]
pub use tls::client_config;

/// Compiles the README's examples, in this crate because it can use the other two.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
