//! A stream to the embedded server with a fault after a chosen octet, and a record of the octets that came through.
//!
//! It is no [link](crate::testing::link), because its faults and its record are those of a stream of std: errors by
//! their kind, a time-out after which the octets still arrive, and how much had been read when each octet was first
//! offered to a write. The [judge](super::judge) needs these.
//!
//! See [`faults`](super) for an example.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};

use super::fault::{Fault, Kind, Way};
use super::host::{Host, Said};
use super::maildrop::{Removed, Scene};

/// The octets that came through, as the client saw them.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The octets that the client wrote and the stream took.
    pub said: Vec<u8>,
    /// The number of octets that had been read when each of them was first offered.
    pub since: Vec<usize>,
    /// The octets that the client read.
    pub heard: Vec<u8>,
    /// The octets that the server sent, if there is TLS.
    pub encrypted: Vec<u8>,
    /// Their plaintext, in parts, each with the number of octets that the client must have read to know it.
    pub plaintext: Vec<(usize, Vec<u8>)>,
    /// The end of the connection, if the client saw one.
    pub end: Option<End>,
    /// The number of octets that had been read when the octets that are not yet taken were first offered.
    pub unwritten: Option<usize>,
}

/// The end of a connection, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing more can be read.
    Closed,
    /// Reading or writing failed.
    Failed(ErrorKind),
}

/// A stream to a server, and the server itself.
#[derive(Debug)]
pub struct Wire {
    host: Host,
    is_encrypted: bool,
    fault: Option<Fault>,
    /// The most octets that a call carries.
    piece: usize,
    calls: usize,
    /// Octets that the server has got.
    sent: usize,
    /// Octets that the server has said.
    made: usize,
    to_client: VecDeque<u8>,
    /// The octets that the server sends after the fault.
    late: VecDeque<u8>,
    /// The fault that has occurred, which ends the connection when the octets before it are read.
    over: Option<Kind>,
    /// Reads and writes since the client saw the end.
    in_vain: usize,
    record: Arc<Mutex<Record>>,
}

/// The record of a wire, which outlives the wire.
#[derive(Debug)]
pub struct Observer {
    record: Arc<Mutex<Record>>,
    removed: Removed,
}

impl Observer {
    /// Returns the octets that came through, and the messages that UPDATE removed.
    ///
    /// # Panics
    ///
    /// Panics if the wire has panicked.
    pub fn record(self) -> (Record, Option<Vec<u32>>) {
        let record = std::mem::take(&mut *self.record.lock().unwrap());
        let removed = self.removed.lock().unwrap().take();
        (record, removed)
    }
}

impl Wire {
    /// Creates a stream with a fault or none, whose calls carry no more than `piece` octets each.
    pub fn new(scene: &Scene, fault: Option<Fault>, piece: usize) -> (Wire, Observer) {
        let (host, removed) = Host::new(scene);
        let record = Arc::<Mutex<Record>>::default();
        let mut wire = Wire {
            host,
            is_encrypted: scene.protection.is_some(),
            fault,
            piece,
            calls: 0,
            sent: 0,
            made: 0,
            to_client: VecDeque::new(),
            late: VecDeque::new(),
            over: None,
            in_vain: 0,
            record: Arc::clone(&record),
        };
        wire.arrive();
        wire.work();
        (wire, Observer { record, removed })
    }

    /// Returns whether the caller must wait for a moment.
    ///
    /// # Panics
    ///
    /// Panics if the client calls again and again.
    pub fn is_late(&mut self) -> bool {
        self.calls += 1;
        assert!(self.calls < 100_000, "there is no end to it");
        self.piece < usize::MAX && self.calls % 5 == 0
    }

    fn strikes(&self, way: Way, at: usize) -> Option<Kind> {
        self.fault.filter(|fault| (fault.way, fault.at) == (way, at)).map(|fault| fault.kind)
    }

    /// The client sees the end.
    fn end(&mut self, end: End) {
        self.record.lock().unwrap().end.get_or_insert(end);
        self.in_vain += 1;
        assert!(self.in_vain < 4, "it does not take the end for an end");
    }

    /// Has the server say what it has to say.
    fn work(&mut self) {
        let Said { octets, plaintext, known } = self.host.say();
        if self.is_encrypted {
            let mut record = self.record.lock().unwrap();
            record.encrypted.extend(&octets);
            record.plaintext.push((self.made + known, plaintext));
        }
        self.pass(&octets);
    }

    fn pass(&mut self, said: &[u8]) {
        let to_fault = match self.fault {
            Some(Fault { way: Way::ToClient, at, .. }) if self.over.is_none() => at.saturating_sub(self.made),
            _ => usize::MAX,
        };
        let (before, after) = said.split_at(to_fault.min(said.len()));
        let queue = if self.over.is_none() { &mut self.to_client } else { &mut self.late };
        queue.extend(before);
        self.made += before.len();
        if !before.is_empty() {
            self.arrive();
        }
        let Some((&octet, after)) = after.split_first() else { return };
        match self.strikes(Way::ToClient, self.made) {
            Some(Kind::Flips(bits)) => self.to_client.push_back(octet ^ bits),
            Some(Kind::Doubles) => self.to_client.extend([octet; 2]),
            Some(Kind::Loses) => {}
            _ if self.over.is_none() => self.to_client.push_back(octet),
            _ => self.late.push_back(octet),
        }
        self.made += 1;
        let queue = if self.over.is_none() { &mut self.to_client } else { &mut self.late };
        queue.extend(after);
        self.made += after.len();
    }

    /// Applies a fault that does not change an octet, at once after the octet before it.
    fn arrive(&mut self) {
        match self.strikes(Way::ToClient, self.made) {
            None | Some(Kind::Flips(_) | Kind::Loses | Kind::Doubles) => {}
            Some(Kind::Inserts(octets)) => self.to_client.extend(octets),
            ended => self.over = ended,
        }
    }

    /// Takes some octets for the server.
    ///
    /// # Errors
    ///
    /// Returns the error that the fault demands, or that the server is gone.
    pub fn up(&mut self, octets: &[u8]) -> io::Result<usize> {
        if let ended @ Some(kind) = self.strikes(Way::ToServer, self.sent) {
            self.over = ended;
            if kind == Kind::Resets {
                self.to_client.clear();
            }
        }
        let left = match (self.over, self.fault) {
            (Some(Kind::Closes), _) => return self.refuse(ErrorKind::BrokenPipe),
            (Some(Kind::Resets), _) => return self.refuse(ErrorKind::ConnectionReset),
            (Some(Kind::Fails(kind)), Some(Fault { way: Way::ToServer, .. })) => {
                self.end(End::Failed(kind));
                return self.refuse(kind);
            }
            (Some(Kind::TakesNothing), _) => {
                self.end(End::Failed(ErrorKind::WriteZero));
                return self.refuse(ErrorKind::WriteZero).or(Ok(0));
            }
            (Some(Kind::Swallows | Kind::Hangs), _) => return Ok(self.take(octets, usize::MAX)),
            _ if self.host.is_over() => return self.refuse(ErrorKind::BrokenPipe),
            (None, Some(Fault { way: Way::ToServer, at, .. })) => at - self.sent,
            _ => usize::MAX,
        };
        let len = self.take(octets, left);
        self.host.hear(&octets[..len]);
        self.work();
        self.sent += len;
        Ok(len)
    }

    /// Returns this error of a write, and takes down that the client has offered octets that were not taken.
    ///
    /// # Errors
    ///
    /// Always returns this error.
    ///
    /// # Panics
    ///
    /// Panics if the wire has panicked.
    pub fn refuse(&mut self, kind: ErrorKind) -> io::Result<usize> {
        let mut record = self.record.lock().unwrap();
        let heard = record.heard.len();
        record.unwritten.get_or_insert(heard);
        Err(kind.into())
    }

    /// Takes as much of what is offered as a call carries and is left to be carried.
    fn take(&mut self, octets: &[u8], left: usize) -> usize {
        let len = octets.len().min(self.piece).min(left);
        let mut record = self.record.lock().unwrap();
        let heard = record.heard.len();
        let since = *record.unwritten.get_or_insert(heard);
        if len == octets.len() {
            record.unwritten = None;
        }
        record.said.extend(&octets[..len]);
        record.since.extend(octets[..len].iter().map(|_| since));
        len
    }

    /// Gives some octets of the server, 0 at the end; `None` if there is nothing yet.
    ///
    /// # Errors
    ///
    /// Returns the error that the fault demands.
    ///
    /// # Panics
    ///
    /// Panics if there is no room for octets, or if the client reads on after the end.
    pub fn down(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        assert!(!space.is_empty(), "there is room where reading is wanted");
        if !self.to_client.is_empty() {
            let len = self.to_client.len().min(space.len()).min(self.piece);
            for (place, octet) in space.iter_mut().zip(self.to_client.drain(..len)) {
                *place = octet;
            }
            let mut record = self.record.lock().unwrap();
            if record.end.is_none() {
                record.heard.extend(&space[..len]);
            }
            return Ok(Some(len));
        }
        match self.over {
            Some(Kind::Closes | Kind::Swallows) => self.end(End::Closed),
            Some(Kind::Resets) => {
                self.end(End::Closed);
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(Kind::Fails(kind)) => {
                self.end(End::Failed(kind));
                if matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock) {
                    std::mem::swap(&mut self.to_client, &mut self.late);
                }
                return Err(kind.into());
            }
            None if self.host.is_over() => self.end(End::Closed),
            _ => return Ok(None),
        }
        Ok(Some(0))
    }
}

impl Read for Wire {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.is_late() {
            return Err(ErrorKind::Interrupted.into());
        }
        self.down(space)?.ok_or_else(|| {
            self.end(End::Failed(ErrorKind::TimedOut));
            ErrorKind::TimedOut.into()
        })
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.is_late() { self.refuse(ErrorKind::Interrupted) } else { self.up(octets) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_late() { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
