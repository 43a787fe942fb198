//! A conversation and the stream that carries it.
//!
//! All of it is in polls: what is on its way lies here, never in a future, so that futures can be dropped.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pop3_proto::conversation::{Call, Conversation, Retrieval, Step};
use pop3_proto::exchange::Exchange;
use pop3_proto::{Entry, Rejected};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::patience::Patience;
use crate::{Cause, Error};

pub(crate) struct Link<S> {
    pub(crate) conversation: Conversation,
    pub(crate) stream: S,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
    pub(crate) patience: Patience,
    /// The stream has failed. What would come now is not what was waited for.
    failed: bool,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Boxed, because it moves from future to future, each of which would keep room for all of it, once or twice.
    pub(crate) fn new(stream: S, conversation: Conversation, patience: Patience) -> Box<Link<S>> {
        Box::new(Link { conversation, stream, window: 32 * 1024, patience, failed: false, unflushed: false })
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
            self.ready(cx).map_err(|cause| Error::new(call.doing(), cause))?;
        }
        self.poll_steps(cx, call, Conversation::step, Call::doing)
    }

    /// Until the message begins.
    pub(crate) fn poll_open(&mut self, cx: &mut Context<'_>, retrieval: &mut Retrieval) -> Poll<Result<(), Error>> {
        if !retrieval.is_sent() {
            self.ready(cx).map_err(|cause| Error::new(retrieval.doing(), cause))?;
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
                Step::Done(value) => return Poll::Ready(Ok(value)),
                Step::NeedIo => ready!(self.poll_io(cx)).map_err(|cause| Error::new(doing(what), cause))?,
            }
        }
    }

    /// Before a command: fails if the stream has failed before, else hears what an idle server has said meanwhile, lest
    /// it be taken for the answer to the command.
    pub(crate) fn ready(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if self.failed {
            return Err(Cause::Rejected(Rejected::Over));
        }
        if !self.conversation.is_idle() {
            return Ok(());
        }
        self.patience.renew();
        match self.poll_read(cx) {
            Poll::Ready(Err(error)) => Err(self.fail(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Writes what the stream takes and reads once: both are waited for, so that the server never has to read before it
    /// is read from. It is done when something was read.
    pub(crate) fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        if self.failed {
            return Poll::Ready(Err(Cause::Rejected(Rejected::Over)));
        }
        match self.send(cx) {
            Err(error) if !is_closed(&error) => return Poll::Ready(Err(self.fail(error))),
            // If the server hung up, what it said before is there to be read.
            _ => {}
        }
        let result = match self.poll_read(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ready!(self.patience.poll(cx))),
        };
        Poll::Ready(result.map_err(|error| self.fail(error)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = ReadBuf::new(self.conversation.spare());
        let octets = match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space)) {
            Ok(()) => space.filled().len(),
            Err(error) if is_closed(&error) => 0,
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.conversation.filled(octets);
        self.patience.renew();
        Poll::Ready(Ok(()))
    }

    /// What the stream does not take now is left for the next time, for which the task will be woken.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.conversation.pending().is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, self.conversation.pending()) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(octets)) => {
                    self.conversation.written(octets);
                    self.patience.renew();
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        if self.unflushed {
            if let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx) {
                flushed?;
                self.unflushed = false;
            }
        }
        Ok(())
    }

    fn fail(&mut self, error: io::Error) -> Cause {
        self.failed = true;
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
