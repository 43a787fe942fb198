//! The program `pop3`, run as its users run it, against servers on loopback.

mod attacks;
mod blocked;
mod client_cert;
mod deaths;
mod disk;
mod dying_server;
mod fetch;
mod forged;
mod index;
mod json;
mod kill;
mod log;
mod login;
mod notes;
mod plan;
mod power;
mod ranges;
mod reading;
mod reuse;
mod secrets;
mod serving;
mod support;
mod system_calls;
mod tls;
mod url;
#[cfg(target_os = "linux")]
mod work;
