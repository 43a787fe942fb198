//! How long the server is waited for. The core has no clock, so this is where patience ends.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A limit on each wait. It lies beside the stream, so that a wait goes on when its future is dropped and another takes
/// its place: who asks again and again does not wait for ever.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    pub(crate) limit: Option<Duration>,
    alarm: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Patience {
    pub(crate) fn new(limit: Option<Duration>) -> Patience {
        Patience { limit, alarm: None, waiting: false }
    }

    /// Octets went one way or the other: what is waited for next has all its time before it.
    pub(crate) fn renew(&mut self) {
        self.waiting = false;
    }

    /// Gives an error when the time is up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(limit) = self.limit else { return Poll::Pending };
        if !self.waiting {
            let Some(end) = Instant::now().checked_add(limit) else { return Poll::Pending };
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(end),
                None => self.alarm = Some(Box::pin(sleep_until(end))),
            }
            self.waiting = true;
        }
        let Some(alarm) = &mut self.alarm else { return Poll::Pending };
        ready!(alarm.as_mut().poll(cx));
        let what = format!("the server sent nothing for {} s", limit.as_secs_f32());
        Poll::Ready(io::Error::new(ErrorKind::TimedOut, what))
    }
}
