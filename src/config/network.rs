//! Reads the keys for network addresses: listeners, upstream, admin, URLs and client networks.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use ipnet::IpNet;

use super::ConfigReader;
use crate::client::Networks;
use crate::limit::Rate;
use crate::secret::Secret;
use crate::toml_reader::{Located, Place, Table};

/// Default of `stop_timeout_secs`.
const DEFAULT_STOP_TIMEOUT_SECS: i64 = 30;

/// Settings that only the proxy uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Addresses on which the proxy listens.
    pub listen: Vec<SocketAddr>,
    /// Server that receives requests to paths without a route; if `None`, gatepost replies 404.
    pub upstream: Option<Uri>,
    /// Address on which the proxy serves health, metrics and the admin API.
    pub admin: Option<SocketAddr>,
    /// Token that clients of the admin API must send; `None` turns the API off.
    pub admin_token: Option<AdminToken>,
    /// Number of worker threads; `None` means one per core.
    pub threads: Option<NonZeroUsize>,
    /// Longest wait for requests in flight when the proxy stops.
    pub stop_timeout: Duration,
    /// Each connection to `listen` starts with a PROXY protocol header, version 1 or 2.
    pub proxy_protocol: bool,
    /// Socket on which the proxy hands its listeners over to its successor; `None` disables this.
    pub upgrade_socket: Option<PathBuf>,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the keys that only the proxy uses.
    pub(super) fn proxy_settings(&self, table: &Table<'f>) -> ProxySettings {
        let listen = table.strings("listen");
        let listen: Vec<_> = listen.iter().filter_map(|text| self.located_address(text)).collect();
        let upstream = table.string("upstream").and_then(|text| self.origin(&text));
        let admin = table.string("admin").and_then(|text| self.located_address(&text));
        self.check_addresses(listen.iter().chain(&admin));
        let admin = admin.map(|address| address.value);
        let admin_token = self.admin_token(table, admin);
        let listen: Vec<_> = listen.into_iter().map(|address| address.value).collect();
        let threads = table.integer("threads", 1..=1024);
        let threads = threads.and_then(|n| usize::try_from(n).ok()).and_then(NonZeroUsize::new);
        let stop = table.integer("stop_timeout_secs", 0..=3600);
        let stop = stop.unwrap_or(DEFAULT_STOP_TIMEOUT_SECS).unsigned_abs();
        if let Some(upstream) = &upstream {
            self.check_loop(&table.place_of("upstream"), upstream, &listen);
        }
        let stop_timeout = Duration::from_secs(stop);
        let proxy_protocol = table.boolean("proxy_protocol").unwrap_or_default();
        let upgrade_socket = table.string("upgrade_socket");
        let upgrade_socket = upgrade_socket.map(|path| self.sources.path(Path::new(path.value)));
        ProxySettings {
            listen,
            upstream,
            admin,
            admin_token,
            threads,
            stop_timeout,
            proxy_protocol,
            upgrade_socket,
        }
    }

    fn located_address(&self, text: &Located<&str>) -> Option<Located<SocketAddr>> {
        let address = text.value.parse().ok();
        if address.is_none() {
            let remedy =
                "write an IP address and a port, for example \"127.0.0.1:8080\" or \"[::]:8080\"";
            self.faults.add(&text.place, "invalid listen address", remedy);
        }
        address.map(|value| Located { value, place: text.place.clone() })
    }

    fn check_addresses<'a>(&self, addresses: impl Iterator<Item = &'a Located<SocketAddr>>) {
        let mut taken = HashSet::new();
        for address in addresses {
            if !taken.insert(address.value) {
                let remedy = "write a different address for each listener";
                self.faults.add(&address.place, "another listener has this address", remedy);
            }
        }
    }

    /// Parses an address that consists of a scheme, a host and a port.
    fn origin(&self, text: &Located<&str>) -> Option<Uri> {
        let url = self.url(text)?;
        if url.path_and_query().is_some_and(|rest| rest != "/") {
            let remedy = "remove everything after the port; each request keeps its own path";
            self.faults.add(&text.place, "expected an address without a path", remedy);
            return None;
        }
        Some(url)
    }

    /// Parses an `http` or `https` URL without a user name.
    pub(super) fn url(&self, text: &Located<&str>) -> Option<Uri> {
        let url: Option<Uri> = text.value.parse().ok();
        let fits = |url: &Uri| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.host().is_some_and(|host| !host.is_empty())
                && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && has_good_port(url)
        };
        let url = url.filter(fits);
        if url.is_none() {
            let remedy = "write http:// or https://, a host, and if needed a port from 1 to 65535, \
                          without a user name";
            self.faults.add(&text.place, "invalid address", remedy);
        }
        url
    }

    /// Reports an address on which the proxy itself listens, because the proxy would send each
    /// request to itself in an endless loop.
    pub(super) fn check_loop(&self, place: &Place, url: &Uri, listen: &[SocketAddr]) {
        if listen.iter().any(|listener| is_at(url, listener)) {
            let remedy = "write the address of the app";
            self.faults.add(place, "the proxy itself listens on this address", remedy);
        }
    }
}

/// Returns the port of a URL, or the default port of its scheme.
pub(super) fn port_of(url: &Uri) -> u16 {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    url.port_u16().unwrap_or(default)
}

/// Returns `true` if a request to the URL reaches the listener.
///
/// gatepost does not resolve names other than `localhost`, so they never match.
fn is_at(url: &Uri, listener: &SocketAddr) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let ip: Option<IpAddr> =
        if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() };
    let reaches = |ip: IpAddr| {
        let own = listener.ip();
        ip == own || (ip.is_loopback() && (own.is_loopback() || own.is_unspecified()))
    };
    port_of(url) == listener.port() && ip.is_some_and(reaches)
}

/// Returns `true` if the URL has no port, or a port from 1 to 65535.
///
/// `http::Uri` accepts any digits after the colon. If they are out of range, its `port_u16` returns
/// `None`, as for a URL without a port, so this function looks for the colon itself.
fn has_good_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let has_port = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    !has_port || url.port_u16().is_some_and(|port| port > 0)
}

/// Largest number of callbacks in a rate limit.
const MAX_RATE: i64 = 1_000_000;

impl<'f> ConfigReader<'f, '_> {
    /// Reads `trusted_proxies`, and warns if any client could send a PROXY protocol header.
    pub(super) fn trusted_proxies(&self, table: &Table<'f>, proxy: &ProxySettings) -> Networks {
        let effect = "any client can claim any address";
        let trusted = self.networks(table, "trusted_proxies", effect);
        let is_local = |address: &SocketAddr| address.ip().is_loopback();
        if proxy.proxy_protocol && trusted.is_empty() && !proxy.listen.iter().all(is_local) {
            let problem = "any client can claim any address";
            let remedy = "list the proxies in front of gatepost in trusted_proxies";
            self.warnings.add(&table.place_of("proxy_protocol"), problem, remedy);
        }
        trusted
    }

    /// Reads `allow`: the networks whose clients may call a route.
    pub(super) fn allow(&self, table: &Table<'f>) -> Networks {
        if table.has("allow") && table.list("allow").is_empty() {
            let remedy = "list the platform's networks, or remove allow";
            self.faults.add(&table.place_of("allow"), "the empty list allows no client", remedy);
        }
        self.networks(table, "allow", "every client may call")
    }

    /// Reads a list of networks; `effect` is the consequence of a network that contains every
    /// address.
    fn networks(&self, table: &Table<'f>, key: &'f str, effect: &str) -> Networks {
        let written = table.strings(key);
        Networks::new(written.iter().filter_map(|text| self.network(text, effect)).collect())
    }

    fn network(&self, text: &Located<&str>, effect: &str) -> Option<IpNet> {
        let address = || text.value.parse().ok().map(|address: IpAddr| address.into());
        let network: Option<IpNet> = text.value.parse().ok().or_else(address);
        let Some(network) = network.filter(|network| !is_mapped(network)) else {
            let remedy =
                "write an address or a network, for example \"192.0.2.0/24\" or \"2001:db8::/32\"";
            self.faults.add(&text.place, "invalid network", remedy);
            return None;
        };
        self.warn_of_network(&network, &text.place, effect);
        Some(network)
    }

    fn warn_of_network(&self, network: &IpNet, place: &Place, effect: &str) {
        if network.prefix_len() == 0 {
            self.warnings.add(
                place,
                format!("the network contains every address: {effect}"),
                "list smaller networks",
            );
        } else if network.trunc() != *network {
            let problem = "expected a network, found an address within it";
            self.warnings.add(place, problem, format!("write {}", network.trunc()));
        }
    }

    /// Reads a rate limit: `per_second`, and `burst`, which defaults to `per_second`.
    pub(super) fn rate(&self, table: &Table<'f>, key: &'f str) -> Option<Rate> {
        let limit = table.table(key)?;
        let number = |key| limit.integer(key, 1..=MAX_RATE).and_then(|n| u32::try_from(n).ok());
        let (per_second, burst) = (number("per_second"), number("burst"));
        if !limit.has("per_second") {
            let remedy = "add per_second = 100";
            self.faults.add(&limit.place, "`per_second` is missing", remedy);
        }
        limit.finish();
        Some(Rate::new(per_second?, burst.or(per_second)?))
    }
}

/// Returns `true` for a network of IPv4-mapped IPv6 addresses. Such a network matches no client,
/// because gatepost converts a mapped client address to IPv4.
fn is_mapped(network: &IpNet) -> bool {
    matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some())
}

/// The token that clients of the admin API must send.
///
/// A token can only be compared: its bytes are not accessible, and `Debug` redacts them.
///
/// # Examples
///
/// ```
/// use gatepost::Gate;
///
/// let config = "admin = '127.0.0.1:9900'\nadmin_token = { env = 'TOKEN' }\n\
///               [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";
/// let gate = Gate::builder().toml(config).variable("TOKEN", "s3cret").build()?;
/// let token = gate.proxy_settings().admin_token.unwrap();
/// assert!(token.matches(b"s3cret"));
/// assert!(!token.matches(b"s3cres"));
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdminToken(Secret);

impl AdminToken {
    /// Returns `true` if `candidate` is the token.
    ///
    /// The duration of the comparison depends on the lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.matches(candidate)
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `admin_token`, and warns if other machines could read the token on the network.
    fn admin_token(&self, table: &Table<'f>, admin: Option<SocketAddr>) -> Option<AdminToken> {
        let item = table.any("admin_token")?;
        self.warn_of_listener(admin, &table.place_of("admin"), &item.place);
        let secret = self.secret(&item)?;
        if !secret.expose().iter().all(u8::is_ascii_graphic) {
            let remedy = "use printable ASCII characters without spaces";
            self.faults.add(&item.place, "a header cannot contain this token", remedy);
        }
        Some(AdminToken(secret))
    }

    fn warn_of_listener(&self, admin: Option<SocketAddr>, address: &Place, token: &Place) {
        match admin {
            None => {
                let remedy = "add admin = \"127.0.0.1:9900\", or remove the token";
                self.warnings.add(token, "the token has no effect without `admin`", remedy);
            }
            Some(admin) if !admin.ip().is_loopback() => {
                let remedy =
                    "listen on 127.0.0.1, and connect through a tunnel or a proxy with TLS";
                let problem =
                    "other machines can reach the admin API and read the token on the network";
                self.warnings.add(address, problem, remedy);
            }
            Some(_) => {}
        }
    }
}
