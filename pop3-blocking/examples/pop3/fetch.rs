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
mod pace;
mod progress;
mod receive;
mod refusals;
mod transfer;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use pop3_blocking::{Session, Tcp};

use progress::progress_bar;
use refusals::Refusals;
use transfer::Transfer;

use crate::check::Check;
use crate::delivery::Delivery;
use crate::failure::{Failure, Status};
use crate::notes;
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
        notes::note(format_args!("{new} new, {here} already here, {} refused{deleted}", run.refusals.count));
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
            notes::error(notice);
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
