//! Names of members, told apart in a few instructions.

use std::borrow::Cow;
use std::cmp::Ordering;
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

    /// The first bytes as a number: what a sorted list is searched by.
    pub(crate) const fn head(&self) -> u64 {
        self.head
    }

    /// One of 64 bits, which two names seldom share.
    pub(super) const fn bit(&self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        1 << ((self.head ^ self.tail.rotate_left(17)).wrapping_mul(ODD) >> 58)
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

/// By the head, so that a sorted list can be searched by it.
impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.text.cmp(&other.text))
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
                assert!(!same || names.0.bit() == names.1.bit());
            }
        }
    }
}
