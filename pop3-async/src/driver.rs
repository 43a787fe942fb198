//! A conversation and the stream that carries it.
//!
//! All methods that wait are polls. The state of a call is kept here and not in a future, so that futures can be
//! dropped.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use pop3_proto::drive::{Acknowledge, Batch, Call, Conversation, Deadlines, Exchange, Io, Item, Retrieval, Step};
use pop3_proto::{Awaiting, Command};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;

#[cfg(feature = "tls")]
use crate::Cause;
use crate::clock::Clock;
use crate::stream::Stream;
#[cfg(feature = "tls")]
use crate::tls::Settings;
use crate::turn::Turn;
use crate::{Connect, Error, LoginError, QuitError, Security};

/// Without the feature, there are no TLS requirements.
#[cfg(not(feature = "tls"))]
type Settings = std::convert::Infallible;

pub(crate) struct Driver<S> {
    pub(crate) conversation: Conversation,
    pub(crate) stream: Stream<S>,
    /// The octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    pub(crate) clock: Clock,
    /// The TLS settings, until TLS begins.
    pub(crate) tls: Option<Box<Settings>>,
    unflushed: bool,
    /// The runtime's turn before a look. It is reset when a call begins, since a turn of a dropped call does not cover
    /// the octets that came later.
    turn: Option<Turn>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Returns the TLS requirements, if the connection has any. Call this before any I/O: if TLS is unavailable,
    /// nothing may be sent. `ends` is true if dropping the session closes TLS.
    #[cfg_attr(not(feature = "tls"), allow(unused_variables, reason = "nothing is to be closed"))]
    pub(crate) fn requirements(connect: &Connect, ends: bool) -> Result<Option<Box<Settings>>, Error> {
        match connect.get_policy().security {
            Security::Plaintext => Ok(None),
            #[cfg(feature = "tls")]
            Security::Tls | Security::StartTls => Ok(Some(Box::new(Settings::new(connect, ends)?))),
            #[cfg(not(feature = "tls"))]
            Security::Tls | Security::StartTls => Err(LoginError::NoTls.into()),
        }
    }

    /// Receives the greeting, inside TLS if the settings require it. The driver is boxed because it moves from future
    /// to future, and each future would reserve its size once or twice.
    pub(crate) async fn open(
        stream: S,
        connect: &Connect,
        tls: Option<Box<Settings>>,
        deadlines: Deadlines,
        window: usize,
    ) -> Result<Box<Driver<S>>, Error> {
        let mut driver = Box::new(Driver {
            conversation: connect.conversation(),
            stream: Stream::Plain(stream),
            window: connect.get_window().unwrap_or(window),
            clock: Clock::new(deadlines),
            tls,
            unflushed: false,
            turn: None,
        });
        if connect.get_policy().security == Security::Tls {
            driver = driver.start_tls().await?;
        }
        poll_fn(|cx| driver.poll_steps(cx, Conversation::greet)).await?;
        Ok(driver)
    }

    /// Without the feature, no connection has TLS requirements.
    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "with TLS there is something to wait for")]
    pub(crate) async fn start_tls(self: Box<Driver<S>>) -> Result<Box<Driver<S>>, Error> {
        match self.tls {
            Some(never) => match *never {},
            None => Err(LoginError::NoTls.into()),
        }
    }

    /// Does the TLS handshake, after which the stream carries TLS only. Dropping the future drops the stream too.
    #[cfg(feature = "tls")]
    pub(crate) async fn start_tls(mut self: Box<Driver<S>>) -> Result<Box<Driver<S>>, Error> {
        let Some(settings) = self.tls.take() else { return Err(LoginError::NoTls.into()) };
        let secured = self.stream.secure(&settings, &mut self.clock).await;
        let secured = secured.map_err(|error| Error::new("beginning TLS", Cause::Handshake(error.into())))?;
        secured.established(&mut self.conversation)?;
        self.stream = Stream::Tls(secured);
        Ok(self)
    }

    /// Sends QUIT, and ends TLS if the server answered.
    pub(crate) async fn quit(&mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.finish(&mut quit).await.map_err(|error| quit.quit_error(error))?;
        poll_fn(|cx| {
            self.stream.end(cx);
            Poll::Ready(())
        })
        .await;
        Ok(())
    }

    pub(crate) async fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        self.finish(&mut Call::new(exchange)).await
    }

    pub(crate) async fn finish<E: Exchange>(&mut self, call: &mut Call<E>) -> Result<E::Value, Error> {
        self.begin();
        poll_fn(|cx| self.poll_call(cx, call)).await
    }

    /// Begins a call, independent of earlier calls that were dropped.
    pub(crate) fn begin(&mut self) {
        self.turn = None;
    }

    pub(crate) fn poll_call<E: Exchange>(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call<E>,
    ) -> Poll<Result<E::Value, Error>> {
        self.poll_steps(cx, |conversation| conversation.step(call))
    }

    /// Polls until the message begins.
    pub(crate) fn poll_open(&mut self, cx: &mut Context<'_>, retrieval: &mut Retrieval) -> Poll<Result<(), Error>> {
        self.poll_steps(cx, |conversation| conversation.open(retrieval))
    }

    /// Polls until octets of the message can be taken (`true`) or the message is complete (`false`).
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>, retrieval: &mut Retrieval) -> Poll<Result<bool, Error>> {
        self.poll_steps(cx, |conversation| conversation.read(retrieval))
    }

    /// Polls until octets of the message were copied, or the message is complete (0).
    pub(crate) fn poll_body_into(
        &mut self,
        cx: &mut Context<'_>,
        retrieval: &mut Retrieval,
        space: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        self.poll_steps(cx, |conversation| conversation.read_into(retrieval, space))
    }

    /// Collects the rest of the message.
    pub(crate) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
        retrieval: &mut Retrieval,
        octets: &mut Vec<u8>,
    ) -> Poll<Result<(), Error>> {
        self.poll_steps(cx, |conversation| conversation.collect(retrieval, octets))
    }

    /// Repeats `step` until it is done, and does the I/O that each step needs.
    pub(crate) fn poll_steps<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>,
    ) -> Poll<Result<T, Error>> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => {
                    if self.conversation.client().awaiting() == Awaiting::Nothing {
                        self.clock.rest();
                    }
                    return Poll::Ready(Ok(value));
                }
                Step::NeedIo(io) => ready!(self.poll_io(cx, io)),
            }
        }
    }

    /// Returns the next message of a batch.
    pub(crate) fn poll_item<T>(&mut self, cx: &mut Context<'_>, batch: &mut Batch<T>) -> Poll<Option<Item<T>>> {
        loop {
            match batch.next(&mut self.conversation) {
                Step::Done(item) => return Poll::Ready(item),
                Step::NeedIo(io) => ready!(self.poll_io(cx, io)),
            }
        }
    }

    /// Reads what the server sent while no command was in flight.
    fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // If the thread was busy, the runtime has not polled the socket yet, and would report that there is nothing to
        // read.
        ready!(self.turn.get_or_insert_with(Turn::new).poll(cx));
        self.turn = None;
        // Mostly there is nothing to read yet. After an error, the next read returns an error or the end.
        let _ = self.poll_read_now(cx);
        self.conversation.looked();
        Poll::Ready(())
    }

    /// Does the I/O that is due. If it fails, the next step returns the error.
    fn poll_io(&mut self, cx: &mut Context<'_>, io: Io) -> Poll<()> {
        match io {
            Io::Look => self.poll_look(cx),
            Io::Transfer => {
                if let Err(error) = ready!(self.poll_transfer(cx)) {
                    self.conversation.abort(error);
                }
                Poll::Ready(())
            }
        }
    }

    /// Writes what the stream takes, and reads once. It waits for both, so that the server never has to read before its
    /// output is read. It is ready when something was read. If that completes a message, it writes the command for the
    /// next one.
    fn poll_transfer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.send(cx)?;
        self.clock.check(|deadlines| deadlines.answer(&self.conversation))?;
        let result = match self.poll_read(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ready!(self.clock.poll(cx, |deadlines| deadlines.answer(&self.conversation)))),
        };
        if result.is_ok() {
            self.send_next(cx);
        }
        Poll::Ready(result)
    }

    /// Asks for the next message if this one has arrived and nothing else has. A socket knows that without a system
    /// call. This message is complete, so errors are ignored: the next read returns an error or the end.
    fn send_next(&mut self, cx: &mut Context<'_>) {
        while self.conversation.has_next() {
            match self.poll_read_now(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return,
                Poll::Pending if self.stream.is_partial() => return,
                // The read before took everything that had arrived.
                Poll::Pending => {
                    self.conversation.send_next();
                    let _ = self.send(cx);
                    return;
                }
            }
        }
    }

    /// Reads even if the task has used up its budget. Then the runtime would report that there is nothing to read.
    fn poll_read_now(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let read = unconstrained(poll_fn(|cx| self.poll_read(cx)));
        pin!(read).poll(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = ReadBuf::new(self.conversation.spare());
        let read = self.stream.poll_read(cx, &mut space);
        let octets = space.filled().len();
        // TLS may have received too few octets to decrypt, but these count as received too.
        let received = octets.max(self.stream.received());
        if read.is_ready() || received > 0 {
            self.clock.advance(received);
        }
        match ready!(read) {
            Err(error) if !is_closed(&error) => return Poll::Ready(Err(error)),
            _ => self.conversation.filled(octets),
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what the stream takes, and flushes. The rest is left for the next call, for which the task is woken.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.write(cx) {
            Err(error) if is_closed(&error) => {
                self.conversation.write_failed();
                Ok(())
            }
            sent => sent,
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.conversation.pending().is_empty() {
            match self.stream.poll_write(cx, self.conversation.pending()) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(octets)) => {
                    self.conversation.written(octets);
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        if self.unflushed {
            if let Poll::Ready(flushed) = self.stream.poll_flush(cx) {
                flushed?;
                self.unflushed = false;
            }
        }
        Ok(())
    }
}

/// Returns `true` if the error means only that the peer closed the connection.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl<S> std::fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}
