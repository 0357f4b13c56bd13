//! Codes of requests and connections that gatepost ends before a verdict.

use super::{CodeGroup, CodeHelp, LOG, help};

const fn connection(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Connection, texts)
}

const REJECTED: &str = "log, gatepost_requests_rejected_total";
const CLOSED: &str = "log, gatepost_connections_closed_total";

/// The codes, sorted.
pub(super) const CONNECTIONS: &[CodeHelp] = &[
    connection([
        "head_too_large",
        "the head of a request is longer than 64 KiB",
        "a client sends huge headers or cookies",
        REJECTED,
        "look for the client in `from`; no platform sends such a head",
    ]),
    connection([
        "host_invalid",
        "the `host` of the request is missing, repeated or malformed, or contradicts the target of the request",
        "a scanner, a health check without a host, or a broken proxy in front of gatepost",
        REJECTED,
        "make the proxy in front of gatepost send one `host`",
    ]),
    connection([
        "proxy_protocol_broken",
        "the connection does not begin with a valid header of the PROXY protocol, or its peer is not in trusted_proxies",
        "proxy_protocol is true, but the load balancer or a health check does not send the header, or its address is not in trusted_proxies",
        LOG,
        "turn the PROXY protocol on in the load balancer, or add its address to trusted_proxies; without a load balancer, remove proxy_protocol",
    ]),
    connection([
        "request_too_slow",
        "the client sent the head of a request at less than 1 KiB per second",
        "a broken network, or a client that keeps connections open on purpose",
        CLOSED,
        "look for the client in `from`; if the client is the platform, look for a slow proxy in front of gatepost",
    ]),
    connection([
        "request_unreadable",
        "the request is not HTTP, or its head, target or chunks are malformed",
        "a scanner, TLS sent to a listener without TLS, or a client that closed the connection during the request",
        "log, gatepost_requests_unreadable_total",
        "if the client is yours, use http:// for `listen` and https:// for `listen_tls`",
    ]),
    connection([
        "route_not_found",
        "no route has the path of the request, and the config has no upstream, so gatepost replied 404",
        "a wrong address in the platform's console, a proxy in front of gatepost that changes the path, a scanner, or a health check",
        "log, gatepost_requests_not_found_total",
        "compare the path in `request` with `gatepost routes`; often, a proxy in front of gatepost removes the start of the path, as nginx does with a path in `proxy_pass`; let health checks call /readyz on `admin`",
    ]),
    connection([
        "target_invalid",
        "the target of the request is neither a path nor an HTTP URL",
        "a scanner, or a client that uses gatepost as a forward proxy",
        REJECTED,
        "look for the client in `from`",
    ]),
    connection([
        "tls_certificate_not_accepted",
        "the client does not accept gatepost's certificate",
        "the certificate has expired, does not have the name that the client requested, or its chain is incomplete",
        CLOSED,
        "run `gatepost check` to see the names and dates of each certificate, and write the whole chain into the file in `chain`",
    ]),
    connection([
        "tls_client_certificate_refused",
        "the client has not sent a certificate of an authority in client_ca",
        "client_ca is set, and the client has no certificate, or a certificate of another authority",
        CLOSED,
        "give the client a certificate of the authority, or remove client_ca",
    ]),
    connection([
        "tls_expected",
        "a client connected without TLS to a listener with TLS",
        "the client uses an address that begins with http://",
        CLOSED,
        "write the address with https:// in the platform's console, or send plain HTTP to an address in `listen`",
    ]),
    connection([
        "tls_handshake_failed",
        "the TLS handshake failed",
        "the client disconnected, or client and gatepost have no cipher in common",
        CLOSED,
        "try `openssl s_client -connect HOST:PORT`",
    ]),
    connection([
        "tls_handshake_slow",
        "the TLS handshake took longer than 10 seconds",
        "a slow network, or a client that keeps connections open on purpose",
        CLOSED,
        "look for the client in `from`",
    ]),
    connection([
        "tls_version_refused",
        "the client supports only TLS versions that min_version does not permit",
        "the client is old",
        CLOSED,
        "update the client; if min_version is \"1.3\", write min_version = \"1.2\"",
    ]),
    connection([
        "too_many_connections",
        "there are more connections than max_connections",
        "many clients, or one client that opens more and more connections",
        CLOSED,
        "look for the client in `from`; if all connections are genuine, raise max_connections",
    ]),
    connection([
        "too_many_unjudged_bytes",
        "the unfinished requests of all clients hold more than max_unjudged_bytes, or those of one client hold more than an eighth of max_unjudged_bytes",
        "a client begins large requests and does not complete them",
        CLOSED,
        "look for the client in `from`; if the requests are genuine, raise max_unjudged_bytes",
    ]),
];
