//! What the fuzz targets share: scripts of a session, a player that feeds them to a client, and a naive byte-stuffing.
//!
//! Nothing here is made of the crate's own framing or state machine: an oracle that shares code with what it judges
//! shares its mistakes.

mod answers;
mod clerk;
mod dots;
pub mod login;
mod player;
mod script;

pub use answers::{Session, lines, session};
pub use clerk::{Clerk, serve};
pub use dots::{End, Ending, content, stored, stuff};
pub use player::{Cuts, Heard, Player, Shape, shape};
pub use script::{Part, Script, Step};
