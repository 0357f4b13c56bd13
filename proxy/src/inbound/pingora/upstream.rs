//! The upstream: the servers that receive each request that is not a callback.
//!
//! 1. gatepost resolves a name at the first request, and again in the background if the addresses
//!    are older than [`FRESH`]. After [`STALE`] without a request, the next request waits for the
//!    resolution.
//! 2. If a name does not resolve, gatepost uses the earlier addresses. Without earlier addresses,
//!    it responds with 502.
//! 3. With several servers, each request starts at the next server, healthy servers first. If
//!    gatepost cannot open a connection, the request goes to the next server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gatepost::{Address, Addresses, Gate, OutgoingTls, Server, report};
use http::HeaderValue;
use pingora::prelude::HttpPeer;
use pingora::protocols::TcpKeepalive;

use crate::app::probe_until_up;
use crate::app::tls::for_pingora;
use crate::clock;
use crate::resolver::Resolver;

/// Time limit for connecting to the upstream, and for resolving its name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum number of requests at a time on one connection of HTTP/2.
const MAX_STREAMS: usize = 100;

/// Bytes of a response that the upstream may send on a stream before the client reads. Pingora's
/// default of 8 MB would exceed the memory that `gatepost check` prints for a connection.
const STREAM_WINDOW: u32 = 128 * 1024;

/// Bytes that the upstream may send on all streams of a connection before the clients read.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Time limit for connecting if the upstream has several servers.
const SHORT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Age from which gatepost resolves a name again in the background.
const FRESH: Duration = Duration::from_secs(5);

/// Age from which a request waits for the resolution.
const STALE: Duration = Duration::from_secs(60);

/// Keepalive probes on connections to the upstream. The probes detect a dead machine without a timer
/// per request.
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
    /// Use of HTTP/2 for the servers.
    pub(crate) http_2: bool,
}

/// Destination of every request that is not a callback.
pub(crate) struct Upstream {
    addresses: Arc<Addresses>,
    /// One entry for each address, in the same order.
    servers: Vec<Arc<UpstreamServer>>,
}

impl Upstream {
    /// Creates the upstream of a gate's config. Each resolution of a name reads the gate's rules
    /// for TLS again, so that a reload applies them.
    pub(crate) fn new(
        gate: &Gate,
        addresses: Arc<Addresses>,
        rules: PeerRules,
        resolver: &Resolver,
    ) -> Self {
        let has_others = addresses.only().is_none();
        let server = |server: &Arc<Server>| UpstreamServer {
            gate: gate.clone(),
            server: Arc::clone(server),
            rules,
            has_others,
            resolver: resolver.clone(),
            peers: RwLock::default(),
            is_resolving: AtomicBool::new(false),
        };
        let servers = addresses.as_slice().iter().map(|address| server(address.server()));
        Self { servers: servers.map(Arc::new).collect(), addresses }
    }

    /// Returns true if gatepost uses HTTP/2 for the servers.
    pub(super) fn is_http_2(&self) -> bool {
        self.servers.first().is_some_and(|server| server.rules.http_2)
    }

    /// Returns the value of `host` for a request without one.
    pub(super) fn authority(&self) -> HeaderValue {
        let authority = self.addresses.first().server().authority();
        HeaderValue::from_str(authority.as_str()).unwrap_or(HeaderValue::from_static(""))
    }

    /// Returns the peer for the next attempt of a request; `None` after the last attempt.
    pub(super) async fn peer(&self, attempts: &mut Attempts) -> Option<HttpPeer> {
        if attempts.order.is_empty() && self.servers.len() > 1 {
            attempts.order = self.order();
        }
        while let Some(server) = attempts.server(self) {
            if let Some(peer) = server.peer(attempts.address).await {
                attempts.has_begun = true;
                return Some(peer);
            }
            if attempts.address == 0 {
                server.unreachable();
            }
            attempts.next_server();
        }
        None
    }

    /// Records a failed connection to the last peer. Returns true if the request has another
    /// address to try.
    pub(super) fn failed_to_connect(&self, attempts: &mut Attempts) -> bool {
        let Some(server) = attempts.server(self) else { return false };
        attempts.address += 1;
        if attempts.address < server.peers().list.len() {
            return true;
        }
        server.unreachable();
        server.refresh();
        attempts.next_server();
        attempts.server(self).is_some()
    }

    /// Records the end of a request: a response, or a failure on an open connection.
    pub(super) fn ended(&self, attempts: &Attempts, has_answered: bool) {
        let server = attempts.server(self).filter(|own| own.has_others && attempts.has_begun);
        let Some(server) = server else { return };
        if has_answered {
            server.server.answered();
        } else if server.server.failed() {
            probe_until_up(&server.server);
        }
    }

    fn order(&self) -> Vec<Arc<UpstreamServer>> {
        let in_turn = self.addresses.in_turn(self.addresses.turn());
        let same = |address: &Address| {
            self.servers.iter().find(|own| Arc::ptr_eq(&own.server, address.server()))
        };
        in_turn.into_iter().filter_map(same).map(Arc::clone).collect()
    }
}

/// The addresses that a request has tried.
#[derive(Default)]
pub(super) struct Attempts {
    /// Order of the servers; empty if there is only one.
    order: Vec<Arc<UpstreamServer>>,
    /// Index of the server for the next attempt.
    server: usize,
    /// Index of the server's address for the next attempt.
    address: usize,
    /// True if gatepost has chosen a server for the request.
    has_begun: bool,
}

impl Attempts {
    fn server<'u>(&self, upstream: &'u Upstream) -> Option<&'u Arc<UpstreamServer>> {
        if self.order.is_empty() {
            return upstream.servers.get(self.server);
        }
        let server = self.order.get(self.server)?;
        upstream.servers.iter().find(|own| Arc::ptr_eq(own, server))
    }

    const fn next_server(&mut self) {
        self.server += 1;
        self.address = 0;
    }
}

/// One server of the upstream.
struct UpstreamServer {
    gate: Gate,
    server: Arc<Server>,
    rules: PeerRules,
    /// True if the upstream has several servers.
    has_others: bool,
    resolver: Resolver,
    peers: RwLock<Arc<ResolvedPeers>>,
    is_resolving: AtomicBool,
}

/// The addresses of a server.
#[derive(Default)]
struct ResolvedPeers {
    list: Vec<HttpPeer>,
    /// Time of the resolution; `None` if the addresses never change.
    since: Option<Instant>,
}

impl UpstreamServer {
    fn peers(&self) -> Arc<ResolvedPeers> {
        // Ignore poisoning, because a clone and an assignment cannot panic.
        Arc::clone(&self.peers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the peer with this index, after resolving the name if necessary.
    async fn peer(self: &Arc<Self>, index: usize) -> Option<HttpPeer> {
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
    fn refresh(self: &Arc<Self>) {
        if self.peers().since.is_none() || self.is_resolving.swap(true, Ordering::Relaxed) {
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            server.resolve().await;
            server.is_resolving.store(false, Ordering::Relaxed);
        });
    }

    /// Resolves the name. If this fails, logs the error, and keeps the earlier addresses.
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
        // With TLS, a reload may change the peer.
        let since = self.server.is_https().then(Instant::now);
        self.set(ResolvedPeers { list: found, since });
    }

    /// Returns the rules for TLS of the current config.
    fn tls(&self) -> Option<Arc<OutgoingTls>> {
        let upstream = self.gate.upstream()?;
        let mut current = upstream.as_slice().iter().map(Address::server);
        let current = current.find(|own| own.to_string() == self.server.to_string())?;
        current.tls().cloned()
    }

    /// Returns the peer of a Unix socket, or of a host that is an IP address.
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

    /// Keeps the earlier addresses for another [`FRESH`].
    fn keep(&self, error: &io::Error) {
        let server = &self.server;
        let message = format_args!(
            "gatepost cannot resolve the upstream {}: {error}; check the name and the DNS server",
            server.host()
        );
        report::warned("upstream_unresolved", &message, None, clock::now());
        let list = self.peers().list.clone();
        if !list.is_empty() {
            self.set(ResolvedPeers { list, since: Some(Instant::now()) });
        }
    }

    fn set(&self, peers: ResolvedPeers) {
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(peers);
    }

    fn unreachable(&self) {
        if self.has_others && self.server.unreachable() {
            probe_until_up(&self.server);
        }
    }

    fn peer_at(&self, address: SocketAddr) -> HttpPeer {
        let tls = self.tls().filter(|_| self.server.is_https());
        let name = tls.as_ref().and_then(|tls| tls.server_name()).unwrap_or(self.server.host());
        let mut peer = HttpPeer::new(address, self.server.is_https(), name.to_owned());
        if let Some(tls) = tls {
            // Prevent the reuse of connections with other rules.
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use gatepost::Config;

    use super::*;

    /// Creates an upstream whose name resolves to the last address in `known`.
    fn upstream(known: &Arc<Mutex<Vec<io::Result<SocketAddr>>>>) -> Upstream {
        let text = "upstream = 'http://app.test:80'\n[[route]]\npath = '/a'\nprovider = 'mux'\n";
        let config: Config = text.parse().unwrap();
        let addresses = config.proxy().upstream.clone().unwrap();
        let known = Arc::clone(known);
        let resolver = Resolver::from_fn(move |host, port| {
            assert_eq!((host.as_str(), port), ("app.test", 80));
            let next = known.lock().unwrap().pop();
            async move { next.unwrap_or(Err(io::ErrorKind::NotFound.into())).map(|own| vec![own]) }
        });
        let rules = PeerRules { idle: Duration::from_secs(1), http_2: false };
        Upstream::new(&Gate::new(config), addresses, rules, &resolver)
    }

    async fn address(upstream: &Upstream) -> Option<String> {
        Some(upstream.peer(&mut Attempts::default()).await?._address.to_string())
    }

    /// Makes the addresses older.
    fn age(upstream: &Upstream, by: Duration) {
        let server = &upstream.servers[0];
        let peers = server.peers();
        let since = peers.since.and_then(|since| since.checked_sub(by));
        assert!(since.is_some());
        server.set(ResolvedPeers { list: peers.list.clone(), since });
    }

    #[tokio::test]
    async fn follows_changes_of_the_name_in_the_background() {
        let known: Arc<Mutex<Vec<io::Result<SocketAddr>>>> = Arc::default();
        let upstream = upstream(&known);
        assert_eq!(address(&upstream).await, None, "expected no address yet");
        let add = |address: &str| known.lock().unwrap().push(Ok(address.parse().unwrap()));
        add("192.0.2.1:80");
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        add("192.0.2.2:80");
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        age(&upstream, FRESH);
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        tokio::task::yield_now().await;
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.2:80"));
        // The name does not resolve any more: gatepost keeps the addresses.
        age(&upstream, STALE);
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.2:80"));
        add("192.0.2.3:80");
        age(&upstream, STALE);
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.3:80"));
    }

    #[tokio::test]
    async fn resolves_again_after_a_failed_connection() {
        let known = Arc::new(Mutex::new(vec![
            Ok("192.0.2.2:80".parse().unwrap()),
            Ok("192.0.2.1:80".parse().unwrap()),
        ]));
        let upstream = upstream(&known);
        let mut attempts = Attempts::default();
        assert!(upstream.peer(&mut attempts).await.is_some());
        assert!(!upstream.failed_to_connect(&mut attempts), "expected no other address");
        tokio::task::yield_now().await;
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.2:80"));
    }
}
