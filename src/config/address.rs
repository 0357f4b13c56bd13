//! Addresses: to listen on, and to send to.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::HashSet;

use http::Uri;

use super::Reader;
use crate::document::{Located, Place};

impl Reader<'_, '_> {
    pub(super) fn located_address(&self, text: &Located<&str>) -> Option<Located<SocketAddr>> {
        let address = text.value.parse().ok();
        if address.is_none() {
            let remedy = "write an address and a port, as in \"127.0.0.1:8080\" or \"[::]:8080\"";
            self.faults.add(&text.place, "this is no address to listen on", remedy);
        }
        address.map(|value| Located { value, place: text.place.clone() })
    }

    pub(super) fn check_addresses<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Located<SocketAddr>>,
    ) {
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
    pub(super) fn origin(&self, text: &Located<&str>) -> Option<Uri> {
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
