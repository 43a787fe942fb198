//! The requests that the server refused.

use pop3_blocking::Error;

use crate::notes;

/// The requests that the server refused. The first ones are shown, the others are counted.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) count: u64,
}

impl Refusals {
    const TOLD: u64 = 10;

    pub(super) fn add(&mut self, error: &Error) {
        self.count += 1;
        if self.count <= Refusals::TOLD {
            notes::error(error);
        }
    }

    pub(super) fn tell_the_rest(&self) {
        if self.count > Refusals::TOLD {
            notes::error(format_args!("{} more refusals are not shown", self.count - Refusals::TOLD));
        }
    }
}
