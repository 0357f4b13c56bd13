//! Limits on the operations that wait for a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatepost::StoreError;

/// Maximum total size in bytes of the events and values of all operations that wait for a store. If
/// no other operation with a size waits, an operation that exceeds this limit may wait.
pub const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Maximum number of operations that wait for a store.
pub(crate) const MAX_WAITING: usize = 4096;

/// Returns the error of an operation whose thread no longer runs.
pub(crate) fn ended() -> StoreError {
    StoreError::Unavailable(
        "expected a running thread of the store, found one that has ended; restart gatepost".into(),
    )
}

/// The operations that wait for a store. Beyond the limits, the store refuses operations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<WaitingTotals>);

#[derive(Debug, Default)]
struct WaitingTotals {
    operations: AtomicUsize,
    bytes: AtomicUsize,
}

/// An operation that waits. The totals include the operation until the drop of this value.
#[derive(Debug)]
pub(crate) struct WaitingOperation {
    totals: Arc<WaitingTotals>,
    bytes: usize,
}

impl Waiting {
    /// Counts an operation. `bytes` is the size of its event or value, or 0 for an operation that
    /// only [`MAX_WAITING`] limits.
    pub(crate) fn enter(&self, bytes: usize) -> Result<WaitingOperation, StoreError> {
        let totals = Arc::clone(&self.0);
        let waiting = totals.operations.fetch_add(1, Ordering::Relaxed);
        let others = totals.bytes.fetch_add(bytes, Ordering::Relaxed);
        let operation = WaitingOperation { totals, bytes };
        let is_too_large =
            bytes > 0 && others > 0 && others.saturating_add(bytes) > MAX_WAITING_BYTES;
        if waiting >= MAX_WAITING || is_too_large {
            return Err(StoreError::Busy { waiting });
        }
        Ok(operation)
    }
}

impl Drop for WaitingOperation {
    fn drop(&mut self) {
        self.totals.operations.fetch_sub(1, Ordering::Relaxed);
        self.totals.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_the_number_and_the_size_of_operations() {
        let waiting = Waiting::default();
        let mut all: Vec<_> = (0..MAX_WAITING).map(|_| waiting.enter(1).unwrap()).collect();
        let busy = waiting.enter(0).unwrap_err();
        assert_eq!(busy, StoreError::Busy { waiting: MAX_WAITING });
        all.truncate(1);
        let large = waiting.enter(MAX_WAITING_BYTES - 1).unwrap();
        assert_eq!(waiting.enter(1).unwrap_err(), StoreError::Busy { waiting: 2 });
        assert!(
            waiting.enter(0).is_ok(),
            "expected room for an operation without a size, found a busy store"
        );
        drop(large);
        assert!(waiting.enter(1).is_ok());
    }

    #[test]
    fn accepts_operation_above_size_limit_only_if_no_other_waits() {
        let waiting = Waiting::default();
        let alone = waiting.enter(2 * MAX_WAITING_BYTES).unwrap();
        assert!(waiting.enter(1).is_err());
        drop(alone);
        assert!(waiting.enter(1).is_ok());
    }
}
