//! `fetch DIR`: downloads new messages into a Maildir, and deletes on the server only messages that are safely on disk.
//!
//! The order of the steps makes it safe to kill the program at any moment: a message is synced to disk under a name
//! that contains its mark, then it is remembered, then it may be marked as deleted, and only QUIT deletes it.
//!
//! POP3 has no tags. If a mail imitates the end of a message and an answer of the server, all later answers belong to
//! other commands. So messages are downloaded in groups, with a [check](Check) after each group. If the check succeeds,
//! the answers fit the commands, and the group is delivered and remembered. If a session breaks, the messages after the
//! last check are discarded.
//!
//! One message must not block the others. If a session breaks, the messages that may be the cause are remembered as
//! troubled, and so is a message that cannot be written here. These, and those without a usable unique-id, are risky:
//! they are downloaded last, each in its own group, beginning with those that made the least trouble. Nothing is
//! deleted in a session that breaks. So with `--delete`, the risky messages are downloaded in a second session, after
//! the QUIT that deletes the safe ones, unless there is nothing else to do.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pop3_blocking::pop3_proto::wire::KnownCapability;
use pop3_blocking::{Error, MessageReader, Session, Tcp};

use crate::check::Check;
use crate::delivery::Delivery;
use crate::digest::{Summing, Sums};
use crate::failure::{Failure, Status};
use crate::survey::{Found, survey};

/// Fetches in one session or two. Without `pipelining`, one message is requested at a time.
pub(crate) fn run(
    open: impl Fn() -> Result<Session<Tcp>, Failure>,
    delivery: Delivery,
    delete: bool,
    pipelining: bool,
) -> Result<(), Failure> {
    let refusals = Refusals::default();
    let mut run = Run { delivery, delete, pipelining, refusals, unwritten: None, here: None, deleted: 0 };
    let ended = run.sessions(open);
    run.refusals.tell_the_rest();
    if let Some(here) = run.here {
        let (new, here) = (run.delivery.delivered(), here + run.delivery.recognized());
        let deleted = match &ended {
            Err(_) if run.deleted == 0 => String::new(),
            _ => format!("; {} deleted", run.deleted),
        };
        eprintln!("pop3: {new} new, {here} already here, {} refused{deleted}", run.refusals.count);
    }
    ended?;
    if let Some(failure) = run.unwritten {
        return Err(failure);
    }
    if run.refusals.count == 0 {
        return Ok(());
    }
    Err(Failure::new(Status::Refused, format!("the server refused {} requests", run.refusals.count)))
}

/// A run, with all its sessions.
struct Run {
    delivery: Delivery,
    delete: bool,
    pipelining: bool,
    refusals: Refusals,
    /// The error of a message that could not be written, while others could.
    unwritten: Option<Failure>,
    /// The number of messages that the first session recognized without a download.
    here: Option<usize>,
    deleted: usize,
}

/// A session with the messages that it has listed.
struct Visit {
    session: Session<Tcp>,
    found: BTreeMap<u32, Found>,
    check: Check,
}

impl Run {
    fn sessions(&mut self, open: impl Fn() -> Result<Session<Tcp>, Failure>) -> Result<(), Failure> {
        let is_done = self.first(open()?)?;
        if is_done { Ok(()) } else { self.second(open()?) }
    }

    /// Runs the first session. Returns `true` if no second one is needed.
    fn first(&mut self, session: Session<Tcp>) -> Result<bool, Failure> {
        let (mut visit, notice) = self.visit(session)?;
        if let Some(notice) = notice {
            eprintln!("pop3: {notice}");
        }
        if self.delete {
            self.compare_headers(&mut visit)?;
        }
        let (calm, risky) = self.wanted(&visit.found);
        self.here = Some(visit.found.len() - calm.len() - risky.len());
        let everything: Vec<_> = visit.found.keys().copied().collect();
        // Other messages that can be deleted are deleted first.
        if self.delete && !risky.is_empty() && risky.len() < everything.len() {
            self.fetch(visit, &calm, &[], &everything)?;
            return Ok(false);
        }
        self.fetch(visit, &calm, &risky, &everything)?;
        Ok(true)
    }

    /// Fetches the risky messages, and deletes those that were received.
    fn second(&mut self, session: Session<Tcp>) -> Result<(), Failure> {
        let (visit, _) = self.visit(session)?;
        let (_, risky) = self.wanted(&visit.found);
        self.fetch(visit, &[], &risky, &risky)
    }

    fn visit(&mut self, mut session: Session<Tcp>) -> Result<(Visit, Option<String>), Failure> {
        let survey = survey(&mut session)?;
        self.delivery.observe(&survey)?;
        let check = Check::new(&mut session, &survey.found)?;
        Ok((Visit { session, found: survey.found, check }, survey.notice))
    }

    /// Compares the headers of messages that earlier runs stored, before they are deleted: another client may have
    /// deleted a message, and the server may have given its unique-id to a new one of the same size. If the server has
    /// no TOP, only the size is compared.
    fn compare_headers(&mut self, visit: &mut Visit) -> Result<(), Failure> {
        let Visit { session, found, check } = visit;
        let known: Vec<_> = found.iter().filter(|(_, message)| self.delivery.has(message)).collect();
        if known.is_empty() {
            return Ok(());
        }
        let (mut compared, mut refused) = (false, Vec::new());
        for &(number, message) in &known {
            match digest(session.top(*number, 0)) {
                Ok(Ok(shown)) => {
                    compared = true;
                    if !self.delivery.has_header(message, &shown) {
                        self.delivery.doubt(message)?;
                    }
                }
                Ok(Err(error)) if error.refused().is_some() => refused.push(message),
                Ok(Err(_)) => self.delivery.doubt(message)?,
                Err(failure) => {
                    // The next run requests the whole message instead of its header, and requests it last.
                    self.delivery.doubt(message)?;
                    self.delivery.trouble(message)?;
                    return Err(failure);
                }
            }
        }
        if let Err(failure) = check.ask(session) {
            known.iter().try_for_each(|(_, message)| self.delivery.doubt(message))?;
            return Err(failure);
        }
        if !refused.is_empty() && (compared || announces_top(session)?) {
            refused.into_iter().try_for_each(|message| self.delivery.doubt(message))?;
        }
        Ok(())
    }

    /// Returns the messages that are not stored: the calm ones, and the risky ones in their order.
    fn wanted(&self, found: &BTreeMap<u32, Found>) -> (Vec<u32>, Vec<u32>) {
        let (mut calm, mut risky) = (Vec::new(), Vec::new());
        let lot = RandomState::new();
        for (number, message) in found.iter().filter(|(_, message)| !self.delivery.has(message)) {
            match self.delivery.troubles(message) {
                0 if message.unique_id.is_some() => calm.push(*number),
                // Nameless messages of the same size share their troubles, so their order is random.
                times => risky.push((times, message.unique_id.is_none().then(|| lot.hash_one(number)), *number)),
            }
        }
        risky.sort_unstable();
        (calm, risky.into_iter().map(|(_, _, number)| number).collect())
    }

    /// Downloads messages, deletes those of the `candidates` that are safe to delete, and ends the session.
    fn fetch(&mut self, visit: Visit, calm: &[u32], risky: &[u32], candidates: &[u32]) -> Result<(), Failure> {
        let Visit { mut session, found, check } = visit;
        let sizes = calm.iter().chain(risky).filter_map(|number| found.get(number)).map(|message| message.octets);
        let bar = progress_bar(sizes.fold(0, u64::saturating_add));
        let mut transfer =
            Transfer { session: &mut session, found: &found, check: &check, run: self, bar, confirmed: 0 };
        let transferred = transfer.all(calm, risky);
        transfer.bar.finish_and_clear();
        transferred?;
        if self.delete {
            let messages = candidates.iter().filter_map(|number| Some((*number, found.get(number)?)));
            let safe = messages.filter(|(_, message)| self.delivery.has(message)).collect();
            self.delete_all(session, &safe)
        } else {
            // Nothing is to be deleted, so an error of QUIT does not matter.
            let _ = session.quit();
            Ok(())
        }
    }

    /// Deletes messages, and ends the session.
    fn delete_all(&mut self, mut session: Session<Tcp>, safe: &BTreeMap<u32, &Found>) -> Result<(), Failure> {
        let mut marked = Vec::new();
        for deletion in session.delete_many(safe.keys().copied()) {
            match deletion {
                Ok(number) => marked.extend(safe.get(&number).copied()),
                Err(error) if error.refused().is_some() => self.refusals.add(&error),
                Err(error) => {
                    let status = Status::from(&error);
                    return Err(Failure::new(status, format!("nothing was deleted: {error}")));
                }
            }
        }
        self.delivery.quitting(&marked)?;
        match session.quit() {
            Ok(()) => {
                // If this fails, the next listing ends the marks.
                let _ = self.delivery.ended(&marked);
                self.deleted += marked.len();
                Ok(())
            }
            // Without deletions, the answer does not matter.
            Err(_) if marked.is_empty() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn announces_top(session: &mut Session<Tcp>) -> Result<bool, Failure> {
    match session.capabilities() {
        Ok(capabilities) => Ok(capabilities.any(|known| known == KnownCapability::Top)),
        Err(error) if error.is_recoverable() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The requests that the server refused. The first ones are shown, the others are counted.
#[derive(Debug, Default)]
struct Refusals {
    count: u64,
}

impl Refusals {
    const TOLD: u64 = 10;

    fn add(&mut self, error: &Error) {
        self.count += 1;
        if self.count <= Refusals::TOLD {
            eprintln!("pop3: {error}");
        }
    }

    fn tell_the_rest(&self) {
        if self.count > Refusals::TOLD {
            eprintln!("pop3: {} more refusals are not shown", self.count - Refusals::TOLD);
        }
    }
}

/// A reason to stop the download.
enum Stop {
    /// A message cannot be written. The answers of the server still fit the commands.
    Unwritten { why: Failure, others_can: bool },
    /// The session is over.
    Session(Failure),
}

struct Transfer<'a> {
    session: &'a mut Session<Tcp>,
    found: &'a BTreeMap<u32, Found>,
    check: &'a Check,
    run: &'a mut Run,
    bar: ProgressBar,
    /// The number of messages whose size differed from the scan listing, and whose octets were the same when nothing
    /// else was in flight.
    confirmed: u32,
}

impl Transfer<'_> {
    /// The number of `confirmed` messages after which the server's sizes prove nothing. From then on, one message
    /// is requested at a time, which is cheaper than requesting each of them twice.
    const CONFIRMATIONS: u32 = 8;

    /// Downloads messages. A refused message does not stop the others.
    fn all(&mut self, mut calm: &[u32], risky: &[u32]) -> Result<(), Failure> {
        let mut pace = Pace::default();
        while !calm.is_empty() {
            let (group, rest) = calm.split_at(pace.group(calm, self.found));
            calm = rest;
            let begun = Instant::now();
            self.group(group)?;
            pace.took(begun.elapsed());
        }
        risky.iter().try_for_each(|number| self.group(&[*number]))
    }

    /// Downloads a group, checks that the answers fit the commands, and commits the group.
    fn group(&mut self, numbers: &[u32]) -> Result<(), Failure> {
        let mut asked = 0;
        let unwritten = match self.receive_all(numbers, &mut asked) {
            Ok(()) => None,
            Err(Stop::Unwritten { why, .. }) => Some(why),
            Err(Stop::Session(failure)) => return Err(self.abort(failure, &numbers[..asked])),
        };
        if let Err(failure) = self.check.ask(self.session) {
            return Err(self.abort(failure, &numbers[..asked]));
        }
        let committed = self.run.delivery.commit();
        if committed.is_err() {
            self.blame(numbers);
        }
        unwritten.map_or(committed, Err)
    }

    fn receive_all(&mut self, numbers: &[u32], asked: &mut usize) -> Result<(), Stop> {
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
                    Ok(Some(message)) => receive(message, &mut self.run.delivery, found, &self.bar),
                    Err(error) if error.refused().is_some() => {
                        self.bar.suspend(|| self.run.refusals.add(&error));
                        continue;
                    }
                    Err(error) => return Err(Stop::Session(error.into())),
                };
                match received {
                    Ok((octets, sums)) if octets != found.octets => odd.push((*number, sums)),
                    Ok(_) => {}
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
                    self.bar.suspend(|| self.run.refusals.add(&error));
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

/// The octets to download between two checks: few at first, so that a bad connection makes progress, and then as many
/// as take about a second.
struct Pace {
    octets: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { octets: Pace::LEAST }
    }
}

impl Pace {
    const LEAST: u64 = 32 << 10;
    const MOST: u64 = 64 << 20;
    /// The maximum number of messages in a group. Each is an open file until the check.
    const MESSAGES: usize = 128;

    /// Returns the number of messages in the next group, which is at least 1.
    fn group(&self, numbers: &[u32], found: &BTreeMap<u32, Found>) -> usize {
        let mut octets = 0_u64;
        let fits = |number: &&u32| {
            octets = octets.saturating_add(found.get(*number).map_or(0, |message| message.octets));
            octets <= self.octets
        };
        numbers.iter().take(Pace::MESSAGES).take_while(fits).count().max(1)
    }

    fn took(&mut self, time: Duration) {
        if time < Duration::from_millis(500) {
            self.octets = (self.octets * 2).min(Pace::MOST);
        } else if time > Duration::from_secs(2) {
            self.octets = (self.octets / 2).max(Pace::LEAST);
        }
    }
}

/// Receives a message into the Maildir. Returns the number of its octets and their digests.
fn receive(
    mut message: MessageReader<'_, Tcp>,
    delivery: &mut Delivery,
    found: &Found,
    bar: &ProgressBar,
) -> Result<(u64, Sums), Stop> {
    let what = format!("message {} could not be written", message.number());
    let failed = |delivery: &Delivery, error: io::Error| Stop::Unwritten {
        why: delivery.failed(&what, &error),
        others_can: error.kind() == io::ErrorKind::FileTooLarge,
    };
    let mut incoming = delivery.begin().map_err(|error| failed(delivery, error))?;
    loop {
        let run = message.fill_buf().map_err(|error| Stop::Session(Failure::reading(error)))?;
        if run.is_empty() {
            break;
        }
        incoming.write(run).map_err(|error| failed(delivery, error))?;
        let taken = run.len();
        message.consume(taken);
        bar.inc(taken as u64);
    }
    delivery.stage(incoming, found).map_err(|error| failed(delivery, error))
}

/// Receives a message or a header, and keeps only its digests. After the inner error, the session can continue.
fn digest(message: Result<MessageReader<'_, Tcp>, Error>) -> Result<Result<Sums, Error>, Failure> {
    let mut message = match message {
        Ok(message) => message,
        Err(error) if error.is_recoverable() => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    let mut summing = Summing::default();
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            return Ok(Ok(summing.finish()));
        }
        summing.update(run);
        let taken = run.len();
        message.consume(taken);
    }
}

/// Returns a progress bar, which is hidden unless the standard error is a terminal.
fn progress_bar(octets: u64) -> ProgressBar {
    if octets == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(octets).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
