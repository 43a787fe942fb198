//! Messages on their way into the Maildir, a group at a time.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use pop3_blocking::pop3_proto::exchange::OwnedUniqueId;

use crate::failure::{Failure, Status};
use crate::maildir::{Maildir, Partial};
use crate::seen::{Account, Mark, Seen};

/// Syncing folder and memory for each small message would take most of the time. These bound what a kill costs; no bound
/// matters to safety.
const GROUP: usize = 64;
const GROUP_OCTETS: u64 = 32 << 20;
const GROUP_TIME: Duration = Duration::from_secs(1);

/// The Maildir and the memory of one account.
#[derive(Debug)]
pub(crate) struct Delivery {
    maildir: Maildir,
    seen: Seen,
    account: Account,
    written: Vec<Partial>,
    unique_ids: Vec<(Mark, OwnedUniqueId)>,
    octets: u64,
    since: Instant,
    /// How many messages are safely on disk.
    delivered: usize,
}

impl Delivery {
    pub(crate) fn open(root: &Path, account: Account) -> Result<Delivery, Failure> {
        let opened = Maildir::open(root).and_then(|maildir| {
            let seen = Seen::open(root, maildir.marks()?)?;
            Ok((maildir, seen))
        });
        let (maildir, seen) =
            opened.map_err(|error| Failure::new(Status::Io, format!("{} cannot be used: {error}", root.display())))?;
        let (written, unique_ids) = (Vec::new(), Vec::new());
        Ok(Delivery { maildir, seen, account, written, unique_ids, octets: 0, since: Instant::now(), delivered: 0 })
    }

    /// Whether the message is, or once was, safely on disk.
    pub(crate) fn has(&self, unique_id: &OwnedUniqueId) -> bool {
        self.seen.contains(&self.mark(unique_id))
    }

    pub(crate) fn delivered(&self) -> usize {
        self.delivered
    }

    pub(crate) fn begin(&mut self, unique_id: Option<&OwnedUniqueId>) -> io::Result<Partial> {
        let mark = unique_id.map(|id| self.mark(id));
        self.maildir.begin(mark.as_ref())
    }

    /// Takes a message that is written whole.
    pub(crate) fn add(
        &mut self,
        message: Partial,
        unique_id: Option<&OwnedUniqueId>,
        octets: u64,
    ) -> Result<(), Failure> {
        self.written.push(message);
        self.unique_ids.extend(unique_id.map(|id| (self.mark(id), id.clone())));
        self.octets += octets;
        if self.written.len() >= GROUP || self.octets >= GROUP_OCTETS || self.since.elapsed() >= GROUP_TIME {
            self.flush()?;
        }
        Ok(())
    }

    /// Delivers what was added, then remembers it.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        // Taken away first: what fails here is never remembered by a later call.
        let (written, unique_ids) = (std::mem::take(&mut self.written), std::mem::take(&mut self.unique_ids));
        (self.octets, self.since) = (0, Instant::now());
        let count = written.len();
        self.maildir.deliver(written).map_err(|error| self.failed("the messages cannot be delivered", &error))?;
        self.delivered += count;
        let remembered = self.seen.remember(&self.account, &unique_ids);
        remembered.map_err(|error| self.failed("the messages are delivered, but cannot be remembered", &error))
    }

    pub(crate) fn failed(&self, what: &str, error: &io::Error) -> Failure {
        Failure::new(Status::Io, format!("{what} in {}: {error}", self.maildir.root().display()))
    }

    fn mark(&self, unique_id: &OwnedUniqueId) -> Mark {
        Mark::new(&self.account, unique_id.as_bytes())
    }
}
