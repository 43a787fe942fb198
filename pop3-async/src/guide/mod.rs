//! A guide to downloading mail with tokio.
//!
//! The guide of [`pop3-blocking`] also applies to this crate, whose calls have the same names:
//!
//! | chapter | |
//! |---|---|
//! | [`downloading`] | the order in which to store, mark and delete, so that no mail is lost |
//! | [`logins`] | TLS, pins, client certificates, passwords, and OAuth for Gmail and Outlook |
//! | [`migrating`] | the calls of poplib, MailKit and async-pop, and those of this crate |
//! | [`recipes`] (here) | short solutions with tokio |
//!
//! The guide of [`pop3-proto`](https://docs.rs/pop3-proto/latest/pop3_proto/guide/index.html) has chapters on
//! your own event loop, hostile servers and limits, retrying, testing your application, and fuzzing your loop.
//!
//! [`pop3-blocking`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/guide/index.html
//! [`downloading`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/guide/downloading/index.html
//! [`logins`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/guide/logins/index.html
//! [`migrating`]: https://docs.rs/pop3-blocking/latest/pop3_blocking/guide/migrating/index.html

#[doc = include_str!("recipes.md")]
pub mod recipes {}
