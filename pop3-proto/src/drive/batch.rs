//! Batches: one command for each of many messages, pipelined to avoid round trips.

use alloc::collections::VecDeque;
use alloc::vec::{IntoIter, Vec};

use crate::drive::commands::Acknowledge;
use crate::drive::conversation::{Call, Conversation, Io, Retrieval, Sent, Step};
use crate::wire::command::Command;
use crate::wire::listing::ScanListing;

/// The command that a batch sends for each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchCommand {
    /// RETR: retrieves the whole message.
    Retrieve,
    /// TOP: retrieves the header and this number of lines of the body.
    Top(u32),
    /// DELE: marks the message as deleted.
    Delete,
}

impl BatchCommand {
    const fn command(self, number: u32) -> Command<'static> {
        match self {
            BatchCommand::Retrieve => Command::Retr(number),
            BatchCommand::Top(lines) => Command::Top { number, lines },
            BatchCommand::Delete => Command::Dele(number),
        }
    }
}

/// The messages of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<(u32, u64)>);

impl Selection {
    /// Selects messages by scan listing. Their sizes limit how much is requested at once.
    pub fn listed(listings: impl IntoIterator<Item = ScanListing>) -> Selection {
        Selection(listings.into_iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    /// Selects messages by number, in any order.
    pub fn numbered(numbers: impl IntoIterator<Item = u32>) -> Selection {
        Selection(numbers.into_iter().map(|number| (number, 0)).collect())
    }
}

/// A message of a batch, whose command may be in flight.
///
/// Reading its answer consumes it, because an answer can be read only once:
///
/// ```compile_fail,E0382
/// fn twice(item: pop3_proto::drive::Item) {
///     let (one, other) = (item.retrieval(), item.retrieval());
/// }
/// ```
#[derive(Debug)]
pub struct Item {
    /// The message number.
    pub number: u32,
    command: Command<'static>,
    sent: Option<Sent>,
}

impl Item {
    /// Returns the retrieval that reads the answer to RETR or TOP.
    pub fn retrieval(self) -> Retrieval {
        Retrieval::begun(self.command, self.sent)
    }

    /// Returns the call that awaits the answer to DELE.
    pub fn call(self) -> Call<Acknowledge<'static>> {
        Call::begun(Acknowledge(self.command), self.sent)
    }
}

/// A batch of commands of one kind.
///
/// The window is the maximum number of octets of commands in flight. The batch refills it when half of it is free, so
/// that one write carries many commands. Without pipelining, commands are sent one at a time.
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Batch {
    each: BatchCommand,
    wanted: IntoIter<(u32, u64)>,
    in_flight: VecDeque<(Item, u64)>,
    /// The octets of the commands in flight.
    octets: usize,
    /// The octets of the messages in flight, if their sizes are known.
    expected: u64,
    window: usize,
}

impl Batch {
    /// The maximum number of octets of messages requested at once, if their sizes are known. This limits what must be
    /// discarded when a batch is stopped.
    const MAX_EXPECTED: u64 = 32 << 20;

    /// Creates a batch that keeps up to `window` octets of commands in flight, and always at least one command.
    ///
    /// If writes to the transport block, the window must fit into the transport's send buffer; otherwise both sides may
    /// wait for each other to read (RFC 2449, section 6.6).
    pub fn new(each: BatchCommand, selection: Selection, window: usize) -> Batch {
        let (wanted, in_flight) = (selection.0.into_iter(), VecDeque::new());
        Batch { each, wanted, in_flight, octets: 0, expected: 0, window }
    }

    /// Sends no more commands. The answers to those in flight still arrive.
    pub fn stop(&mut self) {
        self.wanted = Vec::new().into_iter();
    }

    /// Returns the next message, or `None` at the end. Read its answer before the next call, which skips the rest of
    /// it.
    ///
    /// Returns [`NeedIo`](Step::NeedIo) only with [`Io::Look`], never with [`Io::Transfer`].
    ///
    /// This never fails. If the session is over, each item returns the error when you read it, so a caller that
    /// continues after an error still reaches the end.
    pub fn next(&mut self, conversation: &mut Conversation) -> Step<Option<Item>> {
        if conversation.pipelining() {
            if let Some(io) = self.fill(conversation) {
                return Step::NeedIo(io);
            }
        }
        if let Some((item, octets)) = self.in_flight.pop_front() {
            self.octets -= item.command.encoded_len();
            self.expected -= octets;
            return Step::Done(Some(item));
        }
        let item = self.wanted.next();
        Step::Done(item.map(|(number, _)| Item { number, command: self.each.command(number), sent: None }))
    }

    /// Sends commands until the window is full. Returns the I/O that is due before the first one.
    fn fill(&mut self, conversation: &mut Conversation) -> Option<Io> {
        if self.octets > self.window / 2 {
            return None;
        }
        while self.in_flight.len() < 2 || self.expected < Self::MAX_EXPECTED {
            let Some(&(number, octets)) = self.wanted.as_slice().first() else { break };
            let command = self.each.command(number);
            // A command larger than the window is sent alone, when its turn comes.
            if command.encoded_len() > self.window - self.octets {
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
            self.octets += command.encoded_len();
            self.expected += octets;
            self.in_flight.push_back((Item { number, command, sent: Some(sent) }, octets));
        }
        None
    }
}
