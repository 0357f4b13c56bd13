//! Metrics of callbacks: verdicts, decisions, failures of the app, and times.

use std::collections::HashSet;

use gatepost::{
    Accepted, Conclusion, Effect, Prediction, Refusal, RefusalKind, Shadowed, Template,
};
use prometheus::{IntCounter, IntCounterVec};

use super::kind_metrics::{KindMetrics, Times, keep};
use super::registry::Creator;
use super::template_series::TemplateSeries;

/// Metrics of callbacks.
#[derive(Debug)]
pub(crate) struct CallbackMetrics {
    kinds: KindMetrics,
    refusals: IntCounterVec,
    shadows: IntCounterVec,
    shadow_answers: IntCounterVec,
    clients_gone: IntCounterVec,
    reused_signatures: IntCounterVec,
    reused_ids: IntCounterVec,
    misfits: IntCounterVec,
    dropped_members: IntCounterVec,
    unclear_answers: IntCounterVec,
    mirrored: IntCounterVec,
    paths: CallbackPaths,
}

/// Counters of requests on callback paths, by the part of the proxy that reads them. The first
/// counter of each array is for connections without TLS, and the second for connections with TLS.
#[derive(Debug)]
struct CallbackPaths {
    fast: [IntCounter; 2],
    pingora: [IntCounter; 2],
}

/// Maximum number of kinds, over all templates, whose series exist before the first callback.
///
/// Each kind has about 80 series. The series of further kinds begin with their first callback.
const MAX_KINDS_AT_START: usize = 256;

/// Effects of the answers in shadow mode.
const EFFECTS: [Effect; 6] = [
    Effect::NotAsked,
    Effect::Passed,
    Effect::PutRight,
    Effect::Replaced,
    Effect::Unjudged,
    Effect::Unseen,
];

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
        "Members of the app's answers that gatepost left out of the reply.",
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

fn mirrored(create: &Creator<'_>) -> IntCounterVec {
    let counters = create.counters(
        "gatepost_mirrored_events_total",
        "Copies of events for a `mirror`, by result: `taken`, `failed`, or `dropped` because 64 copies \
         were in flight.",
        &["result"],
    );
    for result in ["taken", "failed", "dropped"] {
        counters.with_label_values(&[result]);
    }
    counters
}

fn callback_paths(create: &Creator<'_>) -> CallbackPaths {
    let paths = create.counters(
        "gatepost_callback_paths_total",
        "Requests on callback paths. `path` is the reader of the request: `fast` for gatepost's own, \
         `pingora` for Pingora's. `tls` is `yes` for a connection with TLS, else `no`.",
        &["path", "tls"],
    );
    let of = |path| ["no", "yes"].map(|tls| paths.with_label_values(&[path, tls]));
    CallbackPaths { fast: of("fast"), pingora: of("pingora") }
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
        Self {
            kinds: KindMetrics::new(create),
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
                "Answers to genuine callbacks in shadow mode, by their effect in enforce \
                 mode.",
                &["provider", "outcome"],
            ),
            clients_gone: clients_gone(create),
            reused_signatures: reused_signatures(create),
            reused_ids: reused_ids(create),
            misfits: misfits(create),
            dropped_members: dropped_members(create),
            unclear_answers: unclear_answers(create),
            mirrored: mirrored(create),
            paths: callback_paths(create),
        }
    }

    /// Counts a request that the fast path serves.
    pub(crate) fn fast_path(&self, is_encrypted: bool) {
        self.paths.fast[usize::from(is_encrypted)].inc();
    }

    /// Counts a callback that Pingora has read.
    pub(crate) fn pingora_path(&self, is_encrypted: bool) {
        self.paths.pingora[usize::from(is_encrypted)].inc();
    }

    /// Counts a copy of an event.
    pub(crate) fn mirrored(&self, result: &str) {
        self.mirrored.with_label_values(&[result]).inc();
    }

    /// Creates the series for the templates of a new config, and removes the series of former
    /// templates.
    pub(super) fn serve<'t>(&self, templates: impl Iterator<Item = &'t Template>) {
        let (mut names, mut left) = (HashSet::new(), MAX_KINDS_AT_START);
        for template in templates {
            names.insert(template.name());
            self.serve_provider(template);
            let Some(series) = self.series(template) else { continue };
            let listed = template.kinds().enumerate().filter(|(_, kind)| kind.is_listed);
            for (index, kind) in listed.take(left) {
                left -= 1;
                series.kind(Some(index)).start(&self.kinds, template, kind);
                self.start_oddities(template.provider(), kind.name);
            }
        }
        self.kinds.keep(&names);
        for series in [&self.reused_signatures, &self.reused_ids] {
            keep(series, &names);
        }
    }

    /// Creates the series for a provider with a route in shadow mode.
    pub(super) fn serve_shadow(&self, provider: &str) {
        let refusals = RefusalKind::ALL.map(RefusalKind::as_str);
        for code in ["accepted", "unseen"].into_iter().chain(refusals) {
            self.shadows.with_label_values(&[provider, code]);
        }
        for effect in EFFECTS {
            self.shadow_answers.with_label_values(&[provider, effect.as_str()]);
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

    /// Counts an unclear answer to an event of a notification.
    pub(crate) fn answered_unclearly(&self, provider: &str, kind: &str) {
        self.unclear_answers.with_label_values(&[provider, kind]).inc();
    }

    pub(crate) fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, times: &Times) {
        let template = accepted.template();
        if let Some(series) = self.series(template) {
            let kind = series.kind(accepted.kind_index());
            kind.count(&self.kinds, accepted, conclusion);
            kind.histograms(&self.kinds, accepted).observe(times);
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
            self.answered_unclearly(provider, kind);
        }
        if accepted.reuses_signature() {
            self.reused_signatures.with_label_values(&[provider, template]).inc();
        }
        if accepted.reuses_id() {
            self.reused_ids.with_label_values(&[provider, template]).inc();
        }
        if let Some(unavailable) = conclusion.origin.failure() {
            self.kinds.failure([provider, template, kind], unavailable.kind()).inc();
        }
    }
}
