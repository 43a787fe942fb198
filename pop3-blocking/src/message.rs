//! A message while it arrives.

use std::io::{self, BufRead, Read, Write};
use std::num::NonZeroU32;

use pop3_proto::drive::{Retrieval, Step};
use pop3_proto::message::Message as WholeMessage;

use crate::Error;
use crate::driver::Driver;

/// A message that can be read while it arrives: its octets without byte-stuffing, lines as the server ends them.
///
/// Reading gives 0 octets only after the terminator, so a message cut short is an [`io::Error`]: of the kind
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server closed the connection, and always one that
/// [downcasts](io::Error::downcast) to [`Error`]. A message dropped before its end is skipped by the next call.
pub struct Message<'a, S> {
    driver: &'a mut Driver<S>,
    number: NonZeroU32,
    retrieval: Retrieval,
}

impl<S> std::fmt::Debug for Message<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("number", &self.number).field("octets", &self.octets()).finish_non_exhaustive()
    }
}

impl<S> Message<'_, S> {
    /// The message's number.
    pub fn number(&self) -> NonZeroU32 {
        self.number
    }

    /// The octets received so far.
    pub fn octets(&self) -> u64 {
        self.retrieval.octets()
    }
}

impl<'a, S: Read + Write> Message<'a, S> {
    pub(crate) fn open(
        driver: &'a mut Driver<S>,
        number: NonZeroU32,
        mut retrieval: Retrieval,
    ) -> Result<Message<'a, S>, Error> {
        while let Step::NeedIo(io) = driver.conversation.open(&mut retrieval).map_err(pop3_proto::Error::widen)? {
            driver.io(io, || retrieval.operation())?;
        }
        Ok(Message { driver, number, retrieval })
    }

    /// Reads the message, or what is left of it, into memory: at most 256 MiB, however much a server sends.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if it is longer, and then the rest is skipped.
    pub fn into_message(mut self) -> Result<WholeMessage, Error> {
        let mut octets = Vec::new();
        while let Step::NeedIo(io) =
            self.driver.conversation.collect(&mut self.retrieval, &mut octets).map_err(pop3_proto::Error::widen)?
        {
            self.driver.io(io, || self.retrieval.operation())?;
        }
        Ok(octets.into())
    }

    /// Whether there are octets to be taken, or the message is complete.
    fn advance(&mut self) -> Result<bool, Error> {
        loop {
            match self.driver.conversation.read(&mut self.retrieval).map_err(pop3_proto::Error::widen)? {
                Step::Done(more) => return Ok(more),
                Step::NeedIo(io) => self.driver.io(io, || self.retrieval.operation())?,
            }
        }
    }
}

impl<S: Read + Write> BufRead for Message<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let more = self.advance()?;
        Ok(if more { self.driver.conversation.body() } else { &[] })
    }

    fn consume(&mut self, octets: usize) {
        self.driver.conversation.take_body(octets);
    }
}

impl<S: Read + Write> Read for Message<'_, S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let octets = self.fill_buf()?.read(space)?;
        self.consume(octets);
        Ok(octets)
    }
}
