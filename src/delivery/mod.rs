//! What is to be done with an accepted callback, and in which time.
//!
//! In this order:
//!
//! 1. A kind that nobody is asked about is answered by its template.
//! 2. A resend of what the app has taken is answered as before; a copy of what it is being asked
//!    about waits for that answer.
//! 3. An app that has had its share, or is down (see the circuit breaker), is not asked.
//! 4. The app is asked, in what is left of the callback's time: its `timeout_ms`, and never longer
//!    than the platform waits for the reply, which runs from the head and includes the reply.

mod drive;
mod outcome;
mod request;

pub use drive::{
    AppSide, Asked, Attempt, ClientActivity, ClientSide, Disconnected, Driven, EventRequest,
    Runtime, drive,
};

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;

use crate::conclusion::{Conclusion, Origin, UnavailableKind};
use crate::memory::{Claim, Domain, Fingerprint, Flights, Joined, SharedConclusion};
use crate::reply::Answer;
use crate::template::{Ask, Delivery};
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// What is to be done with an accepted callback.
#[derive(Debug)]
pub enum Next {
    /// Ask the app, and [conclude](Question::conclude) from what it says.
    Ask(Question),
    /// The reply is known without the app.
    Reply(Conclusion),
    /// The app is being asked about the same callback: wait for what comes of it.
    Wait(Wait),
}

/// How long before the platform gives up the reply leaves at the latest.
pub(crate) const REPLY_MARGIN: Duration = Duration::from_millis(100);

impl Accepted {
    /// What is to be done with it at the moment `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Next {
        let Delivery::Ask(ask) = self.delivery() else { return Next::Reply(self.unasked()) };
        let timeout = self.time_left(ask, now);
        let claim = match self.join(ask, now) {
            None => None,
            Some(Ok(Joined::First(claim))) => Some(claim),
            Some(Ok(Joined::Waiting(shared))) => {
                return Next::Wait(Wait { accepted: self.clone(), timeout, shared });
            }
            Some(Err(conclusion)) => return Next::Reply(conclusion),
        };
        let question = Question { accepted: self.clone(), timeout, claim };
        if timeout.is_zero() {
            return Next::Reply(question.fail(UnavailableKind::AppTimeout, now));
        }
        if self.limit().is_some_and(|limit| !limit.take(now)) {
            return Next::Reply(question.fail(UnavailableKind::AppOverloaded, now));
        }
        if ask.breaker.as_ref().is_some_and(|breaker| !breaker.lets_through(now)) {
            return Next::Reply(question.fail(UnavailableKind::CircuitOpen, now));
        }
        Next::Ask(question)
    }

    fn time_left(&self, ask: &Ask, now: Timestamp) -> Duration {
        let spent = now.as_millis().saturating_sub(self.arrived().as_millis());
        let spent = Duration::from_millis(u64::try_from(spent).unwrap_or_default());
        ask.timeout.min(ask.budget.saturating_sub(REPLY_MARGIN).saturating_sub(spent))
    }

    /// Takes a place among those who bring the same callback, if this kind has resends.
    fn join(&self, ask: &Ask, now: Timestamp) -> Option<Result<Joined, Conclusion>> {
        ask.resend?;
        let key = self.contents();
        let replied = || match &ask.policy {
            None => self.memory().seen.note(key, now).map(|_| self.acknowledged(Origin::Resend)),
            Some(_) => {
                let reply = self.memory().replies.find(key, now)?;
                Some(Conclusion { reply, origin: Origin::Resend })
            }
        };
        Some(Flights::join(self.memory(), key, replied))
    }

    /// What is the same in every resend of the callback, and in nothing else.
    pub(crate) fn contents(&self) -> Fingerprint {
        let event = self.event();
        // An identifier of the platform's own says nothing about the rest, unless it is signed.
        let tells = self.template().plan.id.is_empty() || self.has_signed_id();
        let data: &[u8] = if tells { &[] } else { event.data() };
        let parts = [self.template().name().as_bytes(), &event.id, data];
        let seal = self.seal();
        self.memory().fingerprint(Domain::Callback, parts.into_iter().chain([&*seal]))
    }

    /// How replies to it leave now: one that left otherwise is not to be given again.
    fn seal(&self) -> Vec<u8> {
        match self.delivery() {
            Delivery::Ask(Ask { policy: Some(policy), .. }) => policy.reply_signing.fingerprint(),
            Delivery::Ask(_)
            | Delivery::Fixed(_)
            | Delivery::Unlisted(_)
            | Delivery::MissingReplyKey => Vec::new(),
        }
    }

    /// Who watches what, if the callback says so.
    fn viewer(&self) -> Option<Fingerprint> {
        let event = self.event();
        let parts = self.kind().viewer.read(event.data())?;
        let own = [self.template().name(), event.source(), event.kind()].map(str::as_bytes);
        let parts = own.into_iter().chain(parts.iter().map(String::as_bytes));
        let seal = self.seal();
        let parts = parts.chain([&*seal]);
        Some(self.memory().fingerprint(Domain::Viewer, parts))
    }

    /// Keeps a good reply, and gives the last one where the app has failed.
    fn last_good(&self, ask: &Ask, conclusion: Conclusion, now: Timestamp) -> Conclusion {
        let Some(max_age) = ask.last_good else { return conclusion };
        let Some(viewer) = self.viewer() else { return conclusion };
        let replies = &self.memory().replies;
        match &conclusion.origin {
            Origin::App => replies.keep(viewer, &conclusion.reply, now.after(max_age)),
            Origin::Failure(why) => {
                if let Some(reply) = replies.find(viewer, now) {
                    return Conclusion { reply, origin: Origin::LastGood(why.clone()) };
                }
            }
            Origin::Fixed | Origin::LastGood(_) | Origin::Resend | Origin::Unlisted => {}
        }
        conclusion
    }
}

/// A question to the app. Dropped without a conclusion, it was never asked.
#[derive(Debug)]
#[must_use]
pub struct Question {
    accepted: Accepted,
    timeout: Duration,
    claim: Option<Claim>,
}

impl Question {
    /// Where the event goes. Without an address the request keeps its path.
    #[must_use]
    pub fn url(&self) -> Option<&Uri> {
        self.ask().and_then(|ask| ask.url.as_ref())
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
    pub fn conclude(self, answer: &Answer, now: Timestamp) -> Conclusion {
        let Some(ask) = self.ask() else { return self.accepted.unasked() };
        let conclusion = self.accepted.answered(ask.policy.as_ref(), answer);
        let conclusion = self.accepted.last_good(ask, conclusion, now);
        // A sender that took most of the time itself says nothing of the app, and nothing to others.
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
        match self.accepted.delivery() {
            Delivery::Ask(ask) => Some(ask),
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::MissingReplyKey => None,
        }
    }

    /// The reply without an answer.
    fn fail(self, why: UnavailableKind, now: Timestamp) -> Conclusion {
        let Some(ask) = self.ask() else { return self.accepted.unasked() };
        let conclusion = self.accepted.failed(ask.policy.as_ref(), why.into());
        let conclusion = self.accepted.last_good(ask, conclusion, now);
        self.settle(conclusion, now)
    }

    /// Remembers what the app has answered, and tells those who wait for it.
    fn settle(mut self, conclusion: Conclusion, now: Timestamp) -> Conclusion {
        let Some(claim) = self.claim.take() else { return conclusion };
        let resend = self.ask().and_then(|ask| ask.resend.map(|window| (ask, window)));
        let mut shared = conclusion.clone();
        if let (Origin::App, Some((ask, window))) = (&conclusion.origin, resend) {
            let (memory, until) = (self.accepted.memory(), now.after(window));
            match &ask.policy {
                None => drop(memory.seen.note_first(claim.key(), 0, until, now)),
                Some(_) => memory.replies.keep(claim.key(), &conclusion.reply, until),
            }
            shared.origin = Origin::Resend;
        }
        claim.share(&shared);
        conclusion
    }
}

/// Another copy of a callback, which the app is being asked about already. As a future it gives what
/// came of that, or `None` if nothing did: then see what is [next](Accepted::next) again.
#[must_use = "futures do nothing unless polled"]
pub struct Wait {
    accepted: Accepted,
    timeout: Duration,
    shared: SharedConclusion,
}

impl Wait {
    /// How long to wait at most.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The reply when that is over.
    #[must_use]
    pub fn give_up(self, now: Timestamp) -> Conclusion {
        let Self { accepted, timeout, .. } = self;
        Question { accepted, timeout, claim: None }.fail(UnavailableKind::AppTimeout, now)
    }
}

impl Future for Wait {
    type Output = Option<Conclusion>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.shared).poll(cx).map(Result::ok)
    }
}

impl std::fmt::Debug for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wait").field("accepted", &self.accepted).finish_non_exhaustive()
    }
}
