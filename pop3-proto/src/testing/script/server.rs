//! The server that plays a script.

use std::collections::VecDeque;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::verdict::{Happened, Mismatch, Verdict};
use super::{QUIET, Turn, turns};
use crate::testing::link::Responder;

/// A server that plays a script. It is a [`Responder`], for a [`Line`](crate::testing::link::Line) or for a loop of
/// your own. See the [module](super) for the format of scripts and an example.
#[derive(Debug)]
pub struct ScriptedServer {
    /// The turns to come, and their lines.
    turns: VecDeque<(usize, Turn)>,
    space: Vec<u8>,
    /// Octets of the client that belong to no turn yet.
    heard: Vec<u8>,
    out: Vec<u8>,
    now: Duration,
    /// The end of the current wait.
    until: Option<Duration>,
    failed: bool,
    verdict: Verdict,
}

impl ScriptedServer {
    /// Creates a server that has not said anything yet.
    ///
    /// # Panics
    ///
    /// Panics if a line is not a line of a script.
    pub fn new(script: &str) -> ScriptedServer {
        let mut server = ScriptedServer {
            turns: turns(script).collect(),
            space: vec![0; 512],
            heard: Vec::new(),
            out: Vec::new(),
            now: Duration::ZERO,
            until: None,
            failed: false,
            verdict: Verdict::new(Ok(())),
        };
        server.play();
        server
    }

    /// Returns a handle that tells whether the client has kept to the script.
    pub fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Returns how many octets the server can use now. If you read no more than this, nothing that follows the script
    /// is read.
    pub fn wanted(&self) -> usize {
        match self.turns.front() {
            _ if self.failed => 0,
            Some((_, Turn::Client(expected))) => expected.len() - self.heard.len(),
            Some((_, Turn::Quiet | Turn::Hold)) => self.space.len(),
            _ => 0,
        }
    }

    /// Plays turns until it is the client's.
    fn play(&mut self) {
        while let (false, Some((_, turn))) = (self.failed, self.turns.front()) {
            match turn {
                Turn::Server(octets) => self.out.extend(octets),
                Turn::Client(expected) => match self.heard.split_at_checked(expected.len()) {
                    Some((said, _)) if said == expected => drop(self.heard.drain(..expected.len())),
                    _ if expected.starts_with(&self.heard) => break,
                    _ => return self.fail(),
                },
                Turn::Quiet | Turn::Hold | Turn::Tls if !self.heard.is_empty() => return self.fail(),
                Turn::Hold | Turn::Tls => break,
                // The client must have had a chance to read before.
                Turn::Quiet | Turn::Wait(_) if !self.out.is_empty() => break,
                Turn::Quiet | Turn::Wait(_) => {
                    let time = if let Turn::Wait(time) = turn { *time } else { QUIET };
                    if *self.until.get_or_insert(self.now.saturating_add(time)) > self.now {
                        break;
                    }
                    self.until = None;
                }
            }
            self.turns.pop_front();
        }
        if !self.failed {
            self.verdict.set(self.missing().map_or(Ok(()), Err));
        }
    }

    /// Ends the session, because the client sent something else. Reports its first line, or what there is of it.
    fn fail(&mut self) {
        let end = self.heard.iter().position(|&octet| octet == b'\n').map_or(self.heard.len(), |at| at + 1);
        if let Some((line, turn)) = self.turns.front() {
            self.verdict.set(Err(Mismatch::new(*line, turn, Happened::Sent(&self.heard[..end]))));
        }
        self.failed = true;
    }

    /// Returns the line that the client has not come to. A client that has given up need not listen.
    fn missing(&self) -> Option<Mismatch> {
        let is_missing = |turn: &Turn| matches!(turn, Turn::Client(_) | Turn::Quiet | Turn::Hold | Turn::Tls);
        let (line, turn) = self.turns.iter().find(|(_, turn)| is_missing(turn))?;
        Some(Mismatch::new(*line, turn, Happened::Nothing(&self.heard)))
    }
}

impl Responder for ScriptedServer {
    fn spare(&mut self) -> &mut [u8] {
        if self.wanted() > 0 { &mut self.space } else { &mut [] }
    }

    fn filled(&mut self, len: usize) {
        self.heard.extend(&self.space[..len]);
        self.play();
    }

    fn pending(&self) -> &[u8] {
        &self.out
    }

    fn written(&mut self, len: usize) {
        self.out.drain(..len);
        self.play();
    }

    fn is_over(&self) -> bool {
        self.failed || self.turns.is_empty()
    }

    fn wants_tls(&self) -> bool {
        !self.failed && matches!(self.turns.front(), Some((_, Turn::Tls)))
    }

    fn tls_established(&mut self, _exporter: Option<Zeroizing<Vec<u8>>>) {
        if self.wants_tls() {
            self.turns.pop_front();
            self.play();
        }
    }

    fn closed(&mut self) {
        if self.failed {
            return;
        }
        while let Some((line, turn)) = self.turns.front() {
            match turn {
                Turn::Server(_) | Turn::Wait(_) | Turn::Hold if self.heard.is_empty() => {}
                turn => {
                    self.verdict.set(Err(Mismatch::new(*line, turn, Happened::Closed(&self.heard))));
                    self.failed = true;
                    return;
                }
            }
            self.turns.pop_front();
        }
        self.verdict.set(Ok(()));
    }

    fn tick(&mut self, now: Duration) {
        self.now = now;
        self.play();
    }

    fn alarm(&self) -> Option<Duration> {
        self.until
    }
}
