//! A message while it arrives.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pop3_proto::drive::Retrieval;
use pop3_proto::message::Message;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::Error;
use crate::driver::Driver;

/// A message that you can read while it arrives: its octets without byte-stuffing, with the server's line ends.
///
/// A read returns 0 octets only after the terminator, so a truncated message is an [`io::Error`]. Its kind is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server closed the connection, and you can always
/// [downcast](io::Error::downcast) it to [`Error`]. If you drop a message before its end, the next call skips the rest.
///
/// [`AsyncRead`] copies the octets. [`AsyncBufRead`] lends them without a copy, but only up to the next line that begins
/// with a dot: if there are many such lines, [`AsyncRead`] is faster.
///
/// You can drop a future that reads from the message: octets that it has not returned can still be read. (If you drop a
/// future that reads to the end, such as [`read_to_end`](tokio::io::AsyncReadExt::read_to_end), the octets that it has
/// already read are lost.)
///
/// ```
/// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> std::io::Result<()> {
/// use tokio::io::AsyncBufReadExt;
///
/// let message = session.retrieve(1).await.map_err(std::io::Error::other)?;
/// let mut lines = message.split(b'\n');
/// while let Some(line) = lines.next_segment().await? {
///     println!("{}", String::from_utf8_lossy(&line));
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

impl<'a, S: AsyncRead + AsyncWrite + Unpin> MessageReader<'a, S> {
    /// Wraps a message that has begun to arrive.
    pub(crate) fn new(driver: &'a mut Driver<S>, number: u32, retrieval: Retrieval) -> MessageReader<'a, S> {
        MessageReader { driver, number, retrieval }
    }

    pub(crate) async fn open(
        driver: &'a mut Driver<S>,
        number: u32,
        mut retrieval: Retrieval,
    ) -> Result<MessageReader<'a, S>, Error> {
        driver.begin();
        poll_fn(|cx| driver.poll_open(cx, &mut retrieval)).await?;
        Ok(MessageReader { driver, number, retrieval })
    }

    /// Reads the message, or the rest of it, into memory: at most 256 MiB, regardless of how much the server sends. If
    /// you drop the future, the next call skips the rest of the message.
    ///
    /// # Errors
    ///
    /// Any [`Cause`](crate::Cause). [`Cause::Malformed`](crate::Cause::Malformed) if the message is longer; the rest is
    /// then skipped.
    ///
    /// ```
    /// # async fn example(session: &mut pop3_async::Session<tokio::net::TcpStream>) -> Result<(), pop3_async::Error> {
    /// let message = session.retrieve(1).await?.into_message().await?;
    /// println!("{:?}", message.view().get("subject"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn into_message(mut self) -> Result<Message, Error> {
        let mut octets = Vec::new();
        poll_fn(|cx| self.driver.poll_whole(cx, &mut self.retrieval, &mut octets)).await?;
        Ok(octets.into())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for MessageReader<'_, S> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let message = self.get_mut();
        let more = ready!(message.driver.poll_body(cx, &mut message.retrieval))?;
        Poll::Ready(Ok(if more { message.driver.conversation.body() } else { &[] }))
    }

    fn consume(self: Pin<&mut Self>, octets: usize) {
        self.get_mut().driver.conversation.take_body(octets);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MessageReader<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let message = self.get_mut();
        let octets = ready!(message.driver.poll_body_into(cx, &mut message.retrieval, space.initialize_unfilled()))?;
        space.advance(octets);
        Poll::Ready(Ok(()))
    }
}
