//! The runtime's turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Lets the runtime hear its sockets.
///
/// A task is woken by whatever else goes on in it, too, as with `join!` and `select!`: that ends no turn.
pub(crate) struct Turn {
    /// Boxed, because it has no name.
    yielding: Pin<Box<dyn Future<Output = ()> + Send>>,
    bell: Arc<Bell>,
}

/// What the runtime wakes when it is done.
struct Bell {
    rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Turn {
    pub(crate) fn new() -> Turn {
        // It is polled once before anything rings.
        let bell = Bell { rung: AtomicBool::new(true), task: Mutex::new(Waker::noop().clone()) };
        Turn { yielding: Box::pin(tokio::task::yield_now()), bell: Arc::new(bell) }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.bell.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(cx.waker());
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        self.yielding.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self.bell))))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        self.rung.store(true, Ordering::Release);
        // Not while it is locked: waking may poll.
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}
