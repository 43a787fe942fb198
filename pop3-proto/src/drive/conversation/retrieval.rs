//! Messages in transfer.

use alloc::vec::Vec;

use crate::client::{Event, Ticket};
use crate::drive::conversation::{Conversation, Io, Look, Sent, Step};
use crate::drive::error::{Cause, Error};
use crate::drive::refusal::OwnedRefusal;
use crate::wire::command::Command;
use crate::wire::malformed::Malformed;

/// A message in transfer (RETR or TOP). You can drop it at any time: the rest of the message is skipped.
///
/// It belongs to the conversation where it began. In any other one it fails with
/// [`UsageError::Skipped`](crate::UsageError::Skipped).
///
/// ```
/// use std::io::{self, Write};
///
/// use pop3_proto::Error;
/// use pop3_proto::drive::{Conversation, Io, Retrieval, Step};
///
/// /// Writes a message to `file` as it arrives. After an error, the file has only a part of the message.
/// fn save(
///     conversation: &mut Conversation,
///     number: u32,
///     file: &mut impl Write,
///     mut transfer: impl FnMut(&mut Conversation, Io) -> Result<(), Error>,
/// ) -> io::Result<()> {
///     let mut retrieval = Retrieval::retr(number);
///     loop {
///         match conversation.read(&mut retrieval)? {
///             Step::NeedIo(io) => transfer(conversation, io)?,
///             Step::Done(true) => {
///                 file.write_all(conversation.body())?;
///                 conversation.take_body(usize::MAX);
///             }
///             Step::Done(false) => return Ok(()),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Retrieval {
    asked: Asked,
    sent: Option<Sent>,
    octets: u64,
    stage: Stage,
    /// The command to send as soon as this message has arrived.
    next: Option<Asked>,
}

/// A RETR, or a TOP with a number of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) number: u32,
    pub(crate) lines: Option<u32>,
}

impl Asked {
    pub(crate) const fn command(self) -> Command<'static> {
        match self {
            Asked { number, lines: None } => Command::Retr(number),
            Asked { number, lines: Some(lines) } => Command::Top { number, lines },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Awaited,
    Open,
    Complete,
}

impl Retrieval {
    /// Creates the retrieval of a whole message, with RETR (RFC 1939, section 5). It has not begun.
    pub const fn retr(number: u32) -> Retrieval {
        Retrieval::begun(Asked { number, lines: None }, None, None)
    }

    /// Creates the retrieval of a header and the first `lines` lines of the body, with TOP (RFC 1939, section 7). It
    /// has not begun.
    pub const fn top(number: u32, lines: u32) -> Retrieval {
        Retrieval::begun(Asked { number, lines: Some(lines) }, None, None)
    }

    /// Creates the retrieval that reads the answer to a RETR or TOP. `next` is the command that may be sent as soon as
    /// the answer has arrived.
    pub(crate) const fn begun(asked: Asked, sent: Option<Sent>, next: Option<Asked>) -> Retrieval {
        Retrieval { asked, sent, octets: 0, stage: Stage::Awaited, next }
    }

    fn ticket(&self) -> Option<Ticket> {
        self.sent.map(|sent| sent.ticket)
    }

    /// Returns the number of octets received so far, without byte-stuffing.
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Returns true if the terminator has arrived: the message is complete.
    pub const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete)
    }

    fn error(&self, cause: impl Into<Cause>) -> Error {
        Error::of(&self.asked.command(), cause)
    }
}

impl Conversation {
    /// Waits for the `+OK` that begins the message.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Cause::Refused`] if the server refuses, for example because there is no such message.
    pub fn open(&mut self, retrieval: &mut Retrieval) -> Result<Step<()>, Error> {
        while retrieval.stage == Stage::Awaited {
            if retrieval.sent.is_none() {
                retrieval.sent = self.take_sent(retrieval.asked);
            }
            if retrieval.sent.is_none() {
                match self.send(&retrieval.asked.command())? {
                    Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                    Step::Done(sent) => retrieval.sent = sent,
                }
            }
            self.expect_owed_to(retrieval)?;
            let event = self.next_event().map_err(|error| retrieval.error(error))?;
            match event {
                None => {
                    if let Some(io) = self.next_io(retrieval.ticket()) {
                        // Its own command comes first.
                        self.prepare(retrieval.next.filter(|_| retrieval.sent.is_some()));
                        return Ok(Step::NeedIo(io));
                    }
                }
                Some(Event::Ok { to, .. }) if Some(to) == retrieval.ticket() => retrieval.stage = Stage::Open,
                Some(Event::Refused { to, refusal }) if Some(to) == retrieval.ticket() => {
                    let refused = OwnedRefusal::new(refusal);
                    self.settle();
                    return Err(retrieval.error(Cause::Refused(refused)));
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

    /// Waits for the next octets of the message. Returns true if [`body`](Self::body) has some, and false if the
    /// message is complete.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]. After an error, the octets read so far are only part of the message.
    pub fn read(&mut self, retrieval: &mut Retrieval) -> Result<Step<bool>, Error> {
        if retrieval.stage == Stage::Open && !self.body.is_empty() && self.body_of == retrieval.sent {
            return Ok(Step::Done(true));
        }
        if retrieval.stage == Stage::Awaited {
            if let Step::NeedIo(io) = self.open(retrieval)? {
                return Ok(Step::NeedIo(io));
            }
        }
        if retrieval.stage == Stage::Complete {
            return Ok(Step::Done(false));
        }
        self.expect_owed_to(retrieval)?;
        match self.next_event().map_err(|error| retrieval.error(error))? {
            None => {
                self.prepare(retrieval.next);
                Ok(Step::NeedIo(Io::Transfer))
            }
            Some(Event::Body { bytes, .. }) => {
                let octets = bytes.len();
                retrieval.octets += octets as u64;
                (self.body, self.body_of) = (self.inbox.last(octets), retrieval.sent);
                Ok(Step::Done(true))
            }
            // The message is open and its answer is due, so this is its end.
            Some(_) => {
                retrieval.stage = Stage::Complete;
                self.settle();
                Ok(Step::Done(false))
            }
        }
    }

    /// Waits for the next octets of the message, and copies them to `space`. Returns their number, which is 0 if the
    /// message is complete or if there is no space.
    ///
    /// You can use this instead of [`read`](Self::read) and [`body`](Self::body) at any time during a message. If you
    /// copy the octets anyway, this is faster, because one call takes many lines that begin with dots.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]. After an error, the octets read so far are only part of the message.
    pub fn read_into(&mut self, retrieval: &mut Retrieval, space: &mut [u8]) -> Result<Step<usize>, Error> {
        let is_lent = !self.body.is_empty() && self.body_of == retrieval.sent;
        if retrieval.stage == Stage::Open && !is_lent {
            self.expect_owed_to(retrieval)?;
            let octets = self.copy_body(retrieval, space);
            if octets > 0 {
                return Ok(Step::Done(octets));
            }
        }
        Ok(match self.read(retrieval)? {
            Step::NeedIo(io) => Step::NeedIo(io),
            Step::Done(false) => Step::Done(0),
            Step::Done(true) => {
                let octets = self.body().len().min(space.len());
                space[..octets].copy_from_slice(&self.body()[..octets]);
                self.take_body(octets);
                Step::Done(octets)
            }
        })
    }

    /// Copies octets that have arrived. The message is open and its answer is due.
    #[inline]
    fn copy_body(&mut self, retrieval: &mut Retrieval, space: &mut [u8]) -> usize {
        self.drop_body();
        self.prepare(None);
        let octets = self.inbox.take(|input| self.client.copy_body(input, space));
        if octets > 0 && self.look == Look::Heard {
            self.look = Look::Due;
        }
        retrieval.octets += octets as u64;
        self.body_octets += octets as u64;
        octets
    }

    /// Appends the rest of the message to `octets`, up to a total of 256 MiB.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]; [`Malformed::MessageTooLong`] if the message exceeds this limit. The next call then skips its
    /// rest.
    pub fn collect(&mut self, retrieval: &mut Retrieval, octets: &mut Vec<u8>) -> Result<Step<()>, Error> {
        const LIMIT: usize = 256 << 20;
        /// After a run that is shorter, more dots may be near.
        const SHORT: usize = 256;
        loop {
            match self.read(retrieval)? {
                Step::NeedIo(io) => return Ok(Step::NeedIo(io)),
                Step::Done(false) => return Ok(Step::Done(())),
                Step::Done(true) => {
                    if octets.len() + self.body().len() > LIMIT {
                        self.skip(retrieval.ticket());
                        let malformed = Malformed::MessageTooLong { limit: LIMIT as u64 };
                        return Err(retrieval.error(Cause::Malformed(malformed)));
                    }
                    octets.extend_from_slice(self.body());
                    let is_short = self.body().len() < SHORT;
                    self.take_body(usize::MAX);
                    if is_short {
                        let (len, unread) = (octets.len(), self.inbox.unread().len());
                        octets.resize(len + unread.min(len.max(SHORT)).min(LIMIT - len), 0);
                        let copied = self.copy_body(retrieval, &mut octets[len..]);
                        octets.truncate(len + copied);
                    }
                }
            }
        }
    }

    /// Returns the octets of the message that the last [`read`](Self::read) made available and that were not taken yet.
    pub fn body(&self) -> &[u8] {
        self.inbox.get(self.body.clone())
    }

    /// Takes the first `octets` of [`body`](Self::body).
    pub fn take_body(&mut self, octets: usize) {
        self.body.start = self.body.start.saturating_add(octets).min(self.body.end);
    }

    fn expect_owed_to(&mut self, retrieval: &Retrieval) -> Result<(), Error> {
        self.expect_owed(retrieval.sent).map_err(|rejected| retrieval.error(self.reason(rejected)))
    }
}
