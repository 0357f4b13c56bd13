//! TLS of the listeners: the served certificates, and the handshake.
//!
//! gatepost performs the handshake itself, after Pingora has accepted the connection. Pingora's own
//! TLS listener has a fixed time limit of 60 seconds, and always accepts TLS 1.2. The listener also
//! hides connections in the handshake, so `max_connections` cannot bound these connections.

mod certificate;
mod handshake;
mod resolver;
mod stream;
mod validity;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use gatepost::{Fault, FaultKind, PemFile, TlsSettings, TlsVersion};
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::TLS13;
use rustls::{DEFAULT_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

use self::certificate::located;
#[cfg(test)]
pub(crate) use self::certificate::tests;
pub(crate) use self::certificate::{Certificate, CertificateFault};
pub(crate) use self::handshake::{HANDSHAKE_RECORD, HandshakeError};
use self::resolver::CertificatesByName;
pub(crate) use self::stream::TlsStream;
pub(crate) use self::validity::warnings;
use crate::clock;
use crate::telemetry::metrics::METRICS;

/// Protocols of `listen_tls`, in the order of preference (ALPN).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reason why gatepost cannot serve the certificates or use the TLS settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// `chain` is the path of the chain file, as the config names it.
    #[error("certificate {chain}: {fault}")]
    Certificate { chain: String, fault: CertificateFault },
    #[error("{name}: expected certificates of authorities in PEM, found {found}; {REMEDY_OF_CA}")]
    ClientCa { name: String, found: String },
    #[error(
        "expected usable certificates and keys for TLS, found an error: {0}; replace the files"
    )]
    Rustls(#[from] rustls::Error),
}

const REMEDY_OF_CA: &str = "set `client_ca` to the path of a PEM file";

/// Loaded certificates and TLS settings.
pub(crate) struct LoadedTls {
    settings: Arc<TlsSettings>,
    certificates: Vec<Arc<Certificate>>,
    callbacks: TlsAcceptor,
    admin: TlsAcceptor,
}

impl LoadedTls {
    /// Parses the certificates and keys.
    pub(crate) fn load(settings: &Arc<TlsSettings>) -> Result<Arc<Self>, TlsError> {
        let parsed = settings.certificates.iter();
        let parsed = parsed.map(|files| Certificate::parse(files).map(Arc::new));
        let certificates: Vec<_> = parsed.collect::<Result<_, _>>()?;
        let callbacks = Arc::new(server_config(settings, &certificates)?);
        let mut admin = ServerConfig::clone(&callbacks);
        // The admin listener serves only HTTP/1.1.
        admin.alpn_protocols = vec![PROTOCOLS[1].into()];
        Ok(Arc::new(Self {
            settings: Arc::clone(settings),
            certificates,
            callbacks: callbacks.into(),
            admin: Arc::new(admin).into(),
        }))
    }

    /// Returns a fault for each certificate, key and file of authorities that the proxy cannot use.
    pub(crate) fn faults(settings: &Arc<TlsSettings>) -> Vec<Fault> {
        let certificates = settings.certificates.iter().filter_map(Certificate::fault);
        let client_ca = settings.client_ca.iter().filter_map(|file| {
            let error = client_verifier(file).err()?;
            Some(located(&file.place, FaultKind::ValueInvalid, &error.to_string()))
        });
        certificates.chain(client_ca).collect()
    }

    /// Returns the certificates, in the order of the config.
    pub(crate) fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }
}

fn server_config(
    settings: &TlsSettings,
    certificates: &[Arc<Certificate>],
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions(settings.min_version))?;
    let builder = match &settings.client_ca {
        Some(authorities) => builder.with_client_cert_verifier(client_verifier(authorities)?),
        None => builder.with_no_client_auth(),
    };
    let resolver = Arc::new(CertificatesByName::new(certificates));
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = PROTOCOLS.map(Vec::from).into();
    // Each `ServerConfig` has its own ticket keys, so a ticket from before a change of `client_ca`
    // is invalid. With tickets, gatepost stores no sessions.
    config.ticketer = Ticketer::new()?;
    Ok(config)
}

/// Versions for `min_version = "1.3"`.
static ONLY_TLS_13: [&SupportedProtocolVersion; 1] = [&TLS13];

const fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::Tls12 => DEFAULT_VERSIONS,
        TlsVersion::Tls13 => &ONLY_TLS_13,
    }
}

fn client_verifier(file: &PemFile) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let wrong = |found: String| TlsError::ClientCa { name: file.name.display().to_string(), found };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&file.content) {
        let certificate = certificate.map_err(|_| wrong("damaged PEM".into()))?;
        roots.add(certificate).map_err(|_| wrong("invalid contents".into()))?;
    }
    if roots.is_empty() {
        return Err(wrong("none".into()));
    }
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| wrong(error.to_string()))
}

/// The served certificates and TLS settings. A reload replaces them; open connections and
/// handshakes keep the earlier certificates and settings.
#[derive(Default)]
pub(crate) struct ServedTls(ArcSwapOption<LoadedTls>);

impl ServedTls {
    /// Loads the certificates and TLS settings of a config. If the settings have not changed,
    /// returns the served value, so that sessions can resume.
    ///
    /// # Errors
    ///
    /// Returns an error if a certificate, a key or a setting is unusable.
    pub(crate) fn load(
        &self,
        settings: Option<&Arc<TlsSettings>>,
    ) -> Result<Option<Arc<LoadedTls>>, TlsError> {
        let served = self.0.load_full();
        match (settings, served) {
            (None, _) => Ok(None),
            (Some(settings), Some(served)) if served.settings == *settings => Ok(Some(served)),
            (Some(settings), _) => LoadedTls::load(settings).map(Some),
        }
    }

    /// Uses `loaded` for all later connections. If gatepost does not serve `loaded` yet, logs its
    /// certificates.
    pub(crate) fn replace(&self, loaded: Option<&Arc<LoadedTls>>) {
        let served = self.0.swap(loaded.cloned());
        let all = loaded.iter().flat_map(|loaded| &loaded.certificates);
        METRICS.tls.serve(all.clone().map(|certificate| (&*certificate.label, certificate.end())));
        if served.as_ref().zip(loaded).is_some_and(|(served, loaded)| Arc::ptr_eq(served, loaded)) {
            return;
        }
        for certificate in all {
            let (names, end) = (certificate.names(), certificate.end_date());
            tracing::info!(names, end, "serving a certificate");
            if let Some(fault) = certificate.warning(clock::now()) {
                let (code, problem) = (fault.kind().as_str(), fault.problem());
                tracing::warn!(code, "{problem}; {}", fault.remedy());
            }
        }
    }

    pub(crate) fn loaded(&self) -> Result<Arc<LoadedTls>, HandshakeError> {
        self.0.load_full().ok_or(HandshakeError::NoCertificate)
    }
}
