//! Certificates for the load over TLS, and clients that trust them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Name in each certificate.
pub const NAME: &str = "gate.example.com";

/// Tables of the config for the certificate in the folder `tls`.
pub const TABLES: &str =
    "[[certificate]]\nchain = 'tls/chain.pem'\nkey = { file = 'tls/key.pem' }\n";

/// A certificate authority.
pub struct Authority {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// Issues a certificate into the new folder `tls-NUMBER`, and points the link `tls` to this
    /// folder, as Kubernetes does. The new folder and the link are in `folder`.
    pub fn swap(&self, folder: &Path, number: u32) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let version = folder.join(format!("tls-{number}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("chain.pem"), certificate.pem()).unwrap();
        fs::write(version.join("key.pem"), key.serialize_pem()).unwrap();
        let next = folder.join("tls-next");
        symlink(version, &next).unwrap();
        fs::rename(next, folder.join("tls")).unwrap();
    }

    /// Returns the settings of a client that trusts the certificates, and resumes no session.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    }
}
