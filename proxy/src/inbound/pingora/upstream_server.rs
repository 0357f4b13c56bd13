//! One server of the upstream: its addresses, and the rules for connections to it.
//!
//! 1. gatepost resolves a name at the first request, and again in the background if the addresses
//!    are older than [`FRESH`]. After [`STALE`] without a request, the next request waits for the
//!    resolution.
//! 2. If a name does not resolve, gatepost uses the addresses of the last successful resolution. If
//!    no resolution has succeeded, gatepost responds with 502.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gatepost::{Address, Gate, OutgoingTls, Server, report};
use pingora::prelude::HttpPeer;
use pingora::protocols::TcpKeepalive;

use crate::app::probe_until_up;
use crate::app::tls::for_pingora;
use crate::clock;
use crate::resolver::Resolver;

/// Time limit for connecting to the upstream, and for resolving its name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Time limit for connecting if the upstream has several servers.
const SHORT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum number of concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: usize = 100;

/// Bytes of a response that the upstream may send on a stream before the client reads. Pingora's
/// default of 8 MB exceeds the memory that `gatepost check` prints for a connection.
const STREAM_WINDOW: u32 = 128 * 1024;

/// Bytes that the upstream may send on all streams of a connection before the clients read.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Age of the addresses above which gatepost resolves the name again in the background.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// Age of the addresses above which a request waits until gatepost has resolved the name.
pub(super) const STALE: Duration = Duration::from_secs(60);

/// Keepalive probes on connections to the upstream. The probes detect a dead machine without a
/// timer per request.
const TCP_KEEPALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(5),
    count: 3,
    #[cfg(target_os = "linux")]
    user_timeout: Duration::ZERO, // The default of the system.
};

/// Rules for connections to the upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerRules {
    /// Time for which gatepost keeps an idle connection.
    pub(crate) idle: Duration,
    /// True to use HTTP/2 for the servers.
    pub(crate) http_2: bool,
}

/// One server of the upstream.
pub(super) struct UpstreamServer {
    gate: Gate,
    pub(super) server: Arc<Server>,
    pub(super) rules: PeerRules,
    /// True if the upstream has several servers.
    pub(super) has_others: bool,
    resolver: Resolver,
    peers: RwLock<Arc<ResolvedPeers>>,
    is_resolving: AtomicBool,
}

/// The addresses of a server.
#[derive(Default)]
pub(super) struct ResolvedPeers {
    pub(super) list: Vec<HttpPeer>,
    /// Time of the resolution; `None` if the addresses never change.
    pub(super) since: Option<Instant>,
}

impl UpstreamServer {
    /// Creates a server whose name gatepost has not resolved yet. `has_others` is true if the
    /// upstream has several servers.
    pub(super) fn new(
        gate: &Gate,
        server: &Arc<Server>,
        (rules, has_others): (PeerRules, bool),
        resolver: &Resolver,
    ) -> Self {
        Self {
            gate: gate.clone(),
            server: Arc::clone(server),
            rules,
            has_others,
            resolver: resolver.clone(),
            peers: RwLock::default(),
            is_resolving: AtomicBool::new(false),
        }
    }

    pub(super) fn peers(&self) -> Arc<ResolvedPeers> {
        // Ignore poisoning, because a clone and an assignment cannot panic.
        Arc::clone(&self.peers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the peer with this index. If the addresses are missing or older than [`STALE`],
    /// resolves the name first.
    pub(super) async fn peer(self: &Arc<Self>, index: usize) -> Option<HttpPeer> {
        let peers = self.peers();
        let age = peers.since.map_or(Duration::ZERO, |since| since.elapsed());
        if peers.list.is_empty() || age > STALE {
            self.resolve().await;
            return self.peers().list.get(index).cloned();
        }
        if age > FRESH {
            self.refresh();
        }
        peers.list.get(index).cloned()
    }

    /// Resolves the name in the background, for later requests.
    pub(super) fn refresh(self: &Arc<Self>) {
        if self.peers().since.is_none() || self.is_resolving.swap(true, Ordering::Relaxed) {
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            server.resolve().await;
            server.is_resolving.store(false, Ordering::Relaxed);
        });
    }

    /// Resolves the name. If this fails, logs the error, and leaves the addresses unchanged.
    async fn resolve(&self) {
        let Some(found) = self.fixed_peers() else {
            let (host, port) = (self.server.host(), self.server.port());
            let found = tokio::time::timeout(CONNECT_TIMEOUT, self.resolver.resolve(host, port));
            let found = found.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            return match found {
                Ok(addresses) => self.store(addresses),
                Err(error) => self.keep(&error),
            };
        };
        // A reload may change the TLS settings. Therefore a peer with TLS has an age, and gatepost
        // builds the peer again after `FRESH`.
        let since = self.server.is_https().then(Instant::now);
        self.set(ResolvedPeers { list: found, since });
    }

    /// Returns the TLS settings of this server in the current config.
    fn tls(&self) -> Option<Arc<OutgoingTls>> {
        let upstream = self.gate.upstream()?;
        let mut current = upstream.as_slice().iter().map(Address::server);
        let current = current.find(|own| own.to_string() == self.server.to_string())?;
        current.tls().cloned()
    }

    /// Returns the peer of a Unix socket, or of a host that is an IP address; `None` for a name.
    fn fixed_peers(&self) -> Option<Vec<HttpPeer>> {
        if let Some(path) = self.server.socket() {
            let peer = HttpPeer::new_uds(path.to_str()?, false, String::new()).ok()?;
            return Some(vec![self.with_options(peer)]);
        }
        let ip: IpAddr = self.server.host().parse().ok()?;
        Some(vec![self.peer_at((ip, self.server.port()).into())])
    }

    fn store(&self, addresses: Vec<SocketAddr>) {
        let list = addresses.into_iter().map(|address| self.peer_at(address)).collect();
        self.set(ResolvedPeers { list, since: Some(Instant::now()) });
    }

    /// Logs the error, and keeps the addresses until the next resolution, after [`FRESH`].
    fn keep(&self, error: &io::Error) {
        let server = &self.server;
        let message = format_args!(
            "expected addresses of the upstream {}, found an error: {error}; check the name and the DNS server",
            server.host()
        );
        report::warned("upstream_unresolved", &message, None, clock::now());
        let list = self.peers().list.clone();
        if !list.is_empty() {
            self.set(ResolvedPeers { list, since: Some(Instant::now()) });
        }
    }

    pub(super) fn set(&self, peers: ResolvedPeers) {
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(peers);
    }

    pub(super) fn unreachable(&self) {
        if self.has_others && self.server.unreachable() {
            probe_until_up(&self.server);
        }
    }

    fn peer_at(&self, address: SocketAddr) -> HttpPeer {
        let tls = self.tls().filter(|_| self.server.is_https());
        let name = tls.as_ref().and_then(|tls| tls.server_name()).unwrap_or(self.server.host());
        let mut peer = HttpPeer::new(address, self.server.is_https(), name.to_owned());
        if let Some(tls) = tls {
            // Prevent the reuse of connections with other TLS settings.
            peer.group_key = Arc::as_ptr(&tls).addr() as u64;
            match for_pingora(&tls) {
                Ok(files) => (peer.options.ca, peer.client_cert_key) = (files.ca, files.identity),
                Err(error) => tracing::error!("upstream {}: {error}", self.server),
            }
        }
        self.with_options(peer)
    }

    fn with_options(&self, mut peer: HttpPeer) -> HttpPeer {
        let limit = if self.has_others { SHORT_CONNECT_TIMEOUT } else { CONNECT_TIMEOUT };
        peer.options.connection_timeout = Some(limit);
        peer.options.total_connection_timeout = Some(limit);
        peer.options.idle_timeout = Some(self.rules.idle);
        if self.server.socket().is_none() {
            peer.options.tcp_keepalive = Some(TCP_KEEPALIVE);
        }
        if self.rules.http_2 {
            peer.options.set_http_version(2, 2);
            peer.options.max_h2_streams = MAX_STREAMS;
            peer.options.h2_stream_window_size = Some(STREAM_WINDOW);
            peer.options.h2_connection_window_size = Some(CONNECTION_WINDOW);
        }
        peer
    }
}
