//! Many messages at a time.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pop3_proto::drive::{Acknowledge, Batch, Call, Retrieval};
use pop3_proto::message::Message as WholeMessage;
use tokio::io::{AsyncRead, AsyncWrite};

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
    /// The message that is awaited, so that it is not lost with the future that awaits it.
    awaited: Option<(NonZeroU32, Retrieval)>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Messages<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch) -> Messages<'a, S> {
        Messages { driver, batch, awaited: None }
    }

    /// The next message, or `None` when all have come. Dropped: the next call goes on waiting for the same message.
    ///
    /// # Errors
    ///
    /// That of the one message, which [`Error::operation`] names: the next call gives the next message. After an error that
    /// ends the session, all that are left fail, one a call.
    pub async fn next(&mut self) -> Result<Option<Message<'_, S>>, Error> {
        let begun = poll_fn(|cx| self.poll_begun(cx)).await?;
        Ok(begun.map(|(number, retrieval)| Message::new(self.driver, number, retrieval)))
    }

    /// Asks for no more messages. Those in flight still come.
    pub fn stop(&mut self) {
        self.batch.stop();
    }

    /// The next message that has begun.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(NonZeroU32, Retrieval)>, Error>> {
        if self.awaited.is_none() {
            let item = ready!(self.driver.poll_item(cx, &mut self.batch));
            self.awaited = item.map(|item| (item.number, item.retrieval()));
        }
        let Some((_, retrieval)) = &mut self.awaited else { return Poll::Ready(Ok(None)) };
        let opened = ready!(self.driver.poll_open(cx, retrieval));
        let begun = self.awaited.take();
        Poll::Ready(opened.map(|()| begun))
    }
}

/// The headers of many messages.
///
/// Each item is a message's number and header, or the error of that message. After an error that ends the session there
/// are no more. A future that awaits an item may be dropped: the same item comes next.
#[derive(Debug)]
#[must_use = "nothing is asked for until the stream is driven"]
pub struct Headers<'a, S> {
    messages: Messages<'a, S>,
    /// The header that is arriving.
    arriving: Option<(NonZeroU32, Retrieval, Vec<u8>)>,
    over: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Headers<'a, S> {
    pub(crate) fn new(messages: Messages<'a, S>) -> Headers<'a, S> {
        Headers { messages, arriving: None, over: false }
    }

    /// The next item, as the [`Stream`] gives it. Dropped: the same item comes next.
    pub async fn next(&mut self) -> Option<Result<(NonZeroU32, WholeMessage), Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(NonZeroU32, WholeMessage)>, Error>> {
        if self.arriving.is_none() {
            let begun = ready!(self.messages.poll_begun(cx))?;
            self.arriving = begun.map(|(number, retrieval)| (number, retrieval, Vec::new()));
        }
        let Some((_, retrieval, octets)) = &mut self.arriving else { return Poll::Ready(Ok(None)) };
        let whole = ready!(self.messages.driver.poll_whole(cx, retrieval, octets));
        let header = self.arriving.take().map(|(number, _, octets)| (number, octets.into()));
        Poll::Ready(whole.map(|()| header))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Headers<'_, S> {
    type Item = Result<(NonZeroU32, WholeMessage), Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_header(cx)).transpose();
        self.over = is_last(item.as_ref());
        Poll::Ready(item)
    }
}

/// Messages being marked as deleted.
///
/// Each item is the number of a message that is marked now, or the error of that message. After an error that ends the
/// session there are no more. A future that awaits an item may be dropped: the same item comes next.
///
/// Dropping it before its end does not call back what is on its way: with pipelining, up to a window of messages beyond
/// the last item is marked all the same. [`Session::reset`](crate::Session::reset) unmarks them.
#[derive(Debug)]
#[must_use = "nothing is marked until the stream is driven"]
pub struct Deletions<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch,
    awaited: Option<(NonZeroU32, Call<Acknowledge<'static>>)>,
    over: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Deletions<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch) -> Deletions<'a, S> {
        Deletions { driver, batch, awaited: None, over: false }
    }

    /// The next item, as the [`Stream`] gives it. Dropped: the same item comes next.
    pub async fn next(&mut self) -> Option<Result<NonZeroU32, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_deletion(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<NonZeroU32>, Error>> {
        if self.awaited.is_none() {
            let item = ready!(self.driver.poll_item(cx, &mut self.batch));
            self.awaited = item.map(|item| (item.number, item.call()));
        }
        let Some((number, call)) = &mut self.awaited else { return Poll::Ready(Ok(None)) };
        let number = *number;
        let marked = ready!(self.driver.poll_call(cx, call));
        self.awaited = None;
        Poll::Ready(marked.map(|()| Some(number)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Deletions<'_, S> {
    type Item = Result<NonZeroU32, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_deletion(cx)).transpose();
        self.over = is_last(item.as_ref());
        Poll::Ready(item)
    }
}

/// Whether nothing comes behind the item.
fn is_last<T>(item: Option<&Result<T, Error>>) -> bool {
    item.is_none_or(|item| item.as_ref().is_err_and(|error| !error.is_recoverable()))
}
