//! Metrics of the kinds of each template.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gatepost::UnavailableKind;
use prometheus::core::{Collector as _, MetricVec, MetricVecBuilder};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::registry::Creator;
use super::{BUCKETS, GATE_BUCKETS};

/// Labels of the series of one kind of a template.
const KIND_LABELS: [&str; 3] = ["provider", "template", "kind"];

/// Times of an accepted callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Time from the head to the reply.
    pub(crate) total: Duration,
    /// Time from the sending of the event to the answer, or to the end of the wait; `None` if
    /// gatepost did not ask the app.
    pub(crate) app: Option<Duration>,
    /// Total time without the waits for the body and for the app. `None` if gatepost may have
    /// waited for the answer to another copy of the callback.
    pub(crate) gate: Option<Duration>,
}

/// Times of the callbacks of one kind.
#[derive(Debug)]
pub(super) struct KindHistograms {
    pub(super) total: Histogram,
    pub(super) app: Histogram,
    pub(super) gate: Histogram,
}

impl KindHistograms {
    pub(super) fn observe(&self, times: &Times) {
        self.total.observe(times.total.as_secs_f64());
        if let Some(app) = times.app {
            self.app.observe(app.as_secs_f64());
        }
        if let Some(gate) = times.gate {
            self.gate.observe(gate.as_secs_f64());
        }
    }
}

/// Metrics of the kinds of each template.
#[derive(Debug)]
pub(super) struct KindMetrics {
    callbacks: IntCounterVec,
    total_seconds: HistogramVec,
    app_seconds: HistogramVec,
    gate_seconds: HistogramVec,
    failures: IntCounterVec,
}

impl KindMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let histogram = |name, help, buckets| create.histograms(name, help, &KIND_LABELS, buckets);
        Self {
            callbacks: create.counters(
                "gatepost_callbacks_total",
                "Accepted callbacks. `decision` is `allow`, `deny`, or `none` if the reply neither allows \
                 nor denies. `origin` is the source of the reply: `app`, \
                 `answer_empty`, `challenge`, `failure`, `fixed`, `last_good`, `queued`, `resend` or \
                 `unlisted`.",
                &["provider", "template", "kind", "origin", "decision"],
            ),
            total_seconds: histogram(
                "gatepost_callback_duration_seconds",
                "Seconds from the head of an accepted callback to its reply.",
                BUCKETS,
            ),
            app_seconds: histogram(
                "gatepost_app_duration_seconds",
                "Seconds from the sending of the event to the app's answer, or to the end of gatepost's \
                 wait for it.",
                BUCKETS,
            ),
            gate_seconds: histogram(
                "gatepost_gate_duration_seconds",
                "Seconds of gatepost's own work, without the waits for the client's body and for the \
                 app. The first bucket ends at 50 µs. Does not include resends.",
                GATE_BUCKETS,
            ),
            failures: create.counters(
                "gatepost_app_failures_total",
                "Accepted callbacks without a usable answer from the app, by the code of the reason.",
                &["provider", "template", "kind", "code"],
            ),
        }
    }

    /// Removes the series of the templates that are not in `names`.
    pub(super) fn keep(&self, names: &HashSet<&str>) {
        for series in [&self.callbacks, &self.failures] {
            keep(series, names);
        }
        for series in [&self.total_seconds, &self.app_seconds, &self.gate_seconds] {
            keep(series, names);
        }
    }

    pub(super) fn counter(&self, labels: [&str; 3], origin: &str, decision: &str) -> IntCounter {
        let [provider, template, kind] = labels;
        self.callbacks.with_label_values(&[provider, template, kind, origin, decision])
    }

    pub(super) fn failure(&self, labels: [&str; 3], reason: UnavailableKind) -> IntCounter {
        let [provider, template, kind] = labels;
        self.failures.with_label_values(&[provider, template, kind, reason.as_str()])
    }

    pub(super) fn histograms(&self, labels: [&str; 3]) -> KindHistograms {
        KindHistograms {
            total: self.total_seconds.with_label_values(&labels),
            app: self.app_seconds.with_label_values(&labels),
            gate: self.gate_seconds.with_label_values(&labels),
        }
    }
}

/// Removes the series of the templates that are not in `names`.
pub(super) fn keep<T: MetricVecBuilder>(series: &MetricVec<T>, names: &HashSet<&str>) {
    let Some(description) = series.desc().first().map(|desc| desc.variable_labels.clone()) else {
        return;
    };
    for family in series.collect() {
        for metric in family.get_metric() {
            let labels: HashMap<_, _> =
                metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
            if labels.get("template").is_none_or(|name| names.contains(name)) {
                continue;
            }
            let values: Vec<_> =
                description.iter().filter_map(|name| labels.get(&**name)).collect();
            let _gone = series.remove_label_values(&values);
        }
    }
}
