//! The program `pop3`, run as its users run it, against servers on loopback.

mod attacks;
mod blocked;
mod deaths;
mod disk;
mod fetch;
mod forged;
mod json;
mod kill;
mod login;
mod looks;
mod mortal;
mod notes;
mod reuse;
mod support;
mod system_calls;
mod tls;
mod url;
