//! The commands that write messages to the standard output.

use std::io::Read;

use jiff::Timestamp;
use pop3_blocking::{Error, Messages, Session, Tcp};

use crate::failure::{Failure, Status};
use crate::mbox::Mbox;
use crate::notes;
use crate::output::Output;
use crate::rows;
use crate::selection::{Chosen, Selection};

/// The part of each message that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// The header and this number of lines of the body.
    Top(u32),
    Whole,
}

/// Returns the messages that the arguments name. It asks the server for them, unless they are a single number: the
/// server then refuses a wrong one itself.
pub(crate) fn choose(session: &mut Session<Tcp>, selections: &[Selection]) -> Result<(Vec<u32>, bool), Failure> {
    if let Some(number) = Selection::number(selections) {
        return Ok((vec![number], true));
    }
    let Chosen { listings, is_one } = Selection::choose(selections, &session.list()?)?;
    Ok((listings.into_iter().map(|listing| listing.number).collect(), is_one))
}

/// Writes messages: unchanged if the arguments can only name one, or else as a mailbox file.
pub(crate) fn write(
    session: &mut Session<Tcp>,
    selections: &[Selection],
    extent: Extent,
    out: &mut Output,
) -> Result<(), Failure> {
    let (numbers, is_one) = choose(session, selections)?;
    let mut refusals = Refusals::new(numbers.len());
    let mut messages = match extent {
        Extent::Top(lines) => session.top_many(numbers, lines),
        Extent::Whole => session.retrieve_many(numbers),
    };
    if is_one {
        let Some(mut message) = messages.next()? else { return Ok(()) };
        return copy(&mut message, |run| out.octets(run));
    }
    while let Some(result) = next(&mut messages, out, &mut refusals).transpose() {
        result?;
    }
    refusals.end()
}

/// Writes the next message of a mailbox file. Returns `None` after the last one.
fn next(messages: &mut Messages<'_, Tcp>, out: &mut Output, refusals: &mut Refusals) -> Result<Option<()>, Failure> {
    let mut message = match messages.next() {
        Ok(Some(message)) => message,
        Ok(None) => return Ok(None),
        Err(error) => return refusals.add(error).map(Some),
    };
    let mut text = Vec::new();
    let mut mbox = Mbox::begin(message.number(), Timestamp::now(), &mut text);
    copy(&mut message, |run| {
        mbox.append(run, &mut text);
        out.octets(&text)?;
        text.clear();
        Ok(())
    })?;
    mbox.end(&mut text);
    out.octets(&text)?;
    Ok(Some(()))
}

fn copy(message: &mut impl Read, mut write: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = message.read(&mut buffer).map_err(Failure::reading)?;
        if read == 0 {
            return Ok(());
        }
        write(&buffer[..read])?;
    }
}

/// Writes headers as JSON.
pub(crate) fn write_fields(
    session: &mut Session<Tcp>,
    selections: &[Selection],
    out: &mut Output,
) -> Result<(), Failure> {
    let (numbers, _) = choose(session, selections)?;
    let mut refusals = Refusals::new(numbers.len());
    for header in session.headers_many(numbers) {
        match header {
            Ok((number, header)) => out.object(&rows::Header::new(number, header.view()))?,
            Err(error) => refusals.add(error)?,
        }
    }
    refusals.end()
}

/// The messages that the server refused, while it answered for others.
#[derive(Debug)]
pub(crate) struct Refusals {
    refused: usize,
    wanted: usize,
}

impl Refusals {
    pub(crate) fn new(wanted: usize) -> Refusals {
        Refusals { refused: 0, wanted }
    }

    /// Shows the error, unless it ends the session, or there is only one message.
    pub(crate) fn add(&mut self, error: Error) -> Result<(), Failure> {
        if self.wanted < 2 || !error.is_recoverable() {
            return Err(error.into());
        }
        notes::error(error);
        self.refused += 1;
        Ok(())
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        let Refusals { refused, wanted } = self;
        if refused == 0 {
            return Ok(());
        }
        Err(Failure::new(Status::Refused, format!("{} of {wanted} messages were read", wanted - refused)))
    }
}
