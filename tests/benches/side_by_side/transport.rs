//! Connections of the load: plain, or over TLS.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use mio::net::TcpStream;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Name in the certificate of the peers.
const NAME: &str = "gate.test";

/// Writes an ECDSA P-256 certificate (`chain.pem`) and its key (`key.pem`) for the peers. Returns
/// the settings of a client that trusts this certificate. The client uses TLS 1.3 and resumes no
/// session, so that every connection costs a full handshake.
///
/// # Errors
/// Returns an error if the folder is not writable.
pub(super) fn issue_certificate(folder: &Path) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([NAME.to_owned()])?.self_signed(&key)?;
    fs::write(folder.join("chain.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// A nonblocking connection that reads and writes plaintext.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

/// A TCP connection and the TLS session on it. The first write starts the handshake.
#[derive(Debug)]
pub(super) struct Tls {
    stream: TcpStream,
    session: ClientConnection,
}

impl Transport {
    /// Wraps a connection. With `tls`, the connection uses TLS.
    ///
    /// # Errors
    /// Returns an error if rustls cannot create a client with these settings.
    pub(super) fn new(stream: TcpStream, tls: Option<&Arc<ClientConfig>>) -> io::Result<Self> {
        let Some(config) = tls else { return Ok(Self::Plain(stream)) };
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(Tls { stream, session })))
    }
}

impl Tls {
    /// Reads all records that have arrived. The poll reports a socket again only after a read has
    /// returned `WouldBlock`.
    fn receive(&mut self) -> io::Result<()> {
        loop {
            match self.session.read_tls(&mut self.stream) {
                Ok(0) => return Ok(()),
                Ok(_) => self.session.process_new_packets().map_err(io::Error::other)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => {
                tls.receive()?;
                tls.send()?;
                match tls.session.reader().read(buffer) {
                    // The server closed the connection without an alert.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                    result => result,
                }
            }
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => {
                let written = tls.session.writer().write(bytes)?;
                tls.send()?;
                Ok(written)
            }
        }
    }

    /// Sends the records that are ready, until a write returns `WouldBlock`.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.send(),
        }
    }
}
