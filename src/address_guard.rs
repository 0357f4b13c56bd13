//! Guard that limits the addresses that a client of the admin API may set for apps.
//!
//! 1. Without `allow_addresses`, gatepost permits every IP address, except link-local addresses and
//!    the addresses of the metadata services of clouds. gatepost then permits no Unix socket.
//! 2. With `allow_addresses`, gatepost permits only the networks, names and sockets of this list.
//! 3. A name may resolve to another address at any time (DNS rebinding), so the proxy checks each
//!    address of a name when it connects. If the list contains the name itself, the proxy does not
//!    check the addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Addresses that a client of the admin API may set for apps.
#[derive(Debug, Default)]
pub struct AddressGuard {
    /// `None` if the config has no `allow_addresses`.
    pub(crate) list: Option<PermittedServers>,
}

/// The entries of `allow_addresses`.
#[derive(Debug, Default)]
pub(crate) struct PermittedServers {
    pub(crate) networks: Vec<IpNet>,
    /// Names in lower case.
    pub(crate) hosts: Vec<String>,
    pub(crate) sockets: Vec<PathBuf>,
}

impl AddressGuard {
    /// Returns true if gatepost may connect to the IP address.
    #[must_use]
    pub fn permits(&self, ip: IpAddr) -> bool {
        let ip = embedded(ip);
        match &self.list {
            Some(list) => list.networks.iter().any(|network| network.contains(&ip)),
            None => !is_sensitive(ip),
        }
    }

    pub(crate) fn permits_socket(&self, socket: &Path) -> bool {
        self.list.iter().any(|list| list.sockets.iter().any(|own| own == socket))
    }

    pub(crate) fn names(&self, host: &str) -> bool {
        let mut hosts = self.list.iter().flat_map(|list| &list.hosts);
        hosts.any(|own| own.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host)))
    }
}

/// Returns the IPv4 address in an IPv4-mapped or NAT64 address; otherwise the address itself.
fn embedded(ip: IpAddr) -> IpAddr {
    const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
    match ip.to_canonical() {
        IpAddr::V6(ip) if NAT64.contains(&ip) => {
            let [.., a, b, c, d] = ip.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    }
}

/// Returns true for a link-local address, and for an address of a metadata service.
fn is_sensitive(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let link_local = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);
            link_local.contains(&ip) || METADATA_V4.contains(&ip)
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || METADATA_V6.contains(&ip),
    }
}

/// IPv4 addresses of metadata services outside of the link-local network: Alibaba Cloud, Oracle
/// Cloud (classic), and Azure (WireServer).
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// IPv6 addresses of metadata services: Amazon EC2 and Google Cloud.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn denies_link_local_and_metadata_addresses_by_default() {
        let guard = AddressGuard::default();
        for denied in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
        ] {
            assert!(!guard.permits(ip(denied)), "expected a denial of {denied}, found permission");
        }
        for permitted in ["127.0.0.1", "10.0.0.1", "192.0.2.1", "::1", "fd00::1", "100.100.100.201"]
        {
            assert!(
                guard.permits(ip(permitted)),
                "expected permission for {permitted}, found a denial"
            );
        }
    }

    #[test]
    fn allow_addresses_replaces_the_default_rules() {
        let networks = vec!["10.0.0.0/8".parse().unwrap(), "169.254.20.0/24".parse().unwrap()];
        let hosts = vec!["app.internal".to_owned()];
        let list = PermittedServers { networks, hosts, sockets: Vec::new() };
        let guard = AddressGuard { list: Some(list) };
        assert!(guard.permits(ip("10.1.2.3")) && guard.permits(ip("169.254.20.1")));
        assert!(!guard.permits(ip("127.0.0.1")) && !guard.permits(ip("169.254.169.254")));
        assert!(guard.names("App.internal.") && !guard.names("internal"));
    }
}
