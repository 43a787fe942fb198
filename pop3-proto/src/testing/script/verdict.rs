//! The verdict on a client: it kept to the script, or it did not.

use std::borrow::ToOwned;
use std::fmt;
use std::format;
use std::string::String;
use std::sync::{Arc, Mutex, PoisonError};

use super::Turn;

/// The place at which a client did not keep to a script. Its [`Display`](fmt::Display) shows what was expected and what
/// the client did instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    line: usize,
    expected: String,
    happened: String,
}

impl Mismatch {
    pub(super) fn new(line: usize, expected: &Turn, happened: Happened<'_>) -> Mismatch {
        let expected = match expected {
            Turn::Client(octets) => shown(octets),
            Turn::Quiet => "the client to wait".to_owned(),
            Turn::Tls => "a handshake for TLS".to_owned(),
            Turn::Hold => "the client to close the connection".to_owned(),
            Turn::Server(_) | Turn::Wait(_) => "the client to listen".to_owned(),
        };
        let happened = match happened {
            Happened::Sent(octets) => format!("the client sent {}", shown(octets)),
            Happened::Closed(b"") => "the client closed the connection".to_owned(),
            Happened::Closed(octets) => format!("the client closed the connection after {}", shown(octets)),
            Happened::Nothing(b"") => "the client has not sent anything since".to_owned(),
            Happened::Nothing(octets) => format!("the client has only sent {} since", shown(octets)),
        };
        Mismatch { line, expected, happened }
    }

    /// Returns the number of the line of the script, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the script: expected {}, but {}", self.line, self.expected, self.happened)
    }
}

impl std::error::Error for Mismatch {}

/// An action of the client, instead of that in the script.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happened<'a> {
    Sent(&'a [u8]),
    Closed(&'a [u8]),
    Nothing(&'a [u8]),
}

/// Returns the octets as text, without the line end that every line has.
fn shown(octets: &[u8]) -> String {
    format!("`{}`", octets.strip_suffix(b"\r\n").unwrap_or(octets).escape_ascii())
}

/// A handle that tells whether the client has kept to the script of a [`ScriptedServer`](super::ScriptedServer), even
/// after the server is gone.
#[derive(Clone, Debug)]
pub struct Verdict(Arc<Mutex<Result<(), Mismatch>>>);

impl Verdict {
    pub(super) fn new(now: Result<(), Mismatch>) -> Verdict {
        Verdict(Arc::new(Mutex::new(now)))
    }

    pub(super) fn set(&self, now: Result<(), Mismatch>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Returns whether the client has done everything in the script.
    ///
    /// # Errors
    ///
    /// The first [`Mismatch`], or the line that the client has not come to.
    pub fn check(&self) -> Result<(), Mismatch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asserts that the client has done everything in the script. Call this at the end of a test.
    ///
    /// # Panics
    ///
    /// Panics with the [`Mismatch`].
    #[track_caller]
    pub fn done(&self) {
        if let Err(mismatch) = self.check() {
            panic!("{mismatch}");
        }
    }
}
