//! The treatment of the events of each kind: the source of the reply, the addresses of the app, and
//! the form of the events.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::address::Addresses;
use crate::breaker::Breaker;
use crate::event::Forward;
use crate::provider::decision::{FixedAnswer, Policy};

/// Treatment of the events of one kind.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Sends the event to the app.
    Ask(Box<Ask>),
    /// Replies with the template's fixed answer; `None` acknowledges a notification.
    Fixed(Option<(FixedAnswer, Policy)>),
    /// Acknowledges a notification or denies a decision, and counts the event. The template lists
    /// other kinds, but not this kind.
    Unlisted(Option<Policy>),
    /// Replies 503, because gatepost must sign the reply and the template lacks the key.
    /// `is_listed` is false if the template lists other kinds, but not this kind.
    MissingReplyKey { is_listed: bool },
}

impl Delivery {
    /// Returns false if the template lists other kinds, but not this kind.
    pub(super) const fn is_listed(&self) -> bool {
        match self {
            Self::Ask(_) | Self::Fixed(_) => true,
            Self::Unlisted(_) => false,
            Self::MissingReplyKey { is_listed } => *is_listed,
        }
    }

    /// Returns the settings for asking the app; `None` if gatepost replies without the app.
    pub(crate) const fn as_ask(&self) -> Option<&Ask> {
        match self {
            Self::Ask(ask) => Some(ask),
            Self::Fixed(_) | Self::Unlisted(_) | Self::MissingReplyKey { .. } => None,
        }
    }
}

/// Settings for the delivery of one kind to the app.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Addresses of the app; if `None`, the event keeps the path of the callback.
    pub(crate) url: Option<Arc<Addresses>>,
    /// Addresses whose servers receive an event that keeps the path of the callback; if `None`, the
    /// `upstream` receives this event.
    pub(crate) server: Option<Arc<Addresses>>,
    /// Value of the `host` header. If `None`, an event that keeps the path of the callback also
    /// keeps the host. Any other event then has the host of its address.
    pub(crate) host: Option<HeaderValue>,
    /// Paths that gatepost reserves for each address.
    pub(crate) reach: Reach,
    /// Maximum time for the app: from connecting to the last byte of the answer.
    pub(crate) timeout: Duration,
    /// Time for which the platform waits: from its request to the last byte of the reply.
    pub(crate) budget: Duration,
    pub(crate) forward: Forward,
    /// True if the event's JSON contains the fields that serve only the signature.
    pub(crate) keeps_proof: bool,
    /// True if gatepost checks the answer to a passthrough callback before it passes the answer on.
    pub(crate) checks_reply: bool,
    /// True if gatepost adds the headers of the event, `ce-*` and `gatepost-*`, to a passthrough
    /// callback.
    pub(crate) adds_event_headers: bool,
    /// Policy for the reply to a decision; `None` for a notification.
    pub(crate) policy: Option<Policy>,
    /// Meaning of an unclear answer to a notification.
    pub(crate) unclear_answer: UnclearAnswer,
    /// Addresses whose servers receive the events, for log lines; `None` if the inner service of a
    /// layer receives the events.
    #[cfg(feature = "tracing")]
    pub(crate) app: Option<Arc<Addresses>>,
    /// True after gatepost has logged that it drops members of the app's answers.
    #[cfg(feature = "tracing")]
    pub(crate) has_logged_dropped: std::sync::atomic::AtomicBool,
    /// Addresses that receive a copy of each event; `None` for a decision, or if the config names
    /// no address for copies.
    pub(crate) mirror: Option<Arc<Addresses>>,
    /// Retries of queued events; `None` if gatepost asks the app before it replies.
    pub(crate) retry: Option<RetryRule>,
    /// Treatment of resends; `None` if gatepost asks the app about each resend.
    pub(crate) resends: Option<ResendRule>,
    /// Maximum age of the last good reply that gatepost sends after a failure of the app; `None` if
    /// gatepost does not repeat replies.
    pub(crate) last_good_max_age: Option<Duration>,
    /// Circuit breaker of the app; `None` if the config turns breakers off.
    pub(crate) breaker: Option<Arc<Breaker>>,
}

/// Meaning of an unclear answer to a notification. An unclear answer has a status of 2xx and a body
/// that neither repeats nor contradicts the acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnclearAnswer {
    /// The app has not taken the event: the delivery has failed.
    Refused,
    /// The app has taken the event.
    #[default]
    Taken,
}

impl UnclearAnswer {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("refused", Self::Refused), ("taken", Self::Taken)];
}

/// Times of the attempts to deliver a queued event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryRule {
    /// Wait after the first failed attempt. Each further wait is twice as long as the wait before.
    pub(crate) first: Duration,
    /// Maximum wait between two attempts.
    pub(crate) max: Duration,
    /// Time from the queueing of an event until the last attempt to deliver the event.
    pub(crate) give_up_after: Duration,
}

impl Default for RetryRule {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(300),
            give_up_after: Duration::from_secs(86_400),
        }
    }
}

/// Treatment of resends: if the app has taken the event of a callback, gatepost replies to a resend
/// of the callback without asking the app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResendRule {
    /// Time for which gatepost remembers a callback.
    pub(crate) window: Duration,
    /// True if gatepost treats a callback without an identity as a resend of an earlier callback
    /// with equal data.
    pub(crate) by_content: bool,
}

/// The paths that gatepost reserves for an address or a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The path in every spelling.
    Exact,
    /// The path in every spelling, and all paths below its base: see `route::subtree`.
    #[default]
    Subtree,
}

impl Reach {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("exact", Self::Exact), ("subtree", Self::Subtree)];
}
