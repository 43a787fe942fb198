//! SASL mechanisms, and the data of an exchange (RFC 5034, section 4).
//!
//! | mechanism | feature | |
//! |---|---|---|
//! | SCRAM-SHA-256, SCRAM-SHA-1, and both with -PLUS | `scram` | both sides prove that they know the password |
//! | PLAIN, LOGIN | `alloc` | sends the password itself |
//! | CRAM-MD5 | `cram-md5` | sends a keyed digest of a challenge |
//! | OAUTHBEARER, XOAUTH2 | `alloc` | sends an access token |
//! | EXTERNAL | `alloc` | relies on a client certificate |
//!
//! You can add your own `Mechanism` (feature `alloc`). All of these are for clients; on the server side, `Service`
//! supports PLAIN and SCRAM-SHA-256, the latter also with -PLUS.
//!
//! A login uses the mechanisms for you. This is one by itself:
//!
//! ```
//! # #[cfg(feature = "alloc")] {
//! use pop3_proto::sasl::{Mechanism, Plain};
//!
//! // The example of RFC 4616, section 4.
//! let mut plain = Plain::new("", "tim", "tanstaaftanstaaf").expect("it can be sent");
//! assert!(plain.shows_secret());
//! let message = plain.first().expect("it is ready").expect("the client sends first");
//! assert_eq!(&message[..], b"\0tim\0tanstaaftanstaaf");
//! # }
//! ```

#[cfg(feature = "cram-md5")]
mod cram_md5;
#[cfg(feature = "alloc")]
mod mechanism;
#[cfg(feature = "alloc")]
mod oauth;
#[cfg(feature = "alloc")]
mod plain;
#[cfg(feature = "alloc")]
mod prepare;
#[cfg(feature = "scram")]
mod scram;
#[cfg(feature = "scram")]
pub(crate) mod verifier;

#[cfg(feature = "cram-md5")]
pub use cram_md5::CramMd5;
#[cfg(feature = "alloc")]
pub use mechanism::{Mechanism, MechanismError, SaslMessage};
#[cfg(feature = "alloc")]
pub use oauth::{OauthBearer, Xoauth2};
#[cfg(feature = "alloc")]
pub use plain::{External, LoginMechanism, Plain};
#[cfg(feature = "alloc")]
pub(crate) use plain::{plain, plain_parts};
#[cfg(feature = "alloc")]
pub use prepare::prepare;
#[cfg(feature = "alloc")]
pub(crate) use prepare::prepare_query;
#[cfg(feature = "scram")]
pub use scram::{Binding, Hash, Scram, ScramKeys, ScramSecret};
