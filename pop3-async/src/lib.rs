//! The tokio adapter of [`pop3_proto`].
//!
//! It is a skeleton so far: it holds no code, only the place where the surface of `pop3-blocking` will stand with
//! `.await`. Until then, drive [`pop3_proto::Client`] from your own tasks, or use `pop3-blocking` on a blocking thread.
#![forbid(unsafe_code)]
