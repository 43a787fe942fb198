//! Typed commands: one exchange is one command and the value that its answer becomes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::ControlFlow;

use crate::capability::{Capability, Known};
use crate::client::Event;
use crate::command::Command;
use crate::error::Malformed;
use crate::failure::Refused;
use crate::reply::{Challenge, DropListing, Reply, Row, ScanListing, UniqueId};
use crate::sasl::Response;

/// The octets of a listing that an exchange keeps at most: 64 MiB. A maildrop of a million messages needs less.
const MAX_LISTING: usize = 64 << 20;

/// Why an exchange has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server said no. The session goes on.
    Refused(Refused),
    /// The server's answer makes no sense. The session goes on.
    Malformed(Malformed),
    /// The server said `+OK` before the mechanism was complete: it did not prove what it had to prove, or did not let us
    /// (RFC 4422, section 3.4). The session is over.
    Unproved,
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Failure {
        Failure::Malformed(malformed)
    }
}

/// One command and what its answer becomes: events in, nothing borrowed out. Messages are not exchanges: they stream.
pub trait Exchange {
    /// What the answer becomes.
    type Value;

    /// The command to send.
    fn command(&self) -> Command<'_>;

    /// Takes an event of the answer: its status, its rows, its end. `Break` is the result; what is left of the answer
    /// is skipped.
    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, Failure>>;

    /// The line that answers a challenge of AUTH. Cancels unless overridden.
    fn respond(&mut self, challenge: Challenge<'_>) -> Response<'_> {
        let _ = challenge;
        Response::Cancel
    }
}

/// Does what all single-line answers have in common.
fn single<T>(
    event: Event<'_>,
    value: impl FnOnce(Reply<'_>) -> Result<T, Malformed>,
) -> ControlFlow<Result<T, Failure>> {
    match event {
        Event::Ok { reply, .. } => ControlFlow::Break(value(reply).map_err(Failure::Malformed)),
        Event::Refused { refusal, .. } => ControlFlow::Break(Err(Failure::Refused(Refused::new(refusal)))),
        _ => ControlFlow::Continue(()),
    }
}

/// Does what all answers have in common whose `+OK` says all.
pub(crate) fn acknowledged(event: Event<'_>) -> ControlFlow<Result<(), Failure>> {
    match event {
        // The answer to STLS is an event of its own.
        Event::StartTls { .. } => ControlFlow::Break(Ok(())),
        _ => single(event, |_| Ok(())),
    }
}

/// A command whose `+OK` says all: NOOP, RSET, DELE, QUIT, USER, PASS and so on.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledge<'a>(pub Command<'a>);

impl Exchange for Acknowledge<'_> {
    type Value = ();

    fn command(&self) -> Command<'_> {
        self.0
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<(), Failure>> {
        acknowledged(event)
    }
}

/// STAT: the drop listing (RFC 1939, section 5).
#[derive(Clone, Copy, Debug)]
pub struct Stat;

impl Exchange for Stat {
    type Value = DropListing;

    fn command(&self) -> Command<'_> {
        Command::Stat
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<DropListing, Failure>> {
        single(event, |reply| reply.stat())
    }
}

/// LAST: the highest message number accessed, 0 for none (RFC 1460).
#[derive(Clone, Copy, Debug)]
pub struct Last;

impl Exchange for Last {
    type Value = u32;

    fn command(&self) -> Command<'_> {
        Command::Last
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<u32, Failure>> {
        single(event, |reply| reply.last())
    }
}

/// LIST with a message number (RFC 1939, section 5).
#[derive(Clone, Copy, Debug)]
pub struct ListOne(pub NonZeroU32);

impl Exchange for ListOne {
    type Value = ScanListing;

    fn command(&self) -> Command<'_> {
        Command::List(Some(self.0))
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<ScanListing, Failure>> {
        single(event, |reply| reply.scan_listing(self.0))
    }
}

/// UIDL with a message number (RFC 1939, section 7).
#[derive(Clone, Copy, Debug)]
pub struct UidlOne(pub NonZeroU32);

impl Exchange for UidlOne {
    type Value = OwnedUniqueId;

    fn command(&self) -> Command<'_> {
        Command::Uidl(Some(self.0))
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<OwnedUniqueId, Failure>> {
        single(event, |reply| reply.unique_id(self.0).map(OwnedUniqueId::from))
    }
}

/// A [`UniqueId`] to keep.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedUniqueId(Box<[u8]>);

impl OwnedUniqueId {
    /// The id, borrowed.
    pub const fn as_unique_id(&self) -> UniqueId<'_> {
        UniqueId::new(&self.0)
    }

    /// The octets of the id, 0 or more.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<UniqueId<'_>> for OwnedUniqueId {
    fn from(id: UniqueId<'_>) -> OwnedUniqueId {
        OwnedUniqueId(id.as_bytes().into())
    }
}

impl core::fmt::Debug for OwnedUniqueId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_unique_id().fmt(f)
    }
}

/// A command whose answer is a listing, collected line by line.
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
    ) -> ControlFlow<Result<Vec<T>, Failure>> {
        match event {
            Event::Refused { refusal, .. } => ControlFlow::Break(Err(Failure::Refused(Refused::new(refusal)))),
            Event::Row { row, .. } if row.is_blank() => ControlFlow::Continue(()),
            Event::Row { row, .. } => {
                self.octets += row.as_bytes().len() + size_of::<T>();
                let item = if self.octets > MAX_LISTING { Err(Malformed::ListingTooLong) } else { item(row) };
                match item {
                    Ok(item) => {
                        self.items.push(item);
                        ControlFlow::Continue(())
                    }
                    Err(malformed) => ControlFlow::Break(Err(Failure::Malformed(malformed))),
                }
            }
            Event::End { .. } => ControlFlow::Break(Ok(core::mem::take(&mut self.items))),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// LIST without argument: all scan listings, in the server's order (RFC 1939, section 5).
#[derive(Clone, Debug)]
pub struct ListAll(Collect<ScanListing>);

impl ListAll {
    /// The command.
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

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, Failure>> {
        self.0.event(event, |row| row.scan_listing())
    }
}

/// UIDL without argument: all unique-ids, in the server's order (RFC 1939, section 7).
///
/// Ids may be empty or stand twice: servers do that.
#[derive(Clone, Debug)]
pub struct UidlAll(Collect<(NonZeroU32, OwnedUniqueId)>);

impl UidlAll {
    /// The command.
    #[allow(clippy::new_without_default, reason = "an exchange is begun, not defaulted")]
    pub const fn new() -> UidlAll {
        UidlAll(Collect::new())
    }
}

impl Exchange for UidlAll {
    type Value = Vec<(NonZeroU32, OwnedUniqueId)>;

    fn command(&self) -> Command<'_> {
        Command::Uidl(None)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, Failure>> {
        self.0.event(event, |row| row.unique_id().map(|(number, id)| (number, id.into())))
    }
}

/// LANG with a language range: the tag of the language that the server speaks from now on (RFC 6856, section 3.1).
#[derive(Clone, Copy, Debug)]
pub struct Language<'a>(pub &'a str);

impl Exchange for Language<'_> {
    type Value = Box<[u8]>;

    fn command(&self) -> Command<'_> {
        Command::Lang(self.0)
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Box<[u8]>, Failure>> {
        single(event, |reply| Ok(reply.language().into()))
    }
}

/// CAPA, and any other command whose answer is lines: the lines as they came, without the blank ones.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    command: Command<'a>,
    lines: Collect<Box<[u8]>>,
}

impl<'a> Lines<'a> {
    /// `command` must be one whose answer is a listing: [`Command::Capa`], [`Command::LangList`] or a raw one.
    pub const fn new(command: Command<'a>) -> Lines<'a> {
        Lines { command, lines: Collect::new() }
    }
}

impl Exchange for Lines<'_> {
    type Value = Vec<Box<[u8]>>;

    fn command(&self) -> Command<'_> {
        self.command
    }

    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, Failure>> {
        self.lines.event(event, |row| Ok(row.as_bytes().into()))
    }
}

/// What a server announced, in the order in which it did (RFC 2449, section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<Box<[u8]>>,
    /// Asked for with every command, and the lines may be many.
    pipelining: bool,
}

impl Capabilities {
    /// Takes the answer to CAPA.
    pub fn new(lines: Vec<Box<[u8]>>) -> Capabilities {
        let mut capabilities = Capabilities { lines, pipelining: false };
        capabilities.pipelining = capabilities.any(|known| known == Known::Pipelining);
        capabilities
    }

    /// Every capability, the unknown ones too.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'_>> {
        self.lines.iter().map(|line| Capability::new(line))
    }

    /// Whether a capability is announced that `wanted` accepts.
    pub fn any(&self, wanted: impl Fn(Known<'_>) -> bool) -> bool {
        self.iter().filter_map(Capability::known).any(wanted)
    }

    /// Whether commands may be sent before earlier ones are answered (RFC 2449, section 6.6).
    pub const fn pipelining(&self) -> bool {
        self.pipelining
    }

    /// The SASL mechanisms announced (RFC 5034), as they came.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(|capability| capability.known() == Some(Known::Sasl)).flat_map(Capability::params)
    }
}
