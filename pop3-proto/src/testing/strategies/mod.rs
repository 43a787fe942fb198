//! Strategies for property tests with [proptest], of programs that read mail and of loops that drive this crate.
//!
//! All values shrink: to fewer messages, shorter ones, simpler pieces, no cut and no fault. A failing test reports a
//! small case.
//!
//! ```
//! use pop3_proto::testing::maildrop::TestMaildrop;
//! use pop3_proto::testing::strategies;
//! use pop3_proto::{Service, ServerConfig};
//! use proptest::prelude::*;
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig::with_cases(8))]
//!     # /*
//!     #[test]
//!     # */
//!     fn mail_arrives(cuts in strategies::cuts(), mails in strategies::maildrop(0..6)) {
//!         let service = Service::new(TestMaildrop::new(&mails, usize::MAX), ServerConfig::new(), None);
//!         // ... download everything with your program, in reads of these sizes ...
//!         # prop_assert!(cuts.iter().all(|len| *len > 0) && !service.is_over());
//!     }
//! }
//! # mail_arrives();
//! ```
//!
//! [proptest]: https://docs.rs/proptest

mod commands;
mod failures;
mod messages;
mod schedules;
mod streams;

pub use commands::{command, commands, credentials, number, uncommon_command};
pub use failures::{failures, personality};
pub use messages::{mail, maildrop, message, unique_id};
pub use schedules::schedule;
pub use streams::{cuts, server_stream};
