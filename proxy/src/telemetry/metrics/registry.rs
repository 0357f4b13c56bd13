//! Creation of metrics. Each name is constant, and occurs once.
//!
//! The calls of [`Creator`] are the only list of the metrics. The manual's page of metrics and
//! `gatepost help METRIC` print this list.

use std::cell::RefCell;

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// Type of a metric, as Prometheus names it.
#[derive(Clone, Copy, Debug)]
enum MetricForm {
    Counter,
    Gauge,
    Histogram,
}

/// Description of a metric.
#[derive(Debug)]
pub(crate) struct MetricHelp {
    pub(crate) subject: &'static str,
    pub(crate) name: String,
    form: MetricForm,
    pub(crate) labels: Vec<String>,
    pub(crate) about: String,
}

impl MetricHelp {
    pub(crate) const fn form(&self) -> &'static str {
        match self.form {
            MetricForm::Counter => "counter",
            MetricForm::Gauge => "gauge",
            MetricForm::Histogram => "histogram",
        }
    }

    /// Returns true if this metric has the series called `name`.
    pub(crate) fn has_series(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&*self.name);
        rest.is_some_and(|rest| ["", "_bucket", "_count", "_sum"].contains(&rest))
    }

    /// Returns the unit of the values, which is a part of the name.
    pub(crate) fn unit(&self) -> &'static str {
        let name = self.name.trim_end_matches("_total");
        match name.rsplit('_').next() {
            Some("seconds") => "seconds",
            Some("bytes") => "bytes",
            _ => "",
        }
    }
}

/// Creator of the metrics in a registry, and of their descriptions.
pub(super) struct Creator<'r> {
    registry: &'r Registry,
    subject: &'static str,
    described: &'r RefCell<Vec<MetricHelp>>,
}

impl<'r> Creator<'r> {
    pub(super) const fn new(
        registry: &'r Registry,
        described: &'r RefCell<Vec<MetricHelp>>,
    ) -> Self {
        Self { registry, subject: "", described }
    }

    /// Returns a creator of metrics about `subject`, a heading on the manual's page of metrics.
    pub(super) const fn about(&self, subject: &'static str) -> Self {
        Self { registry: self.registry, subject, described: self.described }
    }

    #[expect(clippy::expect_used, reason = "the names are constants, and each is unique")]
    fn register<M: Collector + Clone + 'static>(
        &self,
        form: MetricForm,
        metric: prometheus::Result<M>,
    ) -> M {
        let metric = metric.expect("expected a valid metric name");
        self.registry.register(Box::new(metric.clone())).expect("expected a unique metric name");
        let described = metric.desc().into_iter().map(|desc| MetricHelp {
            subject: self.subject,
            name: desc.fq_name.clone(),
            form,
            labels: desc.variable_labels.clone(),
            about: desc.help.clone(),
        });
        self.described.borrow_mut().extend(described);
        metric
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.register(MetricForm::Counter, IntCounter::new(name, help))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(MetricForm::Counter, IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// Creates a counter for each code, so that each series exists before its first increase.
    pub(super) fn coded(&self, name: &str, help: &str, codes: &[&str]) -> IntCounterVec {
        let counters = self.counters(name, help, &["code"]);
        for code in codes {
            counters.with_label_values(&[*code]);
        }
        counters
    }

    /// Creates a counter of seconds.
    pub(super) fn seconds(&self, name: &str, help: &str) -> Counter {
        self.register(MetricForm::Counter, Counter::new(name, help))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(MetricForm::Gauge, IntGauge::new(name, help))
    }

    pub(super) fn seconds_gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(MetricForm::Gauge, Gauge::new(name, help))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(MetricForm::Gauge, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(MetricForm::Histogram, Histogram::with_opts(options))
    }

    pub(super) fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(MetricForm::Histogram, HistogramVec::new(options, labels))
    }
}
