//! A message while it arrives.

use std::io::{self, BufRead, Read, Write};

use pop3_proto::drive::Retrieval;
use pop3_proto::message::Message;

use crate::Error;
use crate::driver::Driver;

/// A message that you can read while it arrives: its octets without byte-stuffing, with the server's line ends.
///
/// A read returns 0 octets only after the terminator, so a truncated message is an [`io::Error`]. Its kind is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server closed the connection, and you can always
/// [downcast](io::Error::downcast) it to [`Error`]. If you drop a message before its end, the next call skips the rest.
///
/// [`Read`] copies the octets. [`BufRead`] lends them without a copy, but only up to the next line that begins with a
/// dot: if there are many such lines, [`Read`] is faster.
///
/// ```
/// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> std::io::Result<()> {
/// use std::io::BufRead;
///
/// let message = session.retrieve(1).map_err(std::io::Error::other)?;
/// for line in message.split(b'\n') {
///     println!("{}", String::from_utf8_lossy(&line?));
/// }
/// # Ok(())
/// # }
/// ```
pub struct MessageReader<'a, S> {
    driver: &'a mut Driver<S>,
    number: u32,
    retrieval: Retrieval,
}

impl<S> std::fmt::Debug for MessageReader<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageReader")
            .field("number", &self.number)
            .field("octets", &self.octets())
            .finish_non_exhaustive()
    }
}

impl<S> MessageReader<'_, S> {
    /// Returns the message number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the number of octets received so far.
    pub fn octets(&self) -> u64 {
        self.retrieval.octets()
    }
}

impl<'a, S: Read + Write> MessageReader<'a, S> {
    pub(crate) fn open(
        driver: &'a mut Driver<S>,
        number: u32,
        mut retrieval: Retrieval,
    ) -> Result<MessageReader<'a, S>, Error> {
        driver.run(|conversation| conversation.open(&mut retrieval))?;
        Ok(MessageReader { driver, number, retrieval })
    }

    /// Reads the message, or the rest of it, into memory: at most 256 MiB, regardless of how much the server sends.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`Cause::Malformed`](crate::Cause::Malformed) if the message is longer; the rest is
    /// then skipped.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let message = session.retrieve(1)?.into_message()?;
    /// println!("{:?}", message.view().get("subject"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_message(mut self) -> Result<Message, Error> {
        let mut octets = Vec::new();
        self.driver.run(|conversation| conversation.collect(&mut self.retrieval, &mut octets))?;
        Ok(octets.into())
    }

    /// Returns true if octets are available, or false if the message is complete.
    fn advance(&mut self) -> Result<bool, Error> {
        self.driver.run(|conversation| conversation.read(&mut self.retrieval))
    }
}

impl<S: Read + Write> BufRead for MessageReader<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let more = self.advance()?;
        Ok(if more { self.driver.conversation.body() } else { &[] })
    }

    fn consume(&mut self, octets: usize) {
        self.driver.conversation.take_body(octets);
    }
}

impl<S: Read + Write> Read for MessageReader<'_, S> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        Ok(self.driver.run(|conversation| conversation.read_into(&mut self.retrieval, space))?)
    }
}
