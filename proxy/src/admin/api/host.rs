//! Hosts that a request to the API or the console may name.
//!
//! A web page can make its own name resolve to the address of the admin listener (DNS rebinding).
//! The browser of an operator then sends the page's requests to this listener. The host of these
//! requests is still the page's own name.

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use pingora::http::RequestHeader;

/// Returns true if the only `host` header of the request names `localhost`, a subdomain of
/// `localhost`, an IP address or one of `names`. If the target of the request has a
/// host, the same rule applies to this host.
pub(in crate::admin) fn is_allowed(request: &RequestHeader, names: &[String]) -> bool {
    let mut hosts = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = Authority::try_from(host.as_bytes());
    host.is_ok_and(|host| is_own(&host, names))
        && request.uri.authority().is_none_or(|target| is_own(target, names))
}

fn is_own(authority: &Authority, names: &[String]) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || names.iter().any(|own| own == name)
}
