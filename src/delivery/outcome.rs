//! Conversion of the app's answer into the reply to the platform.
//!
//! | answer | reply to a decision | reply to a notification |
//! |---|---|---|
//! | 2xx with a valid body | the body, as the platform's JSON | acknowledgement |
//! | 2xx with an empty or blank body | deny; with `empty_answer = "allow"`, allow with the defaults of the template | acknowledgement |
//! | 2xx with any other body | `on_failure` of the template | acknowledgement, or 503: see [`acknowledgement`](super::acknowledgement) |
//! | 401 or 403 | deny, with the `message` of the body if the body has one | 503 |
//! | any other status, or no complete answer in time | `on_failure` of the template | 503 |
//!
//! A platform may read the permission from the status of the reply. The reply then has the status
//! that allows or denies. With passthrough, the app's own status is its answer: 2xx allows, 4xx
//! denies.
//!
//! An app may answer with a token (JWT) that it has signed itself. gatepost then reads the payload
//! as the answer, and sends the token unchanged as the reply.

use http::StatusCode;

use super::acknowledgement::{check_status, check_taken, coding_fault, contains_fatal_error};
use super::malformed_answer::add_content_type;
use super::status_detail::status_detail;
use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::event::Forward;
use crate::json::Object;
use crate::provider::decision::{
    Decision, DecisionInput, EmptyAnswer, Policy, StatusRule, VERDICT, WrittenReply, is_token,
};
use crate::reply::{Answer, Reply, answer_text, has_byte_order_mark, unavailable_reply};
use crate::template::{Ask, Delivery};
use crate::time::Timestamp;
use crate::verdict::Accepted;

impl Accepted {
    /// Returns the conclusion for the app's answer.
    ///
    /// With passthrough, the app's own answer is the reply. If `check_reply` is true, gatepost
    /// passes on only an answer in the form that the platform expects.
    pub(crate) fn answered(&self, ask: &Ask, answer: &Answer) -> Conclusion {
        let conclusion = self.judged(ask, answer);
        if self.forward() != Forward::Passthrough {
            return conclusion;
        }
        let passes = !ask.checks_reply
            || matches!(conclusion.origin, Origin::App)
                && self.is_in_form_of_platform(answer, &conclusion);
        match Reply::of_app(answer).filter(|_| passes) {
            Some(mut reply) => {
                // Without a usable answer, gatepost cannot determine the app's decision.
                let is_judged = matches!(conclusion.origin, Origin::App);
                reply.permission = conclusion.reply.permission.filter(|_| is_judged);
                Conclusion { reply, ..conclusion }
            }
            None => conclusion,
        }
    }

    fn judged(&self, ask: &Ask, answer: &Answer) -> Conclusion {
        match (&self.kind().decision, &ask.policy) {
            (Some(decision), Some(policy)) => {
                let mut conclusion = self.decided_by_app(decision, policy, ask, answer);
                add_content_type(&mut conclusion, answer);
                conclusion
            }
            // The config gives each decision a policy. Without a policy, gatepost must not allow
            // the request.
            (Some(_), None) => self.failed(None, UnavailableKind::ReplyKeyMissing.into()),
            (None, _) => match check_taken(answer, self.acknowledgement(), ask, self.forward()) {
                Ok(unclear) => {
                    Conclusion { unclear: unclear.map(Box::new), ..self.acknowledged(Origin::App) }
                }
                Err(reason) => self.failed(None, reason),
            },
        }
    }

    fn decided_by_app(
        &self,
        decision: &Decision,
        policy: &Policy,
        ask: &Ask,
        answer: &Answer,
    ) -> Conclusion {
        let forward = self.forward();
        let input = match &decision.by_status {
            Some(rule) if forward == Forward::Passthrough => native_input(answer, ask, rule),
            Some(_) | None => decision_input(answer, ask, forward, policy.empty_answer),
        };
        let input = match input {
            Ok(input) => input,
            Err(reason) => return self.failed(Some(policy), reason),
        };
        // Nearly every answer is a JSON object, and needs no search for a token.
        if let DecisionInput::Answer(body) = input
            && body.first() != Some(&b'{')
            && let Some(token) = answer_text(body).filter(|text| is_token(text))
        {
            return self.decided_by_token(decision, policy, answer, token);
        }
        self.decided(decision, policy, input)
    }

    /// Returns the conclusion for an answer that is a token in the platform's signed form. The app
    /// may have the reply key, and may then sign the answer itself.
    fn decided_by_token(
        &self,
        decision: &Decision,
        policy: &Policy,
        answer: &Answer,
        token: &str,
    ) -> Conclusion {
        let Some(payload) = policy.reply_signing.verified_payload(token) else {
            let why = "expected plain JSON, or a token (JWT) signed with the template's reply key, \
                       found a token signed with another key; answer with plain JSON, or set the \
                       key with which the app signs";
            let reason = Unavailable::with_whole(UnavailableKind::AnswerMalformed, why.to_owned());
            return self.failed(Some(policy), reason);
        };
        let conclusion = self.decided(decision, policy, DecisionInput::Answer(&payload));
        let is_usable =
            matches!(conclusion.origin, Origin::App) && decision.is_native_answer(&payload);
        match Reply::of_app(answer).filter(|_| is_usable) {
            Some(mut reply) => {
                if has_byte_order_mark(&reply.body) {
                    reply.body = token.to_owned().into();
                }
                reply.permission = conclusion.permission();
                Conclusion { reply: policy.reply_signing.with_headers(reply), ..conclusion }
            }
            None => conclusion,
        }
    }

    /// Returns true if the platform can read the app's answer without a conversion. `conclusion` is
    /// the result if gatepost converts the answer.
    fn is_in_form_of_platform(&self, answer: &Answer, conclusion: &Conclusion) -> bool {
        let Answer::Response { status, headers, body: Some(body) } = answer else { return false };
        if let Some(rule) = self.kind().decision.as_ref().and_then(|d| d.by_status.as_ref()) {
            let denies = conclusion.reply.status().is_client_error();
            return rule.is_native(*status, headers) && status.is_client_error() == denies;
        }
        if has_byte_order_mark(body) {
            return false;
        }
        let Some(decision) = &self.kind().decision else { return !conclusion.has_unclear_answer() };
        // If the payload of a token needs a conversion, the conclusion has another token.
        let is_kept = || conclusion.reply.body == *body && answer_text(body).is_some_and(is_token);
        status.is_success() && (decision.is_native_answer(body) || is_kept())
    }

    /// Returns the conclusion of a decision. If the input is unusable, `Decision::write` applies
    /// the failure policy, and returns the fault.
    fn decided(
        &self,
        decision: &Decision,
        policy: &Policy,
        input: DecisionInput<'_>,
    ) -> Conclusion {
        let WrittenReply { body, permission, status, fault, dropped } =
            decision.write(&self.event().data, input, policy);
        let reply = match status {
            None => policy.reply_signing.sign(body),
            Some(status) => status.into_reply(body),
        };
        let origin = match (fault, input) {
            (Some(fault), _) => Origin::Failure(fault.into()),
            (None, DecisionInput::Empty) => Origin::Empty(UnavailableKind::AnswerEmpty.into()),
            (None, _) => Origin::App,
        };
        let reply = Reply { permission: Some(permission), ..reply };
        Conclusion { dropped: dropped.into(), ..Conclusion::new(reply, origin) }
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
            Delivery::Fixed(Some((answer, policy))) => {
                let fields = answer.fields_for(self.event().data());
                write(DecisionInput::Fixed(&fields), policy, Origin::Fixed)
            }
            Delivery::Unlisted(Some(policy)) => {
                write(DecisionInput::Deny(b""), policy, Origin::Unlisted)
            }
            Delivery::Fixed(None) => self.acknowledged(Origin::Fixed),
            Delivery::Unlisted(None) => self.acknowledged(Origin::Unlisted),
            Delivery::Ask(_) | Delivery::MissingReplyKey { .. } => {
                self.failed(None, UnavailableKind::ReplyKeyMissing.into())
            }
        }
    }

    /// Remembers a reply that the app decided. After a failure, returns the remembered reply about
    /// the same viewer and content; without a remembered reply, returns `conclusion`.
    pub(super) fn last_good(
        &self,
        ask: &Ask,
        conclusion: Conclusion,
        now: Timestamp,
    ) -> Conclusion {
        let Some(max_age) = ask.last_good_max_age else { return conclusion };
        let Some(viewer) = self.viewer() else { return conclusion };
        let replies = &self.memory().replies;
        match &conclusion.origin {
            Origin::App | Origin::Empty(_) => {
                replies.keep(viewer, &conclusion.reply, now.after(max_age));
            }
            Origin::Failure(reason) => {
                if let Some(reply) = replies.find(viewer, now) {
                    return Conclusion::new(reply, Origin::LastGood(reason.clone()));
                }
            }
            Origin::Challenge
            | Origin::Fixed
            | Origin::LastGood(_)
            | Origin::Queued
            | Origin::Resend
            | Origin::Unlisted => {}
        }
        conclusion
    }

    /// Returns a conclusion with the acknowledgement that the platform expects.
    pub(crate) fn acknowledged(&self, origin: Origin) -> Conclusion {
        Conclusion::new(self.acknowledgement().clone(), origin)
    }

    fn acknowledgement(&self) -> &Reply {
        self.kind().ack.as_ref().unwrap_or(&self.template().plan.ack)
    }
}

/// Reads the app's answer to a decision.
fn decision_input<'a>(
    answer: &'a Answer,
    ask: &Ask,
    forward: Forward,
    empty: EmptyAnswer,
) -> Result<DecisionInput<'a>, Unavailable> {
    if let Answer::Response {
        status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body, ..
    } = answer
    {
        return Ok(DecisionInput::Deny(body.as_deref().unwrap_or_default()));
    }
    check_status(answer, ask, forward)?;
    check_coding(answer)?;
    match answer {
        Answer::Response { body: Some(body), .. } if answer_text(body) == Some("") => {
            Ok(match empty {
                EmptyAnswer::Allow => DecisionInput::Allow,
                EmptyAnswer::Deny => DecisionInput::Empty,
            })
        }
        Answer::Response { body: Some(body), .. } => Ok(DecisionInput::Answer(body)),
        Answer::Response { body: None, .. }
        | Answer::Timeout
        | Answer::Unreachable(_)
        | Answer::Unreadable(..) => Err(UnavailableKind::AnswerTooLarge.into()),
    }
}

/// Reads the status of an answer that the app wrote for a platform that reads only the status. A
/// body that is JSON with `allow` takes precedence over a status that allows.
fn native_input<'a>(
    answer: &'a Answer,
    ask: &Ask,
    rule: &StatusRule,
) -> Result<DecisionInput<'a>, Unavailable> {
    let Answer::Response { status, headers, body: Some(body) } = answer else {
        return decision_input(answer, ask, Forward::Passthrough, EmptyAnswer::Deny);
    };
    if !rule.is_native(*status, headers) {
        let detail = status_detail(answer, *status, None);
        return Err(Unavailable::with_whole(UnavailableKind::AppStatus, detail));
    }
    if status.is_client_error() {
        return Ok(DecisionInput::Deny(body));
    }
    if contains_fatal_error(body) {
        return Err(UnavailableKind::AnswerFatal.into());
    }
    let text = answer_text(body).unwrap_or_default();
    let has_verdict = Object::from_json(text).is_ok_and(|object| object.get(VERDICT).is_some());
    Ok(if has_verdict { DecisionInput::Answer(body) } else { DecisionInput::Allow })
}

/// Checks that the app did not compress the answer.
fn check_coding(answer: &Answer) -> Result<(), Unavailable> {
    match coding_fault(answer) {
        None => Ok(()),
        Some(fault) => Err(Unavailable::with(UnavailableKind::AnswerMalformed, &fault)),
    }
}
