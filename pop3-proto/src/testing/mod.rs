//! Parts for tests: of this crate, of its adapters, and of programs that use them.
//!
//! | module | |
//! |---|---|
//! | [`link`] | a connection in memory with a server at its other end, which cuts, delays and loses octets |
//! | [`script`] | a server that plays a script and reports what the client did instead |
//! | [`personality`] | a server with the quirks of real ones |
//! | [`failing`] | a maildrop that fails on demand |
//! | `strategies` | strategies for proptest (feature `proptest`) |
//! | [`maildrop`] | a maildrop of one user that reports what was removed |
//! | [`line_ends`], [`cuts`] | messages with mixed line ends, and octets in pieces |
//! | [`secrets`] | servers that repeat what they hear, and a search for secrets |
//!
//! Each module has an example, and `guide::testing` shows the test of a whole application. The modules `testing` of the
//! adapters have streams for their own traits.
//!
//! Nothing here does I/O. What judges a server or a client shares no code with what it judges.
//!
//! The contents may change in any version.

pub mod cuts;
pub mod failing;
pub mod line_ends;
pub mod link;
pub mod maildrop;
pub mod personality;
pub mod script;
pub mod secrets;
#[cfg(feature = "proptest")]
pub mod strategies;
