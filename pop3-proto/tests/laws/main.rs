//! The laws of the client, each by its number. `CONTRIBUTING.md` in the repository lists them.

mod from_7;
#[path = "../talk/mod.rs"]
mod talk;
mod to_6;
