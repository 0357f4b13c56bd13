//! The client of a request, and the headers that describe the client to the app.
//!
//! 1. A peer of the connection that is not in `trusted_proxies` is the client.
//! 2. If the peer is a trusted proxy, the client is the right-most address in `x-forwarded-for`
//!    that is not a trusted proxy. The client itself may have written the entries further left.
//! 3. gatepost reads the entries from right to left, and stops at an entry that is not an address.
//!    If all addresses that gatepost reads are trusted proxies, the client is the left-most of
//!    these addresses. If gatepost reads no address, the client is the peer.
//!
//! gatepost passes on received `x-forwarded-*` headers only if the peer is a trusted proxy.

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use bytes::BytesMut;
use data_encoding::HEXLOWER;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::event::take_header;
use crate::head::{
    Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, is_host,
};
use crate::time::Timestamp;

/// IP networks that a config key lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    pub(crate) const fn new(list: Vec<IpNet>) -> Self {
        Self(list)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if one of the networks contains the address. The caller must convert
    /// IPv4-mapped IPv6 addresses to IPv4.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Client of a request: the address, and the number of trusted entries in `x-forwarded-for`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Client {
    /// Address of the client; `None` if the server did not set the peer of the connection.
    pub(crate) address: Option<IpAddr>,
    /// Number of entries in `x-forwarded-for`, counted from the right, that trusted proxies wrote.
    /// `None` if the peer is not a trusted proxy.
    trusted_hops: Option<usize>,
}

/// Time of arrival and client of a callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Time at which the head arrived.
    pub(crate) at: Timestamp,
    pub(crate) client: Client,
}

impl Client {
    /// Determines the client of a request by the rules of this module.
    pub(crate) fn of(head: &Head<'_>, trusted: &Networks) -> Self {
        let Some(peer) = head.peer() else { return Self::default() };
        if !trusted.contain(peer) {
            return Self { address: Some(peer), trusted_hops: None };
        }
        let (mut address, mut trusted_hops) = (peer, 0);
        for hop in hops(head.headers()).rev().map_while(parse) {
            (address, trusted_hops) = (hop, trusted_hops + 1);
            if !trusted.contain(hop) {
                break;
            }
        }
        Self { address: Some(address), trusted_hops: Some(trusted_hops) }
    }

    /// Returns true if the peer is a trusted proxy.
    pub(crate) const fn is_behind_trusted_proxy(&self) -> bool {
        self.trusted_hops.is_some()
    }

    /// Returns the values of `x-forwarded-for`, `x-forwarded-host` and `x-forwarded-proto` for the
    /// app.
    ///
    /// Uses the buffer `text` to write the value of `x-forwarded-for`.
    pub(crate) fn forwarded_headers(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
        text: &mut BytesMut,
    ) -> [Option<HeaderValue>; 3] {
        let received = head.headers();
        let trusted = |name: HeaderName| self.trusted_hops.and_then(|_| received.get(name));
        let host = || {
            let authority = || HeaderValue::from_str(head.uri().authority()?.as_str()).ok();
            received.get(HOST).cloned().or_else(authority)
        };
        let scheme = || match context.scheme? {
            "http" => Some(HeaderValue::from_static("http")),
            "https" => Some(HeaderValue::from_static("https")),
            _ => None,
        };
        let trusted_scheme = trusted(X_FORWARDED_PROTO).filter(|value| is_scheme(value)).cloned();
        [
            self.chain(received, text),
            trusted(X_FORWARDED_HOST).filter(|value| are_hosts(value)).cloned().or_else(host),
            trusted_scheme.or_else(scheme),
        ]
    }

    /// Returns the value of `x-forwarded-for` for the app: the entries before the client, then the
    /// client.
    ///
    /// Omits the trusted proxies after the client.
    fn chain(&self, received: &HeaderMap, text: &mut BytesMut) -> Option<HeaderValue> {
        let address = self.address?;
        if let Some(trusted_hops) = self.trusted_hops {
            let untrusted = hops(received).count().saturating_sub(trusted_hops);
            for hop in hops(received).take(untrusted) {
                text.extend_from_slice(hop);
                text.extend_from_slice(b", ");
            }
        }
        write_address(address, text);
        Some(take_header(text))
    }
}

/// Maximum length of an IPv4 address in text form.
pub(crate) const MAX_IPV4_BYTES: usize = 15;

fn write_address(address: IpAddr, out: &mut BytesMut) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b".");
                }
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        IpAddr::V6(address) => out.extend_from_slice(address.to_string().as_bytes()),
    }
}

/// Returns the entries of all `x-forwarded-for` lines in the order in which proxies added them.
fn hops(received: &HeaderMap) -> impl DoubleEndedIterator<Item = &[u8]> {
    let lines = received.get_all(X_FORWARDED_FOR).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii)
}

/// Parses an address in the forms that proxies write: alone, with a port, or in brackets.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?;
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

/// Returns true if each entry is a host. A proxy may pass on any text that its client sent as the
/// host. If the text contains a path, the app may build a wrong URL.
fn are_hosts(value: &HeaderValue) -> bool {
    value.as_bytes().split(|b| *b == b',').all(|host| is_host(host.trim_ascii()))
}

fn is_scheme(value: &HeaderValue) -> bool {
    value == "http" || value == "https"
}

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Returns `traceparent` and `tracestate` (W3C Trace Context) for the event.
///
/// Continues the trace of the request. If the request has no valid `traceparent`, starts a trace
/// from the random bytes of the context. Uses the buffer `text` for a new value.
pub(crate) fn trace_headers(
    received: &HeaderMap,
    context: &RequestContext<'_>,
    text: &mut BytesMut,
) -> [Option<HeaderValue>; 2] {
    match received.get(TRACEPARENT).filter(|parent| is_traceparent(parent)) {
        Some(parent) => {
            let own = context.span.map(|span| with_span(parent, span, text));
            [Some(own.unwrap_or_else(|| parent.clone())), received.get(TRACESTATE).cloned()]
        }
        None => [context.trace.map(|bytes| new_traceparent(bytes, context.span, text)), None],
    }
}

fn new_traceparent(mut bytes: [u8; 24], span: Option<[u8; 8]>, text: &mut BytesMut) -> HeaderValue {
    if let (Some(span), Some((_, own))) = (span, bytes.split_last_chunk_mut()) {
        *own = span;
    }
    let mut digits = [0; 48];
    HEXLOWER.encode_mut(&bytes, &mut digits);
    let (trace, parent) = digits.split_at(32);
    let flags = if span.is_some() { b"-01" } else { b"-00" };
    for part in [b"00-", trace, b"-", parent, flags] {
        text.extend_from_slice(part);
    }
    take_header(text)
}

/// Returns a received `traceparent` with `span` in place of the client's span.
fn with_span(received: &HeaderValue, span: [u8; 8], text: &mut BytesMut) -> HeaderValue {
    let mut digits = [0; 16];
    HEXLOWER.encode_mut(&span, &mut digits);
    let (trace, rest) = received.as_bytes().split_at(TRACEPARENT_SPAN.start);
    let (_, flags) = rest.split_at(TRACEPARENT_SPAN.len());
    for part in [trace, &digits, flags] {
        text.extend_from_slice(part);
    }
    take_header(text)
}

/// Position of the span in a `traceparent`.
const TRACEPARENT_SPAN: Range<usize> = 36..52;

/// Returns true if the value has the format of version 00 in the [specification], as of 2026-11.
///
/// [specification]: https://www.w3.org/TR/trace-context/#traceparent-header
fn is_traceparent(value: &HeaderValue) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut parts = value.as_bytes().split(|byte| *byte == b'-');
    let mut is_part =
        |length| parts.next().is_some_and(|part| part.len() == length && part.iter().all(is_hex));
    let is_filled = |range: Range<usize>| {
        value.as_bytes().get(range).is_some_and(|id| id.iter().any(|byte| *byte != b'0'))
    };
    [2, 32, 16, 2].into_iter().all(&mut is_part)
        && parts.next().is_none()
        && is_filled(3..35)
        && is_filled(TRACEPARENT_SPAN)
}

#[cfg(test)]
mod tests {
    use http::{Method, Uri};

    use super::*;

    fn trusted() -> Networks {
        Networks::new(["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into())
    }

    fn received(lines: &[&'static str]) -> HeaderMap {
        let lines = lines.iter().map(|line| (X_FORWARDED_FOR, HeaderValue::from_static(line)));
        lines.collect()
    }

    /// Returns the client's address and the `x-forwarded-for` that gatepost sends to the app.
    fn client_and_chain(peer: &str, lines: &[&'static str]) -> (String, String) {
        let (uri, received) = (Uri::from_static("/"), received(lines));
        let head = Head::new(&Method::POST, &uri, &received).with_peer(peer.parse().unwrap());
        let client = Client::of(&head, &trusted());
        let [chain, ..] =
            client.forwarded_headers(&head, &RequestContext::default(), &mut BytesMut::new());
        (client.address.unwrap().to_string(), chain.unwrap().to_str().unwrap().to_owned())
    }

    fn pair(address: &str, chain: &str) -> (String, String) {
        (address.into(), chain.into())
    }

    #[test]
    fn untrusted_peer_is_client_despite_forwarded_headers() {
        assert_eq!(client_and_chain("192.0.2.1", &["10.0.0.1"]), pair("192.0.2.1", "192.0.2.1"));
        assert_eq!(client_and_chain("::ffff:192.0.2.1", &[]), pair("192.0.2.1", "192.0.2.1"));
    }

    #[test]
    fn client_behind_trusted_proxy_is_right_most_untrusted_address() {
        let chain = "1.1.1.1, 192.0.2.7";
        assert_eq!(client_and_chain("10.0.0.1", &["1.1.1.1, 192.0.2.7"]), pair("192.0.2.7", chain));
        assert_eq!(
            client_and_chain("10.0.0.1", &["1.1.1.1", "192.0.2.7,10.9.9.9"]),
            pair("192.0.2.7", chain)
        );
        assert_eq!(
            client_and_chain("::ffff:10.0.0.1", &["192.0.2.7"]),
            pair("192.0.2.7", "192.0.2.7")
        );
        assert_eq!(
            client_and_chain("10.0.0.1", &["10.0.0.3, 10.0.0.2"]),
            pair("10.0.0.3", "10.0.0.3")
        );
        assert_eq!(client_and_chain("10.0.0.1", &[]), pair("10.0.0.1", "10.0.0.1"));
    }

    #[test]
    fn stops_at_entry_that_is_not_an_address() {
        let seen = |line: &'static str| client_and_chain("10.0.0.1", &[line]);
        assert_eq!(seen("1.1.1.1, unknown, 10.0.0.2").0, "10.0.0.2");
        assert_eq!(seen("1.1.1.1, unknown").0, "10.0.0.1");
        assert_eq!(seen("1.1.1.1, unknown").1, "1.1.1.1, unknown, 10.0.0.1");
        assert_eq!(seen("1.1.1.1, ").0, "10.0.0.1");
    }

    #[test]
    fn accepts_address_with_port_or_brackets() {
        for (hop, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2a00::1]:443", "2a00::1"),
            ("[2a00::1]", "2a00::1"),
            ("2a00::1", "2a00::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:10.0.0.2]:80", "10.0.0.2"),
        ] {
            assert_eq!(client_and_chain("2001:db8::1", &[hop]), pair(address, address), "{hop}");
        }
    }

    #[test]
    fn uses_forwarded_host_and_scheme_only_from_trusted_proxy() {
        let uri = Uri::from_static("/");
        let mut received = HeaderMap::new();
        received.insert("host", HeaderValue::from_static("gate.test"));
        received.insert(X_FORWARDED_HOST, HeaderValue::from_static("proxy.test"));
        received.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
        let forwarded = |peer: Option<&str>| {
            let mut head = Head::new(&Method::POST, &uri, &received);
            if let Some(peer) = peer {
                head = head.with_peer(peer.parse().unwrap());
            }
            let context = RequestContext { scheme: Some("http"), ..RequestContext::default() };
            let client = Client::of(&head, &trusted());
            client.forwarded_headers(&head, &context, &mut BytesMut::new())
        };
        let value = |text| Some(HeaderValue::from_static(text));
        let host = value("gate.test");
        let untrusted = [value("192.0.2.1"), host.clone(), value("http")];
        assert_eq!(forwarded(Some("192.0.2.1")), untrusted);
        assert_eq!(forwarded(None), [None, host, value("http")]);
        let trusted = [value("10.0.0.1"), value("proxy.test"), value("https")];
        assert_eq!(forwarded(Some("10.0.0.1")), trusted);
    }

    #[test]
    fn names_span_of_request_to_app_as_parent() {
        let trace = |received: &HeaderMap| {
            let context = RequestContext::default().with_trace([0x5a; 24]).with_span(Some([1; 8]));
            let [parent, _] = trace_headers(received, &context, &mut BytesMut::new());
            parent.unwrap()
        };
        let span = "01".repeat(8);
        assert_eq!(trace(&HeaderMap::new()), format!("00-{}-{span}-01", "5a".repeat(16)).as_str());
        let mut received = HeaderMap::new();
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        received.insert(TRACEPARENT, HeaderValue::from_static(unsampled));
        let own = format!("00-0af7651916cd43dd8448eb211c80319c-{span}-00");
        assert_eq!(trace(&received), own.as_str());
    }

    #[test]
    fn continues_a_valid_trace_or_starts_a_new_trace() {
        let trace = |received: &HeaderMap| {
            let context = RequestContext::default().with_trace([0x5a; 24]);
            let [parent, _] = trace_headers(received, &context, &mut BytesMut::new());
            parent.unwrap()
        };
        let new = format!("00-{}-{}-00", "5a".repeat(16), "5a".repeat(8));
        assert_eq!(trace(&HeaderMap::new()), new.as_str());
        let mut received = HeaderMap::new();
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        received.insert(TRACEPARENT, HeaderValue::from_static(valid));
        assert_eq!(trace(&received), valid);
        for invalid in [
            "garbage",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031-9cb7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            received.insert(TRACEPARENT, HeaderValue::from_static(invalid));
            assert_eq!(trace(&received), new.as_str(), "{invalid}");
        }
    }
}
