//! The wire as tokio sees it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use pop3_blocking::testing::faults::wire::Wire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A type of our own, because those of another crate cannot have the traits of a third.
pub(crate) struct Stream(pub(crate) Wire);

/// Not now, but soon.
fn later<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0.is_late() {
            return later(cx);
        }
        match self.0.down(space.initialize_unfilled())? {
            Some(octets) => {
                space.advance(octets);
                Poll::Ready(Ok(()))
            }
            // Nobody will ever wake it.
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if self.0.is_late() {
            let _ = self.0.refuse(io::ErrorKind::WouldBlock);
            return later(cx);
        }
        Poll::Ready(self.0.up(octets))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.is_late() { later(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
