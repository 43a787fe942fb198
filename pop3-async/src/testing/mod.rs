//! Parts for tests of programs that use this crate. [`pop3_proto::testing`] has more.
//!
//! See [`link`] for examples: a stream in memory with a server at its other end.
//!
//! The contents may change in any version.

pub mod link;
