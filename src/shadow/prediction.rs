//! Prediction of the effect of enforce mode on the app's answer to a genuine callback.
//!
//! In shadow mode, the app receives the callback unchanged. The prediction describes the reply that
//! gatepost writes from the same answer in enforce mode. In that mode, the app may receive another
//! form of the callback, such as JSON, and may then answer differently. The prediction therefore
//! names the headers and fields that the app does not receive in enforce mode.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPECT, FORWARDED, HOST, PRAGMA, TE, USER_AGENT, VIA,
};

use crate::conclusion::{Conclusion, Origin, Unavailable};
use crate::event::Forward;
use crate::head::{Head, end_to_end};
use crate::reply::{Answer, has_byte_order_mark};
use crate::template::Ask;
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// Headers that any HTTP client may send. An app rarely needs these headers, so no prediction lists
/// them.
const GENERAL: [HeaderName; 15] = [
    ACCEPT,
    ACCEPT_CHARSET,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CACHE_CONTROL,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    DATE,
    EXPECT,
    FORWARDED,
    HOST,
    PRAGMA,
    TE,
    USER_AGENT,
    VIA,
];

/// Prefixes of other headers that no prediction lists: an event has these headers too, or a load
/// balancer sets them.
const GENERAL_PREFIXES: [&str; 4] = ["x-forwarded-", "x-real-ip", "traceparent", "tracestate"];

/// Maximum number of headers in a prediction. A client can send any number of headers.
const MAX_HEADERS: usize = 16;

/// Maximum length of the name of a header in a prediction, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The headers of a callback that a prediction needs.
pub(super) struct VendorHeaders {
    /// Names of the headers that the app receives only with the original callback.
    names: Vec<HeaderName>,
    /// True if the platform accepts compressed replies.
    accepts_coding: bool,
}

impl VendorHeaders {
    pub(super) fn of(head: &Head<'_>) -> Self {
        let is_general = |name: &HeaderName| {
            GENERAL.contains(name)
                || GENERAL_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
        };
        let mut names: Vec<HeaderName> = Vec::new();
        for (name, _) in end_to_end(head.headers()) {
            let is_short = name.as_str().len() <= MAX_NAME_BYTES;
            if names.len() < MAX_HEADERS && is_short && !is_general(name) && !names.contains(name) {
                names.push(name.clone());
            }
        }
        Self { names, accepts_coding: head.headers().contains_key(ACCEPT_ENCODING) }
    }
}

/// Prediction for the app's answer to a genuine callback on a route in shadow mode.
#[derive(Debug)]
pub struct Prediction {
    accepted: Accepted,
    route: Arc<str>,
    effect: Effect,
    reason: Option<Unavailable>,
    changes: Vec<String>,
    missing_headers: Vec<String>,
    missing_fields: Vec<String>,
}

/// Effect of enforce mode on the app's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// In enforce mode, the platform receives the same status and body.
    Passed,
    /// In enforce mode, the platform receives a reply that gatepost writes from the answer.
    PutRight,
    /// In enforce mode, the platform receives the reply of the failure policy, or a denial because
    /// of an empty answer.
    Replaced,
    /// In enforce mode, gatepost does not ask the app about this kind.
    NotAsked,
    /// No prediction: the app compressed the answer. In enforce mode, gatepost does not request
    /// compression.
    Unjudged,
    /// No prediction: gatepost did not receive the whole answer.
    Unseen,
}

impl Effect {
    /// Returns the stable code. Metrics use this word; logs use it with the prefix `answer_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.code().split_at("answer_".len()).1
    }

    /// Returns the code of a log line.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Passed => "answer_passed",
            Self::PutRight => "answer_put_right",
            Self::Replaced => "answer_replaced",
            Self::NotAsked => "answer_not_asked",
            Self::Unjudged => "answer_unjudged",
            Self::Unseen => "answer_unseen",
        }
    }
}

impl Prediction {
    pub(super) fn of(
        accepted: Accepted,
        route: Arc<str>,
        headers: &VendorHeaders,
        answer: Answer,
        now: Timestamp,
    ) -> Self {
        let prediction = Self::with(accepted, route, Effect::NotAsked);
        let Some(ask) = prediction.accepted.delivery().as_ask() else {
            return prediction.without_app();
        };
        let answer = if is_late(&prediction.accepted, ask, now) { Answer::Timeout } else { answer };
        let judged = judge(&prediction.accepted, ask, headers, &answer);
        let (missing_headers, missing_fields) = missing(&prediction.accepted, ask, headers);
        Self { missing_headers, missing_fields, ..prediction.judged(judged) }
    }

    pub(super) fn unseen(accepted: Accepted, route: Arc<str>) -> Self {
        Self::with(accepted, route, Effect::Unseen)
    }

    fn with(accepted: Accepted, route: Arc<str>, effect: Effect) -> Self {
        Self {
            accepted,
            route,
            effect,
            reason: None,
            changes: Vec::new(),
            missing_headers: Vec::new(),
            missing_fields: Vec::new(),
        }
    }

    fn judged(self, (effect, reason, changes): Judged) -> Self {
        Self { effect, reason, changes, ..self }
    }

    /// Returns the prediction for a kind about which gatepost does not ask the app.
    fn without_app(self) -> Self {
        let Origin::Failure(reason) = self.accepted.without_app().origin else { return self };
        Self { effect: Effect::Replaced, reason: Some(reason), ..self }
    }

    /// Returns the callback.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Returns the path and the query parameters of the route, as written in the config.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Returns the effect of enforce mode on the answer.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Returns the reason for which gatepost cannot use the answer, else `None`.
    #[must_use]
    pub const fn reason(&self) -> Option<&Unavailable> {
        self.reason.as_ref()
    }

    /// Returns the differences between the answer and the reply that gatepost writes from it in
    /// enforce mode.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.changes.iter().map(|change| &**change)
    }

    /// Returns the platform's headers that the app does not receive in enforce mode, at most 16
    /// names.
    pub fn missing_headers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.missing_headers.iter().map(|name| &**name)
    }

    /// Returns the fields that serve only the signature and that the app does not receive in
    /// enforce mode, such as `sign` and `t`.
    pub fn missing_fields(&self) -> impl ExactSizeIterator<Item = &str> {
        self.missing_fields.iter().map(|name| &**name)
    }
}

/// Returns true if the answer took longer than gatepost waits in enforce mode. The time starts at
/// the arrival of the request's head, because in shadow mode the app receives the request's body
/// while the client sends this body.
fn is_late(accepted: &Accepted, ask: &Ask, now: Timestamp) -> bool {
    let arrived = accepted.arrived();
    let took = now.as_millis().saturating_sub(arrived.as_millis());
    let took = Duration::from_millis(u64::try_from(took).unwrap_or_default());
    took > accepted.time_left(ask, arrived)
}

type Judged = (Effect, Option<Unavailable>, Vec<String>);

fn judge(accepted: &Accepted, ask: &Ask, headers: &VendorHeaders, answer: &Answer) -> Judged {
    if headers.accepts_coding && is_compressed(answer) {
        return (Effect::Unjudged, None, Vec::new());
    }
    let conclusion = accepted.answered(ask, answer);
    let reason = conclusion.origin.failure().cloned();
    let is_same = matches!(answer, Answer::Response { status, body: Some(body), .. }
        if conclusion.reply.status == *status && conclusion.reply.body == *body);
    match reason {
        reason if is_same => (Effect::Passed, reason, Vec::new()),
        None => (Effect::PutRight, None, changes(accepted, answer, &conclusion)),
        reason @ Some(_) => (Effect::Replaced, reason, Vec::new()),
    }
}

fn is_compressed(answer: &Answer) -> bool {
    let Answer::Response { headers, .. } = answer else { return false };
    headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity")
}

/// Returns the differences between an answer and the reply. A difference never contains a
/// value of the answer's body.
fn changes(accepted: &Accepted, answer: &Answer, conclusion: &Conclusion) -> Vec<String> {
    let Answer::Response { status, body, .. } = answer else { return Vec::new() };
    let body = body.as_deref().unwrap_or_default();
    let reply = &conclusion.reply;
    let mut changes = Vec::new();
    if reply.status != *status {
        let (old, new) = (status.as_str(), reply.status.as_str());
        changes.push(format!("status {old} becomes {new}"));
    }
    if has_byte_order_mark(body) {
        changes.push("gatepost removes the byte order mark".to_owned());
    }
    if conclusion.dropped_members().len() > 0 {
        let members: Vec<_> =
            conclusion.dropped_members().map(|name| format!("`{name}`")).collect();
        let noun = if members.len() == 1 { "member" } else { "members" };
        changes.push(format!("gatepost removes the {noun} {}", members.join(" ")));
    }
    if reply.body != body {
        changes.push(match accepted.kind().decision {
            Some(_) => "gatepost writes the answer in the platform's form".to_owned(),
            None => "gatepost writes the platform's acknowledgement instead of the app's body"
                .to_owned(),
        });
    }
    if conclusion.has_unclear_answer() {
        changes.push("the answer neither repeats nor contradicts the acknowledgement".to_owned());
    }
    changes
}

/// Returns the headers and the fields that an event in the configured form omits.
fn missing(accepted: &Accepted, ask: &Ask, headers: &VendorHeaders) -> (Vec<String>, Vec<String>) {
    let forward = accepted.forward();
    if forward.keeps_headers() {
        return (Vec::new(), Vec::new());
    }
    debug_assert!(matches!(forward, Forward::CloudEvents | Forward::Common | Forward::Json));
    let names = headers.names.iter().map(|name| name.as_str().to_owned()).collect();
    let fields = accepted.proof_fields().filter(|_| !ask.keeps_proof).map(str::to_owned).collect();
    (names, fields)
}
