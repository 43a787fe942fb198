//! Parts for tests of programs that use this crate. [`pop3_proto::testing`] has more.
//!
//! The contents may change in any version.

pub mod link;
