//! An adapter against a real Dovecot. `.ci/dovecot` starts one and says where it is.

pub mod batches;
pub mod calls;
pub mod deletion;
pub mod logins;
pub mod memory;
pub mod octets;
pub mod tls;
mod traces;
mod user;
