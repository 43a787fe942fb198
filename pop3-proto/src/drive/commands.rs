//! Typed commands: each is an [`Exchange`] with the value of its answer.

use crate::client::Event;
use crate::drive::capabilities::Capabilities;
use crate::drive::exchange::{Exchange, ExchangeError, acknowledged, single};
use crate::drive::language::{Language, LanguageTag};
use crate::drive::listing::Listing;
use crate::drive::refusal::OwnedRefusal;
use crate::drive::unique_id::OwnedUniqueId;
use crate::wire::command::Command;
use crate::wire::listing::{DropListing, ScanListing};
use crate::wire::malformed::Malformed;
use crate::wire::reply::Row;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// The maximum size of a listing that an exchange stores, in octets: 64 MiB. A maildrop of a million messages needs
/// less.
const MAX_LISTING: usize = 64 << 20;

/// A command whose answer has no value beyond `+OK`: NOOP, RSET, DELE, QUIT, USER, PASS and so on.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledge<'a>(pub Command<'a>);

impl Exchange for Acknowledge<'_> {
    type Value = ();

    fn command(&self) -> Command<'_> {
        self.0
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
        acknowledged(event)
    }
}

/// STAT: returns the drop listing (RFC 1939, section 5).
#[derive(Clone, Copy, Debug)]
pub struct Stat;

impl Exchange for Stat {
    type Value = DropListing;

    fn command(&self) -> Command<'_> {
        Command::Stat
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<DropListing, ExchangeError>> {
        single(event, |reply| reply.stat())
    }
}

/// LAST: returns the highest message number accessed, 0 for none (RFC 1460).
#[derive(Clone, Copy, Debug)]
pub struct Last;

impl Exchange for Last {
    type Value = u32;

    fn command(&self) -> Command<'_> {
        Command::Last
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<u32, ExchangeError>> {
        single(event, |reply| reply.last())
    }
}

/// LIST with a message number: returns the scan listing of the message (RFC 1939, section 5).
#[derive(Clone, Copy, Debug)]
pub struct ListOne(pub u32);

impl Exchange for ListOne {
    type Value = ScanListing;

    fn command(&self) -> Command<'_> {
        Command::List(Some(self.0))
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<ScanListing, ExchangeError>> {
        single(event, |reply| reply.scan_listing(self.0))
    }
}

/// UIDL with a message number: returns the unique-id of the message (RFC 1939, section 7).
#[derive(Clone, Copy, Debug)]
pub struct UidlOne(pub u32);

impl Exchange for UidlOne {
    type Value = OwnedUniqueId;

    fn command(&self) -> Command<'_> {
        Command::Uidl(Some(self.0))
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<OwnedUniqueId, ExchangeError>> {
        single(event, |reply| reply.unique_id(self.0).map(OwnedUniqueId::from))
    }
}

/// The items of a listing, collected line by line.
#[derive(Clone, Debug)]
struct Collect<T> {
    items: Vec<T>,
    octets: usize,
}

impl<T> Default for Collect<T> {
    fn default() -> Collect<T> {
        Collect { items: Vec::new(), octets: 0 }
    }
}

impl<T> Collect<T> {
    fn event(
        &mut self,
        event: Event<'_>,
        item: impl FnOnce(Row<'_>) -> Result<T, Malformed>,
    ) -> ControlFlow<Result<Vec<T>, ExchangeError>> {
        match event {
            Event::Refused { refusal, .. } => {
                ControlFlow::Break(Err(ExchangeError::Refused(OwnedRefusal::new(refusal))))
            }
            Event::Row { row, .. } if row.is_blank() => ControlFlow::Continue(()),
            Event::Row { row, .. } => {
                self.octets += row.as_bytes().len() + size_of::<T>();
                let item = if self.octets > MAX_LISTING { Err(Malformed::ListingTooLong) } else { item(row) };
                match item {
                    Ok(item) => {
                        self.items.push(item);
                        ControlFlow::Continue(())
                    }
                    Err(malformed) => ControlFlow::Break(Err(ExchangeError::Malformed(malformed))),
                }
            }
            Event::End { .. } => ControlFlow::Break(Ok(core::mem::take(&mut self.items))),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Collect<Box<[u8]>> {
    /// Collects the lines as received.
    fn listing(&mut self, event: Event<'_>) -> ControlFlow<Result<Listing, ExchangeError>> {
        self.event(event, |row| Ok(row.as_bytes().into())).map_break(|lines| lines.map(Listing::new))
    }
}

/// LIST without an argument: returns all scan listings, in the server's order (RFC 1939, section 5).
#[derive(Clone, Debug, Default)]
pub struct ListAll(Collect<ScanListing>);

impl Exchange for ListAll {
    type Value = Vec<ScanListing>;

    fn command(&self) -> Command<'_> {
        Command::List(None)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>> {
        self.0.event(event, |row| row.scan_listing())
    }
}

/// UIDL without an argument: returns all unique-ids, in the server's order (RFC 1939, section 7).
///
/// A unique-id may be empty or occur twice: some servers send such listings.
#[derive(Clone, Debug, Default)]
pub struct UidlAll(Collect<(u32, OwnedUniqueId)>);

impl Exchange for UidlAll {
    type Value = Vec<(u32, OwnedUniqueId)>;

    fn command(&self) -> Command<'_> {
        Command::Uidl(None)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>> {
        self.0.event(event, |row| row.unique_id().map(|(number, id)| (number, id.into())))
    }
}

/// CAPA: returns the capabilities (RFC 2449, section 5).
#[derive(Clone, Debug, Default)]
pub struct Capa(Collect<Box<[u8]>>);

impl Exchange for Capa {
    type Value = Capabilities;

    fn command(&self) -> Command<'_> {
        Command::Capa
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Capabilities, ExchangeError>> {
        self.0.listing(event).map_break(|lines| lines.map(Capabilities::from))
    }
}

/// AUTH without an argument: returns the names of the mechanisms, on servers older than the SASL capability. No RFC
/// specifies it.
#[derive(Clone, Debug, Default)]
pub struct AuthList(Collect<Box<[u8]>>);

impl Exchange for AuthList {
    type Value = Listing;

    fn command(&self) -> Command<'_> {
        Command::AuthList
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Listing, ExchangeError>> {
        self.0.listing(event)
    }
}

/// LANG without an argument: returns the languages that the server supports (RFC 6856, section 3.1).
#[derive(Clone, Debug, Default)]
pub struct Languages(Collect<Language>);

impl Exchange for Languages {
    type Value = Vec<Language>;

    fn command(&self) -> Command<'_> {
        Command::LangList
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Vec<Language>, ExchangeError>> {
        self.0.event(event, |row| {
            let (tag, description) = row.language();
            Ok(Language::new(tag, description))
        })
    }
}

/// LANG with a language range: returns the tag of the language that the server uses from now on (RFC 6856, section
/// 3.1).
#[derive(Clone, Copy, Debug)]
pub struct SetLanguage<'a>(pub &'a str);

impl Exchange for SetLanguage<'_> {
    type Value = LanguageTag;

    fn command(&self) -> Command<'_> {
        Command::Lang(self.0)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<LanguageTag, ExchangeError>> {
        single(event, |reply| Ok(LanguageTag::new(reply.language())))
    }
}

/// A raw command with a multi-line answer: returns the lines. For a raw command with a single-line answer, use
/// [`Acknowledge`] with [`Command::Raw`].
#[derive(Clone, Debug)]
pub struct RawListing<'a> {
    line: &'a str,
    lines: Collect<Box<[u8]>>,
}

impl<'a> RawListing<'a> {
    /// Creates the exchange for a command line without its CRLF.
    pub fn new(line: &'a str) -> RawListing<'a> {
        RawListing { line, lines: Collect::default() }
    }
}

impl Exchange for RawListing<'_> {
    type Value = Listing;

    fn command(&self) -> Command<'_> {
        Command::RawListing(self.line)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Listing, ExchangeError>> {
        self.lines.listing(event)
    }
}
