//! A small application: it downloads new messages, which it knows by unique-id, and deletes them after a number of
//! days.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{Read, Write};

use pop3_blocking::Session;
use pop3_blocking::pop3_proto::drive::OwnedUniqueId;
use pop3_blocking::pop3_proto::wire::UniqueId;

/// The state that the application keeps between its sessions.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) mails: Vec<Vec<u8>>,
    /// The day on which each message was downloaded.
    seen: BTreeMap<OwnedUniqueId, u32>,
    /// The number of days that a message stays on the server.
    keep_days: u32,
    /// The planted bug: a message is marked as downloaded before it has arrived.
    marks_early: bool,
}

impl Collector {
    pub(crate) fn new(keep_days: u32, marks_early: bool) -> Collector {
        Collector { keep_days, marks_early, ..Collector::default() }
    }

    /// Downloads what is new, deletes what is old, and ends the session.
    pub(crate) fn collect<S: Read + Write>(
        &mut self,
        mut session: Session<S>,
        today: u32,
    ) -> Result<(), Box<dyn Error>> {
        let listing = session.uidl()?;
        // A unique-id that is empty, or that two messages have, identifies nothing: such messages stay on the server.
        let mut count = BTreeMap::<_, u32>::new();
        for (_, id) in &listing {
            *count.entry(id.clone()).or_default() += 1;
        }
        let usable = |id: &OwnedUniqueId| UniqueId::new(id.as_bytes()).is_conforming() && count[id] == 1;

        let mut old = BTreeSet::new();
        for (number, id) in listing.iter().filter(|(_, id)| usable(id)) {
            match self.seen.get(id) {
                Some(day) if today >= day + self.keep_days => {
                    old.insert(*number);
                }
                Some(_) => {}
                None => self.download(&mut session, *number, id, today)?,
            }
        }
        for number in old {
            session.delete(number)?;
        }
        session.quit()?;
        Ok(())
    }

    fn download<S: Read + Write>(
        &mut self,
        session: &mut Session<S>,
        number: u32,
        id: &OwnedUniqueId,
        today: u32,
    ) -> Result<(), Box<dyn Error>> {
        if self.marks_early {
            self.seen.insert(id.clone(), today);
        }
        let mut mail = Vec::new();
        session.retrieve(number)?.read_to_end(&mut mail)?;
        self.mails.push(mail);
        self.seen.insert(id.clone(), today);
        Ok(())
    }
}
