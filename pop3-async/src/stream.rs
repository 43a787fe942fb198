//! What carries a conversation: a stream as it was given, or TLS on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) enum Stream<S> {
    Plain(S),
    /// Boxed, because a session without TLS should not keep room for it.
    #[cfg(feature = "tls")]
    Tls(Box<crate::tls::Secured<S>>),
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
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Whether there is something to be flushed that nobody has written: an answer of TLS's own.
    pub(crate) fn owes(&self) -> bool {
        match self {
            Stream::Plain(_) => false,
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.owes(),
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

    /// Says that nothing more will be sent, where the stream has a word for it. What does not go at once is not waited for.
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        match self {
            Stream::Plain(_) => {}
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => secured.close(cx),
        }
    }
}
