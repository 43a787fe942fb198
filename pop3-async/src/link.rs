//! A conversation and the stream that carries it.
//!
//! All of it is in polls: what is on its way lies here, never in a future, so that futures can be dropped.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use pop3_proto::conversation::{Call, Conversation, Retrieval, Step};
use pop3_proto::exchange::{Acknowledge, Exchange};
use pop3_proto::patience::Patience;
use pop3_proto::{Command, Entry, State};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::Clock;
use crate::stream::Stream;
use crate::tls::Settings;
use crate::{Cause, Error, LoginError, QuitError};

pub(crate) struct Link<S> {
    pub(crate) conversation: Conversation,
    pub(crate) stream: Stream<S>,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    pub(crate) clock: Clock,
    /// What TLS has to prove, if it is begun.
    pub(crate) tls: Option<Box<Settings>>,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Boxed, because it moves from future to future, each of which would keep room for all of it, once or twice.
    pub(crate) fn new(stream: S, conversation: Conversation, patience: Patience) -> Box<Link<S>> {
        Box::new(Link {
            conversation,
            stream: Stream::Plain(stream),
            window: 32 * 1024,
            clock: Clock::new(patience),
            tls: None,
            unflushed: false,
        })
    }

    /// The TLS handshake, after which the stream carries nothing but TLS. Dropped: the stream is dropped too.
    pub(crate) async fn start_tls(mut self: Box<Link<S>>) -> Result<Box<Link<S>>, LoginError> {
        let Some(settings) = self.tls.take() else { return Err(LoginError::NoTls) };
        let secured = self.stream.secure(&settings, &mut self.clock).await;
        let secured = secured.map_err(LoginError::Handshake)?;
        let binding = secured.channel_binding();
        self.stream = Stream::Tls(secured);
        if self.conversation.client().state() == State::Handshake {
            self.conversation.tls_established().map_err(pop3_proto::Error::widen)?;
        }
        if let Some(binding) = binding {
            self.conversation.set_channel_binding(binding);
        }
        Ok(self)
    }

    /// QUIT, and the end of TLS if it was answered.
    pub(crate) async fn quit(&mut self) -> Result<(), QuitError> {
        let mut quit = Call::new(Acknowledge(Command::Quit));
        self.finish(&mut quit).await.map_err(|error| QuitError::new(error, quit.is_sent()))?;
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
        poll_fn(|cx| self.poll_call(cx, call)).await
    }

    pub(crate) fn poll_call<E: Exchange>(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call<E>,
    ) -> Poll<Result<E::Value, Error>> {
        if !call.is_sent() {
            self.look(cx);
        }
        self.poll_steps(cx, call, Conversation::step, Call::doing)
    }

    /// Until the message begins.
    pub(crate) fn poll_open(&mut self, cx: &mut Context<'_>, retrieval: &mut Retrieval) -> Poll<Result<(), Error>> {
        if !retrieval.is_sent() {
            self.look(cx);
        }
        self.poll_steps(cx, retrieval, Conversation::open, Retrieval::doing)
    }

    /// Until there are octets of the message to be taken: `true`, or it is complete.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>, retrieval: &mut Retrieval) -> Poll<Result<bool, Error>> {
        self.poll_steps(cx, retrieval, Conversation::read, Retrieval::doing)
    }

    /// Collects what is left of the message.
    pub(crate) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
        retrieval: &mut Retrieval,
        octets: &mut Vec<u8>,
    ) -> Poll<Result<(), Error>> {
        let collect =
            |conversation: &mut Conversation, retrieval: &mut Retrieval| conversation.collect(retrieval, octets);
        self.poll_steps(cx, retrieval, collect, Retrieval::doing)
    }

    fn poll_steps<C, T>(
        &mut self,
        cx: &mut Context<'_>,
        what: &mut C,
        mut step: impl FnMut(&mut Conversation, &mut C) -> Result<Step<T>, pop3_proto::Error>,
        doing: impl Fn(&C) -> String,
    ) -> Poll<Result<T, Error>> {
        loop {
            match step(&mut self.conversation, what).map_err(pop3_proto::Error::widen)? {
                Step::Done(value) => {
                    if self.conversation.is_idle() {
                        self.clock.rest();
                    }
                    return Poll::Ready(Ok(value));
                }
                Step::NeedIo => ready!(self.poll_io(cx)).map_err(|cause| Error::new(doing(what), cause))?,
            }
        }
    }

    /// Before a command: hears what an idle server has said meanwhile, lest it be taken for the answer to the command.
    pub(crate) fn look(&mut self, cx: &mut Context<'_>) {
        if self.conversation.is_idle() {
            // There is nothing yet, mostly; after an error the next read finds an error or the end.
            let _ = self.poll_read(cx);
        }
    }

    /// Writes what the stream takes and reads once: both are waited for, so that the server never has to read before it
    /// is read from. It is done when something was read.
    pub(crate) fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        match self.send(cx) {
            Err(error) if !is_closed(&error) => return Poll::Ready(Err(self.fail(error))),
            // If the server hung up, what it said before is there to be read.
            _ => {}
        }
        let left = |patience: &mut Patience| patience.answer(&self.conversation);
        if let Err(overdue) = self.clock.check(left) {
            return Poll::Ready(Err(self.fail(overdue.into())));
        }
        let result = match self.poll_read(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ready!(self.clock.poll(cx, |patience| patience.answer(&self.conversation)))),
        };
        Poll::Ready(result.map_err(|error| self.fail(error)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = ReadBuf::new(self.conversation.spare());
        let read = self.stream.poll_read(cx, &mut space);
        let octets = space.filled().len();
        // Of octets inside TLS there may be too few yet to make something of, but they came.
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

    /// What the stream does not take now is left for the next time, for which the task will be woken.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
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

    fn fail(&mut self, error: io::Error) -> Cause {
        self.conversation.break_off();
        Cause::Transport(error)
    }

    pub(crate) fn set_log(&mut self, log: impl FnMut(Entry<'_>) + Send + 'static) {
        self.conversation.set_log(log);
    }
}

/// Whether it says no more than that the other side is gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl<S> std::fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}
