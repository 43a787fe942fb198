//! A POP3 client for tokio, driven by [`pop3_proto`].
//!
//! [`connect()`] takes a host, a name and a password, and returns a [`Session`]. For a stream of your own, start with a
//! [`Connection`]. [`pop3_proto`] implements the protocol, and its types appear in the signatures of this crate.
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
//! The API is that of `pop3-blocking`, with `.await`. It works with any tokio runtime, single- or multi-threaded.
//! [`connect()`] requires the I/O driver, and [`connect()`] and time-outs require the time driver. Futures are [`Send`]
//! if the stream is.
//!
//! # Errors
//!
//! Connecting, logging in and every call return an [`Error`]. Its [`kind`](Error::kind) tells what you can do about it,
//! whatever the session was doing; [`Error::is_transient`] and [`Error::retry_after`] tell whether and when to try
//! again. A failed [`Connection::login`] also returns the connection, and [`Session::quit`] has a [`QuitError`], which
//! tells what became of the deletions.
//!
//! ```no_run
//! use pop3_async::{Connect, Error, ErrorKind, connect};
//!
//! async fn check(to: Connect) -> Result<(), Error> {
//!     let error = match connect(to).await {
//!         Ok(_) => return Ok(()),
//!         Err(error) => error,
//!     };
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
//! The state of a call is stored in the session, not in the future. You can therefore drop any future at any time, such
//! as a losing branch of `select!` or a call in a time-out, and the next call gets its own answer:
//!
//! * A future that is dropped before it was first polled has done nothing.
//! * If a future is dropped later, its command may have been sent, or is sent with the next call. The command then takes
//!   effect, and the next call skips its answer. Each method that changes something documents what that means.
//! * [`Messages::next`], [`Headers`], [`Deletions`] and reads of a [`MessageReader`] keep their place: the next call continues
//!   where the dropped future stopped, and nothing is lost.
//! * Futures that create or consume the connection or the session (`connect`, `new`, `login`, `quit`) end it. Nothing has
//!   been deleted then, except possibly by [`Session::quit`], whose outcome is unknown.
//!
//! # No deadlock
//!
//! A server need not read while it writes (RFC 2449, section 6.6). Whenever this client waits, it therefore waits for
//! both directions: it reads even while the server accepts no data. Regardless of the number of commands in flight and
//! the buffer sizes of the transport, the two sides never wait for each other. If you do not read, back-pressure
//! applies: the client reads only what you ask for, and at most 64 KiB ahead.
//!
//! # TLS
//!
//! By default, TLS begins with the connection; with [`Security::StartTls`], it begins with STLS on port 110. Neither
//! falls back to plaintext. A `Tls` sets the requirements: by default, the platform's verifier must accept the server's
//! certificate for the given host name. If TLS fails, the kind of the error is [`ErrorKind::Tls`], its source explains
//! the reason, and `TlsFailure::of` has the details.
//! The sections above, on dropped futures and deadlocks, also apply inside TLS;
//! there, one more record of at most 16 KiB may be read ahead.
//!
//! Each connection reads the platform's certificate authorities on the current thread, which takes a while. For many
//! connections, call `client_config` once.
//!
//! QUIT closes TLS. So does dropping or abandoning a session from [`connect()`], without waiting for the write.
//!
//! TLS requires the feature `tls`, which is enabled by default. Without it, both modes return [`LoginError::NoTls`]
//! before anything is sent.
//!
//! # Deadlines
//!
//! [`Timeouts`] limits each wait: for the greeting, the TLS handshake, each answer, each part of a message or a
//! listing, and the login as a whole. Servers that trickle bytes time out, and time in which you ask for nothing does
//! not count. This also holds for a stream of your own.
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
#[cfg(feature = "tls")]
mod tls;
mod turn;

pub use batch::{Deletions, Headers, Messages};
pub use connect::connect;
pub use connection::{Connection, LoginFailed};
pub use message::MessageReader;
pub use netrc::{file as netrc_file, find as find_in_netrc};
pub use pop3_proto::drive::{
    Capabilities, Cause, Error, ErrorKind, Language, LanguageTag, Listing, LogEntry, LoginError, OwnedRefusal,
    OwnedUniqueId, QuitError, SettingsError, Timeouts,
};
pub use pop3_proto::login::{Connect, Credentials, Method, Methods, Policy, PopUrl, Security, UrlError};
pub use pop3_proto::message::Message;
pub use pop3_proto::serve::Maildrop;
#[cfg(feature = "tls")]
pub use pop3_proto::tls::{Fingerprint, Tls, TlsError, TlsFailure};
pub use pop3_proto::wire::{DropListing, Greeting, ScanListing};
pub use pop3_proto::{self, Config, ServerConfig, Zeroizing};
#[cfg(feature = "tls")]
pub use serve::serve_tls;
pub use serve::{serve, serve_with};
pub use session::Session;
#[cfg(feature = "tls")]
pub use tls::client_config;

/// Compiles the README's examples, in this crate because it can use the other two.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
