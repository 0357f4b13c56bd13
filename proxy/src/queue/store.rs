//! The store of this process, with its metrics and the wake-up of the dispatcher.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{
    Appended, Claimed, Lane, LaneStatus, Lease, NewEvent, QueueEntry, QueueFilter, Settlement,
    SharedKey, SharedState, SharedValue, Store, StoreError, StoreFuture, StoreStatus, StoredEvent,
    Timestamp,
};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::telemetry::metrics::METRICS;

/// Time limit for reading the sizes of the store. By default, Prometheus waits for the metrics for
/// 10 seconds.
const MEASURE_LIMIT: Duration = Duration::from_secs(1);

/// A store of events that also has the state that machines share.
pub(super) trait SharedStore: Store + SharedState {}

impl<T: Store + SharedState> SharedStore for T {}

/// The store of this process.
pub(crate) struct Queue {
    store: Box<dyn SharedStore>,
    /// Wake-up of the dispatcher after a change.
    wake: Notify,
    is_stopping: AtomicBool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(store: Box<dyn SharedStore>) -> Self {
        METRICS.shared.up.set(1);
        Self { store, wake: Notify::new(), is_stopping: AtomicBool::new(false) }
    }

    /// Returns the state that machines share.
    pub(crate) fn shared_state(&self) -> &dyn SharedState {
        self
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Stops claiming events. Deliveries in flight continue.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Updates the metrics of the store. If the store does not respond within [`MEASURE_LIMIT`],
    /// records the store as down, so that `/metrics` always responds.
    pub(crate) async fn measure(&self, now: Timestamp) {
        let status = timeout(MEASURE_LIMIT, self.store.status()).await;
        METRICS.queue.measured(status.ok().as_ref().and_then(|status| status.as_ref().ok()), now);
    }

    /// Wakes the dispatcher after an operation that may make an event due.
    fn waking<'s, T: Send + 's>(&'s self, done: StoreFuture<'s, T>) -> StoreFuture<'s, T> {
        Box::pin(async move {
            let result = done.await;
            self.wake();
            result
        })
    }
}

impl Store for Queue {
    fn append(&self, event: NewEvent, now: Timestamp) -> StoreFuture<'_, Appended> {
        let started = Instant::now();
        let appending = self.store.append(event, now);
        Box::pin(async move {
            let appended = appending.await;
            METRICS.queue.appended(appended.as_ref().err().map(reason), started.elapsed());
            if appended == Ok(Appended::Durable) {
                self.wake();
            }
            appended
        })
    }

    fn lanes(&self) -> StoreFuture<'_, Vec<LaneStatus>> {
        self.store.lanes()
    }

    fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<Claimed>> {
        let claiming = self.store.claim(lane, owner, max, lease_end, now);
        timed(claiming, |took| METRICS.queue.claimed(took))
    }

    fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> StoreFuture<'_, u64> {
        self.store.expire(lane, queued_before, reason, now)
    }

    fn settle(&self, lease: &Lease, result: Settlement, now: Timestamp) -> StoreFuture<'_, bool> {
        timed(self.store.settle(lease, result, now), |took| METRICS.queue.settled(took))
    }

    fn list(&self, filter: &QueueFilter) -> StoreFuture<'_, Vec<QueueEntry>> {
        self.store.list(filter)
    }

    fn show(&self, number: u64) -> StoreFuture<'_, Option<(QueueEntry, StoredEvent)>> {
        self.store.show(number)
    }

    fn replay(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        self.waking(self.store.replay(filter, now))
    }

    fn remove(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        self.waking(Store::remove(&*self.store, filter, now))
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        self.store.sweep(now)
    }

    fn status(&self) -> StoreFuture<'_, StoreStatus> {
        self.store.status()
    }

    fn changed(&self) -> StoreFuture<'_, ()> {
        self.store.changed()
    }

    fn leave(&self) -> StoreFuture<'_, ()> {
        self.store.leave()
    }
}

/// Measures the duration of an operation.
fn timed<'s, T: Send + 's>(
    done: StoreFuture<'s, T>,
    record: impl FnOnce(Duration) + Send + 's,
) -> StoreFuture<'s, T> {
    let started = Instant::now();
    Box::pin(async move {
        let result = done.await;
        record(started.elapsed());
        result
    })
}

/// Measures the duration of an operation of the shared state.
fn measured<'s, T: Send + 's>(done: StoreFuture<'s, T>) -> StoreFuture<'s, T> {
    timed(done, |took| METRICS.shared.took(took))
}

/// Longest wait of an operator for events. Without this limit, NATS servers that do not
/// respond delay the operator for longer.
const READ_LIMIT: Duration = Duration::from_secs(3);

/// Waits for events that an operator reads, at most [`READ_LIMIT`].
pub(crate) async fn within_limit<T>(
    read: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(READ_LIMIT, read).await.unwrap_or_else(|_| {
        let limit = READ_LIMIT.as_secs();
        Err(StoreError::Unavailable(format!(
            "expected a response of the store within {limit} s, found none; check the NATS servers or \
             the disk"
        )))
    })
}

impl SharedState for Queue {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        measured(self.store.insert(key, value, now))
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        measured(self.store.set(key, value, now))
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        measured(self.store.get(key, now))
    }

    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool> {
        measured(SharedState::replace(&*self.store, key, old, value, now))
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        measured(SharedState::remove(&*self.store, key, bytes))
    }
}

/// Returns the code of an error, for the metrics.
const fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::Busy { .. } => "busy",
        StoreError::Failed(_) => "failed",
        StoreError::Full { .. } => "full",
        StoreError::Removed(_) => "removed",
        StoreError::Unavailable(_) | _ => "unavailable",
    }
}
