//! Parts for tests: of this crate, of `pop3-async`, and of programs that use them. [`pop3_proto::testing`] has more.
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
pub fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
