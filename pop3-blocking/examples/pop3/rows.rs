//! The JSON objects of the commands that list. Their fields are a promise to scripts; the help text names them.

use pop3_blocking::OwnedUniqueId;
use pop3_blocking::pop3_proto::message::MessageRef;
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

/// A row of `headers`.
#[derive(Debug, Serialize)]
pub(crate) struct Header {
    number: u32,
    fields: Vec<Field>,
}

/// A header field, unfolded but not decoded. Octets that are not UTF-8 are replaced.
#[derive(Debug, Serialize)]
struct Field {
    name: String,
    value: String,
}

/// A row of `dele`.
#[derive(Debug, Serialize)]
pub(crate) struct Dele {
    pub(crate) number: u32,
    pub(crate) deleted: bool,
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

impl Header {
    pub(crate) fn new(number: u32, header: MessageRef<'_>) -> Header {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let fields = header.fields().map(|field| Field { name: text(field.name()), value: text(&field.body()) });
        Header { number, fields: fields.collect() }
    }
}

impl From<Capability<'_>> for Capa {
    fn from(capability: Capability<'_>) -> Capa {
        let text = |octets| Text::new(octets).to_string();
        Capa { capability: text(capability.tag()), arguments: capability.params().map(text).collect() }
    }
}
