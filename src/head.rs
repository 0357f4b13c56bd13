//! The head of a request, and what the gate does to headers.

use core::net::IpAddr;
use std::fmt;

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::event::hex;

/// The head of a request.
#[derive(Clone, Copy)]
pub struct Head<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    framing_unclear: bool,
}

impl<'r> Head<'r> {
    /// From its parts. The URI may be in any form; only its path is looked at.
    #[must_use]
    pub const fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap) -> Self {
        Self { method, uri, headers, framing_unclear: false }
    }

    /// Says that the server saw unclear framing and has mended the headers since, as some do that
    /// drop a `content-length` beside a `transfer-encoding`.
    #[must_use]
    pub const fn with_unclear_framing(mut self) -> Self {
        self.framing_unclear = true;
        self
    }

    pub(crate) const fn method(&self) -> &'r Method {
        self.method
    }

    pub(crate) fn path(&self) -> &'r str {
        self.uri.path()
    }

    pub(crate) const fn uri(&self) -> &'r Uri {
        self.uri
    }

    pub(crate) const fn has_unclear_framing(&self) -> bool {
        self.framing_unclear
    }

    pub(crate) const fn headers(&self) -> &'r HeaderMap {
        self.headers
    }
}

/// The path may hold a token and the headers anything, so neither is printed.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Where a callback came from, as far as a door can tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'s> {
    /// The address of the connection's other end.
    pub address: Option<IpAddr>,
    /// `http` or `https`, as it reached the door.
    pub scheme: Option<&'s str>,
    /// Random bytes for a trace of its own, if the request brings none.
    pub trace: Option<[u8; 24]>,
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// First words of the headers that only the gate may set.
const RESERVED: [&str; 3] = ["ce-", "gatepost-", "webhook-"];

/// Headers that the gate writes, which a request may bring in this one spelling.
const WRITTEN: [HeaderName; 3] = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];

/// Whether a header may not come from outside: `ce-*`, `gatepost-*`, `webhook-*`.
///
/// So may not `ce_type` and `ce.type`: CGI, and with it PHP, gives an app all three under one name.
#[must_use]
pub fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    let spelled = |word: &str| {
        let same = |(a, b): (u8, u8)| a == b || (b == b'-' && !a.is_ascii_alphanumeric());
        name.len() >= word.len() && name.bytes().zip(word.bytes()).all(same)
    };
    RESERVED.iter().any(|word| spelled(word))
        || WRITTEN
            .iter()
            .map(HeaderName::as_str)
            .any(|written| name.len() == written.len() && name != written && spelled(written))
}

/// Removes the headers that only the gate may set from a request that it passes on.
pub fn strip_reserved(headers: &mut HeaderMap) {
    // Does not allocate when there is none, which is the rule.
    let names: Vec<_> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Where a request came from: the address behind those that it says it passed, the host and scheme
/// that it was sent to, unless a proxy in front has said so, and its trace.
pub fn forwarded_headers(
    head: &Head<'_>,
    sender: &Sender<'_>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let received = head.headers();
    let host = || {
        let authority = || HeaderValue::from_str(head.uri().authority()?.as_str()).ok();
        received.get(HOST).cloned().or_else(authority)
    };
    let scheme = || match sender.scheme? {
        "http" => Some(HeaderValue::from_static("http")),
        "https" => Some(HeaderValue::from_static("https")),
        _ => None,
    };
    let said = received.get(X_FORWARDED_PROTO).filter(|said| *said == "http" || *said == "https");
    let (parent, state) = trace(received, sender.trace);
    [
        (X_FORWARDED_FOR, forwarded_for(received, sender.address)),
        (X_FORWARDED_HOST, received.get(X_FORWARDED_HOST).cloned().or_else(host)),
        (X_FORWARDED_PROTO, said.cloned().or_else(scheme)),
        (TRACEPARENT, parent),
        (TRACESTATE, state),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

fn forwarded_for(received: &HeaderMap, address: Option<IpAddr>) -> Option<HeaderValue> {
    let mut chain = Vec::new();
    for value in received.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    match address {
        // An IPv4 address on an IPv6 socket is shown as what it is.
        Some(address) => chain.extend_from_slice(address.to_canonical().to_string().as_bytes()),
        None => chain.truncate(chain.len().saturating_sub(2)),
    }
    HeaderValue::from_bytes(&chain).ok().filter(|value| !value.is_empty())
}

/// <https://www.w3.org/TR/trace-context/#traceparent-header> (read 2026-11), version 00.
fn is_traceparent(value: &HeaderValue) -> bool {
    let is_hex = |b: &u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    let parts: Vec<_> = value.as_bytes().split(|b| *b == b'-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [2, 32, 16, 2] && parts.concat().iter().all(is_hex)
}

/// W3C Trace Context: the trace that the request is part of, or one of its own.
fn trace(
    received: &HeaderMap,
    own: Option<[u8; 24]>,
) -> (Option<HeaderValue>, Option<HeaderValue>) {
    if let Some(parent) = received.get(TRACEPARENT).filter(|parent| is_traceparent(parent)) {
        return (Some(parent.clone()), received.get(TRACESTATE).cloned());
    }
    let own = own.as_ref().map(|bytes| {
        let (trace, span) = bytes.split_at(16);
        format!("00-{}-{}-00", hex(trace), hex(span))
    });
    (own.and_then(|text| HeaderValue::try_from(text).ok()), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_headers_are_removed_in_every_spelling() {
        let mut headers = HeaderMap::new();
        for name in
            ["ce-type", "ce_type", "ce.type", "gatepost-template", "webhook-id", "x_forwarded_for"]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("forged"));
        }
        for name in ["cent", "accept", "x-ce-type", "x-forwarded-for"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("kept"));
        }
        strip_reserved(&mut headers);
        assert_eq!(headers.len(), 4);
        assert!(headers.values().all(|value| value == "kept"));
    }

    #[test]
    fn the_senders_address_comes_last() {
        let mut received = HeaderMap::new();
        received.append(X_FORWARDED_FOR, HeaderValue::from_static("10.0.0.1"));
        received.append(X_FORWARDED_FOR, HeaderValue::from_static("10.0.0.2, 10.0.0.3"));
        let address = "::ffff:192.0.2.1".parse().ok();
        let chain = forwarded_for(&received, address).unwrap();
        assert_eq!(chain, "10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.1");
        assert_eq!(forwarded_for(&received, None).unwrap(), "10.0.0.1, 10.0.0.2, 10.0.0.3");
        assert_eq!(forwarded_for(&HeaderMap::new(), None), None);
    }

    #[test]
    fn a_trace_goes_on_or_starts() {
        let trace = |received: &HeaderMap| trace(received, Some([0x5a; 24])).0.unwrap();
        let own = format!("00-{}-{}-00", "5a".repeat(16), "5a".repeat(8));
        assert_eq!(trace(&HeaderMap::new()), own.as_str());
        let mut received = HeaderMap::new();
        let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        received.insert(TRACEPARENT, HeaderValue::from_static(theirs));
        assert_eq!(trace(&received), theirs);
        received.insert(TRACEPARENT, HeaderValue::from_static("garbage"));
        assert_eq!(trace(&received), own.as_str());
    }
}
