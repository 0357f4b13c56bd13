//! Who sent a request: the connection's other end, or whom a trusted proxy names.
//!
//! 1. It is the connection's other end, unless that is one of `trusted_proxies`.
//! 2. Then it is the right-most address of `x-forwarded-for` that is no trusted proxy's. What
//!    stands to the left of it is what that sender said, and proves nothing.
//! 3. An entry that is no address ends the walk; the hop before it counts.
//!
//! What a request says of itself in `x-forwarded-*` goes on to the app only from a trusted proxy.

use core::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use data_encoding::HEXLOWER;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::event::header_of;
use crate::head::{Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::time::Timestamp;

/// A list of networks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    pub(crate) const fn new(list: Vec<IpNet>) -> Self {
        Self(list)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them holds the address; an IPv4 address is asked for as such.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Client {
    /// Unknown where the door does not say who connected.
    pub(crate) address: Option<IpAddr>,
    /// How many entries of `x-forwarded-for` are known to be true, counted from the right, where
    /// the request came through a trusted proxy.
    vouched: Option<usize>,
}

/// The circumstances of a callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// When its head came.
    pub(crate) at: Timestamp,
    pub(crate) client: Client,
}

impl Client {
    pub(crate) fn of(head: &Head<'_>, trusted: &Networks) -> Self {
        let Some(peer) = head.peer() else { return Self::default() };
        if !trusted.contain(peer) {
            return Self { address: Some(peer), vouched: None };
        }
        let (mut address, mut vouched) = (peer, 0);
        for hop in hops(head.headers()).rev().map_while(parse) {
            (address, vouched) = (hop, vouched + 1);
            if !trusted.contain(hop) {
                break;
            }
        }
        Self { address: Some(address), vouched: Some(vouched) }
    }

    /// What the app is told of where a request came from: `x-forwarded-for`, `-host` and `-proto`,
    /// of which the first is written to the end of the text.
    pub(crate) fn forwarded(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
        text: &mut BytesMut,
    ) -> [Option<HeaderValue>; 3] {
        let received = head.headers();
        let said = |name: HeaderName| self.vouched.and_then(|_| received.get(name));
        let host = || {
            let authority = || HeaderValue::from_str(head.uri().authority()?.as_str()).ok();
            received.get(HOST).cloned().or_else(authority)
        };
        let scheme = || match context.scheme? {
            "http" => Some(HeaderValue::from_static("http")),
            "https" => Some(HeaderValue::from_static("https")),
            _ => None,
        };
        let said_scheme = said(X_FORWARDED_PROTO).filter(|said| is_scheme(said)).cloned();
        [
            self.chain(received, text),
            said(X_FORWARDED_HOST).cloned().or_else(host),
            said_scheme.or_else(scheme),
        ]
    }

    /// What a trusted proxy has passed on, up to the sender and no further.
    fn chain(&self, received: &HeaderMap, text: &mut BytesMut) -> Option<HeaderValue> {
        let address = self.address?;
        if let Some(vouched) = self.vouched {
            let said = hops(received).count().saturating_sub(vouched);
            for hop in hops(received).take(said) {
                text.extend_from_slice(hop);
                text.extend_from_slice(b", ");
            }
        }
        write_address(address, text);
        Some(header_of(text))
    }
}

/// As in `255.255.255.255`.
pub(crate) const LONGEST_V4: usize = 15;

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

/// The entries of all lines, from the first to the last that was added.
fn hops(received: &HeaderMap) -> impl DoubleEndedIterator<Item = &[u8]> {
    let lines = received.get_all(X_FORWARDED_FOR).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii)
}

/// An address, as proxies write it: alone, with a port, or in brackets.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?;
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

fn is_scheme(said: &HeaderValue) -> bool {
    said == "http" || said == "https"
}

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// W3C Trace Context: `traceparent` and `tracestate` of the trace that the request is part of, or of
/// one of its own, which is written to the end of the text.
pub(crate) fn trace_headers(
    received: &HeaderMap,
    own: Option<[u8; 24]>,
    text: &mut BytesMut,
) -> [Option<HeaderValue>; 2] {
    match received.get(TRACEPARENT).filter(|parent| is_traceparent(parent)) {
        Some(parent) => [Some(parent.clone()), received.get(TRACESTATE).cloned()],
        None => [own.map(|own| new_traceparent(own, text)), None],
    }
}

fn new_traceparent(bytes: [u8; 24], text: &mut BytesMut) -> HeaderValue {
    let mut digits = [0; 48];
    HEXLOWER.encode_mut(&bytes, &mut digits);
    let (trace, span) = digits.split_at(32);
    for part in [b"00-", trace, b"-", span, b"-00"] {
        text.extend_from_slice(part);
    }
    header_of(text)
}

/// <https://www.w3.org/TR/trace-context/#traceparent-header> (read 2026-11), version 00.
fn is_traceparent(value: &HeaderValue) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut parts = value.as_bytes().split(|byte| *byte == b'-');
    let mut is_part =
        |length| parts.next().is_some_and(|part| part.len() == length && part.iter().all(is_hex));
    [2, 32, 16, 2].into_iter().all(&mut is_part) && parts.next().is_none()
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

    /// The sender, and what the app reads of it.
    fn seen(peer: &str, lines: &[&'static str]) -> (String, String) {
        let (uri, received) = (Uri::from_static("/"), received(lines));
        let head = Head::new(&Method::POST, &uri, &received).with_peer(peer.parse().unwrap());
        let client = Client::of(&head, &trusted());
        let [chain, ..] = client.forwarded(&head, &RequestContext::default(), &mut BytesMut::new());
        (client.address.unwrap().to_string(), chain.unwrap().to_str().unwrap().to_owned())
    }

    fn pair(address: &str, chain: &str) -> (String, String) {
        (address.into(), chain.into())
    }

    #[test]
    fn a_stranger_is_who_connected_whatever_it_says() {
        assert_eq!(seen("192.0.2.1", &["10.0.0.1"]), pair("192.0.2.1", "192.0.2.1"));
        assert_eq!(seen("::ffff:192.0.2.1", &[]), pair("192.0.2.1", "192.0.2.1"));
    }

    #[test]
    fn behind_trusted_proxies_it_is_the_right_most_stranger() {
        let chain = "1.1.1.1, 192.0.2.7";
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 192.0.2.7"]), pair("192.0.2.7", chain));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "192.0.2.7,10.9.9.9"]), pair("192.0.2.7", chain));
        assert_eq!(seen("::ffff:10.0.0.1", &["192.0.2.7"]), pair("192.0.2.7", "192.0.2.7"));
        assert_eq!(seen("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), pair("10.0.0.3", "10.0.0.3"));
        assert_eq!(seen("10.0.0.1", &[]), pair("10.0.0.1", "10.0.0.1"));
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        let seen = |line: &'static str| seen("10.0.0.1", &[line]);
        assert_eq!(seen("1.1.1.1, unknown, 10.0.0.2").0, "10.0.0.2");
        assert_eq!(seen("1.1.1.1, unknown").0, "10.0.0.1");
        assert_eq!(seen("1.1.1.1, unknown").1, "1.1.1.1, unknown, 10.0.0.1");
        assert_eq!(seen("1.1.1.1, ").0, "10.0.0.1");
    }

    #[test]
    fn an_address_may_have_a_port_or_brackets() {
        for (hop, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2a00::1]:443", "2a00::1"),
            ("[2a00::1]", "2a00::1"),
            ("2a00::1", "2a00::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:10.0.0.2]:80", "10.0.0.2"),
        ] {
            assert_eq!(seen("2001:db8::1", &[hop]), pair(address, address), "{hop}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_host_and_scheme() {
        let uri = Uri::from_static("/");
        let mut received = HeaderMap::new();
        received.insert("host", HeaderValue::from_static("gate.test"));
        received.insert(X_FORWARDED_HOST, HeaderValue::from_static("said.test"));
        received.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
        let told = |peer: Option<&str>| {
            let mut head = Head::new(&Method::POST, &uri, &received);
            if let Some(peer) = peer {
                head = head.with_peer(peer.parse().unwrap());
            }
            let sender = RequestContext { scheme: Some("http"), ..RequestContext::default() };
            Client::of(&head, &trusted()).forwarded(&head, &sender, &mut BytesMut::new())
        };
        let value = |text| Some(HeaderValue::from_static(text));
        let own = value("gate.test");
        assert_eq!(told(Some("192.0.2.1")), [value("192.0.2.1"), own.clone(), value("http")]);
        assert_eq!(told(None), [None, own, value("http")], "an unknown peer is not trusted");
        let said = [value("10.0.0.1"), value("said.test"), value("https")];
        assert_eq!(told(Some("10.0.0.1")), said);
    }

    #[test]
    fn a_trace_goes_on_or_starts() {
        let trace = |received: &HeaderMap| {
            let [parent, _] = trace_headers(received, Some([0x5a; 24]), &mut BytesMut::new());
            parent.unwrap()
        };
        let own = format!("00-{}-{}-00", "5a".repeat(16), "5a".repeat(8));
        assert_eq!(trace(&HeaderMap::new()), own.as_str());
        let mut received = HeaderMap::new();
        let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        received.insert(TRACEPARENT, HeaderValue::from_static(theirs));
        assert_eq!(trace(&received), theirs);
        for wrong in [
            "garbage",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031-9cb7ad6b7169203331-01",
        ] {
            received.insert(TRACEPARENT, HeaderValue::from_static(wrong));
            assert_eq!(trace(&received), own.as_str(), "{wrong}");
        }
    }
}
