//! From the app's answer to the platform's reply.
//!
//! | the app | a decision's reply | a notification's reply |
//! |---|---|---|
//! | 2xx with an answer in any of the three forms | that answer | acknowledged |
//! | 2xx, empty | accept, with the template's defaults | acknowledged |
//! | 401, 403 | deny, with the body's `message` if it has one | 503 |
//! | anything else, or nothing in time | the template's `on_failure` | 503 |

use http::StatusCode;

use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::provider::decision::{Decision, DecisionInput, Policy};
use crate::reply::{Answer, unavailable_reply};
use crate::template::Delivery;
use crate::verdict::Accepted;

impl Accepted {
    /// The reply that follows from what the app said.
    pub(crate) fn answered(&self, policy: Option<&Policy>, answer: &Answer) -> Conclusion {
        match (&self.kind().decision, policy) {
            (Some(decision), Some(policy)) => match decision_input(answer) {
                Ok(input) => self.decided(decision, policy, input),
                Err(why) => self.failed(Some(policy), why),
            },
            (None, _) | (Some(_), None) => match check_status(answer) {
                Ok(()) => self.acknowledged(Origin::App),
                Err(why) => self.failed(policy, why),
            },
        }
    }

    fn decided(
        &self,
        decision: &Decision,
        policy: &Policy,
        input: DecisionInput<'_>,
    ) -> Conclusion {
        let (body, fault) = decision.write(&self.event().data, input, policy);
        let origin = fault.map_or(Origin::App, |fault| Origin::Failure(fault.into()));
        Conclusion { reply: policy.reply_signing.sign(body), origin }
    }

    /// The failure policy's reply.
    pub(crate) fn failed(&self, policy: Option<&Policy>, why: Unavailable) -> Conclusion {
        let origin = Origin::Failure(why);
        match (&self.kind().decision, policy) {
            (Some(decision), Some(policy)) => {
                Conclusion { origin, ..self.decided(decision, policy, DecisionInput::Failure) }
            }
            (None, _) | (Some(_), None) => Conclusion { reply: unavailable_reply(), origin },
        }
    }

    /// The reply that needs no app.
    pub(crate) fn unasked(&self) -> Conclusion {
        let written = |input, policy: &Policy, origin| {
            let Some(decision) = &self.kind().decision else { return self.acknowledged(origin) };
            match self.decided(decision, policy, input) {
                Conclusion { reply, origin: Origin::App } => Conclusion { reply, origin },
                faulty => faulty,
            }
        };
        match self.delivery() {
            Delivery::Fixed(Some((presets, policy))) => {
                written(DecisionInput::Fixed(presets), policy, Origin::Fixed)
            }
            Delivery::Unlisted(Some(policy)) => {
                written(DecisionInput::Deny(b""), policy, Origin::Unlisted)
            }
            Delivery::Fixed(None) => self.acknowledged(Origin::Fixed),
            Delivery::Unlisted(None) => self.acknowledged(Origin::Unlisted),
            Delivery::Ask(_) | Delivery::MissingReplyKey => {
                self.failed(None, UnavailableKind::ReplyKeyMissing.into())
            }
        }
    }

    pub(crate) fn acknowledged(&self, origin: Origin) -> Conclusion {
        Conclusion { reply: self.template().plan.ack.clone(), origin }
    }
}

/// Checks that the app accepted the event; otherwise the platform sends it again.
fn check_status(answer: &Answer) -> Result<(), Unavailable> {
    match answer {
        Answer::Response { status, .. } if status.is_success() => Ok(()),
        Answer::Response { status, .. } => {
            Err(Unavailable::with(UnavailableKind::AppStatus, status.as_str()))
        }
        Answer::Timeout => Err(UnavailableKind::AppTimeout.into()),
        Answer::Unreachable(why) => Err(Unavailable::with(UnavailableKind::AppUnreachable, why)),
    }
}

/// Reads what an answer says of a decision.
fn decision_input(answer: &Answer) -> Result<DecisionInput<'_>, Unavailable> {
    if let Answer::Response { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body } =
        answer
    {
        return Ok(DecisionInput::Deny(body.as_deref().unwrap_or_default()));
    }
    check_status(answer)?;
    match answer {
        Answer::Response { body: Some(body), .. } if body.trim_ascii().is_empty() => {
            Ok(DecisionInput::Allow)
        }
        Answer::Response { body: Some(body), .. } => Ok(DecisionInput::Answer(body)),
        Answer::Response { body: None, .. } | Answer::Timeout | Answer::Unreachable(_) => {
            Err(UnavailableKind::AnswerTooLarge.into())
        }
    }
}
