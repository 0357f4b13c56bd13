//! The gate as a module of a Pingora proxy. The module moves bytes between a session and the gate,
//! and makes no decision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use gatepost::{Admission, Gate, Head, Observer, Reply, RequestContext, Shadow, Timestamp, report};
use pingora::http::RequestHeader;
use pingora::prelude::Session;

use super::session::{head, is_encrypted, peer, write_unread};
use crate::inbound::callback_driver::{CallbackDriver, scheme};
use crate::telemetry::metrics::METRICS;
use crate::{app, clock};

/// Names of the headers that [`Gate::forwarded_headers`] returns, in this order. Pingora copies
/// a name that is not `'static`.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// A [`Gate`] in a Pingora proxy.
///
/// ```no_run
/// use gatepost::Gate;
/// use gatepost_proxy::GateModule;
///
/// let gate = Gate::from_toml_file("gatepost.toml")?;
/// // Keep the module in your `ProxyHttp`; the example of the crate shows where to call it.
/// let module = GateModule::new(gate);
/// # Ok::<_, gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GateModule(CallbackDriver);

impl GateModule {
    /// Makes a module from a gate. If a template has no address for an event, the module sends the
    /// event to the config's `upstream`, at the path of the callback. The first module of a process
    /// loads the certificate authorities of the machine.
    pub fn new(gate: Gate) -> Self {
        app::load_root_certificates();
        let upstream = gate.proxy_settings().upstream;
        Self(CallbackDriver { gate, upstream, clock: clock::now })
    }

    /// Reads the time from `clock`, so that a test can judge a recorded callback.
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self(CallbackDriver { clock, ..self.0 })
    }

    /// Serves a callback. Call this method first in `ProxyHttp::request_filter`.
    ///
    /// Returns `Ok(true)` if the module has written the reply to a callback. Returns `Ok(false)` if
    /// the request is no callback or its route is in shadow mode; the module has then removed the
    /// headers that only the gate may set.
    ///
    /// # Errors
    ///
    /// Never, even if the client disconnects early: Pingora would log the error with the request's
    /// path, which may contain a token.
    pub async fn request_filter(&self, session: &mut Session) -> pingora::Result<bool> {
        let started = Instant::now();
        if !has_judged_target(session.req_header()) {
            Box::pin(write_unread(session, &Reply::bad_request())).await;
            return Ok(true);
        }
        let driver = &self.0;
        match driver.gate.admit(&head(session), (driver.clock)()) {
            Admission::Other => {
                strip(session, &driver.gate);
                return Ok(false);
            }
            Admission::Shadow(shadow) => {
                strip(session, &driver.gate);
                self.observe(session, shadow);
                return Ok(false);
            }
            // Boxed, so that the future of a request for the upstream stays small.
            Admission::Refused(refusal) => Box::pin(driver.refuse(session, &refusal)).await,
            Admission::Callback(intake) => Box::pin(driver.serve(session, intake, started)).await,
        }
        Ok(true)
    }

    pub(crate) const fn driver(&self) -> &CallbackDriver {
        &self.0
    }

    /// Sets `x-forwarded-for`, `x-forwarded-host` and `x-forwarded-proto` of a request to an
    /// upstream. Call this method in `ProxyHttp::upstream_request_filter`.
    ///
    /// # Errors
    ///
    /// If a header value is invalid. Values that Pingora has received are always valid.
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

    /// Passes the body of a request on a route in shadow mode to the gate. Call this method in
    /// `ProxyHttp::request_body_filter`; without this call, gatepost reports these requests as
    /// `unseen`.
    pub fn request_body_filter(&self, session: &Session, body: Option<&Bytes>, end: bool) {
        let Some(passing) = session.req_header().extensions.get::<ShadowedRequest>() else {
            return;
        };
        // Ignore poisoning: the observer does not panic.
        let mut observer = passing.observer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = body.filter(|chunk| !chunk.is_empty()) {
            observer.push(chunk.clone());
        }
        if end {
            observer.finish((self.0.clock)());
        }
    }

    /// Lets the gate observe a request on a route in shadow mode.
    fn observe(&self, session: &mut Session, shadow: Shadow) {
        let (clock, route) = (self.0.clock, Arc::clone(shadow.route()));
        let observer = shadow.observe(move |shadowed| {
            METRICS.shadowed(shadowed);
            report::shadowed(shadowed, clock());
        });
        let passing = ShadowedRequest { route, observer: Arc::new(Mutex::new(observer)) };
        session.req_header_mut().extensions_mut().insert(passing);
    }
}

/// A request on a route in shadow mode, stored in the extensions of its head.
#[derive(Clone)]
struct ShadowedRequest {
    route: Arc<str>,
    observer: Arc<Mutex<Observer>>,
}

/// Returns the path of a request for log lines. On a route in shadow mode, returns the route's
/// pattern, because the path may contain a token.
pub(crate) fn printable_path(session: &Session) -> &str {
    let request = session.req_header();
    let passing = request.extensions.get::<ShadowedRequest>();
    passing.map_or_else(|| request.uri.path(), |passing| &passing.route)
}

fn request_context(session: &Session) -> RequestContext<'static> {
    RequestContext::default().with_scheme(scheme(is_encrypted(session)))
}

/// Removes headers with Pingora's own method, which also removes the original spelling of their
/// names.
fn strip(session: &mut Session, gate: &Gate) {
    let names: Vec<_> = gate.headers_to_remove(&head(session)).cloned().collect();
    for name in names {
        session.req_header_mut().remove_header(&name);
    }
}

/// Returns true if Pingora forwards the path that the gate judges: for a target that is a path, `*`
/// or an HTTP URL. Pingora stores any other target as raw bytes, with a URI that differs.
fn has_judged_target(request: &RequestHeader) -> bool {
    let raw = request.raw_path();
    let absolute = [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| raw.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    raw.starts_with(b"/") || raw == b"*" || absolute
}
