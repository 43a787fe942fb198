//! Every mechanism through the login flow, octet by octet, and servers that cheat.
#![cfg(feature = "alloc")]

mod choice;
#[cfg(all(feature = "scram", feature = "cram-md5"))]
mod echo;
mod mechanisms;
mod own;
mod play;
#[cfg(feature = "scram")]
mod scram;
#[cfg(all(feature = "scram", feature = "cram-md5"))]
mod secrets;
