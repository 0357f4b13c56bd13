//! Registers metrics.

use prometheus::Registry;
use prometheus::core::Collector;

/// Adds a metric to the registry. Each name is a constant, and occurs once.
#[expect(clippy::expect_used, reason = "the names are constants, and each is unique")]
pub(super) fn register<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect("expected a valid metric name");
    registry.register(Box::new(metric.clone())).expect("expected a unique metric name");
    metric
}
