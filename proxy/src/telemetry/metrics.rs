//! Prometheus metrics about callbacks, refusals and failures of the app.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::Duration;

use gatepost::{Accepted, Circuit, Conclusion, HeadFault, Prediction, Refusal, Shadowed};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::config_metrics::ConfigMetrics;
use super::log;
use super::registry::register;

/// Metrics of the program.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    callbacks: IntCounterVec,
    refusals: IntCounterVec,
    rejected: IntCounterVec,
    admin_refusals: IntCounterVec,
    failures: IntCounterVec,
    shadows: IntCounterVec,
    shadow_answers: IntCounterVec,
    clients_gone: IntCounterVec,
    closed: IntCounterVec,
    seconds: HistogramVec,
    log_lines_dropped: IntCounter,
    log_lines_over_budget: IntCounter,
    pub(crate) in_flight: IntGauge,
    pub(crate) unreadable: IntCounter,
    reused: IntCounterVec,
    reused_ids: IntCounterVec,
    misfits: IntCounterVec,
    dropped_members: IntCounterVec,
    unclear_answers: IntCounterVec,
    circuits: IntGaugeVec,
    pub(crate) config: ConfigMetrics,
}

/// Metrics of this process, as `/metrics` shows them.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Label values, with the counter and the histogram of the callbacks that have these labels.
type RecentCallback = ([Box<str>; 3], IntCounter, Histogram);

thread_local! {
    /// Counters and histograms that this thread used recently. Without this cache, gatepost would
    /// hash all labels of every callback.
    static RECENT: RefCell<Vec<RecentCallback>> = RefCell::new(Vec::with_capacity(64));
}

fn callback_seconds(registry: &Registry) -> HistogramVec {
    let seconds = HistogramOpts::new(
        "gatepost_callback_seconds",
        "Seconds from the head of an accepted callback to its reply.",
    );
    register(registry, HistogramVec::new(seconds, &["provider", "kind"]))
}

fn rejected_requests(registry: &Registry) -> IntCounterVec {
    let rejected = Opts::new(
        "gatepost_requests_rejected_total",
        "Requests whose head gatepost refuses on every path, by the code of the reason.",
    );
    register(registry, IntCounterVec::new(rejected, &["code"]))
}

fn reused_ids(registry: &Registry) -> IntCounterVec {
    let reused = Opts::new(
        "gatepost_ids_reused_total",
        "Accepted callbacks whose signed id arrived earlier with other data.",
    );
    register(registry, IntCounterVec::new(reused, &["provider", "template"]))
}

fn closed_connections(registry: &Registry) -> IntCounterVec {
    let closed = Opts::new(
        "gatepost_connections_closed_total",
        "Connections and unfinished requests that gatepost closed, by the code of the reason.",
    );
    register(registry, IntCounterVec::new(closed, &["code"]))
}

fn refused_admin_requests(registry: &Registry) -> IntCounterVec {
    let refused = Opts::new(
        "gatepost_admin_refusals_total",
        "Requests to the admin API without access, by the code of the reason.",
    );
    register(registry, IntCounterVec::new(refused, &["code"]))
}

fn dropped_members(registry: &Registry) -> IntCounterVec {
    let dropped = Opts::new(
        "gatepost_answer_members_dropped_total",
        "Members of the app's answers that the platform's reply does not have.",
    );
    register(registry, IntCounterVec::new(dropped, &["provider", "kind"]))
}

fn unclear_answers(registry: &Registry) -> IntCounterVec {
    let unclear = Opts::new(
        "gatepost_answers_unclear_total",
        "Acknowledged events whose answer neither repeats nor contradicts the acknowledgement.",
    );
    register(registry, IntCounterVec::new(unclear, &["provider", "kind"]))
}

fn shadow_answers(registry: &Registry) -> IntCounterVec {
    let answers = Opts::new(
        "gatepost_shadow_answers_total",
        "Answers to genuine callbacks in shadow mode, by what enforce mode would do with them.",
    );
    register(registry, IntCounterVec::new(answers, &["provider", "outcome"]))
}

fn misfits(registry: &Registry) -> IntCounterVec {
    let misfits = Opts::new(
        "gatepost_misfits_total",
        "Accepted callbacks with fields that do not fit the definition.",
    );
    register(registry, IntCounterVec::new(misfits, &["provider", "kind"]))
}

fn circuit_gauges(registry: &Registry) -> IntGaugeVec {
    let circuits = Opts::new(
        "gatepost_app_circuit_open",
        "1 while the circuit of the app at this address is open, else 0.",
    );
    register(registry, IntGaugeVec::new(circuits, &["address"]))
}

fn requests_in_flight(registry: &Registry) -> IntGauge {
    let gauge = IntGauge::new("gatepost_requests_in_flight", "Requests that gatepost serves.");
    register(registry, gauge)
}

fn unreadable_requests(registry: &Registry) -> IntCounter {
    let help = "Malformed or incomplete HTTP/1 requests.";
    register(registry, IntCounter::new("gatepost_requests_unreadable_total", help))
}

fn dropped_log_lines(registry: &Registry) -> IntCounter {
    let help = "Log lines that gatepost dropped after a failed write or with a full queue.";
    register(registry, IntCounter::new("gatepost_log_lines_dropped_total", help))
}

fn log_lines_over_budget(registry: &Registry) -> IntCounter {
    let help = "Log lines that gatepost dropped because they exceed the log budget.";
    register(registry, IntCounter::new("gatepost_log_lines_over_budget_total", help))
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        Self {
            callbacks: counter(
                "gatepost_callbacks_total",
                "Accepted callbacks, by the origin of the reply.",
                &["provider", "kind", "origin"],
            ),
            refusals: counter(
                "gatepost_refusals_total",
                "Refused callbacks, by the code of the reason.",
                &["provider", "code"],
            ),
            rejected: rejected_requests(&registry),
            admin_refusals: refused_admin_requests(&registry),
            failures: counter(
                "gatepost_app_failures_total",
                "Callbacks without a usable answer of the app, by the code of the reason.",
                &["provider", "kind", "code"],
            ),
            shadows: counter(
                "gatepost_shadow_total",
                "Requests that passed in shadow mode, by the code of the verdict.",
                &["provider", "code"],
            ),
            shadow_answers: shadow_answers(&registry),
            closed: closed_connections(&registry),
            clients_gone: counter(
                "gatepost_senders_gone_total",
                "Accepted callbacks whose client did not wait for the reply.",
                &["provider", "kind"],
            ),
            reused: counter(
                "gatepost_signatures_reused_total",
                "Accepted callbacks whose signature arrived earlier with another body or id.",
                &["provider", "template"],
            ),
            reused_ids: reused_ids(&registry),
            misfits: misfits(&registry),
            dropped_members: dropped_members(&registry),
            unclear_answers: unclear_answers(&registry),
            seconds: callback_seconds(&registry),
            in_flight: requests_in_flight(&registry),
            unreadable: unreadable_requests(&registry),
            circuits: circuit_gauges(&registry),
            config: ConfigMetrics::new(&registry),
            log_lines_dropped: dropped_log_lines(&registry),
            log_lines_over_budget: log_lines_over_budget(&registry),
            registry,
        }
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let labels = [refusal.provider(), refusal.kind().as_str()];
        self.refusals.with_label_values(&labels).inc();
    }

    pub(crate) fn rejected(&self, fault: HeadFault) {
        self.rejected.with_label_values(&[fault.as_str()]).inc();
    }

    pub(crate) fn closed(&self, code: &'static str) {
        self.closed.with_label_values(&[code]).inc();
    }

    pub(crate) fn admin_refused(&self, code: &str) {
        self.admin_refusals.with_label_values(&[code]).inc();
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

    pub(crate) fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, took: Duration) {
        let event = accepted.event();
        let (provider, kind) = (event.provider(), event.kind());
        self.with_callbacks([provider, kind, conclusion.origin.as_str()], |callbacks, seconds| {
            callbacks.inc();
            seconds.observe(took.as_secs_f64());
        });
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
            self.reused.with_label_values(&[provider, accepted.template().name()]).inc();
        }
        if accepted.reuses_id() {
            self.reused_ids.with_label_values(&[provider, accepted.template().name()]).inc();
        }
        if let Some(unavailable) = conclusion.origin.failure() {
            let labels = [provider, kind, unavailable.kind().as_str()];
            self.failures.with_label_values(&labels).inc();
        }
    }

    /// Calls `act` with the counter and the histogram for these labels.
    fn with_callbacks(&self, labels: [&str; 3], act: impl FnOnce(&IntCounter, &Histogram)) {
        RECENT.with_borrow_mut(|recent| {
            let at =
                recent.iter().position(|(of, ..)| of.iter().zip(labels).all(|(a, b)| **a == *b));
            let at = at.unwrap_or_else(|| {
                if recent.len() == recent.capacity() {
                    recent.clear();
                }
                let [provider, kind, _] = labels;
                recent.push((
                    labels.map(Box::from),
                    self.callbacks.with_label_values(&labels),
                    self.seconds.with_label_values(&[provider, kind]),
                ));
                recent.len() - 1
            });
            if let Some((_, callbacks, seconds)) = recent.get(at) {
                act(callbacks, seconds);
            }
        });
    }

    /// Formats all metrics as Prometheus text.
    pub(crate) fn text(&self, circuits: &[Circuit]) -> String {
        // Remove the addresses that the current config no longer contains.
        self.circuits.reset();
        for circuit in circuits {
            let gauge = self.circuits.with_label_values(&[&*circuit.address]);
            gauge.set(circuit.is_open.into());
        }
        let dropped = &self.log_lines_dropped;
        dropped.inc_by(log::lines_dropped().saturating_sub(dropped.get()));
        let over_budget = &self.log_lines_over_budget;
        over_budget.inc_by(log::lines_over_budget().saturating_sub(over_budget.get()));
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_label_sets_separately_beyond_cache_capacity() {
        let kinds: Vec<_> = (0..200).map(|kind| kind.to_string()).collect();
        for kind in kinds.iter().chain(&kinds) {
            METRICS.with_callbacks(["many", kind, "app"], |callbacks, seconds| {
                callbacks.inc();
                seconds.observe(0.0);
            });
        }
        for kind in &kinds {
            assert_eq!(METRICS.callbacks.with_label_values(&["many", kind, "app"]).get(), 2);
            let seconds = METRICS.seconds.with_label_values(&["many", kind]);
            assert_eq!(seconds.get_sample_count(), 2);
        }
    }
}
