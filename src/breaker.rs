//! A circuit breaker for each address: an app that is down is not asked, so that nobody waits for
//! it, until one callback tries it again.
//!
//! 1. Closed: everybody asks. So many failures in a row open it.
//! 2. Open: nobody asks, for the time until the next try.
//! 3. Then one callback asks. An answer closes it; a failure, or none at all, leaves it open.
//!
//! A failure is no answer in time, no connection, or the statuses by which servers say that they are
//! down: 502, 503, 504. Any other answer is a sign of life, also one that cannot be used.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::reply::Answer;
use crate::time::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRule {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Until the next try.
    pub(crate) retry: Duration,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, retry: Duration::from_secs(1) }
    }
}

/// The breaker of one address.
#[derive(Debug)]
pub(crate) struct Breaker {
    rule: BreakerRule,
    address: Box<str>,
    state: Mutex<BreakerState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct BreakerState {
    /// In a row.
    failures: u32,
    /// While it is open.
    next_try: Option<Timestamp>,
}

/// How far two workers' clocks may lie apart. A next try that is further off than it was ever set was
/// set before the clock went back.
const SLACK: Duration = Duration::from_secs(1);

/// What the operator sees of a circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Circuit {
    /// The address that it guards, without a query.
    pub address: String,
    /// Whether the app behind it is taken to be down.
    pub is_open: bool,
}

impl Breaker {
    pub(crate) fn new(rule: BreakerRule, address: Box<str>) -> Self {
        Self { rule, address, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        // It is locked for a few comparisons, so nobody can have panicked in it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the app may be asked at the moment `now`.
    pub(crate) fn allows(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let Some(next_try) = state.next_try else { return true };
        let clock_went_back = next_try > now.after(self.rule.retry).after(SLACK);
        if now < next_try && !clock_went_back {
            return false;
        }
        state.next_try = Some(now.after(self.rule.retry));
        true
    }

    /// Takes note of what the app said.
    pub(crate) fn record(&self, answer: &Answer, now: Timestamp) {
        let mut state = self.state();
        if !is_failure(answer) {
            *state = BreakerState::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.rule.failures {
            state.next_try = Some(now.after(self.rule.retry));
        }
    }

    pub(crate) fn circuit(&self) -> Circuit {
        let is_open = self.state().next_try.is_some();
        Circuit { address: self.address.to_string(), is_open }
    }
}

fn is_failure(answer: &Answer) -> bool {
    match answer {
        Answer::Timeout | Answer::Unreachable(_) => true,
        Answer::Response { status, .. } => matches!(
            *status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(i64) -> Timestamp = Timestamp::from_millis;

    fn status(code: u16) -> Answer {
        Answer::Response { status: StatusCode::from_u16(code).unwrap(), body: None }
    }

    fn breaker() -> Breaker {
        let rule = BreakerRule { failures: 3, retry: Duration::from_millis(1000) };
        Breaker::new(rule, "http://app/".into())
    }

    #[test]
    fn opens_after_so_many_failures_in_a_row() {
        let breaker = breaker();
        for answer in [Answer::Timeout, status(503), status(500), Answer::Timeout, status(502)] {
            breaker.record(&answer, AT(0));
        }
        assert!(breaker.allows(AT(0)), "500 is a sign of life");
        breaker.record(&Answer::Unreachable("refused".into()), AT(5000));
        assert!(breaker.circuit().is_open);
        assert!(!breaker.allows(AT(5000)));
        assert!(!breaker.allows(AT(5999)));
    }

    #[test]
    fn one_at_a_time_tries_again() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.allows(AT(1000)));
        assert!(!breaker.allows(AT(1000)), "one is trying");
        breaker.record(&Answer::Timeout, AT(1500));
        assert!(!breaker.allows(AT(2499)));
        assert!(breaker.allows(AT(2500)));
        breaker.record(&status(200), AT(2501));
        assert!(!breaker.circuit().is_open);
        assert!(breaker.allows(AT(2502)) && breaker.allows(AT(2502)));
        (0..2).for_each(|_| breaker.record(&Answer::Timeout, AT(3000)));
        assert!(breaker.allows(AT(3000)), "it counts from the beginning");
    }

    #[test]
    fn a_try_that_is_never_concluded_is_followed_by_another() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.allows(AT(1000)));
        assert!(breaker.allows(AT(2000)));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(1_000_000)));
        assert!(breaker.allows(AT(10)));
    }

    #[test]
    fn a_clock_a_little_behind_is_no_try_of_its_own() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(10_000)));
        assert!(!breaker.allows(AT(9_990)));
    }
}
