//! The TLS handshake of a connection.

use std::time::Duration;

use pingora::protocols::Stream;
use pingora::protocols::l4::stream::Stream as TcpStream;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::{ServedTls, TlsStream};
use crate::telemetry::metrics::{CloseCode, METRICS};

/// Time limit of a handshake. Pingora's own limit is always 60 seconds.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// First byte of a connection with TLS: the type of a record with a handshake message.
pub(crate) const HANDSHAKE_RECORD: u8 = 0x16;

/// Reason why a connection ends before its first request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// The client has sent no byte, as health checks of load balancers do.
    #[error("expected a TLS handshake, found a disconnected client; check the client")]
    NoBytes,
    #[error(
        "expected a TLS handshake within {} s, found none; check the client and the network",
        HANDSHAKE_TIMEOUT.as_secs()
    )]
    Slow,
    #[error("expected a complete TLS handshake, found a disconnected client; check the client")]
    Disconnected,
    /// The client has sent plain HTTP. gatepost has already read the first byte of the stream.
    #[error("expected TLS, found plain HTTP; send such requests to `listen`, or use https://")]
    PlainHttp(Box<TcpStream>),
    #[error("expected TLS, found other bytes; use https:// in the client")]
    NoTls,
    #[error(
        "expected a version of TLS that `min_version` permits, found older ones; update the client"
    )]
    Version,
    #[error(
        "expected a client certificate of an authority in `client_ca`, found {0}; give the client \
         such a certificate"
    )]
    ClientCertificate(&'static str),
    #[error(
        "expected a client that accepts the certificate, found {0}; check the names and the chain of \
         the certificate"
    )]
    NotAccepted(&'static str),
    #[error("expected a valid TLS handshake, found {0}; check the client")]
    Failed(&'static str),
    #[error("expected a loaded certificate, found none; add [[certificate]] to the config")]
    NoCertificate,
}

impl HandshakeError {
    /// Returns the code; `None` for an error that gatepost does not report.
    pub(crate) const fn code(&self) -> Option<CloseCode> {
        match self {
            Self::NoBytes => None,
            Self::Slow => Some(CloseCode::TlsHandshakeSlow),
            Self::PlainHttp(_) | Self::NoTls => Some(CloseCode::TlsExpected),
            Self::Version => Some(CloseCode::TlsVersionRefused),
            Self::ClientCertificate(_) => Some(CloseCode::TlsClientCertificateRefused),
            Self::NotAccepted(_) => Some(CloseCode::TlsCertificateNotAccepted),
            Self::Disconnected | Self::Failed(_) | Self::NoCertificate => {
                Some(CloseCode::TlsHandshakeFailed)
            }
        }
    }
}

impl ServedTls {
    /// Performs the handshake of a connection to `listen_tls`.
    pub(crate) async fn accept_callbacks(&self, stream: Stream) -> Result<Stream, HandshakeError> {
        accept(stream, &self.loaded()?.callbacks).await
    }

    /// Performs the handshake of a connection to the admin listener.
    pub(crate) async fn accept_admin(&self, stream: Stream) -> Result<Stream, HandshakeError> {
        accept(stream, &self.loaded()?.admin).await
    }
}

async fn accept(stream: Stream, acceptor: &TlsAcceptor) -> Result<Stream, HandshakeError> {
    let tcp = stream.into_any().downcast::<TcpStream>();
    let tcp = tcp.map_err(|_| HandshakeError::NoTls)?;
    let shaken = timeout(HANDSHAKE_TIMEOUT, shake_hands(tcp, acceptor)).await;
    let stream = shaken.map_err(|_| HandshakeError::Slow)??;
    METRICS.tls.handshake(stream.version());
    Ok(Box::new(stream))
}

async fn shake_hands(
    mut tcp: Box<TcpStream>,
    acceptor: &TlsAcceptor,
) -> Result<TlsStream, HandshakeError> {
    let mut first = [0];
    match tcp.read(&mut first).await {
        Ok(1..) => {}
        Ok(0) | Err(_) => return Err(HandshakeError::NoBytes),
    }
    match first[0] {
        HANDSHAKE_RECORD => tcp.rewind(&first),
        b'A'..=b'Z' => return Err(HandshakeError::PlainHttp(tcp)),
        _ => return Err(HandshakeError::NoTls),
    }
    match acceptor.accept(*tcp).await {
        Ok(stream) => Ok(TlsStream::new(stream)),
        Err(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(error) => Err(reason(error)),
            None => Err(HandshakeError::Disconnected),
        },
    }
}

fn reason(error: &rustls::Error) -> HandshakeError {
    if is_about_version(error) {
        return HandshakeError::Version;
    }
    if let rustls::Error::InvalidCertificate(why) = error {
        return HandshakeError::ClientCertificate(fault_of_client(why));
    }
    if let rustls::Error::NoCertificatesPresented = error {
        return HandshakeError::ClientCertificate("none");
    }
    if let rustls::Error::AlertReceived(why) = error
        && let Some(client) = refusing_client(*why)
    {
        return HandshakeError::NotAccepted(client);
    }
    if let rustls::Error::PeerIncompatible(_) = error {
        return HandshakeError::Failed("no common cipher or key exchange");
    }
    let is_alert = matches!(error, rustls::Error::AlertReceived(_));
    HandshakeError::Failed(if is_alert { "an alert of the client" } else { "a malformed message" })
}

const fn is_about_version(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::PeerIncompatible(
            // Only clients older than TLS 1.2 omit this extension. rustls checks the extension
            // before the version.
            PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired,
        )
    )
}

/// Returns the fault of a client certificate as a noun. rustls describes a fault only by
/// the names of its own types.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other faults have one remedy")]
const fn fault_of_client(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::UnknownIssuer => "one of an unknown authority",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "an expired one",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "one for a later time"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "one without the purpose clientAuth"
        }
        _ => "a faulty one",
    }
}

/// Describes a client that refuses the certificate; `None` for an alert about another fault.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other alerts are about other faults")]
const fn refusing_client(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::CertificateExpired => "a client for which the certificate has expired",
        AlertDescription::UnknownCA => "a client that does not know the certificate's authority",
        AlertDescription::UnsupportedCertificate => {
            "a client that does not support the certificate"
        }
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "a client that refuses the certificate"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream as ClientStream};
    use tokio::time::Instant;

    use super::super::certificate::tests::{issue, settings};
    use super::*;

    /// Accepts a connection on which the client has sent `bytes`.
    async fn accepted(bytes: &[u8]) -> (Result<Stream, HandshakeError>, ClientStream) {
        let issued = issue("gate.example.com", None);
        let settings = settings(&[(&issued.pem, &issued.key.serialize_pem())]);
        let served = ServedTls::default();
        served.replace(served.load(Some(&settings)).unwrap().as_ref());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = ClientStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(bytes).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (served.accept_callbacks(Box::new(TcpStream::from(server))).await, client)
    }

    #[tokio::test(start_paused = true)]
    async fn closes_connection_whose_handshake_takes_longer_than_limit() {
        for bytes in [&b""[..], &[HANDSHAKE_RECORD], &[HANDSHAKE_RECORD, 3, 1, 1, 0, 1]] {
            let started = Instant::now();
            let (result, _client) = accepted(bytes).await;
            assert!(matches!(result, Err(HandshakeError::Slow)));
            assert_eq!(started.elapsed().as_secs(), HANDSHAKE_TIMEOUT.as_secs());
        }
    }

    #[tokio::test]
    async fn names_reason_of_a_failed_handshake() {
        // A TLS 1.0 hello without extensions.
        let hello =
            [&[0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]];
        for (bytes, expected) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), CloseCode::TlsExpected),
            (b"\0\0\0".to_vec(), CloseCode::TlsExpected),
            (hello.concat(), CloseCode::TlsVersionRefused),
            (vec![HANDSHAKE_RECORD, 3, 1, 0, 4, 9, 0, 0, 0], CloseCode::TlsHandshakeFailed),
        ] {
            let (result, _client) = accepted(&bytes).await;
            let Err(error) = result else { panic!("expected an error, found a connection") };
            assert_eq!(error.code(), Some(expected), "{error}");
        }
    }
}
