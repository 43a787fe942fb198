//! The delivery of messages into the Maildir. They are written, then staged until a check shows that the server's
//! answers fit the commands, then committed together.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;

use crate::digest::{Summing, Sums};
use crate::failure::{Failure, Status};
use crate::maildir::{Maildir, Partial};
use crate::mark::{Account, Mark};
use crate::seen::{Change, Seen, Stored, Trust};
use crate::survey::{Found, Survey};

/// A Maildir, and the marks of one account.
#[derive(Debug)]
pub(crate) struct Delivery {
    maildir: Maildir,
    seen: Seen,
    account: Account,
    /// The time when the run began, in seconds since 1970. Ages do not change while it lasts.
    opened: u64,
    staged: Vec<Staged>,
    /// The number of messages that this run delivered.
    delivered: usize,
    /// The number of downloaded messages that were on disk before.
    recognized: usize,
}

/// A message that was received completely.
#[derive(Debug)]
struct Staged {
    number: u32,
    /// `None` if it was stored before.
    file: Option<Partial>,
    /// `None` if there is nothing new to remember.
    stored: Option<Stored>,
    /// The absent mark with these octets, which belongs to the same message.
    moved_from: Option<Mark>,
}

/// A message that is being received.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: BufWriter<Partial>,
    summing: Summing,
    octets: u64,
}

impl Incoming {
    pub(crate) fn write(&mut self, run: &[u8]) -> io::Result<()> {
        self.summing.update(run);
        self.octets = self.octets.saturating_add(run.len() as u64);
        self.file.write_all(run)
    }
}

impl Delivery {
    pub(crate) fn open(root: &Path, account: Account) -> Result<Delivery, Failure> {
        let opened = Maildir::open(root).and_then(|maildir| Ok((maildir, Seen::open(root, &account)?)));
        let (maildir, seen) =
            opened.map_err(|error| Failure::new(Status::Io, format!("{} cannot be used: {error}", root.display())))?;
        Ok(Delivery { maildir, seen, account, opened: now(), staged: Vec::new(), delivered: 0, recognized: 0 })
    }

    /// Reads the record, for a run that writes nothing.
    pub(crate) fn look(root: &Path, account: Account) -> Result<Delivery, Failure> {
        let seen = Seen::look(root, &account);
        let seen =
            seen.map_err(|error| Failure::new(Status::Io, format!("{} cannot be used: {error}", root.display())))?;
        let maildir = Maildir::untouched(root);
        Ok(Delivery { maildir, seen, account, opened: now(), staged: Vec::new(), delivered: 0, recognized: 0 })
    }

    /// Compares the marks with the server's listings, and records those that are no longer trusted.
    pub(crate) fn observe(&mut self, survey: &Survey) -> Result<(), Failure> {
        let mut sizes = HashMap::new();
        for (unique_id, size) in &survey.shown {
            sizes.entry(self.mark(unique_id)).or_insert_with(Vec::new).push(*size);
        }
        let mut changes = Vec::new();
        for (mark, trust) in self.seen.ours() {
            let change = match (sizes.get(mark).map(Vec::as_slice), trust) {
                (None, Trust::Quitting) if survey.is_complete => Change::Ended,
                (None, Trust::Trusted | Trust::Doubtful) if survey.is_complete => Change::Absent,
                (Some([size]), Trust::Trusted) if self.seen.size(mark) == Some(*size) => continue,
                (Some(_), Trust::Quitting | Trust::Trusted) => Change::Doubtful,
                _ => continue,
            };
            changes.push((mark.clone(), change));
        }
        if survey.is_complete {
            let nameless = survey.found.values().filter(|message| message.unique_id.is_none());
            let there: HashSet<_> =
                sizes.into_keys().chain(nameless.map(|message| self.mark_of_trouble(message))).collect();
            let gone = self.seen.troubled().filter(|mark| !there.contains(mark));
            changes.extend(gone.map(|mark| (mark.clone(), Change::Absent)));
        }
        self.note(&changes)
    }

    /// Returns `true` if the message is, or once was, safely on disk.
    pub(crate) fn has(&self, message: &Found) -> bool {
        let trust = |id| self.seen.trust(&self.mark(id));
        message.unique_id.as_ref().is_some_and(|id| trust(id) == Some(Trust::Trusted))
    }

    /// Returns `true` if the message is safely on disk, and was stored at least this number of days ago.
    pub(crate) fn has_for(&self, message: &Found, days: u32) -> bool {
        let time = message.unique_id.as_ref().and_then(|id| self.seen.time(&self.mark(id)));
        let age = time.map_or(0, |time| self.opened.saturating_sub(time));
        self.has(message) && age >= u64::from(days) * 24 * 60 * 60
    }

    /// Returns `true` if a header that TOP returned is the stored one.
    pub(crate) fn has_header(&self, message: &Found, shown: &Sums) -> bool {
        let known = message.unique_id.as_ref().and_then(|id| self.seen.sums(&self.mark(id)));
        known.is_some_and(|known| known.header == shown.header)
    }

    /// Records that the message may differ from the stored one.
    pub(crate) fn doubt(&mut self, message: &Found) -> Result<(), Failure> {
        self.note_all(&[message], Change::Doubtful)
    }

    /// Records that the message made trouble, so that later runs request it last.
    pub(crate) fn trouble(&mut self, message: &Found) -> Result<(), Failure> {
        let mark = self.mark_of_trouble(message);
        self.seen.trouble(mark).map_err(|error| self.failed("the record could not be updated", &error))
    }

    /// Returns the number of times that the message made trouble.
    pub(crate) fn troubles(&self, message: &Found) -> u32 {
        self.seen.troubles(&self.mark_of_trouble(message))
    }

    /// Records that QUIT will be sent to delete these messages.
    pub(crate) fn quitting(&mut self, messages: &[&Found]) -> Result<(), Failure> {
        self.note_all(messages, Change::Quitting)
    }

    /// Records that the server has deleted these messages.
    pub(crate) fn ended(&mut self, messages: &[&Found]) -> Result<(), Failure> {
        self.note_all(messages, Change::Ended)
    }

    fn note_all(&mut self, messages: &[&Found], change: Change) -> Result<(), Failure> {
        let marks = messages.iter().filter_map(|message| message.unique_id.as_ref());
        let changes: Vec<_> = marks.map(|id| (self.mark(id), change)).collect();
        self.note(&changes)
    }

    fn note(&mut self, changes: &[(Mark, Change)]) -> Result<(), Failure> {
        self.seen.change(changes).map_err(|error| self.failed("the record could not be updated", &error))
    }

    pub(crate) fn delivered(&self) -> usize {
        self.delivered
    }

    pub(crate) fn recognized(&self) -> usize {
        self.recognized
    }

    pub(crate) fn begin(&mut self) -> io::Result<Incoming> {
        let file = BufWriter::with_capacity(32 * 1024, self.maildir.begin()?);
        Ok(Incoming { file, summing: Summing::default(), octets: 0 })
    }

    /// Stages a message that was written completely. Returns the number of its octets and their digests.
    pub(crate) fn stage(&mut self, incoming: Incoming, message: &Found) -> io::Result<(u64, Sums)> {
        let file = incoming.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let sums = incoming.summing.finish();
        let unique_id = message.unique_id.clone();
        let mark = match &unique_id {
            Some(unique_id) => self.mark(unique_id),
            None => Mark::nameless(&self.account, &sums.whole),
        };
        let before = self.seen.sums(&mark);
        let (mut known, mut moved_from) = (before.is_some_and(|before| before.whole == sums.whole), None);
        if unique_id.is_none() {
            known = self.seen.has_octets(&sums.whole);
        } else if before.is_none() {
            moved_from = self.seen.absent_with(&sums.whole).cloned();
        }
        let is_here = known || moved_from.is_some() || self.maildir.has(&mark, &sums)?;
        let is_remembered = known && unique_id.is_none();
        // Receiving a message again does not make it newer.
        let earlier = moved_from.as_ref().or(known.then_some(&mark)).and_then(|mark| self.seen.time(mark));
        let time = earlier.map_or_else(now, |time| time.min(now()));
        let stored = Stored { mark, unique_id, size: message.octets, sums, time };
        self.staged.push(Staged {
            number: message.number,
            file: (!is_here).then_some(file),
            stored: (!is_remembered).then_some(stored),
            moved_from,
        });
        Ok((incoming.octets, sums))
    }

    /// Removes a staged message.
    pub(crate) fn unstage(&mut self, message: &Found) {
        self.staged.retain(|staged| staged.number != message.number);
    }

    /// Delivers the staged messages, then records them. Returns the number of each, and `true` if it was not here
    /// before.
    pub(crate) fn commit(&mut self) -> Result<Vec<(u32, bool)>, Failure> {
        // Taken first, so that a later call does not record messages that failed here.
        let staged = std::mem::take(&mut self.staged);
        let files = staged.iter().filter_map(|message| Some((message.file.as_ref()?, &message.stored.as_ref()?.mark)));
        let delivered = self.maildir.deliver(files);
        let delivered = delivered.map_err(|error| self.failed("the messages could not be delivered", &error))?;
        self.delivered += delivered;
        self.recognized += staged.len() - delivered;
        let committed = staged.iter().map(|message| (message.number, message.file.is_some())).collect();
        let moved: Vec<_> =
            staged.iter().filter_map(|message| Some((message.moved_from.clone()?, Change::Ended))).collect();
        let stored: Vec<_> = staged.into_iter().filter_map(|message| message.stored).collect();
        let remembered = self.seen.remember(&stored).and_then(|()| self.seen.change(&moved));
        remembered.map_err(|error| self.failed("the messages were delivered, but could not be recorded", &error))?;
        Ok(committed)
    }

    /// Discards the staged messages, since they may differ from those on the server.
    pub(crate) fn discard(&mut self) {
        self.staged.clear();
    }

    pub(crate) fn failed(&self, what: &str, error: &io::Error) -> Failure {
        Failure::new(Status::Io, format!("{what} in {}: {error}", self.maildir.root().display()))
    }

    fn mark(&self, unique_id: &OwnedUniqueId) -> Mark {
        Mark::new(&self.account, unique_id.as_bytes())
    }

    /// Returns the mark under which the message's troubles are counted.
    fn mark_of_trouble(&self, message: &Found) -> Mark {
        match &message.unique_id {
            Some(unique_id) => self.mark(unique_id),
            None => Mark::nameless(&self.account, &message.octets),
        }
    }
}

/// Returns the time in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
