//! The core's deadlines, by tokio's clock.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pop3_proto::drive::{Deadlines, TimedOut, Timeouts};
use tokio::time::{Instant, Sleep, sleep_until};

/// No runtime is so late, however busy, unless the task was not asked to go on.
const SLEPT: Duration = Duration::from_secs(1);

/// It lies beside the stream, so that a wait goes on when its future is dropped and another takes its place: who asks
/// again and again does not wait for ever.
#[derive(Debug)]
pub(crate) struct Clock {
    deadlines: Deadlines,
    /// When the wait began that is still going on.
    since: Option<Instant>,
    /// Rings when it has lasted too long; there is none for a wait without a limit.
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

    /// The wait is over, and so many octets came.
    pub(crate) fn advance(&mut self, octets: usize) {
        let waited = self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        // Octets that are noticed long after the alarm should have been were there in time: it was the task that slept.
        let slept = self.alarm.as_ref().is_some_and(|alarm| alarm.deadline() + SLEPT < Instant::now());
        self.deadlines.spent(if slept && octets > 0 { Duration::ZERO } else { waited }, octets);
    }

    /// Nothing is waited for any more.
    pub(crate) fn rest(&mut self) {
        self.alarm = None;
    }

    /// Gives an error if the time is up already, as it can be when something came, but too little. `left` asks for what is
    /// left of the time.
    pub(crate) fn check(
        &mut self,
        left: impl FnOnce(&mut Deadlines) -> Result<Duration, TimedOut>,
    ) -> Result<(), TimedOut> {
        if self.since.is_none() { left(&mut self.deadlines).map(drop) } else { Ok(()) }
    }

    /// Waits, and gives an error when the time is up.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut left: impl FnMut(&mut Deadlines) -> Result<Duration, TimedOut>,
    ) -> Poll<io::Error> {
        loop {
            if self.since.is_none() {
                let left = match left(&mut self.deadlines) {
                    Ok(left) => left,
                    Err(overdue) => return Poll::Ready(overdue.into()),
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
