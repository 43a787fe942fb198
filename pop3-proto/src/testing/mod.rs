//! Parts for tests: of this crate, of its adapters, and of programs that use them.
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
