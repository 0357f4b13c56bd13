//! TLS for connections to servers, as configured in `[[outgoing_tls]]`.
//!
//! gatepost's connections to apps and Pingora's connections to upstreams use the same files.
//! gatepost builds the TLS config of a server at the first connection. A reload reads the files
//! again, so later connections use the new files.

use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use gatepost::{Config, ConfigPlace, Fault, FaultKind, OutgoingTls, PemFile, PrivateKeyPem};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ClientConfig, ConfigBuilder, InconsistentKeys, RootCertStore, WantsVerifier, pki_types,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

const REPLACE: &str = "replace the file";

/// Fault in a file of `[[outgoing_tls]]`, with its place in the config.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}; {}", .0.key(), .0.problem(), .0.remedy())]
pub(crate) struct TlsFault(Box<Fault>);

impl TlsFault {
    fn authority(file: &PemFile, found: &str) -> Self {
        let wanted = format!("certificates of authorities in {}", file.name.display());
        Self::new(&file.place, FaultKind::ValueInvalid, &wanted, found)
    }

    fn certificate(file: &PemFile, found: &str) -> Self {
        let wanted = format!("a certificate in {}", file.name.display());
        Self::new(&file.place, FaultKind::ValueInvalid, &wanted, found)
    }

    fn key(key: &PrivateKeyPem, found: &str) -> Self {
        let wanted = "the private key of the certificate";
        Self::new(key.place(), FaultKind::SecretInvalid, wanted, found)
    }

    fn new(place: &ConfigPlace, kind: FaultKind, wanted: &str, found: &str) -> Self {
        let problem = format!("expected {wanted}, found {found}");
        Self(Box::new(place.fault(kind, problem, REPLACE)))
    }
}

/// Returns the first fault of each `[[outgoing_tls]]` with an unusable file.
pub(crate) fn faults(config: &Config) -> Vec<Fault> {
    let faults = config.outgoing_tls().filter_map(|tls| build(tls).err());
    faults.map(|TlsFault(fault)| *fault).collect()
}

/// Returns the TLS config for a server.
///
/// # Errors
///
/// Returns an error if a file has a fault. [`faults`] reports the fault at start and at a reload.
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
    if let Some(file) = tls.ca() {
        for certificate in authorities(file)? {
            let added = roots.add(certificate);
            added.map_err(|_| TlsFault::authority(file, "invalid contents"))?;
        }
    } else {
        roots = machine_roots();
    }
    let builder = builder().with_root_certificates(roots);
    let Some((file, key)) = tls.identity() else { return Ok(builder.with_no_client_auth()) };
    let (chain, der) = identity(file, key)?;
    let built = builder.with_client_auth_cert(chain, der);
    built.map_err(|error| TlsFault::key(key, key_fault(&error)))
}

fn authorities(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    certificates(&file.content).map_err(|found| TlsFault::authority(file, found))
}

/// Parses the client certificate with its chain, and its key.
fn identity(
    file: &PemFile,
    key: &PrivateKeyPem,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsFault> {
    let chain = certificates(&file.content);
    let chain = chain.map_err(|found| TlsFault::certificate(file, found))?;
    let der = PrivateKeyDer::from_pem_slice(key.expose());
    Ok((chain, der.map_err(|error| TlsFault::key(key, pem_fault(&error)))?))
}

/// Parses one or more certificates, and checks the contents of each, because Pingora panics on a
/// certificate that does not parse.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read: Vec<CertificateDer<'static>> = read.map_err(|error| pem_fault(&error))?;
    if read.is_empty() {
        return Err("none");
    }
    let is_certificate = |der: &CertificateDer<'_>| X509Certificate::from_der(der).is_ok();
    if read.iter().all(is_certificate) { Ok(read) } else { Err("invalid contents") }
}

/// Describes invalid PEM without its text, which may contain a key.
const fn pem_fault(error: &pki_types::pem::Error) -> &'static str {
    let is_absent = matches!(error, pki_types::pem::Error::NoItemsFound);
    if is_absent { "none" } else { "invalid PEM" }
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
    let ca = tls.ca().map(authorities).transpose()?;
    let ca = ca.map(|ca| ca.into_iter().map(wrapped).collect());
    let identity = tls.identity().map(|(file, key)| identity(file, key)).transpose()?;
    let identity = identity.map(|(chain, key)| {
        let chain = chain.iter().map(|der| der.to_vec()).collect();
        Arc::new(CertKey::new(chain, key.secret_der().to_vec()))
    });
    Ok(PingoraTls { ca, identity })
}
