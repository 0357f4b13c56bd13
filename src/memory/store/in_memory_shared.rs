//! Shared state in memory: the reference for the other backends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{SharedKey, SharedState, SharedValue, StoreFuture, done};
use crate::printable::print_only;
use crate::time::Timestamp;

/// Maximum number of values.
const MAX_VALUES: usize = 65_536;

/// Shared state in memory, for tests, and for several gates of one process.
///
/// # Examples
///
/// ```
/// use gatepost::{InMemorySharedState, SharedState, SharedValue, Timestamp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gatepost::StoreError> {
/// let state = InMemorySharedState::default();
/// let [now, until] = [1_700_000_000, 1_700_000_060].map(Timestamp::from_secs);
/// let value = |text: &'static str| SharedValue { bytes: text.into(), until };
/// assert_eq!(state.insert([1; 16], value("a"), now).await?, None);
/// assert_eq!(state.insert([1; 16], value("b"), now).await?, Some(value("a")));
/// assert_eq!(state.get([1; 16], until).await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct InMemorySharedState(Mutex<HashMap<SharedKey, SharedValue>>);

print_only! { InMemorySharedState:; }

impl InMemorySharedState {
    fn lock(&self) -> MutexGuard<'_, HashMap<SharedKey, SharedValue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedState for InMemorySharedState {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        let mut values = self.lock();
        let present = values.get(&key).filter(|present| now < present.until).cloned();
        if present.is_none() {
            put(&mut values, key, value, now);
        }
        done(Ok(present))
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        put(&mut self.lock(), key, value, now);
        done(Ok(()))
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        let values = self.lock();
        done(Ok(values.get(&key).filter(|present| now < present.until).cloned()))
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        let mut values = self.lock();
        if values.get(&key).is_some_and(|present| present.bytes == bytes) {
            values.remove(&key);
        }
        done(Ok(()))
    }
}

/// Puts a value into the table. If the table is full, first removes the expired values. If the
/// table is then still full, removes the value that expires first.
fn put(
    values: &mut HashMap<SharedKey, SharedValue>,
    key: SharedKey,
    value: SharedValue,
    now: Timestamp,
) {
    if values.len() >= MAX_VALUES {
        values.retain(|_, present| now < present.until);
    }
    if values.len() >= MAX_VALUES
        && let Some(first) = values.iter().min_by_key(|(_, present)| present.until)
    {
        let first = *first.0;
        values.remove(&first);
    }
    values.insert(key, value);
}
