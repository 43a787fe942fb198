//! A transport that cuts reads and writes anywhere, is not ready now and then, and has the embedded server at its end.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use pop3_async::pop3_proto::memory::{MailStore, MemoryMaildrop};
use pop3_async::pop3_proto::{ServerConfig, Service};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much lies between the client and the server, in octets.
const QUEUE: usize = 48;

#[derive(Debug)]
pub(crate) struct Wire {
    service: Service<MemoryMaildrop>,
    /// Whether the server may say that it pipelines.
    pipelining: bool,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    dice: u64,
}

impl Wire {
    pub(crate) fn new(store: &MailStore, pipelining: bool, seed: u64) -> Wire {
        let config = ServerConfig { plaintext_login: true, ..ServerConfig::default() };
        let service = Service::new(store.maildrop(), config, None);
        let dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Wire { service, pipelining, to_server: VecDeque::new(), to_client: VecDeque::new(), dice }
    }

    /// A number below `sides` (xorshift).
    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice >> 33).unwrap() % sides
    }

    /// Often a few octets, sometimes many.
    fn cut(&mut self) -> usize {
        let most = 1 << self.roll(6);
        1 + self.roll(most)
    }

    /// Has the server take what it wants and say what fits.
    fn work(&mut self) {
        while self.service.wants_read() && !self.to_server.is_empty() {
            let spare = self.service.spare();
            let octets = spare.len().min(self.to_server.len());
            for (place, octet) in spare.iter_mut().zip(self.to_server.drain(..octets)) {
                *place = octet;
            }
            self.service.filled(octets);
        }
        // The answer to CAPA is said at once, so the word is never cut here.
        if self.to_client.is_empty() {
            let said = self.service.pending();
            let octets = said.len();
            self.to_client.extend(said);
            let word = b"PIPELINING";
            if let Some(at) = said.windows(word.len()).position(|run| run == word).filter(|_| !self.pipelining) {
                self.to_client[at] = b'X';
            }
            self.service.written(octets);
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.work();
        if self.roll(2) == 0 || (self.to_client.is_empty() && !self.service.is_over()) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let octets = self.cut().min(self.to_client.len()).min(space.remaining());
        self.to_client.drain(..octets).for_each(|octet| space.put_slice(&[octet]));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.work();
        let room = QUEUE.saturating_sub(self.to_server.len());
        if self.roll(2) == 0 || room == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let written = self.cut().min(octets.len()).min(room);
        self.to_server.extend(&octets[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.roll(2) == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// Polls a future so many times and then drops it.
pub(crate) fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}

pub(crate) fn finished<F: Future>(future: F) -> F::Output {
    polled(100_000, future).expect("it hangs")
}
