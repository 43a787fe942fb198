//! `--dry-run`: what a run would do.

use std::fmt::Write as _;

use pop3_blocking::{Session, Tcp};

use super::report::Action;
use super::{Run, Wanted};
use crate::failure::Failure;
use crate::notes;

impl Run {
    /// Shows what a run would do. The session requests no message and deletes none.
    pub(super) fn look(&mut self, session: Session<Tcp>) -> Result<(), Failure> {
        let (visit, Wanted { calm, risky, .. }) = self.begin(session)?;
        let wanted: Vec<_> = calm.into_iter().chain(risky).collect();
        let (now, beyond) = wanted.split_at(wanted.len().min(self.plan.left(0)));
        let mut deleted = 0;
        for (number, message) in &visit.found {
            let is_wanted = now.contains(number);
            if is_wanted {
                self.report.tell(Action::WouldDownload, message);
            }
            // A message that is stored now has been here for less than a day.
            let follows = is_wanted && self.plan.keep_days == 0 && (message.unique_id.is_some() || self.plan.no_uidl);
            if self.plan.delete && (follows || self.delivery.has_for(message, self.plan.keep_days)) {
                deleted += 1;
                self.report.tell(Action::WouldDelete, message);
            }
        }
        // Nothing was marked as deleted, so an error of QUIT does not matter.
        let _ = visit.session.quit();
        // Writing to a string cannot fail.
        let mut text = format!("dry run: {} to download, {} already here", now.len(), self.here.unwrap_or(0));
        if self.skipped > 0 {
            let _ = write!(text, ", {} too large", self.skipped);
        }
        if !beyond.is_empty() {
            let _ = write!(text, ", {} left for the next run", beyond.len());
        }
        notes::note(format_args!("{text}; {deleted} to delete; nothing was changed"));
        Ok(())
    }
}
