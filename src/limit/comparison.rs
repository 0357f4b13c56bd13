//! Comparison of the values of a limit that machines share.
//!
//! Machines with different values of one limit have different budgets, so together they may exceed
//! the limit of each machine. gatepost therefore warns:
//!
//! 1. A machine that takes permits reads the stored values every ten seconds, then stores its own.
//! 2. If the machine finds other values twice in a row, another machine has stored its values in
//!    between. The machine then warns, but only once. The first finding is not enough, because the
//!    values may be those of an earlier config.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Rate;
use crate::time::Timestamp;

/// Time between two comparisons.
const INTERVAL: Duration = Duration::from_secs(10);

/// Time for which the shared state keeps the values.
const LIFETIME: Duration = Duration::from_secs(30);

/// The values of a limit, as an operator writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitValues {
    /// Permitted number of callbacks per second.
    pub per_second: i64,
    /// Permitted number of callbacks at once.
    pub burst: i64,
}

/// The comparisons of one limit.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Path of the route.
    pub(crate) route: Box<str>,
    /// Key of the values in the shared state.
    pub(crate) key: [u8; 16],
    pub(crate) own: LimitValues,
    state: Mutex<ComparisonState>,
}

#[derive(Debug, Default)]
struct ComparisonState {
    compared_at: Option<Timestamp>,
    /// True if the last comparison found other values.
    has_differed: bool,
    is_reported: bool,
}

impl Comparison {
    pub(crate) fn new(route: &str, key: [u8; 16], rate: Rate) -> Self {
        let (per_second, burst) = rate.numbers();
        let own = LimitValues { per_second, burst };
        Self { route: route.into(), key, own, state: Mutex::default() }
    }

    /// Begins a comparison that is due, and returns the time until which the shared state keeps the
    /// values; `None` before a comparison is due.
    pub(crate) fn begin(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.lock();
        if super::is_within(INTERVAL, state.compared_at, now) {
            return None;
        }
        state.compared_at = Some(now);
        Some(now.after(LIFETIME))
    }

    /// Ends a comparison with the values that the shared state contained. If the machine must warn
    /// of these values, returns them.
    pub(crate) fn end(&self, found: Option<LimitValues>) -> Option<LimitValues> {
        let mut state = self.lock();
        let other = found.filter(|found| *found != self.own);
        let warns = other.is_some() && state.has_differed && !state.is_reported;
        state.has_differed = other.is_some();
        state.is_reported |= warns;
        other.filter(|_| warns)
    }

    // A poisoned lock is safe to use, because no code panics between two changes of the state.
    fn lock(&self) -> MutexGuard<'_, ComparisonState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: fn(i64) -> LimitValues = |per_second| LimitValues { per_second, burst: 9 };

    #[test]
    fn warns_once_of_other_values_that_appear_twice_in_a_row() {
        let own = Comparison::new("/a", [0; 16], Rate::new(5, 9));
        assert_eq!(own.end(None), None);
        assert_eq!(own.end(Some(VALUES(7))), None);
        assert_eq!(own.end(Some(VALUES(5))), None, "expected no warning, found one");
        assert_eq!(own.end(Some(VALUES(7))), None);
        assert_eq!(own.end(Some(VALUES(8))), Some(VALUES(8)));
        assert_eq!(own.end(Some(VALUES(8))), None, "expected no second warning, found one");
    }

    #[test]
    fn compares_every_ten_seconds_and_after_the_clock_jumps_back() {
        let own = Comparison::new("/a", [0; 16], Rate::new(5, 9));
        let begins = |secs| own.begin(Timestamp::from_secs(secs)).is_some();
        assert_eq!([100, 109, 110, 119, 50].map(begins), [true, false, true, false, true]);
    }
}
