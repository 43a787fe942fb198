//! A guide to downloading mail with this crate.
//!
//! | chapter | |
//! |---|---|
//! | [`downloading`] | the order in which to store, mark and delete, so that no mail is lost |
//! | [`logins`] | TLS, pins, client certificates, passwords, and OAuth for Gmail and Outlook |
//! | [`recipes`] | new or large messages, long sessions, logs, parsers, your own streams and maildrops |
//! | [`migrating`] | the calls of poplib, MailKit and async-pop, and those of this crate |
//!
//! The guide of [`pop3-proto`](https://docs.rs/pop3-proto/latest/pop3_proto/guide/index.html) has chapters on
//! your own event loop, hostile servers and limits, retrying, testing your application, and fuzzing your loop.

#[doc = include_str!("downloading.md")]
pub mod downloading {}

#[doc = include_str!("logins.md")]
pub mod logins {}

#[doc = include_str!("migrating.md")]
pub mod migrating {}

#[doc = include_str!("recipes.md")]
pub mod recipes {}
