//! Text for a terminal: messages of this program in lines of its width, and octets of mails that cannot control it.

use std::io::{IsTerminal, stderr};

use anstream::adapter::strip_str;
use pop3_blocking::pop3_proto::wire::Text;
use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

/// Returns the width of the terminal that the standard error is, if it is one.
pub(crate) fn width() -> Option<usize> {
    let size = terminal_size_of(stderr()).filter(|_| stderr().is_terminal());
    size.map(|(Width(width), _)| usize::from(width))
}

/// Returns `true` if the standard error is a terminal on which text can be replaced.
pub(crate) fn can_redraw() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Breaks the lines of a message between words, if the standard error is a terminal. Colors take no space.
pub(crate) fn wrap(message: &str) -> String {
    match width() {
        Some(width) => message.lines().map(|line| broken(line, width)).collect::<Vec<_>>().join("\n"),
        None => message.to_owned(),
    }
}

/// Breaks a line. Each of the new lines is indented as the line is.
fn broken(line: &str, width: usize) -> String {
    let words = line.trim_start_matches(' ');
    let indent = &line[..line.len() - words.len()];
    let (mut text, mut used) = (indent.to_owned(), indent.len());
    for (at, word) in words.split(' ').enumerate() {
        let needed = strip_str(word).to_string().width();
        if at > 0 && used + 1 + needed > width {
            text.push('\n');
            text.push_str(indent);
            used = indent.len();
        } else if at > 0 {
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
