//! The command `index`: date, sender and subject of messages, decoded.

use std::io::BufRead;

use jiff::Timestamp;
use mail_parser::{HeaderName, MessageParser};
use pop3_blocking::pop3_proto::wire::ScanListing;
use pop3_blocking::{MessageReader, Session, Tcp};
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::messages::Refusals;
use crate::output::Output;
use crate::table::Table;

/// The number of octets of a header that are read. A longer one is shown by what they contain.
const LONGEST: usize = 256 * 1024;

/// A row of `index`. `None` stands for a field that is missing or cannot be understood.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    pub(crate) octets: u64,
    #[serde(serialize_with = "seconds")]
    pub(crate) date: Option<Timestamp>,
    #[serde(rename = "from_name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "from_address")]
    pub(crate) address: Option<String>,
    pub(crate) subject: Option<String>,
}

/// Writes the entries of these messages.
pub(crate) fn write(session: &mut Session<Tcp>, listings: &[ScanListing], out: &mut Output) -> Result<(), Failure> {
    let table = Table::new(listings);
    if let Some(heading) = table.heading().filter(|_| !out.is_json() && !listings.is_empty()) {
        out.text(heading)?;
    }
    let parser = MessageParser::new()
        .header_date(HeaderName::Date)
        .header_address(HeaderName::From)
        .header_text(HeaderName::Subject)
        .default_header_ignore();
    let mut refusals = Refusals::new(listings.len());
    let mut headers = session.top_many(listings.iter().map(|listing| listing.number), 0);
    for listing in listings {
        let header = match headers.next() {
            Ok(Some(message)) => beginning(message)?,
            Ok(None) => break,
            Err(error) => {
                refusals.add(error)?;
                Vec::new()
            }
        };
        let entry = Entry::new(listing.number, listing.octets, &header, &parser);
        out.row(&entry, table.line(&entry))?;
    }
    refusals.end()
}

/// Returns the beginning of a header. The rest is skipped.
fn beginning(mut message: MessageReader<'_, Tcp>) -> Result<Vec<u8>, Failure> {
    let mut header = Vec::new();
    while header.len() < LONGEST {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            break;
        }
        let taken = run.len().min(LONGEST - header.len());
        header.extend(&run[..taken]);
        message.consume(taken);
    }
    Ok(header)
}

impl Entry {
    fn new(number: u32, octets: u64, header: &[u8], parser: &MessageParser) -> Entry {
        let mut entry = Entry { number, octets, date: None, name: None, address: None, subject: None };
        if let Some(message) = parser.parse_headers(header) {
            let date = message.date().filter(|date| date.is_valid());
            entry.date = date.and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
            let sender = message.from().and_then(|from| from.iter().next());
            entry.name = sender.and_then(|sender| sender.name()).map(str::to_owned);
            entry.address = sender.and_then(|sender| sender.address()).map(str::to_owned);
            entry.subject = message.subject().map(str::to_owned);
        }
        entry
    }

    /// Returns the name of the sender, or else the address.
    pub(crate) fn sender(&self) -> &str {
        let name = self.name.as_deref().filter(|name| !name.trim().is_empty());
        name.or(self.address.as_deref()).unwrap_or_default()
    }
}

/// Writes a date as in RFC 3339, in UTC.
#[allow(clippy::ref_option, reason = "as serde calls it")]
fn seconds<S: Serializer>(date: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    date.map(|date| date.to_string()).serialize(serializer)
}
