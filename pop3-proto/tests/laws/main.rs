//! The laws of the client, each by its number. `CONTRIBUTING.md` in the repository lists them.

mod copying;
mod order;
mod safety;
#[path = "../support/talk.rs"]
mod talk;
