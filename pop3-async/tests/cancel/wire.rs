//! A transport that cuts reads and writes anywhere, is not ready now and then, and has the embedded server at its end.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use pop3_async::Security;
use pop3_async::pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_async::pop3_proto::tls::rustls::ServerConnection;
use pop3_async::pop3_proto::{ServerConfig, Service};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::tls;

/// The capacity of the link between the client and the server, in octets.
const QUEUE: usize = 48;

#[derive(Debug)]
pub(crate) struct Wire {
    service: Service<MemoryMaildrop>,
    /// TLS, once it has begun.
    layer: Option<ServerConnection>,
    /// Lets the server announce PIPELINING.
    pipelining: bool,
    /// Octets that leave by a flush, or when there is no room for more.
    written: VecDeque<u8>,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    dice: u64,
}

impl Wire {
    pub(crate) fn new(store: &MailStore, security: Security, pipelining: bool, seed: u64) -> Wire {
        let (inside_tls, stls) = (security == Security::Tls, security == Security::StartTls);
        let plaintext_login = security == Security::Plaintext;
        let config = ServerConfig::new().plaintext_login(plaintext_login).inside_tls(inside_tls).stls(stls);
        let service = Service::new(store.maildrop(), config, None);
        let layer = inside_tls.then(tls::server);
        let dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let [written, to_server, to_client] = Default::default();
        Wire { service, layer, pipelining, written, to_server, to_client, dice }
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

    fn leave(&mut self) {
        self.to_server.append(&mut self.written);
    }

    /// Has the server take what it wants and say what fits.
    fn work(&mut self) {
        let Wire { service, layer, to_server, to_client, .. } = self;
        if let Some(tls) = layer {
            while !to_server.is_empty() {
                tls.read_tls(to_server).unwrap();
                tls.process_new_packets().unwrap();
            }
            if service.wants_tls() && !tls.is_handshaking() {
                service.tls_established();
            }
        }
        while service.wants_read() {
            let spare = service.spare();
            let octets = match layer {
                Some(tls) => tls.reader().read(spare).unwrap_or(0),
                None => to_server.read(spare).unwrap(),
            };
            if octets == 0 {
                break;
            }
            service.filled(octets);
        }
        // The answer to CAPA is said at once, so the word is never cut here.
        if to_client.is_empty() {
            let mut said = service.pending().to_vec();
            service.written(said.len());
            let word = b"PIPELINING";
            if let Some(at) = said.windows(word.len()).position(|run| run == word).filter(|_| !self.pipelining) {
                said[at] = b'X';
            }
            match layer {
                Some(tls) => {
                    tls.writer().write_all(&said).unwrap();
                    while tls.wants_write() {
                        tls.write_tls(to_client).unwrap();
                    }
                }
                None => to_client.extend(said),
            }
        }
        if layer.is_none() && service.wants_tls() {
            *layer = Some(tls::server());
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
        let room = QUEUE.saturating_sub(self.to_server.len() + self.written.len());
        if room == 0 {
            self.leave();
        }
        if self.roll(2) == 0 || room == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let written = self.cut().min(octets.len()).min(room);
        self.written.extend(&octets[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.roll(2) == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.leave();
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
