//! Text for a terminal: messages of this program in lines of its width, and octets of mails that cannot control it.

use std::io::{IsTerminal, stderr};

use pop3_blocking::pop3_proto::wire::Text;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

/// Breaks the lines of a message between words, if the standard error is a terminal.
pub(crate) fn wrap(message: &str) -> String {
    match terminal_size_of(stderr()) {
        Some((Width(width), _)) if stderr().is_terminal() => {
            message.lines().map(|line| broken(line, usize::from(width))).collect::<Vec<_>>().join("\n")
        }
        _ => message.to_owned(),
    }
}

fn broken(line: &str, width: usize) -> String {
    let (mut text, mut used) = (String::new(), 0);
    for word in line.split(' ') {
        let needed = word.width();
        if used > 0 && used + 1 + needed > width {
            text.push('\n');
            used = 0;
        } else if !text.is_empty() {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += needed;
    }
    text
}

/// The octets of mails, with everything escaped that is neither printable UTF-8 nor a tab nor a line end.
#[derive(Debug, Default)]
pub(crate) struct Harmless {
    /// The beginning of a character or of a line end that is not complete yet.
    held: Vec<u8>,
}

impl Harmless {
    /// Returns the text of octets, which may begin and end anywhere.
    pub(crate) fn text(&mut self, octets: &[u8]) -> String {
        self.held.extend(octets);
        let complete = self.held.len() - incomplete(&self.held);
        let rest = self.held.split_off(complete);
        escape(&std::mem::replace(&mut self.held, rest))
    }

    /// Returns the text of what is incomplete at the end.
    pub(crate) fn end(&mut self) -> String {
        escape(&std::mem::take(&mut self.held))
    }
}

/// Returns the number of octets at the end that may be the beginning of a character or of a line end.
fn incomplete(octets: &[u8]) -> usize {
    if octets.last() == Some(&b'\r') {
        return 1;
    }
    let last = octets.utf8_chunks().last();
    let is_begin = |invalid: &[u8]| std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    last.map(|chunk| chunk.invalid()).filter(|invalid| is_begin(invalid)).map_or(0, <[u8]>::len)
}

fn escape(octets: &[u8]) -> String {
    let piece = |piece: &[u8]| match piece {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => format!("{}\n", Text::new(text)),
        [text @ .., b'\t'] => format!("{}\t", Text::new(text)),
        text => Text::new(text).to_string(),
    };
    octets.split_inclusive(|octet| matches!(octet, b'\n' | b'\t')).map(piece).collect::<Vec<_>>().concat()
}
