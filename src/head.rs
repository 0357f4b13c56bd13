//! The head of a request, and what the gate does to headers.

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::event::hex;

/// The head of a request.
#[derive(Clone, Copy, Debug)]
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
const RESERVED: [&str; 3] = ["ce", "gatepost", "webhook"];

/// Whether only the gate may set this header: `ce-*`, `gatepost-*`, `webhook-*`.
///
/// So is `ce_type`: CGI, and with it PHP, gives an app `-` and `_` as the same.
#[must_use]
pub fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.iter().any(|word| {
        name.as_str().strip_prefix(word).is_some_and(|rest| rest.starts_with(['-', '_']))
    })
}

/// Removes the headers that only the gate may set from a request that it passes on.
pub fn strip_reserved(headers: &mut HeaderMap) {
    // Does not allocate when there is none, which is the rule.
    let names: Vec<_> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Writes where a request came from: the address behind those that it says it passed, the host and
/// scheme that it was sent to, unless a proxy in front has said so, and its trace.
pub fn write_forwarded(headers: &mut HeaderMap, head: &Head<'_>, sender: &Sender<'_>) {
    let received = head.headers();
    if let Some(chain) = forwarded_for(received, sender.address) {
        headers.insert(X_FORWARDED_FOR, chain);
    }
    let host = || {
        received
            .get(HOST)
            .cloned()
            .or_else(|| HeaderValue::from_str(head.uri().authority()?.as_str()).ok())
    };
    if let Some(host) = received.get(X_FORWARDED_HOST).cloned().or_else(host) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    let scheme = || sender.scheme.and_then(|scheme| HeaderValue::from_str(scheme).ok());
    if let Some(scheme) = received.get(X_FORWARDED_PROTO).cloned().or_else(scheme) {
        headers.insert(X_FORWARDED_PROTO, scheme);
    }
    write_trace(headers, received, sender.trace);
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

/// W3C Trace Context: the trace that the request is part of, or one of its own.
fn write_trace(headers: &mut HeaderMap, received: &HeaderMap, own: Option<[u8; 24]>) {
    if let Some(parent) = received.get(TRACEPARENT) {
        headers.insert(TRACEPARENT, parent.clone());
        if let Some(state) = received.get(TRACESTATE) {
            headers.insert(TRACESTATE, state.clone());
        }
        return;
    }
    if let Some((trace, span)) = own.as_ref().map(|bytes| bytes.split_at(16)) {
        let text = format!("00-{}-{}-00", hex(trace), hex(span));
        headers.extend(HeaderValue::try_from(text).ok().map(|value| (TRACEPARENT, value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_headers_are_removed_in_every_spelling() {
        let mut headers = HeaderMap::new();
        for name in ["ce-type", "ce_type", "gatepost-template", "webhook-id", "webhook_id"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("forged"));
        }
        for name in ["cent", "accept", "x-ce-type", "webhooks"] {
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
        let trace = |received: &HeaderMap| {
            let mut headers = HeaderMap::new();
            write_trace(&mut headers, received, Some([0x5a; 24]));
            headers.get(TRACEPARENT).cloned().unwrap()
        };
        let own = format!("00-{}-{}-00", "5a".repeat(16), "5a".repeat(8));
        assert_eq!(trace(&HeaderMap::new()), own.as_str());
        let mut received = HeaderMap::new();
        received.insert(TRACEPARENT, HeaderValue::from_static("00-0af7-b7ad-01"));
        assert_eq!(trace(&received), "00-0af7-b7ad-01");
    }
}
