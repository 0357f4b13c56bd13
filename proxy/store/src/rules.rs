//! Bounds of a store.

use std::time::Duration;

/// Bounds of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreRules {
    /// Maximum size of all events, in bytes.
    pub max_bytes: u64,
    /// Time for which the store keeps a delivered event.
    pub delivered: Duration,
    /// Time for which the store keeps a dead letter.
    pub dead: Duration,
}
