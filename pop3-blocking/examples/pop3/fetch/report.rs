//! The report of what happened to each message: JSON objects with `--json`, details with `--verbose`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::notes;
use crate::output::Output;
use crate::survey::Found;

/// The outcome for a message, real or planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is new, and safely on disk.
    Stored,
    /// It was downloaded, and its octets were on disk before.
    Known,
    /// It is too large to be downloaded.
    Skipped,
    /// The server refused it.
    Refused,
    /// The server deleted it.
    Deleted,
    /// It is on disk, and stays on the server although messages are deleted.
    Kept,
    WouldDownload,
    WouldDelete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Stored => "stored",
            Action::Known => "known",
            Action::Skipped => "skipped",
            Action::Refused => "refused",
            Action::Deleted => "deleted",
            Action::Kept => "kept",
            Action::WouldDownload => "would download",
            Action::WouldDelete => "would delete",
        })
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A line of `fetch --json`.
#[derive(Debug, Serialize)]
struct Row {
    action: Action,
    number: u32,
    /// The octets as the server lists them.
    octets: u64,
    unique_id: Option<String>,
}

/// The report of a run. A reader who closes the standard output does not stop the run.
#[derive(Debug)]
pub(crate) struct Report {
    out: Output,
    failed: Option<Failure>,
}

impl Report {
    pub(crate) fn new(out: Output) -> Report {
        Report { out, failed: None }
    }

    /// Reports what happened to a message.
    pub(crate) fn tell(&mut self, action: Action, message: &Found) {
        let Found { number, octets, .. } = *message;
        let unique_id = message.unique_id.as_ref().map(ToString::to_string);
        let row = Row { action, number, octets, unique_id };
        let text = format!("message {number} ({octets} octets): {action}");
        let written = if matches!(action, Action::WouldDownload | Action::WouldDelete) {
            self.out.row(&row, text)
        } else {
            notes::detail(text);
            self.out.object(&row)
        };
        self.keep(written);
    }

    /// Writes what is still in memory.
    pub(crate) fn flush(&mut self) {
        let written = self.out.finish();
        self.keep(written);
    }

    /// Returns the first error of the standard output.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.flush();
        self.failed.map_or(Ok(()), Err)
    }

    fn keep(&mut self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            self.failed.get_or_insert(failure);
        }
    }
}
