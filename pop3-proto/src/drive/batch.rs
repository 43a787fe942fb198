//! Batches: one command for each of many messages, pipelined to avoid round trips.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::drive::commands::Acknowledge;
use crate::drive::conversation::{Asked, Call, Conversation, Io, Retrieval, Sent, Step};
use crate::wire::command::Command;
use crate::wire::listing::ScanListing;

/// The messages of a batch.
///
/// ```
/// use pop3_proto::drive::Selection;
/// use pop3_proto::wire::ScanListing;
///
/// let listings = [ScanListing { number: 1, octets: 120 }, ScanListing { number: 2, octets: 90_000_000 }];
/// let small = Selection::from_iter(listings.into_iter().filter(|listing| listing.octets < 50_000_000));
/// let newest_first = Selection::from_iter((1..=20).rev());
/// # let _ = (small, newest_first);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<Wanted>);

/// A message of a batch. There may be very many, so this is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    number: u32,
    /// The length of its command in octets, once it is in flight.
    len: u32,
    /// The size of the message, or 0 if it is unknown. A server may claim any size, so at most
    /// [`MAX_EXPECTED`](Wanted::MAX_EXPECTED) counts.
    octets: u64,
}

impl Wanted {
    /// Before the caller asks for it, a message is requested only if it and all others in flight have fewer octets
    /// together, as far as their sizes are known. This limits what must be discarded when a batch is abandoned.
    const MAX_EXPECTED: u64 = 32 << 20;

    fn new(number: u32, octets: u64) -> Wanted {
        Wanted { number, len: 0, octets: octets.min(Wanted::MAX_EXPECTED) }
    }
}

/// Selects messages by their scan listings. The sizes in the listings limit how much is requested before you ask for it:
/// less than 32 MiB.
impl FromIterator<ScanListing> for Selection {
    fn from_iter<I: IntoIterator<Item = ScanListing>>(listings: I) -> Selection {
        Selection(listings.into_iter().map(|listing| Wanted::new(listing.number, listing.octets)).collect())
    }
}

/// Selects messages by number, in any order. Their sizes are unknown, so if you abandon the batch, the messages in flight
/// are transferred and skipped whatever their sizes.
impl FromIterator<u32> for Selection {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Selection {
        Selection(numbers.into_iter().map(|number| Wanted::new(number, 0)).collect())
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

/// Commands in flight that were sent one immediately after the other, which is mostly all of them.
#[derive(Debug)]
struct Run {
    first: Sent,
    /// The command that would be sent next.
    end: Sent,
}

/// A batch of commands of one kind. For each message, [`next`](Self::next) returns an [`Item`] that contains a `T`: a
/// [`Retrieval`], or the [`Call`] of a deletion.
///
/// The window is the maximum number of octets of commands in flight, but one command is always sent. The batch refills
/// the window when half of it is free, so that one write carries many commands. Without pipelining, commands are sent
/// one at a time, but an adapter that calls [`Conversation::send_next`] requests the next message as soon as a message
/// has arrived, before you have read it. If you abandon the batch, the next call skips the messages that were requested.
///
/// If the server announces that it deletes retrieved messages (`EXPIRE 0`), or that it may do so for this user
/// (`EXPIRE 60 USER`), a batch sends each RETR only when you ask for the message: the server could otherwise delete
/// messages that you never saw.
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
    /// The number of lines, for a batch of TOP.
    lines: Option<u32>,
    /// Returns the command for a message.
    command: fn(Asked) -> Command<'static>,
    /// Creates the value that reads the answer to a command. The last argument is the message after it, if its command
    /// waits for this answer.
    reader: fn(Asked, Option<Sent>, Option<Asked>) -> T,
    wanted: Vec<Wanted>,
    /// The number of messages that were returned.
    returned: usize,
    /// The number of messages whose commands are or were in flight; those after the returned ones still are.
    requested: usize,
    in_flight: VecDeque<Run>,
    /// The octets of the commands in flight.
    octets: usize,
    /// The octets of the messages in flight, if their sizes are known.
    expected: u64,
    window: usize,
}

impl Batch<Retrieval> {
    /// Creates a batch of RETR, with a window of `window` octets.
    pub fn retrieve(selection: Selection, window: usize) -> Batch<Retrieval> {
        Batch::new(None, Asked::command, Retrieval::begun, selection, window)
    }

    /// Creates a batch of TOP with `lines` lines of each body, with a window of `window` octets.
    pub fn top(lines: u32, selection: Selection, window: usize) -> Batch<Retrieval> {
        Batch::new(Some(lines), Asked::command, Retrieval::begun, selection, window)
    }
}

impl Batch<Call<Acknowledge<'static>>> {
    /// Creates a batch of DELE, with a window of `window` octets.
    pub fn delete(numbers: impl IntoIterator<Item = u32>, window: usize) -> Batch<Call<Acknowledge<'static>>> {
        let command = |message: Asked| Command::Dele(message.number);
        let reader = |message: Asked, sent, _| Call::begun(Acknowledge(Command::Dele(message.number)), sent);
        Batch::new(None, command, reader, Selection::from_iter(numbers), window)
    }
}

impl<T> Batch<T> {
    fn new(
        lines: Option<u32>,
        command: fn(Asked) -> Command<'static>,
        reader: fn(Asked, Option<Sent>, Option<Asked>) -> T,
        selection: Selection,
        window: usize,
    ) -> Batch<T> {
        Batch {
            lines,
            command,
            reader,
            wanted: selection.0,
            returned: 0,
            requested: 0,
            in_flight: VecDeque::new(),
            octets: 0,
            expected: 0,
            window,
        }
    }

    fn asked(&self, number: u32) -> Asked {
        Asked { number, lines: self.lines }
    }

    /// Stops sending commands. The answers to commands in flight still arrive.
    ///
    /// Without pipelining, the next call skips a message that was requested ahead, and the item that you read now may
    /// still request one.
    pub fn stop(&mut self) {
        self.wanted.truncate(self.requested);
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
        let Some(&Wanted { number, len, octets }) = self.wanted.get(self.returned) else { return Step::Done(None) };
        self.returned += 1;
        let sent = self.next_in_flight();
        let mut next = None;
        if sent.is_some() {
            self.octets -= len as usize;
            self.expected -= octets;
        } else {
            self.requested = self.returned;
            let next_one = self.wanted.get(self.returned).filter(|next| next.octets < Wanted::MAX_EXPECTED);
            next = next_one.filter(|_| !conversation.pipelining()).map(|next| self.asked(next.number));
        }
        Step::Done(Some(Item { number, call: (self.reader)(self.asked(number), sent, next) }))
    }

    /// Takes the oldest command in flight.
    fn next_in_flight(&mut self) -> Option<Sent> {
        let Run { first, end } = self.in_flight.front_mut()?;
        let sent = *first;
        *first = sent.next();
        if first == end {
            self.in_flight.pop_front();
        }
        Some(sent)
    }

    /// Sends commands until the window is full. Returns the I/O that is due before the first one.
    fn fill(&mut self, conversation: &mut Conversation) -> Option<Io> {
        if self.octets > self.window / 2 {
            return None;
        }
        while let Some(&Wanted { number, octets, .. }) = self.wanted.get(self.requested) {
            let command = (self.command)(self.asked(number));
            let is_ahead = self.requested > self.returned;
            if is_ahead && (self.expected + octets >= Wanted::MAX_EXPECTED || conversation.removes(&command)) {
                break;
            }
            let before = conversation.pending().len();
            // A command larger than the window is sent alone, when its turn comes.
            let sent = match conversation.send_within(&command, self.window - self.octets) {
                Ok(Step::NeedIo(io)) => return Some(io),
                Ok(Step::Done(Some(sent))) => sent,
                Ok(Step::Done(None)) | Err(_) => break,
            };
            let len = conversation.pending().len() - before;
            self.wanted[self.requested].len = u32::try_from(len).unwrap_or(u32::MAX);
            self.requested += 1;
            self.octets += len;
            self.expected += octets;
            match self.in_flight.back_mut() {
                Some(run) if run.end == sent => run.end = sent.next(),
                _ => self.in_flight.push_back(Run { first: sent, end: sent.next() }),
            }
        }
        None
    }
}
