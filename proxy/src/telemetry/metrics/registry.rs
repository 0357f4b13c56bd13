//! Creates metrics. Each name is a constant, and occurs once.

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// Creator of metrics in a registry.
pub(super) struct Creator<'r>(pub(super) &'r Registry);

impl Creator<'_> {
    #[expect(clippy::expect_used, reason = "the names are constants, and each is unique")]
    fn register<M: Collector + Clone + 'static>(&self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect("expected a valid metric name");
        self.0.register(Box::new(metric.clone())).expect("expected a unique metric name");
        metric
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(IntCounter::new(name, help))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// Creates a counter for each code, so that each series exists before its first event.
    pub(super) fn coded(&self, name: &str, help: &str, codes: &[&str]) -> IntCounterVec {
        let counters = self.counters(name, help, &["code"]);
        for code in codes {
            counters.with_label_values(&[*code]);
        }
        counters
    }

    /// Creates a counter of seconds.
    pub(super) fn seconds(&self, name: &str, help: &str) -> Counter {
        self.register(Counter::new(name, help))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::new(name, help))
    }

    pub(super) fn seconds_gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(Gauge::new(name, help))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(options))
    }

    pub(super) fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(HistogramVec::new(options, labels))
    }
}
