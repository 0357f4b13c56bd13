//! Callbacks that the console sends to gatepost's own listener, in place of the platform.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use gatepost::ProxySettings;
use http::{Request, response};
use http_body_util::Full;

use crate::app::{self, FetchError};
use crate::capture::{CAPTURED, CapturedCallback};

/// Maximum time for which gatepost waits for the captured callback after the reply.
pub(super) const CAPTURE_WAIT: Duration = Duration::from_secs(2);

/// Returns the URL of a listener that receives callbacks and that this process can reach.
pub(super) fn address(settings: &ProxySettings) -> Result<String, String> {
    if settings.proxy_protocol {
        let problem = "expected a listener without the PROXY protocol, found proxy_protocol; use gatepost \
                       send with the address of the load balancer";
        return Err(problem.into());
    }
    let Some(address) = settings.listen.first() else {
        let problem = "expected a listener without TLS, found none; use gatepost send with the public \
                       address";
        return Err(problem.into());
    };
    Ok(format!("http://{}", reachable(*address)))
}

/// Replaces the unspecified address, `0.0.0.0` or `::`, with the loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The reply to a callback, and the number of the captured callback.
pub(super) struct Received {
    pub(super) reply: Result<(response::Parts, Bytes), FetchError>,
    /// Number of the captured callback; `None` if gatepost did not capture the callback in time.
    pub(super) id: Option<u64>,
}

/// Sends a callback. After the reply, waits at most `wait` for the captured callback.
pub(super) async fn send(callback: Request<Bytes>, wait: Duration) -> Received {
    let (method, uri) = (callback.method().clone(), callback.uri().clone());
    let (body, newest) = (callback.body().clone(), CAPTURED.newest());
    let reply = app::fetch(callback.map(Full::new)).await;
    let is_sent = |own: &CapturedCallback| {
        let head = own.head();
        head.method == method
            && head.uri.path_and_query() == uri.path_and_query()
            && own.body().0 == body
    };
    let captured = match CAPTURED.is_on() {
        true => CAPTURED.wait_for(newest, wait, is_sent).await,
        false => None,
    };
    Received { reply, id: captured.map(|numbered| numbered.id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_listener_on_all_addresses_over_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        }
    }
}
