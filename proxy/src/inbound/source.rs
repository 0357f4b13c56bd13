//! The unit to which gatepost applies the limits on connections and on the bytes of requests
//! without a verdict: the network of a client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatepost::Gate;

/// Network of a client: an IPv4 address, or an IPv6 /64. A subscriber of an access network usually
/// has at least a /64, and can use all addresses in it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Source {
    network: IpAddr,
    /// True if the source may hold only an eighth of `max_unjudged_bytes`. False for an unknown
    /// client, and for a trusted proxy, which carries the requests of many clients.
    has_share: bool,
}

impl Source {
    pub(crate) const UNKNOWN: Self =
        Self { network: IpAddr::V4(Ipv4Addr::UNSPECIFIED), has_share: false };

    /// Returns the source of a client. If a trusted proxy names no client, the proxy is the client.
    pub(crate) fn of(client: Option<IpAddr>, gate: &Gate) -> Self {
        let known =
            |client| Self { network: network(client), has_share: !gate.is_trusted_proxy(client) };
        client.map_or(Self::UNKNOWN, known)
    }

    /// Returns true if the source may hold only an eighth of `max_unjudged_bytes`.
    pub(crate) const fn has_share(self) -> bool {
        self.has_share
    }
}

fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn source(last: u8) -> Source {
        Source { network: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), has_share: true }
    }

    pub(in super::super) fn trusted_proxy() -> Source {
        Source { has_share: false, ..source(0) }
    }

    #[test]
    fn source_is_ipv4_address_or_ipv6_network_of_64_bits() {
        for (client, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(client.parse().unwrap()).to_string(), expected);
        }
    }
}
