//! The requests that the server refused.

use pop3_blocking::Error;

use crate::failure::{Failure, Status};
use crate::notes;

/// The requests that the server refused. The first ones are shown, the others are counted.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) count: u64,
    /// The number of them that may succeed later.
    temporary: u64,
}

impl Refusals {
    const TOLD: u64 = 10;

    pub(super) fn add(&mut self, error: &Error) {
        self.count += 1;
        self.temporary += u64::from(Status::from(error) == Status::Temporary);
        if self.count <= Refusals::TOLD {
            notes::error(error);
        }
    }

    /// Returns the failure of a run in which the server refused requests.
    pub(super) fn failure(&self) -> Option<Failure> {
        let count = self.count;
        match count {
            0 => None,
            _ if self.temporary == count => {
                let why = format!("the server refused {count} requests temporarily. Try again later.");
                Some(Failure::new(Status::Temporary, why))
            }
            _ => Some(Failure::new(Status::Refused, format!("the server refused {count} requests"))),
        }
    }

    pub(super) fn tell_the_rest(&self) {
        if self.count > Refusals::TOLD {
            notes::error(format_args!("{} more refusals are not shown", self.count - Refusals::TOLD));
        }
    }
}
