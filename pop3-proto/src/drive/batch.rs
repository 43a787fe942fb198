//! Batches: one command for each of many messages, pipelined to avoid round trips.

use alloc::collections::VecDeque;
use alloc::vec::{IntoIter, Vec};

use crate::drive::commands::Acknowledge;
use crate::drive::conversation::{Call, Conversation, Io, Retrieval, Sent, Step};
use crate::wire::command::Command;
use crate::wire::listing::ScanListing;

/// The messages of a batch.
///
/// ```
/// use pop3_proto::drive::Selection;
/// use pop3_proto::wire::ScanListing;
///
/// let listings = [ScanListing { number: 1, octets: 120 }, ScanListing { number: 2, octets: 90_000_000 }];
/// let small = Selection::listed(listings.into_iter().filter(|listing| listing.octets < 50_000_000));
/// let newest_first = Selection::numbered((1..=20).rev());
/// # let _ = (small, newest_first);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<(u32, u64)>);

impl Selection {
    /// Selects messages by their scan listings. The sizes in the listings limit how much is requested at once.
    pub fn listed(listings: impl IntoIterator<Item = ScanListing>) -> Selection {
        Selection(listings.into_iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    /// Selects messages by number, in any order.
    pub fn numbered(numbers: impl IntoIterator<Item = u32>) -> Selection {
        Selection(numbers.into_iter().map(|number| (number, 0)).collect())
    }
}

/// A message of a batch, with the [`Retrieval`] or the [`Call`] that reads its answer.
///
/// Reading the answer consumes it, because an answer can be read only once:
///
/// ```compile_fail,E0382
/// use pop3_proto::drive::{Item, Retrieval};
///
/// fn twice(item: Item<Retrieval>) {
///     let (one, other) = (item.call, item.call);
/// }
/// ```
#[derive(Debug)]
pub struct Item<T> {
    /// The message number.
    pub number: u32,
    /// The retrieval or the call, whose command may be in flight.
    pub call: T,
}

/// The command that a batch sends for each message.
#[derive(Clone, Copy, Debug)]
enum BatchCommand {
    Retrieve,
    Top { lines: u32 },
    Delete,
}

impl BatchCommand {
    const fn for_message(self, number: u32) -> Command<'static> {
        match self {
            BatchCommand::Retrieve => Command::Retr(number),
            BatchCommand::Top { lines } => Command::Top { number, lines },
            BatchCommand::Delete => Command::Dele(number),
        }
    }
}

/// A message whose command is in flight.
#[derive(Debug)]
struct InFlight {
    number: u32,
    /// The length of the command in octets.
    len: usize,
    /// The size of the message, or 0 if it is unknown.
    octets: u64,
    sent: Sent,
}

/// A batch of commands of one kind. For each message, [`next`](Self::next) returns an [`Item`] that contains a `T`: a
/// [`Retrieval`], or the [`Call`] of a deletion.
///
/// The window is the maximum number of octets of commands in flight, but one command is always sent. The batch refills
/// the window when half of it is free, so that one write carries many commands. Without pipelining, commands are sent
/// one at a time.
///
/// If writes to the transport block, the window must fit into the transport's send buffer; otherwise both sides may
/// wait for each other to read (RFC 2449, section 6.6).
///
/// ```
/// use pop3_proto::Error;
/// use pop3_proto::drive::{Batch, Conversation, Io, Step};
///
/// /// Marks messages as deleted, and returns the numbers of those that the server refused. QUIT commits the deletions.
/// fn delete(
///     conversation: &mut Conversation,
///     numbers: Vec<u32>,
///     mut transfer: impl FnMut(&mut Conversation, Io) -> Result<(), Error>,
/// ) -> Result<Vec<u32>, Error> {
///     let (mut batch, mut refused) = (Batch::delete(numbers, 4096), Vec::new());
///     loop {
///         let mut item = match batch.next(conversation) {
///             Step::NeedIo(io) => {
///                 transfer(conversation, io)?;
///                 continue;
///             }
///             Step::Done(Some(item)) => item,
///             Step::Done(None) => return Ok(refused),
///         };
///         loop {
///             match conversation.step(&mut item.call) {
///                 Ok(Step::NeedIo(io)) => transfer(conversation, io)?,
///                 Ok(Step::Done(())) => break,
///                 Err(error) if error.is_recoverable() => {
///                     refused.push(item.number);
///                     break;
///                 }
///                 Err(error) => return Err(error),
///             }
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Batch<T> {
    command: BatchCommand,
    /// Creates the value that reads the answer to a command.
    reader: fn(Command<'static>, Option<Sent>) -> T,
    wanted: IntoIter<(u32, u64)>,
    in_flight: VecDeque<InFlight>,
    /// The octets of the commands in flight.
    octets: usize,
    /// The octets of the messages in flight, if their sizes are known.
    expected: u64,
    window: usize,
}

impl Batch<Retrieval> {
    /// Creates a batch of RETR, with a window of `window` octets.
    pub fn retrieve(selection: Selection, window: usize) -> Batch<Retrieval> {
        Batch::new(BatchCommand::Retrieve, Retrieval::begun, selection, window)
    }

    /// Creates a batch of TOP with `lines` lines of each body, with a window of `window` octets.
    pub fn top(lines: u32, selection: Selection, window: usize) -> Batch<Retrieval> {
        Batch::new(BatchCommand::Top { lines }, Retrieval::begun, selection, window)
    }
}

impl Batch<Call<Acknowledge<'static>>> {
    /// Creates a batch of DELE, with a window of `window` octets.
    pub fn delete(numbers: impl IntoIterator<Item = u32>, window: usize) -> Batch<Call<Acknowledge<'static>>> {
        let reader = |command, sent| Call::begun(Acknowledge(command), sent);
        Batch::new(BatchCommand::Delete, reader, Selection::numbered(numbers), window)
    }
}

impl<T> Batch<T> {
    /// The maximum number of octets of messages requested at once, if their sizes are known. This limits what must be
    /// discarded when a batch is stopped.
    const MAX_EXPECTED: u64 = 32 << 20;

    fn new(
        command: BatchCommand,
        reader: fn(Command<'static>, Option<Sent>) -> T,
        selection: Selection,
        window: usize,
    ) -> Batch<T> {
        let (wanted, in_flight) = (selection.0.into_iter(), VecDeque::new());
        Batch { command, reader, wanted, in_flight, octets: 0, expected: 0, window }
    }

    fn item(&self, number: u32, sent: Option<Sent>) -> Item<T> {
        Item { number, call: (self.reader)(self.command.for_message(number), sent) }
    }

    /// Stops sending commands. The answers to commands in flight still arrive.
    pub fn stop(&mut self) {
        self.wanted = Vec::new().into_iter();
    }

    /// Returns the next message, or `None` at the end. Read its answer before you call this again: the next call skips
    /// what you have not read.
    ///
    /// Returns [`NeedIo`](Step::NeedIo) only with [`Io::Look`], never with [`Io::Transfer`].
    ///
    /// This never fails. If the session is over, each item returns the error when you read it, so a caller that
    /// continues after an error still reaches the end.
    pub fn next(&mut self, conversation: &mut Conversation) -> Step<Option<Item<T>>> {
        if conversation.pipelining() {
            if let Some(io) = self.fill(conversation) {
                return Step::NeedIo(io);
            }
        }
        if let Some(InFlight { number, len, octets, sent }) = self.in_flight.pop_front() {
            self.octets -= len;
            self.expected -= octets;
            return Step::Done(Some(self.item(number, Some(sent))));
        }
        let wanted = self.wanted.next();
        Step::Done(wanted.map(|(number, _)| self.item(number, None)))
    }

    /// Sends commands until the window is full. Returns the I/O that is due before the first one.
    fn fill(&mut self, conversation: &mut Conversation) -> Option<Io> {
        if self.octets > self.window / 2 {
            return None;
        }
        while self.in_flight.len() < 2 || self.expected < Self::MAX_EXPECTED {
            let Some(&(number, octets)) = self.wanted.as_slice().first() else { break };
            let command = self.command.for_message(number);
            // A command larger than the window is sent alone, when its turn comes.
            let len = command.encoded_len();
            if len > self.window - self.octets {
                break;
            }
            let sent = match conversation.send(&command) {
                Ok(Step::NeedIo(io)) => return Some(io),
                Ok(Step::Done(Some(sent))) => sent,
                Ok(Step::Done(None)) | Err(_) => break,
            };
            self.wanted.next();
            // A server may claim any size: count at most the limit.
            let octets = octets.min(Self::MAX_EXPECTED);
            self.octets += len;
            self.expected += octets;
            self.in_flight.push_back(InFlight { number, len, octets, sent });
        }
        None
    }
}
