//! The download of messages in groups, with a check after each.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use pop3_blocking::{Session, Tcp};

use super::Run;
use super::pace::Pace;
use super::progress::Progress;
use super::receive::{Stop, digest, receive};
use super::report::Action;
use crate::check::Check;
use crate::digest::Sums;
use crate::failure::{Failure, Status};
use crate::safe;
use crate::survey::Found;

pub(super) struct Transfer<'a> {
    pub(super) session: &'a mut Session<Tcp>,
    pub(super) found: &'a BTreeMap<u32, Found>,
    pub(super) check: &'a Check,
    pub(super) run: &'a mut Run,
    pub(super) progress: Progress,
    /// The messages without a unique-id that were stored.
    pub(super) nameless: Vec<u32>,
    /// Those of them whose size differed from the scan listing.
    pub(super) inexact: Vec<u32>,
    /// The number of messages that were not requested because of `--limit`.
    pub(super) beyond: usize,
    /// The number of messages whose size differed from the scan listing, and whose octets were the same when nothing
    /// else was in flight.
    pub(super) confirmed: u32,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(
        session: &'a mut Session<Tcp>,
        found: &'a BTreeMap<u32, Found>,
        check: &'a Check,
        run: &'a mut Run,
        progress: Progress,
    ) -> Transfer<'a> {
        Transfer {
            session,
            found,
            check,
            run,
            progress,
            nameless: Vec::new(),
            inexact: Vec::new(),
            beyond: 0,
            confirmed: 0,
        }
    }
}

impl Transfer<'_> {
    /// The number of `confirmed` messages after which the server's sizes prove nothing. From then on, one message
    /// is requested at a time, which is cheaper than requesting each of them twice.
    const CONFIRMATIONS: u32 = 8;

    /// Downloads messages. A refused message does not stop the others.
    pub(super) fn all(&mut self, mut calm: &[u32], risky: &[u32]) -> Result<(), Failure> {
        let mut pace = Pace::default();
        while !calm.is_empty() && self.left() > 0 {
            let (group, rest) = calm.split_at(pace.group(calm, self.found).min(self.left()));
            calm = rest;
            let begun = Instant::now();
            self.group(group)?;
            pace.took(begun.elapsed());
        }
        self.beyond = calm.len();
        for (done, number) in risky.iter().enumerate() {
            if self.left() == 0 {
                self.beyond += risky.len() - done;
                break;
            }
            self.group(&[*number])?;
        }
        Ok(())
    }

    fn left(&self) -> usize {
        self.run.plan.left(self.run.delivery.delivered())
    }

    /// Downloads a group, checks that the answers fit the commands, and commits the group.
    fn group(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        let (mut asked, mut exact) = (0, HashSet::new());
        let unwritten = match self.receive_all(numbers, &mut asked, &mut exact) {
            Ok(()) => None,
            Err(Stop::Unwritten { why, .. }) => Some(why),
            Err(Stop::Session(failure)) => return Err(self.abort(failure, &numbers[..asked])),
        };
        if let Err(failure) = self.check.ask(self.session) {
            return Err(self.abort(failure, &numbers[..asked]));
        }
        let committed = match self.run.delivery.commit() {
            Ok(committed) => committed,
            Err(failure) => {
                self.blame(numbers);
                return Err(unwritten.unwrap_or(failure));
            }
        };
        safe::stored(committed.iter().filter(|(_, is_new)| *is_new).count());
        let run = &mut *self.run;
        self.progress.bar.suspend(|| {
            for (number, is_new) in &committed {
                let Some(message) = self.found.get(number) else { continue };
                run.report.tell(if *is_new { Action::Stored } else { Action::Known }, message);
                if message.unique_id.is_none() {
                    self.nameless.push(*number);
                    self.inexact.extend(Some(*number).filter(|number| !exact.contains(number)));
                }
            }
            run.report.flush();
        });
        unwritten.map_or(Ok(()), Err)
    }

    /// Receives messages. `exact` gets those that have the size in the scan listing.
    fn receive_all(&mut self, numbers: &[u32], asked: &mut usize, exact: &mut HashSet<u32>) -> Result<(), Stop> {
        let (mut odd, mut unwritten) = (Vec::new(), None);
        let pipelining = self.run.pipelining && self.confirmed < Transfer::CONFIRMATIONS && numbers.len() > 1;
        'stopped: for batch in numbers.chunks(if pipelining { numbers.len() } else { 1 }) {
            let mut messages = self.session.retrieve_many(batch.iter().copied());
            for number in batch {
                // This includes the message that is being read.
                *asked += 1;
                let Some(found) = self.found.get(number) else { continue };
                let received = match messages.next() {
                    Ok(None) => break,
                    Ok(Some(message)) => receive(message, &mut self.run.delivery, found, &self.progress.bar),
                    Err(error) if error.refused().is_some() => {
                        let run = &mut *self.run;
                        self.progress.bar.suspend(|| {
                            run.refusals.add(&error);
                            run.report.tell(Action::Refused, found);
                        });
                        self.progress.next();
                        continue;
                    }
                    Err(error) => return Err(Stop::Session(error.into())),
                };
                self.progress.next();
                match received {
                    Ok((octets, sums)) if octets != found.octets => odd.push((*number, sums)),
                    Ok(_) => _ = exact.insert(*number),
                    Err(Stop::Unwritten { why, others_can }) => {
                        let _ = self.run.delivery.trouble(found);
                        if !others_can {
                            unwritten = Some(Stop::Unwritten { why, others_can });
                            break 'stopped;
                        }
                        self.run.unwritten.get_or_insert(why);
                    }
                    Err(stop) => return Err(stop),
                }
            }
        }
        if pipelining {
            self.confirm(odd)?;
        }
        unwritten.map_or(Ok(()), Err)
    }

    /// Requests the messages whose size differs from the scan listing again, one at a time. If their octets differ now,
    /// answers were mixed up.
    fn confirm(&mut self, odd: Vec<(u32, Sums)>) -> Result<(), Stop> {
        for (number, sums) in odd {
            let Some(found) = self.found.get(&number) else { continue };
            match digest(self.session.retrieve(number)) {
                Ok(Ok(again)) if again == sums => self.confirmed += 1,
                Ok(Ok(_)) => {
                    let why = format!(
                        "message {number} was different when it was requested alone (the scan listing has {} octets); \
                         try --no-pipelining",
                        found.octets
                    );
                    return Err(Stop::Session(Failure::new(Status::Protocol, why)));
                }
                Ok(Err(error)) => {
                    // Nothing shows that it was received correctly. The next run requests it alone.
                    self.progress.bar.suspend(|| self.run.refusals.add(&error));
                    self.run.delivery.unstage(found);
                    self.blame(&[number]);
                }
                Err(failure) => {
                    self.blame(&[number]);
                    return Err(Stop::Session(failure));
                }
            }
        }
        Ok(())
    }

    /// Discards the messages since the last check. If the server broke the protocol, every requested message may be the
    /// cause. If the connection ended, the message that was being read may be.
    fn abort(&mut self, failure: Failure, asked: &[u32]) -> Failure {
        self.run.delivery.discard();
        match &failure {
            Failure::Because(Status::Protocol, _) => self.blame(asked),
            Failure::Because(Status::Io, _) => self.blame(&asked[asked.len().saturating_sub(1)..]),
            _ => {}
        }
        failure
    }

    fn blame(&mut self, numbers: &[u32]) {
        for message in numbers.iter().filter_map(|number| self.found.get(number)) {
            // If this fails, the next run requests the messages in the same order, as before.
            let _ = self.run.delivery.trouble(message);
        }
    }
}
