//! From the app's answer to the platform's reply.
//!
//! | the app | a decision's reply | a notification's reply |
//! |---|---|---|
//! | 2xx with an answer in any of the three forms | that answer | acknowledged |
//! | 2xx, empty | accept, with the template's defaults | acknowledged |
//! | 401, 403 | deny, with the body's `message` if it has one | 503 |
//! | anything else, or nothing in time | the template's `on_failure` | 503 |

use std::fmt;

use bytes::Bytes;
use http::StatusCode;

pub use crate::provider::reply::Reply;

use crate::provider::reply::{Decision, Policy, Said};
use crate::template::Delivery;
use crate::verdict::{Accepted, Unavailable, UnavailableKind};

/// What the app said.
#[non_exhaustive]
pub enum Answer {
    /// It answered; `body` is `None` when it was over [`MAX_ANSWER_BYTES`].
    Response {
        /// The status.
        status: StatusCode,
        /// The whole body.
        body: Option<Bytes>,
    },
    /// It did not answer in time.
    Timeout,
    /// It could not be reached, or hung up; with the reason.
    Unreachable(String),
}

/// Without the body: an app's error page may repeat what it was sent.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, body } => f
                .debug_struct("Response")
                .field("status", status)
                .field("body_bytes", &body.as_ref().map(Bytes::len))
                .finish(),
            Self::Timeout => f.write_str("Timeout"),
            Self::Unreachable(why) => f.debug_tuple("Unreachable").field(why).finish(),
        }
    }
}

/// The longest answer that is read.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

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

impl Accepted {
    /// The reply that follows from what the app said.
    pub(crate) fn answered(&self, policy: Option<&Policy>, answer: &Answer) -> Conclusion {
        match (&self.kind().decision, policy) {
            (Some(decision), Some(policy)) => match hear(answer) {
                Ok(heard) => self.decided(decision, policy, heard.said()),
                Err(why) => self.failed(Some(policy), why),
            },
            (None, _) | (Some(_), None) => match taken(answer) {
                Ok(()) => self.acknowledged(Origin::App),
                Err(why) => self.failed(policy, why),
            },
        }
    }

    fn decided(&self, decision: &Decision, policy: &Policy, said: Said<'_>) -> Conclusion {
        let (body, fault) = decision.write(&self.event().data, said, policy);
        let origin = fault.map_or(Origin::App, |fault| Origin::Failure(fault.into()));
        Conclusion { reply: policy.seal.close(body), origin }
    }

    /// The failure policy's reply.
    pub(crate) fn failed(&self, policy: Option<&Policy>, why: Unavailable) -> Conclusion {
        let origin = Origin::Failure(why);
        match (&self.kind().decision, policy) {
            (Some(decision), Some(policy)) => {
                Conclusion { origin, ..self.decided(decision, policy, Said::Failure) }
            }
            (None, _) | (Some(_), None) => Conclusion { reply: unavailable_reply(), origin },
        }
    }

    /// The reply that needs no app.
    pub(crate) fn unasked(&self) -> Conclusion {
        let written = |said, policy: &Policy, origin| {
            let Some(decision) = &self.kind().decision else { return self.acknowledged(origin) };
            match self.decided(decision, policy, said) {
                Conclusion { reply, origin: Origin::App } => Conclusion { reply, origin },
                faulty => faulty,
            }
        };
        match self.delivery() {
            Delivery::Fixed(Some((presets, policy))) => {
                written(Said::Fixed(presets), policy, Origin::Fixed)
            }
            Delivery::Unlisted(Some(policy)) => written(Said::Deny(b""), policy, Origin::Unlisted),
            Delivery::Fixed(None) => self.acknowledged(Origin::Fixed),
            Delivery::Unlisted(None) => self.acknowledged(Origin::Unlisted),
            Delivery::Ask(_) | Delivery::Unsealed => {
                self.failed(None, UnavailableKind::ReplyKeyMissing.into())
            }
        }
    }

    pub(crate) fn acknowledged(&self, origin: Origin) -> Conclusion {
        Conclusion { reply: self.template().plan.ack.clone(), origin }
    }
}

/// Whether a notification was taken; otherwise it is sent again.
fn taken(answer: &Answer) -> Result<(), Unavailable> {
    match answer {
        Answer::Response { status, .. } if status.is_success() => Ok(()),
        Answer::Response { status, .. } => {
            Err(Unavailable::with(UnavailableKind::AppStatus, status.as_str()))
        }
        Answer::Timeout => Err(UnavailableKind::AppTimeout.into()),
        Answer::Unreachable(why) => Err(Unavailable::with(UnavailableKind::AppUnreachable, why)),
    }
}

/// What an app's response says of a decision.
enum Heard<'a> {
    Allow,
    Answer(&'a [u8]),
    Deny(&'a [u8]),
}

impl<'a> Heard<'a> {
    const fn said(&self) -> Said<'a> {
        match self {
            Self::Allow => Said::Allow,
            Self::Answer(body) => Said::Answer(body),
            Self::Deny(body) => Said::Deny(body),
        }
    }
}

fn hear(answer: &Answer) -> Result<Heard<'_>, Unavailable> {
    if let Answer::Response { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body } =
        answer
    {
        return Ok(Heard::Deny(body.as_deref().unwrap_or_default()));
    }
    taken(answer)?;
    match answer {
        Answer::Response { body: Some(body), .. } if body.trim_ascii().is_empty() => {
            Ok(Heard::Allow)
        }
        Answer::Response { body: Some(body), .. } => Ok(Heard::Answer(body)),
        Answer::Response { body: None, .. } | Answer::Timeout | Answer::Unreachable(_) => {
            Err(UnavailableKind::AnswerTooLarge.into())
        }
    }
}

/// What a platform gets for a notification that nobody took: it will send it again.
pub(crate) fn unavailable_reply() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, b"unavailable\n")
}
