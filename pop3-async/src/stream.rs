//! The stream of a conversation, with or without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(feature = "tls")]
use crate::clock::Clock;
#[cfg(feature = "tls")]
use crate::tls::{Secured, Settings};

pub(crate) enum Stream<S> {
    Plain(S),
    /// Boxed, because a session without TLS should not reserve room for it.
    #[cfg(feature = "tls")]
    Tls(Box<Secured<S>>),
}

impl<S> Stream<S> {
    pub(crate) fn get_ref(&self) -> &S {
        match self {
            Stream::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.get_ref(),
        }
    }

    pub(crate) fn into_inner(self) -> S {
        match self {
            Stream::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.into_inner(),
        }
    }

    /// Returns the number of octets received since the last call that did not yield any data yet.
    pub(crate) fn received(&mut self) -> usize {
        match self {
            Stream::Plain(_) => 0,
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.received(),
        }
    }

    /// Returns true if a record of TLS has arrived in part, and so cannot be read yet.
    pub(crate) fn is_partial(&self) -> bool {
        match self {
            Stream::Plain(_) => false,
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.is_partial(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Begins TLS, and returns the replacement for this stream.
    #[cfg(feature = "tls")]
    pub(crate) async fn secure(self, settings: &Settings, clock: &mut Clock) -> io::Result<Box<Secured<S>>> {
        match self {
            Stream::Plain(stream) => settings.secure(stream, clock).await.map(Box::new),
            // Not reached: STLS is not permitted inside TLS.
            Stream::Tls(secured) => Ok(secured),
        }
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, space),
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.poll_read(cx, space),
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, octets),
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.poll_write(cx, octets),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.poll_flush(cx),
        }
    }

    /// Closes TLS, if there is any.
    #[cfg_attr(not(feature = "tls"), allow(unused_variables, reason = "nothing is to be closed"))]
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) {
        match self {
            Stream::Plain(_) => {}
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.end(cx),
        }
    }
}
