//! Addresses of the app and of the upstream, and the health of their servers.
//!
//! 1. gatepost uses the addresses of a list in turn. It prefers the addresses of servers that are
//!    up.
//! 2. A server is down after a failed attempt to open a connection to the server, or after
//!    [`MAX_FAILURES`] failures in a row. The proxy probes the server until the server is up again.
//! 3. If every server of a list is down, gatepost uses all addresses of the list in turn, because
//!    the probes may be wrong.
//!
//! All addresses of a list share one circuit breaker, which records the answers of all servers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::address_guard::AddressGuard;
use crate::outgoing_tls::OutgoingTls;

/// Number of consecutive failures on open connections after which a server is down.
const MAX_FAILURES: u32 = 5;

/// A server that an address names: a host and a port, or a Unix socket.
///
/// Addresses of a config that name the same server share one `Server`.
#[derive(Debug)]
pub struct Server {
    is_https: bool,
    authority: Authority,
    settings: ServerSettings,
    failures: AtomicU32,
    is_down: AtomicBool,
}

/// Settings of a server that its URL does not contain.
#[derive(Debug, Default)]
pub(crate) struct ServerSettings {
    pub(crate) socket: Option<PathBuf>,
    pub(crate) health_path: Option<PathAndQuery>,
    pub(crate) tls: Option<Arc<OutgoingTls>>,
    pub(crate) guard: Option<Arc<AddressGuard>>,
}

impl Server {
    pub(crate) fn new(url: &Uri, settings: ServerSettings) -> Option<Self> {
        Some(Self {
            is_https: url.scheme() == Some(&Scheme::HTTPS),
            authority: url.authority()?.clone(),
            settings,
            failures: AtomicU32::new(0),
            is_down: AtomicBool::new(false),
        })
    }

    /// Returns true if gatepost must use TLS.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Returns the host and the port; `localhost` for a Unix socket.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the path of the Unix socket; `None` for a host and a port.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.settings.socket.as_deref()
    }

    /// Returns the path that a probe of this server requests; `None` if a probe only connects.
    #[must_use]
    pub const fn health_path(&self) -> Option<&PathAndQuery> {
        self.settings.health_path.as_ref()
    }

    /// Returns the TLS settings. With `None`, gatepost trusts the certificate authorities of the
    /// system, and presents no client certificate.
    #[must_use]
    pub const fn tls(&self) -> Option<&Arc<OutgoingTls>> {
        self.settings.tls.as_ref()
    }

    /// Returns the guard that permits or forbids each IP address of the host; `None` if gatepost
    /// permits every address of the host.
    #[must_use]
    pub const fn guard(&self) -> Option<&Arc<AddressGuard>> {
        self.settings.guard.as_ref()
    }

    /// Returns the host without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host().trim_matches(['[', ']'])
    }

    /// Returns the port, or the default port of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_https { 443 } else { 80 })
    }

    /// Returns the address of a path on the server.
    pub(crate) fn with_path(&self, path: &str) -> String {
        let colon = if self.socket().is_some() { ":" } else { "" };
        format!("{self}{colon}{path}")
    }

    /// Returns true unless the server is down.
    #[must_use]
    pub fn is_up(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed)
    }

    /// Records a failed attempt to open a connection. Returns true if the server was up before. In
    /// this case, the caller must begin to probe the server.
    #[must_use]
    pub fn unreachable(&self) -> bool {
        !self.is_down.swap(true, Ordering::Relaxed)
    }

    /// Records a failure on an open connection. Returns true if the server is down because of this
    /// failure. In this case, the caller must begin to probe the server.
    #[must_use]
    pub fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= MAX_FAILURES && self.unreachable()
    }

    /// Records an answer or a successful probe. The server is then up.
    pub fn answered(&self) {
        // Writes only changed values, because all threads read these values for each event.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if !self.is_up() {
            self.is_down.store(false, Ordering::Relaxed);
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.settings.socket {
            Some(socket) => write!(f, "unix:{}", socket.display()),
            None if self.is_https => write!(f, "https://{}", self.authority),
            None => write!(f, "http://{}", self.authority),
        }
    }
}

/// An address of the app or of the upstream: a server, and a path on it.
#[derive(Clone, Debug)]
pub struct Address {
    server: Arc<Server>,
    url: Uri,
}

impl Address {
    pub(crate) const fn new(server: Arc<Server>, url: Uri) -> Self {
        Self { server, url }
    }

    /// Returns the address of a path on the same server.
    pub(crate) fn with_path(&self, path: PathAndQuery) -> Self {
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = Some(path);
        // If only the path changes, the parts of a URL still form a URL.
        let url = Uri::from_parts(parts).unwrap_or_else(|_| self.url.clone());
        Self { server: Arc::clone(&self.server), url }
    }

    /// Returns the server.
    #[must_use]
    pub const fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Returns the address as a URL. The host of an address with a Unix socket is `localhost`. If
    /// the inner service of a layer is the app, the URL is a path alone.
    #[must_use]
    pub const fn url(&self) -> &Uri {
        &self.url
    }
}

/// Creates an address whose server no other address shares. Fails if the URL has no host.
///
/// ```
/// use gatepost::Address;
///
/// let address = Address::try_from("http://127.0.0.1:3000/live".parse::<http::Uri>()?)?;
/// assert_eq!(address.server().to_string(), "http://127.0.0.1:3000");
/// assert!(Address::try_from("/live".parse::<http::Uri>()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<Uri> for Address {
    type Error = HostMissing;

    fn try_from(url: Uri) -> Result<Self, HostMissing> {
        let server = Server::new(&url, ServerSettings::default()).ok_or(HostMissing)?;
        Ok(Self::new(Arc::new(server), url))
    }
}

/// Error for a URL without a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a host in the address, found none; write http:// and a host")]
pub struct HostMissing;

/// Prints the address without its query, which may contain a secret.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.url.authority().is_none() {
            return f.write_str(self.url.path());
        }
        if self.server.socket().is_some() && self.url.path() == "/" {
            return self.server.fmt(f);
        }
        f.write_str(&self.server.with_path(self.url.path()))
    }
}

/// The addresses of an app or of the upstream, at least one.
#[derive(Debug)]
pub struct Addresses {
    list: Box<[Address]>,
    /// Turn of the next request: see [`Addresses::turn`].
    next: AtomicUsize,
}

impl Addresses {
    /// Returns the servers, separated by spaces. Omits the paths and queries of the addresses,
    /// because they may contain secrets.
    #[must_use]
    pub fn servers(&self) -> String {
        let servers = self.list.iter().map(|address| address.server().to_string());
        servers.collect::<Vec<_>>().join(" ")
    }

    /// Creates the list. Returns `None` if `list` is empty.
    pub(crate) fn new(list: Vec<Address>) -> Option<Self> {
        (!list.is_empty()).then(|| Self { list: list.into(), next: AtomicUsize::new(0) })
    }

    /// Returns all addresses, in the order of the config.
    #[must_use]
    pub fn as_slice(&self) -> &[Address] {
        &self.list
    }

    /// Returns the only address of the list; `None` if the list has several addresses.
    #[must_use]
    pub fn only(&self) -> Option<&Address> {
        match &*self.list {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the first address in the order of the config.
    #[must_use]
    pub fn first(&self) -> &Address {
        &self.list[0]
    }

    /// Returns a number for [`Addresses::in_turn`]. If all servers are up, the number determines
    /// the address that gatepost tries first for a new request.
    #[must_use]
    pub fn turn(&self) -> usize {
        if self.only().is_some() { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) }
    }

    /// Returns all addresses in the order in which gatepost tries them for the request with this
    /// turn: first the addresses of servers that are up.
    pub fn in_turn(&self, turn: usize) -> Vec<&Address> {
        let (before, from) = self.list.split_at(turn % self.list.len());
        let mut all: Vec<_> = from.iter().chain(before).collect();
        all.sort_by_key(|address| !address.server.is_up());
        all
    }
}

/// Compares only URLs and socket paths.
impl PartialEq for Addresses {
    fn eq(&self, other: &Self) -> bool {
        let spelled = |own: &Self| -> Vec<_> {
            own.list.iter().map(|a| (a.server.settings.socket.clone(), a.url.to_string())).collect()
        };
        spelled(self) == spelled(other)
    }
}

impl Eq for Addresses {}

/// Prints the addresses without their queries, separated by commas.
impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.list.iter().enumerate() {
            write!(f, "{}{address}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(hosts: &[&str]) -> Addresses {
        let address = |host: &&str| {
            let url: Uri = format!("http://{host}/e?key=1").parse().unwrap();
            Address::try_from(url).unwrap()
        };
        Addresses::new(hosts.iter().map(address).collect()).unwrap()
    }

    fn order(addresses: &Addresses) -> String {
        let turn = addresses.turn();
        addresses.in_turn(turn).iter().map(|address| address.server().host()).collect()
    }

    #[test]
    fn each_request_starts_at_the_next_address() {
        let all = addresses(&["a", "b", "c"]);
        assert_eq!(
            [order(&all), order(&all), order(&all), order(&all)],
            ["abc", "bca", "cab", "abc"]
        );
        let one = addresses(&["a"]);
        assert_eq!((order(&one), order(&one), one.turn()), ("a".into(), "a".into(), 0));
    }

    #[test]
    fn tries_healthy_servers_first() {
        let all = addresses(&["a", "b", "c"]);
        assert!(
            all.first().server().unreachable(),
            "expected the server to be up before this failure, found it down"
        );
        assert!(!all.first().server().unreachable());
        assert_eq!([order(&all), order(&all)], ["bca", "bca"]);
        all.first().server().answered();
        assert_eq!(order(&all), "cab");
    }

    #[test]
    fn server_is_down_after_five_failures_in_a_row() {
        let all = addresses(&["a", "b"]);
        let server = all.first().server();
        assert!((0..4).all(|_| !server.failed()) && server.is_up());
        server.answered();
        assert!((0..4).all(|_| !server.failed()) && server.is_up());
        assert!(server.failed() && !server.is_up());
        assert!(!server.failed(), "expected no second probe, found one");
    }

    #[test]
    fn prints_addresses_without_query() {
        assert_eq!(addresses(&["a:1", "b"]).to_string(), "http://a:1/e, http://b/e");
        let server = |path: &str| {
            let url: Uri = format!("http://localhost{path}").parse().unwrap();
            let socket = Some("/run/app.sock".into());
            let settings = ServerSettings { socket, ..ServerSettings::default() };
            let server = Server::new(&url, settings).unwrap();
            Address::new(Arc::new(server), url).to_string()
        };
        assert_eq!(
            [server("/"), server("/live")],
            ["unix:/run/app.sock", "unix:/run/app.sock:/live"]
        );
    }
}
