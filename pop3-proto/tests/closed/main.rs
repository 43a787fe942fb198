//! Closed searches of the protocol: every state that a client, a server, or both together can reach.
//!
//! `spec/proofs.md` describes the searches and has their sizes. The models are written from the RFCs, and share no code
//! with the crate.

mod client;
mod graph;
mod key;
mod model;
mod pair;
mod phase;
mod server;
mod server_model;
mod sizes;
mod units;
