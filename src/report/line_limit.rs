//! Limit on the log lines per second for each mode and code, and the number of omitted lines.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::limit::{Budget, Rate};
use crate::route::Mode;
use crate::time::Timestamp;

/// Writes a log line within the limit for the mode `Enforce` and the line's code.
macro_rules! limited_line {
    ($level:ident, $code:expr, $now:ident, $($rest:tt)+) => {{
        use $crate::report::line_limit::{LINES, nonzero};
        let code = $code;
        if let Some(suppressed) = LINES.admit($crate::route::Mode::Enforce, code, $now) {
            tracing::$level!(target: $crate::report::TARGET, code, suppressed = nonzero(suppressed), $($rest)+);
        }
    }};
}

/// Writes a log line about an accepted callback, within the limit for the mode `Enforce` and the
/// line's code.
macro_rules! event_line {
    ($level:ident, $code:literal, $accepted:ident, $now:ident, $($rest:tt)+) => {
        limited_line!(
            $level,
            $code,
            $now,
            id = $accepted.event().id(),
            source = $accepted.event().source(),
            kind = $accepted.event().kind(),
            template = $accepted.template().name(),
            $($rest)+
        )
    };
}

/// The line counts of this process. The counts are global because the log is global.
pub(super) static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);

/// Maximum number of lines per second for each mode and code.
const LINES_PER_SECOND: u32 = 10;

/// The state of the rate limit and the number of omitted lines, for each mode and code.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<(Mode, &'static str), CodeLines>>);

#[derive(Default)]
struct CodeLines {
    budget: Budget,
    suppressed: u64,
}

impl Lines {
    /// Returns the number of lines with this mode and code that callers have omitted since the last
    /// such line that a caller has written; `None` if the caller must omit this line too.
    pub(super) fn admit(&self, mode: Mode, code: &'static str, now: Timestamp) -> Option<u64> {
        let rate = Rate::new(LINES_PER_SECOND, LINES_PER_SECOND);
        // Ignore a poisoned lock, because a panic cannot leave the map in an inconsistent state.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.entry((mode, code)).or_default();
        if !lines.budget.take(rate, now) {
            lines.suppressed += 1;
            return None;
        }
        Some(std::mem::take(&mut lines.suppressed))
    }
}

/// Returns `None` for zero, so that the line has no field `suppressed`.
pub(super) fn nonzero(suppressed: u64) -> Option<u64> {
    Some(suppressed).filter(|suppressed| *suppressed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_or_counts_every_line() {
        let lines = Lines::default();
        let (mut written, mut omitted, mut reported) = (0, 0, 0);
        for millis in 0..5_000 {
            match lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(millis)) {
                Some(suppressed) => (written, reported) = (written + 1, reported + suppressed),
                None => omitted += 1,
            }
        }
        assert_eq!(written + omitted, 5_000);
        assert_eq!(written, 10 + 49, "expected 10 lines at once and 49 later, found {written}");
        let last =
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(5_000)).unwrap();
        assert_eq!(reported + last, omitted);
        assert_eq!(lines.admit(Mode::Enforce, "app_timeout", Timestamp::from_millis(0)), Some(0));
        assert_eq!(
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(6_000)),
            Some(0)
        );
    }
}
