//! Many messages at a time.

use std::io::{Read, Write};
use std::num::NonZeroU32;

use pop3_proto::drive::Batch;
use pop3_proto::message::Message as WholeMessage;

use crate::Error;
use crate::driver::Driver;
use crate::message::Message;

/// A batch of messages, each to be read while it arrives.
///
/// It lends: one message at a time, so that none has to be kept. What is left unread of a message is skipped.
/// Dropping the batch leaves the messages in flight to be skipped by the next call.
#[derive(Debug)]
#[must_use = "it does nothing until it is driven"]
pub struct Messages<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch,
}

impl<'a, S: Read + Write> Messages<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch) -> Messages<'a, S> {
        Messages { driver, batch }
    }

    /// The next message, or `None` when all have come.
    ///
    /// # Errors
    ///
    /// That of the one message, which [`Error::operation`] names: the next call gives the next message. After an error that
    /// ends the session, all that are left fail, one a call.
    #[allow(clippy::should_implement_trait, reason = "it lends, and an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Message<'_, S>>, Error> {
        let item = self.driver.next_item(&mut self.batch);
        item.map(|item| Message::open(self.driver, item.number, item.retrieval())).transpose()
    }

    /// Asks for no more messages. Those in flight still come.
    pub fn stop(&mut self) {
        self.batch.stop();
    }
}

/// The headers of many messages.
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

    fn header(&mut self) -> Result<Option<(NonZeroU32, WholeMessage)>, Error> {
        let Some(message) = self.messages.next()? else { return Ok(None) };
        let number = message.number();
        message.into_message().map(|header| Some((number, header)))
    }
}

/// Each item is a message's number and header, or the error of that message. After an error that ends the session there
/// are no more.
impl<S: Read + Write> Iterator for Headers<'_, S> {
    type Item = Result<(NonZeroU32, WholeMessage), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.header().transpose()?;
        self.over = item.as_ref().is_err_and(|error| !error.is_recoverable());
        Some(item)
    }
}

/// Messages being marked as deleted.
///
/// Dropping it before its end does not call back what is on its way: with pipelining, up to a window of messages beyond
/// the last item is marked all the same. [`Session::reset`](crate::Session::reset) unmarks them.
#[derive(Debug)]
#[must_use = "nothing is marked until the iterator is driven"]
pub struct Deletions<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch,
    over: bool,
}

impl<'a, S: Read + Write> Deletions<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch) -> Deletions<'a, S> {
        Deletions { driver, batch, over: false }
    }

    fn deletion(&mut self) -> Result<Option<NonZeroU32>, Error> {
        let Some(item) = self.driver.next_item(&mut self.batch) else { return Ok(None) };
        self.driver.finish(&mut item.call()).map(|()| Some(item.number))
    }
}

/// Each item is the number of a message that is marked now, or the error of that message. After an error that ends the
/// session there are no more.
impl<S: Read + Write> Iterator for Deletions<'_, S> {
    type Item = Result<NonZeroU32, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.deletion().transpose()?;
        self.over = item.as_ref().is_err_and(|error| !error.is_recoverable());
        Some(item)
    }
}
