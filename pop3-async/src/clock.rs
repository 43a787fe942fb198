//! Deadlines, measured with tokio's clock.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pop3_proto::drive::{Deadlines, TimedOut, Timeouts};
use tokio::time::{Instant, Sleep, sleep_until};

/// The delay with which a busy runtime may poll a task after its alarm. Nothing tells a later poll apart from a task
/// that was not polled, for example because another branch of `select!` was running: only the time does.
///
/// Without this limit, a server that sends an octet just after each alarm would never time out on a busy runtime.
const LATENESS: Duration = Duration::from_secs(1);

/// Measures waits. It is stored with the stream, so that a wait continues if its future is dropped and another replaces
/// it: repeated calls cannot wait forever.
#[derive(Debug)]
pub(crate) struct Clock {
    deadlines: Deadlines,
    /// The start of the current wait.
    since: Option<Instant>,
    /// Fires when the wait has lasted too long; `None` for a wait without a limit.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new(deadlines: Deadlines) -> Clock {
        Clock { deadlines, since: None, alarm: None }
    }

    pub(crate) fn set_timeouts(&mut self, timeouts: Timeouts) {
        if self.since.is_some() {
            self.advance(0);
        }
        self.deadlines.set_timeouts(timeouts);
    }

    /// Ends the wait, in which this many octets arrived.
    pub(crate) fn advance(&mut self, octets: usize) {
        let waited = self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        // The octets may have arrived in time if the task was not polled, and no clock says when. The server gets the
        // benefit of the doubt, since it cannot cause the delay.
        let unpolled = self.alarm.as_ref().is_some_and(|alarm| alarm.deadline() + LATENESS < Instant::now());
        self.deadlines.spent(if unpolled && octets > 0 { Duration::ZERO } else { waited }, octets);
    }

    /// Disarms the alarm, because nothing is awaited.
    pub(crate) fn rest(&mut self) {
        self.alarm = None;
    }

    /// Returns an error if the time is already up, as it can be if too few octets arrived. `left` returns the remaining
    /// time.
    pub(crate) fn check(
        &mut self,
        left: impl FnOnce(&mut Deadlines) -> Result<Duration, TimedOut>,
    ) -> Result<(), TimedOut> {
        if self.since.is_none() { left(&mut self.deadlines).map(drop) } else { Ok(()) }
    }

    /// Waits, and returns an error when the time is up.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut left: impl FnMut(&mut Deadlines) -> Result<Duration, TimedOut>,
    ) -> Poll<io::Error> {
        loop {
            if self.since.is_none() {
                let left = match left(&mut self.deadlines) {
                    Ok(left) => left,
                    Err(timed_out) => return Poll::Ready(timed_out.into()),
                };
                let now = Instant::now();
                self.since = Some(now);
                match (now.checked_add(left), &mut self.alarm) {
                    (Some(end), Some(alarm)) => alarm.as_mut().reset(end),
                    (Some(end), alarm) => *alarm = Some(Box::pin(sleep_until(end))),
                    (None, alarm) => *alarm = None,
                }
            }
            let Some(alarm) = &mut self.alarm else { return Poll::Pending };
            ready!(alarm.as_mut().poll(cx));
            self.advance(0);
        }
    }
}
