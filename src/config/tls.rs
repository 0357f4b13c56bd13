//! The tables `[[certificate]]` and `[tls]`. The core reads the files. The proxy parses the
//! certificates.

use std::sync::Arc;

use super::ConfigReader;
use super::error::unreadable_file;
use crate::pem::{PemFile, PrivateKeyPem};
use crate::secret::Secret;
use crate::toml_reader::{Form, Item, Located, Table};

/// Start of each object in a PEM file.
const PEM_BEGIN: &[u8] = b"-----BEGIN ";

/// Certificates and settings of the proxy's TLS listeners.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// Certificates, in the order of the file. The first certificate is the default.
    pub certificates: Vec<CertificateFiles>,
    /// Lowest TLS version that the proxy accepts.
    pub min_version: TlsVersion,
    /// Authorities of the client certificates that the proxy requires; `None` if the proxy requires
    /// no client certificate.
    pub client_ca: Option<PemFile>,
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    Tls12,
    /// TLS 1.3, RFC 8446.
    Tls13,
}

/// A certificate with its chain and its private key, as PEM.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CertificateFiles {
    /// The server's certificate, followed by the certificates of its issuers.
    pub chain: PemFile,
    /// The private key of the first certificate in the chain.
    pub key: PrivateKeyPem,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the certificates and the TLS settings. Returns `None` if the config has no certificate
    /// or a faulty certificate. `listener` is the config key of an address that needs a
    /// certificate.
    pub(super) fn tls_settings(
        &self,
        table: &Table<'f>,
        listener: Option<&str>,
    ) -> Option<Arc<TlsSettings>> {
        let tables = table.tables("certificate");
        let certificates: Vec<_> = tables.iter().map(|table| self.certificate(table)).collect();
        let rules = table.table("tls");
        let (min_version, client_ca) =
            rules.as_ref().map_or((None, None), |rules| self.rules(rules));
        match (listener, tables.first()) {
            (Some(key), None) => {
                let remedy = "add [[certificate]] with `chain` and `key`";
                let problem = "expected a certificate for TLS, found none";
                self.faults.add(&table.place_of(key), problem, remedy);
            }
            (None, Some(unused)) => self.warn_of_no_listener(unused),
            (None, None) => rules.iter().for_each(|rules| self.warn_of_no_listener(rules)),
            (Some(_), Some(_)) => {}
        }
        let certificates: Vec<_> = certificates.into_iter().collect::<Option<_>>()?;
        let min_version = min_version.unwrap_or(TlsVersion::Tls12);
        let settings = TlsSettings { certificates, min_version, client_ca };
        (!settings.certificates.is_empty()).then(|| Arc::new(settings))
    }

    fn warn_of_no_listener(&self, table: &Table<'f>) {
        let remedy = "add listen_tls = [\"0.0.0.0:8443\"], or remove the table";
        let problem = "expected `listen_tls` beside this table, found none";
        self.warnings.add(&table.place, problem, remedy);
    }

    fn rules(&self, table: &Table<'f>) -> (Option<TlsVersion>, Option<PemFile>) {
        const VERSIONS: [(&str, TlsVersion); 2] =
            [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)];
        let version = table.string("min_version");
        let version = version.and_then(|word| self.word(&word, "TLS version", &VERSIONS));
        let client_ca = table.string("client_ca").and_then(|path| self.pem_file(&path));
        table.finish();
        (version, client_ca)
    }

    fn certificate(&self, table: &Table<'f>) -> Option<CertificateFiles> {
        let chain = table.require_string("chain", "add chain = \"fullchain.pem\"");
        let chain = chain.and_then(|path| self.pem_file(&path));
        let key = table.any("key");
        if key.is_none() {
            let remedy = "add key = { file = \"privkey.pem\" }";
            self.faults.add(&table.place, "expected `key`, found none", remedy);
        }
        let key = key.and_then(|item| self.private_key(&item));
        table.finish();
        Some(CertificateFiles { chain: chain?, key: key? })
    }

    fn pem_file(&self, path: &Located<&'f str>) -> Option<PemFile> {
        match self.certificates(path) {
            Ok(content) => Some(self.pem(path, &content)),
            Err(error) => {
                self.faults.add(
                    &path.place,
                    unreadable_file(&error),
                    "write the path of a readable PEM file",
                );
                None
            }
        }
    }

    /// Creates a PEM file from its content and its path in the config.
    pub(super) fn pem(&self, path: &Located<&'f str>, content: &[u8]) -> PemFile {
        let place = self.faults.config_place(&path.place);
        PemFile { name: path.value.into(), content: content.into(), place }
    }

    /// Creates a private key from its text and its source in the config.
    pub(super) fn key_pem(&self, item: &Item<'f>, key: Secret) -> PrivateKeyPem {
        PrivateKeyPem::new(key, self.faults.config_place(&item.place))
    }

    /// Reads a private key. Reports a string that is not PEM, because the operator may have written
    /// a path without `file`.
    fn private_key(&self, item: &Item<'f>) -> Option<PrivateKeyPem> {
        if let Form::String(text) = &item.form
            && !text.as_bytes().starts_with(PEM_BEGIN)
        {
            let problem = "expected a source of the private key, found a string";
            let remedy = "write { file = \"privkey.pem\" } or { env = \"NAME\" }";
            self.faults.add(&item.place, problem, remedy);
            return None;
        }
        self.secret(item).map(|key| self.key_pem(item, key))
    }
}

/// Returns the path of a Unix socket, written as `unix:/path`.
pub(super) fn unix_path(text: &str) -> Option<&str> {
    text.strip_prefix("unix:").filter(|path| !path.is_empty())
}
