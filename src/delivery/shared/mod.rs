//! The steps of a callback in the state that machines share. gatepost takes each step after the
//! corresponding step in this process:
//!
//! 1. If this process receives a signature or id for the first time, gatepost adds it to the shared
//!    state, but never replaces an entry. If the signature or id has arrived earlier with other
//!    data, gatepost treats the callback as a reuse of the signature or id.
//! 2. Before gatepost asks the app about a callback, gatepost claims the callback. If another
//!    process has the reply, gatepost repeats that reply. If another process is asking the app,
//!    gatepost waits for the reply of that process. The claim expires one second after the end of
//!    the app's time, so a process that crashes does not delay a resend for longer.
//! 3. gatepost replaces the claim with a reply that the app decided, before the platform receives
//!    the reply. If gatepost has no such reply, gatepost removes the claim.
//! 4. With `last_good`, gatepost stores the reply that the app decided for the viewer and the
//!    content. If the app fails, gatepost looks for an earlier reply about both: first in this
//!    process, then in the shared state.
//! 5. At the start of a session, gatepost adds the session to the sessions of the subject. For a
//!    notification, gatepost does this before the app receives the event. For a decision, gatepost
//!    does this after the app's answer. At the end of a session, gatepost looks for a newer session
//!    before the app receives the event.
//! 6. On a route with a shared rate limit, gatepost spends one permit on the callback before the
//!    app receives the event or the store appends it. If this machine has no permit, gatepost first
//!    takes permits. See `src/limit/shared.rs`.
//!
//! If the shared state fails or does not respond in time, gatepost continues without it: gatepost
//! accepts the signature, asks the app, and uses only the last replies, sessions and rate limits of
//! this machine. The app may then receive an event twice.

mod carry;
mod limit;
mod session;
mod value;

use std::time::Duration;

use bytes::Bytes;

use carry::{check_proof, last_answer};
pub(super) use carry::{claim, finish, release};
pub use limit::SharedLimit;
pub(super) use limit::{Limited, limit};

use super::server::Runtime;
use super::{Next, Question, StoreStep};
use crate::conclusion::{Conclusion, Origin, UnavailableKind};
use crate::memory::store::{SharedDomain, SharedKey, SharedValue, shared_key};
use crate::printable::print_only;
use crate::template::Ask;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};
use value::StoredValue;

/// The step that claims a callback in the shared state, so that no other machine asks the app.
#[must_use]
pub struct SharedClaim {
    question: Question,
    key: SharedKey,
    /// Number of times that the step found the claim of another process.
    tries: u32,
}

print_only! { SharedClaim: question tries; }

/// A claim of this process.
#[derive(Debug)]
pub(super) struct HeldClaim {
    pub(super) key: SharedKey,
    pub(super) bytes: Bytes,
}

/// Time that a claim lasts beyond the time of the app, so that the process can store the reply.
const CLAIM_MARGIN: Duration = Duration::from_secs(1);

/// Minimum and maximum wait before the next check of another process's claim.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(160)];

/// Carries out the steps before the app receives the event.
///
/// # Errors
///
/// Returns the refusal of a callback whose signature has arrived with other data.
pub(super) async fn before(
    runtime: &impl Runtime,
    accepted: Accepted,
) -> Result<Accepted, Refusal> {
    let accepted = check_proof(runtime, accepted).await?;
    Ok(if accepted.is_shared() { session::before(runtime, accepted).await } else { accepted })
}

/// Carries out the steps after the conclusion.
pub(super) async fn after(
    runtime: &impl Runtime,
    accepted: &Accepted,
    conclusion: Conclusion,
    now: Timestamp,
) -> Conclusion {
    let conclusion = last_answer(runtime, accepted, conclusion, now).await;
    if accepted.is_shared() {
        session::after(runtime, accepted, &conclusion).await;
    }
    conclusion
}

impl SharedClaim {
    pub(super) fn of(question: Question) -> Self {
        let accepted = &question.accepted;
        let reply_signing = accepted.reply_signing();
        let parts = accepted.identity_parts(|event| event.id_digits()).into_iter();
        let parts = parts.chain([&*reply_signing]);
        let key = shared_key(SharedDomain::Callback, parts);
        Self { question, key, tries: 0 }
    }

    /// Returns the callback.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        &self.question.accepted
    }

    /// Returns the key of the callback.
    #[must_use]
    pub const fn key(&self) -> SharedKey {
        self.key
    }

    /// Returns the claim, for [`SharedState::insert`](crate::SharedState::insert).
    #[must_use]
    pub fn value(&self, now: Timestamp) -> SharedValue {
        let until = now.after(self.time_left(now) + CLAIM_MARGIN);
        SharedValue { bytes: self.bytes(), until }
    }

    fn bytes(&self) -> Bytes {
        value::claim(self.accepted().memory().process())
    }

    fn time_left(&self, now: Timestamp) -> Duration {
        self.question.ask().map_or(Duration::ZERO, |ask| self.accepted().time_left(ask, now))
    }

    /// Returns the time to wait before the step; `None` if no time is left for the app.
    #[must_use]
    pub fn pause(&self, now: Timestamp) -> Option<Duration> {
        let left = Some(self.time_left(now)).filter(|left| !left.is_zero())?;
        let doublings = self.tries.saturating_sub(1).min(8);
        let [first, longest] = PAUSES;
        let pause = first.saturating_mul(1 << doublings).min(longest).min(left);
        Some(if self.tries == 0 { Duration::ZERO } else { pause })
    }

    /// Returns the next step. `found` is the result of the insertion; `None` if there is no result
    /// in time.
    #[must_use]
    pub fn next(mut self, found: Option<Option<SharedValue>>, now: Timestamp) -> Next {
        let is_held = match found {
            None => false,
            Some(None) => true,
            Some(Some(found)) if found.bytes == self.bytes() => true,
            Some(Some(found)) => {
                let policy = self.question.ask().and_then(|ask| ask.policy.as_ref());
                match value::read(found.bytes, policy) {
                    Some(StoredValue::Claim) => {
                        self.tries += 1;
                        return Next::Store(Box::new(StoreStep::Claim(self)));
                    }
                    Some(StoredValue::Acknowledgement) => {
                        let conclusion = self.accepted().acknowledged(Origin::Resend);
                        return Next::Reply(self.question.repeat(conclusion, found.until));
                    }
                    Some(StoredValue::Reply(reply)) => {
                        let conclusion = Conclusion::new(*reply, Origin::Resend);
                        return Next::Reply(self.question.repeat(conclusion, found.until));
                    }
                    Some(
                        StoredValue::Budget(_)
                        | StoredValue::LimitValues(_)
                        | StoredValue::Sessions(_),
                    )
                    | None => false,
                }
            }
        };
        let claim = is_held.then(|| HeldClaim { key: self.key, bytes: self.bytes() });
        self.question.shared = claim.map(Box::new);
        self.question.checked(now)
    }

    /// Applies the failure policy, because another process's claim did not end in time.
    #[must_use]
    pub fn give_up(self, now: Timestamp) -> Conclusion {
        self.question.fail(UnavailableKind::AppTimeout, now)
    }
}

impl Question {
    /// Repeats the reply of another process, and remembers that reply.
    fn repeat(mut self, conclusion: Conclusion, until: Timestamp) -> Conclusion {
        let Some(claim) = self.claim.take() else { return conclusion };
        let memory = self.accepted.memory();
        match self.ask().and_then(|ask| ask.policy.as_ref()) {
            None => drop(memory.seen.get_or_insert(claim.key(), 0, until, self.accepted.arrived())),
            Some(_) => memory.replies.keep(claim.key(), &conclusion.reply, until),
        }
        claim.share(&conclusion);
        conclusion
    }
}

impl Accepted {
    /// Returns the value that replaces a claim; `None` without a usable answer, for a callback of
    /// which the app receives every copy, and for a reply that is too long.
    fn shared_reply(&self, conclusion: &Conclusion, now: Timestamp) -> Option<SharedValue> {
        let ask = self.delivery().as_ask()?;
        let until = now.after(self.resend_window(ask)?);
        if !matches!(conclusion.origin, Origin::App | Origin::Empty(_)) {
            return None;
        }
        let bytes = match &ask.policy {
            None => value::acknowledgement(),
            Some(policy) => value::reply(&conclusion.reply, policy)?,
        };
        Some(SharedValue { bytes, until })
    }

    /// Returns the step for the last reply about the viewer; `None` if gatepost neither stores nor
    /// looks up a reply.
    fn last_answer_step(
        &self,
        ask: &Ask,
        conclusion: &Conclusion,
        now: Timestamp,
    ) -> Option<LastAnswerStep> {
        let (max_age, policy) = (ask.last_good_max_age?, ask.policy.as_ref()?);
        match &conclusion.origin {
            Origin::App | Origin::Empty(_) => {
                let bytes = value::reply(&conclusion.reply, policy)?;
                let value = SharedValue { bytes, until: now.after(max_age) };
                Some(LastAnswerStep::Keep(self.shared_viewer()?, value))
            }
            Origin::Failure(_) => Some(LastAnswerStep::Find(self.shared_viewer()?)),
            Origin::Challenge
            | Origin::Fixed
            | Origin::LastGood(_)
            | Origin::Queued
            | Origin::Resend
            | Origin::Unlisted => None,
        }
    }

    /// Returns the key of the viewer and the content; `None` if the callback does not name both.
    fn shared_viewer(&self) -> Option<SharedKey> {
        let viewer = self.kind().viewer.read(self.event().data())?;
        let reply_signing = self.reply_signing();
        let parts = self.viewer_scope().into_iter().chain(viewer.iter().map(String::as_bytes));
        Some(shared_key(SharedDomain::Viewer, parts.chain([&*reply_signing])))
    }
}

/// The step for the last reply about a viewer.
enum LastAnswerStep {
    Find(SharedKey),
    Keep(SharedKey, SharedValue),
}
