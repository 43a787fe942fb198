//! The facts about a run of `fetch` that a signal handler shows.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static STORED: AtomicUsize = AtomicUsize::new(0);
static DELETED: AtomicUsize = AtomicUsize::new(0);
static QUITTING: AtomicBool = AtomicBool::new(false);

/// Counts new messages that are safely on disk.
pub(crate) fn stored(messages: usize) {
    STORED.fetch_add(messages, Ordering::Relaxed);
}

/// Records that the next QUIT deletes messages.
pub(crate) fn quitting() {
    QUITTING.store(true, Ordering::Relaxed);
}

/// Counts messages that the server has deleted.
pub(crate) fn deleted(messages: usize) {
    DELETED.fetch_add(messages, Ordering::Relaxed);
    QUITTING.store(false, Ordering::Relaxed);
}

/// Returns the text for a user who interrupts the run now.
pub(crate) fn summary() -> String {
    let deleted = match (QUITTING.load(Ordering::Relaxed), DELETED.load(Ordering::Relaxed)) {
        (true, _) => "stored ones may have been deleted on the server".to_owned(),
        (false, 0) => "none was deleted on the server".to_owned(),
        (false, deleted) => format!("{deleted} stored ones were deleted on the server"),
    };
    let stored = STORED.load(Ordering::Relaxed);
    let stored = if stored == 1 { "1 new message is".to_owned() } else { format!("{stored} new messages are") };
    format!("interrupted: {stored} stored, {deleted}; run again to continue")
}
