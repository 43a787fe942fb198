//! Tests of the client: answers that deviate from the RFCs, and ones that other clients failed on.

mod peers;
#[path = "../support/talk.rs"]
mod talk;
mod tolerance;
