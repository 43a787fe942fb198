//! A blocking POP3 client over [`std::net`], driven by [`pop3_proto`].
//!
//! [`connect()`] takes a host, a name and a password, and returns a [`Session`]. For a stream of your own, start with
//! [`Connection::over`], which takes the same settings. [`pop3_proto`] implements the protocol, and its types appear in
//! the signatures of this crate.
//!
//! ```no_run
//! use pop3_blocking::{Connect, connect};
//!
//! let mut session = connect(Connect::new().host("pop.example.org").user("mrose").password("tanstaaf"))?;
//! let mut messages = session.retrieve_all()?;
//! while let Some(message) = messages.next()? {
//!     let number = message.number();
//!     let message = message.into_message()?;
//!     println!("message {number}: {} octets", message.as_bytes().len());
//! }
//! session.quit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guide
//!
//! A chapter each on downloading without losing mail, on logins with TLS and `OAuth`, on moving from other libraries,
//! and on recipes: see [`guide`].
//!
//! # Features
//!
//! ```sh
//! cargo add pop3-blocking
//! ```
//!
//! | feature | |
//! |---|---|
//! | `tls` | TLS with rustls and the platform's verifier; enabled by default |
//! | `serde` | unique-ids can be stored in files of your own |
//! | `testing` | scripted servers, a certificate authority for tests, and streams that fail on purpose |
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
//! use pop3_blocking::{Connect, Error, ErrorKind, connect};
//!
//! fn check(to: Connect) -> Result<(), Error> {
//!     let Err(error) = connect(to) else { return Ok(()) };
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
//! # TLS
//!
//! By default, TLS begins with the connection; with [`Security::StartTls`], it begins with STLS on port 110. Neither
//! falls back to plaintext. A [`Tls`] sets the requirements: by default, the platform's verifier must accept the
//! server's certificate for the given host name. If a certificate is not valid or TLS fails in another way, the kind of
//! the error is [`ErrorKind::Tls`], its source gives the reason, and [`TlsFailure::of`] has the details.
//!
//! By default, each connection loads the platform's certificate authorities, which is slow. If you open many
//! connections, call [`client_config`] once.
//!
//! TLS requires the feature `tls`, which is enabled by default. Without it, both modes return [`LoginError::NoTls`]
//! before anything is sent.
//!
//! # Deadlines
//!
//! [`Timeouts`] limits each wait: for the greeting, the TLS handshake, each answer, each part of a message or a
//! listing, and the login as a whole. A server cannot extend a limit by sending octets one at a time. The time between
//! your calls does not count. On a stream of your own, limits are less precise: see [`Connection::over`].
//!
//! # Tests
//!
//! With the feature `testing`, the module `testing` contains a stream in memory that has a server at its other end,
//! such as one that plays a script, and that cuts, delays and ends as you want. It also contains scripted servers on
//! loopback, and a certificate authority for tests.
// Without the feature, the links lead to the documentation with all features.
#![cfg_attr(not(feature = "tls"), doc = "")]
#![cfg_attr(not(feature = "tls"), doc = "[`Tls`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/struct.Tls.html")]
#![cfg_attr(not(feature = "tls"), doc = "[`TlsFailure::of`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/")]
#![cfg_attr(not(feature = "tls"), doc = "[`client_config`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/")]
#![cfg_attr(not(feature = "tls"), doc = "[`guide`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/guide/")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod batch;
mod connect;
mod connection;
mod driver;
#[cfg(all(doc, feature = "tls"))]
pub mod guide;
mod message;
mod netrc;
mod serve;
mod session;
mod tcp;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;
mod transport;

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
pub use tcp::Tcp;
#[cfg(feature = "tls")]
pub use tls::client_config;
