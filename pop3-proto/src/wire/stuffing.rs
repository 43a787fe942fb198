//! Byte-stuffing and the terminator of a message, for reading and writing (RFC 1939, section 3).

use memchr::{memchr, memmem};

use crate::wire::compact::compact;
use crate::wire::line::LineEnd;

/// Removes the byte-stuffing of a line, or returns `None` if it is the terminator (RFC 1939, section 3).
pub(crate) fn unstuffed(line: &[u8]) -> Option<&[u8]> {
    match line {
        b"." => None,
        [b'.', rest @ ..] => Some(rest),
        _ => Some(line),
    }
}

/// The position of a reader or writer within a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Position {
    /// At the beginning, or after a CRLF; for a writer, after any LF.
    LineStart,
    /// After a bare LF that ends a line.
    AfterLf,
    AfterCr,
    Inside,
}

impl Position {
    /// Returns the position after `run`, which is not empty and began at `self`.
    fn behind(self, run: &[u8], end: LineEnd) -> Position {
        match run {
            [.., b'\r'] => Position::AfterCr,
            [.., b'\r', b'\n'] => Position::LineStart,
            [b'\n'] if self == Position::AfterCr => Position::LineStart,
            [.., b'\n'] if end == LineEnd::Lf => Position::AfterLf,
            _ => Position::Inside,
        }
    }
}

/// Decodes a received message: removes the byte-stuffing, finds the terminator, and holds back at most 2 octets.
///
/// There are two ways to take the content, by slices of the input ([`next`](Self::next)) and by copying it
/// ([`copy`](Self::copy)). You can alternate between them.
///
/// The author of a message must not be able to end it. A server that ends its lines in CRLF stuffs dots after CRLF, and
/// treats a bare LF as content. Therefore only CRLF, dot, CRLF is the terminator of an answer of [`LineEnd::CrLf`].
///
/// An answer of [`LineEnd::Lf`] comes either from a server that ends lines in LF or from an inconsistent one; the two
/// cannot be distinguished. A lone dot after CRLF is the terminator for both, because both stuff other dots there. A
/// lone dot after a bare LF is the terminator only if no line of the message has ended in CRLF, and the line of the dot
/// does not either. Otherwise the dot may be part of the message, and the result is [`Piece::Ambiguous`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Unstuffer {
    position: Position,
    end: LineEnd,
    /// A line has ended in CRLF. Tracked only if lines may end in LF.
    has_crlf: bool,
}

/// The length of a lone dot with its line end.
const MAX_TERMINATOR: usize = b".\r\n".len();

/// A result of an [`Unstuffer`].
pub(crate) enum Piece<'a> {
    /// The longest run of content available; never empty.
    Run(&'a [u8]),
    /// The terminator.
    End,
    /// Content that exceeds the limit.
    TooLong,
    /// A lone dot that is either the terminator or content.
    Ambiguous,
}

impl Unstuffer {
    /// Creates a decoder for an answer whose status line ended in `end`.
    pub(crate) const fn new(end: LineEnd) -> Unstuffer {
        Unstuffer { position: Position::LineStart, end, has_crlf: false }
    }

    /// Returns the next piece of at most `room` octets and advances `input` past it, or returns `None` if more octets
    /// are needed.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call costs more than finding a run of three octets")]
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8], room: u64) -> Option<Piece<'a>> {
        if self.end == LineEnd::Lf {
            return self.next_of_lf(input, room);
        }
        let mut content = *input;
        match content {
            [b'.', rest @ ..] if self.position == Position::LineStart => match rest {
                // In the common case, the first two arms compile to one test.
                [second, ..] if *second > b'\r' => content = rest,
                [b'\r', b'\n', rest @ ..] => {
                    *input = rest;
                    return Some(Piece::End);
                }
                [] | [b'\r'] => return None,
                _ => content = rest,
            },
            [] => return None,
            _ => {}
        }
        let line = if self.position == Position::AfterCr && content.starts_with(b"\n.") {
            Some(1)
        } else {
            find_dot(content, b"\r\n.")
        };
        if let Some((run, rest)) = line.filter(|&start| start as u64 <= room).map(|start| content.split_at(start)) {
            *input = rest;
            self.position = Position::LineStart;
            return Some(Piece::Run(run));
        }
        let run = line.unwrap_or(content.len()).min(usize::try_from(room).unwrap_or(usize::MAX));
        if run == 0 {
            return Some(Piece::TooLong);
        }
        let (run, rest) = content.split_at(run);
        *input = rest;
        self.position = self.position.behind(run, LineEnd::CrLf);
        Some(Piece::Run(run))
    }

    /// Copies content to `space` and advances `input` past it. Returns the number of octets written; if there is still
    /// space, [`next`](Self::next) returns no run.
    pub(crate) fn copy(&mut self, input: &mut &[u8], space: &mut [u8]) -> usize {
        let (octets, mut written) = (*input, 0);
        loop {
            let room = &mut space[written..];
            if room.is_empty() {
                return written;
            }
            // Octets far beyond the room are not searched, because each call would search them again.
            let view = &input[..input.len().min(room.len() + MAX_TERMINATOR)];
            let (mut decoder, mut rest) = (*self, view);
            let Some(Piece::Run(run)) = decoder.next(&mut rest, room.len() as u64) else { return written };
            *self = decoder;
            let (copy, room) = room.split_at_mut(run.len());
            copy.copy_from_slice(run);
            // The run ended before a dot, unless the view ends there: more dots may be near.
            let from = octets.len() - input.len() + view.len() - rest.len();
            let (taken, compacted) = match self.end {
                LineEnd::CrLf => compact(octets, from, b"\r\n", room),
                LineEnd::Lf => compact(octets, from, b"\n", room),
            };
            self.pass(&octets[from..from + taken]);
            *input = &octets[from + taken..];
            written += run.len() + compacted;
        }
    }

    /// Advances past `octets`, of which all are content except the dots of byte-stuffing.
    fn pass(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            return;
        }
        self.has_crlf = self.end == LineEnd::Lf
            && (self.has_crlf
                || (self.position == Position::AfterCr && octets.starts_with(b"\n"))
                || memmem::find(octets, b"\r\n").is_some());
        self.position = self.position.behind(octets, self.end);
    }

    #[inline(never)]
    fn next_of_lf<'a>(&mut self, input: &mut &'a [u8], room: u64) -> Option<Piece<'a>> {
        let mut content = *input;
        match content {
            [b'.', rest @ ..] if matches!(self.position, Position::LineStart | Position::AfterLf) => match rest {
                [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => {
                    let mixed = self.has_crlf || content.starts_with(b".\r");
                    *input = rest;
                    let is_sure = self.position == Position::LineStart || !mixed;
                    return Some(if is_sure { Piece::End } else { Piece::Ambiguous });
                }
                [] | [b'\r'] => return None,
                _ => content = rest,
            },
            [] => return None,
            _ => {}
        }
        let run = find_dot(content, b"\n.").unwrap_or(content.len()).min(usize::try_from(room).unwrap_or(usize::MAX));
        if run == 0 {
            return Some(Piece::TooLong);
        }
        let (run, rest) = content.split_at(run);
        *input = rest;
        self.pass(run);
        Some(Piece::Run(run))
    }
}

/// Returns the position of the first dot after `line_end`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call costs more than finding a run of three octets")]
fn find_dot<const N: usize>(content: &[u8], line_end_and_dot: &[u8; N]) -> Option<usize> {
    // This many octets are examined one by one: if hits are dense, setting up the vector search costs more than it
    // saves.
    const NEAR: usize = 8;
    let near = content.len().min(NEAR);
    let mut at = N - 1;
    while at < near {
        if content[at] == b'.' && content[at + 1 - N..=at] == *line_end_and_dot {
            return Some(at);
        }
        at += 1;
    }
    find_far_dot(content, near, line_end_and_dot)
}

/// Like [`find_dot`], if no such dot ends before `from`.
#[inline(never)]
fn find_far_dot<const N: usize>(content: &[u8], mut from: usize, line_end_and_dot: &[u8; N]) -> Option<usize> {
    // A search for one octet is the fastest, and Base64 contains no dot at all. Prose contains many: there the pair of
    // line end and dot is rarer.
    const RARE: usize = 256;
    loop {
        let before = memchr(b'.', content.get(from..)?)?;
        let at = from + before;
        if content[..=at].ends_with(line_end_and_dot) {
            return Some(at);
        }
        from = at + 1;
        if before < RARE {
            break;
        }
    }
    let far = (from + 1).checked_sub(N)?;
    memmem::find(content.get(far..)?, line_end_and_dot).map(|at| far + at + N - 1)
}

/// Encodes a message to be sent: byte-stuffed, with bare LF turned into CRLF. A bare CR is content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stuffer {
    position: Position,
}

impl Stuffer {
    pub(crate) const fn new() -> Stuffer {
        Stuffer { position: Position::LineStart }
    }

    /// Writes as much of `content` as fits into `room`, shortens `content` by it, and returns the number of octets
    /// written.
    ///
    /// Two octets of room always suffice for progress.
    pub(crate) fn write(&mut self, content: &mut &[u8], room: &mut [u8]) -> usize {
        let mut written = 0;
        while let Some(&first) = content.first() {
            let space = &mut room[written..];
            let taken = match first {
                b'.' if self.position == Position::LineStart => {
                    let Some(pair) = space.get_mut(..2) else { break };
                    pair.copy_from_slice(b"..");
                    self.position = Position::Inside;
                    written += 2;
                    1
                }
                b'\n' if self.position == Position::AfterCr => {
                    let Some(one) = space.first_mut() else { break };
                    *one = b'\n';
                    self.position = Position::LineStart;
                    written += 1;
                    1
                }
                b'\n' => {
                    let Some(pair) = space.get_mut(..2) else { break };
                    pair.copy_from_slice(b"\r\n");
                    self.position = Position::LineStart;
                    written += 2;
                    1
                }
                _ => {
                    // Not beyond the room: with little room at a time, that would search the same octets again.
                    let ahead = &content[..content.len().min(space.len())];
                    let line = memchr(b'\n', ahead).unwrap_or(ahead.len());
                    if line == 0 {
                        break;
                    }
                    space[..line].copy_from_slice(&content[..line]);
                    self.position = if content[line - 1] == b'\r' { Position::AfterCr } else { Position::Inside };
                    written += line;
                    line
                }
            };
            *content = &content[taken..];
        }
        written
    }

    /// Returns the octets that end the message: the rest of an unfinished last line, and the terminator.
    pub(crate) const fn terminator(self) -> &'static [u8] {
        match self.position {
            Position::LineStart | Position::AfterLf => b".\r\n",
            Position::AfterCr => b"\n.\r\n",
            Position::Inside => b"\r\n.\r\n",
        }
    }
}

/// Returns the number of octets that RETR sends for a stored message, as LIST and STAT count them: line ends count as
/// CRLF, the last one included; byte-stuffing and the terminator do not count (RFC 1939, sections 5 and 11).
///
/// ```
/// assert_eq!(pop3_proto::transmitted_octets(b"Subject: dots\n\n...\n"), 22);
/// ```
pub fn transmitted_octets(message: &[u8]) -> u64 {
    let mut octets = message.len() as u64;
    let mut previous = b'\n';
    for &octet in message {
        if octet == b'\n' && previous != b'\r' {
            octets += 1;
        }
        previous = octet;
    }
    match message.last() {
        None | Some(b'\n') => octets,
        Some(b'\r') => octets + 1,
        Some(_) => octets + 2,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unstuffing_reverses_stuffing(message in "[a.\r\n]{0,40}", room in 2..9usize) {
            let (mut stuffer, mut content, mut wire) = (Stuffer::new(), message.as_bytes(), Vec::new());
            while !content.is_empty() {
                let mut space = std::vec![0; room];
                let len = stuffer.write(&mut content, &mut space);
                prop_assert!(len > 0, "two octets of room are enough");
                wire.extend_from_slice(&space[..len]);
            }
            wire.extend_from_slice(stuffer.terminator());
            let (mut unstuffer, mut input, mut got) = (Unstuffer::new(LineEnd::CrLf), &wire[..], Vec::new());
            while let Some(Piece::Run(run)) = unstuffer.next(&mut input, u64::MAX) {
                got.extend_from_slice(run);
            }
            prop_assert!(input.is_empty(), "the terminator is the end");
            prop_assert_eq!(got.len() as u64, transmitted_octets(message.as_bytes()));
            let lf = |octets: &[u8]| std::string::String::from_utf8_lossy(octets).replace("\r\n", "\n");
            let mut wanted = lf(message.as_bytes());
            match message.as_bytes().last() {
                None | Some(b'\n') => {}
                Some(b'\r') => wanted.replace_range(wanted.len() - 1.., "\n"),
                Some(_) => wanted.push('\n'),
            }
            prop_assert_eq!(lf(&got), wanted);
        }
    }
}
