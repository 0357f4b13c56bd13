//! Client connections: HTTP/1.1 and HTTP/2 on one port.
//!
//! 1. With `proxy_protocol`, a connection starts with a PROXY header that names the client.
//!    On [`listen_tls`](tls), the TLS handshake follows.
//! 2. An HTTP/2 connection starts with a preface of 24 bytes. The first byte that differs from the
//!    preface identifies HTTP/1. Pingora itself waits for 24 bytes without a time limit, but an
//!    HTTP/1.0 request may be shorter.
//! 3. On HTTP/1, the [fast path](http1) serves callbacks in the usual form, and Pingora serves all
//!    other requests.
//! 4. On HTTP/1, gatepost reads a whole head before it passes the request to Pingora, so that the
//!    limits of length, time and memory are the same for all requests.
//! 5. [`connections`] bounds the number of connections, and [`unjudged`] bounds the memory of
//!    requests without a verdict.

mod app_side;
mod callback_driver;
mod callback_record;
mod client_side;
mod close_signal;
mod connections;
mod exchange;
mod host_upstream;
mod http1;
mod mirror;
pub(crate) mod pingora;
pub(crate) mod proxy_protocol;
mod source;
pub(crate) mod tls;
mod unfinished;
mod unjudged;
mod upstream_fault;

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ::pingora::apps::{HttpServerApp as _, HttpServerOptions, ReusedHttpStream, ServerApp};
use ::pingora::protocols::Stream;
use ::pingora::protocols::http::v2::server::{H2Options, default_h2_options};
use ::pingora::proxy::{HttpProxy, http_proxy};
use ::pingora::server::ShutdownWatch;
use ::pingora::server::configuration::ServerConf;
use async_trait::async_trait;
use gatepost::{HeadFault, ProxySettings, Reply, report};
use http::Version;
use tokio::time::timeout;

use self::callback_driver::CallbackDriver;
use self::connections::{CONNECTION, ConnectionState, Connections, OpenConnection};
use self::http1::{ClientConnection, ServeEnd, UnreadableRequest};
use self::pingora::ProxyService;
use self::proxy_protocol::HeaderError;
use self::source::Source;
use self::tls::TlsListeners;
use self::unfinished::Bound;
use crate::telemetry::metrics::METRICS;
use crate::tls::ServedTls;
use crate::{clock, descriptors};

/// Time limits of a connection until gatepost has read a request.
#[derive(Clone, Copy)]
struct ConnectionTimeouts {
    /// Time for the bytes that identify the version of HTTP, after the PROXY header and the TLS
    /// handshake.
    start: Duration,
    /// Time without a request on HTTP/1.
    idle: Duration,
    /// Time without a request on HTTP/2. An incomplete head does not count as a request.
    idle_http_2: Duration,
}

const TIMEOUTS: ConnectionTimeouts = ConnectionTimeouts {
    start: Duration::from_secs(60),
    idle: Duration::from_secs(90),
    idle_http_2: Duration::from_secs(60),
};

/// Time for which idle connections stay open after the proxy begins to stop. gatepost still serves
/// a request that arrives in this time, and replies with `connection: close`.
pub(crate) const IDLE_GRACE: Duration = Duration::from_millis(500);

/// Memory of an idle HTTP/1 connection without TLS. After a short callback, a connection takes less
/// than 6 KiB, including up to 2 KiB for the buffer that the connection keeps for its next request.
pub(crate) const IDLE_CONNECTION_BYTES: usize = 8 * 1024;

/// Memory of a connection, apart from the bytes that `max_unjudged_bytes` counts. An HTTP/2
/// connection has a state of 24 KiB, and may have an incomplete head of 64 KiB.
pub(crate) const CONNECTION_BYTES: usize = 128 * 1024;

/// Memory that TLS adds to a connection: 11 KiB for its state, and 20 KiB while a record of 16 KiB
/// is incomplete. A handshake needs less.
pub(crate) const TLS_BYTES: usize = 32 * 1024;

/// Memory of a connection between a slow client and a slow upstream, while a request or a response
/// passes. For each direction, Pingora has a buffer of 64 KiB and a queue of four chunks of 64 KiB.
/// Pingora also has a buffer of 64 KiB for a second attempt. gatepost keeps up to 64 KiB of the
/// next request.
pub(crate) const PASSING_CONNECTION_BYTES: usize = 768 * 1024;

/// Server for the connections to `listen` and `listen_tls`, on HTTP/1 and HTTP/2.
pub(crate) struct InboundServer {
    driver: CallbackDriver,
    proxy_protocol: bool,
    tls: Option<TlsListeners>,
    connections: Connections,
    http_1: Arc<HttpProxy<ProxyService>>,
    http_2: Arc<HttpProxy<ProxyService>>,
    timeouts: ConnectionTimeouts,
}

impl InboundServer {
    /// Creates a server for the listeners in `settings`.
    pub(crate) fn new(
        conf: &Arc<ServerConf>,
        service: &ProxyService,
        settings: &ProxySettings,
        tls: &Arc<ServedTls>,
    ) -> Self {
        Self::with_timeouts(conf, service, settings, tls, TIMEOUTS)
    }

    fn with_timeouts(
        conf: &Arc<ServerConf>,
        service: &ProxyService,
        settings: &ProxySettings,
        tls: &Arc<ServedTls>,
        timeouts: ConnectionTimeouts,
    ) -> Self {
        let proxy = |h2c| {
            let mut proxy = http_proxy(conf, service.clone());
            let mut options = HttpServerOptions::default();
            options.h2c = h2c;
            options.h2_idle_timeout = Some(timeouts.idle_http_2);
            proxy.server_options = Some(options);
            proxy.h2_options = Some(http_2_options());
            Arc::new(proxy)
        };
        let driver = service.driver().clone();
        let max_connections = settings.max_connections.get();
        let connections = Connections::new(max_connections.min(descriptors::connection_limit()));
        let (http_1, http_2) = (proxy(false), proxy(true));
        let tls = TlsListeners::of(settings, tls);
        let proxy_protocol = settings.proxy_protocol;
        Self { driver, proxy_protocol, tls, connections, http_1, http_2, timeouts }
    }

    fn source_of(&self, stream: &Stream) -> Source {
        let peer = proxy_protocol::peer(stream).map(|peer| peer.ip());
        Source::of(peer, &self.driver.gate)
    }

    /// Serves an HTTP/1 connection until its end. Pingora serves each request that the fast path
    /// hands over.
    async fn serve_http_1(
        &self,
        mut connection: ClientConnection,
        shutdown: &ShutdownWatch,
        mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) {
        loop {
            let peer = connection.peer();
            let head = match connection.serve(&self.driver, shutdown, stopped.as_mut()).await {
                ServeEnd::Closed => return,
                ServeEnd::HandOver(head) => head,
                ServeEnd::Incomplete => return unreadable(&UnreadableRequest::Any, peer),
                ServeEnd::Unreadable(error) => {
                    unreadable(&error, peer);
                    return Box::pin(connection.refuse(&Reply::bad_request())).await;
                }
                ServeEnd::HeadTooLarge => return Box::pin(head_too_large(connection)).await,
                ServeEnd::Exceeded(bound) => return Box::pin(exceeded(bound, connection)).await,
            };
            let session = connection.into_session(&head);
            let state = connections::current().map(|connection| connection.since());
            let served = self.http_1.process_new_http(session, shutdown).await;
            let Some((stream, _)) = served.map(ReusedHttpStream::consume) else {
                let reached = connections::current().map(|connection| connection.since());
                if state == reached && !*shutdown.borrow() {
                    unreadable(&UnreadableRequest::Any, peer);
                }
                return;
            };
            let Some(next) = ClientConnection::from_session(stream) else { return };
            connection = next;
        }
    }

    /// Determines the client and the version of HTTP; `None` for a connection that ends, is too
    /// slow, or fails at its PROXY header or TLS handshake.
    async fn identify(
        &self,
        mut stream: Stream,
        open: &OpenConnection,
    ) -> Option<(Version, ClientConnection)> {
        if self.proxy_protocol {
            if !self.read_proxy_header(&mut stream).await {
                return None;
            }
            open.set_source(self.source_of(&stream));
        }
        if let Some(tls) = self.tls.as_ref().filter(|tls| tls.has_accepted(&stream)) {
            stream = Box::pin(tls.shake_hands(stream, open)).await?;
        }
        let mut connection = ClientConnection::new(stream);
        let version = timeout(self.timeouts.start, connection.version()).await.ok()??;
        Some((version, connection))
    }

    /// Reads the PROXY header. Returns false for an invalid header. If the config has
    /// `trusted_proxies`, also returns false for a peer that this key does not list.
    async fn read_proxy_header(&self, stream: &mut Stream) -> bool {
        let peer = proxy_protocol::peer(stream).map(|peer| peer.ip());
        let error = if peer.is_some_and(|peer| self.driver.gate.accepts_proxy_protocol_from(peer)) {
            match proxy_protocol::accept(stream).await {
                Ok(()) => return true,
                Err(error) => error,
            }
        } else {
            HeaderError::NotTrusted
        };
        report::closed("proxy_protocol_broken", &error, peer, clock::now());
        false
    }
}

/// Counts and logs an HTTP/1 request that gatepost or Pingora cannot read.
pub(crate) fn unreadable(error: &UnreadableRequest, peer: Option<IpAddr>) {
    METRICS.requests.unreadable.inc();
    report::closed("request_unreadable", error, peer, clock::now());
}

async fn exceeded(bound: Bound, connection: ClientConnection) {
    bound.report(connection.peer());
    if bound == Bound::UnjudgedBytes {
        connection.refuse(&Reply::overloaded()).await;
    }
}

async fn head_too_large(connection: ClientConnection) {
    METRICS.requests.rejected(HeadFault::HeadTooLarge);
    report::rejected(HeadFault::HeadTooLarge, connection.peer(), clock::now());
    connection.refuse(&Reply::head_too_large()).await;
}

/// Maximum number of bytes of a response that gatepost buffers for one HTTP/2 stream.
const SEND_BUFFER: usize = 64 * 1024;

/// Returns Pingora's limits for HTTP/2 (100 streams, and heads of 64 KiB) with a smaller buffer for
/// responses. With the default of 400 KiB for each stream, a connection buffers up to 40 MB. The
/// flow-control window of a connection, 64 KiB, bounds the bytes of bodies that no task has read
/// yet.
fn http_2_options() -> H2Options {
    let mut options = default_h2_options();
    options.max_send_buffer_size(SEND_BUFFER);
    options
}

impl InboundServer {
    /// Counts a connection, and serves it until its end or until the signal to close it.
    async fn serve_connection(self: Arc<Self>, stream: Stream, shutdown: ShutdownWatch) {
        let open = self.connections.open(self.source_of(&stream));
        let peer = proxy_protocol::peer(&stream).map(|peer| peer.ip());
        let served = self.serve(stream, &shutdown, &open);
        let served = CONNECTION.scope(Arc::clone(open.connection()), served);
        tokio::select! {
            biased;
            () = served => {}
            () = open.closed() => Bound::Connections.report(peer),
        }
    }

    /// Serves a connection until its end.
    async fn serve(&self, stream: Stream, shutdown: &ShutdownWatch, open: &OpenConnection) {
        let mut stopping = shutdown.clone();
        let stopped = async {
            drop(stopping.wait_for(|stopping| *stopping).await);
            tokio::time::sleep(IDLE_GRACE).await;
        };
        let mut stopped = pin!(stopped);
        let identified = tokio::select! {
            biased; // Serve a request that has arrived, even when stopping.
            identified = Box::pin(self.identify(stream, open)) => identified,
            () = &mut stopped => None,
        };
        let Some((version, connection)) = identified else { return };
        if version == Version::HTTP_2 {
            if let Some(stream) = connection.into_stream(open.handle()) {
                self.http_2.process_new(stream, shutdown).await;
            }
            return;
        }
        open.connection().set(ConnectionState::Idle);
        tokio::select! {
            biased;
            () = self.serve_http_1(connection, shutdown, stopped) => {}
            () = open.connection().overdue(self.timeouts.idle) => {}
        }
    }
}

#[async_trait]
impl ServerApp for InboundServer {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        // Pingora's task keeps its state of 9 KiB, most of it for a TLS handshake of Pingora, until
        // this function returns. A task of gatepost has 1.3 KiB.
        tokio::spawn(Arc::clone(self).serve_connection(stream, shutdown.clone()));
        None
    }

    /// Closes idle connections.
    async fn cleanup(&self) {
        tokio::time::sleep(IDLE_GRACE).await;
        self.http_1.cleanup().await;
        self.http_2.cleanup().await;
    }
}

#[cfg(test)]
mod tests {
    use ::pingora::protocols::l4;
    use gatepost::Gate;
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::inbound::http1::HTTP2_PREFACE;
    use crate::tls::tests::{config, issue};

    fn inbound_server(timeouts: ConnectionTimeouts) -> Arc<InboundServer> {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let conf = Arc::new(ServerConf::default());
        let settings = gate.proxy_settings();
        let (service, tls) = (ProxyService::new(gate, None, None), Arc::default());
        Arc::new(InboundServer::with_timeouts(&conf, &service, &settings, &tls, timeouts))
    }

    /// Serves a connection until its end.
    async fn serve(stream: Stream, timeouts: ConnectionTimeouts) {
        let (_running, shutdown) = watch::channel(false);
        inbound_server(timeouts).serve_connection(stream, shutdown).await;
    }

    /// Each idle connection keeps this state, so the state must not include that of a request.
    #[tokio::test]
    async fn state_of_connection_is_small() {
        let (_client, stream) = duplex(1);
        let (_running, shutdown) = watch::channel(false);
        let state = inbound_server(TIMEOUTS).serve_connection(Box::new(stream), shutdown);
        let bytes = size_of_val(&state);
        assert!(bytes <= 1280, "expected at most 1280 bytes, found {bytes}");
    }

    /// Sends a request. Returns true if the whole reply arrives.
    async fn gets_reply(client: &mut DuplexStream) -> bool {
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut reply = Vec::new();
        while !reply.ends_with(b"not found\n") {
            if client.read_buf(&mut reply).await.unwrap() == 0 {
                return false;
            }
        }
        true
    }

    #[tokio::test(start_paused = true)]
    async fn closes_connection_if_head_arrives_too_slowly() {
        let (mut client, server) = duplex(1024);
        let server = tokio::spawn(serve(Box::new(server), TIMEOUTS));
        let started = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        while client.write_all(b"y").await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
        server.await.unwrap();
        let took = started.elapsed();
        assert!((5..5 + 7).contains(&took.as_secs()), "expected 5 to 12 s, found {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn limits_idle_time_after_each_reply_separately() {
        let (mut client, server) = duplex(1024);
        let server = tokio::spawn(serve(Box::new(server), TIMEOUTS));
        for _ in 0..5 {
            assert!(gets_reply(&mut client).await);
            sleep(TIMEOUTS.idle - Duration::from_secs(1)).await;
        }
        assert!(gets_reply(&mut client).await);
        sleep(TIMEOUTS.idle + Duration::from_secs(1)).await;
        assert!(client.write_all(b"GET / HTTP/1.1\r\n").await.is_err());
        server.await.unwrap();
    }

    /// Sends `bytes`, and waits until gatepost closes the connection.
    async fn is_closed_after(bytes: &[u8], timeouts: ConnectionTimeouts) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(bytes).await.unwrap();
        let served = serve(Box::new(l4::stream::Stream::from(server)), timeouts);
        let mut read = Vec::new();
        let (_, _gone) = tokio::join!(served, client.read_to_end(&mut read));
    }

    #[tokio::test]
    async fn closes_connection_that_does_not_identify_its_version() {
        let timeouts = ConnectionTimeouts { start: Duration::from_millis(10), ..TIMEOUTS };
        is_closed_after(&HTTP2_PREFACE[..23], timeouts).await;
        is_closed_after(b"", timeouts).await;
    }

    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HALF_A_HEAD: [u8; 10] = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83];

    #[tokio::test]
    async fn closes_http_2_connection_with_incomplete_head() {
        let timeouts = ConnectionTimeouts { idle_http_2: Duration::from_millis(10), ..TIMEOUTS };
        is_closed_after(&[&HTTP2_PREFACE[..], &SETTINGS, &HALF_A_HEAD].concat(), timeouts).await;
    }

    /// Sends `bytes` over TLS with HTTP/2, and waits until gatepost closes the connection.
    async fn is_closed_after_over_tls(bytes: &[u8], timeouts: ConnectionTimeouts) {
        let issued = issue("gate.example.com", None);
        let config = config(&[(&issued.pem, &issued.key.serialize_pem())]);
        let tls = Arc::<ServedTls>::default();
        tls.replace(tls.load(config.proxy().tls.as_ref()).unwrap().as_ref());
        let settings = config.proxy().clone();
        let service = ProxyService::new(Gate::new(config), None, None);
        let conf = Arc::new(ServerConf::default());
        let inbound =
            Arc::new(InboundServer::with_timeouts(&conf, &service, &settings, &tls, timeouts));

        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut settings = builder.with_root_certificates(roots).with_no_client_auth();
        settings.alpn_protocols = vec![b"h2".to_vec()];

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let (_running, shutdown) = watch::channel(false);
        let stream = Box::new(l4::stream::Stream::from(server));
        let served = inbound.serve_connection(stream, shutdown);
        let connector = tokio_rustls::TlsConnector::from(Arc::new(settings));
        let client = async {
            let name = "gate.example.com".try_into().unwrap();
            let mut client = connector.connect(name, client).await.unwrap();
            client.write_all(bytes).await.unwrap();
            client.flush().await.unwrap();
            let mut read = Vec::new();
            let _gone = client.read_to_end(&mut read).await;
            read
        };
        let (_, read) = tokio::join!(served, client);
        // gatepost's preface is a SETTINGS frame.
        assert_eq!(read.get(3).copied(), (bytes.len() > HTTP2_PREFACE.len()).then_some(4));
    }

    #[tokio::test]
    async fn closes_idle_or_incomplete_http_2_connection_over_tls() {
        let timeouts = ConnectionTimeouts { idle_http_2: Duration::from_millis(10), ..TIMEOUTS };
        let idle = [&HTTP2_PREFACE[..], &SETTINGS].concat();
        is_closed_after_over_tls(&idle, timeouts).await;
        is_closed_after_over_tls(&[&idle[..], &HALF_A_HEAD].concat(), timeouts).await;
        let timeouts = ConnectionTimeouts { start: Duration::from_millis(10), ..TIMEOUTS };
        is_closed_after_over_tls(&HTTP2_PREFACE[..23], timeouts).await;
        is_closed_after_over_tls(b"", timeouts).await;
    }
}
