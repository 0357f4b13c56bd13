//! The step that counts a callback towards a rate limit that machines share. A machine takes
//! permits from the shared budget of the limit, and spends one permit on each callback.

use std::sync::Arc;

use super::super::server::Runtime;
use super::super::{Next, Question};
use super::carry::run;
use super::value::{self, StoredValue};
use crate::conclusion::{Conclusion, UnavailableKind};
use crate::limit::{Comparison, SharedBudget, Spent, Taking};
use crate::memory::store::{SharedUse, SharedValue};
use crate::printable::print_only;
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// The step that counts a callback towards the shared rate limit of its route.
#[must_use]
pub struct SharedLimit {
    callback: Limited,
    budget: Arc<SharedBudget>,
}

/// A callback that counts towards a rate limit.
#[derive(Debug)]
pub(in crate::delivery) enum Limited {
    Direct(Question),
    Queued(Accepted),
}

print_only! { SharedLimit: callback; }

/// Maximum number of attempts to take permits while other machines take permits.
const ATTEMPTS: u32 = 8;

impl SharedLimit {
    pub(in crate::delivery) fn new(budget: Arc<SharedBudget>, callback: Limited) -> Self {
        Self { callback, budget }
    }

    /// Returns the callback.
    #[must_use]
    pub const fn accepted(&self) -> &Accepted {
        match &self.callback {
            Limited::Direct(question) => &question.accepted,
            Limited::Queued(accepted) => accepted,
        }
    }

    /// Returns the next step, for a server that does not use the shared state. The callback then
    /// counts towards the limit of this machine.
    #[must_use]
    pub fn without_shared_state(self, now: Timestamp) -> Next {
        let is_within = self.accepted().is_within_limit(now);
        self.next(is_within, now)
    }

    /// Applies the failure policy, as for a callback that exceeds the limit.
    #[must_use]
    pub fn give_up(self, now: Timestamp) -> Conclusion {
        match self.callback {
            Limited::Direct(question) => question.fail(UnavailableKind::AppOverloaded, now),
            Limited::Queued(accepted) => accepted.beyond_limit(),
        }
    }

    fn next(self, is_within: bool, now: Timestamp) -> Next {
        match self.callback {
            Limited::Direct(question) => question.after_limit(is_within, now),
            Limited::Queued(accepted) => accepted.store_within_limit(is_within, now),
        }
    }
}

/// Carries out the step. If the shared state has no result in time, the limit of this machine
/// applies.
pub(in crate::delivery) async fn limit(runtime: &impl Runtime, step: SharedLimit) -> Next {
    match permit(runtime, step.accepted(), &step.budget).await {
        Some(is_within) => step.next(is_within, runtime.now()),
        None => step.without_shared_state(runtime.now()),
    }
}

/// Spends a permit on a callback. Returns `Some(false)` if the callback exceeds the limit. Returns
/// `None` if the shared state has no result in time.
async fn permit(
    runtime: &impl Runtime,
    accepted: &Accepted,
    budget: &Arc<SharedBudget>,
) -> Option<bool> {
    loop {
        match budget.spend(runtime.now()) {
            Spent::Permit => return Some(true),
            Spent::Exhausted => return Some(false),
            Spent::Take(taking) => {
                let is_within = take(runtime, accepted, budget, taking).await;
                if is_within.is_some() {
                    compare(runtime, accepted, &budget.comparison).await;
                }
                return is_within;
            }
            // The task that takes permits waits for the shared state only for a limited time.
            Spent::Wait(receiver) => drop(receiver.await),
        }
    }
}

/// Compares this machine's rate and burst with those of another machine. Does nothing before the
/// next comparison is due.
async fn compare(runtime: &impl Runtime, accepted: &Accepted, comparison: &Comparison) {
    let Some(until) = comparison.begin(runtime.now()) else { return };
    let (key, of) = (comparison.key, SharedUse::Limit);
    let found = run(runtime, accepted, of, |state, now| state.get(key, now)).await;
    let Some(found) = found else { return };
    let found = match found.and_then(|found| value::read(found.bytes, None)) {
        Some(StoredValue::LimitValues(values)) => Some(values),
        Some(_) | None => None,
    };
    let own = SharedValue { bytes: value::limit_values(comparison.own), until };
    run(runtime, accepted, of, |state, now| state.set(key, own, now)).await;
    if let Some(other) = comparison.end(found) {
        runtime.limit_differs(&comparison.route, comparison.own, other);
    }
}

/// Takes permits from the shared budget, and spends one of them.
async fn take(
    runtime: &impl Runtime,
    accepted: &Accepted,
    budget: &SharedBudget,
    taking: Taking,
) -> Option<bool> {
    let (key, of) = (budget.key, SharedUse::Limit);
    for _ in 0..ATTEMPTS {
        let Some(new) = taking.withdrawal(runtime.now()) else { return Some(false) };
        let value = SharedValue { bytes: value::budget(new.full_at), until: new.until };
        let is_set = match new.known {
            None => {
                let set = run(runtime, accepted, of, |state, now| state.insert(key, value, now));
                set.await?.is_none()
            }
            Some(known) => {
                let set = run(runtime, accepted, of, |state, now| {
                    state.replace(key, value::budget(known), value, now)
                });
                set.await?
            }
        };
        if is_set {
            taking.taken(new, runtime.now());
            return Some(true);
        }
        let found = run(runtime, accepted, of, |state, now| state.get(key, now)).await?;
        match found.map(|found| value::read(found.bytes, None)) {
            None => taking.learn(None),
            Some(Some(StoredValue::Budget(full_at))) => taking.learn(Some(full_at)),
            // Another version of gatepost wrote the value.
            Some(_) => break,
        }
    }
    runtime.unshared(of, None);
    None
}
