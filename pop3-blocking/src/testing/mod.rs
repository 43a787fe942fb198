//! Parts for tests: of this crate, of `pop3-async`, and of programs that use them. [`pop3_proto::testing`] has more.
//!
//! Most tests need only [`link`], whose documentation has examples: a stream in memory with a server at its other end.
//! [`peer`] plays a script on loopback. With the feature `tls`, `authority` makes certificates, `tls` plays a script
//! inside TLS, and `faults` breaks a session at each octet.
//!
//! The contents may change in any version.

#[cfg(feature = "tls")]
pub mod authority;
#[cfg(feature = "tls")]
pub mod faults;
pub mod link;
pub mod peer;
#[cfg(feature = "tls")]
#[doc(hidden)]
pub mod suites;
#[cfg(feature = "tls")]
pub mod tls;

/// Returns the error and its sources, as a program shows them.
///
/// ```
/// let error = std::io::Error::other("the disk is full");
/// assert_eq!(pop3_blocking::testing::told(&error), "the disk is full");
/// ```
pub fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
