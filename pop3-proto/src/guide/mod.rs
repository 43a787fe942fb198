//! The guide: how to use the crate in your own program, a chapter for each question.
//!
//! The modules here contain no code, only documentation.

#[doc = include_str!("event_loop.md")]
pub mod event_loop {}
#[doc = include_str!("hostile.md")]
pub mod hostile {}
#[doc = include_str!("retrying.md")]
pub mod retrying {}
