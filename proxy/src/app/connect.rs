//! New connections to servers: TCP, TLS over TCP, or a Unix socket.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use gatepost::Server;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use tokio::net::{TcpStream, UnixStream};
use tower_service::Service as _;

use super::connection_pool::BoxError;

/// Error: no connection to the server. The server has received no byte of a request.
#[derive(Debug, thiserror::Error)]
#[error("no connection")]
pub(crate) struct NotConnected(#[source] BoxError);

/// Opens a connection to a server.
///
/// # Errors
///
/// Returns [`NotConnected`].
pub(crate) async fn connect(server: &Server) -> Result<AppStream, NotConnected> {
    let opened = match server.socket() {
        Some(path) => UnixStream::connect(path).await.map(AppStream::unix).map_err(BoxError::from),
        None => connect_tcp(server).await,
    };
    opened.map_err(NotConnected)
}

async fn connect_tcp(server: &Server) -> Result<AppStream, BoxError> {
    let scheme = if server.is_https() { "https" } else { "http" };
    let parts = Uri::builder().scheme(scheme).authority(server.authority().clone());
    let mut connector = CONNECTOR.clone();
    poll_fn(|context| connector.poll_ready(context)).await?;
    Ok(AppStream::Tcp(connector.call(parts.path_and_query("/").build()?).await?))
}

/// A connection to a server.
pub(crate) enum AppStream {
    Tcp(MaybeHttpsStream<TokioIo<TcpStream>>),
    Unix(TokioIo<UnixStream>),
}

impl AppStream {
    fn unix(stream: UnixStream) -> Self {
        Self::Unix(TokioIo::new(stream))
    }
}

impl Read for AppStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for AppStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }
}

/// Loads the certificate authorities for `https` addresses, so that no callback waits for this.
pub(crate) fn load_root_certificates() {
    LazyLock::force(&CONNECTOR);
}

type Connector = HttpsConnector<HttpConnector>;

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    HttpsConnectorBuilder::new()
        .with_tls_config(tls())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp)
});

/// Creates a TLS config with the certificate authorities of the machine. If the machine has no
/// certificate authorities, each request to an `https` address fails.
fn tls() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_builder().with_root_certificates(roots).with_no_client_auth()
}

#[expect(
    clippy::expect_used,
    reason = "rustls guarantees that the ring provider supports the default versions"
)]
fn tls_builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    // Select ring explicitly, because the program may install another default.
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("expected ring to support TLS 1.2 and 1.3")
}
