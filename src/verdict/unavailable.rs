//! What kept an app's answer from being used: the app's fault, or our own.

use std::fmt;

use super::printable;
use crate::provider::reply::AnswerFault;

/// Why the app's answer was not used for an accepted callback.
#[derive(Clone, Debug)]
pub struct Unavailable {
    kind: UnavailableKind,
    detail: Option<String>,
}

/// What kept the app's answer from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnavailableKind {
    /// A field of the answer is unknown, missing, or of the wrong type or range.
    AnswerInvalid,
    /// The answer is no JSON object.
    AnswerMalformed,
    /// The answer is over the limit.
    AnswerTooLarge,
    /// The route's limit is reached, and the app was not asked.
    AppOverloaded,
    /// The app answered with a status that says neither yes nor no.
    AppStatus,
    /// The app did not answer in time.
    AppTimeout,
    /// The app could not be reached, or hung up.
    AppUnreachable,
    /// The app is taken to be down, and is not asked until it is tried again.
    CircuitOpen,
    /// The reply must be signed, and the template has no key for it.
    ReplyKeyMissing,
}

impl UnavailableKind {
    /// The stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerInvalid => "answer_invalid",
            Self::AnswerMalformed => "answer_malformed",
            Self::AnswerTooLarge => "answer_too_large",
            Self::AppOverloaded => "app_overloaded",
            Self::AppStatus => "app_status",
            Self::AppTimeout => "app_timeout",
            Self::AppUnreachable => "app_unreachable",
            Self::CircuitOpen => "circuit_open",
            Self::ReplyKeyMissing => "reply_key_missing",
        }
    }
}

impl Unavailable {
    /// Why.
    #[must_use]
    pub const fn kind(&self) -> UnavailableKind {
        self.kind
    }

    pub(crate) fn with(kind: UnavailableKind, detail: &str) -> Self {
        Self { kind, detail: Some(printable(detail)) }
    }
}

impl From<UnavailableKind> for Unavailable {
    fn from(kind: UnavailableKind) -> Self {
        Self { kind, detail: None }
    }
}

impl From<AnswerFault> for Unavailable {
    fn from(fault: AnswerFault) -> Self {
        match fault {
            AnswerFault::Malformed => UnavailableKind::AnswerMalformed.into(),
            AnswerFault::Contradiction { .. }
            | AnswerFault::Field(_)
            | AnswerFault::Item { .. }
            | AnswerFault::NotAnswered
            | AnswerFault::NotAsked { .. }
            | AnswerFault::Unknown { .. } => {
                Self::with(UnavailableKind::AnswerInvalid, &fault.to_string())
            }
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            UnavailableKind::AnswerInvalid => "a field of the app's answer cannot be used",
            UnavailableKind::AnswerMalformed => "the app's answer is no JSON object",
            UnavailableKind::AnswerTooLarge => "the app's answer is too large",
            UnavailableKind::AppOverloaded => "the app was not asked: the route's limit is reached",
            UnavailableKind::AppStatus => "the app's status says neither yes nor no",
            UnavailableKind::AppTimeout => "the app did not answer in time",
            UnavailableKind::AppUnreachable => "the app cannot be reached",
            UnavailableKind::CircuitOpen => "the app has failed too often to be asked now",
            UnavailableKind::ReplyKeyMissing => "the template has no key to sign the reply with",
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unavailable {}
