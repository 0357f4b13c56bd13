//! URLs, networks of clients, and rate limits in the config.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::Uri;
use ipnet::IpNet;

use super::{ConfigReader, ProxySettings};
use crate::address::Address;
use crate::address_guard::AddressGuard;
use crate::client::Networks;
use crate::limit::Rate;
use crate::route::has_dot_segment;
use crate::toml_reader::{FaultKind, Located, Place, Table};

impl ConfigReader<'_, '_> {
    /// Parses an address that consists of a scheme, a host and an optional port.
    pub(super) fn origin(&self, text: &Located<&str>) -> Option<Uri> {
        let url = self.url(text)?;
        if url.path_and_query().is_some_and(|rest| rest != "/") {
            let remedy = "remove everything after the port, because gatepost adds the path itself";
            let problem = "expected no path in this address, found a path";
            self.faults.add(&text.place, FaultKind::UrlInvalid.because(problem), remedy);
            return None;
        }
        Some(url)
    }

    /// Parses an `http` or `https` URL without a user name.
    pub(super) fn url(&self, text: &Located<&str>) -> Option<Uri> {
        let url = parse_url(text.value);
        if let Err(found) = url {
            let remedy = "write http:// or https://, a host and an optional port from 1 to 65535, \
                          but no user name; or unix: and the path of a socket";
            let problem = format!("expected a valid URL, found {found}");
            self.faults.add(&text.place, FaultKind::UrlInvalid.because(problem), remedy);
        }
        if url.as_ref().is_ok_and(|url| has_dot_segment(url.path())) {
            let problem = "expected a path without the segments . and .., found one of them";
            let problem = FaultKind::UrlInvalid.because(problem);
            self.faults.add(&text.place, problem, "write the resulting path without . and ..");
            return None;
        }
        url.ok()
    }

    /// Reports an address on which the proxy itself listens: with this address, the proxy sends
    /// each request to itself in an endless loop. `own` contains the addresses on which the proxy
    /// listens.
    pub(super) fn check_loop(&self, place: &Place, address: &Address, own: &[SocketAddr]) {
        let is_socket = address.server().socket().is_some();
        if !is_socket && own.iter().any(|listener| is_at(address.url(), listener)) {
            let remedy = "write the address of the app";
            let problem = "expected the app's address, found the proxy's address";
            self.faults.add(place, FaultKind::AddressIsProxy.because(problem), remedy);
        }
    }
}

/// Parses a URL.
///
/// # Errors
///
/// Returns a description of the fault. Omits the URL, because a URL may contain a password.
fn parse_url(text: &str) -> Result<Uri, &'static str> {
    let url: Uri = text.parse().map_err(|_| "an invalid URL")?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("no http:// or https://");
    }
    let Some(authority) = url.authority().filter(|authority| !authority.host().is_empty()) else {
        return Err("no host");
    };
    if authority.as_str().contains('@') {
        return Err("a user name");
    }
    if has_good_port(&url) { Ok(url) } else { Err("an invalid port") }
}

/// Returns the port of a URL, or the default port of its scheme.
pub(super) fn port_of(url: &Uri) -> u16 {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    url.port_u16().unwrap_or(default)
}

/// Returns `true` if the spelling of the URL shows that a request to it reaches the listener.
fn is_at(url: &Uri, listener: &SocketAddr) -> bool {
    let own = listener.ip();
    let reaches = match machine(url) {
        Machine::This => own.is_loopback() || own.is_unspecified(),
        Machine::Address(ip) => ip == own.to_canonical(),
        Machine::Name(_) => false,
    };
    port_of(url) == listener.port() && reaches
}

/// Returns `true` if two addresses name the same machine and port, or the same socket.
///
/// gatepost compares names, and does not resolve them.
pub(super) fn same_server(one: &Address, other: &Address) -> bool {
    match (one.server().socket(), other.server().socket()) {
        (None, None) => same_url_server(one.url(), other.url()),
        (one, other) => one == other,
    }
}

/// Returns `true` if a client of the admin API may set the address. Judges each spelling of this
/// machine as 127.0.0.1. Permits every other name, because the proxy checks the IP addresses of a
/// name before it connects.
pub(super) fn is_permitted(guard: &AddressGuard, address: &Address) -> bool {
    if let Some(socket) = address.server().socket() {
        return guard.permits_socket(socket);
    }
    match machine(address.url()) {
        Machine::This => guard.permits(Ipv4Addr::LOCALHOST.into()),
        Machine::Address(ip) => guard.permits(ip),
        Machine::Name(_) => true,
    }
}

fn same_url_server(one: &Uri, other: &Uri) -> bool {
    port_of(one) == port_of(other) && machine(one) == machine(other)
}

/// The host of a URL, derived only from its spelling.
#[derive(PartialEq, Eq)]
enum Machine {
    /// The machine on which gatepost runs, as in `localhost`, `127.1` or `0.0.0.0`.
    This,
    Address(IpAddr),
    /// A name in lower case.
    Name(String),
}

fn machine(url: &Uri) -> Machine {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let address = host.parse().ok().or_else(|| short_ipv4(host).map(IpAddr::V4));
    match address.map(|address| address.to_canonical()) {
        Some(address) if address.is_loopback() || address.is_unspecified() => Machine::This,
        Some(address) => Machine::Address(address),
        None if is_local_name(host) => Machine::This,
        None => Machine::Name(host.to_owned()),
    }
}

fn is_local_name(host: &str) -> bool {
    ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"].contains(&host)
        || host.ends_with(".localhost")
}

/// Parses further forms of an IPv4 address, which the system's resolver accepts: fewer than four
/// parts, and hexadecimal or octal numbers, such as `127.1`, `2130706433` or `0x7f.0.0.1`.
fn short_ipv4(host: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    };
    let parts: Vec<_> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last().filter(|(_, leading)| leading.len() < 4)?;
    let free_bits = 32 - 8 * u32::try_from(leading.len()).ok()?;
    if leading.iter().any(|part| *part > 255) || u64::from(*last) >> free_bits > 0 {
        return None;
    }
    let high = leading.iter().zip([24, 16, 8]).fold(0, |bits, (part, shift)| bits | part << shift);
    Some(Ipv4Addr::from_bits(high | last))
}

/// Returns `true` if the URL has no port, or a port from 1 to 65535.
///
/// `http::Uri` accepts any digits after the colon. `port_u16` returns `None` for a missing port and
/// for a port that is out of range, so this function searches for the colon.
fn has_good_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let has_port = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    !has_port || url.port_u16().is_some_and(|port| port > 0)
}

/// Maximum of `per_second` and of `burst` in a rate limit.
const MAX_RATE: i64 = 1_000_000;

impl<'f> ConfigReader<'f, '_> {
    /// Reads `trusted_proxies`, and warns if any client can send a PROXY protocol header.
    pub(super) fn trusted_proxies(&self, table: &Table<'f>, proxy: &ProxySettings) -> Networks {
        let effect = "any client can write any address in place of its own";
        let trusted = self.networks(table, "trusted_proxies", effect);
        let is_local = |address: &SocketAddr| address.ip().is_loopback();
        if proxy.proxy_protocol && trusted.is_empty() && !proxy.addresses().iter().all(is_local) {
            let problem = "expected trusted_proxies, found none, so any client can write any address in place of its own";
            let remedy = "list the proxies in front of gatepost in trusted_proxies";
            let problem = FaultKind::NetworkTooLarge.because(problem);
            self.warnings.add(&table.place_of("proxy_protocol"), problem, remedy);
        }
        trusted
    }

    /// Reads `allow`: the networks whose clients may send requests to a route.
    pub(super) fn allow(&self, table: &Table<'f>) -> Networks {
        if table.has("allow") && table.list("allow").is_empty() {
            let remedy = "list the platform's networks, or remove allow";
            let problem = FaultKind::NetworkInvalid.because("expected a network, found none");
            self.faults.add(&table.place_of("allow"), problem, remedy);
        }
        self.networks(table, "allow", "every client may send callbacks")
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
            self.faults.add_text(text, FaultKind::NetworkInvalid.because("a network"), remedy);
            return None;
        };
        self.warn_of_network(&network, &text.place, effect);
        Some(network)
    }

    fn warn_of_network(&self, network: &IpNet, place: &Place, effect: &str) {
        if network.prefix_len() == 0 {
            let problem = format!("expected a smaller network, found every address, so {effect}");
            let problem = FaultKind::NetworkTooLarge.because(problem);
            self.warnings.add(place, problem, "list smaller networks");
        } else if network.trunc() != *network {
            let problem = "expected a network without host bits, found host bits";
            let problem = FaultKind::NetworkTooLarge.because(problem);
            self.warnings.add(place, problem, format!("write {}", network.trunc()));
        }
    }

    /// Reads `limit`: a rate limit, and `shared`. Returns the rate, and true if machines share the
    /// limit.
    pub(super) fn route_limit(&self, table: &Table<'f>) -> Option<(Rate, bool)> {
        let limit = table.table("limit")?;
        let is_shared = limit.boolean("shared").unwrap_or_default();
        if is_shared && !self.has_store {
            let problem = "expected a [store] for a shared limit, found none";
            let problem = FaultKind::KeyMissing.because(problem);
            let remedy = "add [store], or remove shared";
            self.faults.add(&limit.place_of("shared"), problem, remedy);
        }
        Some((self.rate(&limit)?, is_shared))
    }

    /// Reads `source_limit`.
    pub(super) fn source_limit(&self, table: &Table<'f>) -> Option<Rate> {
        self.rate(&table.table("source_limit")?)
    }

    /// Reads a rate limit: `per_second` and `burst`. The default of `burst` is `per_second`.
    fn rate(&self, limit: &Table<'f>) -> Option<Rate> {
        let number = |key| limit.integer(key, 1..=MAX_RATE).and_then(|n| u32::try_from(n).ok());
        let (per_second, burst) = (number("per_second"), number("burst"));
        if !limit.has("per_second") {
            let remedy = "add per_second = 100";
            let absent = (&limit.place, "per_second");
            let problem = "expected `per_second`, found none";
            self.faults.add_missing(absent, &limit.place, problem, remedy);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_machine_are_equal() {
        let same = |one: &str, other: &str| {
            let url = |host: &str| format!("http://{host}:80/x").parse().unwrap();
            same_url_server(&url(one), &url(other))
        };
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.01",
            "localhost",
            "LOCALHOST.",
            "app.localhost",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "ip6-localhost",
        ] {
            assert!(same("localhost", host), "expected a spelling of localhost, found {host}");
            let is_other = same("app.test", host) || same("10.0.0.1", host);
            assert!(!is_other, "expected only localhost, found {host} equal to another machine");
        }
        for host in ["10.0.0.1", "10.1", "167772161", "0xa.1", "[::ffff:10.0.0.1]", "012.0.0.1"] {
            let is_same = same("10.0.0.1", host) && !same("localhost", host);
            assert!(is_same, "expected a spelling of 10.0.0.1, found {host}");
        }
        assert!(same("app.test", "APP.test."));
        for host in ["app.test", "127.0.0.1.x", "1.2.3.4.5", "256.0.0.1", "127.16777216", "0x", ""]
        {
            let is_local = !host.is_empty() && same("localhost", host);
            assert!(!is_local, "expected a machine other than localhost, found {host}");
        }
    }
}
