//! The proxy of the program `gatepost`. Passes callbacks to the gate, and other requests to the
//! upstream.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gatepost::{Gate, Reply, report};
use http::header::HOST;
use http::{HeaderValue, Uri, Version};
use pingora::ErrorSource;
use pingora::http::RequestHeader;
use pingora::modules::http::HttpModules;
use pingora::prelude::{Error, ErrorType, HttpPeer, ProxyHttp, Session};
use pingora::protocols::TcpKeepalive;

use super::gate_module::GateModule;
use super::session::{open_stream, write_unread};
use crate::clock;
use crate::inbound::callback_driver::{CallbackDriver, Exchange as _};
use crate::inbound::connections::{ConnectionState, OpenConnection, RequestInFlight};

/// Time limit for connecting to the upstream.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Keepalive probes on connections to the upstream. gatepost keeps each connection until the
/// upstream closes the connection. The probes detect a dead machine without a timer per request.
const TCP_KEEPALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(5),
    count: 3,
    #[cfg(target_os = "linux")]
    user_timeout: Duration::ZERO, // The default of the system.
};

/// The proxy of the program `gatepost`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ProxyService {
    module: GateModule,
    upstream: Option<Arc<Upstream>>,
}

/// Destination of every request that is not a callback.
pub(crate) struct Upstream {
    /// One peer per address of `host`. Empty until gatepost has resolved `host`. If no address is
    /// reachable, gatepost resolves `host` again.
    peers: RwLock<Arc<[HttpPeer]>>,
    tls: bool,
    host: String,
    port: u16,
    /// Value of the `host` header for a request without this header.
    authority: HeaderValue,
}

impl Upstream {
    /// Resolves the addresses of the upstream. If the resolution fails, logs a warning and
    /// continues, because callbacks may not need the upstream. gatepost then tries again for each
    /// request.
    pub(crate) fn new(url: &Uri) -> Self {
        let tls = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let authority = HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static(""));
        let upstream = Self { peers: RwLock::default(), tls, host, port, authority };
        upstream.store((&*upstream.host, port).to_socket_addrs());
        upstream
    }

    fn peers(&self) -> Arc<[HttpPeer]> {
        // Ignore poisoning, because a clone and an assignment cannot panic.
        Arc::clone(&self.peers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the peers with one peer for each address. If the resolution failed, logs the error
    /// instead.
    fn store(&self, found: io::Result<impl Iterator<Item = SocketAddr>>) {
        match found {
            Ok(addresses) => {
                let peers = addresses.map(|address| self.peer_at(address)).collect();
                *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
            }
            Err(error) => {
                let message = format_args!("cannot resolve the upstream {}: {error}", self.host);
                report::warned("upstream_unresolved", &message, None, clock::now());
            }
        }
    }

    fn peer_at(&self, address: SocketAddr) -> HttpPeer {
        let mut peer = HttpPeer::new(address, self.tls, self.host.clone());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.total_connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.tcp_keepalive = Some(TCP_KEEPALIVE);
        peer
    }

    /// Resolves the host name.
    async fn resolve(&self) {
        let found = tokio::net::lookup_host((&*self.host, self.port));
        let found = tokio::time::timeout(CONNECT_TIMEOUT, found).await;
        self.store(found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())));
    }

    /// Resolves the host name again in the background, for later requests.
    fn refresh(self: &Arc<Self>) {
        let upstream = Arc::clone(self);
        tokio::spawn(async move { upstream.resolve().await });
    }

    /// Returns the address to try after `tries` failed attempts; `None` after the last address.
    async fn peer(&self, tries: usize) -> Option<HttpPeer> {
        if self.peers().is_empty() {
            self.resolve().await;
        }
        self.peers().get(tries).cloned()
    }
}

impl ProxyService {
    pub(crate) fn new(gate: Gate, upstream: Option<Upstream>) -> Self {
        Self { module: GateModule::new(gate), upstream: upstream.map(Arc::new) }
    }

    pub(crate) const fn driver(&self) -> &CallbackDriver {
        self.module.driver()
    }
}

/// ConnectionState of one request.
pub(crate) struct RequestState {
    tries: usize,
    _serving: RequestInFlight,
    /// Guard of a stream of HTTP/2.
    stream: Option<OpenConnection>,
}

#[async_trait]
impl ProxyHttp for ProxyService {
    type CTX = RequestState;

    /// Adds no module, because gatepost does not change responses. Pingora's default is an inactive
    /// compression module, which would cost time for every request.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    fn new_ctx(&self) -> RequestState {
        RequestState { tries: 0, _serving: RequestInFlight::start(), stream: None }
    }

    async fn request_filter(
        &self,
        session: &mut Session,
        context: &mut RequestState,
    ) -> pingora::Result<bool> {
        if session.req_header().version == Version::HTTP_2 {
            context.stream = open_stream(session);
        }
        if self.module.request_filter(session).await? {
            return Ok(true);
        }
        if self.upstream.is_none() {
            Box::pin(write_unread(session, &Reply::not_found())).await;
            return Ok(true);
        }
        if let Some(connection) = session.connection() {
            connection.set(ConnectionState::Passing);
        }
        Ok(false)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _context: &mut RequestState,
    ) -> pingora::Result<()> {
        self.module.request_body_filter(session, body.as_ref(), end_of_stream);
        Ok(())
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        context: &mut RequestState,
    ) -> pingora::Result<Box<HttpPeer>> {
        let peer = match &self.upstream {
            Some(upstream) => upstream.peer(context.tries).await,
            None => None,
        };
        peer.map(Box::new).ok_or_else(|| {
            Error::explain(ErrorType::ConnectNoRoute, "no upstream address").into_up()
        })
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut RequestState,
        mut error: Box<Error>,
    ) -> Box<Error> {
        context.tries += 1;
        if let Some(upstream) = &self.upstream {
            let more = context.tries < upstream.peers().len();
            error.set_retry(more);
            if !more {
                upstream.refresh();
            }
        }
        error
    }

    fn request_summary(&self, session: &Session, _context: &RequestState) -> String {
        self.module.request_summary(session)
    }

    /// Replaces Pingora's line about a failed request with a line that has a code and a limit.
    /// Writes no line about an error of the client's connection, for example after a disconnect.
    fn suppress_error_log(&self, session: &Session, _: &RequestState, error: &Error) -> bool {
        if *error.esource() != ErrorSource::Downstream {
            self.module.upstream_failed(session, error);
        }
        true
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _context: &mut RequestState,
    ) -> pingora::Result<()> {
        self.module.upstream_request_filter(session, request)?;
        // Pingora sends HTTP/1.1, where a host is required, but HTTP/1.0 clients may omit it.
        if let Some(upstream) = &self.upstream
            && !request.headers.contains_key(HOST)
        {
            request.insert_header(HOST, upstream.authority.clone())?;
        }
        Ok(())
    }
}
