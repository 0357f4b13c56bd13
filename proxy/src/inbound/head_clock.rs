//! Time limit for a whole request head on HTTP/1. Pingora limits only the time between two bytes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::telemetry::metrics::METRICS;

/// Moment at which gatepost began to wait for the next head on an HTTP/1 connection; `None` while
/// gatepost serves a request.
#[derive(Clone)]
pub(crate) struct HeadClock(Arc<Mutex<Option<Instant>>>);

tokio::task_local! {
    /// Clock of the connection that this task serves.
    pub(crate) static HEAD_CLOCK: HeadClock;
}

impl HeadClock {
    pub(crate) fn start() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    pub(crate) fn set(&self, since: Option<Instant>) {
        // Ignore poisoning, because an assignment cannot panic.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Returns the value of this task's clock. If the task has no clock, returns `None`.
    pub(crate) fn owed() -> Option<Instant> {
        HEAD_CLOCK.try_with(Self::since).ok().flatten()
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes if gatepost has waited for one head longer than `limit`. Wakes at most once per
    /// `limit`, instead of resetting a timer for each request.
    pub(crate) async fn overdue(&self, limit: Duration) {
        loop {
            let since = self.since();
            sleep_until(since.unwrap_or_else(Instant::now) + limit).await;
            if since.is_some() && since == self.since() {
                return;
            }
        }
    }
}

/// Guard for the time from the end of a request's head to the end of the reply. Counts the request
/// as in flight, and stops the connection's [`HeadClock`].
pub(crate) struct RequestInFlight(());

impl RequestInFlight {
    pub(crate) fn start() -> Self {
        METRICS.in_flight.inc();
        // Fails for an HTTP/2 request, because the task of such a request has no clock.
        let _http_2 = HEAD_CLOCK.try_with(|clock| clock.set(None));
        Self(())
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        METRICS.in_flight.dec();
        let _http_2 = HEAD_CLOCK.try_with(|clock| clock.set(Some(Instant::now())));
    }
}
