//! The progress bar: messages and octets.

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal;

/// The width from which on the numbers of octets leave room for the bar.
const WIDE: usize = 60;

/// A progress bar, which is hidden unless the standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) bar: ProgressBar,
    messages: usize,
    received: usize,
}

impl Progress {
    pub(super) fn new(messages: usize, octets: u64) -> Progress {
        let bar = if messages == 0 || !terminal::can_redraw() {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template(match terminal::width() {
                Some(..WIDE) => "{msg} messages {wide_bar} {percent}% {eta}",
                _ => "{msg} messages, {bytes}/{total_bytes} {wide_bar} {eta}",
            });
            ProgressBar::new(octets).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        bar.set_message(format!("0/{messages}"));
        Progress { bar, messages, received: 0 }
    }

    /// Counts a message that was received or refused.
    pub(super) fn next(&mut self) {
        self.received += 1;
        self.bar.set_message(format!("{}/{}", self.received, self.messages));
    }
}
