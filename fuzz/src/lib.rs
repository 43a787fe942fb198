//! Code that the fuzz targets share: scripts of a session, a client and a server that check the laws of every call, and
//! naive readers as oracles.
//!
//! Nothing here uses the crate's own framing or state machine: an oracle that shares code with its subject shares its
//! mistakes.

mod checked_client;
mod checked_server;
pub mod login;
pub mod naive_answers;
pub mod naive_message;
pub mod naive_netrc;
mod naive_reader;
mod naive_stuffing;
pub mod naive_url;
mod script;

pub use checked_client::{CheckedClient, Cuts, Heard, Shape, shape};
pub use checked_server::{CheckedServer, serve};
pub use naive_reader::{Session, lines, session};
pub use naive_stuffing::{End, Ending, content, stored, stuff};
pub use script::{Part, Script, Step};
