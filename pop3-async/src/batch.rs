//! Batches of messages, headers and deletions.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pop3_proto::drive::{Acknowledge, Batch, Call, Retrieval};
use pop3_proto::message::Message;
use tokio::io::{AsyncRead, AsyncWrite};

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
/// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
/// let mut messages = session.retrieve_all().await?;
/// loop {
///     match messages.next().await {
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
    /// The message that is awaited. It survives if the future that awaits it is dropped.
    awaited: Option<(u32, Retrieval)>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Messages<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch<Retrieval>) -> Messages<'a, S> {
        driver.begin();
        Messages { driver, batch, awaited: None }
    }

    /// Returns the next message, or `None` after the last one. If you drop the future, the next call continues to wait
    /// for the same message.
    ///
    /// # Errors
    ///
    /// The error of one message, whose number is [`Error::message_number`]. The next call returns the next message.
    /// After an error that ends the session, all remaining messages fail, one per call.
    pub async fn next(&mut self) -> Result<Option<MessageReader<'_, S>>, Error> {
        let begun = poll_fn(|cx| self.poll_begun(cx)).await?;
        Ok(begun.map(|(number, retrieval)| MessageReader::new(self.driver, number, retrieval)))
    }

    /// Stops requesting messages. Those in flight still arrive, except that without pipelining the next call skips the
    /// message that was requested ahead.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let mut messages = session.retrieve_all().await?;
    /// let mut octets = 0;
    /// while let Some(message) = messages.next().await? {
    ///     octets += message.into_message().await?.as_bytes().len();
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

    /// Returns the next message that has begun to arrive.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(u32, Retrieval)>, Error>> {
        if self.awaited.is_none() {
            let item = ready!(self.driver.poll_item(cx, &mut self.batch));
            self.awaited = item.map(|item| (item.number, item.call));
        }
        let Some((_, retrieval)) = &mut self.awaited else { return Poll::Ready(Ok(None)) };
        let opened = ready!(self.driver.poll_open(cx, retrieval));
        let begun = self.awaited.take();
        Poll::Ready(opened.map(|()| begun))
    }
}

/// A stream of the headers of many messages.
///
/// Each item is the number and header of a message, or the error of that message. The stream ends after an error that
/// ends the session. If you drop a future that awaits an item, the same item comes next.
///
/// ```
/// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
/// let mut headers = session.headers_all().await?;
/// while let Some(header) = headers.next().await {
///     let (number, header) = header?;
///     println!("message {number}: {:?}", header.view().get("subject"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is asked for until the stream is driven"]
pub struct Headers<'a, S> {
    messages: Messages<'a, S>,
    /// The header that is arriving.
    arriving: Option<(u32, Retrieval, Vec<u8>)>,
    over: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Headers<'a, S> {
    pub(crate) fn new(messages: Messages<'a, S>) -> Headers<'a, S> {
        Headers { messages, arriving: None, over: false }
    }

    /// Returns the next item of the [`Stream`]. If you drop the future, the same item comes next.
    pub async fn next(&mut self) -> Option<Result<(u32, Message), Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(u32, Message)>, Error>> {
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
    type Item = Result<(u32, Message), Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_header(cx)).transpose();
        self.over = is_last(item.as_ref());
        Poll::Ready(item)
    }
}

/// A stream that marks messages as deleted.
///
/// Each item is the number of a message that is now marked, or the error of that message. The stream ends after an
/// error that ends the session. If you drop a future that awaits an item, the same item comes next.
///
/// If you drop the stream before its end, commands in flight still take effect: with pipelining, messages after the
/// last item may also be marked, as many as fit in the window. [`Session::reset`](crate::Session::reset) unmarks them.
///
/// ```
/// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
/// let mut deletions = session.delete_many([1, 3]);
/// while let Some(deletion) = deletions.next().await {
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
#[must_use = "nothing is marked until the stream is driven"]
pub struct Deletions<'a, S> {
    driver: &'a mut Driver<S>,
    batch: Batch<Call<Acknowledge<'static>>>,
    awaited: Option<(u32, Call<Acknowledge<'static>>)>,
    over: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Deletions<'a, S> {
    pub(crate) fn new(driver: &'a mut Driver<S>, batch: Batch<Call<Acknowledge<'static>>>) -> Deletions<'a, S> {
        driver.begin();
        Deletions { driver, batch, awaited: None, over: false }
    }

    /// Returns the next item of the [`Stream`]. If you drop the future, the same item comes next.
    pub async fn next(&mut self) -> Option<Result<u32, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_deletion(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<u32>, Error>> {
        if self.awaited.is_none() {
            let item = ready!(self.driver.poll_item(cx, &mut self.batch));
            self.awaited = item.map(|item| (item.number, item.call));
        }
        let Some((number, call)) = &mut self.awaited else { return Poll::Ready(Ok(None)) };
        let number = *number;
        let marked = ready!(self.driver.poll_call(cx, call));
        self.awaited = None;
        Poll::Ready(marked.map(|()| Some(number)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Deletions<'_, S> {
    type Item = Result<u32, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = ready!(self.poll_deletion(cx)).transpose();
        self.over = is_last(item.as_ref());
        Poll::Ready(item)
    }
}

/// Returns true if no item follows this one.
fn is_last<T>(item: Option<&Result<T, Error>>) -> bool {
    item.is_none_or(|item| item.as_ref().is_err_and(|error| !error.is_recoverable()))
}
