//! A client with buffers: everything that an adapter needs except the I/O.
//!
//! A [`Conversation`] holds the protocol state and the buffers. You advance a [`Call`], a [`Retrieval`], a [`Batch`] or
//! a [`Login`](crate::login::Login) step by step until it is done. If a step returns [`Step::NeedIo`], do this [`Io`]
//! before the next step.
//!
//! # Your own loop
//!
//! This loop talks to a [`Service`](crate::Service) in memory. With a socket, write [`pending`](Conversation::pending)
//! to it and read from it into [`spare`](Conversation::spare).
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Retrieval, Stat, Step};
//! use pop3_proto::login::{Credentials, Login, Policy, Progress, Security};
//! use pop3_proto::serve::{MailStore, MemoryMaildrop};
//! use pop3_proto::{Command, Config, ServerConfig, Service};
//!
//! struct Link(Conversation, Service<MemoryMaildrop>);
//!
//! impl Link {
//!     /// Repeats `step` until it is done, and does the I/O that each step requests.
//!     fn run<T, E>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, E>) -> Result<T, E> {
//!         let Link(client, server) = self;
//!         loop {
//!             let io = match step(client)? {
//!                 Step::Done(value) => return Ok(value),
//!                 Step::NeedIo(io) => io,
//!             };
//!             if io == Io::Transfer && !client.pending().is_empty() {
//!                 let len = client.pending().len().min(server.spare().len());
//!                 server.spare()[..len].copy_from_slice(&client.pending()[..len]);
//!                 server.filled(len);
//!                 client.written(len);
//!             }
//!             // If there is nothing to read, a socket would block here, or return 0 octets if the server has closed it.
//!             let len = server.pending().len().min(client.spare().len());
//!             if len > 0 || server.is_over() {
//!                 client.spare()[..len].copy_from_slice(&server.pending()[..len]);
//!                 client.filled(len);
//!                 server.written(len);
//!             }
//!             if io == Io::Look {
//!                 client.looked();
//!             }
//!         }
//!     }
//! }
//!
//! let store = MailStore::new();
//! store.add_user("mrose", "tanstaaf");
//! store.deliver("mrose", "Subject: hello\n\nworld\n");
//! let config = ServerConfig::new().plaintext_login(true);
//! let server = Service::new(store.maildrop(), config, None);
//! let mut link = Link(Conversation::new(Config::default()), server);
//!
//! link.run(|client| client.greet())?;
//! let policy = Policy::new().security(Security::Plaintext).allow_plaintext(true);
//! let mut login = Login::new(Credentials::new("mrose", "tanstaaf"), policy);
//! assert_eq!(link.run(|client| login.step(client))?, Progress::LoggedIn);
//!
//! let mut stat = Call::new(Stat);
//! assert_eq!(link.run(|client| client.step(&mut stat))?.messages, 1);
//! let (mut retrieval, mut message) = (Retrieval::retr(1), Vec::new());
//! link.run(|client| client.collect(&mut retrieval, &mut message))?;
//! assert_eq!(message, b"Subject: hello\r\n\r\nworld\r\n");
//! let mut quit = Call::new(Acknowledge(Command::Quit));
//! link.run(|client| client.step(&mut quit))?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod batch;
pub(crate) mod capabilities;
pub(crate) mod commands;
pub(crate) mod conversation;
pub(crate) mod deadlines;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod language;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod refusal;
pub(crate) mod timed_out;
pub(crate) mod unique_id;

pub use batch::{Batch, Item, Selection};
pub use capabilities::Capabilities;
pub use commands::{
    Acknowledge, AuthList, Capa, Languages, Last, ListAll, ListOne, RawListing, SetLanguage, Stat, UidlAll, UidlOne,
};
pub use conversation::{Call, Conversation, Io, Retrieval, Step};
pub use deadlines::{Deadlines, Timeouts};
pub use error::settings::SettingsError;
pub use exchange::{Exchange, ExchangeError};
pub use language::{Language, LanguageTag};
pub use listing::{Listing, ListingIter};
pub use log::{LogEntry, LoggedCommand};
pub use refusal::OwnedRefusal;
pub use timed_out::TimedOut;
pub use unique_id::OwnedUniqueId;
