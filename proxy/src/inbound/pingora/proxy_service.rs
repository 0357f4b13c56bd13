//! The proxy: callbacks to the gate, everything else to the upstream.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gatepost::{Gate, Reply};
use http::Uri;
use pingora::ErrorSource;
use pingora::http::RequestHeader;
use pingora::modules::http::HttpModules;
use pingora::prelude::{Error, ErrorType, HttpPeer, ProxyHttp, Session};
use pingora::protocols::TcpKeepalive;

use super::gate_module::{GateModule, printable_path};
use super::session::write_unread;
use crate::inbound::callback_driver::CallbackServer;
use crate::inbound::head_clock::Serving;

/// How long connecting to the upstream may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// After how much silence, how often and how many times the upstream's machine is asked whether it
/// is still there, by TCP. Idle connections are kept until the upstream closes them, and a timer for
/// each request would cost more.
const TCP_KEEPALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(5),
    count: 3,
    #[cfg(target_os = "linux")]
    user_timeout: Duration::ZERO, // The system's own.
};

/// The whole service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Service {
    module: GateModule,
    upstream: Option<Arc<Upstream>>,
}

/// Where every path goes that is no callback's.
pub(crate) struct Upstream {
    /// One for each address of the name; looked up again when none of them answers.
    peers: RwLock<Arc<[HttpPeer]>>,
    tls: bool,
    host: String,
    port: u16,
}

impl Upstream {
    /// Looks up the upstream's addresses.
    pub(crate) fn resolve(url: &Uri) -> io::Result<Self> {
        let tls = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let peers = RwLock::new(look_up(&host, port, tls)?);
        Ok(Self { peers, tls, host, port })
    }

    fn peers(&self) -> Arc<[HttpPeer]> {
        // The lock is held for a clone or an assignment only, so nobody can have panicked in it.
        Arc::clone(&self.peers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks the name up again, for the requests to come.
    fn refresh(self: &Arc<Self>) {
        let upstream = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            match look_up(&upstream.host, upstream.port, upstream.tls) {
                Ok(found) => {
                    *upstream.peers.write().unwrap_or_else(PoisonError::into_inner) = found;
                }
                Err(error) => tracing::warn!(host = upstream.host, "upstream not found: {error}"),
            }
        });
    }

    /// The next address to try: a name such as `localhost` may have one that nobody listens on.
    fn peer(&self, tries: usize) -> Option<HttpPeer> {
        self.peers().get(tries).cloned()
    }
}

fn look_up(host: &str, port: u16, tls: bool) -> io::Result<Arc<[HttpPeer]>> {
    let peer = |address: SocketAddr| {
        let mut peer = HttpPeer::new(address, tls, host.to_owned());
        peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.total_connection_timeout = Some(CONNECT_TIMEOUT);
        peer.options.tcp_keepalive = Some(TCP_KEEPALIVE);
        peer
    };
    Ok((host, port).to_socket_addrs()?.map(peer).collect())
}

impl Service {
    pub(crate) fn new(gate: Gate, upstream: Option<Upstream>) -> Self {
        Self { module: GateModule::new(gate), upstream: upstream.map(Arc::new) }
    }

    pub(crate) const fn server(&self) -> &CallbackServer {
        self.module.server()
    }
}

/// One request.
pub(crate) struct Context {
    tries: usize,
    _serving: Serving,
}

#[async_trait]
impl ProxyHttp for Service {
    type CTX = Context;

    /// None: what the upstream answers is passed on as it is, and Pingora would add a module that
    /// compresses, for every request, switched off.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    fn new_ctx(&self) -> Context {
        Context { tries: 0, _serving: Serving::start() }
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
            Box::pin(write_unread(session, &Reply::not_found())).await;
            return Ok(true);
        }
        Ok(false)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _context: &mut Context,
    ) -> pingora::Result<()> {
        self.module.request_body_filter(session, body.as_ref(), end_of_stream);
        Ok(())
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
        if let Some(upstream) = &self.upstream {
            let more = context.tries < upstream.peers().len();
            error.set_retry(more);
            if !more {
                upstream.refresh();
            }
        }
        error
    }

    /// What Pingora's own log lines say of a request: not its query, which may hold anything, nor a
    /// route's token.
    fn request_summary(&self, session: &Session, _context: &Context) -> String {
        format!("{} {}", session.req_header().method, printable_path(session))
    }

    /// A client that hangs up is no fault of anybody here.
    fn suppress_error_log(&self, _: &Session, _: &Context, error: &Error) -> bool {
        *error.esource() == ErrorSource::Downstream
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _context: &mut Context,
    ) -> pingora::Result<()> {
        self.module.upstream_request_filter(session, request)
    }
}
