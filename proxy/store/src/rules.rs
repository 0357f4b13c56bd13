//! Maximum size and retention of a store.

use std::time::Duration;

/// Maximum size and retention of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreRules {
    /// Maximum size of all events, in bytes.
    pub max_bytes: u64,
    /// Time for which the store retains a delivered event.
    pub delivered: Duration,
    /// Time for which the store retains a dead letter.
    pub dead: Duration,
}
