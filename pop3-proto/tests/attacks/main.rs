//! The attack table, row by row: each test has the number of its row in its name.
#![cfg(feature = "std")]

mod before_tls;
mod injection;
mod play;
