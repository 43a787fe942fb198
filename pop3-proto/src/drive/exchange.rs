//! Typed commands: one exchange is one command and the value that its answer becomes.

use core::ops::ControlFlow;

use crate::client::Event;
use crate::drive::refusal::OwnedRefusal;
use crate::wire::command::Command;
use crate::wire::malformed::Malformed;
use crate::wire::payload::Response;
use crate::wire::reply::{Challenge, Reply};

/// Why an exchange has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The server said no. The session goes on.
    Refused(OwnedRefusal),
    /// The server's answer makes no sense. The session goes on.
    Malformed(Malformed),
    /// The server said `+OK` before the mechanism was complete: it did not prove what it had to prove, or did not let us
    /// (RFC 4422, section 3.4). The session is over.
    PrematureSuccess,
}

impl From<Malformed> for ExchangeError {
    fn from(malformed: Malformed) -> ExchangeError {
        ExchangeError::Malformed(malformed)
    }
}

/// One command and what its answer becomes: events in, nothing borrowed out. Messages are not exchanges: they stream.
pub trait Exchange {
    /// What the answer becomes.
    type Value;

    /// The command to send.
    fn command(&self) -> Command<'_>;

    /// Takes an event of the answer: its status, its rows, its end. `Break` is the result; what is left of the answer
    /// is skipped.
    fn event(&mut self, event: Event<'_>) -> ControlFlow<Result<Self::Value, ExchangeError>>;

    /// The line that answers a challenge of AUTH. Cancels unless overridden.
    fn respond(&mut self, challenge: Challenge<'_>) -> Response<'_> {
        let _ = challenge;
        Response::Cancel
    }
}

/// Does what all single-line answers have in common.
pub(crate) fn single<T>(
    event: Event<'_>,
    value: impl FnOnce(Reply<'_>) -> Result<T, Malformed>,
) -> ControlFlow<Result<T, ExchangeError>> {
    match event {
        Event::Ok { reply, .. } => ControlFlow::Break(value(reply).map_err(ExchangeError::Malformed)),
        Event::Refused { refusal, .. } => ControlFlow::Break(Err(ExchangeError::Refused(OwnedRefusal::new(refusal)))),
        _ => ControlFlow::Continue(()),
    }
}

/// Does what all answers have in common whose `+OK` says all.
pub(crate) fn acknowledged(event: Event<'_>) -> ControlFlow<Result<(), ExchangeError>> {
    match event {
        // The answer to STLS is an event of its own.
        Event::StartTls { .. } => ControlFlow::Break(Ok(())),
        _ => single(event, |_| Ok(())),
    }
}
