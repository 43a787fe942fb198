//! Tests of the client: answers that deviate from the RFCs, and answers on which other clients failed.

mod peers;
#[path = "../support/talk.rs"]
mod talk;
mod texts;
mod tolerance;
