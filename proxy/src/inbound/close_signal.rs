//! A signal to close a connection or a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// A signal that one task sends and another task waits for.
///
/// `tokio::sync::Notify` locks a mutex at each poll. A connection polls the signal each time
/// its task wakes, and [`Closed`] then only compares two wakers.
#[derive(Debug, Default)]
pub(crate) struct CloseSignal {
    is_closed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl CloseSignal {
    /// Sends the signal.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        // Ignore poisoning, because `take` cannot panic. Release the lock before the wake-up.
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Wakes `waker` when a task sends the signal. Replaces an earlier waker.
    pub(crate) fn wake_at_close(&self, waker: Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
        // `close` may have run before the assignment.
        if self.is_closed.load(Ordering::Acquire) {
            self.close();
        }
    }

    /// Returns a future that completes when a task sends the signal. If a task has already sent the
    /// signal, the future completes at once. The signal wakes only the latest future.
    pub(crate) const fn closed(&self) -> Closed<'_> {
        Closed { signal: self, registered: None }
    }
}

/// Future of [`CloseSignal::closed`].
pub(crate) struct Closed<'s> {
    signal: &'s CloseSignal,
    registered: Option<Waker>,
}

impl Future for Closed<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker();
        if !self.registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            self.signal.wake_at_close(waker.clone());
            self.registered = Some(waker.clone());
        }
        if self.signal.is_closed.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn completes_if_signal_is_sent_before_or_after_first_poll() {
        let signal = Arc::new(CloseSignal::default());
        let waiting = tokio::spawn({
            let signal = Arc::clone(&signal);
            async move { signal.closed().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        signal.close();
        waiting.await.unwrap();
        signal.closed().await;
    }
}
