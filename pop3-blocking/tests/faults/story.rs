//! The results of a session, call by call.

use std::io::{self, ErrorKind};

use pop3_blocking::pop3_proto::drive::OwnedUniqueId;
use pop3_blocking::pop3_proto::wire::{DropListing, ScanListing};
use pop3_blocking::pop3_proto::{UsageError, Violation};
use pop3_blocking::{Cause, Error, QuitError};

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Greeted,
    LoggedIn,
    Totals(u32, u64),
    Listings(Vec<(u32, u64)>),
    UniqueIds(Vec<(u32, Vec<u8>)>),
    /// A message that is said to be whole.
    Message(u32, Vec<u8>),
    Marked(u32),
}

impl Value {
    pub(crate) fn totals(totals: DropListing) -> Value {
        Value::Totals(totals.messages, totals.octets)
    }

    pub(crate) fn listings(listings: &[ScanListing]) -> Value {
        Value::Listings(listings.iter().map(|listing| (listing.number, listing.octets)).collect())
    }

    pub(crate) fn unique_ids(ids: Vec<(u32, OwnedUniqueId)>) -> Value {
        Value::UniqueIds(ids.into_iter().map(|(number, id)| (number, id.as_bytes().to_vec())).collect())
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Refused,
    Malformed,
    Protocol(Violation),
    /// The connection ended inside an answer: what was received is a part.
    Closed,
    /// The connection had ended before the command.
    ClosedWhileIdle,
    Transport(ErrorKind),
    /// The connection did not come about, or was gone before we knew of it.
    Unreachable(ErrorKind),
    /// TLS did not come about.
    Handshake(ErrorKind),
    /// The session was over before.
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeError {
    pub(crate) operation: String,
    pub(crate) why: Why,
    pub(crate) goes_on: bool,
    /// The part of a message that had been read.
    pub(crate) part: Option<Vec<u8>>,
}

impl ExchangeError {
    /// Of reading a message, with the part that came.
    pub(crate) fn of_message(error: io::Error, part: Vec<u8>) -> ExchangeError {
        let kind = error.kind();
        let failure = ExchangeError::from(error.downcast::<Error>().expect("the error of a message is one of ours"));
        let expected = match failure.why {
            Why::Closed => ErrorKind::UnexpectedEof,
            Why::ClosedWhileIdle => ErrorKind::ConnectionAborted,
            Why::Protocol(_) | Why::Malformed => ErrorKind::InvalidData,
            Why::Transport(kind) | Why::Handshake(kind) | Why::Unreachable(kind) => kind,
            Why::Over => ErrorKind::InvalidInput,
            Why::Refused => ErrorKind::Other,
        };
        assert_eq!(kind, expected, "{failure:?}");
        ExchangeError { part: Some(part), ..failure }
    }
}

impl From<Error> for ExchangeError {
    fn from(error: Error) -> ExchangeError {
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
        assert!(!error.to_string().contains(crate::maildrop::PASSWORD), "{error}");
        ExchangeError { operation: error.operation().into(), why, goes_on: error.is_recoverable(), part: None }
    }
}

/// The result that QUIT reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Quit {
    Committed,
    Refused,
    NotSent(ExchangeError),
    Unknown(ExchangeError),
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

/// All of a session: calls are made to the end, whatever became of the earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) notes: Vec<Result<Value, ExchangeError>>,
    pub(crate) quit: Option<Quit>,
}

impl Story {
    pub(crate) fn note(&mut self, result: Result<Value, impl Into<ExchangeError>>) {
        self.notes.push(result.map_err(Into::into));
    }
}
