//! Metrics about TLS.

use prometheus::{IntCounterVec, IntGaugeVec};

use super::registry::Creator;

/// Metrics about TLS.
#[derive(Debug)]
pub(crate) struct TlsMetrics {
    handshakes: IntCounterVec,
    certificates: IntGaugeVec,
}

impl TlsMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        Self {
            handshakes: create.counters(
                "gatepost_tls_handshakes_total",
                "Successful TLS handshakes, by the version of TLS.",
                &["version"],
            ),
            certificates: create.gauges(
                "gatepost_tls_certificate_expiry_timestamp_seconds",
                "Time at which the certificate expires, in Unix seconds.",
                &["name"],
            ),
        }
    }

    /// Counts a handshake with this version, such as `TLSv1_3`.
    pub(crate) fn handshake(&self, version: &str) {
        self.handshakes.with_label_values(&[version]).inc();
    }

    /// Records the served certificates, each with its name and its expiry time. Of several
    /// certificates with the same name, records the earliest expiry time.
    pub(crate) fn serve<'c>(&self, all: impl Iterator<Item = (&'c str, i64)>) {
        self.certificates.reset();
        for (name, end) in all {
            let gauge = self.certificates.with_label_values(&[name]);
            let earlier = gauge.get();
            gauge.set(if earlier == 0 { end } else { end.min(earlier) });
        }
    }
}
