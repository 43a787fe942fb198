//! The part of a message that TOP sends (RFC 1939, section 7).

use memchr::memchr;

/// Determines the part of a message that TOP sends: the header, the blank line, and the first lines of the body (RFC
/// 1939, section 7). Every LF ends a line, as for a [`Stuffer`](crate::wire::stuffing::Stuffer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Top {
    /// The number of remaining body lines.
    lines: u32,
    in_body: bool,
    line: Line,
}

/// The current line so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    Empty,
    Cr,
    Text,
}

impl Top {
    pub(crate) const fn new(lines: u32) -> Top {
        Top { lines, in_body: false, line: Line::Empty }
    }

    /// Returns true if `advance` has passed over everything that TOP sends.
    pub(crate) const fn is_complete(self) -> bool {
        self.in_body && self.lines == 0
    }

    /// Advances over `content` and returns how many of its octets TOP sends.
    pub(crate) fn advance(&mut self, content: &[u8]) -> usize {
        let mut at = 0;
        while !self.is_complete() {
            let Some(len) = memchr(b'\n', &content[at..]) else {
                match (self.line, &content[at..]) {
                    (_, []) => {}
                    (Line::Empty, [b'\r']) => self.line = Line::Cr,
                    _ => self.line = Line::Text,
                }
                return content.len();
            };
            let blank = match &content[at..at + len] {
                [] => self.line != Line::Text,
                [b'\r'] => self.line == Line::Empty,
                _ => false,
            };
            if self.in_body {
                self.lines -= 1;
            }
            self.in_body |= blank;
            self.line = Line::Empty;
            at += len + 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;

    use super::*;

    /// The definition, line by line, regardless of pieces.
    fn top(message: &[u8], lines: usize) -> usize {
        let mut at = 0;
        let mut body_lines = None;
        for line in message.split_inclusive(|&octet| octet == b'\n') {
            if body_lines == Some(lines) {
                break;
            }
            at += line.len();
            body_lines = body_lines.map(|n| n + 1).or((line == b"\n" || line == b"\r\n").then_some(0));
        }
        at
    }

    proptest! {
        #[test]
        fn v26_top_agrees_with_its_definition(message in "[a\r\n]{0,40}", lines in 0..5u32, cut in 0..40usize) {
            let (front, back) = message.as_bytes().split_at(cut.min(message.len()));
            let mut part = Top::new(lines);
            let mut taken = part.advance(front);
            if taken == front.len() {
                taken += part.advance(back);
            }
            prop_assert_eq!(taken, top(message.as_bytes(), lines as usize));
        }
    }
}
