//! A circuit breaker for each address: an app that is down is not asked, so that nobody waits for
//! it, until one callback tries it again.
//!
//! 1. Closed: everybody asks. So many failures in a row open it.
//! 2. Open: nobody asks, for the time until the next try.
//! 3. Then one callback asks. An answer closes it; a failure, or none at all, leaves it open.
//!
//! A failure is no answer in time, no connection, or the statuses by which servers say that they are
//! down: 502, 503, 504. Any other answer is a sign of life, also one that cannot be used.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
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

/// The state of one address.
#[derive(Debug)]
pub(crate) struct Breaker {
    rule: BreakerRule,
    address: Box<str>,
    failures: AtomicU32,
    /// In Unix milliseconds; 0 while it is closed.
    next_try: AtomicI64,
}

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
    pub(crate) const fn new(rule: BreakerRule, address: Box<str>) -> Self {
        Self { rule, address, failures: AtomicU32::new(0), next_try: AtomicI64::new(0) }
    }

    /// Whether the app may be asked at the moment `now`.
    pub(crate) fn lets_through(&self, now: Timestamp) -> bool {
        let next_try = self.next_try.load(Ordering::Relaxed);
        if next_try == 0 {
            return true;
        }
        // Further off than it was ever set: the clock went back.
        let is_due = now.as_millis() >= next_try || self.try_after(now) < next_try;
        let claim = || {
            let next = self.try_after(now);
            let (relaxed, set) = (Ordering::Relaxed, &self.next_try);
            set.compare_exchange(next_try, next, relaxed, relaxed).is_ok()
        };
        is_due && claim()
    }

    /// Takes note of what the app said.
    pub(crate) fn record(&self, answer: &Answer, now: Timestamp) {
        if !is_failure(answer) {
            // Written when it changes something only: all workers share it.
            if self.failures.load(Ordering::Relaxed) != 0 {
                self.failures.store(0, Ordering::Relaxed);
                self.next_try.store(0, Ordering::Relaxed);
            }
            return;
        }
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        if before.saturating_add(1) >= self.rule.failures {
            self.next_try.store(self.try_after(now), Ordering::Relaxed);
        }
    }

    /// Never 0.
    fn try_after(&self, now: Timestamp) -> i64 {
        let retry = i64::try_from(self.rule.retry.as_millis()).unwrap_or(i64::MAX);
        now.as_millis().saturating_add(retry).max(1)
    }

    pub(crate) fn circuit(&self) -> Circuit {
        let is_open = self.next_try.load(Ordering::Relaxed) != 0;
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
        assert!(breaker.lets_through(AT(0)), "500 is a sign of life");
        breaker.record(&Answer::Unreachable("refused".into()), AT(5000));
        assert!(breaker.circuit().is_open);
        assert!(!breaker.lets_through(AT(5000)));
        assert!(!breaker.lets_through(AT(5999)));
    }

    #[test]
    fn one_at_a_time_tries_again() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.lets_through(AT(1000)));
        assert!(!breaker.lets_through(AT(1000)), "one is trying");
        breaker.record(&Answer::Timeout, AT(1500));
        assert!(!breaker.lets_through(AT(2499)));
        assert!(breaker.lets_through(AT(2500)));
        breaker.record(&status(200), AT(2501));
        assert!(!breaker.circuit().is_open);
        assert!(breaker.lets_through(AT(2502)) && breaker.lets_through(AT(2502)));
        (0..2).for_each(|_| breaker.record(&Answer::Timeout, AT(3000)));
        assert!(breaker.lets_through(AT(3000)), "it counts from the beginning");
    }

    #[test]
    fn a_try_that_is_never_concluded_is_followed_by_another() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.lets_through(AT(1000)));
        assert!(breaker.lets_through(AT(2000)));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(1_000_000)));
        assert!(breaker.lets_through(AT(10)));
    }
}
