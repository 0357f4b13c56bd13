//! The proxy: callbacks to the gate, everything else to the upstream.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use gatepost::{Gate, Head, Reply, write_forwarded};
use http::{HeaderMap, Uri};
use pingora::http::RequestHeader;
use pingora::prelude::{Error, ErrorType, HttpPeer, ProxyHttp, Session};

use crate::metrics::METRICS;
use crate::module::{GateModule, sender, write};

/// How long connecting to the upstream may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an idle connection to the upstream is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The whole service.
pub(crate) struct Service {
    module: GateModule,
    upstream: Option<Upstream>,
}

/// Where every path goes that is no callback's.
pub(crate) struct Upstream {
    addresses: Vec<SocketAddr>,
    tls: bool,
    host: String,
}

impl Upstream {
    /// Looks up the upstream's addresses, once.
    pub(crate) fn resolve(url: &Uri) -> std::io::Result<Self> {
        use std::net::ToSocketAddrs as _;
        let tls = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let addresses = (host.as_str(), port).to_socket_addrs()?.collect();
        Ok(Self { addresses, tls, host })
    }

    /// The next address to try: a name such as `localhost` may have one that nobody listens on.
    fn peer(&self, tries: usize) -> Option<HttpPeer> {
        let address = self.addresses.get(tries)?;
        let mut peer = HttpPeer::new(address, self.tls, self.host.clone());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.total_connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.idle_timeout = Some(IDLE_TIMEOUT);
        Some(peer)
    }
}

impl Service {
    pub(crate) fn new(gate: Gate, upstream: Option<Upstream>) -> Self {
        Self { module: GateModule::new(gate), upstream }
    }
}

/// One request.
pub(crate) struct Context {
    tries: usize,
}

impl Context {
    fn new() -> Self {
        METRICS.in_flight.inc();
        Self { tries: 0 }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        METRICS.in_flight.dec();
    }
}

#[async_trait]
impl ProxyHttp for Service {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::new()
    }

    async fn request_filter(
        &self,
        session: &mut Session,
        _context: &mut Context,
    ) -> pingora::Result<bool> {
        if self.module.request_filter(session).await? {
            return Ok(true);
        }
        if self.upstream.is_none() {
            write(session, &Reply::not_found()).await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        context: &mut Context,
    ) -> pingora::Result<Box<HttpPeer>> {
        let peer = self.upstream.as_ref().and_then(|upstream| upstream.peer(context.tries));
        peer.map(Box::new)
            .ok_or_else(|| Error::explain(ErrorType::ConnectNoRoute, "the upstream has no address"))
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        context.tries += 1;
        let addresses = self.upstream.as_ref().map_or(0, |upstream| upstream.addresses.len());
        error.set_retry(context.tries < addresses);
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _context: &mut Context,
    ) -> pingora::Result<()> {
        let received = session.req_header();
        let head = Head::new(&received.method, &received.uri, &received.headers);
        let mut forwarded = HeaderMap::new();
        write_forwarded(&mut forwarded, &head, &sender(session, None));
        for (name, value) in &forwarded {
            request.insert_header(name.clone(), value.clone())?;
        }
        Ok(())
    }
}
