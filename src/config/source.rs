//! Who may call, and how often: `trusted_proxies`, `allow`, `limit` and `source_limit`.

use core::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::{ProxySettings, Reader};
use crate::document::{Located, Place, Table};
use crate::limit::Rate;
use crate::source::Networks;

/// The most that a limit may say.
const MAX_RATE: i64 = 1_000_000;

impl<'f> Reader<'f, '_> {
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
