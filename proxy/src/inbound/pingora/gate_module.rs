//! The Pingora door: an adapter that moves bytes between a session and the gate. It decides
//! nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use gatepost::{
    Admission, Gate, Head, Observer, Reply, RequestContext, Shadow, Timestamp, is_reserved, report,
};
use pingora::http::RequestHeader;
use pingora::prelude::Session;

use super::session::{head, is_encrypted, peer, write_unread};
use crate::inbound::callback_driver::{CallbackServer, scheme};
use crate::telemetry::metrics::METRICS;
use crate::{app, clock};

/// What [`Gate::forwarded_headers`] gives, in that order: Pingora makes a copy of a name that is not
/// a constant text.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// A [`Gate`] in a Pingora proxy.
#[derive(Clone, Debug)]
pub struct GateModule(CallbackServer);

impl GateModule {
    /// A module of this gate. An event whose template gives no address goes to the config's
    /// `upstream`, with the path that the callback had.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        app::prepare();
        let upstream = gate.proxy_settings().upstream;
        Self(CallbackServer { gate, upstream, clock: clock::now })
    }

    /// Tells the time by `clock`, so that a test can judge a recorded callback.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self(CallbackServer { clock, ..self.0 })
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
        let server = &self.0;
        match server.gate.admit(&head(session), (server.clock)()) {
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
            Admission::Refused(refusal) => Box::pin(server.refuse(session, &refusal)).await,
            Admission::Callback(intake) => Box::pin(server.serve(session, intake, started)).await,
        }
        Ok(true)
    }

    pub(crate) const fn server(&self) -> &CallbackServer {
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
        let values = self.0.gate.forwarded_headers(&head, &request_context(session));
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

fn request_context(session: &Session) -> RequestContext<'static> {
    RequestContext::default().with_scheme(scheme(is_encrypted(session)))
}

/// Removes reserved headers through Pingora's own method, which also drops their original spelling.
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
