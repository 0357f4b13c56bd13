//! Turns the app's answer into the reply to the platform.
//!
//! | answer | reply to a decision | reply to a notification |
//! |---|---|---|
//! | 2xx with a valid body | the body, as the platform's JSON | acknowledgement |
//! | 2xx with an empty or blank body | deny; with `empty_answer = "allow"`, allow with the defaults of the template | acknowledgement |
//! | 2xx with any other body | `on_failure` of the template | acknowledgement, or 503: see [`acknowledgement`](super::acknowledgement) |
//! | 401 or 403 | deny, with the `message` of the body if the body has one | 503 |
//! | any other status, or no answer in time | `on_failure` of the template | 503 |

use http::StatusCode;

use super::acknowledgement::{check_status, check_taken};
use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::provider::decision::{Decision, DecisionInput, EmptyAnswer, Policy, WrittenReply};
use crate::reply::{Answer, Reply, answer_text, unavailable_reply};
use crate::template::{Ask, Delivery};
use crate::verdict::Accepted;

impl Accepted {
    /// Returns the conclusion for the app's answer.
    pub(crate) fn answered(&self, ask: &Ask, answer: &Answer) -> Conclusion {
        match (&self.kind().decision, &ask.policy) {
            (Some(decision), Some(policy)) => match decision_input(answer, policy.empty_answer) {
                Ok(input) => self.decided(decision, policy, input),
                Err(reason) => self.failed(Some(policy), reason),
            },
            // The config gives each decision a policy. Without a policy, nothing may allow.
            (Some(_), None) => self.failed(None, UnavailableKind::ReplyKeyMissing.into()),
            (None, _) => match check_taken(answer, self.acknowledgement(), ask.unclear_answer) {
                Ok(()) => self.acknowledged(Origin::App),
                Err(reason) => self.failed(None, reason),
            },
        }
    }

    /// Writes the reply to a decision. If the input is unusable, `Decision::write` falls back to
    /// the failure policy and returns the fault.
    fn decided(
        &self,
        decision: &Decision,
        policy: &Policy,
        input: DecisionInput<'_>,
    ) -> Conclusion {
        let WrittenReply { body, fault, dropped } =
            decision.write(&self.event().data, input, policy);
        let origin = match (fault, input) {
            (Some(fault), _) => Origin::Failure(fault.into()),
            (None, DecisionInput::Empty) => Origin::Empty(UnavailableKind::AnswerEmpty.into()),
            (None, _) => Origin::App,
        };
        let dropped = dropped.into();
        Conclusion { reply: policy.reply_signing.sign(body), origin, dropped }
    }

    /// Applies the failure policy: `on_failure` for a decision, 503 for a notification.
    pub(crate) fn failed(&self, policy: Option<&Policy>, reason: Unavailable) -> Conclusion {
        let origin = Origin::Failure(reason);
        match (&self.kind().decision, policy) {
            (Some(decision), Some(policy)) => {
                Conclusion { origin, ..self.decided(decision, policy, DecisionInput::Failure) }
            }
            (None, _) | (Some(_), None) => Conclusion::new(unavailable_reply(), origin),
        }
    }

    /// Returns the conclusion for a kind about which gatepost does not ask the app.
    pub(crate) fn without_app(&self) -> Conclusion {
        let write = |input, policy: &Policy, origin| {
            let Some(decision) = &self.kind().decision else { return self.acknowledged(origin) };
            match self.decided(decision, policy, input) {
                Conclusion { reply, origin: Origin::App, .. } => Conclusion::new(reply, origin),
                failure => failure,
            }
        };
        match self.delivery() {
            Delivery::Fixed(Some((presets, policy))) => {
                write(DecisionInput::Fixed(presets), policy, Origin::Fixed)
            }
            Delivery::Unlisted(Some(policy)) => {
                write(DecisionInput::Deny(b""), policy, Origin::Unlisted)
            }
            Delivery::Fixed(None) => self.acknowledged(Origin::Fixed),
            Delivery::Unlisted(None) => self.acknowledged(Origin::Unlisted),
            Delivery::Ask(_) | Delivery::MissingReplyKey => {
                self.failed(None, UnavailableKind::ReplyKeyMissing.into())
            }
        }
    }

    /// Returns a conclusion with the acknowledgement that the platform expects.
    pub(crate) fn acknowledged(&self, origin: Origin) -> Conclusion {
        Conclusion::new(self.acknowledgement().clone(), origin)
    }

    fn acknowledgement(&self) -> &Reply {
        &self.template().plan.ack
    }
}

/// Reads the app's yes or no from its answer.
fn decision_input(answer: &Answer, empty: EmptyAnswer) -> Result<DecisionInput<'_>, Unavailable> {
    if let Answer::Response { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body } =
        answer
    {
        return Ok(DecisionInput::Deny(body.as_deref().unwrap_or_default()));
    }
    check_status(answer)?;
    match answer {
        Answer::Response { body: Some(body), .. } if answer_text(body) == Some("") => {
            Ok(match empty {
                EmptyAnswer::Allow => DecisionInput::Allow,
                EmptyAnswer::Deny => DecisionInput::Empty,
            })
        }
        Answer::Response { body: Some(body), .. } => Ok(DecisionInput::Answer(body)),
        Answer::Response { body: None, .. } | Answer::Timeout | Answer::Unreachable(_) => {
            Err(UnavailableKind::AnswerTooLarge.into())
        }
    }
}
