//! Messages on their way.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::client::{Event, Ticket};
use crate::drive::conversation::{Conversation, Io, Sent, Step};
use crate::drive::error::{Cause, Error};
use crate::drive::refusal::OwnedRefusal;
use crate::wire::command::Command;
use crate::wire::malformed::Malformed;

/// A message on its way (RETR or TOP). It may be dropped at any time: what it left is skipped.
///
/// It goes on in the conversation where it began. In any other one it fails with
/// [`UsageError::Skipped`](crate::UsageError::Skipped).
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Retrieval {
    command: Command<'static>,
    sent: Option<Sent>,
    octets: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Awaited,
    Open,
    Complete,
}

impl Retrieval {
    /// A retrieval that has not begun. `command` must be [`Command::Retr`] or [`Command::Top`].
    pub const fn new(command: Command<'static>) -> Retrieval {
        Retrieval { command, sent: None, octets: 0, stage: Stage::Awaited }
    }

    pub(crate) const fn begun(command: Command<'static>, sent: Option<Sent>) -> Retrieval {
        Retrieval { command, sent, octets: 0, stage: Stage::Awaited }
    }

    /// Whether the command is on its way.
    pub const fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    fn ticket(&self) -> Option<Ticket> {
        self.sent.map(|sent| sent.ticket)
    }

    /// The octets received so far, without byte-stuffing.
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Whether the terminator has come: the message is whole.
    pub const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete)
    }

    /// The command, as a log would show it.
    pub fn operation(&self) -> String {
        self.command.to_string()
    }
}

impl Conversation {
    /// Waits until the message begins: until its `+OK`.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Cause::Refused`] if there is no such message.
    pub fn open(&mut self, retrieval: &mut Retrieval) -> Result<Step<()>, Error> {
        while retrieval.stage == Stage::Awaited {
            if retrieval.sent.is_none() {
                match self.send(&retrieval.command)? {
                    Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                    Step::Done(sent) => retrieval.sent = sent,
                }
            }
            self.expect_owed_to(retrieval)?;
            let event = self.next_event().map_err(|error| Error::protocol(retrieval.operation(), error))?;
            match event {
                None => {
                    if let Some(io) = self.next_io(retrieval.ticket()) {
                        return Ok(Step::NeedIo(io));
                    }
                }
                Some(Event::Ok { to, .. }) if Some(to) == retrieval.ticket() => retrieval.stage = Stage::Open,
                Some(Event::Refused { to, refusal }) if Some(to) == retrieval.ticket() => {
                    let refused = OwnedRefusal::new(refusal);
                    self.settle();
                    return Err(Error::new(retrieval.operation(), Cause::Refused(refused)));
                }
                Some(Event::Challenge { to, .. }) => {
                    self.skip(Some(to));
                    self.cancel();
                }
                Some(event) => {
                    let to = event.to();
                    self.skip(to);
                }
            }
        }
        Ok(Step::Done(()))
    }

    /// Waits until [`body`](Self::body) has octets of the message: `true`, or until the message is complete: `false`.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]. What was read before an error is a part of the message, never the whole.
    pub fn read(&mut self, retrieval: &mut Retrieval) -> Result<Step<bool>, Error> {
        if retrieval.stage == Stage::Open && !self.body.is_empty() && self.body_of == retrieval.sent {
            return Ok(Step::Done(true));
        }
        if let Step::NeedIo(io) = self.open(retrieval)? {
            return Ok(Step::NeedIo(io));
        }
        if retrieval.stage == Stage::Complete {
            return Ok(Step::Done(false));
        }
        self.expect_owed_to(retrieval)?;
        match self.next_event().map_err(|error| Error::protocol(retrieval.operation(), error))? {
            None => Ok(Step::NeedIo(Io::Transfer)),
            Some(Event::Body { bytes, .. }) => {
                let octets = bytes.len();
                retrieval.octets += octets as u64;
                (self.body, self.body_of) = (self.inbox.last(octets), retrieval.sent);
                Ok(Step::Done(true))
            }
            // It is open and owed, so this is its end.
            Some(_) => {
                retrieval.stage = Stage::Complete;
                self.settle();
                Ok(Step::Done(false))
            }
        }
    }

    /// Appends to `octets` what is left of the message, until it is complete: at most 256 MiB, however much a server sends.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Malformed::MessageTooLong`] if there is more, and then the rest is skipped by the next call.
    pub fn collect(&mut self, retrieval: &mut Retrieval, octets: &mut Vec<u8>) -> Result<Step<()>, Error> {
        const LIMIT: usize = 256 << 20;
        loop {
            match self.read(retrieval)? {
                Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                Step::Done(false) => return Ok(Step::Done(())),
                Step::Done(true) => {
                    if octets.len() + self.body().len() > LIMIT {
                        self.skip(retrieval.ticket());
                        let malformed = Malformed::MessageTooLong { limit: LIMIT as u64 };
                        return Err(Error::new(retrieval.operation(), Cause::Malformed(malformed)));
                    }
                    octets.extend_from_slice(self.body());
                    self.take_body(usize::MAX);
                }
            }
        }
    }

    /// The octets of the message that the last [`read`](Self::read) made available and nobody has taken yet.
    pub fn body(&self) -> &[u8] {
        self.inbox.get(self.body.clone())
    }

    /// Takes the first `octets` of [`body`](Self::body).
    pub fn take_body(&mut self, octets: usize) {
        self.body.start = self.body.start.saturating_add(octets).min(self.body.end);
    }

    fn expect_owed_to(&self, retrieval: &Retrieval) -> Result<(), Error> {
        let owed = self.expect_owed(retrieval.sent);
        owed.map_err(|rejected| Error::new(retrieval.operation(), Cause::Usage(rejected)))
    }
}
