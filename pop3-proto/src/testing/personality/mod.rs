//! A server with the quirks of real servers, and the interface of a [`Service`](crate::Service).
//!
//! [`Personality`] has a switch for each quirk, and ready-made combinations for servers whose behavior is documented.
//! [`QuirkyService`] is the session. [`Personality::all`] runs a test against each of them:
//!
//! ```
//! use pop3_proto::ServerConfig;
//! use pop3_proto::serve::MailStore;
//! use pop3_proto::testing::personality::{Personality, QuirkyService};
//!
//! for (name, personality) in Personality::all() {
//!     let store = MailStore::new();
//!     store.add_user("mrose", "secret");
//!     store.deliver("mrose", "Subject: hello\n\nworld\n");
//!     let config = ServerConfig::new().plaintext_login(true);
//!     let service = QuirkyService::new(store.maildrop(), config, None, personality);
//!     // ... run your program against it ...
//!     assert!(service.pending().starts_with(b"+OK"), "{name}");
//! }
//! ```

mod answer;
mod config;
mod maildrop;
mod request;
mod servers;
mod service;

pub use config::{Personality, Sizes, UniqueIds, Update};
pub use service::QuirkyService;
