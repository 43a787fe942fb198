//! The sizes of the groups between two checks.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::survey::Found;

/// The octets to download between two checks: few at first, so that a bad connection makes progress, and then as many
/// as take about a second.
pub(super) struct Pace {
    octets: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { octets: Pace::LEAST }
    }
}

impl Pace {
    const LEAST: u64 = 32 << 10;
    const MOST: u64 = 64 << 20;
    /// The maximum number of messages in a group. Each is an open file until the check.
    const MESSAGES: usize = 128;

    /// Returns the number of messages in the next group, which is at least 1.
    pub(super) fn group(&self, numbers: &[u32], found: &BTreeMap<u32, Found>) -> usize {
        let mut octets = 0_u64;
        let fits = |number: &&u32| {
            octets = octets.saturating_add(found.get(*number).map_or(0, |message| message.octets));
            octets <= self.octets
        };
        numbers.iter().take(Pace::MESSAGES).take_while(fits).count().max(1)
    }

    pub(super) fn took(&mut self, time: Duration) {
        if time < Duration::from_millis(500) {
            self.octets = (self.octets * 2).min(Pace::MOST);
        } else if time > Duration::from_secs(2) {
            self.octets = (self.octets / 2).max(Pace::LEAST);
        }
    }
}
