//! TLS for connections to servers, as configured in `[[outgoing_tls]]`.
//!
//! gatepost's client for apps and Pingora's client use the same files. gatepost builds the TLS
//! config of a server at the first connection. A reload reads the files again, so later connections
//! use the new files.

use std::error::Error;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use gatepost::{Config, OutgoingTls};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, RootCertStore};
use rustls::{WantsVerifier, pki_types};
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

/// Checks the TLS files of a config.
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
/// connection to an `https` address fails.
static DEFAULT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    Arc::new(builder().with_root_certificates(machine_roots()).with_no_client_auth())
});

/// Loads the certificate authorities for `https` addresses in advance, so that no callback waits.
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
        roots.add(certificate).map_err(|error| TlsFault::Authority(error.to_string()))?;
    }
    let roots = if tls.ca().is_some() { roots } else { machine_roots() };
    let builder = builder().with_root_certificates(roots);
    match identity(tls)? {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|error| TlsFault::Key(error.to_string()))
        }
    }
}

fn authorities(tls: &OutgoingTls) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    tls.ca().map_or(Ok(Vec::new()), |pem| certificates(pem).map_err(TlsFault::Authority))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Returns the client certificate with its chain, and its key; `None` if the config names none.
fn identity(tls: &OutgoingTls) -> Result<Option<Identity>, TlsFault> {
    let Some((pem, key)) = tls.certificate().zip(tls.expose_key()) else { return Ok(None) };
    let chain = certificates(pem).map_err(TlsFault::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key.map_err(|error| TlsFault::Key(pem_fault(&error)))?;
    Ok(Some((chain, key)))
}

/// Parses one or more certificates, and checks the contents of each. Pingora panics at a
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

/// The files of `[[outgoing_tls]]`, in the form that Pingora's client needs.
#[derive(Default)]
pub(crate) struct PingoraTls {
    pub(crate) ca: Option<Arc<[WrappedX509]>>,
    pub(crate) identity: Option<Arc<CertKey>>,
}

/// Converts the files for Pingora's client.
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

/// Reason for a missing answer if a server closes a new connection after the TLS handshake. With
/// TLS 1.3, the client's handshake succeeds before the server refuses the client certificate. If
/// the server then resets the connection, gatepost does not receive the alert.
pub(crate) const CLOSED_AFTER_HANDSHAKE: &str = "expected a response, found a close; if the server \
     needs a `certificate`, set it in [[outgoing_tls]]";

/// Describes a TLS error with its remedy, in fewer than 100 bytes; `None` for any other error. The
/// log would cut the remedy off a longer text.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<&'static str> {
    describe(tls_error(error)?)
}

/// Describes an error of Pingora's client, as [`explain`] does. Pingora keeps only the text of a
/// handshake error.
pub(crate) fn explain_pingora(error: &pingora::Error) -> Option<&'static str> {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    let text = || {
        let text = error.to_string();
        let texts = [
            ("UnknownIssuer", InvalidCertificate(CertificateError::UnknownIssuer)),
            ("certificate expired", InvalidCertificate(CertificateError::Expired)),
            ("not valid yet", InvalidCertificate(CertificateError::NotValidYet)),
            ("not valid for name", InvalidCertificate(CertificateError::NotValidForName)),
            ("CertificateRequired", AlertReceived(AlertDescription::CertificateRequired)),
            ("BadCertificate", AlertReceived(AlertDescription::BadCertificate)),
            ("UnknownCA", AlertReceived(AlertDescription::UnknownCA)),
            ("corrupt message", InvalidMessage(rustls::InvalidMessage::InvalidContentType)),
        ];
        let found = texts.iter().find(|(needle, _)| text.contains(needle));
        found.and_then(|(_, error)| describe(error))
    };
    explain(error.root_cause()).or_else(text)
}

/// Returns the innermost TLS error. Looks inside each `io::Error`, because its `source` skips
/// the inner error.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(found);
        }
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[expect(clippy::wildcard_enum_match_arm, reason = "gatepost has no remedy for any other error")]
fn describe(error: &rustls::Error) -> Option<&'static str> {
    use CertificateError as Fault;
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    Some(match error {
        InvalidCertificate(Fault::UnknownIssuer) => {
            "expected a trusted certificate, found an unknown authority; set `ca` in [[outgoing_tls]]"
        }
        InvalidCertificate(Fault::Expired | Fault::ExpiredContext { .. }) => {
            "expected a valid certificate, found an expired one; renew it on the server"
        }
        InvalidCertificate(Fault::NotValidYet | Fault::NotValidYetContext { .. }) => {
            "expected a valid certificate, found one for a later time; check the clocks"
        }
        InvalidCertificate(Fault::NotValidForName | Fault::NotValidForNameContext { .. }) => {
            "expected a certificate for the host, found other names; set `server_name` in [[outgoing_tls]]"
        }
        AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired,
        ) => {
            "expected a client certificate, found none or a refused one; set `certificate` in \
             [[outgoing_tls]]"
        }
        InvalidMessage(_) => "expected TLS, found other bytes; write http:// in the address",
        _ => return None,
    })
}
