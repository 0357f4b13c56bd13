//! Delivery of the events in the queue.
//!
//! 1. In each round, the dispatcher asks the store for the lanes with events that are due, and
//!    claims events of each lane. One app gets at most [`MAX_IN_FLIGHT`] events at once, for all
//!    its lanes together. Lanes whose addresses have the same list of servers belong to one app.
//! 2. While the circuit of an app is open, the dispatcher claims one event for this app per
//!    `retry_ms`. An app that is down therefore delays no other app.
//! 3. An event in flight is a task. When the task ends, the next round claims another event.
//! 4. A round begins at the arrival of an event, at the end of an attempt, and at the due time of
//!    an event. A round also begins after each [`TICK`], because another process or the
//!    command `gatepost queue` may change the store.
//! 5. If the template or the address of a lane no longer exists, the events of the lane become dead
//!    letters. Events that are overdue while the circuit of their app is open also become dead
//!    letters, even before their first attempt. While the circuit is closed, an overdue event gets
//!    one attempt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatepost::{
    Claimed, Lane, LaneStatus, QueuedApp, Settlement, Store as _, StoreError, Timestamp, report,
};
use tokio::time::{Instant, sleep, timeout};

use super::apps::Apps;
use super::{LEASE_MARGIN, Queue};
use crate::telemetry::metrics::METRICS;

/// Maximum number of events in flight to one app.
pub(crate) const MAX_IN_FLIGHT: usize = 32;

/// Longest wait between two rounds, except after an error of the store.
const TICK: Duration = Duration::from_millis(500);

/// Minimum time between two searches for events whose retention has ended.
const SWEEP: Duration = Duration::from_millis(200);

/// Wait after a round that ended with an error of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Dispatcher<A> {
    queue: Arc<Queue>,
    apps: Arc<A>,
    /// Name of this process in its claims.
    owner: String,
    in_flight: Arc<InFlight>,
    /// Time of the last search for events whose retention has ended. `None` before the first
    /// search, so that a process that ends soon also removes events.
    swept: Option<Instant>,
}

/// Number of events in flight to each app.
#[derive(Default)]
struct InFlight(Mutex<HashMap<Arc<str>, usize>>);

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self, app: &str) -> usize {
        MAX_IN_FLIGHT.saturating_sub(self.lock().get(app).copied().unwrap_or_default())
    }

    /// Counts an event for the lifetime of the returned value.
    fn begin(self: &Arc<Self>, app: &Arc<str>) -> EventInFlight {
        METRICS.queue.in_flight.inc();
        *self.lock().entry(Arc::clone(app)).or_default() += 1;
        EventInFlight { all: Arc::clone(self), app: Arc::clone(app) }
    }
}

struct EventInFlight {
    all: Arc<InFlight>,
    app: Arc<str>,
}

impl Drop for EventInFlight {
    fn drop(&mut self) {
        METRICS.queue.in_flight.dec();
        let mut all = self.all.lock();
        match all.get_mut(&self.app) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(all.remove(&self.app)),
        }
    }
}

/// A lane with events that are due, and its app.
struct DueLane {
    lane: Lane,
    app: Arc<QueuedApp>,
    /// Name of the app: its servers.
    servers: Arc<str>,
}

impl<A: Apps> Dispatcher<A> {
    pub(super) fn new(queue: Arc<Queue>, apps: A) -> Self {
        let owner = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
        let (apps, in_flight) = (Arc::new(apps), Arc::default());
        Self { queue, apps, owner, in_flight, swept: None }
    }

    /// Delivers events until the process stops. Then lets the runtime finish the events in flight.
    pub(super) async fn run(mut self) {
        while !self.queue.is_stopping() {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    let problem = format!("gatepost delivers no queued events: {error}");
                    report::warned("store_unavailable", &problem, None, self.apps.now());
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.queue.woken() => {}
                _ = self.queue.changed() => {}
                () = sleep(pause) => {}
            }
        }
        if let Err(error) = self.queue.leave().await {
            report::warned("store_unavailable", &error, None, self.apps.now());
        }
        std::future::pending().await
    }

    /// Claims the events that are due, and begins to deliver them. Returns the longest wait before
    /// the next round.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        let is_sweeping = self.sweep().await?;
        let mut lanes = self.queue.lanes().await?;
        // Shuffle the lanes, so that no lane always waits for the others in long rounds.
        fastrand::shuffle(&mut lanes);
        let (now, mut pause, mut due_lanes) = (self.apps.now(), TICK, Vec::new());
        for LaneStatus { lane, due } in lanes {
            if due > now {
                pause = pause.min(until(due, now));
                continue;
            }
            match self.apps.app(&lane) {
                Ok(app) => due_lanes.push(DueLane::new(lane, app)),
                Err(reason) => {
                    let reason = format!("template_missing: {reason}");
                    self.expire_queued(&lane, None, after(now, TICK), &reason, now).await?;
                }
            }
        }
        if is_sweeping {
            self.expire_overdue(&due_lanes, now).await?;
        }
        while let Some(due) = due_lanes.pop() {
            // The lanes of one app share its limit on events in flight.
            let others = due_lanes.iter().filter(|other| other.servers == due.servers).count();
            self.serve(due, others + 1).await?;
        }
        Ok(pause)
    }

    async fn serve(&self, due: DueLane, sharing: usize) -> Result<(), StoreError> {
        let DueLane { lane, app, servers } = due;
        let now = self.apps.now();
        let max = app.allowed(self.in_flight.free(&servers).div_ceil(sharing), now);
        if max == 0 {
            return Ok(());
        }
        let lease_end = after(now, app.timeout() + LEASE_MARGIN);
        for claimed in self.queue.claim(&lane, &self.owner, max, lease_end, now).await? {
            let in_flight = self.in_flight.begin(&servers);
            let (queue, apps) = (Arc::clone(&self.queue), Arc::clone(&self.apps));
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                attempt(&queue, &*apps, &app, &claimed).await;
                drop(in_flight);
                queue.wake();
            });
        }
        Ok(())
    }

    /// Turns overdue events into dead letters if the circuit of their app is open.
    async fn expire_overdue(&self, lanes: &[DueLane], now: Timestamp) -> Result<(), StoreError> {
        for DueLane { lane, app, servers } in lanes.iter().filter(|due| due.app.is_circuit_open()) {
            let before = before(now, app.give_up_after());
            let reason = "circuit_open: the app's circuit is open";
            self.expire_queued(lane, Some(servers), before, reason, now).await?;
        }
        Ok(())
    }

    /// Turns each event of a lane into a dead letter if gatepost queued the event before
    /// `queued_before`. For a lane that has no app any more, `app` is `None`.
    async fn expire_queued(
        &self,
        lane: &Lane,
        app: Option<&str>,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut count = 0;
        loop {
            match self.queue.expire(lane, queued_before, reason, now).await? {
                0 => break,
                expired => count += expired,
            }
        }
        if count > 0 {
            METRICS.queue.expired(count);
            tracing::warn!(code = "event_dead", count, %lane, app, reason, "stopped trying to deliver queued events");
        }
        Ok(())
    }

    /// Removes events whose retention has ended, at most once per [`SWEEP`]. Returns true if the
    /// dispatcher has looked for such events.
    async fn sweep(&mut self) -> Result<bool, StoreError> {
        if self.swept.is_some_and(|swept| swept.elapsed() < SWEEP) {
            return Ok(false);
        }
        self.swept = Some(Instant::now());
        let removed = self.queue.sweep(self.apps.now()).await?;
        if removed > 0 {
            tracing::warn!(removed, "removed dead letters whose retention has ended");
        }
        Ok(true)
    }
}

impl DueLane {
    fn new(lane: Lane, app: QueuedApp) -> Self {
        let servers = app.addresses().servers().into();
        Self { lane, app: Arc::new(app), servers }
    }
}

/// Makes an attempt to deliver an event.
async fn attempt(queue: &Queue, apps: &impl Apps, app: &QueuedApp, claimed: &Claimed) {
    let limit = app.timeout();
    let answer = timeout(limit, apps.ask(app, claimed, limit)).await;
    let answer = answer.unwrap_or(gatepost::Answer::Timeout);
    let now = apps.now();
    let (result, unclear) = app.settle(claimed, &answer, fastrand::u32(..), now);
    if let Some(reason) = unclear {
        METRICS.callbacks.answered_unclearly(app.provider(), claimed.event.lane.kind());
        report::delivered_unclearly(claimed, app, &reason, now);
    }
    settle(queue, app, claimed, result, now).await;
}

/// Ends a claim, and counts and logs the result.
async fn settle(
    queue: &Queue,
    app: &QueuedApp,
    claimed: &Claimed,
    result: Settlement,
    now: Timestamp,
) {
    let (lane, lease) = (&claimed.event.lane, &claimed.lease);
    let held = queue.settle(lease, result.clone(), now).await;
    let outcome = match (&held, &result) {
        (Err(_), _) => "unsettled",
        (Ok(false), _) => "lease_lost",
        (Ok(true), Settlement::Delivered) => "delivered",
        (Ok(true), Settlement::Later { .. }) => "failed",
        (Ok(true), Settlement::Dead { .. }) => "dead",
    };
    METRICS.queue.attempted(outcome);
    let reason = match &result {
        Settlement::Delivered => "",
        Settlement::Later { reason, .. } | Settlement::Dead { reason } => reason,
    };
    let (id, number, attempt) = (&*claimed.event.id, lease.number, lease.attempt);
    match (&held, outcome) {
        (Err(error), _) => report::warned("store_unavailable", error, None, now),
        (_, "dead") => {
            let app = app.addresses().servers();
            tracing::warn!(code = "event_dead", id, number, attempt, %lane, app, reason, "stopped trying to deliver a queued event");
        }
        (_, "failed") => report::delivery_failed(claimed, app, reason, now),
        _ => tracing::debug!(id, number, attempt, %lane, outcome, "attempted a queued event"),
    }
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    let millis = due.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(millis(time)))
}

fn before(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(millis(time)))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
