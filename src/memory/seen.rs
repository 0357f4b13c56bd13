//! Things seen lately, in a table of a fixed size: it never grows, and what is pushed out is what
//! would have been forgotten first.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::Fingerprint;
use crate::time::Timestamp;

/// How many are remembered: a minute of a thousand callbacks a second. Two megabytes, taken when
/// the first is.
const SLOTS: usize = 65_536;
/// Tables that are locked apart from each other.
const SHARDS: usize = 64;
/// The slots that one fingerprint may stand in.
const WAYS: usize = 8;

/// Until when something counts as seen, and a word about it.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Fingerprint,
    note: u64,
    until: Timestamp,
}

/// Nobody looks for it: it was over before anything began.
const FREE: Slot = Slot { key: 0, note: u64::MAX, until: Timestamp::from_millis(i64::MIN) };

/// Things seen lately.
#[derive(Debug, Default)]
pub(crate) struct Seen(OnceLock<Vec<Mutex<Vec<Slot>>>>);

impl Seen {
    /// What was noted of it, unless that is over.
    pub(crate) fn note(&self, key: Fingerprint, now: Timestamp) -> Option<u64> {
        // Nothing was ever noted.
        self.0.get()?;
        self.in_set(key, |slots| slots.iter().find(|slot| slot.is(key, now)).map(|slot| slot.note))
    }

    /// Notes it until then, or gives what was noted before, which stays.
    pub(crate) fn note_first(
        &self,
        key: Fingerprint,
        note: u64,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<u64> {
        self.in_set(key, |slots| {
            if let Some(slot) = slots.iter_mut().find(|slot| slot.is(key, now)) {
                slot.until = slot.until.max(until);
                return Some(slot.note);
            }
            // One that is over ends before every other.
            if let Some(slot) = slots.iter_mut().min_by_key(|slot| slot.until) {
                *slot = Slot { key, note, until };
            }
            None
        })
    }

    fn in_set<T: Default>(&self, key: Fingerprint, look: impl FnOnce(&mut [Slot]) -> T) -> T {
        let new_shard = || Mutex::new(vec![FREE; SLOTS / SHARDS]);
        let shards =
            self.0.get_or_init(|| std::iter::repeat_with(new_shard).take(SHARDS).collect());
        // The fingerprint is random, so any of its bits will do, and the casts keep some.
        let bits = key as usize;
        let Some(shard) = shards.get(bits % SHARDS) else { return T::default() };
        let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let set = bits / SHARDS % (SLOTS / SHARDS / WAYS);
        slots.get_mut(set * WAYS..(set + 1) * WAYS).map_or_else(T::default, look)
    }
}

impl Slot {
    fn is(&self, key: Fingerprint, now: Timestamp) -> bool {
        self.key == key && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    #[test]
    fn remembers_the_first_note_until_its_end() {
        let seen = Seen::default();
        assert_eq!(seen.note(1, T(0)), None);
        assert_eq!(seen.note_first(1, 7, T(10), T(0)), None);
        assert_eq!(seen.note_first(1, 8, T(12), T(5)), Some(7));
        assert_eq!(seen.note(1, T(11)), Some(7), "the later end counts");
        assert_eq!(seen.note(1, T(12)), None);
        assert_eq!(seen.note_first(1, 9, T(20), T(12)), None);
        assert_eq!(seen.note(1, T(12)), Some(9));
    }

    #[test]
    fn a_full_set_forgets_what_ends_first() {
        let seen = Seen::default();
        let key = |n: u128| n << 64;
        for n in 1..=8 {
            seen.note_first(key(n), 0, T(100 - i64::try_from(n).unwrap()), T(0));
        }
        seen.note_first(key(9), 0, T(50), T(0));
        assert_eq!(seen.note(key(8), T(0)), None);
        for n in [1, 2, 3, 4, 5, 6, 7, 9] {
            assert_eq!(seen.note(key(n), T(0)), Some(0), "{n}");
        }
    }
}
