//! Events that have outlived their octets, with all information that the crate gives about them.

use pop3_proto::wire::{Code, KnownCapability, Refusal, Reply, ResponseCode, Row, ScanListing};
use pop3_proto::{Event, Kind, Malformed};

/// The kind of a command, and its message number.
pub(crate) type Asked = (Kind, Option<u32>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Status(Status),
    Challenge(Vec<u8>),
    Row(Vec<u8>, Value),
    Body(Vec<u8>),
    End,
    StartTls,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) ok: bool,
    pub(crate) levels: Option<Vec<Vec<u8>>>,
    pub(crate) code: Option<Code>,
    pub(crate) text: Vec<u8>,
    pub(crate) timestamp: Option<Vec<u8>>,
    pub(crate) value: Value,
}

/// The value of a `+OK` line or a row, by the command that it answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Stat(Result<(u64, u64), Malformed>),
    Scan(Result<(u64, u64), Malformed>),
    Id(Result<(u64, Vec<u8>, bool), Malformed>),
    Last(Result<u32, Malformed>),
    Language(Vec<u8>, Vec<u8>),
    Capability { words: Vec<Vec<u8>>, expire: Option<(Option<u64>, bool)> },
}

impl Status {
    fn new(ok: bool, code: Option<ResponseCode<'_>>, text: &[u8]) -> Status {
        Status {
            ok,
            levels: code.map(|code| code.as_bytes().split(|&b| b == b'/').map(<[u8]>::to_vec).collect()),
            code: code.map(ResponseCode::code),
            text: text.to_vec(),
            timestamp: None,
            value: Value::None,
        }
    }

    fn refused(refusal: &Refusal<'_>) -> Status {
        Status::new(false, refusal.code(), refusal.text().as_bytes())
    }

    fn ok(reply: &Reply<'_>, asked: Option<Asked>) -> Status {
        let one = 1;
        let value = match asked {
            Some((Kind::Stat, _)) => Value::Stat(reply.stat().map(|drop| (drop.messages.into(), drop.octets))),
            Some((Kind::ListOne, number)) => Value::Scan(scan(reply.scan_listing(number.unwrap_or(one)))),
            Some((Kind::UidlOne, number)) => {
                let number = number.unwrap_or(one);
                let id = reply.unique_id(number);
                Value::Id(id.map(|id| (number.into(), id.as_bytes().to_vec(), id.is_conforming())))
            }
            Some((Kind::Last, _)) => Value::Last(reply.last()),
            Some((Kind::Lang, _)) => Value::Language(reply.language().to_vec(), vec![]),
            _ => Value::None,
        };
        Status { value, ..Status::new(true, reply.code(), reply.text().as_bytes()) }
    }
}

fn scan(listing: Result<ScanListing, Malformed>) -> Result<(u64, u64), Malformed> {
    listing.map(|listing| (listing.number.into(), listing.octets))
}

impl Value {
    fn of_row(row: &Row<'_>, kind: Option<Kind>) -> Value {
        match kind {
            // A blank row has no meaning, whatever the command.
            _ if row.is_blank() => Value::None,
            Some(Kind::ListAll) => Value::Scan(scan(row.scan_listing())),
            Some(Kind::UidlAll) => {
                let id = row.unique_id();
                Value::Id(id.map(|(number, id)| (number.into(), id.as_bytes().to_vec(), id.is_conforming())))
            }
            Some(Kind::LangList) => {
                let (tag, description) = row.language();
                Value::Language(tag.to_vec(), description.as_bytes().to_vec())
            }
            Some(Kind::Capa) => {
                let capability = row.capability();
                let words = [capability.tag()].into_iter().chain(capability.params());
                let expire = match capability.known() {
                    Some(KnownCapability::Expire { days, per_user }) => Some((days, per_user)),
                    _ => None,
                };
                Value::Capability { words: words.map(<[u8]>::to_vec).collect(), expire }
            }
            _ => Value::None,
        }
    }
}

impl Seen {
    pub(crate) fn of(event: &Event<'_>, asked: Option<Asked>) -> Seen {
        match event {
            Event::Greeting(greeting) => {
                let timestamp = greeting.timestamp().map(|timestamp| timestamp.as_bytes().to_vec());
                Seen::Status(Status { timestamp, ..Status::new(true, greeting.code(), greeting.text().as_bytes()) })
            }
            Event::NoService(refusal) | Event::Refused { refusal, .. } => Seen::Status(Status::refused(refusal)),
            Event::Ok { reply, .. } => Seen::Status(Status::ok(reply, asked)),
            Event::Challenge { challenge, .. } => match challenge {
                pop3_proto::wire::Payload::Base64(text) | pop3_proto::wire::Payload::Octets(text) => {
                    Seen::Challenge(text.to_vec())
                }
            },
            Event::Row { row, .. } => {
                Seen::Row(row.as_bytes().to_vec(), Value::of_row(row, asked.map(|(kind, _)| kind)))
            }
            Event::Body { bytes, .. } => Seen::Body(bytes.to_vec()),
            Event::End { .. } => Seen::End,
            Event::StartTls { .. } => Seen::StartTls,
        }
    }
}
