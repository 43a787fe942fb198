//! Commands in flight: sent and not yet answered, stored as runs of equal kinds.

use core::fmt;

use crate::wire::kind::Kind;

const MAX_RUNS: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    kind: Kind,
    count: u32,
}

/// The value of all runs from `len` on, so that equal pipelines compare and hash as equal.
const NO_RUN: Run = Run { kind: Kind::User, count: 0 };

/// A queue of commands in constant memory: thousands of RETRs use one run.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pipeline {
    runs: [Run; MAX_RUNS],
    len: u8,
    commands: usize,
    answered: u64,
}

impl Pipeline {
    pub(crate) const fn new() -> Pipeline {
        Pipeline { runs: [NO_RUN; MAX_RUNS], len: 0, commands: 0, answered: 0 }
    }

    #[inline]
    fn runs(&self) -> &[Run] {
        self.runs.get(..usize::from(self.len)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn has_room(&self, kind: Kind) -> bool {
        self.runs().len() < MAX_RUNS || self.runs().last().is_some_and(|run| run.kind == kind && run.count < u32::MAX)
    }

    /// Adds a command for which [`has_room`](Self::has_room) returned true, and returns its number.
    #[inline]
    pub(crate) fn push(&mut self, kind: Kind) -> u64 {
        let len = usize::from(self.len);
        match self.runs[..len].last_mut() {
            Some(run) if run.kind == kind && run.count < u32::MAX => run.count += 1,
            _ => {
                self.runs[len] = Run { kind, count: 1 };
                self.len += 1;
            }
        }
        self.commands += 1;
        self.answered + self.commands as u64 - 1
    }

    /// Removes the oldest command, which has been answered.
    #[inline]
    pub(crate) fn pop(&mut self) {
        let [oldest, ..] = &mut self.runs;
        if oldest.count == 0 {
            return;
        }
        oldest.count -= 1;
        self.commands -= 1;
        self.answered += 1;
        if oldest.count == 0 {
            self.runs.copy_within(1.., 0);
            self.runs[MAX_RUNS - 1] = NO_RUN;
            self.len -= 1;
        }
    }

    #[inline]
    pub(crate) fn oldest(&self) -> Option<Kind> {
        self.runs().first().map(|run| run.kind)
    }

    #[inline]
    pub(crate) fn newest(&self) -> Option<Kind> {
        self.runs().last().map(|run| run.kind)
    }

    /// Returns the kinds in flight, oldest first, each run once.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.runs().iter().map(|run| run.kind)
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.commands
    }

    /// Returns the number of commands answered so far, which is the number of the oldest command in flight.
    #[inline]
    pub(crate) const fn answered(&self) -> u64 {
        self.answered
    }
}

/// Formats the commands in flight, oldest first: `#7: 3xRETR 1xDELE`.
impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}:", self.answered)?;
        self.runs().iter().try_for_each(|run| write!(f, " {}x{}", run.count, run.kind))
    }
}
