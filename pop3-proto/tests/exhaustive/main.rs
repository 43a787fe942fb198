//! Proof that the split of the octets into reads makes no difference, for every string up to a length.
//!
//! `spec/proofs.md` describes the search and has its sizes. `POP3_EXHAUSTIVE=1` makes all strings longer by one symbol.

mod alphabets;
mod answers;
mod body;
mod commands;
mod engine;
mod heard;
mod receiving;
mod responses;
mod serving;
mod table;
