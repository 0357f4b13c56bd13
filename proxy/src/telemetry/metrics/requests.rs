//! Metrics of connections, and of requests that are not callbacks.

use std::time::Duration;

use gatepost::HeadFault;
use http::StatusCode;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};

use super::BUCKETS;
use super::codes::{AdminRefusal, CloseCode};
use super::registry::Creator;

/// Metrics of connections, and of requests that are not callbacks.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    pub(crate) in_flight: IntGauge,
    pub(crate) unreadable: IntCounter,
    pub(crate) not_found: IntCounter,
    rejected: IntCounterVec,
    admin_refusals: IntCounterVec,
    closed: IntCounterVec,
    passed: [IntCounter; STATUS_CLASSES.len()],
    seconds: Histogram,
    received_bytes: IntCounter,
    sent_bytes: IntCounter,
}

/// Values of the label `status`: the first digit of the status. `none` means that the client
/// received no status.
const STATUS_CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Codes of the requests that gatepost refuses on every path.
const REJECTION_CODES: [&str; 4] =
    ["framing_ambiguous", "head_too_large", "host_invalid", "target_invalid"];

impl RequestMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let passed = create.counters(
            "gatepost_requests_passed_total",
            "Requests that gatepost passed to the upstream. `status` is the class of the status, such as \
             `2xx`, or `none` without a response.",
            &["status"],
        );
        let bytes = create.counters(
            "gatepost_passed_bytes_total",
            "Bytes of the bodies that gatepost passed: `received` from clients, and `sent` to clients.",
            &["direction"],
        );
        Self {
            in_flight: create
                .gauge("gatepost_requests_in_flight", "Requests that gatepost is serving."),
            unreadable: create.counter(
                "gatepost_requests_unreadable_total",
                "Malformed or incomplete HTTP/1 requests.",
            ),
            not_found: create.counter(
                "gatepost_requests_not_found_total",
                "Requests that are not callbacks, and to which gatepost replied 404 because the config \
                 has no upstream.",
            ),
            rejected: create.coded(
                "gatepost_requests_rejected_total",
                "Requests whose head gatepost refuses on every path, by the code of the reason.",
                &REJECTION_CODES,
            ),
            admin_refusals: create.coded(
                "gatepost_admin_refusals_total",
                "Refused requests to the admin API or the console, by the code of the reason.",
                AdminRefusal::ALL,
            ),
            closed: create.coded(
                "gatepost_connections_closed_total",
                "Connections and unfinished requests that gatepost closed, by the code of the \
                 reason.",
                CloseCode::ALL,
            ),
            passed: STATUS_CLASSES.map(|class| passed.with_label_values(&[class])),
            seconds: create.histogram(
                "gatepost_passed_duration_seconds",
                "Seconds from the head of a passed request to the last byte of the response.",
                BUCKETS,
            ),
            received_bytes: bytes.with_label_values(&["received"]),
            sent_bytes: bytes.with_label_values(&["sent"]),
        }
    }

    pub(crate) fn rejected(&self, fault: HeadFault) {
        self.rejected.with_label_values(&[fault.as_str()]).inc();
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        self.closed.with_label_values(&[code.as_str()]).inc();
    }

    pub(crate) fn admin_refused(&self, code: AdminRefusal) {
        self.admin_refusals.with_label_values(&[code.as_str()]).inc();
    }

    /// Counts a request that gatepost passed to the upstream. `status` is `None` if the client
    /// received no response.
    pub(crate) fn passed(&self, status: Option<StatusCode>, took: Duration, bytes: PassedBytes) {
        let class = status.map_or(0, |status| usize::from(status.as_u16() / 100));
        if let Some(counter) = self.passed.get(class) {
            counter.inc();
        }
        self.seconds.observe(took.as_secs_f64());
        self.received_bytes.inc_by(bytes.received);
        self.sent_bytes.inc_by(bytes.sent);
    }
}

/// Bytes of the bodies of a passed request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedBytes {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}
