//! Prometheus metrics. The names, labels and label values are stable.
//!
//! 1. No label has a value that a client chooses: no label contains a tenant or the path of a
//!    request.
//! 2. gatepost creates the series of each listed kind of each template (up to 256 kinds), and of
//!    each code, with the value 0. `rate()` then counts the first increase.
//! 3. Counting a callback costs a few atomic additions, because each template contains the counters
//!    of its kinds.

mod callbacks;
mod codes;
mod config;
mod kind_metrics;
#[cfg(test)]
mod page;
mod process;
mod queue;
mod registry;
mod requests;
mod shared;
mod template_series;
mod tls;

use std::cell::RefCell;
use std::sync::LazyLock;

use gatepost::{Circuit, Config};
use prometheus::{IntCounter, IntGaugeVec, Registry, TextEncoder};

use self::callbacks::CallbackMetrics;
pub(crate) use self::codes::{AdminRefusal, CloseCode};
use self::config::ConfigMetrics;
pub(crate) use self::kind_metrics::Times;
use self::process::ProcessMetrics;
use self::queue::QueueMetrics;
use self::registry::Creator;
pub(crate) use self::registry::MetricHelp;
pub(crate) use self::requests::PassedBytes;
use self::requests::RequestMetrics;
use self::shared::SharedMetrics;
use self::tls::TlsMetrics;
use super::{access_log, log};

/// Upper bounds of the buckets of a duration that an app or an upstream determines, in seconds. The
/// time limits of the platforms are between 1 s and 20 s.
const BUCKETS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 3.0,
    5.0, 10.0, 20.0,
];

/// Upper bounds of the buckets of gatepost's own time, in seconds.
const GATE_BUCKETS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];

/// Metrics of the program.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) callbacks: CallbackMetrics,
    pub(crate) requests: RequestMetrics,
    pub(crate) config: ConfigMetrics,
    pub(crate) tls: TlsMetrics,
    pub(crate) queue: QueueMetrics,
    pub(crate) shared: SharedMetrics,
    process: ProcessMetrics,
    circuits: IntGaugeVec,
    access_log_lines_dropped: IntCounter,
    log_lines_dropped: IntCounter,
    log_lines_over_budget: IntCounter,
}

/// Metrics of this process, as `/metrics` shows them.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

impl Metrics {
    fn new() -> Self {
        Self::described(&RefCell::default())
    }

    /// Creates the metrics, and adds their descriptions to `described`.
    fn described(described: &RefCell<Vec<MetricHelp>>) -> Self {
        let registry = Registry::new();
        let create = Creator::new(&registry, described);
        let callbacks = CallbackMetrics::new(&create.about("Callbacks"));
        let requests = RequestMetrics::new(&create.about("Requests and connections"));
        let tls = TlsMetrics::new(&create.about("TLS"));
        let queue = QueueMetrics::new(&create.about("Queue"));
        let shared = SharedMetrics::new(&create.about("Shared state"));
        let config = ConfigMetrics::new(&create.about("Config"));
        let process = ProcessMetrics::new(&create.about("Process"));
        let create = create.about("Apps, logs and the program");
        let build = create.gauges(
            "gatepost_build_info",
            "1, with the version and the optional features of this program: `nats` and `otlp`.",
            &["version", "features"],
        );
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), FEATURES]).set(1);
        Self {
            callbacks,
            requests,
            config,
            tls,
            queue,
            shared,
            process,
            circuits: create.gauges(
                "gatepost_app_circuit_open",
                "1 while the circuit of the app at this address is open, else 0.",
                &["address"],
            ),
            access_log_lines_dropped: create.counter(
                "gatepost_access_log_lines_dropped_total",
                "Lines of the access log that gatepost dropped because a write failed or the \
                 buffer was full.",
            ),
            log_lines_dropped: create.counter(
                "gatepost_log_lines_dropped_total",
                "Log lines that gatepost dropped because a write failed or the buffer was full.",
            ),
            log_lines_over_budget: create.counter(
                "gatepost_log_lines_over_budget_total",
                "Log lines that gatepost dropped because they exceed the log budget.",
            ),
            registry,
        }
    }

    /// Returns the descriptions of all metrics.
    pub(crate) fn help() -> Vec<MetricHelp> {
        let described = RefCell::default();
        drop(Self::described(&described));
        described.into_inner()
    }

    /// Creates the series for the templates and the shadow routes of a new config, and removes the
    /// series of former templates.
    pub(crate) fn serve(&self, config: &Config) {
        self.callbacks.serve(config.templates());
        for route in config.route_infos().filter(|route| route.is_shadow) {
            self.callbacks.serve_shadow(&route.provider);
        }
    }

    /// Formats all metrics as Prometheus text.
    pub(crate) fn text(&self, circuits: &[Circuit]) -> String {
        // Remove the addresses that the current config no longer contains.
        self.circuits.reset();
        for circuit in circuits {
            let gauge = self.circuits.with_label_values(&[&*circuit.address]);
            gauge.set(circuit.is_open.into());
        }
        raise(&self.access_log_lines_dropped, access_log::lines_dropped());
        raise(&self.log_lines_dropped, log::lines_dropped());
        raise(&self.log_lines_over_budget, log::lines_over_budget());
        self.process.read();
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Raises a counter to a count that another part of the program holds.
fn raise(counter: &IntCounter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}

/// Optional features of this program, separated by commas.
pub(crate) const FEATURES: &str = match (cfg!(feature = "nats"), cfg!(feature = "otlp")) {
    (true, true) => "nats,otlp",
    (true, false) => "nats",
    (false, true) => "otlp",
    (false, false) => "",
};
