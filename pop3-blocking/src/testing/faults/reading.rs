//! A naive reader of records by RFC 1939: it has the whole record, and reads one line after the other.
//!
//! It decides as the table in `pop3_proto::wire` says, and shares no code with what it judges.

use pop3_proto::Violation;

use super::wire::Record;

/// The reason why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The server broke the protocol.
    Violation(Violation),
    /// The server sent a last line before the command was sent.
    LastWords,
    /// The record ends inside the answer.
    Short,
    /// The record ends before the command: nothing of it was written.
    Unasked,
}

/// A `+OK` with its text, or a `-ERR`.
pub(super) type Status = Result<Vec<u8>, ()>;

/// An answer that arrives although no call waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipped {
    /// The rest of a listing.
    Listing,
    /// The answer to a PASS that followed a USER before that was refused.
    Pass,
}

pub(super) struct Reading<'a> {
    record: &'a Record,
    /// The octets that were taken of those that the client sent, and of those that it received.
    said: usize,
    heard: usize,
    /// True if lines end in CRLF; `None` before the first line that shows it.
    crlf: Option<bool>,
    /// True if a command may be sent before earlier ones are answered.
    pub(super) pipelining: bool,
    skipped: Option<Skipped>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(record: &'a Record) -> Reading<'a> {
        Reading { record, said: 0, heard: 0, crlf: None, pipelining: false, skipped: None }
    }

    /// Returns the octets that are not read yet.
    fn rest(&self) -> &'a [u8] {
        &self.record.heard[self.heard..]
    }

    /// Returns how many octets had been received when the next command was written, if it was.
    pub(super) fn before(&self) -> Option<usize> {
        self.record.since.get(self.said).copied()
    }

    pub(super) fn greeting(&mut self) -> Result<Status, Stop> {
        let line = self.line()?;
        status(&line).ok_or(Stop::Violation(Violation::NotAStatus))
    }

    /// The status line that answers a command. The client must have written just this command next, if it wrote
    /// anything.
    pub(super) fn ask(&mut self, command: &str) -> Result<Status, Stop> {
        let before = self.before();
        let asked = self.take(command);
        // Behind what is skipped the command may be sent at once, and fail before it is written.
        let mut in_flight = self.pipelining && self.skipped.is_some();
        self.skip()?;
        let early = before.is_some_and(|before| before < self.heard);
        assert!(!early || self.pipelining, "{command} is sent to a server that must not be hurried");
        in_flight |= early;
        if !in_flight {
            self.expect_nothing(before)?;
        }
        if asked || in_flight { self.status() } else { Err(Stop::Unasked) }
    }

    /// The client goes on without the rest of the listing.
    pub(super) fn skip_listing(&mut self) {
        self.skipped = Some(Skipped::Listing);
    }

    /// The client goes on without the answer to a PASS that it had sent.
    pub(super) fn skip_pass(&mut self, command: &str) {
        self.take(command);
        self.skipped = Some(Skipped::Pass);
    }

    /// Takes a command, and returns true if any octet of it was written.
    fn take(&mut self, command: &str) -> bool {
        let line = format!("{command}\r\n");
        let said = &self.record.said[self.said..];
        let written = &said[..said.len().min(line.len())];
        assert!(line.as_bytes().starts_with(written), "{:?} instead of {command}", written.escape_ascii().to_string());
        self.said += written.len();
        !written.is_empty()
    }

    fn skip(&mut self) -> Result<(), Stop> {
        match self.skipped.take() {
            Some(Skipped::Listing) => self.listing().map(drop),
            Some(Skipped::Pass) if self.status()?.is_ok() => Err(Stop::Violation(Violation::Impossible)),
            Some(Skipped::Pass) | None => Ok(()),
        }
    }

    fn status(&mut self) -> Result<Status, Stop> {
        let line = match self.line()? {
            // One blank line is forgiven.
            line if line.is_empty() => self.line()?,
            line => line,
        };
        if line == b"+" || line.starts_with(b"+ ") {
            return Err(Stop::Violation(Violation::UnexpectedChallenge));
        }
        status(&line).ok_or(Stop::Violation(Violation::NotAStatus))
    }

    /// Returns an error for octets that arrived while nothing was in flight.
    fn expect_nothing(&mut self, before: Option<usize>) -> Result<(), Stop> {
        let leftover = &self.record.heard[self.heard..before.unwrap_or(self.record.heard.len())];
        let blank = matches!(leftover, b"" | b"\r" | b"\r\n") || (leftover == b"\n" && self.crlf == Some(false));
        if blank {
            return Ok(());
        }
        assert!(
            before.is_none(),
            "a command follows {:?}, which nobody asked for",
            leftover.escape_ascii().to_string()
        );
        if leftover[0] != b'-' {
            return Err(Stop::Violation(Violation::Unsolicited));
        }
        match self.line() {
            Ok(line) if status(&line) == Some(Err(())) => Err(Stop::LastWords),
            Ok(_) => Err(Stop::Violation(Violation::Unsolicited)),
            Err(Stop::Short) => Err(Stop::Unasked),
            Err(stop) => Err(stop),
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Stop> {
        let rest = self.rest();
        let end = rest.iter().position(|&octet| octet == b'\n').ok_or(Stop::Short)?;
        self.heard += end + 1;
        let (line, crlf) = match rest[..end].strip_suffix(b"\r") {
            Some(line) => (line, true),
            None => (&rest[..end], false),
        };
        if !crlf && self.crlf == Some(true) {
            return Err(Stop::Violation(Violation::BareLf));
        }
        if line.contains(&b'\r') {
            return Err(Stop::Violation(Violation::BareCr));
        }
        if !line.is_empty() {
            self.crlf.get_or_insert(crlf);
        }
        Ok(line.to_vec())
    }

    /// The next line of a listing, or `None` at its end.
    pub(super) fn row(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let line = self.line()?;
        Ok(match line.strip_prefix(b".") {
            Some(b"") => None,
            Some(unstuffed) => Some(unstuffed.to_vec()),
            None => Some(line),
        })
    }

    /// The lines of a listing that are not blank, or what is left of them.
    pub(super) fn listing(&mut self) -> Result<Vec<Vec<u8>>, Stop> {
        let mut rows = Vec::new();
        while let Some(row) = self.row()? {
            if !row.iter().all(|octet| b" \t".contains(octet)) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// The octets of a message up to its terminator, or as many as there are.
    pub(super) fn message(&mut self) -> Result<Vec<u8>, Vec<u8>> {
        let end: &[u8] = if self.crlf == Some(true) { b"\r\n" } else { b"\n" };
        let mut octets = Vec::new();
        loop {
            let rest = self.rest();
            let line = match rest.windows(end.len()).position(|octets| octets == end) {
                Some(at) => &rest[..at + end.len()],
                None => rest,
            };
            self.heard += line.len();
            if line == b".\r\n" || (line == b".\n" && end == b"\n") {
                return Ok(octets);
            }
            octets.extend(line.strip_prefix(b".").unwrap_or(line));
            if !line.ends_with(end) {
                return Err(octets);
            }
        }
    }
}

/// The text after a `+OK`, or a `-ERR`.
fn status(line: &[u8]) -> Option<Status> {
    let mut words = line.splitn(2, |&octet| octet == b' ');
    let (word, text) = (words.next()?.to_ascii_uppercase(), words.next().unwrap_or_default());
    match &word[..] {
        b"+OK" => Some(Ok(text.to_vec())),
        b"-ERR" => Some(Err(())),
        _ => None,
    }
}

/// The numbers that a line begins with, apart by blanks and tabs.
pub(super) fn numbers(line: &[u8]) -> Option<(u32, u64)> {
    let mut words = line.split(|octet| b" \t".contains(octet)).filter(|word| !word.is_empty());
    Some((number(words.next()?)?.try_into().ok()?, number(words.next()?)?))
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') { None } else { digits.parse().ok() }
}
