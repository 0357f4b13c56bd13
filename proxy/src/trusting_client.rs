//! An HTTP client that trusts the certificate authorities of the machine, and those in the file of
//! `--cacert`.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::app::tls_fault::explain_for_command;

/// Reason why gatepost cannot create a [`TrustingClient`].
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub(crate) struct TrustError {
    pub(crate) file: String,
    pub(crate) problem: String,
}

impl TrustError {
    fn new(file: String, problem: impl Into<String>) -> Self {
        Self { file, problem: problem.into() }
    }
}

/// HTTP client with additional certificate authorities.
pub(crate) struct TrustingClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl TrustingClient {
    /// Creates a client that trusts the certificate authorities of the machine, and those in the
    /// PEM file at `path`.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, TrustError> {
        let named = || path.map(|path| path.display().to_string()).unwrap_or_default();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = path {
            add_authorities(&mut roots, path)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| {
            let problem =
                format!("expected a TLS client, found an error: {error}; report the fault");
            TrustError::new(named(), problem)
        })?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request, and reads the whole response, whose body may have at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// Returns the text of the innermost cause; for a TLS error, a text with a remedy.
    pub(crate) async fn fetch(
        &self,
        request: Request<Full<Bytes>>,
        max_bytes: usize,
    ) -> Result<(response::Parts, Bytes), String> {
        let reply = self.0.request(request).await.map_err(|error| {
            if let Some(explained) = explain_for_command(&error) {
                return explained;
            }
            let mut cause = error.source();
            while let Some(deeper) = cause.and_then(|cause| cause.source()) {
                cause = Some(deeper);
            }
            cause.map_or_else(|| error.to_string(), ToString::to_string)
        })?;
        let (parts, body) = reply.into_parts();
        let body = Limited::new(body, max_bytes).collect().await;
        Ok((parts, body.map_err(|error| error.to_string())?.to_bytes()))
    }
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let named = || path.display().to_string();
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let own = read.map_err(|error| {
        let problem =
            format!("expected certificates in PEM, found an error: {error}; check the file");
        TrustError::new(named(), problem)
    })?;
    let (added, _) = roots.add_parsable_certificates(own);
    if added == 0 {
        let problem =
            "expected certificates in PEM, found none; write the path of a file with certificates";
        return Err(TrustError::new(named(), problem));
    }
    Ok(())
}
