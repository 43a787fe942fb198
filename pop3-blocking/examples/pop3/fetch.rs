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

mod headers;
mod outlook;
mod pace;
mod plan;
mod progress;
mod receive;
mod refusals;
mod report;
mod transfer;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use pop3_blocking::{Session, Tcp};

pub(crate) use plan::Plan;
use progress::Progress;
use refusals::Refusals;
use report::{Action, Report};
use transfer::Transfer;

use crate::check::Check;
use crate::delivery::Delivery;
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::survey::{Found, some, survey};
use crate::{notes, safe};

/// Fetches in one session or two. Without `pipelining`, one message is requested at a time.
pub(crate) fn run(
    open: impl Fn() -> Result<Session<Tcp>, Failure>,
    delivery: Delivery,
    plan: &Plan,
    pipelining: bool,
    out: Output,
) -> Result<(), Failure> {
    let mut run = Run {
        delivery,
        plan: plan.clone(),
        pipelining,
        report: Report::new(out),
        refusals: Refusals::default(),
        unwritten: None,
        here: None,
        skipped: 0,
        beyond: 0,
        deleted: 0,
    };
    if plan.dry_run {
        run.look(open()?)?;
        return run.report.end();
    }
    let ended = run.sessions(open);
    run.refusals.tell_the_rest();
    run.summarize(ended.is_ok());
    let Run { unwritten, refusals, report, .. } = run;
    ended?;
    if let Some(failure) = unwritten.or_else(|| refusals.failure()) {
        return Err(failure);
    }
    report.end()
}

/// A run, with all its sessions.
struct Run {
    delivery: Delivery,
    plan: Plan,
    pipelining: bool,
    report: Report,
    refusals: Refusals,
    /// The error of a message that could not be written, while others could.
    unwritten: Option<Failure>,
    /// The number of messages that the first session recognized without a download.
    here: Option<usize>,
    /// The number of messages that are too large.
    skipped: usize,
    /// The number of messages that `--limit` left for the next run.
    beyond: usize,
    deleted: usize,
}

/// A session with the messages that it has listed.
struct Visit {
    session: Session<Tcp>,
    found: BTreeMap<u32, Found>,
    check: Check,
}

/// The messages that are not stored.
struct Wanted {
    calm: Vec<u32>,
    /// In the order in which they are to be downloaded.
    risky: Vec<u32>,
    /// Those that are too large.
    skipped: Vec<u32>,
}

impl Run {
    fn sessions(&mut self, open: impl Fn() -> Result<Session<Tcp>, Failure>) -> Result<(), Failure> {
        let is_done = self.first(open()?)?;
        if is_done { Ok(()) } else { self.second(open()?) }
    }

    /// Runs the first session. Returns `true` if no second one is needed.
    fn first(&mut self, session: Session<Tcp>) -> Result<bool, Failure> {
        let (visit, Wanted { calm, risky, .. }) = self.begin(session)?;
        let everything: Vec<_> = visit.found.keys().copied().collect();
        // Other messages that can be deleted are deleted first.
        if self.plan.delete && !risky.is_empty() && risky.len() < everything.len() {
            self.fetch(visit, &calm, &[], &everything)?;
            let is_full = self.plan.left(self.delivery.delivered()) == 0;
            self.beyond += if is_full { risky.len() } else { 0 };
            return Ok(is_full);
        }
        self.fetch(visit, &calm, &risky, &everything)?;
        Ok(true)
    }

    /// Lists the messages of the first session, and finds out which of them are wanted.
    fn begin(&mut self, session: Session<Tcp>) -> Result<(Visit, Wanted), Failure> {
        let (mut visit, notice) = self.visit(session)?;
        if let Some(notice) = notice {
            notes::warning(notice);
        }
        if self.plan.delete {
            self.compare_headers(&mut visit)?;
        }
        let wanted = self.wanted(&visit.found);
        for message in wanted.skipped.iter().filter_map(|number| visit.found.get(number)) {
            let Found { number, octets, .. } = message;
            notes::note(format_args!("message {number} is skipped, and stays on the server: it has {octets} octets"));
            self.report.tell(Action::Skipped, message);
        }
        self.skipped = wanted.skipped.len();
        self.here = Some(visit.found.len() - wanted.calm.len() - wanted.risky.len() - self.skipped);
        Ok((visit, wanted))
    }

    /// Fetches the risky messages, and deletes those that were received.
    fn second(&mut self, session: Session<Tcp>) -> Result<(), Failure> {
        let (visit, _) = self.visit(session)?;
        let Wanted { risky, .. } = self.wanted(&visit.found);
        self.fetch(visit, &[], &risky, &risky)
    }

    fn visit(&mut self, mut session: Session<Tcp>) -> Result<(Visit, Option<String>), Failure> {
        let survey = survey(&mut session)?;
        self.delivery.observe(&survey)?;
        let check = Check::new(&mut session, &survey.found)?;
        Ok((Visit { session, found: survey.found, check }, survey.notice))
    }

    fn wanted(&self, found: &BTreeMap<u32, Found>) -> Wanted {
        let (mut calm, mut risky, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        let random = RandomState::new();
        for (number, message) in found.iter().filter(|(_, message)| !self.delivery.has(message)) {
            if self.plan.skips(message.octets) {
                skipped.push(*number);
                continue;
            }
            match self.delivery.troubles(message) {
                0 if message.unique_id.is_some() => calm.push(*number),
                // Nameless messages of the same size share their troubles, so their order is random.
                times => risky.push((times, message.unique_id.is_none().then(|| random.hash_one(number)), *number)),
            }
        }
        risky.sort_unstable();
        Wanted { calm, risky: risky.into_iter().map(|(_, _, number)| number).collect(), skipped }
    }

    /// Downloads messages, deletes those of the `candidates` that are safe to delete, and ends the session.
    fn fetch(&mut self, visit: Visit, calm: &[u32], risky: &[u32], candidates: &[u32]) -> Result<(), Failure> {
        let Visit { mut session, found, check } = visit;
        let sizes = calm.iter().chain(risky).filter_map(|number| found.get(number)).map(|message| message.octets);
        let progress = Progress::new(calm.len() + risky.len(), sizes.fold(0, u64::saturating_add));
        let mut transfer = Transfer::new(&mut session, &found, &check, self, progress);
        let transferred = transfer.all(calm, risky);
        transfer.progress.bar.finish_and_clear();
        let (nameless, mut inexact, beyond) = (transfer.nameless, transfer.inexact, transfer.beyond);
        self.beyond += beyond;
        transferred?;
        if self.plan.delete {
            let messages = candidates.iter().filter_map(|number| Some((*number, found.get(number)?)));
            let here: BTreeMap<_, _> =
                messages.filter(|(number, message)| self.delivery.has(message) || nameless.contains(number)).collect();
            let is_safe = |number: &u32, message: &Found| match &message.unique_id {
                Some(_) => self.delivery.has_for(message, self.plan.keep_days),
                // Message numbers are valid until QUIT.
                None => self.plan.no_uidl && nameless.contains(number) && !inexact.contains(number),
            };
            let (safe, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
                here.into_iter().partition(|(number, message)| is_safe(number, message));
            for message in kept.values() {
                self.report.tell(Action::Kept, message);
            }
            if self.plan.no_uidl && !inexact.is_empty() {
                inexact.sort_unstable();
                let numbers = some(&inexact);
                notes::warning(format_args!(
                    "these messages without a usable unique-id are stored, but not deleted, because the server listed \
                     another size: {numbers}"
                ));
            }
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
        if !marked.is_empty() {
            safe::quitting();
        }
        match session.quit() {
            Ok(()) => {
                safe::deleted(marked.len());
                // If this fails, the next listing ends the marks.
                let _ = self.delivery.ended(&marked);
                self.deleted += marked.len();
                for message in &marked {
                    self.report.tell(Action::Deleted, message);
                }
                self.report.flush();
                Ok(())
            }
            // Without deletions, the answer does not matter.
            Err(_) if marked.is_empty() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows what the run did.
    fn summarize(&self, is_complete: bool) {
        let Some(here) = self.here else { return };
        let (new, here) = (self.delivery.delivered(), here + self.delivery.recognized());
        // Writing to a string cannot fail.
        let mut text = format!("{new} new, {here} already here, {} refused", self.refusals.count);
        if self.skipped > 0 {
            let _ = write!(text, ", {} too large", self.skipped);
        }
        if self.beyond > 0 {
            let _ = write!(text, ", {} left for the next run", self.beyond);
        }
        if is_complete || self.deleted > 0 {
            let _ = write!(text, "; {} deleted", self.deleted);
        }
        notes::note(text);
    }
}
