//! Metrics about the served config, and about reloads.

use prometheus::{IntCounter, IntGauge, IntGaugeVec};

use super::registry::Creator;

/// Metrics about the config.
#[derive(Debug)]
pub(crate) struct ConfigMetrics {
    succeeded: IntCounter,
    failed: IntCounter,
    last_success: IntGauge,
    generation: IntGauge,
    info: IntGaugeVec,
}

impl ConfigMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let reloads = create.counters(
            "gatepost_config_reloads_total",
            "Reloads of the config, by result; edits over the API or in the console are not reloads.",
            &["result"],
        );
        Self {
            succeeded: reloads.with_label_values(&["success"]),
            failed: reloads.with_label_values(&["failure"]),
            last_success: create.gauge(
                "gatepost_config_last_reload_success_timestamp_seconds",
                "Time at which gatepost loaded the config that it serves, in Unix seconds.",
            ),
            generation: create.gauge(
                "gatepost_config_generation",
                "Number of configs that this process has served.",
            ),
            info: create.gauges(
                "gatepost_config_info",
                "1, with the fingerprint of the config that gatepost serves.",
                &["fingerprint"],
            ),
        }
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, succeeds: bool) {
        if succeeds { &self.succeeded } else { &self.failed }.inc();
    }

    /// Records the config that gatepost now serves.
    pub(crate) fn serves(&self, generation: u64, fingerprint: &str, loaded_at: i64) {
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.last_success.set(loaded_at);
        self.info.reset();
        self.info.with_label_values(&[fingerprint]).set(1);
    }
}
