//! The options of `fetch`.

use std::path::PathBuf;

use clap::Args;

/// The downloads and deletions of a run.
#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// The Maildir, created if it does not exist
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// Deletes messages from the server once they are safely on disk, including those of earlier runs
    #[arg(long)]
    pub(crate) delete: bool,

    /// With --delete: keeps each message on the server until it has been on disk for N days
    #[arg(long, value_name = "N", requires = "delete", default_value_t = 0, hide_default_value = true)]
    pub(crate) keep_days: u32,

    /// Skips messages that the server lists as larger; they are named, and stay on the server
    ///
    /// The suffixes K and M stand for 1024 and 1024 * 1024 octets.
    #[arg(long, value_name = "OCTETS", value_parser = octets)]
    pub(crate) max_size: Option<u64>,

    /// Stores at most N new messages in this run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,

    /// Shows which messages would be downloaded and deleted, and does neither; nothing is written
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// With --delete: also deletes messages without a usable unique-id, if this very session has stored them
    ///
    /// Such a message cannot be recognized in a later session. So by default all of them are downloaded in every run,
    /// each is stored once (it is recognized by its octets), and none is deleted. With this option, one is deleted in
    /// the session that downloaded it, if it has exactly the size that the server listed.
    #[arg(long, requires = "delete", conflicts_with = "keep_days")]
    pub(crate) no_uidl: bool,
}

impl Plan {
    /// Returns `true` if a message of this size is to be skipped.
    pub(super) fn skips(&self, octets: u64) -> bool {
        self.max_size.is_some_and(|most| octets > most)
    }

    /// Returns how many more messages may be stored after `stored` ones.
    pub(super) fn left(&self, stored: usize) -> usize {
        self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(stored))
    }
}

fn octets(text: &str) -> Result<u64, &'static str> {
    let (digits, unit) = match text.strip_suffix(['K', 'k', 'M', 'm']) {
        Some(digits) if text.ends_with(['K', 'k']) => (digits, 1 << 10),
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let octets = digits.parse::<u64>().ok().filter(|_| is_number).and_then(|octets| octets.checked_mul(unit));
    octets.ok_or("use a number of octets, such as 500000, 500K or 10M")
}
