//! Conclusion of an accepted callback: the reply, its origin, and the reason if gatepost has no
//! usable answer from the app.

use std::fmt;

use crate::printable::printable;
use crate::reply::{AnswerFault, Permission, Reply};

/// The reply to an accepted callback, and the origin of the reply.
///
/// # Examples
///
/// ```
/// use gatepost::{Answer, Next, Permission, Timestamp, UnavailableKind};
/// use http::StatusCode;
/// # use gatepost::{Accepted, Admission, Gate, Head, Question, Refusal};
/// # use http::{HeaderMap, Method, Uri};
/// # let now = Timestamp::from_secs(1_703_731_478);
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// # let ask = || -> Result<Question, Refusal> {
/// #     let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// #     let head = Head::new(&Method::POST, &uri, &headers);
/// #     let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
/// #     intake.push("kind=100&client_user_id=u&media_content_key=m&channel_key=c".into())?;
/// #     let Next::Ask(question) = intake.finish(now)?.next(now) else { unreachable!() };
/// #     Ok(question)
/// # };
///
/// // `ask` returns a question about a `live_play` callback from Kollus.
/// let body = Some(r#"{"allow":true}"#.into());
/// let answer = Answer::response(StatusCode::OK, body);
/// let conclusion = ask()?.conclude(&answer, now);
/// assert_eq!(conclusion.origin.as_str(), "app");
/// assert_eq!(conclusion.permission(), Some(Permission::Allow));
///
/// let conclusion = ask()?.conclude(&Answer::Timeout, now);
/// assert_eq!(conclusion.origin.as_str(), "failure");
/// assert_eq!(conclusion.origin.failure().unwrap().kind(), UnavailableKind::AppTimeout);
/// assert_eq!(conclusion.reply.body(), r#"{"data":{"result":0}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conclusion {
    /// The reply to the platform.
    pub reply: Reply,
    /// The origin of the reply.
    pub origin: Origin,
    /// Paths of the members that gatepost dropped from the answer.
    pub(crate) dropped: Box<[Box<str>]>,
    /// Reason why the answer to an acknowledged notification is unclear; `None` for any other
    /// answer. Boxed, because few answers are unclear.
    pub(crate) unclear: Option<Box<Unavailable>>,
}

impl Conclusion {
    pub(crate) fn new(reply: Reply, origin: Origin) -> Self {
        Self { reply, origin, dropped: Box::default(), unclear: None }
    }

    /// Returns the permission that the reply carries; `None` for a challenge, for a notification,
    /// for a decision to which gatepost replies 503, and for an app's answer that gatepost passes
    /// on unchecked.
    #[must_use]
    pub const fn permission(&self) -> Option<Permission> {
        self.reply.permission
    }

    /// Returns true if gatepost acknowledged a notification although the app's answer neither
    /// repeats nor contradicts the acknowledgement.
    #[must_use]
    pub const fn has_unclear_answer(&self) -> bool {
        self.unclear.is_some()
    }

    /// Returns the paths of the members that gatepost dropped from the app's answer to a decision,
    /// because the definition declares no such members. A path has the form `a.b` or `a[].b`.
    ///
    /// The list has at most 16 paths. If copies of a callback share an answer, the conclusions of
    /// the waiting copies have an empty list. A server therefore counts the members only once.
    pub fn dropped_members(&self) -> impl ExactSizeIterator<Item = &str> {
        self.dropped.iter().map(|name| &**name)
    }
}

/// Origin of a reply.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The app's answer.
    App,
    /// The request itself: gatepost replies to a challenge without the app.
    Challenge,
    /// The app's empty answer to a decision. The reply denies.
    Empty(Unavailable),
    /// The failure policy, because gatepost has no usable answer from the app.
    Failure(Unavailable),
    /// The fixed answer from the template.
    Fixed,
    /// The reply from the app's last usable answer about the same viewer and content, because
    /// gatepost has no new usable answer.
    LastGood(Unavailable),
    /// The acknowledgement of a callback whose event is now durable in the store. gatepost delivers
    /// the event later.
    Queued,
    /// The app's answer to an earlier or simultaneous copy of the same callback.
    Resend,
    /// No answer: the template does not list this kind, so gatepost does not ask the app.
    Unlisted,
}

impl Origin {
    /// Returns the reason if gatepost has no usable answer from the app, otherwise `None`.
    #[must_use]
    pub const fn failure(&self) -> Option<&Unavailable> {
        match self {
            Self::Empty(reason) | Self::Failure(reason) | Self::LastGood(reason) => Some(reason),
            Self::App
            | Self::Challenge
            | Self::Fixed
            | Self::Queued
            | Self::Resend
            | Self::Unlisted => None,
        }
    }

    /// Returns the stable code: the same word in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Challenge => "challenge",
            Self::Empty(_) => "answer_empty",
            Self::Failure(_) => "failure",
            Self::Fixed => "fixed",
            Self::LastGood(_) => "last_good",
            Self::Queued => "queued",
            Self::Resend => "resend",
            Self::Unlisted => "unlisted",
        }
    }
}

/// Error for an accepted callback for which gatepost has no usable answer from the app.
#[derive(Clone, Debug)]
pub struct Unavailable {
    kind: UnavailableKind,
    detail: Option<String>,
}

/// Reason why gatepost has no usable answer from the app.
///
/// ```
/// assert_eq!(gatepost::UnavailableKind::AppTimeout.as_str(), "app_timeout");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnavailableKind {
    /// The answer is not valid HTTP: the status line, a header or the chunks are malformed.
    AnswerBroken,
    /// The app's answer to a notification contradicts the acknowledgement that the platform
    /// expects, or reports an error.
    AnswerContradicts,
    /// The app's answer to a decision is empty, and `empty_answer` is `"deny"`. The reply denies.
    AnswerEmpty,
    /// The app's answer contains a fatal error of PHP.
    AnswerFatal,
    /// The app closed the connection during its answer.
    AnswerIncomplete,
    /// A field of the answer is misspelt, repeated, missing or in the wrong object, has the
    /// wrong type, or is out of range.
    AnswerInvalid,
    /// The answer is not a JSON object.
    AnswerMalformed,
    /// The answer exceeds [`MAX_ANSWER_BYTES`](crate::MAX_ANSWER_BYTES), or its head exceeds a
    /// limit.
    AnswerTooLarge,
    /// The app's answer to a notification does not say that the app accepted the event, and
    /// `unclear_answer` is `"refused"`.
    AnswerUnclear,
    /// The rate limit of the route is exhausted, so gatepost did not ask the app.
    AppOverloaded,
    /// The status of the answer is not 2xx. For a decision, 401 and 403 are usable too. For a
    /// notification, most 4xx statuses cause [`EventRefused`](Self::EventRefused) instead.
    AppStatus,
    /// The app did not answer in time.
    AppTimeout,
    /// gatepost cannot reach the app, or the app closed the connection without an answer.
    AppUnreachable,
    /// The circuit breaker of the app is open, so gatepost did not ask the app.
    CircuitOpen,
    /// The app refused a notification with a status such as 403 or 422.
    EventRefused,
    /// The platform requires a signed reply, but the template has no key for reply signing.
    ReplyKeyMissing,
    /// With the event, the store exceeds `max_bytes`, so gatepost does not queue the event.
    StoreFull,
    /// The event did not become durable in time: the store is slow, or has failed.
    StoreUnavailable,
}

impl UnavailableKind {
    /// All reasons, in alphabetical order.
    pub const ALL: [Self; 18] = [
        Self::AnswerBroken,
        Self::AnswerContradicts,
        Self::AnswerEmpty,
        Self::AnswerFatal,
        Self::AnswerIncomplete,
        Self::AnswerInvalid,
        Self::AnswerMalformed,
        Self::AnswerTooLarge,
        Self::AnswerUnclear,
        Self::AppOverloaded,
        Self::AppStatus,
        Self::AppTimeout,
        Self::AppUnreachable,
        Self::CircuitOpen,
        Self::EventRefused,
        Self::ReplyKeyMissing,
        Self::StoreFull,
        Self::StoreUnavailable,
    ];

    /// Returns the stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.code_and_meaning().0
    }

    /// Returns the meaning for the operator.
    pub(crate) const fn meaning(self) -> &'static str {
        self.code_and_meaning().1
    }

    /// Returns the code, and the meaning for the operator.
    const fn code_and_meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::AnswerBroken => ("answer_broken", "the app's answer is not valid HTTP"),
            Self::AnswerContradicts => {
                ("answer_contradicts", "the app's answer contradicts the acknowledgement")
            }
            Self::AnswerEmpty => ("answer_empty", "the app's answer is empty, so the reply denies"),
            Self::AnswerFatal => ("answer_fatal", "the app's answer contains a fatal error of PHP"),
            Self::AnswerIncomplete => ("answer_incomplete", "the app's answer ended early"),
            Self::AnswerInvalid => ("answer_invalid", "a field of the app's answer is invalid"),
            Self::AnswerMalformed => ("answer_malformed", "the app's answer is not a JSON object"),
            Self::AnswerTooLarge => ("answer_too_large", "the app's answer is too large"),
            Self::AnswerUnclear => {
                ("answer_unclear", "the app's answer does not say if the app accepted the event")
            }
            Self::AppOverloaded => {
                ("app_overloaded", "genuine callbacks exceed the rate limit of the route")
            }
            Self::AppStatus => ("app_status", "the app answered with an unexpected status"),
            Self::AppTimeout => ("app_timeout", "the app did not answer in time"),
            Self::AppUnreachable => ("app_unreachable", "gatepost cannot reach the app"),
            Self::CircuitOpen => ("circuit_open", "the app's circuit is open"),
            Self::EventRefused => ("event_refused", "the app refused the event"),
            Self::ReplyKeyMissing => {
                ("reply_key_missing", "the template has no key for reply signing")
            }
            Self::StoreFull => ("store_full", "the store is full"),
            Self::StoreUnavailable => {
                ("store_unavailable", "the store did not store the event in time")
            }
        }
    }
}

impl From<AnswerFault> for UnavailableKind {
    fn from(fault: AnswerFault) -> Self {
        match fault {
            AnswerFault::Broken => Self::AnswerBroken,
            AnswerFault::Incomplete => Self::AnswerIncomplete,
            AnswerFault::TooLarge => Self::AnswerTooLarge,
        }
    }
}

impl Unavailable {
    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> UnavailableKind {
        self.kind
    }

    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) fn with(kind: UnavailableKind, detail: &str) -> Self {
        Self { kind, detail: Some(printable(detail)) }
    }

    /// Creates an error with the text of one of gatepost's own errors. Does not shorten the text,
    /// because the remedy is at the end.
    pub(crate) const fn with_whole(kind: UnavailableKind, detail: String) -> Self {
        Self { kind, detail: Some(detail) }
    }
}

impl From<UnavailableKind> for Unavailable {
    fn from(kind: UnavailableKind) -> Self {
        Self { kind, detail: None }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.meaning())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unavailable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contains_every_variant() {
        let text = include_str!("conclusion.rs");
        let (_, variants) = text.split_once("pub enum UnavailableKind").unwrap();
        let (variants, _) = variants.split_once("\n}").unwrap();
        let written =
            variants.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
        assert!(written.eq(UnavailableKind::ALL.iter().map(|kind| format!("{kind:?}"))));
    }
}
