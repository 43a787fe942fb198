//! One direction of a link.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;
use std::vec::Vec;

use super::Halt;
use super::schedule::{Corruption, Direction, Fault};

/// Octets on their way, and the times of their arrival.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    cuts: Sizes,
    writes: Sizes,
    capacity: usize,
    until_flush: bool,
    latency: Duration,
    /// Stalls to come, the next one last.
    stalls: Vec<(u64, Duration)>,
    /// Corruptions to come, the next one last.
    corruptions: Vec<(u64, Corruption)>,
    fault: Option<(u64, Fault)>,
    flushes: Sizes,
    octets: VecDeque<u8>,
    /// Numbers of octets that arrive together, and when. The octets that are in none wait for a flush.
    parcels: VecDeque<(usize, Duration)>,
    /// The number of octets that wait for a flush.
    held: usize,
    /// The number of octets that the pipe has taken so far, as they arrive.
    passed: u64,
    /// The latest arrival so far: nothing overtakes it.
    latest: Duration,
    /// The time at which the end of the stream arrives, once there is one.
    end: Option<Duration>,
}

impl Pipe {
    pub(super) fn new(direction: Direction) -> Pipe {
        let Direction { cuts, writes, capacity, until_flush, latency, mut stalls, mut corruptions, fault, .. } =
            direction;
        stalls.sort_by_key(|&(octets, _)| Reverse(octets));
        // Of two at the same place, the one that was added first comes first.
        corruptions.reverse();
        corruptions.sort_by_key(|&(octets, _)| Reverse(octets));
        let flushes = direction.interrupted_flushes.iter().map(|interrupted| usize::from(!interrupted)).collect();
        let mut pipe = Pipe {
            cuts: Sizes::new(cuts),
            writes: Sizes::new(writes),
            capacity: capacity.max(1),
            until_flush,
            latency,
            stalls,
            corruptions,
            fault,
            flushes: Sizes::new(flushes),
            octets: VecDeque::new(),
            parcels: VecDeque::new(),
            held: 0,
            passed: 0,
            latest: Duration::ZERO,
            end: None,
        };
        pipe.insert();
        if !pipe.until_flush {
            pipe.send(Duration::ZERO);
        }
        pipe
    }

    /// Returns the number of octets that the pipe has taken so far, as they arrive.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// Returns the fault that is due.
    pub(super) fn struck(&self) -> Option<Fault> {
        self.fault.filter(|(at, _)| *at <= self.passed).map(|(_, fault)| fault)
    }

    pub(super) fn write(&mut self, octets: &[u8], now: Duration) -> Result<usize, Halt> {
        // Inserted octets need no room.
        let room = self.capacity.saturating_sub(self.octets.len());
        if room == 0 {
            self.send(now);
            return Err(Halt::Blocked);
        }
        let left = self.fault.map_or(u64::MAX, |(at, _)| at.saturating_sub(self.passed));
        let len = octets.len().min(room).min(self.writes.next()?).min(small(left));
        let mut rest = &octets[..len];
        while !rest.is_empty() {
            let intact = self.corruptions.last().map_or(u64::MAX, |(at, _)| at.saturating_sub(self.passed));
            let (before, after) = rest.split_at(rest.len().min(small(intact)));
            self.take(before);
            rest = self.corrupt(after);
        }
        if !self.until_flush {
            self.send(now);
        }
        Ok(len)
    }

    fn take(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
        self.held += octets.len();
        self.passed += octets.len() as u64;
        self.insert();
    }

    /// Inserts the octets that are due.
    fn insert(&mut self) {
        while let Some(Corruption::Inserts(octets)) = self.next_corruption() {
            let len = octets.len();
            self.octets.extend(octets.clone());
            self.held += len;
            self.passed += len as u64;
            self.corruptions.pop();
        }
    }

    /// Takes the first octet with the corruption that is due, and returns the others.
    fn corrupt<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let Some((&octet, others)) = octets.split_first() else { return octets };
        let arrives = match self.next_corruption() {
            Some(Corruption::Flips(bits)) => &[octet ^ bits][..],
            Some(Corruption::Loses) => &[],
            Some(Corruption::Doubles) => &[octet; 2],
            // The inserted octets are in the pipe already.
            Some(Corruption::Inserts(_)) | None => return octets,
        };
        self.corruptions.pop();
        self.take(arrives);
        others
    }

    /// Returns the corruption that is due.
    fn next_corruption(&self) -> Option<&Corruption> {
        self.corruptions.last().filter(|(at, _)| *at <= self.passed).map(|(_, corruption)| corruption)
    }

    /// Sends the octets that wait for a flush, unless the schedule interrupts it.
    pub(super) fn flush(&mut self, now: Duration) -> Result<(), Halt> {
        self.flushes.next()?;
        self.send(now);
        Ok(())
    }

    /// Sends the octets that wait for a flush.
    pub(super) fn send(&mut self, now: Duration) {
        while self.held > 0 {
            let from = self.passed - self.held as u64;
            let at = self.arrival(from, now);
            let until_stall = self.stalls.last().map_or(u64::MAX, |(octets, _)| octets - from);
            let len = self.held.min(small(until_stall));
            match self.parcels.back_mut() {
                Some((octets, time)) if *time == at => *octets += len,
                _ => self.parcels.push_back((len, at)),
            }
            self.held -= len;
        }
    }

    /// Returns when the octet after the first `from` octets arrives if it is sent now.
    fn arrival(&mut self, from: u64, now: Duration) -> Duration {
        self.latest = self.latest.max(now.saturating_add(self.latency));
        while let Some((_, time)) = self.stalls.last().filter(|(octets, _)| *octets <= from) {
            self.latest = self.latest.saturating_add(*time);
            self.stalls.pop();
        }
        self.latest
    }

    /// Ends the stream after the octets that were sent. Octets that wait for a flush are lost.
    pub(super) fn end(&mut self, now: Duration) {
        self.octets.truncate(self.octets.len() - self.held);
        self.held = 0;
        let at = self.arrival(self.passed, now);
        self.end.get_or_insert(at);
    }

    /// Loses what is on its way, and ends the stream at once.
    pub(super) fn cut(&mut self, now: Duration) {
        self.octets.clear();
        self.parcels.clear();
        self.held = 0;
        self.end = Some(now);
    }

    /// Returns true if there are no octets on their way.
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Returns when something arrives next: octets, or the end of the stream.
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.parcels.front().map(|(_, at)| *at).or(self.end)
    }

    /// Reads octets that have arrived; 0 at the end of the stream.
    pub(super) fn read(&mut self, space: &mut [u8], now: Duration) -> Result<usize, Halt> {
        match self.next_arrival() {
            None => return Err(Halt::Blocked),
            Some(until) if until > now => return Err(Halt::Stalled { until }),
            Some(_) if self.parcels.is_empty() => return Ok(0),
            Some(_) => {}
        }
        let arrived: usize = self.parcels.iter().take_while(|(_, at)| *at <= now).map(|(octets, _)| octets).sum();
        let len = arrived.min(space.len()).min(self.cuts.next()?);
        for (place, octet) in space.iter_mut().zip(self.octets.drain(..len)) {
            *place = octet;
        }
        let mut left = len;
        while let Some((octets, _)) = self.parcels.front_mut().filter(|_| left > 0) {
            let taken = left.min(*octets);
            *octets -= taken;
            left -= taken;
            if *octets == 0 {
                self.parcels.pop_front();
            }
        }
        Ok(len)
    }
}

fn small(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

/// Sizes that are used in turn.
#[derive(Clone, Debug)]
struct Sizes {
    all: Vec<usize>,
    next: usize,
    interrupted: bool,
}

impl Sizes {
    const fn new(sizes: Vec<usize>) -> Sizes {
        Sizes { all: sizes, next: 0, interrupted: false }
    }

    /// Returns the next size. Zero interrupts, but not twice in a row: then it is no limit.
    fn next(&mut self) -> Result<usize, Halt> {
        let Some(&size) = self.all.get(self.next) else { return Ok(usize::MAX) };
        self.next = (self.next + 1) % self.all.len();
        self.interrupted = size == 0 && !self.interrupted;
        match size {
            0 if self.interrupted => Err(Halt::Interrupted),
            0 => Ok(usize::MAX),
            size => Ok(size),
        }
    }
}
