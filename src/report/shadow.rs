//! Log lines about callbacks on routes in shadow mode.

use super::line_limit::{LINES, nonzero};
use crate::route::Mode;
use crate::shadow::{Effect, Outcome, Prediction, Shadowed};
use crate::time::Timestamp;

/// Logs the outcome of a request to a route in shadow mode.
///
/// The level of an accepted callback is info. The level of any other outcome is warning.
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
                target: super::TARGET,
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

/// Logs the predicted effect of enforce mode on the app's answer to a genuine callback in shadow
/// mode.
///
/// The level is:
///
/// - warning for an answer that enforce mode replaces, and for a compressed answer;
/// - warning for an answer that enforce mode passes or corrects, to a callback with a header or a
///   field that the app does not receive in enforce mode;
/// - debug for an answer that gatepost has not received as a whole;
/// - info for any other answer.
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
                target: super::TARGET,
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
        Effect::PutRight if has_missing => line!(warn, "answer would be corrected: {}", changes()),
        Effect::PutRight => line!(info, "answer would be corrected: {}", changes()),
        Effect::NotAsked => line!(info, "app would not be asked"),
        Effect::Replaced => match prediction.reason() {
            Some(reason) => line!(warn, "answer would be replaced: {reason}"),
            None => line!(warn, "answer would be replaced"),
        },
        Effect::Unjudged => line!(
            warn,
            "answer not judged: the app compressed the answer; in enforce mode, gatepost asks for no compression"
        ),
        Effect::Unseen => {
            line!(debug, "answer not judged: gatepost did not receive the whole answer")
        }
    }
}
