//! A message while it arrives.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pop3_proto::drive::Retrieval;
use pop3_proto::message::Message as WholeMessage;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::Error;
use crate::driver::Driver;

/// A message that can be read while it arrives: its octets without byte-stuffing, lines as the server ends them.
///
/// Reading gives 0 octets only after the terminator, so a message cut short is an [`io::Error`]: of the kind
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server closed the connection, and always one that
/// [downcasts](io::Error::downcast) to [`Error`]. A message dropped before its end is skipped by the next call.
///
/// A future that reads from it may be dropped: what it has not given out is still to be read. (That of a whole run, such
/// as [`read_to_end`](tokio::io::AsyncReadExt::read_to_end), takes along what it has read.)
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

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Message<'a, S> {
    /// Takes a message that has begun.
    pub(crate) fn new(driver: &'a mut Driver<S>, number: NonZeroU32, retrieval: Retrieval) -> Message<'a, S> {
        Message { driver, number, retrieval }
    }

    pub(crate) async fn open(
        driver: &'a mut Driver<S>,
        number: NonZeroU32,
        mut retrieval: Retrieval,
    ) -> Result<Message<'a, S>, Error> {
        poll_fn(|cx| driver.poll_open(cx, &mut retrieval)).await?;
        Ok(Message { driver, number, retrieval })
    }

    /// Reads the message, or what is left of it, into memory: at most 256 MiB, however much a server sends. Dropped: what
    /// is left of the message is skipped by the next call.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause); malformed if it is longer, and then the rest is skipped.
    pub async fn into_message(mut self) -> Result<WholeMessage, Error> {
        let mut octets = Vec::new();
        poll_fn(|cx| self.driver.poll_whole(cx, &mut self.retrieval, &mut octets)).await?;
        Ok(octets.into())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for Message<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let message = self.get_mut();
        let more = ready!(message.driver.poll_body(cx, &mut message.retrieval))?;
        Poll::Ready(Ok(if more { message.driver.conversation.body() } else { &[] }))
    }

    fn consume(self: Pin<&mut Self>, octets: usize) {
        self.get_mut().driver.conversation.take_body(octets);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Message<'_, S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let run = ready!(self.as_mut().poll_fill_buf(cx))?;
        let octets = run.len().min(space.remaining());
        space.put_slice(&run[..octets]);
        self.consume(octets);
        Poll::Ready(Ok(()))
    }
}
