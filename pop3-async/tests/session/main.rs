//! The tokio adapter over in-memory streams and loopback sockets, against the embedded server and scripted ones.

mod calls;
mod connect;
mod endings;
mod flow;
mod idle;
mod peer;
mod time;
mod unsolicited;
