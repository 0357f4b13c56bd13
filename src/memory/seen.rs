//! Recent fingerprints, each with a value, in a hash table of fixed size.
//!
//! The table is set-associative, like a CPU cache: a fingerprint may occupy any of the [`WAYS`]
//! slots of one set. In a full set, a new entry replaces the entry that expires first.
//!
//! Unlike a map, the table does not grow with the number of callbacks, and expired entries need no
//! removal. A lookup reads only one set.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::Fingerprint;
use crate::time::Timestamp;

/// Maximum number of entries: enough for one minute at a thousand callbacks a second.
///
/// gatepost allocates the table (2 MiB) for the first entry.
const SLOTS: usize = 65_536;
/// Number of parts of the table, each with its own lock.
const SHARDS: usize = 64;
/// Number of slots that one fingerprint may occupy.
const WAYS: usize = 8;

/// Entry of the table: a fingerprint, its value and its expiry.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Fingerprint,
    value: u64,
    expires_at: Timestamp,
}

/// Empty slot. An empty slot counts as expired, so that an insertion replaces it first.
const EMPTY: Slot = Slot { key: 0, value: u64::MAX, expires_at: Timestamp::from_millis(i64::MIN) };

/// Values by fingerprint, each with an expiry.
#[derive(Debug, Default)]
pub(crate) struct Seen(OnceLock<Vec<Mutex<Vec<Slot>>>>);

impl Seen {
    /// Returns the value of `key`; `None` for a value that has expired at the time `now`.
    pub(crate) fn get(&self, key: Fingerprint, now: Timestamp) -> Option<u64> {
        // Before the first entry, a lookup must not allocate the table.
        self.0.get()?;
        self.in_set(key, |slots| {
            slots.iter().find(|slot| slot.holds(key, now)).map(|slot| slot.value)
        })
    }

    /// Returns the existing value, or inserts `value` until `expires_at` and returns `None`.
    ///
    /// An existing value does not change. Its new expiry is the later of its own expiry and
    /// `expires_at`.
    pub(crate) fn get_or_insert(
        &self,
        key: Fingerprint,
        value: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Option<u64> {
        self.in_set(key, |slots| {
            if let Some(slot) = slots.iter_mut().find(|slot| slot.holds(key, now)) {
                slot.expires_at = slot.expires_at.max(expires_at);
                return Some(slot.value);
            }
            // If the set has an empty or expired slot, `min_by_key` returns such a slot.
            if let Some(slot) = slots.iter_mut().min_by_key(|slot| slot.expires_at) {
                *slot = Slot { key, value, expires_at };
            }
            None
        })
    }

    /// Calls `use_set` with the slots that the key may occupy, under their lock.
    fn in_set<T: Default>(&self, key: Fingerprint, use_set: impl FnOnce(&mut [Slot]) -> T) -> T {
        let new_shard = || Mutex::new(vec![EMPTY; SLOTS / SHARDS]);
        let shards =
            self.0.get_or_init(|| std::iter::repeat_with(new_shard).take(SHARDS).collect());
        // A fingerprint is uniformly random, so its low bits choose a shard and a set evenly.
        let bits = key as usize;
        let Some(shard) = shards.get(bits % SHARDS) else { return T::default() };
        let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let set = bits / SHARDS % (SLOTS / SHARDS / WAYS);
        slots.get_mut(set * WAYS..(set + 1) * WAYS).map_or_else(T::default, use_set)
    }
}

impl Slot {
    fn holds(&self, key: Fingerprint, now: Timestamp) -> bool {
        self.key == key && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    #[test]
    fn keeps_the_first_value_until_it_expires() {
        let seen = Seen::default();
        assert_eq!(seen.get(1, T(0)), None);
        assert_eq!(seen.get_or_insert(1, 7, T(10), T(0)), None);
        assert_eq!(seen.get_or_insert(1, 8, T(12), T(5)), Some(7));
        assert_eq!(seen.get(1, T(11)), Some(7), "expected the value until the later expiry");
        assert_eq!(seen.get(1, T(12)), None);
        assert_eq!(seen.get_or_insert(1, 9, T(20), T(12)), None);
        assert_eq!(seen.get(1, T(12)), Some(9));
    }

    #[test]
    fn full_set_drops_the_entry_that_expires_first() {
        let seen = Seen::default();
        let key = |n: u128| n << 64;
        for n in 1..=8 {
            seen.get_or_insert(key(n), 0, T(100 - i64::try_from(n).unwrap()), T(0));
        }
        seen.get_or_insert(key(9), 0, T(50), T(0));
        assert_eq!(seen.get(key(8), T(0)), None);
        for n in [1, 2, 3, 4, 5, 6, 7, 9] {
            assert_eq!(seen.get(key(n), T(0)), Some(0), "{n}");
        }
    }
}
