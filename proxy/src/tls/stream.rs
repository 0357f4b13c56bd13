//! A client's connection with TLS, as a stream for Pingora.
//!
//! Pingora's own TLS stream hides the reason for a failed handshake, and cannot put bytes back
//! after it has read them. Pingora's stream also cannot store the digest of an HTTP/2 connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::server::TlsStream as RustlsStream;

/// A connection after the TLS handshake.
#[derive(Debug)]
pub(crate) struct TlsStream {
    stream: RustlsStream<TcpStream>,
    /// Bytes that the next reads return first.
    ahead: BytesMut,
    digest: Arc<SslDigest>,
    proxy_digest: Option<Arc<ProxyDigest>>,
}

impl TlsStream {
    pub(super) fn new(stream: RustlsStream<TcpStream>) -> Self {
        let connection = stream.get_ref().1;
        let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let version = connection.protocol_version().and_then(|version| version.as_str());
        let (suite, version) = (suite.unwrap_or_default(), version.unwrap_or_default());
        let digest = Arc::new(SslDigest::new(suite, version, None, None, Vec::new()));
        Self { stream, ahead: BytesMut::new(), digest, proxy_digest: None }
    }

    /// Returns the version of TLS, such as `TLSv1_3`.
    pub(super) fn version(&self) -> &str {
        &self.digest.version
    }

    /// Puts bytes back, so that the next reads return them first.
    pub(crate) fn rewind(&mut self, bytes: BytesMut) {
        self.ahead = bytes;
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let taken = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..taken]);
        self.ahead.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Shutdown for TlsStream {
    async fn shutdown(&mut self) {
        if let Err(error) = self.stream.shutdown().await {
            tracing::debug!("the client closed the connection first: {error}");
        }
    }
}

impl UniqueID for TlsStream {
    fn id(&self) -> UniqueIDType {
        self.stream.get_ref().0.id()
    }
}

impl Ssl for TlsStream {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        Some(Arc::clone(&self.digest))
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        let protocol = self.stream.get_ref().1.alpn_protocol()?;
        Some(if protocol == b"h2" { ALPN::H2 } else { ALPN::H1 })
    }
}

impl GetTimingDigest for TlsStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_ref().0.get_timing_digest()
    }
}

impl GetProxyDigest for TlsStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.proxy_digest.clone()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.proxy_digest = Some(Arc::new(digest));
    }
}

impl GetSocketDigest for TlsStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_ref().0.get_socket_digest()
    }
}

impl Peek for TlsStream {}
