//! The progress bar: messages and octets.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar, which is hidden unless the standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) bar: ProgressBar,
    messages: usize,
    received: usize,
}

impl Progress {
    pub(super) fn new(messages: usize, octets: u64) -> Progress {
        let bar = if messages == 0 || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            // The bar takes what the numbers leave, so that they fit a narrow terminal.
            let style = ProgressStyle::with_template("{msg} messages, {bytes}/{total_bytes} {wide_bar} {eta}");
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
