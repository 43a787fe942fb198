//! A blocking POP3 client over [`std::net`], driven by [`pop3_proto`].
//!
//! [`connect()`] turns a host, a name and a password into a [`Session`]; on a stream of your own, begin with a
//! [`Connection`]. All protocol knowledge is in [`pop3_proto`], whose types stand in these signatures.
//!
//! ```no_run
//! use std::io::Read;
//! use pop3_blocking::{Connect, connect};
//!
//! let mut session = connect(Connect::new().host("pop.example.org").user("mrose").password("tanstaaf"))?;
//! let mut messages = session.retrieve_all()?;
//! while let Some(mut message) = messages.next()? {
//!     let mut octets = Vec::new();
//!     message.read_to_end(&mut octets)?;
//!     println!("message {}: {} octets", message.number(), octets.len());
//! }
//! session.quit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # TLS
//!
//! The default is TLS from the first octet on; [`Security::StartTls`] begins it by STLS, on port 110. Neither falls back to
//! less. What it has to prove is a [`Tls`]: by default that the server has the name given as the host, as the platform's
//! verifier judges. When it fails, [`LoginError::Handshake`] says so in plain words, and a [`TlsFailure`] in it for programs.
//! A stream of your own is put under TLS by [`Connection::over_tls`], or by STLS after [`Connection::set_tls`].
//!
//! It is the feature `tls`, which is on by default. Without it both give [`LoginError::NoTls`], before anything is sent.
//!
//! # Deadlines
//!
//! The server is not waited for longer than [`Timeouts`] permits: for its greeting, the TLS handshake, each answer, each
//! stretch of a message or a listing, and all of the login. A server that sends an octet now and then gains nothing by it,
//! and time in which you ask for nothing does not count. A stream of your own keeps as much of this as it can: see
//! [`Connection::set_timeouts`].
#![forbid(unsafe_code)]

mod batch;
mod connect;
mod connection;
mod driver;
mod message;
mod netrc;
mod serve;
mod session;
mod tcp;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod transport;

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
pub use tcp::Tcp;

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
