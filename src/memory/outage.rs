//! The availability of the state that machines share.
//!
//! After a failed operation, gatepost does not use the shared state for [`PAUSE`]. Then one
//! callback tries the state again, while the other callbacks still do not use it. A state that does
//! not respond therefore delays only one callback per second.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Timestamp;

/// Text for the beginning of an outage, in the log and in `gatepost help`.
pub(crate) const SHARED_STATE_LOST: &str =
    "gatepost continues without the shared state, so an app may receive an event twice";

/// Time after a failure during which gatepost does not try the state again.
const PAUSE: Duration = Duration::from_secs(1);

/// Value of `retry_at` while the state is available.
const AVAILABLE: i64 = i64::MIN;

/// Availability of the shared state.
#[derive(Debug)]
pub(crate) struct Outage {
    /// Time of the next try, in Unix milliseconds; [`AVAILABLE`] while the state is available.
    retry_at: AtomicI64,
    /// Number of operations that failed, or that gatepost skipped, since the outage began.
    skipped: AtomicU64,
}

impl Default for Outage {
    fn default() -> Self {
        Self { retry_at: AtomicI64::new(AVAILABLE), skipped: AtomicU64::new(0) }
    }
}

impl Outage {
    /// Returns true if an operation may try the state. Otherwise, counts the operation as skipped.
    pub(crate) fn permits(&self, now: Timestamp) -> bool {
        let retry_at = self.retry_at.load(Ordering::Relaxed);
        if retry_at == AVAILABLE {
            return true;
        }
        let now_ms = now.as_millis();
        // If the clock has jumped back, a try is also due.
        let is_due = now_ms >= retry_at || retry_at > now.after(PAUSE).as_millis();
        let next = now.after(PAUSE).as_millis();
        let is_permitted = is_due
            && self
                .retry_at
                .compare_exchange(retry_at, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_permitted {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
        is_permitted
    }

    /// Records a failed operation. Returns true if this failure begins an outage.
    pub(crate) fn failed(&self, now: Timestamp) -> bool {
        self.skipped.fetch_add(1, Ordering::Relaxed);
        self.retry_at.swap(now.after(PAUSE).as_millis(), Ordering::Relaxed) == AVAILABLE
    }

    /// Records a successful operation. If this success ends an outage, returns the number of
    /// operations that failed or that gatepost skipped during the outage.
    pub(crate) fn succeeded(&self) -> Option<u64> {
        if self.retry_at.load(Ordering::Relaxed) == AVAILABLE {
            return None;
        }
        let was_out = self.retry_at.swap(AVAILABLE, Ordering::Relaxed) != AVAILABLE;
        was_out.then(|| self.skipped.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_millis;

    #[test]
    fn permits_one_try_each_second_of_an_outage() {
        let outage = Outage::default();
        assert!(outage.permits(T(0)) && outage.permits(T(0)));
        assert!(outage.failed(T(0)), "expected an outage to begin, found an earlier outage");
        assert!(!outage.failed(T(1)), "expected one outage, found two");
        assert!(!outage.permits(T(1000)));
        assert!(outage.permits(T(1001)));
        assert!(!outage.permits(T(1001)), "expected one try, found two");
        assert_eq!(outage.succeeded(), Some(4));
        assert_eq!(outage.succeeded(), None);
        assert!(outage.permits(T(1002)));
    }

    #[test]
    fn tries_at_once_after_the_clock_was_set_back() {
        let outage = Outage::default();
        outage.failed(T(3_600_000));
        assert!(outage.permits(T(0)));
        assert!(!outage.permits(T(1)));
    }
}
