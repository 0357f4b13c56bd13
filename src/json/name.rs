//! Names of members, told apart in a few instructions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

/// A member's name. Beside the text stand its first and its last eight bytes, which are all there is
/// of most names.
#[derive(Clone)]
pub(crate) struct Name<'a> {
    text: Cow<'a, str>,
    head: u64,
    tail: u64,
}

/// Up to so many bytes the head and the tail are the whole name.
const SHORT: usize = 16;

impl<'a> Name<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let (head, tail) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => (short_word(bytes), 0),
        };
        Self { text, head, tail }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands in the text that was read letter by letter.
    pub(super) const fn is_borrowed(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }

    /// One of so many places, which two names seldom share.
    const fn place(&self) -> usize {
        (self.mixed() >> (u64::BITS - PLACES.ilog2())) as usize
    }

    const fn mixed(&self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        (self.head ^ self.tail.rotate_left(17)).wrapping_mul(ODD)
    }
}

/// Fewer than eight bytes as a number, which no other name of that length has.
fn short_word(bytes: &[u8]) -> u64 {
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
            && (self.text.len() <= SHORT || self.text == other.text)
    }
}

impl Eq for Name<'_> {}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.text.cmp(&other.text))
    }
}

/// How many places there are: enough that most names of a list have one of their own.
const PLACES: usize = 128;

/// Where the names of a short list stand. Long ones are searched from the beginning.
#[derive(Debug)]
pub(super) struct Places {
    /// The index of the first name that falls there, and one.
    first: [u8; PLACES],
}

/// A list of up to so many names is short.
const SHORT_LIST: usize = 24;

impl Places {
    /// Of a list of distinct names; the first that stands twice is an error. Short lists, the rule,
    /// are compared in place; long ones in `n log n`, so a body full of names cannot cost more than
    /// its length.
    pub(super) fn of<'l, 'a, T>(
        list: &'l [T],
        name: impl Fn(&'l T) -> &'l Name<'a>,
    ) -> Result<Self, &'l Name<'a>> {
        let mut places = Self::default();
        if list.len() > SHORT_LIST {
            let mut seen = BTreeSet::new();
            let twice = list.iter().map(name).find(|name| !seen.insert(*name));
            return twice.map_or(Ok(places), Err);
        }
        for (number, later) in (1..).zip(list.iter().map(&name)) {
            let Some(first) = places.first.get_mut(later.place()) else { continue };
            let earlier = || list.get(..usize::from(number) - 1).unwrap_or_default();
            if *first == 0 {
                *first = number;
            } else if earlier().iter().any(|own| name(own) == later) {
                return Err(later);
            }
        }
        Ok(places)
    }

    /// What has that name in the list that they are of.
    pub(super) fn find<'l, 'a: 'l, T>(
        &self,
        wanted: &Name<'_>,
        list: &'l [T],
        name: impl Fn(&'l T) -> &'l Name<'a>,
    ) -> Option<&'l T> {
        if list.len() <= SHORT_LIST {
            let number = self.first.get(wanted.place())?;
            let first = list.get(usize::from(*number).checked_sub(1)?)?;
            if name(first) == wanted {
                return Some(first);
            }
        }
        list.iter().find(|own| name(own) == wanted)
    }
}

impl Default for Places {
    fn default() -> Self {
        Self { first: [0; PLACES] }
    }
}

/// Values by their names, made once and never changed. Whoever looks for a name chooses it, but not
/// those that stand here, so a search is short whatever the name is.
#[derive(Clone, Debug)]
pub(crate) struct ByName<T> {
    entries: Vec<(Name<'static>, T)>,
    /// Where a search begins, and goes on until there is none: an entry's index and one.
    places: Box<[u32]>,
}

impl<T> ByName<T> {
    /// Of two entries of one name the first is found.
    pub(crate) fn new(entries: Vec<(Name<'static>, T)>) -> Self {
        /// So that most entries are found at once.
        const PLACES_PER_ENTRY: usize = 4;
        let count = (entries.len() * PLACES_PER_ENTRY).next_power_of_two();
        let mut made = Self { entries, places: vec![0; count].into() };
        for (number, (name, _)) in (1..).zip(&made.entries) {
            let mut at = name.mixed() >> 32;
            while made.number_at(at) != 0 {
                at += 1;
            }
            if let Some(place) = made.places.get_mut(at as usize & (count - 1)) {
                *place = number;
            }
        }
        made
    }

    #[inline]
    pub(crate) fn get(&self, name: &Name<'_>) -> Option<&T> {
        let mut at = name.mixed() >> 32;
        // Some place is free, so this ends.
        loop {
            let index = self.number_at(at).checked_sub(1)?;
            let (own, value) = self.entries.get(index as usize)?;
            if own == name {
                return Some(value);
            }
            at += 1;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Name<'static>, T)> {
        self.entries.iter()
    }

    /// What stands in the place that a search has come to.
    fn number_at(&self, at: u64) -> u32 {
        // Their count is a power of two.
        let mask = self.places.len().wrapping_sub(1);
        self.places.get(at as usize & mask).copied().unwrap_or_default()
    }

    /// The first name that stands twice.
    pub(crate) fn first_duplicate(&self) -> Option<&str> {
        Places::of(&self.entries, |(name, _)| name).err().map(Name::text)
    }
}

impl<T> Default for ByName<T> {
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
    fn a_list_short_or_long_tells_where_each_name_stands_and_which_stands_twice() {
        for length in 0..=2 * SHORT_LIST {
            let list: Vec<_> = (0..length).map(|n| Name::new(format!("a name {n}"))).collect();
            let places = Places::of(&list, |name| name).unwrap();
            for (at, wanted) in list.iter().enumerate() {
                let found = places.find(wanted, &list, |name| name).unwrap();
                assert!(std::ptr::eq(found, &list[at]));
                let twice = [&list[..], &list[at..=at]].concat();
                assert_eq!(Places::of(&twice, |name| name).unwrap_err(), wanted);
            }
            for other in (length..99).map(|n| Name::new(format!("a name {n}"))) {
                assert!(places.find(&other, &list, |name| name).is_none());
            }
        }
    }

    #[test]
    fn finds_every_entry_and_no_other_name() {
        let names = |from: usize| (from..from + 100).map(|n| format!("field_number_{n}_of_many"));
        let entries = names(0).enumerate().map(|(index, name)| (Name::new(name), index));
        let known = ByName::new(entries.collect());
        for (index, name) in names(0).enumerate() {
            assert_eq!(known.get(&Name::new(name)), Some(&index));
        }
        assert!(names(100).all(|name| known.get(&Name::new(name)).is_none()));
        assert_eq!(known.first_duplicate(), None);
        assert_eq!(ByName::<()>::default().get(&Name::new("")), None);
        let twice = ByName::new(vec![("a".into(), 1), ("b".into(), 2), ("a".into(), 3)]);
        assert_eq!((twice.first_duplicate(), twice.get(&"a".into())), (Some("a"), Some(&1)));
    }

    #[test]
    fn names_are_the_same_exactly_if_their_texts_are() {
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
                assert_eq!(names.0.cmp(&names.1) == Ordering::Equal, same, "{one:?} {other:?}");
                assert!(!same || names.0.place() == names.1.place());
            }
        }
    }
}
