//! Log lines about callbacks. Each line has a stable `code` for programs and a message for the
//! operator.
//!
//! The layer and the proxy both log through this module, so the same verdict produces the same
//! line. From the body of a callback, a line contains only the id, the kind and the tenant. No line
//! contains a secret.
//!
//! For each code, gatepost logs at most ten lines per second, so that a flood of requests does not
//! fill the disk. The field `suppressed` of the next line with the same code is the number of
//! omitted lines. The conclusions that [`concluded`] logs at info or debug level have no limit
//! here. The program `gatepost` has a second limit, on the bytes of all lines.

use core::net::IpAddr;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::config::LogCallbacks;
use crate::head::HeadFault;
use crate::limit::{Budget, Rate};
use crate::reply::{AnswerFault, Permission};
use crate::route::Mode;
use crate::shadow::{Effect, Outcome, Prediction, Shadowed};
use crate::template::Ask;
use crate::time::Timestamp;
#[cfg(feature = "axum")]
use crate::verdict::ViewError;
use crate::verdict::{Accepted, Refusal};

/// Writes a line, unless its code has reached the limit of lines for this second.
macro_rules! limited_line {
    ($level:ident, $code:expr, $now:ident, $($rest:tt)+) => {{
        let code = $code;
        if let Some(suppressed) = LINES.admit(Mode::Enforce, code, $now) {
            tracing::$level!(code, suppressed = nonzero(suppressed), $($rest)+);
        }
    }};
}

/// Writes a line about an accepted callback, unless its code has reached the limit of lines for
/// this second.
macro_rules! event_line {
    ($level:ident, $code:literal, $accepted:ident, $now:ident, $($rest:tt)+) => {
        limited_line!(
            $level,
            $code,
            $now,
            id = $accepted.event().id(),
            source = $accepted.event().source(),
            kind = $accepted.event().kind(),
            template = $accepted.template().name(),
            $($rest)+
        )
    };
}

/// Writes a line about the conclusion of a callback.
macro_rules! conclusion_line {
    ($level:ident, $of:expr, $($message:tt)+) => {{
        let (code, accepted, conclusion, suppressed, now) = $of;
        let event = accepted.event();
        tracing::$level!(
            code,
            status = conclusion.reply.status().as_u16(),
            decision = conclusion.permission().map(Permission::as_str),
            elapsed_ms = now.as_millis().saturating_sub(accepted.arrived().as_millis()),
            id = event.id(),
            source = event.source(),
            kind = event.kind(),
            template = accepted.template().name(),
            tenant = event.tenant(),
            written = accepted.unknown_kind(),
            from = accepted.client().map(tracing::field::display),
            suppressed,
            $($message)+
        )
    }};
}

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

/// Logs a warning for a request that the server refused for its head, whatever its path.
pub fn rejected(fault: HeadFault, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    let status = fault.status().as_u16();
    limited_line!(warn, fault.as_str(), now, status, from, "request refused: {fault}");
}

/// Logs a warning about a connection, or a request, that the server closed without a verdict.
///
/// The server chooses the `code`, such as `proxy_protocol_broken`.
pub fn closed(code: &'static str, reason: &dyn Error, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    limited_line!(warn, code, now, from, "connection closed: {reason}");
}

/// Logs a warning about a request that is not a callback, or about the server that would answer it.
///
/// The server chooses the `code`, such as `upstream_unresolved`, and a message without secrets.
pub fn warned(code: &'static str, message: &dyn Display, from: Option<IpAddr>, now: Timestamp) {
    let from = from.map(tracing::field::display);
    limited_line!(warn, code, now, from, "{message}");
}

/// Logs the first operation of an outage of the state that machines share.
///
/// Until the outage ends, gatepost remembers callbacks in memory only.
pub fn shared_state_lost(reason: &dyn Error, now: Timestamp) {
    limited_line!(
        warn,
        "shared_state_lost",
        now,
        "gatepost does without the shared state, so an app may get a callback twice: {reason}"
    );
}

/// Logs the end of an outage of the state that machines share. `missed` is the number of operations
/// that gatepost did without.
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

/// Logs a warning about a request that a server of callbacks refused, because its path has no
/// route.
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

/// Logs an error about a handler whose type does not describe the callback.
#[cfg(feature = "axum")]
pub(crate) fn view_failed(accepted: &Accepted, reason: &ViewError, now: Timestamp) {
    event_line!(error, "view_mismatch", accepted, now, "handler did not run: {reason}");
}

/// Logs an error about a request that reached an extractor without passing the layer.
#[cfg(feature = "axum")]
pub(crate) fn not_accepted(now: Timestamp) {
    limited_line!(
        error,
        "not_accepted",
        now,
        "handler did not run: expected a callback accepted by gatepost, found a request that \
         bypassed it; add `GateLayer`"
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

/// Logs the outcome of a request to a route in shadow mode.
///
/// The level of an acceptance is info. The level of any other outcome is warning.
pub fn shadowed(shadowed: &Shadowed, now: Timestamp) {
    let Some(suppressed) = LINES.admit(Mode::Shadow, shadowed.code(), now) else { return };
    let from = match shadowed.outcome() {
        Outcome::Accepted(accepted) => accepted.client(),
        Outcome::Refused(refusal) => refusal.client(),
        Outcome::Unseen => None,
    };
    let from = from.map(tracing::field::display);
    macro_rules! line {
        ($level:ident, $template:expr, $kind:expr, $message:literal) => {
            tracing::$level!(
                code = shadowed.code(),
                mode = "shadow",
                provider = shadowed.provider(),
                route = shadowed.route(),
                tenant = shadowed.tenant(),
                template = $template,
                kind = $kind,
                from,
                suppressed = nonzero(suppressed),
                $message
            )
        };
    }
    match shadowed.outcome() {
        Outcome::Accepted(accepted) => {
            let (template, kind) = (accepted.template().name(), accepted.event().kind());
            line!(info, template, kind, "callback would be accepted");
        }
        Outcome::Refused(refusal) => {
            line!(warn, refusal.template(), None::<&str>, "callback would be refused: {refusal}");
        }
        Outcome::Unseen => {
            let none = None::<&str>;
            line!(warn, none, none, "callback passed without a verdict: gatepost received no body");
        }
    }
}

/// Logs what enforce mode would do with the app's answer to a genuine callback in shadow mode.
///
/// The level is warning for an answer that gatepost would replace or could not judge. The level is
/// also warning for an app that would not receive a header or a field of the callback. The level is
/// debug for an answer that gatepost did not see. Otherwise, the level is info.
pub fn predicted(prediction: &Prediction, now: Timestamp) {
    let effect = prediction.effect();
    let Some(suppressed) = LINES.admit(Mode::Shadow, effect.code(), now) else { return };
    let accepted = prediction.accepted();
    let (headers, fields) = (prediction.missing_headers(), prediction.missing_fields());
    let has_missing = headers.len() + fields.len() > 0;
    let joined = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(" "));
    let (headers, fields) = (joined(headers.collect()), joined(fields.collect()));
    macro_rules! line {
        ($level:ident, $($message:tt)+) => {
            tracing::$level!(
                code = effect.code(),
                mode = "shadow",
                provider = accepted.event().provider(),
                route = prediction.route(),
                id = accepted.event().id(),
                kind = accepted.event().kind(),
                template = accepted.template().name(),
                reason = prediction.reason().map(|reason| reason.kind().as_str()),
                missing_headers = headers,
                missing_fields = fields,
                suppressed = nonzero(suppressed),
                $($message)+
            )
        };
    }
    let changes = || prediction.changes().collect::<Vec<_>>().join(", ");
    match effect {
        Effect::Passed if has_missing => line!(warn, "answer would pass unchanged"),
        Effect::Passed => line!(info, "answer would pass unchanged"),
        Effect::PutRight if has_missing => line!(warn, "answer would be put right: {}", changes()),
        Effect::PutRight => line!(info, "answer would be put right: {}", changes()),
        Effect::NotAsked => line!(info, "app would not be asked"),
        Effect::Replaced => match prediction.reason() {
            Some(reason) => line!(warn, "answer would be replaced: {reason}"),
            None => line!(warn, "answer would be replaced"),
        },
        Effect::Unjudged => line!(
            warn,
            "answer not judged: the app compressed the answer; in enforce mode, gatepost asks for no compression"
        ),
        Effect::Unseen => line!(debug, "answer not judged: gatepost did not see the whole answer"),
    }
}

/// Logs the conclusion of an accepted callback.
///
/// If gatepost has no usable answer from the app, the level is error. If the app denies by an empty
/// answer or refuses an event, the level is warning. If the template does not list the kind, the
/// level is info. Otherwise, the level is debug. With [`LogCallbacks::All`], each callback has a
/// line at info, or at a higher level.
///
/// Logs another warning for misfits, and for a signed id that arrived earlier with other data. Logs
/// a warning for members that gatepost dropped from the answer: once for each template and kind,
/// and again after a reload of the config.
pub fn concluded(
    accepted: &Accepted,
    conclusion: &Conclusion,
    callbacks: LogCallbacks,
    now: Timestamp,
) {
    warn_of_oddities(accepted, conclusion, now);
    match &conclusion.origin {
        Origin::Empty(reason) | Origin::Failure(reason) | Origin::LastGood(reason) => {
            let code = reason.kind().as_str();
            match LINES.admit(Mode::Enforce, code, now) {
                Some(suppressed) => failed(accepted, conclusion, reason, nonzero(suppressed), now),
                None => usual(accepted, conclusion, code, callbacks, now),
            }
        }
        origin @ Origin::Unlisted => conclusion_line!(
            info,
            (origin.as_str(), accepted, conclusion, None::<u64>, now),
            "callback concluded without the app: the template does not list its kind"
        ),
        origin @ (Origin::App
        | Origin::Challenge
        | Origin::Fixed
        | Origin::Queued
        | Origin::Resend) => {
            usual(accepted, conclusion, origin.as_str(), callbacks, now);
        }
    }
}

/// Logs a conclusion that needs no attention.
fn usual(
    accepted: &Accepted,
    conclusion: &Conclusion,
    code: &'static str,
    callbacks: LogCallbacks,
    now: Timestamp,
) {
    let of = (code, accepted, conclusion, None::<u64>, now);
    match callbacks {
        LogCallbacks::All => conclusion_line!(info, of, "callback concluded"),
        LogCallbacks::None | LogCallbacks::Refused => {
            conclusion_line!(debug, of, "callback concluded");
        }
    }
}

/// Logs a conclusion without a usable answer of the app.
#[cold]
fn failed(
    accepted: &Accepted,
    conclusion: &Conclusion,
    reason: &Unavailable,
    suppressed: Option<u64>,
    now: Timestamp,
) {
    let of = (reason.kind().as_str(), accepted, conclusion, suppressed, now);
    let is_last_good = matches!(conclusion.origin, Origin::LastGood(_));
    let ask = accepted.delivery().as_ask();
    let app = ask.filter(|_| is_about_app(reason.kind())).and_then(servers_of);
    let limit = ask.filter(|_| reason.kind() == UnavailableKind::AppTimeout);
    let timeout_ms = limit.map(|ask| ask.timeout.as_millis());
    let timeout_ms = timeout_ms.and_then(|millis| u64::try_from(millis).ok());
    if is_word_of_app(reason.kind()) && !is_last_good {
        conclusion_line!(warn, of, app, timeout_ms, "callback concluded: {reason}");
    } else {
        conclusion_line!(
            error,
            of,
            app,
            timeout_ms,
            "callback concluded without a usable answer: {reason}"
        );
    }
}

/// Returns false for a failure of gatepost, for which it did not ask the app.
const fn is_about_app(kind: UnavailableKind) -> bool {
    !matches!(
        kind,
        UnavailableKind::AppOverloaded
            | UnavailableKind::ReplyKeyMissing
            | UnavailableKind::StoreFull
            | UnavailableKind::StoreUnavailable
    )
}

/// Returns the servers of the app, without the paths and queries of their addresses, which may
/// contain secrets.
fn servers_of(ask: &Ask) -> Option<String> {
    let servers = ask.app.as_ref()?.as_slice().iter().map(|own| own.server().to_string());
    Some(servers.collect::<Vec<_>>().join(" "))
}

/// Logs a warning for each unusual feature of the callback and of the app's answer.
fn warn_of_oddities(accepted: &Accepted, conclusion: &Conclusion, now: Timestamp) {
    if accepted.misfits().len() > 0 {
        misfits(accepted, now);
    }
    if accepted.reuses_id() {
        reused_id(accepted, now);
    }
    if conclusion.dropped_members().len() > 0 {
        dropped(accepted, conclusion);
    }
    if conclusion.has_unclear_answer() {
        unclear(accepted, now);
    }
}

/// Logs a warning for an unclear answer that gatepost took as an acknowledgement.
#[cold]
fn unclear(accepted: &Accepted, now: Timestamp) {
    event_line!(
        warn,
        "answer_unclear",
        accepted,
        now,
        "the app's answer neither repeats nor contradicts the platform's acknowledgement: gatepost \
         acknowledges the callback; with unclear_answer = \"refused\", it replies 503"
    );
}

/// Logs a warning for an accepted callback with misfits.
#[cold]
fn misfits(accepted: &Accepted, now: Timestamp) {
    let fields = accepted.misfits().collect::<Vec<_>>().join(" ");
    event_line!(
        warn,
        "field_misfit",
        accepted,
        now,
        fields,
        "callback accepted with fields that do not fit the definition"
    );
}

/// Logs a warning for an accepted callback whose signed id arrived earlier with other data.
#[cold]
fn reused_id(accepted: &Accepted, now: Timestamp) {
    event_line!(
        warn,
        "id_reused",
        accepted,
        now,
        "callback accepted with the id of an earlier callback that has other data"
    );
}

/// Returns true if the app itself decided the outcome, so that there is no failure to repair.
const fn is_word_of_app(kind: UnavailableKind) -> bool {
    matches!(
        kind,
        UnavailableKind::AnswerEmpty
            | UnavailableKind::AnswerContradicts
            | UnavailableKind::AnswerUnclear
            | UnavailableKind::EventRefused
    )
}

/// Logs a warning for an answer with members that gatepost dropped.
#[cold]
fn dropped(accepted: &Accepted, conclusion: &Conclusion) {
    let logged = accepted.delivery().as_ask().map(|ask| &ask.has_logged_dropped);
    if logged.is_none_or(|logged| logged.swap(true, Ordering::Relaxed)) {
        return;
    }
    tracing::warn!(
        code = "answer_members_dropped",
        members = conclusion.dropped_members().collect::<Vec<_>>().join(" "),
        kind = accepted.event().kind(),
        template = accepted.template().name(),
        "the app's answer has members that the platform's reply does not have: gatepost drops them"
    );
}

/// Returns `None` for zero, so that the line has no field `suppressed`.
fn nonzero(suppressed: u64) -> Option<u64> {
    Some(suppressed).filter(|suppressed| *suppressed > 0)
}

/// Maximum number of lines per second for each mode and code.
const LINES_PER_SECOND: u32 = 10;

/// The line counts of this process. The counts are global because the log is global.
static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);

/// The state of the rate limit and the number of omitted lines, for each mode and code.
#[derive(Default)]
struct Lines(Mutex<HashMap<(Mode, &'static str), CodeLines>>);

#[derive(Default)]
struct CodeLines {
    budget: Budget,
    suppressed: u64,
}

impl Lines {
    /// Returns the number of lines omitted since the last written line; `None` if the caller must
    /// omit this line too.
    fn admit(&self, mode: Mode, code: &'static str, now: Timestamp) -> Option<u64> {
        let rate = Rate::new(LINES_PER_SECOND, LINES_PER_SECOND);
        // Ignore a poisoned lock, because a panic cannot leave the map in an inconsistent state.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.entry((mode, code)).or_default();
        if !lines.budget.take(rate, now) {
            lines.suppressed += 1;
            return None;
        }
        Some(std::mem::take(&mut lines.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_or_counts_every_line() {
        let lines = Lines::default();
        let (mut written, mut omitted, mut reported) = (0, 0, 0);
        for millis in 0..5_000 {
            match lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(millis)) {
                Some(suppressed) => (written, reported) = (written + 1, reported + suppressed),
                None => omitted += 1,
            }
        }
        assert_eq!(written + omitted, 5_000);
        assert_eq!(written, 10 + 49, "expected ten lines at once, then one every 100 ms");
        let last =
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(5_000)).unwrap();
        assert_eq!(reported + last, omitted);
        assert_eq!(lines.admit(Mode::Enforce, "app_timeout", Timestamp::from_millis(0)), Some(0));
        assert_eq!(
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(6_000)),
            Some(0)
        );
    }
}
