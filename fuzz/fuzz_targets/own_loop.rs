//! A client loop of your own, against a server that sends anything: copy this file, and replace `Link` and `fetch` by
//! your loop. Whatever the loop reports must be what a naive reader finds in the same octets.
//!
//! The input is an octet for the size of the reads, and then the server's turns with the octet 1 between them. The
//! first turn is the greeting. The server takes each of the others when a command has arrived.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3_proto::drive::{Acknowledge, Call, Conversation, Exchange, Io, Retrieval, Step, UidlAll};
use pop3_proto::{Command, Config, Error};

fuzz_target!(|input: &[u8]| {
    let Some((&piece, turns)) = input.split_first() else { return };
    let turns: Vec<&[u8]> = turns.split(|&octet| octet == 1).collect();
    // The naive reader does not join a line end that is split between two turns.
    if turns.iter().any(|turn| turn.ends_with(b"\r")) {
        return;
    }
    let mut found = Vec::new();
    let fetched = fetch(Link::new(&turns, usize::from(piece).max(1)), &mut found);

    let (expected, quit) = naive(&turns);
    // Also after an error: each message that was reported is whole, and the server sent it in answer to its command.
    assert!(expected.starts_with(&found), "{found:?} instead of {expected:?}");
    if fetched.is_ok() {
        assert!(quit && expected == found, "{found:?} instead of {expected:?}");
    }
});

/// A message with its unique-id.
type Found = (Vec<u8>, Vec<u8>);

/// A conversation and its server: replace it by your own loop, without a socket.
struct Link<'a> {
    conversation: Conversation,
    /// The turns that the server has not begun.
    turns: std::slice::Iter<'a, &'a [u8]>,
    /// The octets that have arrived.
    arrived: &'a [u8],
    /// The maximum number of octets in a read.
    piece: usize,
}

impl<'a> Link<'a> {
    fn new(turns: &'a [&'a [u8]], piece: usize) -> Link<'a> {
        let mut turns = turns.iter();
        let arrived = turns.next().copied().unwrap_or_default();
        // With LF as the line end, the naive reader would have to guess as much as the client.
        let conversation = Conversation::new(Config::new().tolerate_lf(false));
        Link { conversation, turns, arrived, piece }
    }

    fn run<T>(&mut self, mut step: impl FnMut(&mut Conversation) -> Result<Step<T>, Error>) -> Result<T, Error> {
        loop {
            match step(&mut self.conversation)? {
                Step::Done(value) => return Ok(value),
                Step::NeedIo(Io::Transfer) => {
                    self.write();
                    // With no octets left, this is the end of the stream.
                    self.read();
                }
                Step::NeedIo(Io::Look) => {
                    if !self.arrived.is_empty() {
                        self.read();
                    }
                    self.conversation.looked();
                }
            }
        }
    }

    fn call<E: Exchange>(&mut self, exchange: E) -> Result<E::Value, Error> {
        let mut call = Call::new(exchange);
        self.run(|conversation| conversation.step(&mut call))
    }

    fn write(&mut self) {
        let octets = self.conversation.pending().len();
        self.conversation.written(octets);
        if octets > 0 && self.arrived.is_empty() {
            self.arrived = self.turns.next().copied().unwrap_or_default();
        }
    }

    fn read(&mut self) {
        let spare = self.conversation.spare();
        let (read, rest) = self.arrived.split_at(self.piece.min(self.arrived.len()).min(spare.len()));
        spare[..read.len()].copy_from_slice(read);
        self.conversation.filled(read.len());
        self.arrived = rest;
    }
}

/// The program under test: logs in and retrieves the first messages. `found` gets each message that is complete.
fn fetch(mut link: Link<'_>, found: &mut Vec<Found>) -> Result<(), Error> {
    link.run(Conversation::greet)?;
    link.call(Acknowledge(Command::User("u")))?;
    link.call(Acknowledge(Command::Pass("p")))?;
    for (number, id) in link.call(UidlAll::default())?.into_iter().take(3) {
        let (mut retrieval, mut message) = (Retrieval::retr(number), Vec::new());
        link.run(|conversation| conversation.collect(&mut retrieval, &mut message))?;
        found.push((id.as_bytes().to_vec(), message));
    }
    link.call(Acknowledge(Command::Quit))
}

/// Reads the turns naively. Returns the messages that a session finds, up to the first turn that is no answer, and true
/// if all turns up to the answer to QUIT are answers. It shares no code with the crate.
fn naive(turns: &[&[u8]]) -> (Vec<Found>, bool) {
    let (mut turns, mut found) = (turns.iter().copied(), Vec::new());
    for _ in ["greeting", "USER", "PASS"] {
        if answer(turns.next()).is_none_or(|rest| !is_blank(rest)) {
            return (found, false);
        }
    }
    let Some((rows, rest)) = answer(turns.next()).and_then(listing) else { return (found, false) };
    if !is_blank(rest) {
        return (found, false);
    }
    let Some(ids) = rows.into_iter().map(unique_id).collect::<Option<Vec<_>>>() else { return (found, false) };
    for id in ids.into_iter().take(3) {
        let Some((message, rest)) = answer(turns.next()).and_then(message) else { return (found, false) };
        found.push((id.to_vec(), message));
        if !is_blank(rest) {
            return (found, false);
        }
    }
    let quit = answer(turns.next()).is_some();
    (found, quit)
}

/// One blank line may follow an answer, before the next command.
fn is_blank(rest: &[u8]) -> bool {
    matches!(rest, b"" | b"\r\n")
}

fn line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&octets[..end], &octets[end + 2..]))
}

/// Returns the octets after the `+OK` that begins a turn.
fn answer(turn: Option<&[u8]>) -> Option<&[u8]> {
    let turn = turn?;
    let (status, rest) = line(turn.strip_prefix(b"\r\n").unwrap_or(turn))?;
    let (indicator, text) = status.split_at_checked(3)?;
    let is_ok = indicator.eq_ignore_ascii_case(b"+OK") && (text.is_empty() || text.starts_with(b" "));
    is_ok.then_some(rest)
}

fn listing(mut octets: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut rows = Vec::new();
    loop {
        let (row, rest) = line(octets)?;
        octets = rest;
        if row == b"." {
            return Some((rows, rest));
        }
        let row = row.strip_prefix(b".").unwrap_or(row);
        if !row.iter().all(|octet| matches!(octet, b' ' | b'\t')) {
            rows.push(row);
        }
    }
}

/// Returns the unique-id of a row.
fn unique_id(row: &[u8]) -> Option<&[u8]> {
    let row = row.trim_ascii_start();
    let row = if row.len() > 3 && row[..3].eq_ignore_ascii_case(b"+OK") { row[3..].trim_ascii_start() } else { row };
    let end = row.iter().position(|&octet| octet == b' ')?;
    let number: u32 = std::str::from_utf8(&row[..end]).ok()?.parse().ok()?;
    let id = &row[end..];
    let start = id.iter().position(|&octet| octet != b' ').unwrap_or(id.len());
    let end = id.iter().rposition(|&octet| octet != b' ').map_or(start, |last| last + 1);
    (number > 0).then_some(&id[start..end])
}

/// Removes the byte-stuffing of a message, up to the line that is only a dot.
fn message(mut octets: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut message = Vec::new();
    loop {
        let (line, rest) = line(octets)?;
        octets = rest;
        if line == b"." {
            return Some((message, rest));
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        message.extend_from_slice(b"\r\n");
    }
}
