//! A server with buffers, and the maildrop that it serves: everything that an adapter needs except the I/O.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use pop3_proto::serve::MailStore;
//! use pop3_proto::{ServerConfig, Service};
//!
//! let store = MailStore::new();
//! store.add_user("mrose", "tanstaaf");
//! store.deliver("mrose", "Subject: hello\n\nworld\n");
//! // One for each connection. It begins inside TLS, which your loop provides.
//! let service = Service::new(store.maildrop(), ServerConfig::new().inside_tls(true), None);
//! assert_eq!(service.pending(), b"+OK POP3 server ready\r\n");
//! # }
//! ```

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
