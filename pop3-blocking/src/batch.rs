//! Batches of messages, headers and deletions.

use std::io::{Read, Write};

use pop3_proto::drive::{Acknowledge, Batch, Call, Retrieval};
use pop3_proto::message::Message;

use crate::Error;
use crate::driver::Driver;
use crate::message::MessageReader;

/// A batch of messages, each of which you can read while it arrives.
///
/// It lends you one message at a time and keeps none in memory. If you do not read a message to its end, the rest is
/// skipped. If you drop the batch, the next call skips the messages in flight. Without pipelining, this is at most one:
/// as soon as a message has arrived, the next one is requested. With
/// [`retrieve_all`](crate::Session::retrieve_all), which knows the sizes, messages of less than 32 MiB in all are in
/// flight before you ask for them; with [`retrieve_many`](crate::Session::retrieve_many), they may have any size.
///
/// If the server announces that it deletes retrieved messages (`EXPIRE 0`), or might do so for this user, each message
/// is requested only when you ask for it: otherwise you could lose messages that you never saw.
///
/// ```
/// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
/// let mut messages = session.retrieve_all()?;
/// loop {
///     match messages.next() {
///         Ok(Some(message)) => println!("message {}: {:?} octets", message.number(), message.octets()),
///         Ok(None) => break,
///         // The server refused one message, and the others follow.
///         Err(error) if error.is_recoverable() => eprintln!("{error}"),
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Messages<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch<Retrieval>,
}

impl<'a, S: Read + Write> Messages<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch<Retrieval>) -> Messages<'a, S> {
        Messages { driver, batch }
    }

    /// Returns the next message, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// The error of one message, whose number is [`Error::message_number`]. The next call returns the next message.
    /// After an error that ends the session, all remaining messages fail, one per call.
    #[allow(clippy::should_implement_trait, reason = "it lends, and an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        let Some(item) = self.driver.next_item(&mut self.batch) else { return Ok(None) };
        MessageReader::open(self.driver, item.number, item.call).map(Some)
    }

    /// Stops requesting messages. Those in flight still arrive, except that without pipelining the next call skips the
    /// message that was requested ahead.
    ///
    /// ```
    /// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
    /// let mut messages = session.retrieve_all()?;
    /// let mut octets = 0;
    /// while let Some(message) = messages.next()? {
    ///     octets += message.into_message()?.as_bytes().len();
    ///     if octets > 100_000_000 {
    ///         messages.stop(); // those in flight still come
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&mut self) {
        self.batch.stop();
    }
}

/// An iterator over the headers of many messages.
///
/// ```
/// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
/// for header in session.headers_all()? {
///     let (number, header) = header?;
///     println!("message {number}: {:?}", header.view().get("subject"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Headers<'a, S> {
    messages: Messages<'a, S>,
    over: bool,
}

impl<'a, S: Read + Write> Headers<'a, S> {
    pub(crate) fn new(messages: Messages<'a, S>) -> Headers<'a, S> {
        Headers { messages, over: false }
    }

    fn header(&mut self) -> Result<Option<(u32, Message)>, Error> {
        let Some(message) = self.messages.next()? else { return Ok(None) };
        let number = message.number();
        message.into_message().map(|header| Some((number, header)))
    }
}

/// Returns for each message its number and header, or its error, which has the number too
/// ([`Error::message_number`]). The iterator ends after an error that ends the session.
impl<S: Read + Write> Iterator for Headers<'_, S> {
    type Item = Result<(u32, Message), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.header().transpose()?;
        self.over = item.as_ref().is_err_and(|error| !error.is_recoverable());
        Some(item)
    }
}

/// An iterator that marks messages as deleted.
///
/// If you drop the iterator before its end, commands in flight still take effect: with pipelining, messages after the
/// last item may also be marked, as many as fit in the window. [`Session::reset`](crate::Session::reset) unmarks them.
///
/// ```
/// # fn example(session: &mut pop3_blocking::Session<std::net::TcpStream>) -> Result<(), pop3_blocking::Error> {
/// for deletion in session.delete_many([1, 3]) {
///     match deletion {
///         Ok(number) => println!("message {number} is marked"),
///         Err(error) => eprintln!("{error}"),
///     }
/// }
/// // Nothing is deleted before `quit`.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is marked until the iterator is driven"]
pub struct Deletions<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch<Call<Acknowledge<'static>>>,
    over: bool,
}

impl<'a, S: Read + Write> Deletions<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch<Call<Acknowledge<'static>>>) -> Deletions<'a, S> {
        Deletions { driver, batch, over: false }
    }

    fn deletion(&mut self) -> Result<Option<u32>, Error> {
        let Some(mut item) = self.driver.next_item(&mut self.batch) else { return Ok(None) };
        let number = item.number;
        self.driver.finish(&mut item.call).map(|()| Some(number))
    }
}

/// Returns for each message its number if it is now marked, or its error, which has the number too
/// ([`Error::message_number`]). The iterator ends after an error that ends the session.
impl<S: Read + Write> Iterator for Deletions<'_, S> {
    type Item = Result<u32, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.deletion().transpose()?;
        self.over = item.as_ref().is_err_and(|error| !error.is_recoverable());
        Some(item)
    }
}
