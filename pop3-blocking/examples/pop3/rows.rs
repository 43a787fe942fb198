//! The JSON objects of the commands that list. Their fields are a promise to scripts; the help text names them.

use pop3_blocking::OwnedUniqueId;
use pop3_blocking::pop3_proto::wire::{Capability, DropListing, ScanListing, Text};
use serde::Serialize;

/// A row of `stat`.
#[derive(Debug, Serialize)]
pub(crate) struct Stat {
    messages: u32,
    octets: u64,
}

/// A row of `list`.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    number: u32,
    octets: u64,
}

/// A row of `uidl`. Control characters of the unique-id are escaped.
#[derive(Debug, Serialize)]
pub(crate) struct Uidl {
    number: u32,
    unique_id: String,
}

/// A row of `capa`.
#[derive(Debug, Serialize)]
pub(crate) struct Capa {
    capability: String,
    arguments: Vec<String>,
}

/// The row of `last`.
#[derive(Debug, Serialize)]
pub(crate) struct Last {
    pub(crate) last: u32,
}

impl From<&DropListing> for Stat {
    fn from(drop: &DropListing) -> Stat {
        Stat { messages: drop.messages, octets: drop.octets }
    }
}

impl From<&ScanListing> for List {
    fn from(listing: &ScanListing) -> List {
        List { number: listing.number, octets: listing.octets }
    }
}

impl Uidl {
    pub(crate) fn new(number: u32, id: &OwnedUniqueId) -> Uidl {
        Uidl { number, unique_id: id.to_string() }
    }
}

impl From<Capability<'_>> for Capa {
    fn from(capability: Capability<'_>) -> Capa {
        let text = |octets| Text::new(octets).to_string();
        Capa { capability: text(capability.tag()), arguments: capability.params().map(text).collect() }
    }
}
