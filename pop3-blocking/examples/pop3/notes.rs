//! Messages for the user on the standard error: `--quiet` omits notes, and `--verbose` adds details.

use std::fmt::Display;
use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::terminal;

static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Sets what is shown from now on, in all threads.
pub(crate) fn set(quiet: bool, verbose: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Shows an error or a warning, which no option hides.
pub(crate) fn error(text: impl Display) {
    // If nothing reads it, there is nobody to tell.
    let _ = writeln!(stderr(), "{}", terminal::wrap(&format!("pop3: {text}")));
}

/// Shows what was done, unless the user asked for errors only.
pub(crate) fn note(text: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        error(text);
    }
}

/// Shows what is being done, if the user asked for it.
pub(crate) fn detail(text: impl Display) {
    if VERBOSE.load(Ordering::Relaxed) {
        error(text);
    }
}
