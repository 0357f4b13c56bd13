//! The bytes of one request, as a stream for Pingora.
//!
//! Pingora reads beyond the end of a request, and then drops the next request of the client or
//! closes the connection. Pingora also drops the request of a client that closes its sending half.
//! A [`RequestStream`] therefore ends Pingora's reads at the end of the request:
//!
//! 1. Within the request, the stream checks the [chunks](ChunkedBody), and passes the bytes to
//!    Pingora.
//! 2. After the request, the stream keeps the bytes that arrive for the next request.
//! 3. If the client closes its sending half, the stream waits for the response. It waits at most
//!    [`HALF_CLOSED_TIMEOUT`] for each byte of the response.
//! 4. If the upstream switches to another protocol, the stream passes all bytes to Pingora.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::{SslDigest, TlsRef};
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::chunks::MalformedChunks;
use super::outside_head::{BodyEnd, OutsideHead};

/// Time for which gatepost waits for the next byte of a response to a client that has closed its
/// sending half. gatepost cannot distinguish such a client from a disconnected client.
const HALF_CLOSED_TIMEOUT: Duration = Duration::from_secs(60);

/// A client's connection, limited to one request.
#[derive(Debug)]
pub(super) struct RequestStream {
    stream: Stream,
    /// Received bytes that Pingora has not read yet: the rest of the request, then further
    /// requests.
    ahead: BytesMut,
    end: BodyEnd,
    /// True if the connection may switch to another protocol; false after the first final status.
    may_switch: bool,
    /// Time limit for the response to a client that has closed its sending half; `None` for other
    /// clients.
    half_closed: Option<HalfClosed>,
}

#[derive(Debug)]
struct HalfClosed {
    timer: Pin<Box<Sleep>>,
    has_written: bool,
}

impl RequestStream {
    /// Creates a stream for the rest of a request. `ahead` contains the bytes that have arrived
    /// after the bytes of the request.
    pub(super) const fn new(stream: Stream, ahead: BytesMut, head: &OutsideHead) -> Self {
        let OutsideHead { end, asks_for_upgrade: may_switch, .. } = *head;
        Self { stream, ahead, end, may_switch, half_closed: None }
    }

    /// Returns the connection, and the bytes that have arrived after the request.
    pub(super) fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream, self.ahead)
    }

    /// Passes to Pingora the bytes of the request that have already arrived.
    fn read_ahead(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let available = self.ahead.len().min(buffer.remaining());
        let taken = self.end.take(&self.ahead[..available]).map_err(malformed)?;
        buffer.put_slice(&self.ahead[..taken]);
        self.ahead.advance(taken);
        Ok(())
    }

    /// Reads bytes of the request. Keeps the bytes that follow the request.
    fn poll_request(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = &buffer.filled()[start..];
        let taken = self.end.take(read).map_err(malformed)?;
        self.ahead.extend_from_slice(&read[taken..]);
        buffer.set_filled(start + taken);
        Poll::Ready(Ok(()))
    }

    /// Waits after the end of the request. Completes only after an error of the connection, or if
    /// a half-closed client receives no byte of the response for [`HALF_CLOSED_TIMEOUT`].
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(half_closed) = &mut self.half_closed {
            return half_closed.poll(context).map(Ok);
        }
        if !self.ahead.is_empty() {
            return Poll::Pending;
        }
        let mut space = [0; 512];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.ahead.extend_from_slice(buffer.filled());
        if self.ahead.is_empty() {
            return self.half_closed.insert(HalfClosed::new()).poll(context).map(Ok);
        }
        Poll::Pending
    }

    /// Updates the state before Pingora writes bytes.
    fn note_reply(&mut self, bytes: &[u8]) {
        if let Some(half_closed) = &mut self.half_closed {
            half_closed.has_written = true;
        }
        // Pingora writes each head with one call.
        if std::mem::take(&mut self.may_switch) {
            if bytes.starts_with(b"HTTP/1.1 101") {
                self.end = BodyEnd::Open;
            } else {
                self.may_switch = bytes.starts_with(b"HTTP/1.1 1");
            }
        }
    }
}

impl HalfClosed {
    fn new() -> Self {
        Self { timer: Box::pin(sleep(HALF_CLOSED_TIMEOUT)), has_written: false }
    }

    /// Completes after [`HALF_CLOSED_TIMEOUT`] without a byte of the response.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            if !std::mem::take(&mut self.has_written) {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(Instant::now() + HALF_CLOSED_TIMEOUT);
        }
    }
}

fn malformed(chunks: MalformedChunks) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, chunks)
}

impl AsyncRead for RequestStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.is_done() {
            return self.poll_idle(context);
        }
        if self.ahead.is_empty() {
            return self.poll_request(context, buffer);
        }
        Poll::Ready(self.read_ahead(buffer))
    }
}

impl AsyncWrite for RequestStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.note_reply(bytes);
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
        self.note_reply(slices.iter().find(|slice| !slice.is_empty()).map_or(&[], |slice| slice));
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Shutdown for RequestStream {
    async fn shutdown(&mut self) {
        Shutdown::shutdown(&mut *self.stream).await;
    }
}

impl UniqueID for RequestStream {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl Ssl for RequestStream {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.stream.get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.selected_alpn_proto()
    }
}

impl GetTimingDigest for RequestStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }
}

impl GetProxyDigest for RequestStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }
}

impl GetSocketDigest for RequestStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }
}

impl Peek for RequestStream {}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Returns a client, and the stream of the client's request with this head.
    fn stream(head: &str) -> (DuplexStream, RequestStream) {
        let head = OutsideHead::parse(head.as_bytes()).unwrap().unwrap();
        let (client, server) = duplex(1024);
        (client, RequestStream::new(Box::new(server), BytesMut::new(), &head))
    }

    #[tokio::test(start_paused = true)]
    async fn half_closed_connection_stays_open_while_bytes_of_response_arrive() {
        let (mut client, mut stream) = stream("GET / HTTP/1.1\r\n\r\n");
        AsyncWriteExt::shutdown(&mut client).await.unwrap();
        let started = Instant::now();
        let half = HALF_CLOSED_TIMEOUT / 2;
        assert!(tokio::time::timeout(half, stream.read_u8()).await.is_err());
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        assert!(
            stream.read_u8().await.is_err(),
            "expected the end of the connection, found a byte"
        );
        assert_eq!(started.elapsed().as_secs(), 2 * HALF_CLOSED_TIMEOUT.as_secs());
    }

    #[tokio::test]
    async fn keeps_bytes_that_follow_the_request() {
        let (mut client, mut stream) = stream("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n");
        client.write_all(b"okGET /next").await.unwrap();
        let mut body = [0; 64];
        assert_eq!(stream.read(&mut body).await.unwrap(), 2);
        let (_, ahead) = stream.into_parts();
        assert_eq!(&ahead[..], b"GET /next");
    }

    #[tokio::test]
    async fn passes_on_bytes_after_switch_to_another_protocol() {
        let request = "GET / HTTP/1.1\r\nupgrade: x\r\n\r\n";
        for (status, switches) in [("101", true), ("200", false)] {
            let (mut client, mut stream) = stream(request);
            client.write_all(b"hello").await.unwrap();
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.unwrap();
            stream.write_all(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes()).await.unwrap();
            stream.write_all(b"HTTP/1.1 101 in the body").await.unwrap();
            let mut read = [0; 64];
            let read = std::pin::pin!(stream.read(&mut read));
            assert_eq!(is_ready(read).await, switches, "{status}");
        }
    }

    /// Polls once. Returns true if the future is ready.
    async fn is_ready(mut future: Pin<&mut impl Future>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }
}
