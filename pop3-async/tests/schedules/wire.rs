//! A link to the embedded server that cuts, delays and joins octets, and that may fail.
//!
//! `testing::link` is no substitute, because here the drivers are compared with each other: all three have the same
//! stream, which is late at the same calls, and whose hang is an error without a clock. It dies after the server has
//! answered everything that it got, so it is known exactly which answers arrive. On a link in memory, the client's
//! octets and the server's answers are lost together, as in a network.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pop3_proto::ServerConfig;
use pop3_proto::serve::Layered;
use pop3_proto::testing::failing::Failures;
use pop3_proto::testing::personality::{Personality, QuirkyService};
use pop3_proto::wire::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::maildrop::{Mail, TestMaildrop};

const TIMESTAMP: &[u8] = b"<1896.697170952@dbc.mtview.ca.us>";

/// The server and its maildrop before the session begins.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) mails: Vec<Mail>,
    /// The most octets that a read of the maildrop gives.
    pub(crate) max_read: usize,
    /// Announces PIPELINING.
    pub(crate) pipelining: bool,
    /// Offers APOP.
    pub(crate) timestamp: bool,
    /// Makes UPDATE fail.
    pub(crate) refuses: bool,
    /// Octets of commands that a batch keeps in flight.
    pub(crate) window: usize,
}

/// The behaviour of the link. Without throws, nothing is cut or delayed.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) throws: Vec<u8>,
    /// The most octets that lie between the client and the server.
    pub(crate) queue: usize,
    /// The octets that the link carries to the server and to the client before it dies.
    pub(crate) life: (usize, usize),
    pub(crate) death: Death,
}

impl Schedule {
    pub(crate) const IDEAL: Schedule =
        Schedule { throws: Vec::new(), queue: usize::MAX, life: (usize::MAX, usize::MAX), death: Death::Closes };
}

/// The behaviour of a link that died, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Writing fails, reading comes to the end.
    Closes,
    /// Writing fails, reading fails.
    Resets,
    /// Writing loses the octets, reading comes to the end: as with the first packet after the other side closed.
    Swallows,
    /// Writing loses the octets, reading takes too long.
    Hangs,
}

impl Death {
    pub(crate) const ALL: [Death; 4] = [Death::Closes, Death::Resets, Death::Swallows, Death::Hangs];
}

/// The octets to the server and those to the client.
pub(crate) type Carried = (Vec<u8>, Vec<u8>);

/// The octets that the link carried and the maildrop, for the checks after the session is gone.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) maildrop: TestMaildrop,
    pub(crate) carried: Rc<RefCell<Carried>>,
}

/// The way to the server, and the server.
#[derive(Debug)]
pub(crate) struct Wire {
    service: QuirkyService<Layered<TestMaildrop, Failures>>,
    schedule: Schedule,
    thrown: usize,
    /// Delays of the last write, read and flush: a call that was delayed last time is not delayed again.
    late: [bool; 3],
    /// The number of consecutive reads for octets that nobody will send.
    in_vain: u32,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    witness: Witness,
}

impl Wire {
    pub(crate) fn new(scene: &Scene, schedule: &Schedule) -> (Wire, Witness) {
        let maildrop = TestMaildrop::new(&scene.mails, scene.max_read);
        let timestamp = scene.timestamp.then(|| Timestamp::find(TIMESTAMP).unwrap());
        let config = ServerConfig::new().plaintext_login(true);
        let failures = if scene.refuses { Failures::new().fail_remove(1, 0) } else { Failures::new() };
        let personality = Personality::new();
        let personality = if scene.pipelining { personality } else { personality.hide_capability("PIPELINING") };
        let layered = Layered { maildrop: maildrop.clone(), layer: failures };
        let service = QuirkyService::new(layered, config, timestamp, personality);
        let witness = Witness { maildrop, carried: Rc::default() };
        let wire = Wire {
            service,
            schedule: schedule.clone(),
            thrown: 0,
            late: [false; 3],
            in_vain: 0,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            witness: witness.clone(),
        };
        (wire, witness)
    }

    /// A number that the schedule chooses.
    pub(crate) fn throw(&mut self) -> u8 {
        self.thrown += 1;
        let throws = &self.schedule.throws;
        if throws.is_empty() { 0 } else { throws[self.thrown % throws.len()] }
    }

    /// Returns how many of `len` octets travel together.
    fn part(&mut self, len: usize) -> usize {
        let part = match self.throw() {
            0 => len,
            few @ 1..=127 => usize::from(few % 5 + 1),
            many => usize::from(many).pow(2) / 8,
        };
        part.min(len)
    }

    fn is_late(&mut self, which: usize) -> bool {
        self.late[which] = !self.late[which] && self.throw() % 3 == 1;
        self.late[which]
    }

    /// Has the server take some of what was written, and say something.
    fn work(&mut self) {
        if self.service.wants_read() && !self.to_server.is_empty() {
            let most = self.service.spare().len().min(self.to_server.len());
            let len = self.part(most);
            for (place, octet) in self.service.spare().iter_mut().zip(self.to_server.drain(..len)) {
                *place = octet;
            }
            self.service.filled(len);
        }
        if self.to_client.is_empty() {
            let said = self.service.pending();
            let octets = said.len();
            assert!(octets <= 128 * 1024, "the server's output is bounded");
            self.to_client.extend(said);
            self.service.written(octets);
        }
    }

    /// Takes some octets for the server; `None` if not now.
    pub(crate) fn up(&mut self, octets: &[u8]) -> io::Result<Option<usize>> {
        let (up, down) = self.schedule.life;
        if up == 0 || down == 0 || self.service.is_over() {
            return match self.schedule.death {
                Death::Closes | Death::Resets => Err(ErrorKind::BrokenPipe.into()),
                Death::Swallows | Death::Hangs => Ok(Some(octets.len())),
            };
        }
        if self.is_late(0) {
            return Ok(None);
        }
        if self.to_server.len() >= self.schedule.queue || self.throw() % 2 == 1 {
            self.work();
        }
        let room = self.schedule.queue.saturating_sub(self.to_server.len());
        let len = self.part(octets.len().min(room)).min(up);
        self.to_server.extend(&octets[..len]);
        self.schedule.life.0 -= len;
        self.witness.carried.borrow_mut().0.extend(&octets[..len]);
        if len > 0 {
            self.in_vain = 0;
        }
        Ok(Some(len).filter(|&len| len > 0))
    }

    /// Gives some octets of the server, 0 at the end; `None` if not now.
    pub(crate) fn down(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        assert!(!space.is_empty(), "there is room where reading is wanted");
        let down = self.schedule.life.1;
        if down > 0 && self.is_late(1) {
            return Ok(None);
        }
        self.work();
        while self.to_client.is_empty() && self.service.wants_read() && !self.to_server.is_empty() {
            self.work();
        }
        let len = self.part(self.to_client.len().min(space.len())).min(down);
        if len > 0 {
            self.in_vain = 0;
            self.schedule.life.1 -= len;
            for (place, octet) in space.iter_mut().zip(self.to_client.drain(..len)) {
                *place = octet;
            }
            self.witness.carried.borrow_mut().1.extend(&space[..len]);
            return Ok(Some(len));
        }
        if down == 0 || self.schedule.life.0 == 0 || self.service.is_over() {
            return match self.schedule.death {
                Death::Closes | Death::Swallows => Ok(Some(0)),
                Death::Resets => Err(ErrorKind::ConnectionReset.into()),
                Death::Hangs => Err(ErrorKind::TimedOut.into()),
            };
        }
        self.in_vain += 1;
        assert!(self.in_vain < 100, "both wait");
        Ok(None)
    }
}

impl Read for Wire {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.down(space)?.ok_or_else(|| ErrorKind::Interrupted.into())
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A server that does not read has octets that the client must read first.
        let full = if self.service.wants_read() { ErrorKind::Interrupted } else { ErrorKind::WouldBlock };
        self.up(octets)?.ok_or_else(|| full.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_late(2) { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

/// Returns `Pending` for a result that is not ready, and wakes the task.
fn later<T>(cx: &Context<'_>, result: io::Result<Option<T>>) -> Poll<io::Result<T>> {
    let Some(result) = result.transpose() else {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    };
    Poll::Ready(result)
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let taken = self.down(space.initialize_unfilled());
        later(cx, taken).map_ok(|octets| space.advance(octets))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let given = self.up(octets);
        later(cx, given)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let late = self.is_late(2);
        later(cx, Ok(Some(()).filter(|()| !late)))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
