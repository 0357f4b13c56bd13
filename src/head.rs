//! The head of a request, and what the gate does to headers.

use core::net::IpAddr;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// The head of a request.
#[derive(Clone, Copy)]
pub struct Head<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    framing_unclear: bool,
    peer: Option<IpAddr>,
}

impl<'r> Head<'r> {
    /// From its parts. The URI may be in any form; only its path is looked at.
    #[must_use]
    pub const fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap) -> Self {
        Self { method, uri, headers, framing_unclear: false, peer: None }
    }

    /// Says that the server saw unclear framing and has mended the headers since, as some do that
    /// drop a `content-length` beside a `transfer-encoding`.
    #[must_use]
    pub const fn with_unclear_framing(mut self) -> Self {
        self.framing_unclear = true;
        self
    }

    /// Says who connected. The gate finds out whether that is the sender or a trusted proxy; a head
    /// that does not say it is of an unknown sender, whom no `allow` lets in.
    #[must_use]
    pub const fn with_peer(mut self, peer: IpAddr) -> Self {
        // An IPv4 address on an IPv6 socket is taken for what it is.
        self.peer = Some(peer.to_canonical());
        self
    }

    pub(crate) const fn peer(&self) -> Option<IpAddr> {
        self.peer
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

    /// The headers, as they came.
    #[must_use]
    pub const fn headers(&self) -> &'r HeaderMap {
        self.headers
    }
}

/// The path may hold a token and the headers anything, so neither is printed.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Facts about a request that are not in its head: the caller of the gate provides them.
///
/// ```
/// use gatepost::RequestContext;
///
/// let context = RequestContext::default().with_scheme("https").with_trace([7; 24]);
/// assert_eq!(context.scheme, Some("https"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext<'c> {
    /// `http` or `https`: the protocol of the client's connection.
    pub scheme: Option<&'c str>,
    /// 24 random bytes for a new trace, used if the request carries no `traceparent`.
    pub trace: Option<[u8; 24]>,
    /// The `host` header of the event; `None` if the HTTP client that sends the event sets it.
    pub host: Option<&'c HeaderValue>,
}

impl<'c> RequestContext<'c> {
    /// Sets the protocol of the client's connection: `http` or `https`.
    #[must_use]
    pub const fn with_scheme(self, scheme: &'c str) -> Self {
        Self { scheme: Some(scheme), ..self }
    }

    /// Sets the random bytes for a new trace.
    #[must_use]
    pub const fn with_trace(self, trace: [u8; 24]) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// Sets the `host` header of the event; `None` leaves it out.
    #[must_use]
    pub const fn with_host(self, host: Option<&'c HeaderValue>) -> Self {
        Self { host, ..self }
    }
}

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// First words of the headers that only the gate may set.
const RESERVED: [&str; 3] = ["ce-", "gatepost-", "webhook-"];

/// Headers that the gate writes, which a request may bring in this one spelling.
const WRITTEN: [HeaderName; 3] = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];

/// Whether a header may not come from outside: `ce-*`, `gatepost-*`, `webhook-*`.
///
/// So may not `ce_type` and `ce.type`: CGI, and with it PHP, gives an app all three under one name.
#[inline]
#[must_use]
pub fn is_reserved(name: &HeaderName) -> bool {
    /// One bit for each first letter of those below, and for what shares its last five bits.
    const FIRST: u32 = 1 << (b'c' % 32) | 1 << (b'g' % 32) | 1 << (b'w' % 32) | 1 << (b'x' % 32);
    let name = name.as_str();
    // Nearly every name is known by its first letters.
    match name.as_bytes() {
        [first, second, ..] if FIRST >> (first % 32) & 1 == 1 => match (first, second) {
            (b'c' | b'w', b'e') | (b'g', b'a') | (b'x', _) => is_spelled(name),
            _ => false,
        },
        _ => false,
    }
}

#[inline(never)]
fn is_spelled(name: &str) -> bool {
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
#[inline]
pub fn strip_reserved(headers: &mut HeaderMap) {
    // There is none, as a rule.
    if headers.keys().any(is_reserved) {
        remove_reserved(headers);
    }
}

#[inline(never)]
fn remove_reserved(headers: &mut HeaderMap) {
    let names: Vec<_> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
}
