//! The upstream: the servers for requests that are not callbacks.
//!
//! If the upstream has several servers, gatepost sends each request to the next server in turn, and
//! prefers servers that are up. If gatepost cannot open a connection, it tries the next server.

use std::sync::Arc;

use gatepost::{Address, Addresses, Gate, Server};
use http::HeaderValue;
use pingora::prelude::HttpPeer;

use super::upstream_server::{PeerRules, UpstreamServer};
use crate::app::probe_until_up;
use crate::resolver::Resolver;

/// Destination of every request that is not a callback.
pub(crate) struct Upstream {
    addresses: Arc<Addresses>,
    /// One entry for each address, in the same order.
    servers: Vec<Arc<UpstreamServer>>,
}

impl Upstream {
    /// Creates the upstream of a gate's config. Each resolution of a name reads the gate's TLS
    /// settings again, so that a change of these settings takes effect after a reload.
    pub(crate) fn new(
        gate: &Gate,
        addresses: Arc<Addresses>,
        rules: PeerRules,
        resolver: &Resolver,
    ) -> Self {
        let has_others = addresses.only().is_none();
        let server =
            |server: &Arc<Server>| UpstreamServer::new(gate, server, (rules, has_others), resolver);
        let servers = addresses.as_slice().iter().map(|address| server(address.server()));
        Self { servers: servers.map(Arc::new).collect(), addresses }
    }

    /// Returns true if gatepost uses HTTP/2 for the servers.
    pub(super) fn is_http_2(&self) -> bool {
        self.servers.first().is_some_and(|server| server.rules.http_2)
    }

    /// Returns the value of `host` for a request without this header.
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

    /// Records that gatepost cannot connect to the peer of the current attempt. Returns true if
    /// the request has another address to try.
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

    /// Records the end of a request. `has_answered` is false after an error of the upstream.
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

/// Servers and addresses for the attempts of a request.
#[derive(Default)]
pub(super) struct Attempts {
    /// Order of the servers; empty if the upstream has only one server.
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use std::time::Duration;

    use gatepost::Config;

    use super::super::upstream_server::{FRESH, ResolvedPeers, STALE};
    use super::*;

    /// Creates an upstream. Each resolution of its name takes the last address from `known`.
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

    /// Increases the age of the addresses by `by`.
    fn age(upstream: &Upstream, by: Duration) {
        let server = &upstream.servers[0];
        let peers = server.peers();
        let since = peers.since.and_then(|since| since.checked_sub(by));
        assert!(since.is_some());
        server.set(ResolvedPeers { list: peers.list.clone(), since });
    }

    #[tokio::test]
    async fn resolves_name_again_in_the_background() {
        let known: Arc<Mutex<Vec<io::Result<SocketAddr>>>> = Arc::default();
        let upstream = upstream(&known);
        assert_eq!(
            address(&upstream).await,
            None,
            "expected no address before the name resolves, found one"
        );
        let add = |address: &str| known.lock().unwrap().push(Ok(address.parse().unwrap()));
        add("192.0.2.1:80");
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        add("192.0.2.2:80");
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        age(&upstream, FRESH);
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.1:80"));
        tokio::task::yield_now().await;
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.2:80"));
        // If the name does not resolve any more, gatepost keeps the addresses.
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
        assert!(!upstream.failed_to_connect(&mut attempts), "expected no other address, found one");
        tokio::task::yield_now().await;
        assert_eq!(address(&upstream).await.as_deref(), Some("192.0.2.2:80"));
    }
}
