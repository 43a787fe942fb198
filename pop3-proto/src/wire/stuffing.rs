//! Byte-stuffing and the terminator of a message, on its way in and on its way out (RFC 1939, section 3).

use memchr::{memchr, memmem};

use crate::wire::line::LineEnd;

/// The line without its byte-stuffing, or `None` if it is the terminator (RFC 1939, section 3).
pub(crate) fn unstuffed(line: &[u8]) -> Option<&[u8]> {
    match line {
        b"." => None,
        [b'.', rest @ ..] => Some(rest),
        _ => Some(line),
    }
}

/// Where in a message a reader or writer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Position {
    /// At the beginning, or behind a CRLF; for a writer behind any LF.
    LineStart,
    /// Behind a bare LF that ends a line.
    AfterLf,
    AfterCr,
    Inside,
}

impl Position {
    /// The position behind `run`, which is not empty and began at `self`.
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

/// A message on its way in: removes the byte-stuffing by slicing, finds the terminator, holds back at most 2 octets.
///
/// Whoever writes a message must not be able to end it. A server that ends its lines in CRLF stuffs what stands behind CRLF,
/// and a bare LF is content to it. So in an answer of [`LineEnd::CrLf`] only CRLF, dot, CRLF is the terminator.
///
/// An answer of [`LineEnd::Lf`] comes from a server that ends lines in LF, or from one that is not consistent, and nothing
/// tells which. A lone dot behind CRLF is the terminator for either, because both stuff other dots there. A lone dot behind
/// a bare LF is it only if no line of the message has ended in CRLF, nor does that of the dot. Otherwise the dot may be the
/// sender's, and the message is [`Piece::Ambiguous`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Unstuffer {
    position: Position,
    end: LineEnd,
    /// A line has ended in CRLF. Kept where lines may end in LF.
    has_crlf: bool,
}

/// What an [`Unstuffer`] found.
pub(crate) enum Piece<'a> {
    /// The longest run of content that is there; never empty.
    Run(&'a [u8]),
    /// The terminator.
    End,
    /// Content for which there is no room.
    TooLong,
    /// A lone dot that is the terminator, or content.
    Ambiguous,
}

impl Unstuffer {
    /// For an answer whose status line ended in `end`.
    pub(crate) const fn new(end: LineEnd) -> Unstuffer {
        Unstuffer { position: Position::LineStart, end, has_crlf: false }
    }

    /// The next piece of at most `room` octets, or `None` if more octets are needed. `input` begins behind it.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call costs more than finding a run of three octets")]
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8], room: u64) -> Option<Piece<'a>> {
        if self.end == LineEnd::Lf {
            return self.next_of_lf(input, room);
        }
        let mut content = *input;
        match content {
            [b'.', rest @ ..] if self.position == Position::LineStart => match rest {
                // The first two arms are one test in the common case.
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
        self.has_crlf = self.has_crlf
            || (self.position == Position::AfterCr && run.starts_with(b"\n"))
            || memmem::find(run, b"\r\n").is_some();
        self.position = self.position.behind(run, LineEnd::Lf);
        Some(Piece::Run(run))
    }
}

/// Where the dot first stands behind `line_end`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call costs more than finding a run of three octets")]
fn find_dot<const N: usize>(content: &[u8], line_end_and_dot: &[u8; N]) -> Option<usize> {
    // So many octets are looked at one by one: where hits are dense, setting up the vector search costs more than it saves.
    const NEAR: usize = 64;
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

/// The same, where no dot is that ends before `from`.
#[inline(never)]
fn find_far_dot(content: &[u8], mut from: usize, line_end_and_dot: &[u8]) -> Option<usize> {
    // Nothing is faster than looking for one octet, and Base64 has no dot at all. Prose has many: there the pair of line
    // end and dot is rarer.
    for _ in 0..3 {
        let at = from + memchr(b'.', content.get(from..)?)?;
        if content[..=at].ends_with(line_end_and_dot) {
            return Some(at);
        }
        from = at + 1;
    }
    let far = (from + 1).checked_sub(line_end_and_dot.len())?;
    memmem::find(content.get(far..)?, line_end_and_dot).map(|at| far + at + line_end_and_dot.len() - 1)
}

/// A message on its way out: byte-stuffed, with bare LF turned into CRLF (a bare CR is content).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stuffer {
    position: Position,
}

impl Stuffer {
    pub(crate) const fn new() -> Stuffer {
        Stuffer { position: Position::LineStart }
    }

    /// Writes as much of `content` as fits into `room`, shortens `content` by it, and says how many octets were written.
    ///
    /// Two octets of room are always enough for progress.
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
                    let line = memchr(b'\n', content).unwrap_or(content.len()).min(space.len());
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

    /// What ends the message: the rest of an unfinished last line, and the terminator.
    pub(crate) const fn terminator(self) -> &'static [u8] {
        match self.position {
            Position::LineStart | Position::AfterLf => b".\r\n",
            Position::AfterCr => b"\n.\r\n",
            Position::Inside => b"\r\n.\r\n",
        }
    }
}

/// The octets that RETR sends for a stored message, as LIST and STAT count them: line ends as CRLF, the last one
/// included, byte-stuffing and terminator not (RFC 1939, sections 5 and 11).
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
        fn what_is_stuffed_can_be_unstuffed(message in "[a.\r\n]{0,40}", room in 2..9usize) {
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
