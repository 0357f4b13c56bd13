//! Metrics about the queue and its store.

use std::time::Duration;

use gatepost::{EntryState, StoreStatus, Timestamp};
use prometheus::{Gauge, Histogram, IntCounterVec, IntGauge, IntGaugeVec};

use super::GATE_BUCKETS;
use super::registry::Creator;

/// Metrics about the queue.
#[derive(Debug)]
pub(crate) struct QueueMetrics {
    events: IntGaugeVec,
    bytes: IntGaugeVec,
    oldest: Gauge,
    up: IntGauge,
    attempts: IntCounterVec,
    errors: IntCounterVec,
    append: Histogram,
    claim: Histogram,
    settle: Histogram,
    pub(crate) in_flight: IntGauge,
}

impl QueueMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let seconds = |operation: &str, about: &str| {
            let name = format!("gatepost_store_{operation}_duration_seconds");
            create.histogram(&name, about, GATE_BUCKETS)
        };
        let metrics = Self {
            events: create.gauges(
                "gatepost_queue_events",
                "Events in the store, by state: `pending`, `delivered` or `dead`.",
                &["state"],
            ),
            bytes: create.gauges(
                "gatepost_queue_bytes",
                "Size of the events in the store, by state.",
                &["state"],
            ),
            oldest: create.seconds_gauge(
                "gatepost_queue_oldest_age_seconds",
                "Age of the oldest pending event; 0 without such an event.",
            ),
            up: create.gauge(
                "gatepost_store_up",
                "1 while gatepost can read the store. 0 without a store, while gatepost cannot read the \
                 store, and after gatepost has closed the store because of a failed write or sync. A full \
                 disk or a lock does not change the value, but increases `gatepost_store_errors_total`.",
            ),
            attempts: create.counters(
                "gatepost_queue_attempts_total",
                "Attempts to deliver a queued event, by result: `delivered`, `failed`, `dead`; \
                 `lease_lost` for an attempt that took longer than its claim; `unsettled` for a result \
                 that the store did not record. `expired` counts the events that became dead letters without a \
                 further attempt, because the circuit was open, or because the config had no template or \
                 address for them.",
                &["result"],
            ),
            errors: create.coded(
                "gatepost_store_errors_total",
                "Events that the store did not accept, by the code of the reason.",
                &["busy", "failed", "full", "removed", "unavailable"],
            ),
            append: seconds("append", "Seconds that the store needs to make an event durable."),
            claim: seconds("claim", "Seconds that the store needs to claim the due events of a template and kind."),
            settle: seconds("settle", "Seconds that the store needs to record the result of an attempt."),
            in_flight: create
                .gauge("gatepost_queue_in_flight", "Queued events that gatepost is sending now."),
        };
        for state in EntryState::ALL.map(EntryState::as_str) {
            metrics.events.with_label_values(&[state]);
            metrics.bytes.with_label_values(&[state]);
        }
        for result in ["delivered", "failed", "dead", "expired", "lease_lost", "unsettled"] {
            metrics.attempts.with_label_values(&[result]);
        }
        metrics
    }

    /// Records the sizes of the store. `status` is `None` if gatepost cannot read the store in
    /// time, or has closed it after a failed write.
    pub(crate) fn measured(&self, status: Option<&StoreStatus>, now: Timestamp) {
        self.up.set(status.is_some().into());
        let Some(status) = status else { return };
        for state in EntryState::ALL {
            let (total, label) = (status.of(state), [state.as_str()]);
            self.events.with_label_values(&label).set(total.count.cast_signed());
            self.bytes.with_label_values(&label).set(total.bytes.cast_signed());
        }
        self.oldest.set(status.oldest_age(now).map_or(0.0, |age| age.as_secs_f64()));
    }

    /// Counts an attempt.
    pub(crate) fn attempted(&self, result: &str) {
        self.attempts.with_label_values(&[result]).inc();
    }

    /// Counts events that became dead letters without a further attempt.
    pub(crate) fn expired(&self, count: u64) {
        self.attempts.with_label_values(&["expired"]).inc_by(count);
    }

    /// Records the duration of a claim.
    pub(crate) fn claimed(&self, took: Duration) {
        self.claim.observe(took.as_secs_f64());
    }

    /// Records the duration of a settlement.
    pub(crate) fn settled(&self, took: Duration) {
        self.settle.observe(took.as_secs_f64());
    }

    /// Records the time that the store took to accept an event. With an `error`, instead
    /// counts an event that the store has not accepted.
    pub(crate) fn appended(&self, error: Option<&str>, took: Duration) {
        match error {
            None => self.append.observe(took.as_secs_f64()),
            Some(code) => self.errors.with_label_values(&[code]).inc(),
        }
    }
}
