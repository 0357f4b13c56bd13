//! TLS for connections to servers, as configured in `[[outgoing_tls]]`.
//!
//! gatepost's connections to apps and Pingora's connections to upstreams use the same files.
//! gatepost builds the TLS config of a server at the first connection. A reload reads the files
//! again, so later connections use the new files.

use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use gatepost::{Config, OutgoingTls};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ClientConfig, ConfigBuilder, InconsistentKeys, RootCertStore, WantsVerifier, pki_types,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Fault in a file of `[[outgoing_tls]]`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("outgoing_tls.ca: expected certificates of authorities, found {0}; replace the file")]
    Authority(String),
    #[error("outgoing_tls.certificate: expected a certificate, found {0}; replace the file")]
    Certificate(String),
    #[error(
        "outgoing_tls.key: expected the private key of the certificate, found {0}; replace the file"
    )]
    Key(String),
}

/// Checks the files of `[[outgoing_tls]]` in a config.
///
/// # Errors
///
/// Returns the first fault.
pub(crate) fn check(config: &Config) -> Result<(), TlsFault> {
    config.outgoing_tls().try_for_each(|tls| build(tls).map(drop))
}

/// Returns the TLS config for a server.
///
/// # Errors
///
/// Returns an error if a file has a fault. [`check`] reports the fault at start and at a reload.
pub(crate) fn client_config(tls: Option<&Arc<OutgoingTls>>) -> Result<Arc<ClientConfig>, TlsFault> {
    static BUILT: Mutex<Vec<(Weak<OutgoingTls>, Arc<ClientConfig>)>> = Mutex::new(Vec::new());
    let Some(tls) = tls else { return Ok(Arc::clone(&DEFAULT)) };
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.retain(|(tls, _)| tls.strong_count() > 0);
    let known = built.iter().find(|(own, _)| std::ptr::eq(own.as_ptr(), Arc::as_ptr(tls)));
    if let Some((_, config)) = known {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(build(tls)?);
    built.push((Arc::downgrade(tls), Arc::clone(&config)));
    Ok(config)
}

/// TLS config with the certificate authorities of the machine. If the machine has none, each
/// connection with this TLS config fails.
static DEFAULT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    Arc::new(builder().with_root_certificates(machine_roots()).with_no_client_auth())
});

/// Loads the certificate authorities for `https` addresses in advance, so that no callback waits
/// for them.
pub(crate) fn load_root_certificates() {
    LazyLock::force(&DEFAULT);
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn build(tls: &OutgoingTls) -> Result<ClientConfig, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in authorities(tls)? {
        roots.add(certificate).map_err(|_| TlsFault::Authority("invalid contents".into()))?;
    }
    let roots = if tls.ca().is_some() { roots } else { machine_roots() };
    let builder = builder().with_root_certificates(roots);
    match identity(tls)? {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|error| TlsFault::Key(key_fault(&error).into()))
        }
    }
}

fn authorities(tls: &OutgoingTls) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    tls.ca().map_or(Ok(Vec::new()), |pem| certificates(pem).map_err(TlsFault::Authority))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Returns the client certificate with its chain, and its key; `None` if the config names no client
/// certificate.
fn identity(tls: &OutgoingTls) -> Result<Option<Identity>, TlsFault> {
    let Some((pem, key)) = tls.certificate().zip(tls.expose_key()) else { return Ok(None) };
    let chain = certificates(pem).map_err(TlsFault::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|error| TlsFault::Key(pem_fault(&error)))?;
    Ok(Some((chain, key)))
}

/// Parses one or more certificates, and checks the contents of each, because Pingora panics on a
/// certificate that does not parse.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read: Vec<CertificateDer<'static>> = read.map_err(|error| pem_fault(&error))?;
    if read.is_empty() {
        return Err("none".into());
    }
    let is_certificate = |der: &CertificateDer<'_>| X509Certificate::from_der(der).is_ok();
    if read.iter().all(is_certificate) { Ok(read) } else { Err("invalid contents".into()) }
}

/// Describes invalid PEM without its text, which may contain a key.
fn pem_fault(error: &pki_types::pem::Error) -> String {
    let is_absent = matches!(error, pki_types::pem::Error::NoItemsFound);
    if is_absent { "none".into() } else { "invalid PEM".into() }
}

const fn key_fault(error: &rustls::Error) -> &'static str {
    let is_other = matches!(error, rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch));
    if is_other { "the key of another certificate" } else { "another type of key" }
}

#[expect(
    clippy::expect_used,
    reason = "rustls guarantees that the ring provider supports the default versions"
)]
fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    // Select ring explicitly, because the program may install another default.
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("expected ring to support TLS 1.2 and 1.3")
}

/// The files of `[[outgoing_tls]]`, in the form that Pingora needs.
#[derive(Default)]
pub(crate) struct PingoraTls {
    pub(crate) ca: Option<Arc<[WrappedX509]>>,
    pub(crate) identity: Option<Arc<CertKey>>,
}

/// Converts the files to the form that Pingora needs.
///
/// # Errors
///
/// Returns an error if a file has a fault.
pub(crate) fn for_pingora(tls: &OutgoingTls) -> Result<PingoraTls, TlsFault> {
    let wrapped = |der: CertificateDer<'_>| WrappedX509::new(der.to_vec(), parse_x509);
    let ca: Vec<_> = authorities(tls)?.into_iter().map(wrapped).collect();
    let identity = identity(tls)?.map(|(chain, key)| {
        let chain = chain.iter().map(|der| der.to_vec()).collect();
        Arc::new(CertKey::new(chain, key.secret_der().to_vec()))
    });
    Ok(PingoraTls { ca: (!ca.is_empty()).then(|| ca.into()), identity })
}
