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

use crate::template::{Ask, Delivery};
use crate::verdict::{Accepted, Unavailable, UnavailableKind};

/// What is to be done with an accepted callback.
#[derive(Debug)]
pub enum Next {
    /// Ask the app, in at most `timeout`. Without a `url` the request keeps its path.
    Ask {
        /// Where the event goes.
        url: Option<Uri>,
        /// How long the app has, from connecting to the last byte of its answer.
        timeout: Duration,
    },
    /// The reply is known without the app.
    Reply(Conclusion),
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
    /// What is to be done with it.
    #[must_use]
    pub fn next(&self) -> Next {
        match self.ask() {
            Ok(ask) => Next::Ask { url: ask.url.clone(), timeout: ask.timeout },
            Err((reply, origin)) => Next::Reply(Conclusion { reply: reply.clone(), origin }),
        }
    }

    /// The reply that follows from what the app said.
    #[must_use]
    pub fn conclude(&self, answer: Answer) -> Conclusion {
        let ask = match self.ask() {
            Ok(ask) => ask,
            Err((reply, origin)) => return Conclusion { reply: reply.clone(), origin },
        };
        match self.reply_to(ask, answer) {
            Ok(reply) => Conclusion { reply, origin: Origin::App },
            Err(unavailable) => {
                Conclusion { reply: ask.on_failure.clone(), origin: Origin::Failure(unavailable) }
            }
        }
    }

    /// How to ask the app, or the reply that needs no app.
    fn ask(&self) -> Result<&Ask, (&Reply, Origin)> {
        match self.delivery() {
            Delivery::Ask(ask) => Ok(ask),
            Delivery::Fixed(reply) => Err((reply, Origin::Fixed)),
            Delivery::Unlisted(reply) => Err((reply, Origin::Unlisted)),
        }
    }

    fn reply_to(&self, ask: &Ask, answer: Answer) -> Result<Reply, Unavailable> {
        let (status, body) = match answer {
            Answer::Response { status, body } => (status, body),
            Answer::Timeout => return Err(UnavailableKind::AppTimeout.into()),
            Answer::Unreachable(why) => {
                return Err(Unavailable::with(UnavailableKind::AppUnreachable, &why));
            }
        };
        let Some(decision) = &self.kind().decision else {
            return if status.is_success() {
                Ok(self.template().plan.ack.clone())
            } else {
                Err(Unavailable::with(UnavailableKind::AppStatus, status.as_str()))
            };
        };
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Ok(decision.denied(&body.unwrap_or_default()));
        }
        if !status.is_success() {
            return Err(Unavailable::with(UnavailableKind::AppStatus, status.as_str()));
        }
        let body = body.ok_or(UnavailableKind::AnswerTooLarge)?;
        if body.trim_ascii().is_empty() {
            return Ok(decision.allowed(&ask.defaults));
        }
        Ok(decision.answered(&body, &ask.defaults)?)
    }
}

/// What a platform gets for a notification that nobody took: it will send it again.
pub(crate) fn unavailable_reply() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, b"unavailable\n")
}
