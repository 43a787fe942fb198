//! Parsing of lines, both of answers and of commands (RFC 1939, section 3).

use memchr::{memchr, memchr2};

/// The line end of an answer.
///
/// If the first status line of a layer ends in CRLF, all lines of that layer must end in CRLF. Otherwise the status
/// line of each answer decides for that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LineEnd {
    /// CRLF, as RFC 1939 requires. A bare LF inside a message is content.
    CrLf,
    /// LF, as some servers send it. A CR before it is accepted.
    Lf,
}

/// A line from the input.
pub(crate) struct Line<'a> {
    /// The line without its line end.
    pub(crate) text: &'a [u8],
    /// The length in octets, line end included.
    pub(crate) taken: usize,
    pub(crate) end: LineEnd,
}

/// A line that breaks the rules of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// No line end was found within the limit.
    TooLong,
    /// The line ends in a bare LF where lines end in CRLF.
    BareLf,
    /// The line contains a bare CR.
    BareCr,
}

/// Returns the first line of `input`, or `None` if more octets are needed.
///
/// `scanned` is the number of octets that are known to contain no LF; this function updates it. The limit is checked
/// before the content, so that the result does not depend on how the octets are split.
#[inline]
pub(crate) fn line<'a>(
    input: &'a [u8],
    scanned: &mut u32,
    limit: u32,
    end: Option<LineEnd>,
) -> Result<Option<Line<'a>>, LineError> {
    let window = &input[..input.len().min(limit as usize)];
    let start = (*scanned as usize).min(window.len());
    // The first CR usually belongs to the line end.
    let first = memchr2(b'\r', b'\n', &window[start..]).map(|at| start + at);
    let lf = first.and_then(|first| match &window[first..] {
        [b'\n', ..] => Some(first),
        [_, b'\n', ..] => Some(first + 1),
        rest => memchr(b'\n', rest).map(|at| first + at),
    });
    let Some(lf) = lf else {
        if window.len() == limit as usize {
            return Err(LineError::TooLong);
        }
        // The window is shorter than a 32-bit limit.
        *scanned = u32::try_from(window.len()).unwrap_or(u32::MAX);
        return Ok(None);
    };
    *scanned = 0;
    let (text, found) = match &input[..lf] {
        [text @ .., b'\r'] => (text, LineEnd::CrLf),
        text => (text, LineEnd::Lf),
    };
    if found == LineEnd::Lf && end == Some(LineEnd::CrLf) {
        return Err(LineError::BareLf);
    }
    // If the line was not found in one search, any part of it may contain a CR.
    if (start > 0 || first != Some(text.len())) && memchr(b'\r', text).is_some() {
        return Err(LineError::BareCr);
    }
    Ok(Some(Line { text, taken: lf + 1, end: found }))
}

/// Reads a client's lines, for a server (RFC 2449, section 4).
///
/// A line always ends at its LF, and one CR before that LF belongs to the line end: CRLF and a bare LF are equivalent.
/// Any other CR and NUL are ordinary octets, which no command permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CommandLines {
    /// Octets at the front of the awaited line that contain no LF.
    scanned: u32,
    /// The rest of a line that was too long is being discarded.
    discarding: bool,
}

/// A line from a client.
pub(crate) enum CommandLine<'a> {
    /// The line without its line end.
    Line(&'a [u8]),
    /// The first `limit` octets contain no line end. Reported once for the whole line.
    TooLong,
}

impl CommandLines {
    pub(crate) const fn new() -> CommandLines {
        CommandLines { scanned: 0, discarding: false }
    }

    /// Discards the rest of a line that was too long, as far as it has arrived.
    pub(crate) fn skip(&mut self, input: &mut &[u8]) {
        if self.discarding {
            let lf = memchr(b'\n', input);
            *input = lf.map_or(&[], |lf| &input[lf + 1..]);
            self.discarding = lf.is_none();
        }
    }

    /// Returns the next line of at most `limit` octets (1 or more, line end included), or `None` if more octets are
    /// needed.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8], limit: u32) -> Option<CommandLine<'a>> {
        self.skip(input);
        let window = &input[..input.len().min(limit as usize)];
        let start = (self.scanned as usize).min(window.len());
        if let Some(lf) = memchr(b'\n', &window[start..]).map(|at| start + at) {
            self.scanned = 0;
            *input = &input[lf + 1..];
            let line = &window[..lf];
            return Some(CommandLine::Line(line.strip_suffix(b"\r").unwrap_or(line)));
        }
        if window.len() == limit as usize {
            *self = CommandLines { scanned: 0, discarding: true };
            *input = &input[window.len()..];
            return Some(CommandLine::TooLong);
        }
        self.scanned = u32::try_from(window.len()).unwrap_or(u32::MAX);
        None
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Returns what a server reads if `parts` arrive one after the other, and what is left over.
    fn commands(parts: &[&[u8]], limit: u32) -> (Vec<Option<Vec<u8>>>, Vec<u8>, CommandLines) {
        let (mut lines, mut read, mut buffer) = (CommandLines::new(), Vec::new(), Vec::new());
        for part in parts {
            buffer.extend_from_slice(part);
            let mut input = &buffer[..];
            while let Some(line) = lines.next(&mut input, limit) {
                read.push(match line {
                    CommandLine::Line(line) => Some(line.to_vec()),
                    CommandLine::TooLong => None,
                });
            }
            buffer = input.to_vec();
        }
        (read, buffer, lines)
    }

    #[test]
    fn v8_lf_ends_a_line_and_neither_cr_nor_nul_does() {
        let (read, rest, _) = commands(&[b"A\r\nB\nC\rD\r\nE\0F\r\r\n\nG\r"], 255);
        let wanted: [&[u8]; 5] = [b"A", b"B", b"C\rD", b"E\0F\r", b""];
        assert_eq!(read, wanted.map(|line| Some(line.to_vec())));
        assert_eq!(rest, b"G\r");
    }

    #[test]
    fn v3_a_line_that_is_too_long_is_reported_once() {
        let (read, rest, _) = commands(&[b"1234567\n", b"12345678", b"9012345678901234\n", b"1\n123456789"], 8);
        assert_eq!(read, [Some(b"1234567".to_vec()), None, Some(b"1".to_vec()), None]);
        assert_eq!(rest, b"");
    }

    proptest! {
        #[test]
        fn command_lines_do_not_depend_on_the_cuts(text in "[a\r\n]{0,40}", limit in 1..9u32, cuts in prop::array::uniform2(0..40usize)) {
            let text = text.as_bytes();
            let (a, b) = (cuts[0].min(cuts[1]).min(text.len()), cuts[0].max(cuts[1]).min(text.len()));
            prop_assert_eq!(commands(&[text], limit), commands(&[&text[..a], &text[a..b], &text[b..]], limit));
        }
    }
}
