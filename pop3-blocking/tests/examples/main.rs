//! The examples, run as a user would, against the embedded server.
#![allow(missing_docs, reason = "a test")]

mod drain;
mod new_mail;
mod stage;

const DRAIN: &str = "drain";
const NEW_MAIL: &str = "new_mail";
