//! Log lines about callbacks. Each line has a stable `code` for programs and a message for the
//! operator.
//!
//! The layer and the proxy both log through this module, so the same verdict produces the same
//! line. From the body of a callback, a line contains only the id, the kind, the tenant, the
//! application and the names of fields. No line contains a secret.
//!
//! For each mode (enforce or shadow) and code, gatepost logs at most ten lines per second, so that
//! a flood of requests does not fill the disk. The field `suppressed` of the next line with the
//! same mode and code is the number of omitted lines. The conclusions that [`concluded`] logs at
//! info or debug level have no limit here. The program `gatepost` has a second limit, on the bytes
//! of all lines.

#[macro_use]
mod line_limit;
mod conclusion;
mod shadow;

use core::net::IpAddr;
use std::error::Error;
use std::fmt::Display;

use crate::conclusion::Unavailable;
use crate::delivery::QueuedApp;
use crate::head::HeadFault;
use crate::limit::LimitValues;
use crate::memory::outage::SHARED_STATE_LOST;
use crate::memory::store::Claimed;
use crate::reply::AnswerFault;
use crate::time::Timestamp;
#[cfg(feature = "axum")]
use crate::verdict::ViewError;
use crate::verdict::{Accepted, Refusal};
pub use conclusion::concluded;
pub use shadow::{predicted, shadowed};

/// Target of all lines, for filters such as `GATEPOST_LOG=gatepost::report=debug`.
pub(crate) const TARGET: &str = "gatepost::report";

/// Logs a refusal as a warning.
pub fn refused(refusal: &Refusal, now: Timestamp) {
    limited_line!(
        warn,
        refusal.kind().as_str(),
        now,
        status = refusal.kind().status().as_u16(),
        provider = refusal.provider(),
        route = refusal.route(),
        tenant = refusal.tenant(),
        template = refusal.template(),
        from = refusal.client().map(tracing::field::display),
        "callback refused: {refusal}"
    );
}

/// Logs a warning about a request, on any path, that the server refused because of its head.
pub fn rejected(fault: HeadFault, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    let status = fault.status().as_u16();
    limited_line!(warn, fault.as_str(), now, status, from, "request refused: {fault}");
}

/// Logs a warning about a request that is not a callback, and to which the server replied 404,
/// because the config has no upstream.
///
/// `request` is the method and the path, without secrets.
pub fn route_not_found(request: &dyn Display, from: Option<IpAddr>, now: Timestamp) {
    limited_line!(
        warn,
        "route_not_found",
        now,
        status = 404,
        request = tracing::field::display(request),
        from = from.map(tracing::field::display),
        "gatepost replied 404: no route has this path, and the config has no upstream; compare \
         the path with `gatepost routes`; often, a proxy in front of gatepost removes the start of the \
         path"
    );
}

/// Logs a warning about a connection or a request that the server closed without a verdict.
///
/// The caller chooses the `code`, such as `proxy_protocol_broken`.
pub fn closed(code: &'static str, reason: &dyn Error, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    limited_line!(warn, code, now, from, "connection closed: {reason}");
}

/// Logs a warning about something other than one callback, such as the upstream or the store.
///
/// The caller chooses the `code`, such as `upstream_unresolved`, and a message without secrets.
pub fn warned(code: &'static str, message: &dyn Display, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    limited_line!(warn, code, now, from, "{message}");
}

/// Logs a warning about a copy of an event that gatepost did not send to the address in `mirror`,
/// or that the app at this address did not accept. `app` is the server of the address. The path and
/// the query may contain secrets, so `app` omits them.
pub fn mirror_failed(accepted: &Accepted, app: &dyn Display, reason: &dyn Display, now: Timestamp) {
    let app = tracing::field::display(app);
    event_line!(
        warn,
        "mirror_failed",
        accepted,
        now,
        app,
        "the address in `mirror` did not accept the copy of an event: {reason}"
    );
}

/// Logs a warning about a failed attempt to deliver a queued event that gatepost tries to deliver
/// again.
pub fn delivery_failed(claimed: &Claimed, app: &QueuedApp, reason: &str, now: Timestamp) {
    let (lane, number, attempt) =
        (&claimed.event.lane, claimed.lease.number, claimed.lease.attempt);
    limited_line!(
        warn,
        "delivery_failed",
        now,
        id = &*claimed.event.id,
        number,
        attempt,
        lane = tracing::field::display(lane),
        app = tracing::field::display(app.addresses().servers()),
        "event {number} ({lane}), attempt {attempt}: {reason}"
    );
}

/// Logs a warning for an event that counts as delivered after an unclear answer.
pub fn delivered_unclearly(
    claimed: &Claimed,
    app: &QueuedApp,
    reason: &Unavailable,
    now: Timestamp,
) {
    let (lane, number, attempt) =
        (&claimed.event.lane, claimed.lease.number, claimed.lease.attempt);
    limited_line!(
        warn,
        "answer_unclear",
        now,
        id = &*claimed.event.id,
        number,
        attempt,
        lane = tracing::field::display(lane),
        app = tracing::field::display(app.addresses().servers()),
        "event {number} ({lane}), attempt {attempt}: delivered after an unclear answer: {reason}; \
         with unclear_answer = \"refused\", gatepost tries again"
    );
}

/// Logs the first failed operation of an outage of the state that machines share.
///
/// Until the outage ends, gatepost remembers callbacks only in its own memory.
pub fn shared_state_lost(reason: &dyn Error, now: Timestamp) {
    limited_line!(warn, "shared_state_lost", now, "{SHARED_STATE_LOST}: {reason}");
}

/// Logs that another machine has other values for the shared limit of a route.
pub fn limit_differs(route: &str, own: LimitValues, other: LimitValues, now: Timestamp) {
    let text = |values: LimitValues| {
        let LimitValues { per_second, burst } = values;
        format!("{{ per_second = {per_second}, burst = {burst} }}")
    };
    let (own, other) = (text(own), text(other));
    limited_line!(
        warn,
        "shared_limit_differs",
        now,
        route,
        "expected one limit on all machines, found {own} here and {other} on another machine, so each \
         machine has its own budget; write the same per_second and burst on all machines"
    );
}

/// Logs the end of an outage of the state that machines share. `missed` is the number of operations
/// without a result.
pub fn shared_state_back(missed: u64, now: Timestamp) {
    limited_line!(warn, "shared_state_back", now, missed, "gatepost uses the shared state again");
}

/// Logs an error about a request that is not a callback, and to which the upstream gave no usable
/// response. `fault` is `None` if the upstream did not begin a response.
///
/// `request` is the method and the path. Get the path from
/// [`Gate::printable_path`](crate::Gate::printable_path).
pub fn upstream_failed(
    request: &dyn Display,
    reason: &dyn Display,
    fault: Option<AnswerFault>,
    from: Option<IpAddr>,
    now: Timestamp,
) {
    let (from, request) = (from.map(tracing::field::display), tracing::field::display(request));
    let code = match fault {
        None => "upstream_failed",
        Some(AnswerFault::Broken) => "upstream_broken",
        Some(AnswerFault::Incomplete) => "upstream_incomplete",
        Some(AnswerFault::TooLarge) => "upstream_too_large",
    };
    limited_line!(error, code, now, request, from, "upstream failed: {reason}");
}

/// Logs a warning about a request that a layer with `callbacks_only` refused, because the path of
/// the request has no route.
#[cfg(feature = "tower")]
pub(crate) fn not_a_callback(now: Timestamp) {
    limited_line!(
        warn,
        "not_a_callback",
        now,
        status = 403,
        "request refused: expected the path of a route, found another path; write the path of each \
         route as clients send it"
    );
}

/// Logs an error about a handler whose view does not describe the callback.
#[cfg(feature = "axum")]
pub(crate) fn view_failed(accepted: &Accepted, reason: &ViewError, now: Timestamp) {
    event_line!(error, "view_mismatch", accepted, now, "handler did not run: {reason}");
}

/// Logs an error about a request that reached an extractor without passing through the layer.
#[cfg(feature = "axum")]
pub(crate) fn not_accepted(now: Timestamp) {
    limited_line!(
        error,
        "not_accepted",
        now,
        "handler did not run: expected a callback accepted by gatepost, found a request that \
         gatepost did not accept; add `GateLayer`, and a [[route]] with the path of the request"
    );
}

/// Logs an error about a runtime that has no timer.
#[cfg(feature = "tower")]
pub(crate) fn timer_missing(now: Timestamp) {
    limited_line!(
        error,
        "timer_missing",
        now,
        "callback cannot wait: expected a tokio runtime with a timer, found none; build the runtime \
         with `enable_time` or `enable_all`"
    );
}
