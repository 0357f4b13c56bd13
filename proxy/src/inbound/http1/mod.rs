//! The fast path for HTTP/1: reads a callback and writes the reply without a Pingora session. A
//! `push` callback takes 73,500 instructions instead of 109,700.
//!
//! Nearly all callbacks have the usual form: HTTP/1.1, the whole head in one read, and a
//! `content-length`. gatepost hands a request of another form over to Pingora. A request for a path
//! without a route also goes to Pingora. Before the handover, gatepost waits for the
//! [whole head](OutsideHead), and refuses a malformed head. Pingora reads no more than
//! [one request](RequestStream).

mod chunks;
mod exchange;
mod head;
mod outside_head;
mod reply;
mod request;
mod request_stream;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::BytesMut;
use gatepost::{FoundRoute, Gate, Reply};
use http::{StatusCode, Version};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{ALPN, GetProxyDigest as _, Stream};
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

pub(crate) use self::chunks::MalformedChunks;
use self::exchange::Http1Exchange;
use self::head::HeadLength;
use self::outside_head::OutsideHead;
pub(crate) use self::outside_head::UnreadableRequest;
use self::reply::rendered;
use self::request::{Http1Request, target};
use self::request_stream::RequestStream;
use super::callback_driver::CallbackDriver;
use super::connections::{self, ConnectionHandle};
use super::exchange::{DRAIN_BYTES, DRAIN_TIMEOUT};
use super::proxy_protocol;
use super::unfinished::{Bound, Unfinished};
use crate::tls::TlsStream;

/// First bytes of an HTTP/2 connection.
pub(crate) const HTTP2_PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Maximum number of bytes per read of a head. Most callbacks are shorter.
const HEAD_BYTES: usize = 8 * 1024;

/// Maximum size of the buffer that a connection keeps for its next request, also while the
/// connection is idle. Most callbacks fit into such a buffer.
const KEPT_BYTES: usize = 2 * 1024;

/// A client's connection, with the bytes of its next request.
pub(crate) struct ClientConnection {
    stream: Stream,
    peer: Option<IpAddr>,
    is_encrypted: bool,
    /// Received bytes that the fast path has not parsed yet.
    ahead: BytesMut,
}

impl ClientConnection {
    pub(crate) fn new(stream: Stream) -> Self {
        let peer = proxy_protocol::peer(&stream).as_ref().map(SocketAddr::ip);
        let is_encrypted = stream.get_ssl_digest().is_some();
        Self { stream, peer, is_encrypted, ahead: BytesMut::new() }
    }

    /// Reads until the bytes identify the version of HTTP; `None` if the connection ends earlier.
    /// With TLS, the handshake has determined the version (ALPN), as RFC 9113, section 3.3
    /// requires. If a TLS client has not negotiated HTTP/2, the HTTP/2 preface is malformed HTTP/1.
    pub(crate) async fn version(&mut self) -> Option<Version> {
        let shown = self.shown_version().await?;
        Some(match self.stream.selected_alpn_proto() {
            Some(ALPN::H2) => Version::HTTP_2,
            Some(_) => Version::HTTP_11,
            None if self.is_encrypted => Version::HTTP_11,
            None => shown,
        })
    }

    async fn shown_version(&mut self) -> Option<Version> {
        loop {
            let (begin, _) = HTTP2_PREFACE.split_at(self.ahead.len().min(HTTP2_PREFACE.len()));
            if !self.ahead.starts_with(begin) {
                return Some(Version::HTTP_11);
            }
            if begin.len() == HTTP2_PREFACE.len() {
                return Some(Version::HTTP_2);
            }
            if !matches!(self.read().await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Serves callbacks until the connection ends or Pingora must read a request. Stops
    /// waiting for the next request as soon as `stopped` completes.
    pub(crate) async fn serve(
        &mut self,
        driver: &CallbackDriver,
        stopping: &ShutdownWatch,
        mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> ServeEnd {
        loop {
            if self.ahead.is_empty() {
                let read = tokio::select! {
                    biased; // Serve a request that has arrived, even when stopping.
                    read = self.read() => read,
                    () = &mut stopped => return ServeEnd::Closed,
                };
                if !matches!(read, Ok(1..)) {
                    return ServeEnd::Closed;
                }
            }
            let Some((request, route)) = self.take_request(&driver.gate) else {
                match HeadLength::of(&self.ahead, 0) {
                    HeadLength::Known(_) => return self.outside_head(),
                    HeadLength::Unknown => {
                        match Box::pin(self.read_head(driver, stopped.as_mut())).await {
                            Ok(()) => continue,
                            Err(end) => return end,
                        }
                    }
                    HeadLength::TooLarge => return ServeEnd::HeadTooLarge,
                }
            };
            let exchange = Http1Exchange { connection: self, request, stopping };
            // Box the future, so that an idle connection does not keep the state of a callback.
            // `Box::pin` allocates after the call of `serve`, so it copies all bytes of this state.
            let served = Box::write(Box::new_uninit(), exchange.serve(route, driver));
            if Box::into_pin(served).await.is_break() {
                return ServeEnd::Closed;
            }
        }
    }

    /// Reads the rest of a head. Refuses a head whose first bytes are malformed.
    ///
    /// # Errors
    ///
    /// Returns a [`ServeEnd`] if the head is malformed or too large, or exceeds a bound. Also
    /// returns a `ServeEnd` after the client disconnects or gatepost stops during the head.
    #[cold]
    async fn read_head(
        &mut self,
        driver: &CallbackDriver,
        mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<(), ServeEnd> {
        OutsideHead::parse(&self.ahead).map_err(ServeEnd::Unreadable)?;
        let held = driver.hold(self.peer, self.ahead.capacity());
        let unfinished = Unfinished::start(held, connections::current());
        loop {
            let searched = self.ahead.len();
            let read = tokio::select! {
                biased;
                read = unfinished.wait(searched, self.read()) => read,
                () = &mut stopped => return Err(ServeEnd::Closed),
            };
            match read {
                Ok(Ok(1..)) => unfinished.set(self.ahead.capacity()),
                Ok(Ok(0) | Err(_)) => return Err(ServeEnd::Incomplete),
                Err(bound) => return Err(ServeEnd::Exceeded(bound)),
            }
            match HeadLength::of(&self.ahead, searched) {
                HeadLength::Known(_) => return Ok(()),
                HeadLength::Unknown => {}
                HeadLength::TooLarge => return Err(ServeEnd::HeadTooLarge),
            }
        }
    }

    /// Parses a whole head that the fast path does not serve.
    fn outside_head(&self) -> ServeEnd {
        match OutsideHead::parse(&self.ahead) {
            Ok(Some(head)) => ServeEnd::HandOver(head),
            Ok(None) => ServeEnd::Unreadable(UnreadableRequest::Any),
            Err(error) => ServeEnd::Unreadable(error),
        }
    }

    /// Refuses a request because of its head: writes the reply and closes the connection.
    pub(crate) async fn refuse(mut self, reply: &Reply) {
        self.ahead = BytesMut::new();
        let written = async {
            self.stream.write_all(&rendered(reply, true)).await?;
            self.stream.shutdown().await?;
            // Closing a socket with unread bytes resets the connection, and the client can lose the
            // reply.
            let mut left = DRAIN_BYTES;
            while left > 0 && self.read().await? > 0 {
                left = left.saturating_sub(self.ahead.len());
                self.ahead.clear();
            }
            io::Result::Ok(())
        };
        let _late = timeout(DRAIN_TIMEOUT, written).await;
    }

    /// Returns the peer of the connection.
    pub(crate) const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Returns the session in which Pingora serves the request with this head.
    pub(crate) fn into_session(mut self, head: &OutsideHead) -> ServerSession {
        let next = self.ahead.split_off(head.received);
        let stream = RequestStream::new(self.stream, next, head);
        let mut session = ServerSession::new_http1(Box::new(stream));
        session.set_pipelined_prefix(self.ahead);
        session
    }

    /// Returns the connection after the end of a session; `None` if the stream is not from
    /// [`Self::into_session`].
    pub(crate) fn from_session(stream: Stream) -> Option<Self> {
        let stream = stream.into_any().downcast::<RequestStream>().ok()?;
        let (stream, ahead) = stream.into_parts();
        Some(Self { ahead, ..Self::new(stream) })
    }

    /// Returns the stream of the connection, with all read bytes put back; `None` if the stream is
    /// neither TCP nor TLS. The digest of each session on this stream contains `handle`.
    pub(crate) fn into_stream(self, handle: &ConnectionHandle) -> Option<Stream> {
        let response = ResponseHeader::build(StatusCode::OK, Some(0)).ok()?;
        let digest = ProxyDigest::new(response.into(), Some(Box::new(handle.clone())));
        let stream = self.stream.into_any();
        if self.is_encrypted {
            let mut stream = stream.downcast::<TlsStream>().ok()?;
            stream.rewind(self.ahead);
            stream.set_proxy_digest(digest);
            return Some(stream);
        }
        let mut stream = stream.downcast::<TcpStream>().ok()?;
        stream.rewind(&self.ahead);
        stream.set_proxy_digest(digest);
        Some(stream)
    }

    /// Waits for bytes and reads them. The buffer is on the stack, so that an idle connection needs
    /// no buffer.
    async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            let mut space = [MaybeUninit::uninit(); HEAD_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            self.ahead.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// Takes the request that has arrived, with its route. Returns `None` for a path without a
    /// route, for an incomplete head, and for a request of an unusual form. Looks up the path
    /// before parsing, so that gatepost does not parse requests for the upstream.
    fn take_request(&mut self, gate: &Gate) -> Option<(Http1Request, FoundRoute)> {
        let (path, query) = target(&self.ahead)?;
        let route = gate.find_route(path, query)?;
        let whole = self.ahead.split().freeze();
        if whole.len() > KEPT_BYTES {
            self.ahead = BytesMut::new();
        }
        let (request, rest) = match Http1Request::parse(&whole) {
            Some((request, rest)) => (Some(request), rest),
            None => (None, whole),
        };
        if !rest.is_empty() {
            self.ahead = rest.into();
        }
        Some((request?, route))
    }
}

/// State of a connection at the end of the fast path.
pub(crate) enum ServeEnd {
    Closed,
    /// The client has disconnected within a head.
    Incomplete,
    /// A malformed head has arrived.
    Unreadable(UnreadableRequest),
    /// The head is longer than gatepost accepts.
    HeadTooLarge,
    /// The head has exceeded this bound.
    Exceeded(Bound),
    /// The head of a request for Pingora has arrived.
    HandOver(OutsideHead),
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;

    use tokio::io::AsyncReadExt as _;

    use super::exchange::WRITE_TIMEOUT;
    use super::request::tests::REQUEST;
    use super::*;
    use crate::inbound::exchange::Exchange as _;
    use crate::inbound::pingora::GateModule;

    #[tokio::test]
    async fn takes_callback_and_leaves_request_for_other_path() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let (_client, server) = tokio::io::duplex(64);
        let mut connection = ClientConnection::new(Box::new(server));
        let next = "GET /next HTTP/1.1";
        connection.ahead.extend_from_slice(format!("{REQUEST}{next}").as_bytes());
        assert!(connection.take_request(&gate).is_some());
        assert_eq!(connection.ahead, next);
        assert!(
            connection.take_request(&gate).is_none(),
            "expected no route for this path, found one"
        );
        assert_eq!(connection.ahead, next);
    }

    #[tokio::test]
    async fn keeps_only_small_buffer_for_next_request() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        for (length, is_kept) in [(KEPT_BYTES, true), (KEPT_BYTES + 1, false)] {
            let (_client, server) = tokio::io::duplex(64);
            let mut connection = ClientConnection::new(Box::new(server));
            let (head, body) = REQUEST.split_at(REQUEST.len() - 2);
            let padding = "y".repeat(length - REQUEST.len() - "x: \r\n".len());
            let head = head.replace("\r\n\r\n", &format!("\r\nx: {padding}\r\n\r\n"));
            connection.ahead.extend_from_slice(format!("{head}{body}").as_bytes());
            drop(connection.take_request(&gate).unwrap());
            assert_eq!(connection.ahead.try_reclaim(length), is_kept, "{length} bytes");
        }
    }

    /// Serves a connection on which the client has sent the bytes `sent`. Returns the replies.
    /// `is_stopping` is true if the stop has begun. `stopped` completes when gatepost must close
    /// idle connections.
    async fn serve(
        sent: &[u8],
        is_stopping: bool,
        stopped: impl Future<Output = ()> + Send,
    ) -> String {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let driver = GateModule::new(gate).driver().clone();
        let (mut client, server) = tokio::io::duplex(1024);
        let mut connection = ClientConnection::new(Box::new(server));
        client.write_all(sent).await.unwrap();
        let (_running, stopping) = tokio::sync::watch::channel(is_stopping);
        let left = connection.serve(&driver, &stopping, pin!(stopped)).await;
        assert!(matches!(left, ServeEnd::Closed));
        drop(connection);
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_read_more_while_next_request_waits() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let (mut client, server) = tokio::io::duplex(1024);
        let mut connection = ClientConnection::new(Box::new(server));
        let (_running, stopping) = tokio::sync::watch::channel(false);
        connection.ahead.extend_from_slice(format!("{REQUEST}GET /next").as_bytes());
        let (request, _) = connection.take_request(&gate).unwrap();
        let mut exchange =
            Http1Exchange { connection: &mut connection, request, stopping: &stopping };
        client.write_all(b"more").await.unwrap();
        assert!(tokio::time::timeout(WRITE_TIMEOUT, exchange.client_activity()).await.is_err());
        assert_eq!(connection.ahead, "GET /next");
    }

    #[tokio::test]
    async fn closes_idle_connection_when_stopping() {
        assert_eq!(serve(b"", false, async {}).await, "");
    }

    #[tokio::test]
    async fn sends_connection_close_in_last_reply_when_stopping() {
        let got = serve(REQUEST.as_bytes(), true, pending()).await;
        assert!(got.starts_with("HTTP/1.1 401 ") && got.contains("Connection: close\r\n"), "{got}");
        let got = serve(REQUEST.repeat(2).as_bytes(), true, pending()).await;
        let (first, second) = got.split_once("refused\n").unwrap();
        assert!(first.contains("keep-alive") && second.contains("Connection: close\r\n"), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_request_whose_body_does_not_arrive() {
        let part = REQUEST.strip_suffix('}').unwrap();
        let started = tokio::time::Instant::now();
        let got = serve(part.as_bytes(), false, pending()).await;
        assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
        // After the reply, gatepost still waits for the body.
        assert_eq!((started.elapsed() - DRAIN_TIMEOUT).as_secs(), 5);
    }

    // The close prevents gatepost from reading the late body as a request.
    #[tokio::test(start_paused = true)]
    async fn closes_connection_if_body_of_refused_request_does_not_arrive() {
        let head = REQUEST.replace("/tencent", "/kollus/guess").replace("{}", "");
        let served = tokio::time::timeout(WRITE_TIMEOUT, serve(head.as_bytes(), false, pending()));
        let got = served.await.expect("expected the end of the connection, found it open");
        assert!(got.starts_with("HTTP/1.1 401 "), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn closes_connection_if_client_does_not_read_reply() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let driver = GateModule::new(gate).driver().clone();
        let (mut client, server) = tokio::io::duplex(REQUEST.len());
        let mut connection = ClientConnection::new(Box::new(server));
        client.write_all(REQUEST.as_bytes()).await.unwrap();
        let (_running, stopping) = tokio::sync::watch::channel(false);
        let started = tokio::time::Instant::now();
        let left = connection.serve(&driver, &stopping, pin!(pending())).await;
        assert!(matches!(left, ServeEnd::Closed));
        assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    }

    /// Sends a large body, and serves it in a task. Returns the client.
    async fn send_large_body(driver: &CallbackDriver) -> tokio::io::DuplexStream {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let body = format!("{{\"x\":\"{}\"}}", "y".repeat(70_000));
        let length = format!("content-length: {}", body.len());
        let request = REQUEST.replace("content-length: 2", &length).replace("{}", &body);
        client.write_all(request.as_bytes()).await.unwrap();
        let driver = driver.clone();
        tokio::spawn(async move {
            let mut connection = ClientConnection::new(Box::new(server));
            let (_running, stopping) = tokio::sync::watch::channel(false);
            connection.serve(&driver, &stopping, pin!(pending())).await;
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        client
    }

    #[test]
    fn large_body_that_waits_for_its_verdict_counts_towards_max_unjudged_bytes() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            // gatepost judges one large body at a time. The first body waits for the blocking
            // thread.
            let (end, ended) = std::sync::mpsc::channel::<()>();
            tokio::task::spawn_blocking(move || ended.recv());
            let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
            let limit = gate.proxy_settings().max_unjudged_bytes.get();
            let driver = GateModule::new(gate).driver().clone();
            let mut clients = [send_large_body(&driver).await, send_large_body(&driver).await];
            drop(driver.hold(None, limit));
            let mut reply = BytesMut::new();
            let read = timeout(WRITE_TIMEOUT, clients[1].read_buf(&mut reply)).await;
            assert!(
                matches!(read, Ok(Ok(1..))) && reply.starts_with(b"HTTP/1.1 503 "),
                "{reply:?}"
            );
            drop(end);
            reply.clear();
            clients[0].read_buf(&mut reply).await.unwrap();
            assert!(!reply.starts_with(b"HTTP/1.1 503 "), "expected no 503, found {reply:?}");
        });
    }
}
