//! Endless octets, fed to a conversation or to a bare client.

use pop3_proto::drive::{Acknowledge, Call, Conversation, Io, Retrieval, Step};
use pop3_proto::{Cause, Client, Command, Config, Error, Outcome, State, Violation};

pub(crate) const ONE: u32 = 1;
/// The most octets in a conversation's buffers: one inbox while the next one is filled from it, and the outbox.
pub(crate) const BUFFERS: usize = 3 * 64 * 1024;

/// Returns a client that waits for the answer to `command`, or for the greeting.
pub(crate) fn waiting(config: Config, command: Option<Command<'_>>) -> Client {
    let mut client = Client::new(config);
    let hear = |client: &mut Client| assert!(client.receive(&mut &b"+OK\r\n"[..]).unwrap().is_some());
    let Some(command) = command else { return client };
    hear(&mut client);
    if State::Transaction.after(command.kind(), Outcome::Ok).is_some() {
        for command in [Command::User("u"), Command::Pass("p")] {
            client.send(command, &mut Vec::new()).unwrap();
            hear(&mut client);
        }
    }
    client.send(command, &mut Vec::new()).unwrap();
    client
}

/// Returns a conversation in TRANSACTION, which keeps no log.
pub(crate) fn inside(config: Config) -> Conversation {
    let mut conversation = Conversation::new(config);
    let mut say = |space: &mut [u8]| {
        space[..5].copy_from_slice(b"+OK\r\n");
        5
    };
    feed(&mut conversation, 5, &mut say, Conversation::greet).unwrap();
    for command in [Command::User("u"), Command::Pass("p")] {
        let mut call = Call::new(Acknowledge(command));
        feed(&mut conversation, 5, &mut say, |conversation| conversation.step(&mut call)).unwrap();
    }
    conversation
}

/// Feeds the octets from `more`, at most `at_once` octets a read, until `step` is done or fails.
pub(crate) fn feed<T>(
    conversation: &mut Conversation,
    at_once: usize,
    mut more: impl FnMut(&mut [u8]) -> usize,
    mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>,
) -> Result<T, Error> {
    loop {
        match step(conversation)? {
            Step::Done(value) => return Ok(value),
            Step::NeedIo(Io::Look) => {
                conversation.looked();
                continue;
            }
            Step::NeedIo(Io::Transfer) => {}
        }
        conversation.written(usize::MAX);
        let spare = conversation.spare();
        let len = spare.len().min(at_once);
        let len = more(&mut spare[..len]);
        conversation.filled(len);
    }
}

/// `first`, then `pattern` for ever, or until `total` octets were given and then `last`.
pub(crate) struct Stream<'a> {
    pub(crate) first: &'a [u8],
    pub(crate) pattern: &'a [u8],
    pub(crate) last: &'a [u8],
    pub(crate) total: usize,
    pub(crate) given: usize,
}

impl<'a> Stream<'a> {
    pub(crate) fn endless(first: &'a [u8], pattern: &'a [u8]) -> Stream<'a> {
        Stream { first, pattern, last: b"", total: usize::MAX, given: 0 }
    }

    pub(crate) fn fill(&mut self, space: &mut [u8]) -> usize {
        assert!(self.given < 1 << 28, "this would go on for ever");
        let (pattern, patterned) = (self.pattern, self.total.saturating_sub(self.first.len()));
        let mut filled = 0;
        while filled < space.len() {
            let room = &mut space[filled..];
            let from = self.given;
            let piece = if from < self.first.len() {
                &self.first[from..]
            } else if from < self.total {
                let at = from - self.first.len();
                &pattern[at % pattern.len()..][..(pattern.len() - at % pattern.len()).min(patterned - at)]
            } else {
                self.last.get(from - self.total..).unwrap_or_default()
            };
            if piece.is_empty() {
                break;
            }
            let len = piece.len().min(room.len());
            room[..len].copy_from_slice(&piece[..len]);
            filled += len;
            self.given += len;
        }
        filled
    }
}

pub(crate) fn violation(error: &Error) -> Option<Violation> {
    if let Cause::Protocol(error) = error.cause() { Some(error.violation()) } else { None }
}

/// Reads a message as it comes, and counts its octets.
pub(crate) fn drain(retrieval: &mut Retrieval) -> impl FnMut(&mut Conversation) -> Result<Step<u64>, Error> + '_ {
    |conversation| {
        loop {
            match conversation.read(retrieval)? {
                Step::Done(true) => conversation.take_body(usize::MAX),
                Step::Done(false) => return Ok(Step::Done(retrieval.octets())),
                Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
            }
        }
    }
}
