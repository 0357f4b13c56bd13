//! The gate as a module of a Pingora proxy. The module moves bytes between a session and the gate;
//! the gate judges the callbacks.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use gatepost::{
    Admission, Gate, Head, HeadFault, MetricsHook, Reply, RequestContext, Shadow, Timestamp, report,
};
use http::header::HOST;
use http::{HeaderValue, Method, Uri, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{Error, Session};
use pingora::protocols::http::authority::{
    RawTargetAuthority, is_http_family_scheme, raw_target_authority,
};

use super::session::{head, is_encrypted, peer, write_unread};
use super::shadowed_request::ShadowedRequest;
use crate::inbound::callback_driver::CallbackDriver;
use crate::inbound::exchange::scheme;
use crate::inbound::host_upstream::handed_over;
use crate::inbound::unjudged::UnjudgedBytes;
use crate::inbound::upstream_fault::{UpstreamEnd, upstream_fault};
use crate::queue::Queue;
use crate::telemetry::metrics::METRICS;
use crate::{app, clock};

/// Names of the headers that [`Gate::forwarded_headers`] returns, in the same order. With `'static`
/// names, Pingora does not copy the names.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// Maximum length of a method in a log line, in characters.
const MAX_METHOD: usize = 32;

/// A [`Gate`] in a Pingora proxy.
///
/// ```no_run
/// use gatepost::Gate;
/// use gatepost_proxy::GateModule;
///
/// let gate = Gate::from_toml_file("gatepost.toml")?;
/// // Keep the module in your `ProxyHttp`. The example of the crate shows the calls.
/// let module = GateModule::new(gate);
/// # Ok::<_, gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GateModule(CallbackDriver);

impl GateModule {
    /// Creates a module from a gate.
    ///
    /// If a template has no address for an event, the module sends the event to the config's
    /// `upstream`, at the path of the callback. The first module of a process loads the certificate
    /// authorities of the machine.
    pub fn new(gate: Gate) -> Self {
        app::load_root_certificates();
        let unjudged = UnjudgedBytes::new(gate.proxy_settings().max_unjudged_bytes.get());
        let (queue, asks_host) = (None, false);
        Self(CallbackDriver { gate, clock: clock::now, unjudged, hook: None, queue, asks_host })
    }

    /// Replaces the clock. Use this method in a test with recorded callbacks.
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self(CallbackDriver { clock, ..self.0 })
    }

    /// Appends the events of queued kinds to `queue`.
    pub(crate) fn with_queue(self, queue: Option<Arc<Queue>>) -> Self {
        Self(CallbackDriver { queue, ..self.0 })
    }

    /// Reports the outcome of each callback to `hook`. [`MetricsHook`] has an example.
    ///
    /// If a client disconnects before the reply, the hook receives no outcome.
    pub fn observe(self, hook: impl MetricsHook + 'static) -> Self {
        Self(CallbackDriver { hook: Some(Arc::new(hook)), ..self.0 })
    }

    /// Sends events through the upstream of your proxy, not through gatepost's own connections.
    ///
    /// Each event is a subrequest, for which Pingora calls the methods of your `ProxyHttp` with a
    /// new context. An event has the path and the `host` of the template's address. If the template
    /// has no address, the event has the path and the `host` of the callback. gatepost reads at
    /// most [`MAX_ANSWER_BYTES`](gatepost::MAX_ANSWER_BYTES) of the response, and replies to the
    /// platform.
    ///
    /// - Return true from `ProxyHttp::allow_spawning_subrequest`.
    /// - Call [`request_filter`](Self::request_filter) for the event, too. The call returns
    ///   `Ok(false)`, and puts [`Accepted`](gatepost::Accepted) into the extensions of the event's
    ///   request, for `upstream_peer` and the later methods.
    /// - A client cannot send a request that the module takes for an event, because the module
    ///   recognizes the subrequest by its context.
    pub fn with_host_upstream(self) -> Self {
        Self(CallbackDriver { asks_host: true, ..self.0 })
    }

    /// Serves a callback. Call this method first in `ProxyHttp::request_filter`.
    ///
    /// Returns `Ok(true)` if the module has written a reply: to a callback, to a CORS preflight for
    /// a callback, or to a request with an invalid host, target or length. Returns `Ok(false)` for
    /// a request that is not a callback, and for a request on a route in shadow mode. In these
    /// cases, the module has removed the headers that a client must not send, and has replaced a
    /// target that is an HTTP URL with the path and the query of the URL.
    ///
    /// Returns `Ok(false)` for an event, too: see [`with_host_upstream`](Self::with_host_upstream).
    ///
    /// After the reply to an accepted callback, the extensions of `session.req_header()` contain
    /// [`Accepted`](gatepost::Accepted) and [`Conclusion`](gatepost::Conclusion), for
    /// `ProxyHttp::logging`. For a refused callback, and for a client that disconnects before the
    /// reply, the extensions contain neither of the two.
    ///
    /// # Errors
    ///
    /// Never returns an error, even if the client disconnects early. Pingora logs each error
    /// with the path of the request, and the path may contain a token.
    pub async fn request_filter(&self, session: &mut Session) -> pingora::Result<bool> {
        Ok(self.filter(session).await != Filtered::Passes)
    }

    pub(super) async fn filter(&self, session: &mut Session) -> Filtered {
        if let Some(accepted) = handed_over(session).cloned() {
            session.req_header_mut().extensions_mut().insert(accepted);
            return Filtered::Passes;
        }
        let started = Instant::now();
        if let Err(fault) = settle_target(session).and_then(|()| check_host(session)) {
            return self.reject(session, fault).await;
        }
        let driver = &self.0;
        let admission = driver.gate.admit_in_proxy(&head(session), (driver.clock)());
        if matches!(admission, Admission::Callback(_) | Admission::Refused(_)) {
            METRICS.callbacks.pingora_path(is_encrypted(session));
        }
        match admission {
            Admission::Other => return self.pass(session, None).await,
            Admission::Shadow(shadow) => return self.pass(session, Some(shadow)).await,
            Admission::Reply(reply) => {
                Box::pin(write_unread(session, &reply)).await;
                return Filtered::Replied;
            }
            // Boxed, so that the future of a request for the upstream stays small.
            Admission::Refused(refusal) => {
                Box::pin(driver.refuse(session, &refusal, started)).await;
            }
            Admission::Callback(intake) => Box::pin(driver.serve(session, intake, started)).await,
        }
        Filtered::Callback
    }

    /// Prepares a request for the upstream, or refuses the request.
    async fn pass(&self, session: &mut Session, shadow: Option<Shadow>) -> Filtered {
        if let Err(fault) = head(session).check_framing() {
            return self.reject(session, fault).await;
        }
        strip(session, &self.0.gate, shadow.is_some());
        if let Some(shadow) = shadow {
            self.watch(session, shadow);
        }
        Filtered::Passes
    }

    /// Refuses a request because of a fault in its head.
    async fn reject(&self, session: &mut Session, fault: HeadFault) -> Filtered {
        METRICS.requests.rejected(fault);
        report::rejected(fault, peer(session), (self.0.clock)());
        Box::pin(write_unread(session, &Reply::bad_request())).await;
        Filtered::Replied
    }

    pub(crate) const fn driver(&self) -> &CallbackDriver {
        &self.0
    }

    /// Sets `x-forwarded-for`, `x-forwarded-host` and `x-forwarded-proto` of a request to an
    /// upstream. Call this method in `ProxyHttp::upstream_request_filter`.
    ///
    /// # Errors
    ///
    /// Returns an error if a header value is invalid. Values that Pingora has received are valid.
    pub fn upstream_request_filter(
        &self,
        session: &Session,
        request: &mut RequestHeader,
    ) -> pingora::Result<()> {
        // An event has these headers already.
        if handed_over(session).is_some() {
            return Ok(());
        }
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

    /// Passes the body of a request to the gate if the route is in shadow mode.
    ///
    /// Call this method in `ProxyHttp::request_body_filter`. Without this call, gatepost reports
    /// the requests on routes in shadow mode as `unseen`.
    pub fn request_body_filter(&self, session: &Session, body: Option<&Bytes>, end: bool) {
        if let Some(passing) = ShadowedRequest::of(session) {
            passing.observe_request(&self.0, body, end);
        }
    }

    /// Passes the head of the app's answer to the gate if the route of the request is in shadow
    /// mode.
    ///
    /// Call this method in `ProxyHttp::upstream_response_filter`. Without this call, gatepost makes
    /// no prediction for the answer (`unseen`).
    pub fn upstream_response_filter(&self, session: &Session, answer: &ResponseHeader) {
        if let Some(passing) = ShadowedRequest::of(session) {
            passing.observe_head(answer);
        }
    }

    /// Passes the body of the app's answer to the gate if the route of the request is in shadow
    /// mode.
    ///
    /// Call this method in `ProxyHttp::upstream_response_body_filter`.
    pub fn upstream_response_body_filter(
        &self,
        session: &Session,
        body: Option<&Bytes>,
        end: bool,
    ) {
        if let Some(passing) = ShadowedRequest::of(session) {
            passing.observe_answer(&self.0, body, end);
        }
    }

    /// Ends the observation of the app's answer to a request in shadow mode.
    ///
    /// Call this method in `ProxyHttp::logging`.
    pub fn logging(&self, session: &Session, error: Option<&Error>) {
        if let Some(passing) = ShadowedRequest::of(session) {
            passing.end(error, (self.0.clock)());
        }
    }

    /// Returns the method and the path of a request, for log lines. Call this method in
    /// `ProxyHttp::request_summary`.
    ///
    /// Omits the query, the rest of a long path, and the token in a path. For a route in shadow
    /// mode, returns the path from the config.
    pub fn request_summary(&self, session: &Session) -> String {
        let (method, path) = (session.req_header().method.as_str(), self.printable_path(session));
        format!("{method:.MAX_METHOD$} {path}")
    }

    pub(super) fn printable_path(&self, session: &Session) -> String {
        let request = session.req_header();
        match ShadowedRequest::of(session) {
            Some(passing) => passing.route().to_owned(),
            None => self.0.gate.printable_path(request.uri.path()),
        }
    }

    /// Counts and logs a request for which the config has neither a route nor an upstream.
    pub(super) fn route_not_found(&self, session: &Session) {
        METRICS.requests.not_found.inc();
        let request = fmt::from_fn(|f| f.write_str(&self.request_summary(session)));
        report::route_not_found(&request, peer(session), (self.0.clock)());
    }

    /// Logs an error of the upstream.
    pub(super) fn upstream_failed(&self, session: &Session, error: &Error, end: UpstreamEnd) {
        let request = fmt::from_fn(|f| f.write_str(&self.request_summary(session)));
        let explained = app::tls_fault::explain_pingora(error).or_else(|| {
            let closed = app::tls_fault::CLOSED_AFTER_HANDSHAKE.into();
            (end == UpstreamEnd::AfterHandshake).then_some(closed)
        });
        let reason = explained.unwrap_or_else(|| error.etype().as_str().into());
        let fault = upstream_fault(error, end == UpstreamEnd::InResponse);
        report::upstream_failed(&request, &reason, fault, peer(session), (self.0.clock)());
    }

    /// Attaches the observers to a request on a route in shadow mode.
    fn watch(&self, session: &mut Session, shadow: Shadow) {
        let (clock, hook) = (self.0.clock, self.0.hook.clone());
        let route = Arc::clone(shadow.route());
        let observers = shadow.observe_exchange(
            &head(session),
            move |shadowed| {
                METRICS.callbacks.shadowed(shadowed);
                if let Some(hook) = &hook {
                    hook.shadowed(shadowed);
                }
                report::shadowed(shadowed, clock());
            },
            move |prediction| {
                METRICS.callbacks.predicted(prediction);
                report::predicted(prediction, clock());
            },
        );
        let passing = ShadowedRequest::new(route, observers);
        session.req_header_mut().extensions_mut().insert(passing);
    }
}

/// Result of the module's work on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filtered {
    /// The module has served or refused a callback, and has recorded it for the access log.
    Callback,
    /// The module has prepared the request for the upstream.
    Passes,
    /// The module has replied to a request that is not a callback.
    Replied,
}

fn request_context(session: &Session) -> RequestContext<'static> {
    RequestContext::default().with_scheme(scheme(is_encrypted(session)))
}

/// Removes headers with Pingora's own method, which also removes the original spelling of their
/// names.
fn strip(session: &mut Session, gate: &Gate, is_shadow: bool) {
    let names: Vec<_> = gate.headers_to_remove(&head(session), is_shadow).cloned().collect();
    for name in names {
        session.req_header_mut().remove_header(&name);
    }
}

/// Replaces a target that is an HTTP URL with the path and the query of the URL, so that the app
/// reads the path that the gate judges.
///
/// Sets the `host` of an HTTP/1.0 request without `host` to the authority of the URL. Pingora has
/// compared an existing `host` with the authority.
///
/// Returns an error for a target that is neither a path nor an HTTP URL. Only the method `OPTIONS`
/// permits the target `*`. Returns an error for a target with invalid bytes, because Pingora's URI
/// then differs from the bytes.
fn settle_target(session: &mut Session) -> Result<(), HeadFault> {
    let header = session.req_header_mut();
    let raw = header.raw_path();
    if !raw.iter().all(u8::is_ascii_graphic) {
        return Err(HeadFault::TargetInvalid);
    }
    if raw.starts_with(b"/") || (raw == b"*" && header.method == Method::OPTIONS) {
        return if header.raw_path_is_utf8() { Ok(()) } else { Err(HeadFault::TargetInvalid) };
    }
    let RawTargetAuthority::Absolute { scheme, authority, path_and_query } =
        raw_target_authority(raw)
    else {
        return Err(HeadFault::TargetInvalid);
    };
    let host = HeaderValue::from_bytes(authority).map_err(|_| HeadFault::HostMalformed)?;
    if !is_http_family_scheme(scheme) || !header.raw_path_is_utf8() {
        return Err(HeadFault::TargetInvalid);
    }
    let is_asterisk = path_and_query.is_empty() && header.method == Method::OPTIONS;
    if header.version == Version::HTTP_10 && !header.headers.contains_key(HOST) {
        header.insert_header(HOST, host).map_err(|_| HeadFault::HostMalformed)?;
    }
    header.set_uri(if is_asterisk { Uri::from_static("*") } else { header.uri.clone() });
    Ok(())
}

fn check_host(session: &Session) -> Result<(), HeadFault> {
    head(session).check_host(session.req_header().version)
}
