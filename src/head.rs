//! Heads of requests, and the headers that only gatepost may set.

use core::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::printable::print_only;

/// Head of a request: method, URI and headers, with facts about the connection.
///
/// # Examples
///
/// ```
/// use gatepost::{Admission, Gate, Head, RefusalKind, Timestamp};
/// use http::{HeaderMap, Method, Uri};
///
/// let gate = Gate::builder()
///     .toml(
///         "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\nallow = ['192.0.2.0/24']\n\
///          [[template]]\nname = 'test'\nprovider = 'tencent-css'\ninsecure_unsigned = true\n\
///          bind = ['*']",
///     )
///     .build()?;
/// let (method, uri, headers) = (Method::POST, Uri::from_static("/hook"), HeaderMap::new());
/// let head = Head::new(&method, &uri, &headers);
/// let admit = |peer: [u8; 4]| gate.admit(&head.with_peer(peer.into()), Timestamp::from_secs(0));
///
/// assert!(matches!(admit([192, 0, 2, 1]), Admission::Callback(_)));
/// let Admission::Refused(refusal) = admit([198, 51, 100, 1]) else { panic!("expected a refusal") };
/// assert_eq!(refusal.kind(), RefusalKind::SourceNotAllowed);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Head<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    has_unclear_framing: bool,
    peer: Option<IpAddr>,
}

impl<'r> Head<'r> {
    /// Creates a head. The URI may have any form that HTTP permits.
    pub const fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap) -> Self {
        Self { method, uri, headers, has_unclear_framing: false, peer: None }
    }

    /// Marks a request whose framing was ambiguous before the server repaired the headers.
    ///
    /// Some servers drop `content-length` if a request also has `transfer-encoding`. Without this
    /// mark, gatepost cannot detect and refuse such a request.
    pub const fn with_unclear_framing(mut self) -> Self {
        self.has_unclear_framing = true;
        self
    }

    /// Sets the IP address of the connection's peer: the client or a trusted proxy.
    ///
    /// Without a peer, the client is unknown. gatepost then refuses the request on a route with
    /// `allow`.
    pub const fn with_peer(mut self, peer: IpAddr) -> Self {
        // On a dual-stack socket, an IPv4 peer has an IPv4-mapped IPv6 address.
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
        self.has_unclear_framing
    }

    /// Returns the headers as received.
    #[must_use]
    pub const fn headers(&self) -> &'r HeaderMap {
        self.headers
    }
}

// Omits the path, which may contain a token, and the headers, which may contain any secret.
print_only! { Head<'_>: method; }

/// Facts about a request that its head does not contain. The server provides these facts.
///
/// ```
/// use gatepost::RequestContext;
///
/// let context = RequestContext::default().with_scheme("https").with_trace([7; 24]);
/// assert_eq!(context.scheme, Some("https"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct RequestContext<'c> {
    /// Protocol of the client's connection, `http` or `https`; `None` if unknown.
    pub scheme: Option<&'c str>,
    /// Random bytes for a new trace. gatepost uses these bytes if the request has no valid
    /// `traceparent`; `None` starts no trace.
    pub trace: Option<[u8; 24]>,
    /// The `host` header of the event; `None` if the server's HTTP library sets the header.
    pub host: Option<&'c HeaderValue>,
}

impl<'c> RequestContext<'c> {
    /// Sets the protocol of the client's connection: `http` or `https`.
    pub const fn with_scheme(self, scheme: &'c str) -> Self {
        Self { scheme: Some(scheme), ..self }
    }

    /// Sets the random bytes for a new trace.
    pub const fn with_trace(self, trace: [u8; 24]) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// Sets the `host` header of the event; `None` omits the header.
    pub const fn with_host(self, host: Option<&'c HeaderValue>) -> Self {
        Self { host, ..self }
    }
}

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Prefixes of the headers that only gatepost may set.
const RESERVED: [&str; 3] = ["ce-", "gatepost-", "webhook-"];

/// Headers that gatepost rewrites. A request may contain these headers, but only in this spelling.
const WRITTEN: [HeaderName; 3] = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];

/// Returns true for a header that a client must not send to the app: `ce-*`, `gatepost-*`,
/// `webhook-*`.
///
/// Includes spellings such as `ce_type` and `ce.type`, because CGI, and therefore PHP, passes all
/// spellings to the app under one name. For the same reason, includes other spellings of
/// `x-forwarded-for`, `-host` and `-proto`.
///
/// # Examples
///
/// ```
/// use gatepost::is_reserved;
/// use http::HeaderName;
///
/// assert!(is_reserved(&HeaderName::from_static("ce-type")));
/// assert!(is_reserved(&HeaderName::from_static("x_forwarded_for")));
/// assert!(!is_reserved(&HeaderName::from_static("x-forwarded-for")));
/// assert!(!is_reserved(&HeaderName::from_static("content-type")));
/// ```
#[inline]
#[must_use]
pub fn is_reserved(name: &HeaderName) -> bool {
    /// Set of the first letters `c`, `g`, `w` and `x`, one bit for each value of the low five bits.
    const FIRST_LETTERS: u32 =
        1 << (b'c' % 32) | 1 << (b'g' % 32) | 1 << (b'w' % 32) | 1 << (b'x' % 32);
    let name = name.as_str();
    // Fast exit: compares a name in full only if its first two letters match. This code runs for
    // every header of every request.
    match name.as_bytes() {
        [first, second, ..] if FIRST_LETTERS >> (first % 32) & 1 == 1 => match (first, second) {
            (b'c' | b'w', b'e') | (b'g', b'a') | (b'x', _) => is_reserved_spelling(name),
            _ => false,
        },
        _ => false,
    }
}

#[inline(never)]
fn is_reserved_spelling(name: &str) -> bool {
    // Any byte that is neither letter nor digit counts as `-`, as in CGI.
    let starts_with = |word: &str| {
        let same = |(a, b): (u8, u8)| a == b || (b == b'-' && !a.is_ascii_alphanumeric());
        name.len() >= word.len() && name.bytes().zip(word.bytes()).all(same)
    };
    RESERVED.iter().any(|prefix| starts_with(prefix))
        || WRITTEN
            .iter()
            .map(HeaderName::as_str)
            .any(|written| name.len() == written.len() && name != written && starts_with(written))
}

/// Removes the headers that only gatepost may set. Call this function for each request that you
/// pass on.
///
/// # Examples
///
/// ```
/// use gatepost::strip_reserved;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("ce-type", "com.example.forged".parse()?);
/// headers.insert("accept", "*/*".parse()?);
/// strip_reserved(&mut headers);
/// assert!(headers.contains_key("accept") && !headers.contains_key("ce-type"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[inline]
pub fn strip_reserved(headers: &mut HeaderMap) {
    // Few requests have a reserved header, so the common case neither allocates nor writes.
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
    fn strips_reserved_headers_in_every_spelling() {
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
