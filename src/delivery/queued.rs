//! Queued events: the step that stores an event, and the attempts to deliver it later.
//!
//! The rules of an attempt:
//!
//! 1. The config at the time of the attempt determines the address, the time-out and the event
//!    signing.
//! 2. The rules for notifications determine whether the app accepted the event: see
//!    [`acknowledgement`](super::acknowledgement).
//! 3. After a failure, the next attempt is due after a wait that doubles each time, up to `max_ms`.
//!    gatepost shortens the wait by a random part, up to a half. Except before the last attempt
//!    (rule 4), the wait is never shorter than the app's `Retry-After`.
//! 4. The last attempt is due `give_up_after_secs` after gatepost has queued the event. If the last
//!    attempt fails, the event becomes a dead letter. An event may be overdue before its first
//!    attempt, because it waited behind other events of its source and subject. Except under rule
//!    5, gatepost makes this one attempt.
//! 5. While the circuit of the app is open, gatepost makes one attempt every `retry_ms`. The other
//!    events of the app wait. An event that is overdue while the circuit is open becomes a dead
//!    letter without a further attempt, even without an earlier attempt.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::acknowledgement::check_taken;
use super::shared::Limited;
use super::{Next, SharedLimit, StoreStep};
use crate::address::Addresses;
use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::event::{Forward, decimal_header};
use crate::head::{Head, RequestContext};
use crate::memory::store::{
    Appended, Claimed, DedupeKey, Lane, NewEvent, Settlement, StoreError, StoredEvent,
};
use crate::reply::Answer;
use crate::template::{Ask, RetryRule, Template};
use crate::time::Timestamp;
use crate::verdict::Accepted;

const GATEPOST_DELIVERY: HeaderName = HeaderName::from_static("gatepost-delivery");
const GATEPOST_REPLAY: HeaderName = HeaderName::from_static("gatepost-replay");

/// The step that makes an event durable before the reply.
#[derive(Debug)]
#[must_use]
pub struct Enqueue {
    accepted: Accepted,
    timeout: Duration,
    dedupe: Option<DedupeKey>,
}

impl Accepted {
    /// Returns the step for an event that the config queues.
    pub(super) fn store_or_ask(&self, ask: &Ask, now: Timestamp) -> Next {
        if self.forward() == Forward::Passthrough {
            // The app's own answer is the reply.
            return self.next_of(ask, now);
        }
        if let Some(budget) = self.shared_budget().cloned() {
            let step = SharedLimit::new(budget, Limited::Queued(self.clone()));
            return Next::Store(Box::new(StoreStep::Limit(step)));
        }
        self.store(self.is_within_limit(now), ask, now)
    }

    /// Returns the next step after the wait for a shared rate limit.
    pub(super) fn store_within_limit(&self, is_within: bool, now: Timestamp) -> Next {
        match self.delivery().as_ask() {
            Some(ask) => self.store(is_within, ask, now),
            None => Next::Reply(self.without_app()),
        }
    }

    /// Returns the conclusion of a callback that exceeds the rate limit. gatepost does not queue
    /// the event of this callback.
    pub(super) fn beyond_limit(&self) -> Conclusion {
        self.failed(None, UnavailableKind::AppOverloaded.into())
    }

    fn store(&self, is_within_limit: bool, ask: &Ask, now: Timestamp) -> Next {
        if !is_within_limit {
            return Next::Reply(self.beyond_limit());
        }
        let dedupe = self
            .resend_window(ask)
            .map(|window| DedupeKey { key: self.shared_key(), until: now.after(window) });
        let timeout = self.budget_left(ask, now);
        let append = Enqueue { accepted: self.clone(), timeout, dedupe };
        Next::Store(Box::new(StoreStep::Append(append)))
    }

    /// Returns a key that is the same on each machine, unlike a fingerprint.
    fn shared_key(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        for part in self.identity_parts(|event| event.id_digits()) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().first_chunk().copied().unwrap_or_default()
    }
}

impl Enqueue {
    /// Returns the time within which the event must be durable.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the callback.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Returns the event to append.
    #[must_use]
    pub fn event(&self, head: &Head<'_>, context: &RequestContext<'_>) -> NewEvent {
        let (mut headers, body) = self.accepted.unsigned_request(head, context);
        headers.remove(HOST);
        headers.remove(CONTENT_LENGTH);
        let (event, template) = (self.accepted.event(), self.accepted.template());
        let event = StoredEvent {
            id: event.id().into(),
            lane: Lane::new(Arc::clone(&template.name), Arc::clone(&event.kind)),
            source: event.source().into(),
            subject: event.subject().map(Into::into),
            received: self.accepted.arrived(),
            headers,
            body,
        };
        NewEvent { event, dedupe: self.dedupe }
    }

    /// Returns the reply: the acknowledgement if the event is durable, otherwise 503. `appended` is
    /// the result of the store; `None` if there is no result in time.
    #[must_use]
    pub fn conclude(self, appended: Option<Result<Appended, StoreError>>) -> Conclusion {
        let reason = match appended {
            Some(Ok(Appended::Durable)) => return self.accepted.acknowledged(Origin::Queued),
            Some(Ok(Appended::Duplicate)) => return self.accepted.acknowledged(Origin::Resend),
            Some(Err(error @ StoreError::Full { .. })) => {
                Unavailable::with_whole(UnavailableKind::StoreFull, error.to_string())
            }
            Some(Err(error)) => {
                Unavailable::with_whole(UnavailableKind::StoreUnavailable, error.to_string())
            }
            None => UnavailableKind::StoreUnavailable.into(),
        };
        self.accepted.failed(None, reason)
    }

    /// Returns the next step for a server without a store: the app receives the event at once.
    pub fn without_store(self, now: Timestamp) -> Next {
        match self.accepted.delivery().as_ask() {
            Some(ask) => self.accepted.next_of(ask, now),
            None => Next::Reply(self.accepted.without_app()),
        }
    }
}

/// The app that receives the queued events of a [`Lane`].
#[derive(Debug)]
pub struct QueuedApp {
    template: Arc<Template>,
    kind: Option<usize>,
    addresses: Arc<Addresses>,
}

impl QueuedApp {
    /// Finds the app of a kind.
    pub(crate) fn new(template: &Arc<Template>, kind: &str) -> Result<Self, String> {
        let index = template.plan.kind_named(kind);
        let addresses = template.delivery(index).as_ask().and_then(|ask| ask.url.clone());
        let missing = || {
            format!(
                "expected an address for {kind} in `{}`, found none; set a url for this kind, then replay the event",
                template.name
            )
        };
        let addresses = addresses.ok_or_else(missing)?;
        Ok(Self { template: Arc::clone(template), kind: index, addresses })
    }

    fn ask(&self) -> Option<&Ask> {
        self.template.delivery(self.kind).as_ask()
    }

    fn retry(&self) -> RetryRule {
        self.ask().and_then(|ask| ask.retry).unwrap_or_default()
    }

    /// Returns the name of the template's provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.template.provider()
    }

    /// Returns the addresses of the app.
    #[must_use]
    pub const fn addresses(&self) -> &Arc<Addresses> {
        &self.addresses
    }

    /// Returns the time that the app has for an answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.ask().map_or(Duration::ZERO, |ask| ask.timeout)
    }

    /// Returns true if [`QueuedApp::request`] sets the `host` header.
    #[must_use]
    pub fn keeps_host(&self) -> bool {
        self.ask().is_some_and(|ask| ask.host.is_some())
    }

    /// Returns the number of events that gatepost may send now, at most `max`. While the circuit of
    /// the app is open, returns 1 once every `retry_ms`, and 0 at other times.
    #[must_use]
    pub fn allowed(&self, max: usize, now: Timestamp) -> usize {
        match self.ask().and_then(|ask| ask.breaker.as_ref()) {
            Some(breaker) if max > 0 && breaker.circuit().is_open => {
                usize::from(breaker.allows(now))
            }
            Some(_) | None => max,
        }
    }

    /// Returns the time after which gatepost stops trying to deliver an event. The time starts when
    /// gatepost queues the event.
    #[must_use]
    pub fn give_up_after(&self) -> Duration {
        self.retry().give_up_after
    }

    /// Returns true if gatepost considers the app down.
    #[must_use]
    pub fn is_circuit_open(&self) -> bool {
        let breaker = self.ask().and_then(|ask| ask.breaker.as_ref());
        breaker.is_some_and(|breaker| breaker.circuit().is_open)
    }

    /// Returns the headers and the body for an attempt at the time `now`.
    #[must_use]
    pub fn request(&self, claimed: &Claimed, now: Timestamp) -> (HeaderMap, Bytes) {
        let event = &claimed.event;
        let mut headers = event.headers.clone();
        let mut text = BytesMut::new();
        headers.insert(CONTENT_LENGTH, decimal_header(event.body.len(), &mut text));
        let attempt = usize::try_from(claimed.lease.attempt).unwrap_or(usize::MAX);
        headers.insert(GATEPOST_DELIVERY, decimal_header(attempt, &mut text));
        if claimed.is_replay {
            headers.insert(GATEPOST_REPLAY, HeaderValue::from_static("1"));
        }
        if let Some(host) = self.ask().and_then(|ask| ask.host.clone()) {
            headers.insert(HOST, host);
        }
        if let Some(signing) = &self.template.signing {
            signing.write_headers(&event.id, now, &event.body, &mut headers);
        }
        (headers, event.body.clone())
    }

    /// Turns the app's answer into the settlement of the claim. `random` is a random number.
    ///
    /// For an unclear answer that counts as a delivery, also returns the reason.
    #[must_use]
    pub fn settle(
        &self,
        claimed: &Claimed,
        answer: &Answer,
        random: u32,
        now: Timestamp,
    ) -> (Settlement, Option<Unavailable>) {
        let Some(ask) = self.ask() else {
            let reason =
                "expected an address, found none; set a url for this kind, then replay the event";
            return (Settlement::Dead { reason: reason.into() }, None);
        };
        if let Some(breaker) = &ask.breaker {
            breaker.record(answer, now);
        }
        let plan = &self.template.plan;
        let ack = plan.kind(self.kind).ack.as_ref().unwrap_or(&plan.ack);
        let reason = match check_taken(answer, ack, ask, ask.forward) {
            Ok(unclear) => return (Settlement::Delivered, unclear),
            Err(reason) => format!("{}: {reason}", reason.kind().as_str()).into(),
        };
        let rule = self.retry();
        let deadline = claimed.queued.after(rule.give_up_after);
        if now >= deadline {
            return (Settlement::Dead { reason }, None);
        }
        let wait = rule.wait(claimed.lease.attempt, random);
        let wait = retry_after(answer, now).map_or(wait, |asked| asked.max(wait));
        (Settlement::Later { at: now.after(wait).min(deadline), reason }, None)
    }
}

impl RetryRule {
    /// Returns the wait after an attempt. `random` shortens the wait by up to a half, so that
    /// events that failed at the same time have different waits.
    fn wait(&self, attempt: u32, random: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let longest = self.first.saturating_mul(1 << doublings).min(self.max);
        longest.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let Answer::Response { headers, .. } = answer else { return None };
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let millis = date.as_millisecond().saturating_sub(now.as_millis());
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
}
