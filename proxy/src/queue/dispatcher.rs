//! Delivers the events of the queue.
//!
//! 1. In each round, the dispatcher asks the store for the lanes with events that are due, and claims
//!    events of each lane, up to [`MAX_IN_FLIGHT`]. It claims none of a lane whose app has an open
//!    circuit, but for one event each `retry_ms`. A dead app therefore delays no other app.
//! 2. An event in flight is a task. When it ends, the next round claims the next event.
//! 3. A round begins when an event arrives or ends, when an event is due, and each [`TICK`], because
//!    another process or the command `gatepost queue` may change the store.
//! 4. If a template or its address no longer exists, its events become dead letters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatepost::{
    Answer, Asked, Attempt, Claimed, Gate, Lane, LaneStatus, QueuedApp, Settlement, Store as _,
    StoreError, Timestamp, report,
};
use http::Method;
use tokio::time::{Instant, sleep, timeout};

use super::{LEASE_MARGIN, Queue};
use crate::app::{self, EventMessage, Target};
use crate::clock;
use crate::telemetry::metrics::METRICS;

/// Maximum number of events in flight of one lane.
const MAX_IN_FLIGHT: usize = 32;

/// Longest time between two rounds.
const TICK: Duration = Duration::from_millis(500);

/// Time between two removals of events whose retention has ended.
const SWEEP: Duration = Duration::from_secs(10);

/// Wait after an error of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Dispatcher {
    queue: Arc<Queue>,
    gate: Gate,
    /// Name of this process in its claims.
    owner: String,
    in_flight: Arc<InFlight>,
    swept: Instant,
}

/// Numbers of events in flight, by lane.
#[derive(Default)]
struct InFlight(Mutex<HashMap<Lane, usize>>);

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, lane: &Lane) -> usize {
        self.lock().get(lane).copied().unwrap_or_default()
    }

    /// Counts an event until the returned value is dropped.
    fn begin(self: &Arc<Self>, lane: &Lane) -> EventInFlight {
        METRICS.queue.in_flight.inc();
        *self.lock().entry(lane.clone()).or_default() += 1;
        EventInFlight { all: Arc::clone(self), lane: lane.clone() }
    }
}

struct EventInFlight {
    all: Arc<InFlight>,
    lane: Lane,
}

impl Drop for EventInFlight {
    fn drop(&mut self) {
        METRICS.queue.in_flight.dec();
        let mut all = self.all.lock();
        match all.get_mut(&self.lane) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(all.remove(&self.lane)),
        }
    }
}

impl Dispatcher {
    pub(super) fn new(queue: Arc<Queue>, gate: Gate) -> Self {
        let owner = format!("{}-{:016x}", std::process::id(), fastrand::u64(..));
        Self { queue, gate, owner, in_flight: Arc::default(), swept: Instant::now() }
    }

    /// Delivers events until the process stops. Then lets the runtime finish those in flight.
    pub(super) async fn run(mut self) {
        while !self.queue.is_stopping() {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    report::warned("store_unavailable", &error, None, clock::now());
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
            report::warned("store_unavailable", &error, None, clock::now());
        }
        std::future::pending().await
    }

    /// Claims and begins the events that are due. Returns the time until the next round.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        self.sweep().await?;
        let mut lanes = self.queue.lanes().await?;
        // Each lane is first in turn, for the case that the rounds are long.
        fastrand::shuffle(&mut lanes);
        let mut pause = TICK;
        for LaneStatus { lane, due } in lanes {
            let now = clock::now();
            if due > now {
                pause = pause.min(until(due, now));
                continue;
            }
            self.serve(&lane, now).await?;
        }
        Ok(pause)
    }

    async fn serve(&self, lane: &Lane, now: Timestamp) -> Result<(), StoreError> {
        let free = MAX_IN_FLIGHT.saturating_sub(self.in_flight.of(lane));
        let app = match self.gate.queued_app(lane) {
            Ok(app) => app,
            Err(reason) => return self.bury(lane, &reason, now).await,
        };
        let max = if free == 0 { 0 } else { app.allowed(free, now) };
        if max == 0 {
            return Ok(());
        }
        let app = Arc::new(app);
        let lease_end = after(now, app.timeout() + LEASE_MARGIN);
        for claimed in self.queue.claim(lane, &self.owner, max, lease_end, now).await? {
            let in_flight = self.in_flight.begin(lane);
            let delivery =
                Delivery { queue: Arc::clone(&self.queue), app: Arc::clone(&app), claimed };
            tokio::spawn(async move {
                let queue = Arc::clone(&delivery.queue);
                delivery.run().await;
                drop(in_flight);
                queue.wake();
            });
        }
        Ok(())
    }

    /// Makes the events of a lane without an app dead letters.
    async fn bury(&self, lane: &Lane, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let lease_end = after(now, LEASE_MARGIN);
        let claimed = self.queue.claim(lane, &self.owner, MAX_IN_FLIGHT, lease_end, now).await?;
        for claimed in claimed {
            let dead = Settlement::Dead { reason: format!("template_missing: {reason}").into() };
            settle(&self.queue, &claimed, dead, now).await;
        }
        self.queue.wake();
        Ok(())
    }

    async fn sweep(&mut self) -> Result<(), StoreError> {
        if self.swept.elapsed() < SWEEP {
            return Ok(());
        }
        self.swept = Instant::now();
        let removed = self.queue.sweep(clock::now()).await?;
        if removed > 0 {
            tracing::warn!(removed, "removed dead letters whose retention has ended");
        }
        Ok(())
    }
}

/// One attempt to deliver an event.
struct Delivery {
    queue: Arc<Queue>,
    app: Arc<QueuedApp>,
    claimed: Claimed,
}

impl Delivery {
    async fn run(self) {
        let limit = self.app.timeout();
        let answer = timeout(limit, self.ask(limit)).await.unwrap_or(Answer::Timeout);
        let now = clock::now();
        let result = self.app.settle(&self.claimed, &answer, fastrand::u32(..), now);
        settle(&self.queue, &self.claimed, result, now).await;
    }

    /// Sends the event. If the app has closed an idle connection, sends it again on a new one.
    async fn ask(&self, limit: Duration) -> Answer {
        for attempt in [Attempt::First, Attempt::NewConnection] {
            let (headers, body) = self.app.request(&self.claimed, clock::now());
            let target = Target { addresses: Arc::clone(self.app.addresses()), path: None };
            let message = EventMessage {
                method: Method::POST,
                headers,
                body,
                keeps_host: self.app.keeps_host(),
                is_repeatable: true,
            };
            if let Asked::Answered(answer) = app::ask(target, message, attempt, limit).await {
                return answer;
            }
        }
        Answer::Unreachable("expected an answer, found a closed connection".into())
    }
}

/// Ends a claim, and counts and logs the result.
async fn settle(queue: &Queue, claimed: &Claimed, result: Settlement, now: Timestamp) {
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
            tracing::warn!(code = "event_dead", id, number, attempt, %lane, reason, "gave up a queued event")
        }
        (_, "failed") => {
            let message = format_args!("event {number} ({lane}), attempt {attempt}: {reason}");
            report::warned("delivery_failed", &message, None, now);
        }
        _ => tracing::debug!(id, number, attempt, %lane, outcome, "attempted a queued event"),
    }
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    let millis = due.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_add(millis))
}
