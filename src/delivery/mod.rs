//! The next step for an accepted callback: to ask the app, to store the event, to wait, or to reply
//! at once.
//!
//! A platform may send one callback several times; each time, gatepost receives a copy. The rules
//! of [`Accepted::next`], in the order in which gatepost checks them:
//!
//! 1. For a challenge, a fixed answer, a kind that the template does not list, or a missing key for
//!    reply signing: replies without asking the app.
//! 2. If another copy of the callback is in flight to the app: waits for the conclusion of that
//!    copy.
//! 3. If the app has already answered another copy: repeats the reply to that copy.
//! 4. If no time remains for the app: applies the failure policy (`on_failure` for a decision, the
//!    status 503 for a notification).
//! 5. If the rate limit of the route is exhausted: applies the failure policy.
//! 6. If the circuit breaker of the app is open: applies the failure policy.
//! 7. Otherwise: asks the app.
//!
//! If machines share their state, a step before rule 4 claims the callback for this machine: see
//! [`SharedClaim`]. If they share the rate limit, a step checks rule 5: see [`SharedLimit`].
//!
//! If the config queues the kind, only rules 1 and 5 apply. gatepost then appends the event to the
//! store, which recognizes resends. gatepost delivers the event later: see [`QueuedApp`].
//!
//! The app has at most `timeout_ms` to answer, and at most the platform's remaining time less
//! [`REPLY_MARGIN`]. The platform's time starts when the head arrives.

mod acknowledgement;
mod app_side;
mod body_reader;
mod drive;
mod identity;
mod malformed_answer;
mod outcome;
mod queued;
mod replay;
mod request;
mod server;
mod session_order;
mod shared;
mod status_detail;
mod wait;

pub use app_side::{AppSide, Asked, Attempt, EventRequest};
pub(crate) use body_reader::judge_large;
#[cfg(feature = "tower")]
pub(crate) use body_reader::{CHUNKS_PER_TURN, end_turn};
pub use drive::{Driven, drive};
pub use queued::{Enqueue, QueuedApp};
pub use server::{ClientActivity, ClientSide, Disconnected, Runtime};
pub use shared::{SharedClaim, SharedLimit};
pub use wait::Wait;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::address::Addresses;
use crate::conclusion::{Conclusion, Origin, UnavailableKind};
use crate::event::Forward;
use crate::memory::{Claim, Flights, Joined};
use crate::reply::{Answer, REPLY_MARGIN};
use crate::template::Ask;
use crate::time::Timestamp;
use crate::verdict::Accepted;
use shared::{HeldClaim, Limited};

/// The next step for an accepted callback. See [`Question`] for an example.
///
/// The enum is exhaustive, because a server must handle every step.
#[derive(Debug)]
pub enum Next {
    /// Ask the app, then [conclude](Question::conclude) with its answer.
    Ask(Question),
    /// Send this reply without asking the app.
    Reply(Conclusion),
    /// Carry out an operation of a store.
    Store(Box<StoreStep>),
    /// Wait for the conclusion of another copy of the callback. That copy is in flight to the app.
    Wait(Wait),
}

/// An operation of a store whose result determines the next step. The driver calls the other
/// operations itself: see the module `memory::store`.
#[derive(Debug)]
pub enum StoreStep {
    /// Append the event to the [`Store`](crate::Store), then [conclude](Enqueue::conclude) with the
    /// result. A server without a store calls [`Enqueue::without_store`].
    Append(Enqueue),
    /// Claim the callback in the [`SharedState`](crate::SharedState), then call
    /// [`SharedClaim::next`]. Only a callback that is [`shared`](crate::Intake::shared) has this
    /// step.
    Claim(SharedClaim),
    /// Count the callback towards a rate limit in the [`SharedState`](crate::SharedState). A server
    /// without this state calls [`SharedLimit::without_shared_state`]. Only a callback that is
    /// [`shared`](crate::Intake::shared) has this step.
    Limit(SharedLimit),
}

impl Accepted {
    /// Returns the next step at the time `now`.
    ///
    /// Each call may count towards the rate limit of the route, and may make later copies of the
    /// callback wait. Call this method again only if a [`Wait`] ends without a conclusion.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Next {
        if let Some(reply) = self.challenge() {
            return Next::Reply(Conclusion::new(reply.clone(), Origin::Challenge));
        }
        self.note_notified_session();
        let Some(ask) = self.delivery().as_ask() else {
            let conclusion = self.without_app();
            self.note_decided_session(&conclusion);
            return Next::Reply(conclusion);
        };
        if ask.retry.is_some() {
            return self.store_or_ask(ask, now);
        }
        self.next_of(ask, now)
    }

    /// Returns the next step for an event that gatepost does not queue.
    fn next_of(&self, ask: &Ask, now: Timestamp) -> Next {
        let timeout = self.time_left(ask, now);
        let claim = match self.join(ask, now) {
            None => None,
            Some(Ok(Joined::First(claim))) => Some(claim),
            Some(Ok(Joined::Waiting(shared))) => {
                return Next::Wait(Wait { accepted: self.clone(), timeout, shared });
            }
            Some(Err(conclusion)) => return Next::Reply(conclusion),
        };
        let is_claimed = claim.is_some();
        let question = Question { accepted: self.clone(), timeout, claim, shared: None };
        if is_claimed && self.is_shared() {
            return Next::Store(Box::new(StoreStep::Claim(SharedClaim::of(question))));
        }
        question.check(ask, now)
    }

    /// Returns the time that the app has: the shorter of `timeout_ms` and the platform's remaining
    /// time less [`REPLY_MARGIN`].
    pub(crate) fn time_left(&self, ask: &Ask, now: Timestamp) -> Duration {
        ask.timeout.min(self.budget_left(ask, now))
    }

    /// Returns the platform's remaining time less [`REPLY_MARGIN`].
    fn budget_left(&self, ask: &Ask, now: Timestamp) -> Duration {
        let spent = now.as_millis().saturating_sub(self.arrived().as_millis());
        let spent = Duration::from_millis(u64::try_from(spent).unwrap_or_default());
        ask.budget.saturating_sub(REPLY_MARGIN).saturating_sub(spent)
    }

    /// Returns the right to ask the app, the pending conclusion of another copy, or an earlier
    /// reply. Returns `None` if the app receives every copy of the callback.
    fn join(&self, ask: &Ask, now: Timestamp) -> Option<Result<Joined, Conclusion>> {
        self.resend_window(ask)?;
        let key = self.identity();
        let earlier_reply = || match &ask.policy {
            None => self.memory().seen.get(key, now).map(|_| self.acknowledged(Origin::Resend)),
            Some(_) => {
                let reply = self.memory().replies.find(key, now)?;
                Some(Conclusion::new(reply, Origin::Resend))
            }
        };
        Some(Flights::join(self.memory(), key, earlier_reply))
    }
}

/// A question to the app about an accepted callback.
///
/// If the caller drops a question without a conclusion, gatepost may ask the app about a waiting
/// copy of the callback.
///
/// # Examples
///
/// The app allows one playback and denies another:
///
/// ```
/// use gatepost::{Answer, Next, Timestamp};
/// use http::StatusCode;
/// # use gatepost::{Accepted, Admission, Gate, Head, Refusal};
/// # use http::{HeaderMap, Method, Uri};
///
/// let now = Timestamp::from_secs(1_703_731_478);
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// # let accept = || -> Result<Accepted, Refusal> {
/// #     let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// #     let head = Head::new(&Method::POST, &uri, &headers);
/// #     let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
/// #     intake.push("kind=100&client_user_id=u&media_content_key=m&channel_key=c".into())?;
/// #     intake.finish(now)
/// # };
/// // `accept` returns an accepted `live_play` callback from Kollus.
/// let Next::Ask(question) = accept()?.next(now) else {
///     panic!("expected a question, found another step")
/// };
/// let body = Some(r#"{"allow":true}"#.into());
/// let answer = Answer::response(StatusCode::OK, body);
/// let conclusion = question.conclude(&answer, now);
/// assert_eq!(conclusion.reply.body(), r#"{"data":{"result":1}}"#);
///
/// let Next::Ask(question) = accept()?.next(now) else {
///     panic!("expected a question, found another step")
/// };
/// let body = Some(r#"{"message":"no ticket"}"#.into());
/// let answer = Answer::response(StatusCode::FORBIDDEN, body);
/// let conclusion = question.conclude(&answer, now);
/// assert_eq!(conclusion.reply.body(), r#"{"data":{"result":0,"message":"no ticket"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Question {
    accepted: Accepted,
    timeout: Duration,
    claim: Option<Claim>,
    /// Claim in the state that machines share.
    shared: Option<Box<HeldClaim>>,
}

impl Question {
    /// Returns the first address of the app; `None` if the event keeps the path of the callback.
    #[must_use]
    pub fn url(&self) -> Option<&Uri> {
        self.addresses().map(|addresses| addresses.first().url())
    }

    /// Returns the addresses of the app, at least one; `None` if the event keeps the path of the
    /// callback.
    #[must_use]
    pub fn addresses(&self) -> Option<&Arc<Addresses>> {
        self.ask().and_then(|ask| ask.url.as_ref()).filter(|_| !self.is_passthrough())
    }

    /// Returns the addresses of the app's servers for an event that keeps the path of the callback;
    /// `None` if the config names no server. Ignore the paths of these addresses.
    #[must_use]
    pub fn servers(&self) -> Option<&Arc<Addresses>> {
        self.ask().and_then(|ask| ask.server.as_ref())
    }

    /// Returns true if the event keeps the `host` that [`EventRequest::into_parts`] returns. If
    /// false, the server must set the host of [`Question::url`].
    #[must_use]
    pub fn keeps_host(&self) -> bool {
        self.url().is_none() || self.ask().is_some_and(|ask| ask.host.is_some())
    }

    /// Returns true if the app can recognize a second copy of the event by its headers. If false,
    /// send the event a second time only after the app has closed an idle connection.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        !self.is_passthrough()
    }

    fn is_passthrough(&self) -> bool {
        self.accepted.forward() == Forward::Passthrough
    }

    /// Returns the time that the app has. The time starts before the server connects to the app,
    /// and includes the last byte of the app's answer.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the callback that the question is about.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Turns the app's answer into the reply. `now` is the time at which the wait for the answer
    /// ended.
    #[must_use]
    pub fn conclude(self, answer: &Answer, now: Timestamp) -> Conclusion {
        let Some(ask) = self.ask() else { return self.accepted.without_app() };
        let conclusion = self.accepted.answered(ask, answer);
        let conclusion = self.accepted.last_good(ask, conclusion, now);
        self.accepted.note_decided_session(&conclusion);
        // If the app had less than half of `timeout_ms`, a time-out does not count as a failure of
        // the app. Waiting copies do not share this time-out, because they have more time.
        let cut_short = matches!(answer, Answer::Timeout) && self.timeout < ask.timeout / 2;
        if cut_short {
            return conclusion;
        }
        if let Some(breaker) = &ask.breaker {
            breaker.record(answer, now);
        }
        self.settle(conclusion, now)
    }

    fn ask(&self) -> Option<&Ask> {
        self.accepted.delivery().as_ask()
    }

    /// Returns the next step after the wait for the shared state.
    fn checked(mut self, now: Timestamp) -> Next {
        let accepted = self.accepted.clone();
        let Some(ask) = accepted.delivery().as_ask() else {
            return Next::Reply(accepted.without_app());
        };
        self.timeout = accepted.time_left(ask, now);
        self.check(ask, now)
    }

    /// Checks the time, the rate limit and the circuit breaker, and returns the next step.
    #[inline]
    fn check(self, ask: &Ask, now: Timestamp) -> Next {
        if self.timeout.is_zero() {
            return Next::Reply(self.fail(UnavailableKind::AppTimeout, now));
        }
        if let Some(budget) = self.accepted.shared_budget().cloned() {
            let step = SharedLimit::new(budget, Limited::Direct(self));
            return Next::Store(Box::new(StoreStep::Limit(step)));
        }
        let is_within = self.accepted.is_within_limit(now);
        self.check_circuit(is_within, ask, now)
    }

    /// Returns the next step after the wait for a shared rate limit.
    fn after_limit(mut self, is_within: bool, now: Timestamp) -> Next {
        let accepted = self.accepted.clone();
        let Some(ask) = accepted.delivery().as_ask() else {
            return Next::Reply(accepted.without_app());
        };
        self.timeout = accepted.time_left(ask, now);
        if self.timeout.is_zero() {
            return Next::Reply(self.fail(UnavailableKind::AppTimeout, now));
        }
        self.check_circuit(is_within, ask, now)
    }

    fn check_circuit(self, is_within_limit: bool, ask: &Ask, now: Timestamp) -> Next {
        if !is_within_limit {
            return Next::Reply(self.fail(UnavailableKind::AppOverloaded, now));
        }
        if ask.breaker.as_ref().is_some_and(|breaker| !breaker.allows(now)) {
            return Next::Reply(self.fail(UnavailableKind::CircuitOpen, now));
        }
        Next::Ask(self)
    }

    /// Applies the failure policy without asking the app.
    fn fail(self, reason: UnavailableKind, now: Timestamp) -> Conclusion {
        let Some(ask) = self.ask() else { return self.accepted.without_app() };
        let conclusion = self.accepted.failed(ask.policy.as_ref(), reason.into());
        let conclusion = self.accepted.last_good(ask, conclusion, now);
        self.accepted.note_decided_session(&conclusion);
        self.settle(conclusion, now)
    }

    /// Remembers a reply that the app decided, and shares every conclusion with waiting copies.
    fn settle(mut self, conclusion: Conclusion, now: Timestamp) -> Conclusion {
        let Some(claim) = self.claim.take() else { return conclusion };
        let accepted = &self.accepted;
        let resend = self.ask().and_then(|ask| Some((ask, accepted.resend_window(ask)?)));
        let mut shared = Conclusion::new(conclusion.reply.clone(), conclusion.origin.clone());
        if let (Origin::App | Origin::Empty(_), Some((ask, window))) = (&conclusion.origin, resend)
        {
            let (memory, until) = (self.accepted.memory(), now.after(window));
            match &ask.policy {
                None => drop(memory.seen.get_or_insert(claim.key(), 0, until, now)),
                Some(_) => memory.replies.keep(claim.key(), &conclusion.reply, until),
            }
            shared.origin = Origin::Resend;
        }
        claim.share(&shared);
        conclusion
    }
}
