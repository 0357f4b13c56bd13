//! Metrics about TLS, and about the path of callbacks through the proxy.

use prometheus::{IntCounter, IntCounterVec, IntGaugeVec};

use super::registry::Creator;

/// Metrics about TLS.
#[derive(Debug)]
pub(crate) struct TlsMetrics {
    /// Callbacks on the fast path: without TLS, and with TLS.
    fast: [IntCounter; 2],
    /// Callbacks that Pingora has read: without TLS, and with TLS.
    pingora: [IntCounter; 2],
    handshakes: IntCounterVec,
    certificates: IntGaugeVec,
}

impl TlsMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        let paths = create.counters(
            "gatepost_callback_paths_total",
            "Requests on callback paths, by the path through the proxy: `fast` or `pingora`.",
            &["path", "tls"],
        );
        let of = |path| ["no", "yes"].map(|tls| paths.with_label_values(&[path, tls]));
        Self {
            fast: of("fast"),
            pingora: of("pingora"),
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

    /// Counts a request that the fast path serves.
    pub(crate) fn fast_path(&self, is_encrypted: bool) {
        self.fast[usize::from(is_encrypted)].inc();
    }

    /// Counts a callback that Pingora has read.
    pub(crate) fn pingora_path(&self, is_encrypted: bool) {
        self.pingora[usize::from(is_encrypted)].inc();
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
