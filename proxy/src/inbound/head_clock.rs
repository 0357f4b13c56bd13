//! The time limit of a whole request head on HTTP/1; Pingora limits only the time between its
//! bytes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::telemetry::metrics::METRICS;

/// Moment from which an HTTP/1 connection has owed the head of its next request; `None` while a
/// request is served.
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
        // Poisoning is ignored: an assignment cannot panic and leave the value half set.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Returns the moment from which the connection of this task has owed a head.
    pub(crate) fn owed() -> Option<Instant> {
        HEAD_CLOCK.try_with(Self::since).ok().flatten()
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a head has been owed for longer than `limit`. It wakes once per `limit` instead
    /// of resetting a timer for each request.
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

/// A request that is being served. Held from the end of its head to the end of its reply; counted,
/// and kept apart from the time of the next head.
pub(crate) struct RequestInFlight(());

impl RequestInFlight {
    pub(crate) fn start() -> Self {
        METRICS.in_flight.inc();
        // An HTTP/2 request has a task of its own, without a clock.
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
