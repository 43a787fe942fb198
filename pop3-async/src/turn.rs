//! A yield to the runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A yield to the runtime, in which it polls its sockets.
///
/// Other wake-ups of the task, as with `join!` and `select!`, do not end the turn.
pub(crate) struct Turn {
    /// Boxed, because its type has no name.
    yielding: Pin<Box<dyn Future<Output = ()> + Send>>,
    notice: Arc<Notice>,
}

/// The waker that the runtime wakes when it is done.
struct Notice {
    is_given: AtomicBool,
    task: Mutex<Waker>,
}

impl Turn {
    pub(crate) fn new() -> Turn {
        // True, because the first poll comes before any wake-up.
        let notice = Notice { is_given: AtomicBool::new(true), task: Mutex::new(Waker::noop().clone()) };
        Turn { yielding: Box::pin(tokio::task::yield_now()), notice: Arc::new(notice) }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.notice.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
        if !self.notice.is_given.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        self.yielding.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self.notice))))
    }
}

impl Wake for Notice {
    fn wake(self: Arc<Notice>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Notice>) {
        self.is_given.store(true, Ordering::Release);
        // Wakes without the lock, since waking may poll.
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}
