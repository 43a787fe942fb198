//! Exchanges: a command and the value of its answer.

use core::ops::ControlFlow;

use crate::client::Event;
use crate::drive::refusal::OwnedRefusal;
use crate::wire::command::Command;
use crate::wire::malformed::Malformed;
use crate::wire::payload::{Payload, Response};
use crate::wire::reply::{Refusal, Reply};

/// The reason why an exchange failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The server refused the command. The session continues.
    Refused(OwnedRefusal),
    /// The server's answer is malformed. The session continues.
    Malformed(Malformed),
    /// The server sent `+OK` before the mechanism was complete, so the server did not prove its identity, or the client
    /// could not prove its own (RFC 4422, section 3.4). The session is over.
    PrematureSuccess,
}

impl From<Refusal<'_>> for ExchangeError {
    fn from(refusal: Refusal<'_>) -> ExchangeError {
        ExchangeError::Refused(OwnedRefusal::new(refusal))
    }
}

impl From<Malformed> for ExchangeError {
    fn from(malformed: Malformed) -> ExchangeError {
        ExchangeError::Malformed(malformed)
    }
}

/// A command, and the conversion of its answer to a value that borrows nothing. RETR and TOP are not exchanges, because
/// their messages are streamed.
///
/// ```
/// use core::ops::ControlFlow;
///
/// use pop3_proto::drive::{Exchange, ExchangeError};
/// use pop3_proto::{Command, Event};
///
/// /// A command of your server, whose `+OK` is followed by a text.
/// struct Motto;
///
/// impl Exchange for Motto {
///     type Value = String;
///
///     fn command(&self) -> Command<'_> {
///         Command::Raw("XMOTTO")
///     }
///
///     fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<String, ExchangeError>> {
///         match event {
///             Event::Ok { reply, .. } => ControlFlow::Break(Ok(reply.text().to_string())),
///             Event::Refused { refusal, .. } => ControlFlow::Break(Err(refusal.into())),
///             _ => ControlFlow::Continue(()),
///         }
///     }
/// }
/// ```
pub trait Exchange {
    /// The value of the answer.
    type Value;

    /// Returns the command to send.
    fn command(&self) -> Command<'_>;

    /// Handles an event of the answer: the status line, a row or the end. Returns `Break` with the result as soon as it
    /// is known; the rest of the answer is then skipped.
    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>>;

    /// Returns the response to a challenge of AUTH. The default cancels the exchange.
    fn respond(&mut self, challenge: Payload<'_>) -> Response<'_> {
        let _ = challenge;
        Response::Cancel
    }
}

/// Handles an event of a single-line answer.
pub(crate) fn single<T>(
    event: Event<'_>,
    value: impl FnOnce(Reply<'_>) -> Result<T, Malformed>,
) -> ControlFlow<Result<T, ExchangeError>> {
    match event {
        Event::Ok { reply, .. } => ControlFlow::Break(value(reply).map_err(ExchangeError::Malformed)),
        Event::Refused { refusal, .. } => ControlFlow::Break(Err(refusal.into())),
        _ => ControlFlow::Continue(()),
    }
}

/// Handles an event of an answer that has no value beyond `+OK`.
pub(crate) fn acknowledged(event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
    match event {
        // The answer to STLS has an event of its own.
        Event::StartTls { .. } => ControlFlow::Break(Ok(())),
        _ => single(event, |_| Ok(())),
    }
}
