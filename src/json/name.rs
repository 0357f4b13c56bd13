//! Names of members. gatepost compares names as integers, and finds names in small hash tables.
//!
//! gatepost looks up each member of a callback by name several times: among the fields of the kind,
//! among the names seen so far, and for each field that a signature or the tenant needs. A [`Name`]
//! therefore carries its first and last eight bytes as integers. These integers decide nearly every
//! comparison and are the only input of the hash, so no lookup in the tables hashes text.
//!
//! The gains for a `push` callback (callgrind): [`NameMap`] finds a field in 60 instructions; a
//! binary search takes 98. [`NameIndex`] and inline scanning of scalars together reduced the cost
//! of reading and judging the callback from 43,632 to 41,761 instructions.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A member's name.
///
/// Invariant: names of equal text have equal `head` and `tail`. For texts of at most
/// [`MAX_PACKED_BYTES`] bytes, equal `head`, `tail` and length also mean equal text.
#[derive(Clone)]
pub(crate) struct Name<'a> {
    text: Cow<'a, str>,
    /// The first eight bytes. For a shorter name, all bytes as [`pack_short`] packs them.
    head: u64,
    /// The last eight bytes, or 0 for a shorter name. Overlaps `head` in a name of 8 to 15 bytes.
    tail: u64,
}

/// Length, in bytes, up to which `head` and `tail` cover the whole name.
const MAX_PACKED_BYTES: usize = 16;

impl<'a> Name<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let (head, tail) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => (pack_short(bytes), 0),
        };
        Self { text, head, tail }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns true if the name is a slice of the received text. Such a name has no escapes.
    pub(super) const fn is_borrowed(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }

    /// Returns the slot of this name in a [`NameIndex`]. Two names rarely share a slot.
    const fn slot(&self) -> usize {
        // The high bits of a wrapping product depend on all input bits; the low bits do not.
        (self.hash() >> (u64::BITS - SLOTS.ilog2())) as usize
    }

    /// Hashes the head and the tail with one multiplication (Fibonacci hashing).
    ///
    /// A client can produce collisions, but collisions cannot slow a lookup much: a [`NameMap`]
    /// contains only names from definitions, and a [`NameIndex`] contains at most [`MAX_INDEXED`]
    /// names.
    const fn hash(&self) -> u64 {
        /// 2^64 divided by the golden ratio.
        const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
        // In a name of eight bytes, head and tail are equal. Without the rotation, the hash of
        // every name of eight bytes is 0.
        (self.head ^ self.tail.rotate_left(17)).wrapping_mul(MULTIPLIER)
    }
}

/// Packs fewer than eight bytes into an integer. Different names of the same length give different
/// integers.
///
/// For a name of four to seven bytes, two loads replace a loop: one load of the first four bytes,
/// and one of the last four bytes. The two ranges overlap.
fn pack_short(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

impl From<&str> for Name<'static> {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
            && self.tail == other.tail
            && self.text.len() == other.text.len()
            && (self.text.len() <= MAX_PACKED_BYTES || self.text == other.text)
    }
}

impl Eq for Name<'_> {}

// Hashes the whole text: the hash in a `HashSet` must also depend on the bytes that `head` and
// `tail` omit.
impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// Number of slots in a [`NameIndex`]: several for each name, so that few names share a slot.
const SLOTS: usize = 128;

/// Maximum length of a list that a [`NameIndex`] indexes.
const MAX_INDEXED: usize = 24;

/// Index of a short list of distinct names.
///
/// A slot contains the position of the first name that hashes to this slot. A linear search finds
/// the later names of a slot, and all names of a list with more than [`MAX_INDEXED`] names. The
/// index has a fixed size and needs no allocation. The check for duplicate names also fills the
/// index.
#[derive(Debug)]
pub(super) struct NameIndex {
    /// For each slot, the position in the list plus one, or 0 if the slot is empty.
    positions: [u8; SLOTS],
}

impl NameIndex {
    /// Indexes a list.
    ///
    /// In a short list, compares a name with earlier names only if the slot of the name is
    /// occupied. Finds duplicates in a longer list with a keyed hash: the keys are random, so a
    /// client cannot choose names that collide.
    ///
    /// # Errors
    ///
    /// Returns the first name that equals an earlier name.
    pub(super) fn of<'l, 'a, T>(
        list: &'l [T],
        name: impl Fn(&'l T) -> &'l Name<'a>,
    ) -> Result<Self, &'l Name<'a>> {
        let mut index = Self::default();
        if list.len() > MAX_INDEXED {
            let mut seen = HashSet::with_capacity(list.len());
            let duplicate = list.iter().map(name).find(|name| !seen.insert(*name));
            return duplicate.map_or(Ok(index), Err);
        }
        for (position, later) in (1..).zip(list.iter().map(&name)) {
            let Some(slot) = index.positions.get_mut(later.slot()) else { continue };
            let earlier = || list.get(..usize::from(position) - 1).unwrap_or_default();
            if *slot == 0 {
                *slot = position;
            } else if earlier().iter().any(|item| name(item) == later) {
                return Err(later);
            }
        }
        Ok(index)
    }

    /// Finds the item with the name `wanted`. `list` must be the indexed list.
    pub(super) fn find<'l, 'a: 'l, T>(
        &self,
        wanted: &Name<'_>,
        list: &'l [T],
        name: impl Fn(&'l T) -> &'l Name<'a>,
    ) -> Option<&'l T> {
        if list.len() <= MAX_INDEXED {
            let position = self.positions.get(wanted.slot())?;
            // If the slot is empty, no name of the list hashes to the slot.
            let first = list.get(usize::from(*position).checked_sub(1)?)?;
            if name(first) == wanted {
                return Some(first);
            }
        }
        list.iter().find(|item| name(item) == wanted)
    }
}

/// Returns the first name that equals an earlier name.
pub(super) fn first_duplicate<'l, 'a>(names: &'l [Name<'a>]) -> Option<&'l Name<'a>> {
    match names {
        [] | [_] => None,
        [one, other] => (one == other).then_some(other),
        _ => NameIndex::of(names, |name| name).err(),
    }
}

impl Default for NameIndex {
    fn default() -> Self {
        Self { positions: [0; SLOTS] }
    }
}

/// Immutable map from names to values: an open-addressing hash table with linear probing.
///
/// All names in the map are from definitions. A client chooses only the name that gatepost looks
/// up, and cannot lengthen the runs of occupied slots. The map therefore needs no keyed hash.
#[derive(Clone, Debug)]
pub(crate) struct NameMap<T> {
    entries: Vec<(Name<'static>, T)>,
    /// For each slot, the index of an entry plus one, or 0 if the slot is empty. The length is a
    /// power of two.
    slots: Box<[u32]>,
}

impl<T> NameMap<T> {
    /// Builds a map. If two entries have the same name, lookups find the first.
    pub(crate) fn new(entries: Vec<(Name<'static>, T)>) -> Self {
        /// Number of slots for each entry. Few slots are occupied, so most lookups end at their
        /// first slot.
        const SLOTS_PER_ENTRY: usize = 4;
        let count = (entries.len() * SLOTS_PER_ENTRY).next_power_of_two();
        let mut map = Self { entries, slots: vec![0; count].into() };
        for (number, (name, _)) in (1..).zip(&map.entries) {
            let mut slot = name.hash() >> 32;
            while map.number_in(slot) != 0 {
                slot += 1;
            }
            if let Some(free) = map.slots.get_mut(slot as usize & (count - 1)) {
                *free = number;
            }
        }
        map
    }

    #[inline]
    pub(crate) fn get(&self, name: &Name<'_>) -> Option<&T> {
        let mut slot = name.hash() >> 32;
        // The loop ends at an empty slot, because the map has more slots than entries.
        loop {
            let index = self.number_in(slot).checked_sub(1)?;
            let (entry_name, value) = self.entries.get(index as usize)?;
            if entry_name == name {
                return Some(value);
            }
            slot += 1;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Name<'static>, T)> {
        self.entries.iter()
    }

    /// Returns the content of a slot: the number of an entry, counted from 1, or 0 for an empty
    /// slot. `slot` counts modulo the number of slots.
    fn number_in(&self, slot: u64) -> u32 {
        let mask = self.slots.len().wrapping_sub(1);
        self.slots.get(slot as usize & mask).copied().unwrap_or_default()
    }

    /// Returns the first name that equals the name of an earlier entry.
    pub(crate) fn first_duplicate(&self) -> Option<&str> {
        NameIndex::of(&self.entries, |(name, _)| name).err().map(Name::text)
    }
}

impl<T> Default for NameMap<T> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_finds_names_and_duplicates_in_short_and_long_lists() {
        for length in 0..=2 * MAX_INDEXED {
            let list: Vec<_> = (0..length).map(|n| Name::new(format!("a name {n}"))).collect();
            let index = NameIndex::of(&list, |name| name).unwrap();
            for (at, wanted) in list.iter().enumerate() {
                let found = index.find(wanted, &list, |name| name).unwrap();
                assert!(std::ptr::eq(found, &list[at]));
                let duplicated = [&list[..], &list[at..=at]].concat();
                assert_eq!(NameIndex::of(&duplicated, |name| name).unwrap_err(), wanted);
            }
            for other in (length..99).map(|n| Name::new(format!("a name {n}"))) {
                assert!(index.find(&other, &list, |name| name).is_none());
            }
        }
    }

    #[test]
    fn map_finds_every_entry_and_no_other_name() {
        let names = |from: usize| (from..from + 100).map(|n| format!("field_number_{n}_of_many"));
        let entries = names(0).enumerate().map(|(index, name)| (Name::new(name), index));
        let map = NameMap::new(entries.collect());
        for (index, name) in names(0).enumerate() {
            assert_eq!(map.get(&Name::new(name)), Some(&index));
        }
        assert!(names(100).all(|name| map.get(&Name::new(name)).is_none()));
        assert_eq!(map.first_duplicate(), None);
        assert_eq!(NameMap::<()>::default().get(&Name::new("")), None);
        let duplicated = NameMap::new(vec![("a".into(), 1), ("b".into(), 2), ("a".into(), 3)]);
        assert_eq!(
            (duplicated.first_duplicate(), duplicated.get(&"a".into())),
            (Some("a"), Some(&1))
        );
    }

    #[test]
    fn names_are_equal_exactly_if_their_texts_are_equal() {
        let letters = ["a", "\0", "é"];
        let mut texts = vec![String::new()];
        for length in 1..=5 {
            let shorter: Vec<_> =
                texts.iter().filter(|t| t.chars().count() < length).cloned().collect();
            texts.extend(shorter.iter().flat_map(|t| letters.map(|letter| format!("{t}{letter}"))));
        }
        let long = "name_of_seventeen";
        texts.extend((0..long.len()).map(|at| format!("{}X{}", &long[..at], &long[at + 1..])));
        texts.extend((0..=long.len()).map(|end| long[..end].to_owned()));
        for one in &texts {
            for other in &texts {
                let (names, same) = ((Name::new(&**one), Name::new(&**other)), one == other);
                assert_eq!(names.0 == names.1, same, "{one:?} {other:?}");
                assert!(!same || names.0.slot() == names.1.slot());
            }
        }
    }
}
