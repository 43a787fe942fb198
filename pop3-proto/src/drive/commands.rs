//! Typed commands: each is an [`Exchange`] with the value of its answer.

use crate::client::Event;
use crate::drive::exchange::{Exchange, ExchangeError, acknowledged, single};
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

impl<T> Collect<T> {
    const fn new() -> Collect<T> {
        Collect { items: Vec::new(), octets: 0 }
    }

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

/// LIST without an argument: returns all scan listings, in the server's order (RFC 1939, section 5).
#[derive(Clone, Debug)]
pub struct ListAll(Collect<ScanListing>);

impl ListAll {
    /// Creates the exchange.
    #[allow(clippy::new_without_default, reason = "an exchange is begun, not defaulted")]
    pub const fn new() -> ListAll {
        ListAll(Collect::new())
    }
}

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
#[derive(Clone, Debug)]
pub struct UidlAll(Collect<(u32, OwnedUniqueId)>);

impl UidlAll {
    /// Creates the exchange.
    #[allow(clippy::new_without_default, reason = "an exchange is begun, not defaulted")]
    pub const fn new() -> UidlAll {
        UidlAll(Collect::new())
    }
}

impl Exchange for UidlAll {
    type Value = Vec<(u32, OwnedUniqueId)>;

    fn command(&self) -> Command<'_> {
        Command::Uidl(None)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>> {
        self.0.event(event, |row| row.unique_id().map(|(number, id)| (number, id.into())))
    }
}

/// LANG with a language range: returns the tag of the language that the server uses from now on (RFC 6856, section
/// 3.1).
#[derive(Clone, Copy, Debug)]
pub struct Language<'a>(pub &'a str);

impl Exchange for Language<'_> {
    type Value = Box<[u8]>;

    fn command(&self) -> Command<'_> {
        Command::Lang(self.0)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Box<[u8]>, ExchangeError>> {
        single(event, |reply| Ok(reply.language().into()))
    }
}

/// CAPA, or another command whose answer is a listing: returns the lines as received, without blank lines.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    command: Command<'a>,
    lines: Collect<Box<[u8]>>,
}

impl<'a> Lines<'a> {
    /// Creates the exchange for a command whose answer is a listing: [`Command::Capa`], [`Command::LangList`] or a raw
    /// one.
    pub const fn new(command: Command<'a>) -> Lines<'a> {
        Lines { command, lines: Collect::new() }
    }
}

impl Exchange for Lines<'_> {
    type Value = Vec<Box<[u8]>>;

    fn command(&self) -> Command<'_> {
        self.command
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>> {
        self.lines.event(event, |row| Ok(row.as_bytes().into()))
    }
}
