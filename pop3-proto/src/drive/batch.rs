//! Many messages, one command each, kept in flight so that no round trip is waited for.

use alloc::collections::VecDeque;
use alloc::vec::{IntoIter, Vec};
use core::num::NonZeroU32;

use crate::drive::commands::Acknowledge;
use crate::drive::conversation::{Call, Conversation, Io, Retrieval, Sent, Step};
use crate::wire::command::Command;
use crate::wire::listing::ScanListing;

/// What to do with each message of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchCommand {
    /// RETR: the whole message.
    Retrieve,
    /// TOP: the header and so many lines of the body.
    Top(u32),
    /// DELE: mark it as deleted.
    Delete,
}

impl BatchCommand {
    const fn command(self, number: NonZeroU32) -> Command<'static> {
        match self {
            BatchCommand::Retrieve => Command::Retr(number),
            BatchCommand::Top(lines) => Command::Top { number, lines },
            BatchCommand::Delete => Command::Dele(number),
        }
    }
}

/// Which messages a batch concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<(NonZeroU32, u64)>);

impl Selection {
    /// Scan listings, whose sizes bound how much is asked for at once.
    pub fn listed(listings: impl IntoIterator<Item = ScanListing>) -> Selection {
        Selection(listings.into_iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    /// Message numbers, in any order.
    pub fn numbered(numbers: impl IntoIterator<Item = NonZeroU32>) -> Selection {
        Selection(numbers.into_iter().map(|number| (number, 0)).collect())
    }
}

/// One message of a batch whose command may be in flight.
///
/// It is consumed by what reads its answer, because an answer is read once:
///
/// ```compile_fail,E0382
/// fn twice(item: pop3_proto::drive::Item) {
///     let (one, other) = (item.retrieval(), item.retrieval());
/// }
/// ```
#[derive(Debug)]
pub struct Item {
    /// The message.
    pub number: NonZeroU32,
    command: Command<'static>,
    sent: Option<Sent>,
}

impl Item {
    /// The answer to RETR or TOP, to be read.
    pub fn retrieval(self) -> Retrieval {
        Retrieval::begun(self.command, self.sent)
    }

    /// The answer to DELE, to be awaited.
    pub fn call(self) -> Call<Acknowledge<'static>> {
        Call::begun(Acknowledge(self.command), self.sent)
    }
}

/// A batch of commands of one kind.
///
/// The window is a number of octets of commands in flight. It is filled when half of it is free, so that one write carries
/// many commands. Without pipelining, commands go one by one.
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Batch {
    each: BatchCommand,
    wanted: IntoIter<(NonZeroU32, u64)>,
    in_flight: VecDeque<(Item, u64)>,
    /// Octets of the commands in flight.
    octets: usize,
    /// Octets of the messages in flight, where their sizes are known.
    expected: u64,
    window: usize,
}

impl Batch {
    /// The octets of messages that are asked for at once, if their sizes are known: more would only be more to throw away
    /// when a batch is stopped.
    const MAX_EXPECTED: u64 = 32 << 20;

    /// A batch that keeps up to `window` octets of commands in flight, and one command in any case.
    ///
    /// A transport whose writes block needs a window that fits into what it buffers towards the server; else both sides
    /// may wait for each other to read (RFC 2449, section 6.6).
    pub fn new(each: BatchCommand, selection: Selection, window: usize) -> Batch {
        let (wanted, in_flight) = (selection.0.into_iter(), VecDeque::new());
        Batch { each, wanted, in_flight, octets: 0, expected: 0, window }
    }

    /// Asks for nothing more. What is in flight is still to come.
    pub fn stop(&mut self) {
        self.wanted = Vec::new().into_iter();
    }

    /// Returns the next message, or `None` at the end. Read its answer before the next call: what is left of it then is
    /// skipped.
    ///
    /// The only I/O that it needs is a [look](Io::Look).
    ///
    /// When the session is over, that is for the items to say, each when it is read: so a caller who goes on after an
    /// error comes to the end all the same.
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

    /// Sends commands as the window permits. Returns the I/O that is due before the first one.
    fn fill(&mut self, conversation: &mut Conversation) -> Option<Io> {
        if self.octets > self.window / 2 {
            return None;
        }
        while self.in_flight.len() < 2 || self.expected < Self::MAX_EXPECTED {
            let Some(&(number, octets)) = self.wanted.as_slice().first() else { break };
            let command = self.each.command(number);
            // One larger than the window goes by itself, when its turn has come.
            if command.encoded_len() > self.window - self.octets {
                break;
            }
            let sent = match conversation.send(&command) {
                Ok(Step::NeedIo(io)) => return Some(io),
                Ok(Step::Done(Some(sent))) => sent,
                Ok(Step::Done(None)) | Err(_) => break,
            };
            self.wanted.next();
            // A server may claim any size; one that is beyond the bound counts as the bound.
            let octets = octets.min(Self::MAX_EXPECTED);
            self.octets += command.encoded_len();
            self.expected += octets;
            self.in_flight.push_back((Item { number, command, sent: Some(sent) }, octets));
        }
        None
    }
}
