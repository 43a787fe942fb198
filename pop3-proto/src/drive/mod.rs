//! A client with buffers: everything that an adapter needs except the I/O.

pub(crate) mod batch;
pub(crate) mod capabilities;
pub(crate) mod commands;
pub(crate) mod conversation;
pub(crate) mod deadlines;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod log;
pub(crate) mod quit;
pub(crate) mod refusal;
pub(crate) mod unique_id;

pub use batch::{Batch, BatchCommand, Item, Selection};
pub use capabilities::Capabilities;
pub use commands::{Acknowledge, Language, Last, Lines, ListAll, ListOne, Stat, UidlAll, UidlOne};
pub use conversation::{Call, Conversation, Io, Retrieval, Step};
pub use deadlines::{Deadlines, TimedOut, Timeouts};
pub use error::{Cause, Error};
pub use exchange::{Exchange, ExchangeError};
pub use log::{LogEntry, LoggedCommand};
pub use quit::QuitError;
pub use refusal::OwnedRefusal;
pub use unique_id::OwnedUniqueId;
