//! The certificate for a connection, by the name that the client sends (SNI). gatepost chooses the
//! first of these certificates that exists:
//!
//! 1. A certificate with exactly this name.
//! 2. A certificate with `*` and the rest of this name. `*` replaces one label.
//! 3. Any certificate of the config. A client that does not accept the certificate closes the
//!    connection.
//!
//! If a rule finds several certificates, gatepost chooses the first whose key the client can
//! verify, else the first in the config. A name can therefore have both an RSA and an ECDSA
//! certificate.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// Certificates by name.
#[derive(Debug)]
pub(super) struct CertificatesByName {
    all: Vec<Arc<CertifiedKey>>,
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
}

impl CertificatesByName {
    pub(super) fn new(certificates: &[Arc<Certificate>]) -> Self {
        let mut by_name = HashMap::<_, Vec<_>>::new();
        for certificate in certificates {
            for name in &certificate.dns_names {
                by_name.entry(name.clone()).or_default().push(Arc::clone(&certificate.key));
            }
        }
        let all = certificates.iter().map(|certificate| Arc::clone(&certificate.key));
        Self { all: all.collect(), by_name }
    }

    fn find(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<&Arc<CertifiedKey>> {
        let found = name.and_then(|name| self.of_name(&name.to_ascii_lowercase()));
        let keys = found.unwrap_or(&self.all);
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        keys.iter().find(fits).or_else(|| keys.first())
    }

    fn of_name(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let wildcard = || Some(format!("*.{}", name.split_once('.')?.1));
        let found = self.by_name.get(name).or_else(|| self.by_name.get(&wildcard()?));
        found.map(Vec::as_slice)
    }
}

impl ResolvesServerCert for CertificatesByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name(), hello.signature_schemes()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::{issue, settings};
    use super::*;

    #[test]
    fn chooses_certificate_by_name_then_by_wildcard_then_the_first() {
        let names = ["default.example.com", "gate.example.com", "*.example.com"];
        let issued = names.map(|name| issue(name, None));
        let pairs = issued.map(|issued| (issued.pem, issued.key.serialize_pem()));
        let pairs: Vec<_> = pairs.iter().map(|(chain, key)| (&**chain, &**key)).collect();
        let parse = |files| Arc::new(Certificate::parse(files).unwrap());
        let all: Vec<_> = settings(&pairs).certificates.iter().map(parse).collect();
        let resolver = CertificatesByName::new(&all);
        for (name, expected) in [
            (Some("gate.example.com"), 1),
            (Some("GATE.example.com"), 1),
            (Some("play.example.com"), 2),
            (Some("a.play.example.com"), 0),
            (Some("example.com"), 0),
            (Some("example.org"), 0),
            (Some("localhost"), 0),
            (None, 0),
        ] {
            let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256];
            let found = resolver.find(name, &schemes).unwrap();
            assert!(Arc::ptr_eq(found, &all[expected].key), "{name:?}");
        }
    }
}
