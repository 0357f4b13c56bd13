//! Listeners, upstream, admin and client networks: every key that holds a network address.

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

/// How long requests in flight have when the proxy stops, unless the config says otherwise.
const DEFAULT_STOP_TIMEOUT_SECS: i64 = 30;

/// What only the proxy asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Where every path goes that is no callback's.
    pub upstream: Option<Uri>,
    /// Where health and metrics are served.
    pub admin: Option<SocketAddr>,
    /// Who may change templates there; without it nobody may.
    pub admin_token: Option<AdminToken>,
    /// Worker threads; one per core if not set.
    pub threads: Option<NonZeroUsize>,
    /// How long requests in flight have when the proxy stops.
    pub stop_timeout: Duration,
    /// Whether each connection to `listen` starts with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Where it hands its listeners over to a successor; without it they cannot be.
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
            let remedy = "write an address and a port, as in \"127.0.0.1:8080\" or \"[::]:8080\"";
            self.faults.add(&text.place, "this is no address to listen on", remedy);
        }
        address.map(|value| Located { value, place: text.place.clone() })
    }

    fn check_addresses<'a>(&self, addresses: impl Iterator<Item = &'a Located<SocketAddr>>) {
        let mut taken = HashSet::new();
        for address in addresses {
            if !taken.insert(address.value) {
                let remedy = "give each listener an address of its own";
                self.faults.add(
                    &address.place,
                    "this address is taken by another listener",
                    remedy,
                );
            }
        }
    }

    /// An address of a server alone.
    fn origin(&self, text: &Located<&str>) -> Option<Uri> {
        let url = self.url(text)?;
        if url.path_and_query().is_some_and(|rest| rest != "/") {
            let remedy = "leave out everything behind the port: each request keeps its own path";
            self.faults.add(&text.place, "this address has a path", remedy);
            return None;
        }
        Some(url)
    }

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
            let remedy = "write http:// or https:// and a host, a port up to 65535 if it is not the \
                          usual one, and no user name";
            self.faults.add(&text.place, "this is no address", remedy);
        }
        url
    }

    /// A proxy that sends to itself would never end.
    pub(super) fn check_loop(&self, place: &Place, url: &Uri, listen: &[SocketAddr]) {
        if listen.iter().any(|own| is_at(url, own)) {
            let remedy = "write the app's own address";
            self.faults.add(place, "this is an address that the proxy itself listens on", remedy);
        }
    }
}

/// The port that is written, or else the scheme's.
pub(super) fn port_of(url: &Uri) -> u16 {
    let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
    url.port_u16().unwrap_or(usual)
}

/// Whether a request to the address arrives at the listener, as far as their text tells.
fn is_at(url: &Uri, own: &SocketAddr) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let ip: Option<IpAddr> =
        if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() };
    let reaches = |ip: IpAddr| {
        ip == own.ip()
            || (ip.is_loopback() && (own.ip().is_loopback() || own.ip().is_unspecified()))
    };
    port_of(url) == own.port() && ip.is_some_and(reaches)
}

/// Whether the port, if one is written, is one: `http` keeps any digits and then has none.
fn has_good_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let written = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    !written || url.port_u16().is_some_and(|port| port > 0)
}

/// The most that a limit may say.
const MAX_RATE: i64 = 1_000_000;

impl<'f> ConfigReader<'f, '_> {
    /// The proxies in front. With the PROXY protocol it should be said who they are.
    pub(super) fn trusted_proxies(&self, table: &Table<'f>, proxy: &ProxySettings) -> Networks {
        let everybody = "anybody can claim any address";
        let trusted = self.networks(table, "trusted_proxies", everybody);
        let is_local = |address: &SocketAddr| address.ip().is_loopback();
        if proxy.proxy_protocol && trusted.is_empty() && !proxy.listen.iter().all(is_local) {
            let problem = "whoever connects can claim any address";
            let remedy = "name the proxies in front in trusted_proxies";
            self.warnings.add(&table.place_of("proxy_protocol"), problem, remedy);
        }
        trusted
    }

    /// Who may call a route.
    pub(super) fn allow(&self, table: &Table<'f>) -> Networks {
        if table.has("allow") && table.list("allow").is_empty() {
            let remedy = "name the platform's networks, or leave it out";
            self.faults.add(&table.place_of("allow"), "this allows nobody", remedy);
        }
        self.networks(table, "allow", "everybody may call")
    }

    fn networks(&self, table: &Table<'f>, key: &'f str, everybody: &str) -> Networks {
        let written = table.strings(key);
        Networks::new(written.iter().filter_map(|text| self.network(text, everybody)).collect())
    }

    fn network(&self, text: &Located<&str>, everybody: &str) -> Option<IpNet> {
        let alone = || text.value.parse().ok().map(|address: IpAddr| address.into());
        let network: Option<IpNet> = text.value.parse().ok().or_else(alone);
        let Some(network) = network.filter(|network| !is_mapped(network)) else {
            let remedy =
                "write an address or a network, as in \"192.0.2.0/24\" or \"2001:db8::/32\"";
            self.faults.add(&text.place, "this is no network", remedy);
            return None;
        };
        self.warn_of_network(&network, &text.place, everybody);
        Some(network)
    }

    fn warn_of_network(&self, network: &IpNet, place: &Place, everybody: &str) {
        if network.prefix_len() == 0 {
            self.warnings.add(place, format!("this is everybody: {everybody}"), "name less");
        } else if network.trunc() != *network {
            let problem = "this address lies within the network that is meant";
            self.warnings.add(place, problem, format!("write {}", network.trunc()));
        }
    }

    /// A number in a second, and, unless it is the same, how many at once.
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

/// Whether it is written for IPv4 addresses in IPv6, which are taken for what they are.
fn is_mapped(network: &IpNet) -> bool {
    matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some())
}

/// What a caller of the admin API must know. It can be compared with, and nothing else.
#[derive(Clone, Debug)]
pub struct AdminToken(Secret);

impl AdminToken {
    /// Whether `candidate` is the token. The time taken depends on the lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.matches(candidate)
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// The token, and whether the listener is a fit place for it.
    fn admin_token(&self, table: &Table<'f>, admin: Option<SocketAddr>) -> Option<AdminToken> {
        let item = table.any("admin_token")?;
        self.warn_of_listener(admin, &table.place_of("admin"), &item.place);
        let secret = self.secret(&item)?;
        if !secret.expose().iter().all(u8::is_ascii_graphic) {
            let remedy = "use letters, digits and signs of ASCII, without blanks";
            self.faults.add(&item.place, "this token cannot stand in a header", remedy);
        }
        Some(AdminToken(secret))
    }

    fn warn_of_listener(&self, admin: Option<SocketAddr>, address: &Place, token: &Place) {
        match admin {
            None => {
                let remedy = "add admin = \"127.0.0.1:9900\", or take the token out";
                self.warnings.add(token, "there is no admin listener to use this token on", remedy);
            }
            Some(admin) if !admin.ip().is_loopback() => {
                let remedy =
                    "listen on 127.0.0.1, and reach it through a tunnel or a proxy with TLS";
                let problem =
                    "other machines can reach the admin API, and read the token on its way";
                self.warnings.add(address, problem, remedy);
            }
            Some(_) => {}
        }
    }
}
