//! Messages for the user on the standard error: `--quiet` omits notes, and `--verbose` adds details.
//!
//! Errors and warnings have the form and the colors of those of the command line's parser. There are no colors if the
//! standard error is no terminal, if `TERM` is `dumb`, or if `NO_COLOR` is set.

use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::stderr;
use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};

use crate::terminal;

static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Sets what is shown from now on, in all threads.
pub(crate) fn set(quiet: bool, verbose: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Shows an error, which no option hides.
pub(crate) fn error(text: impl Display) {
    labeled("error:", *Styles::styled().get_error(), text);
}

/// Shows a warning, which no option hides.
pub(crate) fn warning(text: impl Display) {
    labeled("warning:", AnsiColor::Yellow.on_default().bold(), text);
}

/// Shows what was done, unless the user asked for errors only.
pub(crate) fn note(text: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        show(&terminal::wrap(&text.to_string()));
    }
}

/// Shows what is being done, if the user asked for it.
pub(crate) fn detail(text: impl Display) {
    if VERBOSE.load(Ordering::Relaxed) {
        note(text);
    }
}

fn labeled(label: &str, style: Style, text: impl Display) {
    let wrapped = terminal::wrap(&format!("{label} {text}"));
    // The label is one word, so it is still in one piece.
    let rest = wrapped.strip_prefix(label).unwrap_or(&wrapped);
    show(&format!("{style}{label}{style:#}{rest}"));
}

/// Shows a text in several lines that has colors.
pub(crate) fn styled(text: &str) {
    show(terminal::wrap(text).trim_end());
}

fn show(text: &str) {
    // If nothing reads it, there is nobody to tell.
    let _ = writeln!(stderr(), "{text}");
}
