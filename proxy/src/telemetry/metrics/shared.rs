//! Metrics about the state that machines share.

use std::time::Duration;

use gatepost::SharedUse;
use prometheus::{Histogram, IntCounterVec, IntGauge};

use super::GATE_BUCKETS;
use super::registry::Creator;

/// Metrics about the state that machines share.
#[derive(Debug)]
pub(crate) struct SharedMetrics {
    pub(crate) up: IntGauge,
    missed: IntCounterVec,
    duration: Histogram,
}

impl SharedMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let metrics = Self {
            up: create.gauge(
                "gatepost_shared_state_up",
                "1 if the shared state responds in time, else 0. Without a configured store, always 0.",
            ),
            missed: create.counters(
                "gatepost_shared_state_missed_total",
                "Operations of the shared state without a result in time, by use: `last_answer`, \
                 `limit`, `resend`, `session` or `signature`. gatepost continued without their results.",
                &["use"],
            ),
            duration: create.histogram(
                "gatepost_shared_state_duration_seconds",
                "Seconds of an operation of the shared state.",
                GATE_BUCKETS,
            ),
        };
        for of in SharedUse::ALL {
            metrics.missed.with_label_values(&[of.as_str()]);
        }
        metrics
    }

    /// Counts an operation that had no result in time.
    pub(crate) fn missed(&self, of: SharedUse) {
        self.missed.with_label_values(&[of.as_str()]).inc();
    }

    /// Records the duration of an operation.
    pub(crate) fn took(&self, time: Duration) {
        self.duration.observe(time.as_secs_f64());
    }
}
