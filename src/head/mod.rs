//! Heads of requests, and the rules for the heads that clients send.

mod checks;
mod end_to_end;
mod outside_headers;

use core::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

pub use checks::{HeadFault, is_host};
pub(crate) use end_to_end::end_to_end;
pub(crate) use outside_headers::{is_removed, strip_reserved};
pub use outside_headers::{is_reserved, is_set_by_proxies};

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
/// let Admission::Refused(refusal) = admit([198, 51, 100, 1]) else {
///     panic!("expected a refusal, found another admission")
/// };
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
    /// Some servers drop `content-length` from a request with `transfer-encoding`. If the server
    /// does not set this mark, gatepost cannot detect and refuse such a request.
    pub const fn with_unclear_framing(mut self) -> Self {
        self.has_unclear_framing = true;
        self
    }

    /// Sets the IP address of the connection's peer: the client or a proxy.
    ///
    /// If the server sets no peer, the client is unknown. gatepost then refuses the request on a
    /// route with `allow`.
    pub const fn with_peer(mut self, peer: IpAddr) -> Self {
        // On a dual-stack socket, an IPv4 peer has an IPv4-mapped IPv6 address.
        self.peer = Some(peer.to_canonical());
        self
    }

    /// Returns the address of the connection's peer; `None` if the server set no peer.
    #[must_use]
    pub const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Returns the method.
    #[must_use]
    pub const fn method(&self) -> &'r Method {
        self.method
    }

    pub(crate) fn path(&self) -> &'r str {
        self.uri.path()
    }

    /// Returns the URI. Its path may contain a secret: print
    /// [`Gate::printable_path`](crate::Gate::printable_path) instead.
    #[must_use]
    pub const fn uri(&self) -> &'r Uri {
        self.uri
    }

    /// Returns the headers as received.
    #[must_use]
    pub const fn headers(&self) -> &'r HeaderMap {
        self.headers
    }
}

// `Debug` omits the path, which may contain a token, and the headers, which may contain a secret.
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
    /// Id of the span of the request to the app. With an id, `traceparent` names this span as the
    /// parent of the app's work, and gatepost marks a new trace as sampled. `None` leaves a
    /// received `traceparent` unchanged.
    pub span: Option<[u8; 8]>,
    /// The `host` header of the request to the app; `None` if the server's HTTP library sets the
    /// header.
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

    /// Sets the id of the span of the request to the app.
    pub const fn with_span(self, span: Option<[u8; 8]>) -> Self {
        Self { span, ..self }
    }

    /// Sets the `host` header of the request to the app; `None` leaves the header to the server's
    /// HTTP library.
    pub const fn with_host(self, host: Option<&'c HeaderValue>) -> Self {
        Self { host, ..self }
    }
}

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
