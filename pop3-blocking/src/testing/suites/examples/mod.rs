//! The examples that both adapters have, run as a user would.

pub mod drain;
pub mod new_mail;
pub mod stage;
pub mod system_calls;
