//! From the app's answer to the platform's reply.
//!
//! | the app | a decision's reply | a notification's reply |
//! |---|---|---|
//! | 2xx with an answer in any of the three forms | that answer | acknowledged |
//! | 2xx, empty | accept, with the template's defaults | acknowledged |
//! | 401, 403 | deny, with the body's `message` if it has one | 503 |
//! | anything else, or nothing in time | the template's `on_failure` | 503 |

use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Uri};

pub use crate::provider::reply::Reply;

use crate::provider::reply::{Decision, Policy, Said};
use crate::template::Delivery;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Unavailable, UnavailableKind};

/// What is to be done with an accepted callback.
#[derive(Debug)]
pub enum Next {
    /// Ask the app, and [conclude](Question::conclude) from what it says.
    Ask(Question),
    /// The reply is known without the app.
    Reply(Conclusion),
}

/// A question to the app. Dropped without a conclusion, it was never asked.
#[derive(Debug)]
#[must_use]
pub struct Question {
    accepted: Accepted,
    timeout: Duration,
}

impl Question {
    /// Where the event goes. Without an address the request keeps its path.
    #[must_use]
    pub fn url(&self) -> Option<&Uri> {
        match self.accepted.delivery() {
            Delivery::Ask(ask) => ask.url.as_ref(),
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::Unsealed => None,
        }
    }

    /// How long the app has, from connecting to the last byte of its answer.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What it is about.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// The reply that follows from what the app has said by the moment `now`.
    #[must_use]
    pub fn conclude(self, answer: Answer, _now: Timestamp) -> Conclusion {
        self.accepted.conclude(answer)
    }
}

/// What the app said.
#[derive(Debug)]
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

/// The longest answer that is read.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A reply, and how it came about.
#[derive(Debug)]
#[non_exhaustive]
pub struct Conclusion {
    /// What the platform gets.
    pub reply: Reply,
    /// How it came about.
    pub origin: Origin,
}

/// How a reply came about.
#[derive(Debug)]
#[non_exhaustive]
pub enum Origin {
    /// From the app's answer.
    App,
    /// From the failure policy, because the app's answer could not be used.
    Failure(Unavailable),
    /// From the template's fixed answer.
    Fixed,
    /// The template does not list this kind, so nobody was asked.
    Unlisted,
}

impl Origin {
    /// The stable word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Failure(_) => "failure",
            Self::Fixed => "fixed",
            Self::Unlisted => "unlisted",
        }
    }
}

impl Accepted {
    /// What is to be done with it at the moment `now`.
    #[must_use]
    pub fn next(&self, _now: Timestamp) -> Next {
        match self.delivery() {
            Delivery::Ask(ask) => {
                Next::Ask(Question { accepted: self.clone(), timeout: ask.timeout })
            }
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::Unsealed => {
                Next::Reply(self.unasked())
            }
        }
    }

    /// The reply that follows from what the app said.
    fn conclude(&self, answer: Answer) -> Conclusion {
        let Delivery::Ask(ask) = self.delivery() else { return self.unasked() };
        match (&self.kind().decision, &ask.policy) {
            (Some(decision), Some(policy)) => self.decide(decision, policy, answer),
            (None, _) | (Some(_), None) => self.acknowledge(answer),
        }
    }

    /// The reply that needs no app.
    fn unasked(&self) -> Conclusion {
        let written = |said, policy: &Policy, origin| {
            let Some(decision) = &self.kind().decision else { return self.acknowledged(origin) };
            let (body, fault) = decision.write(&self.event().data, said, policy);
            let origin = fault.map_or(origin, |fault| Origin::Failure(fault.into()));
            Conclusion { reply: policy.seal.close(body), origin }
        };
        match self.delivery() {
            Delivery::Fixed(Some((presets, policy))) => {
                written(Said::Fixed(presets), policy, Origin::Fixed)
            }
            Delivery::Unlisted(Some(policy)) => written(Said::Deny(b""), policy, Origin::Unlisted),
            Delivery::Fixed(None) => self.acknowledged(Origin::Fixed),
            Delivery::Unlisted(None) => self.acknowledged(Origin::Unlisted),
            Delivery::Ask(_) | Delivery::Unsealed => {
                let why = UnavailableKind::ReplyKeyMissing.into();
                Conclusion { reply: unavailable_reply(), origin: Origin::Failure(why) }
            }
        }
    }

    fn acknowledged(&self, origin: Origin) -> Conclusion {
        Conclusion { reply: self.template().plan.ack.clone(), origin }
    }

    /// A notification is taken, or it is sent again.
    fn acknowledge(&self, answer: Answer) -> Conclusion {
        let why = match answer {
            Answer::Response { status, .. } if status.is_success() => {
                return self.acknowledged(Origin::App);
            }
            Answer::Response { status, .. } => {
                Unavailable::with(UnavailableKind::AppStatus, status.as_str())
            }
            Answer::Timeout => UnavailableKind::AppTimeout.into(),
            Answer::Unreachable(why) => Unavailable::with(UnavailableKind::AppUnreachable, &why),
        };
        Conclusion { reply: unavailable_reply(), origin: Origin::Failure(why) }
    }

    fn decide(&self, decision: &Decision, policy: &Policy, answer: Answer) -> Conclusion {
        let heard = match answer {
            Answer::Response { status, body } => hear(status, body),
            Answer::Timeout => Err(UnavailableKind::AppTimeout.into()),
            Answer::Unreachable(why) => {
                Err(Unavailable::with(UnavailableKind::AppUnreachable, &why))
            }
        };
        let (said, why) = match &heard {
            Ok(Heard::Allow) => (Said::Allow, None),
            Ok(Heard::Answer(body)) => (Said::Answer(body), None),
            Ok(Heard::Deny(body)) => (Said::Deny(body), None),
            Err(why) => (Said::Failure, Some(why.clone())),
        };
        let (body, fault) = decision.write(&self.event().data, said, policy);
        let why = why.or_else(|| fault.map(Unavailable::from));
        let origin = why.map_or(Origin::App, Origin::Failure);
        Conclusion { reply: policy.seal.close(body), origin }
    }
}

/// What an app's response says of a decision.
enum Heard {
    Allow,
    Answer(Bytes),
    Deny(Bytes),
}

fn hear(status: StatusCode, body: Option<Bytes>) -> Result<Heard, Unavailable> {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Ok(Heard::Deny(body.unwrap_or_default()));
    }
    if !status.is_success() {
        return Err(Unavailable::with(UnavailableKind::AppStatus, status.as_str()));
    }
    let body = body.ok_or(UnavailableKind::AnswerTooLarge)?;
    Ok(if body.trim_ascii().is_empty() { Heard::Allow } else { Heard::Answer(body) })
}

/// What a platform gets for a notification that nobody took: it will send it again.
pub(crate) fn unavailable_reply() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, b"unavailable\n")
}
