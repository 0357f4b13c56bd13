//! Circuit breakers. While an app is down, gatepost sends only probes to that app, so other
//! callbacks do not wait for a time-out. Each address or list of addresses in a config has its own
//! breaker. In each template, the kinds without an address share one breaker.
//!
//! 1. Closed: gatepost asks the app about every callback. Consecutive failures open the breaker.
//! 2. Open: gatepost does not ask the app until the next probe is due.
//! 3. Probe: gatepost asks the app about one callback. An answer that is not a failure closes the
//!    breaker. If the probe fails or gets no result, the breaker stays open at least until the next
//!    probe.
//!
//! Failures are a time-out, a failed connection, a missing or incomplete answer, and a status of
//! 502, 503 or 504. Any other answer shows that the app is up, even if gatepost cannot use that
//! answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::reply::{Answer, AnswerFault};
use crate::time::Timestamp;

/// Settings of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRule {
    /// Number of consecutive failures that open the breaker.
    pub(crate) failures: u32,
    /// Time from opening to the first probe, and from the failure of a probe to the next probe. For
    /// a probe without a result, the time starts with the probe.
    pub(crate) retry: Duration,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, retry: Duration::from_secs(1) }
    }
}

/// Circuit breaker of one address or list of addresses.
#[derive(Debug)]
pub(crate) struct Breaker {
    rule: BreakerRule,
    address: Box<str>,
    state: Mutex<BreakerState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct BreakerState {
    /// Number of consecutive failures.
    failures: u32,
    /// Time of the next probe; `None` while the breaker is closed.
    next_probe: Option<Timestamp>,
}

/// Tolerated difference between the `now` arguments of concurrent calls.
///
/// If the next probe is more than `retry` plus this value in the future, the clock has jumped back.
const CLOCK_SKEW: Duration = Duration::from_secs(1);

/// State of a circuit breaker, for the operator.
///
/// # Examples
///
/// ```
/// use gatepost::Gate;
///
/// let gate = Gate::builder()
///     .toml(
///         "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
///          [[template]]\nname = 'test'\nprovider = 'tencent-css'\ninsecure_unsigned = true\n\
///          bind = ['*']\non = { push = 'http://app:8080/push?key=1' }",
///     )
///     .build()?;
/// let circuits = gate.circuits();
/// assert_eq!(circuits[0].address, "http://app:8080/push");
/// assert!(!circuits[0].is_open);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Circuit {
    /// Addresses of the app, without their queries. For kinds without an address, the word
    /// `template` and the template's name.
    pub address: String,
    /// True if the breaker is open. gatepost then considers the app down.
    pub is_open: bool,
}

impl Breaker {
    pub(crate) fn new(rule: BreakerRule, address: Box<str>) -> Self {
        Self { rule, address, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        // A poisoned lock is safe to use, because no code panics between two changes of the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if gatepost may ask the app at the time `now`.
    ///
    /// If a probe is due, schedules the next probe, so that concurrent callers do not probe too.
    pub(crate) fn allows(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let Some(next_probe) = state.next_probe else { return true };
        let clock_went_back = next_probe > now.after(self.rule.retry).after(CLOCK_SKEW);
        if now < next_probe && !clock_went_back {
            return false;
        }
        state.next_probe = Some(now.after(self.rule.retry));
        true
    }

    /// Records the app's answer, or the lack of one.
    pub(crate) fn record(&self, answer: &Answer, now: Timestamp) {
        let mut state = self.state();
        if !is_failure(answer) {
            *state = BreakerState::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.rule.failures {
            state.next_probe = Some(now.after(self.rule.retry));
        }
    }

    pub(crate) fn circuit(&self) -> Circuit {
        let is_open = self.state().next_probe.is_some();
        Circuit { address: self.address.to_string(), is_open }
    }
}

fn is_failure(answer: &Answer) -> bool {
    match answer {
        Answer::Timeout
        | Answer::Unreachable(_)
        | Answer::Unreadable(AnswerFault::Incomplete, _) => true,
        Answer::Unreadable(AnswerFault::Broken | AnswerFault::TooLarge, _) => false,
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
        Answer::response(StatusCode::from_u16(code).unwrap(), None)
    }

    fn breaker() -> Breaker {
        let rule = BreakerRule { failures: 3, retry: Duration::from_millis(1000) };
        Breaker::new(rule, "http://app/".into())
    }

    #[test]
    fn opens_after_consecutive_failures() {
        let breaker = breaker();
        for answer in [Answer::Timeout, status(503), status(500), Answer::Timeout, status(502)] {
            breaker.record(&answer, AT(0));
        }
        assert!(
            breaker.allows(AT(0)),
            "expected status 500 to reset the count, found an open breaker"
        );
        breaker.record(&Answer::Unreachable("refused".into()), AT(5000));
        assert!(breaker.circuit().is_open);
        assert!(!breaker.allows(AT(5000)));
        assert!(!breaker.allows(AT(5999)));
    }

    #[test]
    fn permits_one_probe_at_a_time() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.allows(AT(1000)));
        assert!(!breaker.allows(AT(1000)), "expected no second probe during the first, found one");
        breaker.record(&Answer::Timeout, AT(1500));
        assert!(!breaker.allows(AT(2499)));
        assert!(breaker.allows(AT(2500)));
        breaker.record(&status(200), AT(2501));
        assert!(!breaker.circuit().is_open);
        assert!(breaker.allows(AT(2502)) && breaker.allows(AT(2502)));
        (0..2).for_each(|_| breaker.record(&Answer::Timeout, AT(3000)));
        assert!(
            breaker.allows(AT(3000)),
            "expected a success to reset the count, found an open breaker"
        );
    }

    #[test]
    fn probes_again_if_last_probe_has_no_result() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(0)));
        assert!(breaker.allows(AT(1000)));
        assert!(breaker.allows(AT(2000)));
    }

    #[test]
    fn probes_after_the_clock_jumps_back() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(1_000_000)));
        assert!(breaker.allows(AT(10)));
    }

    #[test]
    fn clock_skew_does_not_cause_a_probe() {
        let breaker = breaker();
        (0..3).for_each(|_| breaker.record(&Answer::Timeout, AT(10_000)));
        assert!(!breaker.allows(AT(9_990)));
    }
}
