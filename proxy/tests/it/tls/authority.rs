//! A certificate authority for the tests, and clients that trust it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::support::*;

pub type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

/// A certificate authority.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate chain, and the key of its first certificate, both in PEM.
pub struct Issued {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    pub fn issue_with(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Issued {
        let names: Vec<_> = names.iter().copied().map(String::from).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test Server");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { chain: certificate.pem() + &self.pem, key: key.serialize_pem() }
    }

    /// Returns the settings of a client that trusts this authority.
    pub fn client(&self) -> ClientSettings {
        ClientSettings {
            authority: self.pem.clone(),
            versions: rustls::ALL_VERSIONS.to_vec(),
            certificate: None,
            alpn: "http/1.1",
        }
    }
}

impl Issued {
    /// Writes `fullchain.pem` and `privkey.pem` to a folder.
    pub fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("fullchain.pem"), &self.chain).unwrap();
        fs::write(folder.join("privkey.pem"), &self.key).unwrap();
    }

    pub fn first(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }
}

pub struct ClientSettings {
    authority: String,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    pub certificate: Option<Issued>,
    pub alpn: &'static str,
}

impl ClientSettings {
    fn config(&self) -> ClientConfig {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_webpki_verifier(verifier.build().unwrap());
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![own.first()], key).unwrap()
            }
        };
        config.alpn_protocols = vec![self.alpn.into()];
        config
    }

    /// Performs the TLS handshake on a connection.
    pub fn handshake(&self, stream: TcpStream, name: &str) -> std::io::Result<TlsClient> {
        let name = name.to_owned().try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(self.config()), name).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Client::new(stream))
    }

    pub fn connect(&self, port: u16, name: &str) -> std::io::Result<TlsClient> {
        self.handshake(connect(port), name)
    }
}

/// Returns the certificate that the server has presented.
pub fn presented(client: &TlsClient) -> CertificateDer<'static> {
    client.stream().conn.peer_certificates().unwrap()[0].clone().into_owned()
}
