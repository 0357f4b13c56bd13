//! Log lines about the conclusions of accepted callbacks.

use std::sync::atomic::Ordering;

use super::line_limit::{LINES, nonzero};
use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::config::LogCallbacks;
use crate::limit::RouteLimit;
use crate::reply::Permission;
use crate::route::Mode;
use crate::template::Ask;
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// Writes a line about the conclusion of a callback.
macro_rules! conclusion_line {
    ($level:ident, $of:expr, $($message:tt)+) => {{
        let (code, accepted, conclusion, suppressed, now) = $of;
        let event = accepted.event();
        tracing::$level!(
            target: $crate::report::TARGET,
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

/// Logs the conclusion of an accepted callback.
///
/// If the app's answer to a decision is empty and the reply therefore denies, the level is warning.
/// If the app's answer to a notification refuses the event, contradicts the acknowledgement, or is
/// unclear and counts as a refusal, the level is warning. If the callback exceeds the limit of its
/// route, the level is warning, because the operator has set this limit and no program has failed.
/// If gatepost has no usable answer for another reason, the level is error. If the template does
/// not list the kind, the level is info. Otherwise, the level is debug. With [`LogCallbacks::All`],
/// each callback has a line at info, or at a higher level.
///
/// In addition, logs a warning for [misfits](Accepted::misfits), for a signed id that an earlier
/// callback with other data had, and for an unclear answer to a notification. Logs a warning for
/// members that gatepost dropped from the answer: once for each template and kind, and again after
/// a reload of the config.
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
            "callback concluded without the app: the template does not list the kind"
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

/// Logs a conclusion that needs no attention, or whose warning or error the limit of lines omits.
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

/// Logs a conclusion without a usable answer from the app.
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
    if reason.kind() == UnavailableKind::AppOverloaded {
        let limit = accepted.route_limit();
        let route = limit.map(RouteLimit::route);
        let (per_second, burst) = limit.map(|limit| limit.rate().numbers()).unwrap_or_default();
        conclusion_line!(
            warn,
            of,
            route,
            "callback concluded without asking the app: {reason}: expected at most {per_second} \
             callbacks per second, with bursts of {burst}, found more; if the app can handle more, \
             raise `limit` of the route"
        );
    } else if is_word_of_app(reason.kind()) && !is_last_good {
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
    if let Some(reason) = &conclusion.unclear {
        unclear(accepted, reason, now);
    }
}

/// Logs a warning for a notification that gatepost acknowledged after an unclear answer.
#[cold]
fn unclear(accepted: &Accepted, reason: &Unavailable, now: Timestamp) {
    event_line!(
        warn,
        "answer_unclear",
        accepted,
        now,
        "callback acknowledged after an unclear answer: {reason}; with unclear_answer = \"refused\", \
         gatepost replies 503"
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

/// Logs a warning for an accepted callback with the signed id of an earlier callback, but other
/// data.
#[cold]
fn reused_id(accepted: &Accepted, now: Timestamp) {
    event_line!(
        warn,
        "id_reused",
        accepted,
        now,
        "callback accepted with the same id as an earlier callback, but with different data"
    );
}

/// Returns true if the app's answer itself is the reason. The level of the line is then warning.
/// For a repeated last good reply, the level is error.
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
        target: super::TARGET,
        code = "answer_members_dropped",
        members = conclusion.dropped_members().collect::<Vec<_>>().join(" "),
        kind = accepted.event().kind(),
        template = accepted.template().name(),
        "the app's answer has members that the platform's reply does not have: gatepost drops them"
    );
}

/// Returns true if the reason concerns the app. The line then names the app's servers.
const fn is_about_app(kind: UnavailableKind) -> bool {
    !matches!(
        kind,
        UnavailableKind::AppOverloaded
            | UnavailableKind::ReplyKeyMissing
            | UnavailableKind::StoreFull
            | UnavailableKind::StoreUnavailable
    )
}

fn servers_of(ask: &Ask) -> Option<String> {
    ask.app.as_ref().map(|app| app.servers())
}
