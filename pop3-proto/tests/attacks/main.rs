//! The attack table, row by row: each test has the number of its row in its name.
#![cfg(feature = "std")]

mod before_tls;
mod bounds;
mod injection;
mod memory;
mod play;
