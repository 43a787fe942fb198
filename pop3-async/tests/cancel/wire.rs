//! A stream that cuts reads and writes anywhere, is not ready now and then, and has the embedded server at its end.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use pop3_async::Security;
use pop3_async::pop3_proto::ServerConfig;
use pop3_async::pop3_proto::serve::{MailStore, MemoryMaildrop};
use pop3_async::pop3_proto::testing::personality::{Personality, QuirkyService};
use pop3_async::testing::link::{Direction, Encrypted, Line, LinkStream, Schedule};

use crate::tls;

/// The most octets between the client and the server.
const QUEUE: usize = 48;
/// The number of different cuts of a stream.
const CUTS: usize = 97;

pub(crate) type Wire = LinkStream<Encrypted<QuirkyService<MemoryMaildrop>>>;

pub(crate) fn wire(store: &MailStore, security: Security, pipelining: bool, seed: u64) -> Wire {
    let (inside_tls, stls) = (security == Security::Tls, security == Security::StartTls);
    let plaintext_login = security == Security::Plaintext;
    let config = ServerConfig::new().plaintext_login(plaintext_login).inside_tls(inside_tls).stls(stls);
    let personality = Personality::new();
    let personality = if pipelining { personality } else { personality.hide_capability("PIPELINING") };
    let service = QuirkyService::new(store.maildrop(), config, None, personality);
    let encrypted = if inside_tls { Encrypted::inside } else { Encrypted::new };
    let server = encrypted(service, tls::server());

    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    // Octets leave by a flush, or when there is no room for more.
    let to_server = Direction::new().until_flush(true).capacity(QUEUE).writes(dice.cuts());
    let flushes: Vec<_> = (0..CUTS).map(|_| dice.roll(2) == 0).collect();
    let to_server = to_server.interrupted_flushes(flushes);
    let schedule = Schedule::new().to_server(to_server).to_client(Direction::new().cuts(dice.cuts()));
    LinkStream::new(Line::new(server, schedule))
}

struct Dice(u64);

impl Dice {
    /// Returns a number below `sides` (xorshift).
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Returns sizes of reads or writes: often a few octets, sometimes many, and for every other one, nothing before.
    fn cuts(&mut self) -> Vec<usize> {
        let mut cuts = Vec::new();
        for _ in 0..CUTS {
            if self.roll(2) == 0 {
                cuts.push(0);
            }
            let most = 1 << self.roll(6);
            cuts.push(1 + self.roll(most));
        }
        cuts
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
