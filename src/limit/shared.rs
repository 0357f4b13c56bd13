//! A rate limit whose budget machines share.
//!
//! The state that machines share contains `full_at` of the budget: see [`super`]. A machine takes
//! permits from that budget, and spends each permit on one callback:
//!
//! 1. A machine that has a permit spends it, without an operation of the shared state.
//! 2. If the machine has no permit, one callback takes permits from the shared budget. The other
//!    callbacks on the machine wait for that callback.
//! 3. The number of permits depends on the time since the machine last took permits. If less than
//!    100 ms have passed, it takes twice as many as the last time, but at most the number of
//!    callbacks that the rate permits in 100 ms. Otherwise, it takes half as many as the last time,
//!    but at least one. If the last permits have expired, it takes one. A machine with few
//!    callbacks therefore takes few permits that another machine needs.
//! 4. A permit expires after a second.
//! 5. After a machine finds the shared budget empty, its callbacks exceed the limit until the
//!    budget has regained a request. Until then, the machine does not use the shared state.
//!
//! In each period, all machines together therefore exceed the limit by at most the permits that
//! they have taken within the second before the period.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::{ALWAYS_FULL, Comparison, Rate, is_within};
use crate::printable::print_only;
use crate::time::Timestamp;

/// Limit for the time in which a machine spends its permits. A machine that spends them within this
/// time takes more permits the next time.
const SPENT_SOON: Duration = Duration::from_millis(100);

/// Time after which a permit expires.
const LIFETIME: Duration = Duration::from_secs(1);

/// The part of a shared budget that this machine has taken.
pub(crate) struct SharedBudget {
    /// Key of the budget in the shared state.
    pub(crate) key: [u8; 16],
    /// Comparison of this machine's rate and burst with those of the other machines.
    pub(crate) comparison: Comparison,
    rate: Rate,
    permits: Mutex<Permits>,
}

#[derive(Default)]
struct Permits {
    left: u32,
    /// Number of permits that the machine took last.
    taken: u32,
    taken_at: Option<Timestamp>,
    /// The last value of the shared budget that this machine has read or set; `None` if the shared
    /// state contains none.
    known: Option<i64>,
    /// Time at which the shared budget regains a request.
    empty_until: Option<Timestamp>,
    /// The callbacks that wait for permits; `None` if no callback takes permits at present.
    waiting: Option<Vec<Sender<()>>>,
}

/// Result of [`SharedBudget::spend`].
pub(crate) enum Spent {
    /// The callback has spent a permit.
    Permit,
    /// The callback exceeds the limit.
    Exhausted,
    /// Another callback takes permits. The receiver completes afterwards.
    Wait(Receiver<()>),
    /// The callback must take permits.
    Take(Taking),
}

/// The right to take permits from the shared budget. Dropping this value ends the wait of the other
/// callbacks.
pub(crate) struct Taking(Arc<SharedBudget>);

/// A new value of a shared budget, and the permits that a machine gets if it sets the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// The value to replace; `None` if the shared state contains none.
    pub(crate) known: Option<i64>,
    pub(crate) full_at: i64,
    /// Time until which the shared state keeps the value. At this time, the budget is full.
    pub(crate) until: Timestamp,
    permits: u32,
}

print_only! { SharedBudget:; }
print_only! { Taking:; }

impl SharedBudget {
    pub(crate) fn new(key: [u8; 16], rate: Rate, comparison: Comparison) -> Self {
        Self { key, comparison, rate, permits: Mutex::default() }
    }

    /// Spends a permit of this machine, or returns the step that a callback needs to get one.
    pub(crate) fn spend(self: &Arc<Self>, now: Timestamp) -> Spent {
        let mut permits = self.lock();
        if permits.left > 0 && is_within(LIFETIME, permits.taken_at, now) {
            permits.left -= 1;
            return Spent::Permit;
        }
        if let Some(waiting) = &mut permits.waiting {
            let (sender, receiver) = channel();
            waiting.push(sender);
            return Spent::Wait(receiver);
        }
        // A time that is further away than the whole window means that the clock has gone back.
        let window = Duration::from_nanos(self.rate.window.unsigned_abs()) + LIFETIME;
        if permits.empty_until.is_some_and(|until| now < until && until < now.after(window)) {
            return Spent::Exhausted;
        }
        permits.waiting = Some(Vec::new());
        Spent::Take(Taking(Arc::clone(self)))
    }

    // A poisoned lock is safe to use, because no code panics between two changes of the permits.
    fn lock(&self) -> MutexGuard<'_, Permits> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taking {
    /// Returns the next value of the shared budget; `None` if the budget is empty.
    pub(crate) fn withdrawal(&self, now: Timestamp) -> Option<Withdrawal> {
        let Self(budget) = self;
        let mut permits = budget.lock();
        let most = SPENT_SOON.as_nanos() / u128::from(budget.rate.interval.unsigned_abs().max(1));
        let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
        let wanted = if is_within(SPENT_SOON, permits.taken_at, now) {
            permits.taken.saturating_mul(2)
        } else if is_within(LIFETIME, permits.taken_at, now) {
            permits.taken / 2
        } else {
            1
        };
        let wanted = wanted.clamp(1, most);
        let from = permits.known.unwrap_or(ALWAYS_FULL);
        let (taken, full_at) = budget.rate.take_up_to(wanted, from, now);
        if taken == 0 {
            permits.empty_until = Some(budget.rate.regains_at(full_at));
            return None;
        }
        let until = Timestamp::from_millis(full_at / 1_000_000).after(LIFETIME);
        Some(Withdrawal { known: permits.known, full_at, until, permits: taken })
    }

    /// Takes the permits after the shared state has stored the new value. Spends one of them on the
    /// callback.
    pub(crate) fn taken(self, withdrawal: Withdrawal, now: Timestamp) {
        let mut permits = self.0.lock();
        permits.left = withdrawal.permits - 1;
        permits.taken = withdrawal.permits;
        permits.taken_at = Some(now);
        permits.known = Some(withdrawal.full_at);
        permits.empty_until = None;
    }

    /// Remembers the value that another machine has set; `None` if the shared state contains none.
    pub(crate) fn learn(&self, full_at: Option<i64>) {
        self.0.lock().known = full_at;
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        // Dropping the senders completes the receivers.
        drop(self.0.lock().waiting.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    fn budget(per_second: u32, burst: u32) -> Arc<SharedBudget> {
        let rate = Rate::new(per_second, burst);
        Arc::new(SharedBudget::new([0; 16], rate, Comparison::new("/a", [1; 16], rate)))
    }

    /// The shared state of two machines.
    #[derive(Default)]
    struct State(Option<i64>);

    impl State {
        /// Spends a permit of a machine, as the driver does. Returns false if the callback exceeds
        /// the limit.
        fn spend(&mut self, machine: &Arc<SharedBudget>, now: Timestamp) -> bool {
            loop {
                let taking = match machine.spend(now) {
                    Spent::Permit => return true,
                    Spent::Exhausted => return false,
                    Spent::Wait(_) => panic!("expected no callback that takes permits, found one"),
                    Spent::Take(taking) => taking,
                };
                let Some(withdrawal) = taking.withdrawal(now) else { return false };
                if self.0 == withdrawal.known {
                    self.0 = Some(withdrawal.full_at);
                    taking.taken(withdrawal, now);
                    return true;
                }
                taking.learn(self.0);
            }
        }
    }

    #[test]
    fn machines_together_stay_within_the_burst() {
        let (mut state, [one, other]) = (State::default(), [budget(10, 6), budget(10, 6)]);
        let taken = |_| u32::from(state.spend(&one, at(0))) + u32::from(state.spend(&other, at(0)));
        assert_eq!((0..9).map(taken).sum::<u32>(), 6);
    }

    #[test]
    fn machines_together_keep_the_rate() {
        let (mut state, [one, other]) = (State::default(), [budget(1000, 100), budget(1000, 100)]);
        let mut taken = 0;
        for millis in 0..10_000 {
            taken += u32::from(state.spend(&one, at(millis)));
            taken += u32::from(state.spend(&other, at(millis)));
            // One machine has three times as many callbacks as the other.
            taken += u32::from(state.spend(&one, at(millis)));
            taken += u32::from(state.spend(&one, at(millis)));
        }
        assert!(
            (9_900..=10_300).contains(&taken),
            "expected 9,900 to 10,300 permits, found {taken}"
        );
    }

    #[test]
    fn busy_machine_takes_many_permits_at_once() {
        let (mut state, one) = (State::default(), budget(10_000, 10_000));
        let mut changes = 0;
        for millis in 0..1000 {
            for _ in 0..5 {
                let before = state.0;
                assert!(state.spend(&one, at(millis)));
                changes += u32::from(state.0 != before);
            }
        }
        assert!(
            changes < 40,
            "expected fewer than 40 operations for 5,000 callbacks, found {changes}"
        );
    }

    #[test]
    fn exhausted_machine_does_not_use_the_state_until_the_budget_regains_a_request() {
        let (mut state, one) = (State::default(), budget(10, 1));
        assert!(state.spend(&one, at(0)));
        assert!(!state.spend(&one, at(0)));
        assert!(matches!(one.spend(at(99)), Spent::Exhausted));
        assert!(state.spend(&one, at(100)));
    }

    #[test]
    fn permit_expires_after_a_second() {
        let one = budget(100, 100);
        for millis in [0, 1] {
            let Spent::Take(taking) = one.spend(at(millis)) else {
                panic!("expected `Take`, found another result")
            };
            let withdrawal = taking.withdrawal(at(millis)).unwrap();
            taking.taken(withdrawal, at(millis));
        }
        assert_eq!(one.lock().left, 1);
        let Spent::Take(_) = one.spend(at(1001)) else {
            panic!("expected `Take` after a second, found another result")
        };
        assert!(matches!(one.spend(at(1000)), Spent::Permit));
    }

    #[test]
    fn callbacks_wait_while_another_callback_takes_permits() {
        let one = budget(10, 3);
        let Spent::Take(taking) = one.spend(at(0)) else {
            panic!("expected `Take`, found another result")
        };
        let Spent::Wait(mut waiting) = one.spend(at(0)) else {
            panic!("expected `Wait`, found another result")
        };
        assert_eq!(waiting.try_recv(), Ok(None));
        drop(taking);
        assert!(waiting.try_recv().is_err(), "expected the end of the wait, found none");
        assert!(matches!(one.spend(at(0)), Spent::Take(_)));
    }

    #[test]
    fn clock_that_jumps_back_does_not_block_the_budget() {
        let (mut state, one) = (State::default(), budget(10, 1));
        assert!(state.spend(&one, at(0)));
        assert!(!state.spend(&one, at(1)));
        assert!(state.spend(&one, at(-3_600_000)));
    }
}
