//! The results of a session, call by call.
//!
//! See [`faults`](super) for an example.

use std::io::{self, ErrorKind};

use crate::{Cause, Error, QuitError};
use pop3_proto::drive::OwnedUniqueId;
use pop3_proto::wire::{DropListing, ScanListing};
use pop3_proto::{UsageError, Violation};

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The greeting.
    Greeted,
    /// The login.
    LoggedIn,
    /// The number of messages and their octets, from STAT.
    Totals(u32, u64),
    /// The numbers of messages and their octets, from LIST.
    Listings(Vec<(u32, u64)>),
    /// The numbers of messages and their unique-ids, from UIDL.
    UniqueIds(Vec<(u32, Vec<u8>)>),
    /// A message that was reported as complete.
    Message(u32, Vec<u8>),
    /// A message that is marked as deleted.
    Marked(u32),
}

impl Value {
    /// Returns the result of STAT.
    pub fn totals(totals: DropListing) -> Value {
        Value::Totals(totals.messages, totals.octets)
    }

    /// Returns the result of LIST.
    pub fn listings(listings: &[ScanListing]) -> Value {
        Value::Listings(listings.iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    /// Returns the result of UIDL.
    pub fn unique_ids(ids: Vec<(u32, OwnedUniqueId)>) -> Value {
        Value::UniqueIds(ids.into_iter().map(|(number, id)| (number, id.as_bytes().to_vec())).collect())
    }
}

/// The reason for the failure of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The server refused.
    Refused,
    /// The answer was complete but malformed.
    Malformed,
    /// The server broke the protocol.
    Protocol(Violation),
    /// The connection ended inside an answer: what was received is a part.
    Closed,
    /// The connection had ended before the command.
    ClosedWhileIdle,
    /// Reading or writing failed, or took too long.
    Transport(ErrorKind),
    /// The connection was not established, or was closed before its first use.
    Unreachable(ErrorKind),
    /// TLS was not established.
    Handshake(ErrorKind),
    /// The session was over before.
    Over,
}

/// The error of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The operation that the error names.
    pub operation: String,
    /// The reason.
    pub why: Why,
    /// True if the session can continue.
    pub goes_on: bool,
    /// The part of a message that was read before the error.
    pub part: Option<Vec<u8>>,
}

impl Failure {
    /// Returns the error of reading a message, with the part that came.
    ///
    /// # Panics
    ///
    /// Panics if the error is not one of this workspace, or if its kind does not agree with the reason.
    pub fn of_message(error: io::Error, part: Vec<u8>) -> Failure {
        let kind = error.kind();
        let failure = Failure::from(error.downcast::<Error>().expect("the error of a message is one of ours"));
        let expected = match failure.why {
            Why::Closed => ErrorKind::UnexpectedEof,
            Why::ClosedWhileIdle => ErrorKind::ConnectionAborted,
            Why::Protocol(_) | Why::Malformed => ErrorKind::InvalidData,
            Why::Transport(kind) | Why::Handshake(kind) | Why::Unreachable(kind) => kind,
            Why::Over => ErrorKind::InvalidInput,
            Why::Refused => ErrorKind::Other,
        };
        assert_eq!(kind, expected, "{failure:?}");
        Failure { part: Some(part), ..failure }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let why = match error.cause() {
            Cause::Refused(_) | Cause::Login(_) => Why::Refused,
            Cause::Malformed(_) => Why::Malformed,
            Cause::ClosedWhileIdle(_) => Why::ClosedWhileIdle,
            Cause::Protocol(protocol) if protocol.violation() == Violation::Closed => Why::Closed,
            Cause::Protocol(protocol) => Why::Protocol(protocol.violation()),
            Cause::Transport(_) => Why::Transport(error.io().unwrap().kind()),
            Cause::TimedOut(_) => Why::Transport(ErrorKind::TimedOut),
            Cause::Handshake(_) => Why::Handshake(error.io().unwrap().kind()),
            Cause::Unreachable { .. } => Why::Unreachable(error.io().unwrap().kind()),
            Cause::Usage(UsageError::Over) => Why::Over,
            other => panic!("{other:?}"),
        };
        assert_eq!(error.is_truncated(), why == Why::Closed, "{error:?}");
        assert!(!error.to_string().contains(super::maildrop::PASSWORD), "{error}");
        Failure { operation: error.operation().into(), why, goes_on: error.is_recoverable(), part: None }
    }
}

/// The result that QUIT reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quit {
    /// The deletions are committed.
    Committed,
    /// The server refused.
    Refused,
    /// QUIT was not sent, so that nothing is deleted.
    NotSent(Failure),
    /// QUIT was sent and not answered.
    Unknown(Failure),
}

impl From<Result<(), QuitError>> for Quit {
    fn from(result: Result<(), QuitError>) -> Quit {
        match result {
            Ok(()) => Quit::Committed,
            Err(QuitError::Refused(_)) => Quit::Refused,
            Err(QuitError::NotSent(error)) => Quit::NotSent(error.into()),
            Err(QuitError::Unknown(error)) => Quit::Unknown(error.into()),
        }
    }
}

/// The results of a whole session: calls are made to the end, whatever became of the earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// The results of the calls before QUIT.
    pub notes: Vec<Result<Value, Failure>>,
    /// The result of QUIT, if there was a session to be quit.
    pub quit: Option<Quit>,
}

impl Results {
    /// Takes down the result of a call.
    pub fn note(&mut self, result: Result<Value, impl Into<Failure>>) {
        self.notes.push(result.map_err(Into::into));
    }
}
