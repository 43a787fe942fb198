//! Answers of a [`Service`](crate::Service), rewritten for a personality.

use std::borrow::ToOwned as _;
use std::string::String;
use std::vec::Vec;

use super::config::{Personality, UniqueIds};
use crate::wire::Timestamp;
use crate::wire::kind::{Kind, Shape};

/// The text that a server with response codes puts in front of a refusal ends with this.
const CODE_END: &[u8] = b"] ";

/// The part of an answer that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A status line.
    Status,
    /// Rows of a listing.
    Rows,
    /// The first octets of a message.
    Start,
    /// A message.
    Body,
    /// Nothing that the client may see.
    Hidden,
}

/// Takes the octets of an answer in any pieces, and returns those that the client gets.
pub(super) struct Rewriter {
    part: Part,
    /// The command that is answered; `None` for the greeting, unknown commands and lines inside AUTH.
    kind: Option<Kind>,
    /// The text of the `-ERR` that replaces the next status line.
    refusal: Option<String>,
    is_greeting: bool,
    /// The octets of a line, or of the beginning of a message, whose rest has not come yet.
    partial: Vec<u8>,
    /// A CR of a message is withheld until the next octet shows whether it belongs to a line end.
    cr: bool,
    /// The last status line was a `-ERR`, a challenge, or neither.
    pub(super) last: Last,
}

/// The last status line of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Ok,
    Refused,
    Challenge,
}

impl Rewriter {
    /// Expects the greeting.
    pub(super) const fn new() -> Rewriter {
        Rewriter {
            part: Part::Status,
            kind: None,
            refusal: None,
            is_greeting: true,
            partial: Vec::new(),
            cr: false,
            last: Last::Ok,
        }
    }

    /// Expects the answer to a command.
    pub(super) fn begin(&mut self, kind: Option<Kind>, refusal: Option<&str>) {
        (self.part, self.kind, self.is_greeting) = (Part::Status, kind, false);
        self.refusal = refusal.map(str::to_owned);
    }

    /// Hides everything until the next answer is expected.
    pub(super) const fn hide(&mut self) {
        self.part = Part::Hidden;
    }

    /// Rewrites octets, and appends them to `out`.
    pub(super) fn rewrite(&mut self, personality: &Personality, mut octets: &[u8], out: &mut Vec<u8>) {
        while let [first, rest @ ..] = octets {
            match self.part {
                Part::Hidden => return,
                Part::Body if !personality.lf => {
                    out.extend_from_slice(octets);
                    return;
                }
                Part::Body => self.body_in_lf(*first, out),
                Part::Status | Part::Rows | Part::Start => {
                    self.partial.push(*first);
                    self.partial(personality, out);
                }
            }
            octets = rest;
        }
    }

    fn partial(&mut self, personality: &Personality, out: &mut Vec<u8>) {
        if self.part == Part::Start {
            // A lone dot ends the message; two dots and an octet of the same line are a dot that can lose its stuffing.
            let is_known = !b"..".starts_with(&self.partial);
            if is_known {
                let start = std::mem::take(&mut self.partial);
                let is_stuffed = matches!(start[..], [b'.', b'.', after] if after != b'\r');
                self.part = Part::Body;
                self.rewrite(personality, &start[usize::from(is_stuffed)..], out);
            }
            return;
        }
        if !self.partial.ends_with(b"\n") {
            return;
        }
        let line = std::mem::take(&mut self.partial);
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
        if self.part == Part::Status {
            self.status(personality, line, out);
        } else {
            self.row(personality, line, out);
        }
    }

    fn status(&mut self, personality: &Personality, line: &[u8], out: &mut Vec<u8>) {
        let mut line = line.to_vec();
        if self.is_greeting {
            if let Some(text) = &personality.greeting {
                let timestamp = Timestamp::find(&line).map(|timestamp| timestamp.as_bytes().to_vec());
                let words = [b"+OK".to_vec(), text.as_bytes().to_vec(), timestamp.unwrap_or_default()];
                line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ');
            }
        } else if self.kind.is_some() && self.kind == personality.blank_line_before {
            line_end(personality, out);
        }
        if let Some(text) = self.refusal.take() {
            line = [b"-ERR ", text.as_bytes()].concat();
        }
        self.last = match line[..] {
            [b'+', b'O', ..] => Last::Ok,
            [b'+', ..] => Last::Challenge,
            _ => Last::Refused,
        };
        match self.last {
            Last::Ok => line = self.accepted(personality, line),
            Last::Refused if personality.no_response_codes => line = without_code(&line),
            Last::Refused | Last::Challenge => {}
        }
        out.extend_from_slice(&line);
        line_end(personality, out);
    }

    /// Returns the `+OK` that the client gets, and expects the rest of the answer.
    fn accepted(&mut self, personality: &Personality, line: Vec<u8>) -> Vec<u8> {
        let Some(kind) = self.kind else { return line };
        self.part = match kind.shape() {
            Shape::Single => Part::Status,
            Shape::Listing => Part::Rows,
            Shape::Body if personality.first_dot_unstuffed => Part::Start,
            Shape::Body => Part::Body,
        };
        match kind {
            Kind::UidlOne if personality.unique_ids == UniqueIds::Empty => without_last_word(&line),
            Kind::Stat | Kind::ListOne | Kind::UidlOne => line,
            _ if personality.bare_ok => b"+OK".to_vec(),
            _ => line,
        }
    }

    fn row(&mut self, personality: &Personality, line: &[u8], out: &mut Vec<u8>) {
        let is_end = line == b".";
        let mut add = |row: &[u8]| {
            out.extend_from_slice(row);
            line_end(personality, out);
        };
        match self.kind {
            Some(Kind::Capa) if is_end => {
                for added in &personality.added_capabilities {
                    add(added.as_bytes());
                }
                add(line);
            }
            Some(Kind::Capa) => {
                let keyword = line.split(|&octet| octet == b' ').next().unwrap_or_default();
                let hidden = &personality.hidden_capabilities;
                if !hidden.iter().any(|hidden| hidden.as_bytes().eq_ignore_ascii_case(keyword)) {
                    add(line);
                }
            }
            Some(Kind::UidlAll) if !is_end && personality.unique_ids == UniqueIds::Empty => {
                add(&without_last_word(line));
            }
            _ => add(line),
        }
        if is_end {
            self.part = Part::Status;
        }
    }

    /// Appends an octet of a message whose lines end in LF.
    fn body_in_lf(&mut self, octet: u8, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.cr) && octet != b'\n' {
            out.push(b'\r');
        }
        self.cr = octet == b'\r';
        if !self.cr {
            out.push(octet);
        }
    }
}

/// Appends a line end.
pub(super) fn line_end(personality: &Personality, out: &mut Vec<u8>) {
    out.extend_from_slice(if personality.lf { b"\n" } else { b"\r\n" });
}

/// Returns a refusal without its response code.
fn without_code(line: &[u8]) -> Vec<u8> {
    let end = line.windows(CODE_END.len()).position(|window| window == CODE_END);
    match (line.strip_prefix(b"-ERR ["), end) {
        (Some(_), Some(end)) => [b"-ERR ", &line[end + CODE_END.len()..]].concat(),
        _ => line.to_vec(),
    }
}

/// Returns a line up to the last space, with that space.
fn without_last_word(line: &[u8]) -> Vec<u8> {
    let end = line.iter().rposition(|&octet| octet == b' ').map_or(0, |space| space + 1);
    line[..end].to_vec()
}
