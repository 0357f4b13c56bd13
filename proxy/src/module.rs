//! The Pingora door: an adapter that moves bytes between a session and the gate. It decides
//! nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use gatepost::{
    Admission, Gate, Head, Observer, Reply, RequestContext, Shadow, Timestamp, is_reserved, report,
};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{Method, Uri, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{ErrorType, Session};

use crate::app;
use crate::clock;
use crate::exchange::{DRAIN_BYTES, DRAIN_TIMEOUT, Exchange, Gone, Heard, Way, scheme};
use crate::metrics::METRICS;

/// What [`Gate::forwarded_headers`] gives, in that order: Pingora makes a copy of a name that is not
/// a constant text.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// A [`Gate`] in a Pingora proxy.
#[derive(Clone, Debug)]
pub struct GateModule(Way);

impl GateModule {
    /// A module of this gate. An event whose template gives no address goes to the config's
    /// `upstream`, with the path that the callback had.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        app::prepare();
        let upstream = gate.proxy_settings().upstream;
        Self(Way { gate, upstream, clock: clock::now })
    }

    /// Tells the time by `clock`, so that a test can judge a recorded callback.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self(Way { clock, ..self.0 })
    }

    /// To be called first in `ProxyHttp::request_filter`. `Ok(true)`: it was a callback, and its
    /// reply is written. `Ok(false)`: it was none, or its route is in shadow mode, and it has lost
    /// the headers that only the gate may set.
    ///
    /// # Errors
    ///
    /// None of its own: a sender that is gone before its reply is no fault of the proxy, and
    /// Pingora would log the request's path, with the token in it.
    pub async fn request_filter(&self, session: &mut Session) -> pingora::Result<bool> {
        let started = Instant::now();
        if !has_plain_target(session.req_header()) {
            Box::pin(write_unread(session, &Reply::bad_request())).await;
            return Ok(true);
        }
        let way = &self.0;
        match way.gate.admit(&head(session), (way.clock)()) {
            Admission::Other => {
                strip_reserved(session);
                return Ok(false);
            }
            Admission::Shadow(shadow) => {
                strip_reserved(session);
                self.observe(session, shadow);
                return Ok(false);
            }
            // In boxes, so that what passes through carries no room for them.
            Admission::Refused(refusal) => Box::pin(way.refuse(session, &refusal)).await,
            Admission::Callback(intake) => Box::pin(way.answer(session, intake, started)).await,
        }
        Ok(true)
    }

    pub(crate) const fn way(&self) -> &Way {
        &self.0
    }

    /// To be called in `ProxyHttp::upstream_request_filter`, for what goes on to an upstream: says
    /// where the request came from, in `x-forwarded-for`, `-host` and `-proto`.
    ///
    /// # Errors
    ///
    /// None that a header of HTTP can cause.
    pub fn upstream_request_filter(
        &self,
        session: &Session,
        request: &mut RequestHeader,
    ) -> pingora::Result<()> {
        let header = session.req_header();
        let head = Head::new(&header.method, &header.uri, &header.headers);
        let head = peer(session).map_or(head, |peer| head.with_peer(peer));
        let values = self.0.gate.forwarded_headers(&head, &sender(session));
        for (name, (_, value)) in FORWARDED.into_iter().zip(values) {
            match value {
                Some(value) => request.insert_header(name, value)?,
                None => drop(request.remove_header(name)),
            }
        }
        Ok(())
    }

    /// To be called in `ProxyHttp::request_body_filter`: shows the gate what passes of the body on a
    /// route in shadow mode. Without this call such a route lets requests pass unjudged, and logs so.
    pub fn request_body_filter(&self, session: &Session, body: Option<&Bytes>, end: bool) {
        let Some(passing) = session.req_header().extensions.get::<Passing>() else { return };
        // Nobody panics while he holds it.
        let mut observer = passing.observer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = body.filter(|chunk| !chunk.is_empty()) {
            observer.push(chunk.clone());
        }
        if end {
            observer.finish((self.0.clock)());
        }
    }

    /// Has the gate look at what passes.
    fn observe(&self, session: &mut Session, shadow: Shadow) {
        let (clock, route) = (self.0.clock, Arc::clone(shadow.route()));
        let observer = shadow.observe(move |shadowed| {
            METRICS.shadowed(shadowed);
            report::shadowed(shadowed, clock());
        });
        let passing = Passing { route, observer: Arc::new(Mutex::new(observer)) };
        session.req_header_mut().extensions_mut().insert(passing);
    }
}

/// A request in Pingora's hands.
impl Exchange for Session {
    fn head(&self) -> Head<'_> {
        head(self)
    }

    fn uri(&self) -> &Uri {
        &self.req_header().uri
    }

    fn is_encrypted(&self) -> bool {
        is_encrypted(self)
    }

    async fn invite_body(&mut self) -> Result<(), Gone> {
        if expects_continue(self) {
            return self.downstream_session.write_continue_response().await.map_err(|_| Gone);
        }
        Ok(())
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Gone> {
        self.downstream_session.read_request_body().await.map_err(|_| Gone)
    }

    /// What a sender says before its turn is lost, and its connection ends with this request.
    async fn heard(&mut self) -> Heard {
        let heard = self.downstream_session.read_body_or_idle(true).await;
        self.set_keepalive(None);
        match heard.map_err(|error| error.etype().clone()) {
            Err(ErrorType::ConnectionClosed) => Heard::Closed,
            Ok(_) | Err(ErrorType::ConnectError) => Heard::More,
            Err(_) => Heard::Gone,
        }
    }

    async fn write(&mut self, reply: &Reply) {
        write(self, reply).await;
    }

    async fn write_unread(&mut self, reply: &Reply) {
        write_unread(self, reply).await;
    }

    fn close(&mut self) {
        self.set_keepalive(None);
    }
}

/// A request in shadow mode, in the extensions of its head.
#[derive(Clone)]
struct Passing {
    route: Arc<str>,
    observer: Arc<Mutex<Observer>>,
}

/// The path of a request that is passed on, without the token that it may hold.
pub(crate) fn printable_path(session: &Session) -> &str {
    let request = session.req_header();
    let passing = request.extensions.get::<Passing>();
    passing.map_or_else(|| request.uri.path(), |passing| &passing.route)
}

/// What the gate looks at. Pingora drops a `content-length` beside a `transfer-encoding` while
/// reading, so its presence is looked up in the bytes as they came.
fn head(session: &Session) -> Head<'_> {
    let header = session.req_header();
    let mut head = Head::new(&header.method, &header.uri, &header.headers);
    if let Some(peer) = peer(session) {
        head = head.with_peer(peer);
    }
    let dropped_length = header.headers.contains_key(TRANSFER_ENCODING)
        && session.as_http1().is_some_and(|session| names_length(&session.get_headers_raw_bytes()));
    if dropped_length { head.with_unclear_framing() } else { head }
}

fn names_length(raw: &[u8]) -> bool {
    raw.split(|byte| *byte == b'\n').skip(1).any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str().as_bytes())
    })
}

fn peer(session: &Session) -> Option<IpAddr> {
    session.client_addr()?.as_inet().map(SocketAddr::ip)
}

fn is_encrypted(session: &Session) -> bool {
    session.digest().is_some_and(|digest| digest.ssl_digest.is_some())
}

fn sender(session: &Session) -> RequestContext<'static> {
    RequestContext::default().with_scheme(scheme(is_encrypted(session)))
}

/// Removes reserved headers in Pingora's way, which also keeps their original spelling.
fn strip_reserved(session: &mut Session) {
    let header = session.req_header_mut();
    let reserved: Vec<_> =
        header.headers.keys().filter(|name| is_reserved(name)).cloned().collect();
    for name in reserved {
        header.remove_header(&name);
    }
}

/// Whether what Pingora sends on is the path that the gate looks at: it keeps some targets in
/// bytes of their own, beside a URI that says something else.
fn has_plain_target(request: &RequestHeader) -> bool {
    let raw = request.raw_path();
    let absolute = [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| raw.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    raw.starts_with(b"/") || raw == b"*" || absolute
}

/// Writes a reply to a request whose body may not have been read.
pub(crate) async fn write_unread(session: &mut Session, reply: &Reply) {
    let reusable = !reply.must_close() && ends_soon(session);
    if reusable {
        // What is left of the request is read after the reply, before the next one.
        session.downstream_session.set_close_on_response_before_downstream_finish(false);
        session.downstream_session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
    } else {
        session.set_keepalive(None);
    }
    write(session, reply).await;
    if !reusable {
        // Hanging up on bytes that are still coming would take the reply back.
        let _late = tokio::time::timeout(DRAIN_TIMEOUT, drain(session)).await;
    }
}

fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(EXPECT);
    session.req_header().version >= Version::HTTP_11
        && expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Whether the rest of the request is read, or announced, small and sure to come: a sender that
/// expects a word before it sends the body may send its next request instead.
fn ends_soon(session: &mut Session) -> bool {
    if expects_continue(session) && session.body_bytes_read() == 0 {
        return false;
    }
    let announced = session.req_header().headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    session.is_body_done() || announced.is_some_and(|length| length <= DRAIN_BYTES)
}

async fn drain(session: &mut Session) {
    let mut left = DRAIN_BYTES;
    while let Ok(Some(chunk)) = session.downstream_session.read_request_body().await {
        let Some(rest) = left.checked_sub(chunk.len()) else { return };
        left = rest;
    }
}

/// Writes a reply as it is. If the sender is gone, nobody misses it.
async fn write(session: &mut Session, reply: &Reply) {
    if let Err(error) = try_write(session, reply).await {
        tracing::debug!(error = %error.etype().as_str(), "the sender did not wait for its reply");
        session.set_keepalive(None);
    }
}

async fn try_write(session: &mut Session, reply: &Reply) -> pingora::Result<()> {
    let mut header = ResponseHeader::build(reply.status(), Some(4))?;
    if reply.must_close() {
        session.set_keepalive(None);
    }
    // Pingora writes `connection` itself, and must not on HTTP/2.
    for (name, value) in reply.headers().filter(|(name, _)| name != CONNECTION) {
        header.insert_header(name, value)?;
    }
    let bodiless = session.req_header().method == Method::HEAD;
    let body = if bodiless { Bytes::new() } else { reply.body().clone() };
    session.write_response_header(Box::new(header), body.is_empty()).await?;
    session.write_response_body(Some(body), true).await
}
