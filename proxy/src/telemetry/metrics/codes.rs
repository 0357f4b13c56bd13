//! Codes that only one metric counts. From the start, the metric has a series for each code.

/// Defines an enum of codes, and a table with a row for each variant.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $($variant:ident $code:literal)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant,)*
        }

        impl $name {
            /// Every code, sorted.
            pub(super) const ALL: &[&str] = &[$($code),*];

            /// Returns the stable code: the same word in logs, metrics and documentation.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

codes! {
    /// Code of a connection or an unfinished request that gatepost closes.
    CloseCode:
    RequestTooSlow "request_too_slow"
    TlsCertificateNotAccepted "tls_certificate_not_accepted"
    TlsClientCertificateRefused "tls_client_certificate_refused"
    TlsExpected "tls_expected"
    TlsHandshakeFailed "tls_handshake_failed"
    TlsHandshakeSlow "tls_handshake_slow"
    TlsVersionRefused "tls_version_refused"
    TooManyConnections "too_many_connections"
    TooManyUnjudgedBytes "too_many_unjudged_bytes"
}

codes! {
    /// Code of a refused request to the admin API or the console.
    AdminRefusal:
    HostRefused "host_refused"
    NotFound "not_found"
    OriginRefused "origin_refused"
    ReadOnly "read_only"
    TooManyAttempts "too_many_attempts"
    Unauthorized "unauthorized"
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::Metrics;

    #[test]
    fn each_code_of_the_manual_has_a_series_at_the_start() {
        let families = Metrics::new().registry.gather();
        let mut series = BTreeMap::<String, BTreeSet<String>>::new();
        for family in &families {
            for metric in family.get_metric() {
                if let [label] = metric.get_label()
                    && label.name() == "code"
                {
                    let codes = series.entry(family.name().to_owned()).or_default();
                    codes.insert(label.value().to_owned());
                }
            }
        }
        assert_eq!(series.len(), 4, "expected four metrics with a code, found {series:?}");
        for (name, codes) in series {
            let of_manual = gatepost::codes().filter(|help| help.seen_in.contains(&name));
            let of_manual: BTreeSet<_> = of_manual.map(|help| help.code.to_owned()).collect();
            assert_eq!(codes, of_manual, "codes of {name}");
        }
    }
}
