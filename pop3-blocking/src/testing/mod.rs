//! Parts for tests: of this crate, of `pop3-async`, and of programs that use them. [`pop3_proto::testing`] has more.
//!
//! The contents may change in any version.

#[cfg(feature = "tls")]
pub mod authority;
pub mod peer;
#[cfg(feature = "tls")]
pub mod server;
