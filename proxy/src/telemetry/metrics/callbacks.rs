//! Metrics of callbacks: verdicts, decisions, failures of the app, and times.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use gatepost::{
    Accepted, Conclusion, Prediction, Refusal, RefusalKind, Shadowed, Template, UnavailableKind,
};
use prometheus::core::{Collector as _, MetricVec, MetricVecBuilder};
use prometheus::{HistogramVec, IntCounter, IntCounterVec};

use super::registry::Creator;
use super::template_series::{KindHistograms, TemplateSeries};
use super::{BUCKETS, GATE_BUCKETS};

/// Times of an accepted callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Time from the head to the reply.
    pub(crate) total: Duration,
    /// Time from the event to the answer; `None` if gatepost did not ask the app.
    pub(crate) app: Option<Duration>,
    /// gatepost's own time: without the waits for the body and for the app. `None` if gatepost may
    /// have waited for the answer to another copy of the callback.
    pub(crate) gate: Option<Duration>,
}

/// Metrics of callbacks.
#[derive(Debug)]
pub(crate) struct CallbackMetrics {
    callbacks: IntCounterVec,
    total_seconds: HistogramVec,
    app_seconds: HistogramVec,
    gate_seconds: HistogramVec,
    failures: IntCounterVec,
    refusals: IntCounterVec,
    shadows: IntCounterVec,
    shadow_answers: IntCounterVec,
    clients_gone: IntCounterVec,
    reused_signatures: IntCounterVec,
    reused_ids: IntCounterVec,
    misfits: IntCounterVec,
    dropped_members: IntCounterVec,
    unclear_answers: IntCounterVec,
}

/// Labels of the series of one kind of a template.
const KIND_LABELS: [&str; 3] = ["provider", "template", "kind"];

/// Maximum number of kinds, over all templates, whose series exist before their first event.
///
/// Each kind has about 80 series. The series of further kinds begin with the first callback.
const MAX_KINDS_AT_START: usize = 256;

fn misfits(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_misfits_total",
        "Accepted callbacks with fields that do not fit the definition.",
        &["provider", "kind"],
    )
}

fn dropped_members(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_answer_members_dropped_total",
        "Members of the app's answers that the platform's reply does not have.",
        &["provider", "kind"],
    )
}

fn unclear_answers(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_answers_unclear_total",
        "Acknowledged events whose answer neither repeats nor contradicts the \
         acknowledgement.",
        &["provider", "kind"],
    )
}

fn reused_signatures(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_signatures_reused_total",
        "Accepted callbacks whose signature arrived earlier with another body or id.",
        &["provider", "template"],
    )
}

fn reused_ids(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_ids_reused_total",
        "Accepted callbacks whose signed id arrived earlier with other data.",
        &["provider", "template"],
    )
}

fn clients_gone(create: &Creator<'_>) -> IntCounterVec {
    create.counters(
        "gatepost_senders_gone_total",
        "Accepted callbacks whose client did not wait for the reply.",
        &["provider", "kind"],
    )
}

impl CallbackMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let histogram = |name, help, buckets| create.histograms(name, help, &KIND_LABELS, buckets);
        Self {
            callbacks: create.counters(
                "gatepost_callbacks_total",
                "Accepted callbacks, by the origin of the reply and by its decision.",
                &["provider", "template", "kind", "origin", "decision"],
            ),
            total_seconds: histogram(
                "gatepost_callback_duration_seconds",
                "Seconds from the head of an accepted callback to its reply.",
                BUCKETS,
            ),
            app_seconds: histogram(
                "gatepost_app_duration_seconds",
                "Seconds from the event to the app's answer, or to the end of the wait for it.",
                BUCKETS,
            ),
            gate_seconds: histogram(
                "gatepost_gate_duration_seconds",
                "Seconds of a callback without the waits for the client's body and for the app.",
                GATE_BUCKETS,
            ),
            failures: create.counters(
                "gatepost_app_failures_total",
                "Callbacks without a usable answer of the app, by the code of the reason.",
                &["provider", "template", "kind", "code"],
            ),
            refusals: create.counters(
                "gatepost_refusals_total",
                "Refused callbacks, by the code of the reason.",
                &["provider", "code"],
            ),
            shadows: create.counters(
                "gatepost_shadow_total",
                "Requests that passed in shadow mode, by the code of the verdict.",
                &["provider", "code"],
            ),
            shadow_answers: create.counters(
                "gatepost_shadow_answers_total",
                "Answers to genuine callbacks in shadow mode, by what enforce mode would do with \
                 them.",
                &["provider", "outcome"],
            ),
            clients_gone: clients_gone(create),
            reused_signatures: reused_signatures(create),
            reused_ids: reused_ids(create),
            misfits: misfits(create),
            dropped_members: dropped_members(create),
            unclear_answers: unclear_answers(create),
        }
    }

    /// Creates the series of the templates of a new config, and removes those of former templates.
    pub(super) fn serve<'t>(&self, templates: impl Iterator<Item = &'t Template>) {
        let (mut names, mut left) = (HashSet::new(), MAX_KINDS_AT_START);
        for template in templates {
            names.insert(template.name());
            self.serve_provider(template);
            let Some(series) = self.series(template) else { continue };
            let listed = template.kinds().enumerate().filter(|(_, kind)| kind.is_listed);
            for (index, kind) in listed.take(left) {
                left -= 1;
                series.kind(Some(index)).start(self, template, kind);
                self.start_oddities(template.provider(), kind.name);
            }
        }
        for series in [&self.callbacks, &self.failures, &self.reused_signatures, &self.reused_ids] {
            forget(series, &names);
        }
        for series in [&self.total_seconds, &self.app_seconds, &self.gate_seconds] {
            forget(series, &names);
        }
    }

    fn serve_provider(&self, template: &Template) {
        for kind in RefusalKind::ALL {
            self.refusals.with_label_values(&[template.provider(), kind.as_str()]);
        }
        for reused in [&self.reused_signatures, &self.reused_ids] {
            reused.with_label_values(&[template.provider(), template.name()]);
        }
    }

    fn start_oddities(&self, provider: &str, kind: &str) {
        let all = [&self.clients_gone, &self.misfits, &self.dropped_members, &self.unclear_answers];
        for oddity in all {
            oddity.with_label_values(&[provider, kind]);
        }
    }

    fn series<'t>(&self, template: &'t Template) -> Option<&'t TemplateSeries> {
        template.extension(TemplateSeries::new)
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let labels = [refusal.provider(), refusal.kind().as_str()];
        self.refusals.with_label_values(&labels).inc();
    }

    pub(crate) fn shadowed(&self, shadowed: &Shadowed) {
        self.shadows.with_label_values(&[shadowed.provider(), shadowed.code()]).inc();
    }

    pub(crate) fn predicted(&self, prediction: &Prediction) {
        let labels = [prediction.accepted().event().provider(), prediction.effect().as_str()];
        self.shadow_answers.with_label_values(&labels).inc();
    }

    pub(crate) fn client_gone(&self, accepted: &Accepted) {
        let event = accepted.event();
        self.clients_gone.with_label_values(&[event.provider(), event.kind()]).inc();
    }

    pub(crate) fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, times: &Times) {
        let template = accepted.template();
        if let Some(series) = self.series(template) {
            let kind = series.kind(accepted.kind_index());
            kind.count(self, accepted, conclusion);
            kind.histograms(self, accepted).observe(times);
        }
        self.count_oddities(accepted, conclusion);
    }

    fn count_oddities(&self, accepted: &Accepted, conclusion: &Conclusion) {
        let (event, template) = (accepted.event(), accepted.template().name());
        let (provider, kind) = (event.provider(), event.kind());
        if accepted.misfits().len() > 0 {
            self.misfits.with_label_values(&[provider, kind]).inc();
        }
        let dropped = conclusion.dropped_members().len();
        if dropped > 0 {
            self.dropped_members.with_label_values(&[provider, kind]).inc_by(dropped as u64);
        }
        if conclusion.has_unclear_answer() {
            self.unclear_answers.with_label_values(&[provider, kind]).inc();
        }
        if accepted.reuses_signature() {
            self.reused_signatures.with_label_values(&[provider, template]).inc();
        }
        if accepted.reuses_id() {
            self.reused_ids.with_label_values(&[provider, template]).inc();
        }
        if let Some(unavailable) = conclusion.origin.failure() {
            self.failure([provider, template, kind], unavailable.kind()).inc();
        }
    }

    /// Returns the counter of callbacks. `labels` are the values of [`KIND_LABELS`].
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
fn forget<T: MetricVecBuilder>(series: &MetricVec<T>, names: &HashSet<&str>) {
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
