//! A blocking POP3 client over [`std::net`], driven by [`pop3_proto`].
//!
//! [`connect()`] turns a host, a name and a password into a [`Session`]; on a stream of your own, begin with a
//! [`Connection`]. All protocol knowledge is in [`pop3_proto`], whose types stand in these signatures.
//!
//! ```no_run
//! use std::io::Read;
//! use pop3_blocking::{Connect, Security, connect};
//!
//! let how = Connect::new().host("pop.example.org").user("mrose").password("tanstaaf");
//! let mut session = connect(how.security(Security::Plaintext).allow_plaintext(true))?;
//! let mut messages = session.retrieve_all()?;
//! while let Some(mut message) = messages.next()? {
//!     let mut octets = Vec::new();
//!     message.read_to_end(&mut octets)?;
//!     println!("message {}: {} octets", message.number(), octets.len());
//! }
//! session.quit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
mod connect;
mod connection;
mod link;
mod message;
mod netrc;
mod serve;
mod session;
mod tcp;

pub use batch::{Deletions, Headers, Messages};
pub use connect::connect;
pub use connection::{Connection, LoginFailed};
pub use message::Message;
pub use netrc::find as find_in_netrc;
pub use pop3_proto;
pub use pop3_proto::connect::Connect;
pub use pop3_proto::login::{Credentials, Method, Policy, Security};
pub use pop3_proto::{Config, Entry};
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
pub type ConnectError = pop3_proto::connect::ConnectError<std::io::Error>;
/// Why a login failed.
pub type LoginError = pop3_proto::login::LoginError<std::io::Error>;
/// Why a QUIT is not known to have committed the deletions.
pub type QuitError = pop3_proto::QuitError<std::io::Error>;
