//! How gatepost ended an accepted callback: the reply, its origin, and the reason when the app's
//! answer was not used.

use std::fmt;

use crate::printable::printable;
use crate::reply::Reply;

/// A reply, and how it came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conclusion {
    /// What the platform gets.
    pub reply: Reply,
    /// How it came about.
    pub origin: Origin,
}

/// How a reply came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// From the app's answer.
    App,
    /// From the failure policy, because the app's answer could not be used.
    Failure(Unavailable),
    /// From the template's fixed answer.
    Fixed,
    /// The last good reply to the same viewer, because the app's answer could not be used.
    LastGood(Unavailable),
    /// The app has answered the same callback before, or another copy of it just now.
    Resend,
    /// The template does not list this kind, so nobody was asked.
    Unlisted,
}

impl Origin {
    /// Why the app's answer was not used, if that is so.
    #[must_use]
    pub const fn failure(&self) -> Option<&Unavailable> {
        match self {
            Self::Failure(why) | Self::LastGood(why) => Some(why),
            Self::App | Self::Fixed | Self::Resend | Self::Unlisted => None,
        }
    }

    /// The stable word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Failure(_) => "failure",
            Self::Fixed => "fixed",
            Self::LastGood(_) => "last_good",
            Self::Resend => "resend",
            Self::Unlisted => "unlisted",
        }
    }
}

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
