//! `fetch DIR`: downloads what is new into a Maildir, and deletes on the server only what is safely on disk.
//!
//! The order makes it safe to kill this at any moment: a message is synced to disk under a name that carries its mark, then
//! it is remembered, only then may it be marked as deleted, and QUIT alone deletes.
//!
//! POP3 has no tags. If one answer is not what it seems to be, as when a mail pretends to end and an answer of the server's
//! to follow, all later answers belong to other commands. So messages are downloaded in groups, and behind each group stands
//! a [check](Check). Only if it is passed did the answers fit the commands, and only then is the group delivered and
//! remembered. A session that breaks leaves no trace of the messages behind the last check. If it broke the protocol, those that were asked for
//! are remembered as troubled: the next run downloads them last, each alone, so that one of them cannot block the others.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pop3_blocking::{Error, Message, Session, Tcp};

use crate::check::Check;
use crate::delivery::Delivery;
use crate::digest::{Summing, Sums};
use crate::failure::{Failure, Status};
use crate::survey::{Found, Survey, survey};

/// Fetches, and ends the session. Without `pipelining`, no two messages are asked for at once.
pub(crate) fn run(
    mut session: Session<Tcp>,
    mut delivery: Delivery,
    delete: bool,
    pipelining: bool,
) -> Result<(), Failure> {
    let survey = survey(&mut session)?;
    delivery.observe(&survey)?;
    let check = Check::new(&mut session, &survey.found)?;
    if delete {
        compare_headers(&mut session, &survey, &mut delivery)?;
        check.ask(&mut session)?;
    }
    let found = &survey.found;
    let wanted: BTreeMap<_, _> =
        found.iter().filter(|(_, message)| !delivery.has(message)).map(|(n, m)| (*n, m)).collect();
    let octets = wanted.values().fold(0_u64, |octets, message| octets.saturating_add(message.octets));
    let mut transfer = Transfer {
        session: &mut session,
        found,
        check: &check,
        bar: progress_bar(octets),
        refusals: Refusals::default(),
        pipelining,
        confirmed: 0,
    };
    let transferred = transfer.all(&wanted, &mut delivery);
    transfer.bar.finish_and_clear();
    let mut refusals = transfer.refusals;
    let here = found.len() - wanted.len() + delivery.recognized();
    let summary = format!("{} new, {here} already here, {} refused", delivery.delivered(), refusals.count);

    let safe = found.iter().filter(|(_, message)| delivery.has(message)).map(|(number, message)| (*number, message));
    let ended = match transferred {
        Ok(()) if delete => {
            let safe = safe.collect();
            delete_all(session, &safe, &mut delivery, &mut refusals)
        }
        Ok(()) => {
            // Nothing is at stake.
            let _ = session.quit();
            Ok(0)
        }
        Err(failure) => Err(failure),
    };
    refusals.tell_the_rest();
    match ended {
        Ok(deleted) => eprintln!("pop3: {summary}; {deleted} deleted"),
        Err(failure) => {
            eprintln!("pop3: {summary}");
            return Err(failure);
        }
    }
    if refusals.count == 0 {
        return Ok(());
    }
    Err(Failure::new(Status::Refused, format!("the server refused {} requests", refusals.count)))
}

/// Requests that the server refused: the first ones are told, the others are counted.
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

/// Looks at the headers of what earlier runs have stored, before it is deleted: another client may have deleted a message,
/// and the server may have given its unique-id to a new one of the same size. Without TOP the size must do.
fn compare_headers(session: &mut Session<Tcp>, survey: &Survey, delivery: &mut Delivery) -> Result<(), Failure> {
    let known: Vec<_> = survey.found.iter().filter(|(_, message)| delivery.has(message)).map(|(n, _)| *n).collect();
    let (mut compared, mut refused) = (false, Vec::new());
    let mut headers = session.headers_many(known.iter().copied());
    for number in known {
        let Some(message) = survey.found.get(&number) else { continue };
        match headers.next() {
            Some(Ok((_, header))) => {
                delivery.compare_header(message, header.as_bytes())?;
                compared = true;
            }
            Some(Err(error)) if error.refused().is_some() => refused.push(message),
            Some(Err(error)) => return Err(error.into()),
            None => break,
        }
    }
    if compared {
        refused.into_iter().try_for_each(|message| delivery.doubt(message))?;
    }
    Ok(())
}

/// Why the download stops.
enum Stop {
    /// Something here failed, and the answers of the server are still in order.
    Here(Failure),
    /// The session is over.
    Session(Failure),
}

struct Transfer<'a> {
    session: &'a mut Session<Tcp>,
    found: &'a BTreeMap<NonZeroU32, Found>,
    check: &'a Check,
    bar: ProgressBar,
    refusals: Refusals,
    pipelining: bool,
    /// How many messages had another size than the scan listing has, and came the same when nothing else was in flight.
    confirmed: u32,
}

impl Transfer<'_> {
    /// After so many messages of another size that came the same twice, the server's sizes prove nothing.
    const CONFIRMATIONS: u32 = 8;

    /// Downloads messages. One that is refused does not stop the others.
    fn all(&mut self, wanted: &BTreeMap<NonZeroU32, &Found>, delivery: &mut Delivery) -> Result<(), Failure> {
        let (mut calm, mut troubled) = (Vec::new(), Vec::new());
        for (number, message) in wanted {
            match delivery.troubles(message) {
                0 => calm.push(*number),
                times => troubled.push((times, *number)),
            }
        }
        troubled.sort_unstable();
        let mut pace = Pace::default();
        let mut calm = calm.as_slice();
        while !calm.is_empty() {
            let (group, rest) = calm.split_at(pace.group(calm, wanted));
            calm = rest;
            let begun = Instant::now();
            self.group(group, delivery)?;
            pace.took(begun.elapsed());
        }
        for (_, number) in troubled {
            self.group(&[number], delivery)?;
        }
        Ok(())
    }

    /// Downloads a group, checks that the answers fit, and commits the group.
    fn group(&mut self, numbers: &[NonZeroU32], delivery: &mut Delivery) -> Result<(), Failure> {
        let mut asked = 0;
        let received = self.receive_all(numbers, &mut asked, delivery);
        let here = match received {
            Ok(()) => None,
            Err(Stop::Here(failure)) => Some(failure),
            Err(Stop::Session(failure)) => return Err(self.abort(failure, &numbers[..asked], delivery)),
        };
        if let Err(failure) = self.check.ask(self.session) {
            return Err(self.abort(failure, &numbers[..asked], delivery));
        }
        let committed = delivery.commit();
        here.map_or(committed, Err)
    }

    fn receive_all(&mut self, numbers: &[NonZeroU32], asked: &mut usize, delivery: &mut Delivery) -> Result<(), Stop> {
        let mut odd = Vec::new();
        let mut messages = self.session.retrieve_many(numbers.iter().copied());
        loop {
            // The message that is read now counts too.
            *asked = (*asked + 1).min(numbers.len());
            match messages.next() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    let number = message.number();
                    let Some(found) = self.found.get(&number) else { continue };
                    let (octets, sums) = receive(message, found, delivery, &self.bar)?;
                    if octets != found.octets {
                        odd.push((number, sums));
                    }
                }
                Err(error) if error.refused().is_some() => self.bar.suspend(|| self.refusals.add(&error)),
                Err(error) => return Err(Stop::Session(error.into())),
            }
        }
        if !self.pipelining || numbers.len() == 1 {
            return Ok(());
        }
        for (number, sums) in odd {
            if self.confirmed >= Transfer::CONFIRMATIONS {
                break;
            }
            let Some(found) = self.found.get(&number) else { continue };
            let message = self.session.retrieve(number).map_err(|error| Stop::Session(error.into()))?;
            let again = digest(message).map_err(Stop::Session)?;
            if again != sums {
                let why = format!(
                    "message {number} came otherwise when nothing else was asked for (the scan listing has {} octets); try \
                     --no-pipelining",
                    found.octets
                );
                return Err(Stop::Session(Failure::new(Status::Protocol, why)));
            }
            self.confirmed += 1;
        }
        Ok(())
    }

    /// Forgets what came since the last check. If the server broke the protocol, every message that was asked for may be why.
    /// If the connection ended, the one that was being read may be.
    fn abort(&self, failure: Failure, asked: &[NonZeroU32], delivery: &mut Delivery) -> Failure {
        delivery.discard();
        let troubled = match &failure {
            Failure::Because(Status::Protocol, _) => asked,
            Failure::Because(Status::Io, _) => &asked[asked.len().saturating_sub(1)..],
            _ => &[],
        };
        for message in troubled.iter().filter_map(|number| self.found.get(number)) {
            // If that fails, the next run asks for the messages in the same order: no worse than before.
            let _ = delivery.trouble(message);
        }
        failure
    }
}

/// How much is downloaded between two checks: little at first, so that a bad connection makes progress, and then what takes
/// about a second.
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
    /// Each is an open file until the check.
    const MESSAGES: usize = 128;

    /// How many of the messages belong to the next group: one or more.
    fn group(&self, numbers: &[NonZeroU32], wanted: &BTreeMap<NonZeroU32, &Found>) -> usize {
        let mut octets = 0_u64;
        let fits = |number: &&NonZeroU32| {
            octets = octets.saturating_add(wanted.get(*number).map_or(0, |message| message.octets));
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

/// Receives a message into the Maildir. Returns its octets and their digests.
fn receive(
    mut message: Message<'_, Tcp>,
    found: &Found,
    delivery: &mut Delivery,
    bar: &ProgressBar,
) -> Result<(u64, Sums), Stop> {
    let what = format!("message {} cannot be written", message.number());
    let failed = |delivery: &Delivery, error| Stop::Here(delivery.failed(&what, &error));
    let mut incoming = delivery.begin(found).map_err(|error| failed(delivery, error))?;
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

/// Receives a message, and keeps nothing but its digests.
fn digest(mut message: Message<'_, Tcp>) -> Result<Sums, Failure> {
    let mut summing = Summing::default();
    loop {
        let run = message.fill_buf().map_err(Failure::reading)?;
        if run.is_empty() {
            return Ok(summing.finish());
        }
        summing.update(run);
        let taken = run.len();
        message.consume(taken);
    }
}

/// Deletes messages, and ends the session. Returns how many the server says are gone.
fn delete_all(
    mut session: Session<Tcp>,
    safe: &BTreeMap<NonZeroU32, &Found>,
    delivery: &mut Delivery,
    refusals: &mut Refusals,
) -> Result<usize, Failure> {
    let mut marked = Vec::new();
    for deletion in session.delete_many(safe.keys().copied()) {
        match deletion {
            Ok(number) => marked.extend(safe.get(&number).copied()),
            Err(error) if error.refused().is_some() => refusals.add(&error),
            Err(error) => {
                let status = Status::from(&error);
                return Err(Failure::new(status, format!("nothing was deleted: {error}")));
            }
        }
    }
    delivery.quitting(&marked)?;
    match session.quit() {
        Ok(()) => {
            // If that fails, the next listing ends them.
            let _ = delivery.ended(&marked);
            Ok(marked.len())
        }
        // Without marks there is nothing that the answer could tell.
        Err(_) if marked.is_empty() => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// On a terminal only.
fn progress_bar(octets: u64) -> ProgressBar {
    if octets == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(octets).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
