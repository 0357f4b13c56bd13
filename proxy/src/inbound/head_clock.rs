//! How long a head may take on HTTP/1, where Pingora limits only each piece of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::telemetry::metrics::METRICS;

/// Since when a connection of HTTP/1 has owed the head of its next request; nothing while one is
/// served.
#[derive(Clone)]
pub(crate) struct HeadClock(Arc<Mutex<Option<Instant>>>);

tokio::task_local! {
    /// The clock of the connection that this task serves.
    pub(crate) static HEAD: HeadClock;
}

impl HeadClock {
    pub(crate) fn start() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    pub(crate) fn set(&self, since: Option<Instant>) {
        // The lock is held for an assignment only, so nobody can have panicked in it.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Since when the connection of this task has owed a head.
    pub(crate) fn owed() -> Option<Instant> {
        HEAD.try_with(Self::since).ok().flatten()
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a head has been owed for longer than this. It looks seldom, so that requests
    /// cost it nothing.
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

/// To be held while a request is served, from its head on.
pub(crate) struct Serving(());

impl Serving {
    pub(crate) fn start() -> Self {
        METRICS.in_flight.inc();
        // On HTTP/2, where each request has a task of its own, there is no clock.
        let _http_2 = HEAD.try_with(|clock| clock.set(None));
        Self(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        METRICS.in_flight.dec();
        let _http_2 = HEAD.try_with(|clock| clock.set(Some(Instant::now())));
    }
}
