//! Very long lines, messages and listings, and very many pieces: memory stays bounded, and work stays linear.
//!
//! These tests take longer than all other tests of the core together, so `.ci/mutants` leaves them out.
#![cfg(feature = "std")]

mod listings;
#[path = "../support/memory.rs"]
mod memory;
mod messages;
mod serving;
#[path = "../support/stream.rs"]
mod stream;
mod work;
