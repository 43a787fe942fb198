//! Lines, terminators and byte-stuffing: the only file that knows about CR, LF and the dot (RFC 1939, section 3).

use memchr::{memchr, memmem};

use crate::error::Violation;

/// How the lines of an answer end.
///
/// If the first status line of a layer ends in CRLF, all lines of that layer must. Otherwise the status line of each answer
/// decides for that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// CRLF, as RFC 1939 wants it. A bare LF inside a message is content.
    CrLf,
    /// LF, as some servers send it; a CR before it is tolerated.
    Lf,
}

/// A line out of the input.
pub(crate) struct Line<'a> {
    /// The line without its line end.
    pub(crate) text: &'a [u8],
    /// Its octets, line end included.
    pub(crate) taken: usize,
    pub(crate) end: LineEnd,
}

/// The first line of `input`.
///
/// `scanned` octets hold no LF, as the call before found out; it is kept up to date. `None` if more octets are needed.
/// The limit is looked at before the content, so that the verdict does not depend on how the octets were cut.
pub(crate) fn line<'a>(
    input: &'a [u8],
    scanned: &mut u32,
    limit: u32,
    end: Option<LineEnd>,
) -> Result<Option<Line<'a>>, Violation> {
    let window = &input[..input.len().min(limit as usize)];
    let start = (*scanned as usize).min(window.len());
    let Some(lf) = memchr(b'\n', &window[start..]).map(|at| start + at) else {
        if window.len() == limit as usize {
            return Err(Violation::LineTooLong { limit });
        }
        // Shorter than a limit of 32 bits.
        *scanned = u32::try_from(window.len()).unwrap_or(u32::MAX);
        return Ok(None);
    };
    *scanned = 0;
    let (text, found) = match &input[..lf] {
        [text @ .., b'\r'] => (text, LineEnd::CrLf),
        text => (text, LineEnd::Lf),
    };
    if found == LineEnd::Lf && end == Some(LineEnd::CrLf) {
        return Err(Violation::BareLf);
    }
    if memchr(b'\r', text).is_some() {
        return Err(Violation::BareCr);
    }
    Ok(Some(Line { text, taken: lf + 1, end: found }))
}

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

/// A client's lines, as a server reads them (RFC 2449, section 4).
///
/// A line ends at its LF, and one CR before that LF belongs to the line end: CRLF and a bare LF do the same, always.
/// A CR elsewhere and a NUL are octets like others, which no command has a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CommandLines {
    /// Octets at the front of the awaited line that hold no LF.
    scanned: u32,
    /// The rest of a line that was too long is thrown away.
    discarding: bool,
}

/// What a client's line is.
pub(crate) enum CommandLine<'a> {
    /// The line without its line end.
    Line(&'a [u8]),
    /// There is no line end in the first `limit` octets. Told once for the whole line.
    TooLong,
}

impl CommandLines {
    pub(crate) const fn new() -> CommandLines {
        CommandLines { scanned: 0, discarding: false }
    }

    /// Throws away the rest of a line that was too long, as far as it is there.
    pub(crate) fn skip(&mut self, input: &mut &[u8]) {
        if self.discarding {
            let lf = memchr(b'\n', input);
            *input = lf.map_or(&[], |lf| &input[lf + 1..]);
            self.discarding = lf.is_none();
        }
    }

    /// The next line of at most `limit` octets, 1 or more, line end included; or `None` if more octets are needed.
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

/// The part of a message that TOP sends: the header, the blank line, and the first lines of the body (RFC 1939,
/// section 7). Every LF ends a line, as it does in what [`Stuffer`] makes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Top {
    /// Lines of the body still to come.
    lines: u32,
    in_body: bool,
    /// What the current line holds so far: nothing, a CR, or more.
    position: Position,
}

impl Top {
    pub(crate) const fn new(lines: u32) -> Top {
        Top { lines, in_body: false, position: Position::LineStart }
    }

    /// Whether all that TOP sends has gone by.
    pub(crate) const fn is_complete(self) -> bool {
        self.in_body && self.lines == 0
    }

    /// Goes on over `content`, and says how many of its octets belong to TOP.
    pub(crate) fn advance(&mut self, content: &[u8]) -> usize {
        let mut at = 0;
        while !self.is_complete() {
            let Some(len) = memchr(b'\n', &content[at..]) else {
                match (self.position, &content[at..]) {
                    (_, []) => {}
                    (Position::LineStart, [b'\r']) => self.position = Position::AfterCr,
                    _ => self.position = Position::Inside,
                }
                return content.len();
            };
            let blank = match &content[at..at + len] {
                [] => self.position != Position::Inside,
                [b'\r'] => self.position == Position::LineStart,
                _ => false,
            };
            if self.in_body {
                self.lines -= 1;
            }
            self.in_body |= blank;
            self.position = Position::LineStart;
            at += len + 1;
        }
        at
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

    /// What a server reads when `parts` come one after the other, and what it is left with.
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
    fn v3_a_line_that_is_too_long_is_told_once() {
        let (read, rest, _) = commands(&[b"1234567\n", b"12345678", b"9012345678901234\n", b"1\n123456789"], 8);
        assert_eq!(read, [Some(b"1234567".to_vec()), None, Some(b"1".to_vec()), None]);
        assert_eq!(rest, b"");
    }

    /// The definition, one line after the other, with no regard to pieces.
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
        fn command_lines_do_not_depend_on_the_cuts(text in "[a\r\n]{0,40}", limit in 1..9u32, cuts in prop::array::uniform2(0..40usize)) {
            let text = text.as_bytes();
            let (a, b) = (cuts[0].min(cuts[1]).min(text.len()), cuts[0].max(cuts[1]).min(text.len()));
            prop_assert_eq!(commands(&[text], limit), commands(&[&text[..a], &text[a..b], &text[b..]], limit));
        }

        #[test]
        fn v26_top_takes_what_its_definition_says(message in "[a\r\n]{0,40}", lines in 0..5u32, cut in 0..40usize) {
            let (front, back) = message.as_bytes().split_at(cut.min(message.len()));
            let mut part = Top::new(lines);
            let mut taken = part.advance(front);
            if taken == front.len() {
                taken += part.advance(back);
            }
            prop_assert_eq!(taken, top(message.as_bytes(), lines as usize));
        }

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
