//! A server with buffers, and the maildrop that it serves: everything that an adapter needs except the I/O.

pub(crate) mod layer;
pub(crate) mod maildrop;
#[cfg(feature = "std")]
pub(crate) mod memory;
pub(crate) mod service;
pub(crate) mod session;

pub use layer::{Layered, MaildropLayer};
pub use maildrop::{Denial, LoginAttempt, Maildrop, StoreError};
#[cfg(feature = "std")]
pub use memory::{MailStore, MemoryMaildrop};
pub use service::Service;
