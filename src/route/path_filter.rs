//! Filters that rule out most unrelated paths in one pass over the bytes of the path.
//!
//! A *known path* is the path of a route or of a reserved address, or a reserved path below such a
//! path. An *unrelated path* is a path that no server reads as a known path.
//!
//! Nearly all paths have one reading: every server finds the same segments in the path, apart from
//! case. Such a path needs no normalisation. Most of these paths differ from every known path in
//! length, last byte or prefix.
//!
//! - [`has_one_reading`] classifies the bytes of a path. The filters are valid only for a path for
//!   which [`has_one_reading`] returns true.
//! - [`SharedPathFilter`] covers all configs with two integers. If this filter rules out a path,
//!   gatepost does not access the config.
//! - [`PathFilter`] covers one config. This filter compares whole prefixes and therefore rules out
//!   more paths.
//!
//! Invariant: a filter never rules out a known path. If a filter does not rule out an unrelated
//! path, that path costs a full lookup.
//!
//! If a filter rules out a path, the path costs 310 instructions. If an unrelated path needs
//! normalisation, the path costs 6,200 instructions (callgrind, `lookup/other_path` and
//! `lookup/other_path_doubled_slash` of the benches).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{FORMATS, SCRIPTS, TOKEN_SEGMENT};

/// Summary of the bytes of a path.
#[derive(Clone, Copy)]
struct PathClasses {
    /// Union of the class bits of all bytes.
    bytes: u8,
    /// True if the path contains `//`, `/.` or `./`. Servers disagree about the segments of such a
    /// path.
    has_ambiguous_pair: bool,
}

/// Class of a byte that some server reads as another byte, or drops.
const SPECIAL: u8 = 0x80;
/// Class bit of a dot.
const DOT: u8 = 0x40;
/// Class of a byte that every server reads as part of a segment.
const NAME: u8 = 0;

// The low four bits of a class find ambiguous pairs of bytes without a branch. Bits 0 and 1
// describe the byte as the first of a pair, bits 2 and 3 as the second. In an ambiguous pair, bits
// 0 and 1 of the first byte and bits 2 and 3 of the second byte have a common bit:
//
// | pair | first & second | ambiguous                         |
// |------|----------------|-----------------------------------|
// | `//` | 11 & 01        | yes: the segment is empty         |
// | `/.` | 11 & 10        | yes: the segment may be `.`       |
// | `./` | 01 & 01        | yes: a server may drop the dot    |
// | `..` | 01 & 10        | no: a segment may be `a..b`       |
const SLASH_CLASS: u8 = 0b0111;
const DOT_CLASS: u8 = DOT | 0b1001;
const SECOND_SHIFT: u32 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [SPECIAL; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        classes[byte as usize] = match byte {
            b'/' => SLASH_CLASS,
            b'.' => DOT_CLASS,
            b'-' | b'_' | b'~' => NAME,
            _ if byte.is_ascii_alphanumeric() => NAME,
            _ => SPECIAL,
        };
        byte += 1;
    }
    classes
};

impl PathClasses {
    /// Classifies a path.
    ///
    /// The end of a path longer than `/` counts as a slash, so `/a/` and `/a.` are ambiguous.
    #[inline]
    fn of(path: &str) -> Self {
        let (mut bytes, mut overlaps, mut previous) = (0, 0, NAME);
        for byte in path.bytes() {
            let class = CLASSES[usize::from(byte)];
            bytes |= class;
            overlaps |= previous & class >> SECOND_SHIFT;
            previous = class;
        }
        if path.len() > 1 {
            overlaps |= previous & SLASH_CLASS >> SECOND_SHIFT;
        }
        Self { bytes, has_ambiguous_pair: overlaps != 0 }
    }

    /// Returns true if every server finds the same segments in the path.
    const fn is_plain(self) -> bool {
        self.bytes & SPECIAL == 0 && !self.has_ambiguous_pair
    }

    const fn has_dot(self) -> bool {
        self.bytes & DOT != 0
    }
}

/// Returns true if every server finds the same segments in the path.
pub(super) fn is_plain(path: &str) -> bool {
    path.starts_with('/') && PathClasses::of(path).is_plain()
}

/// Returns true for a path in which every server finds the same segments, none of them with an
/// ending of [`SCRIPTS`] or [`FORMATS`].
#[inline]
pub(super) fn has_one_reading(path: &str) -> bool {
    let classes = PathClasses::of(path);
    path.starts_with('/') && classes.is_plain() && !(classes.has_dot() && has_known_ending(path))
}

/// Returns true if a segment ends in one of [`SCRIPTS`] or [`FORMATS`]. Requires a path for which
/// [`is_plain`] returns true.
///
/// Reads the path once, from its end. Collects the letters after the last dot of each segment in an
/// integer, so a comparison with all endings needs no second pass.
#[inline(never)]
fn has_known_ending(path: &str) -> bool {
    let mut bytes = path.bytes().rev();
    let mut ending = NO_LETTERS;
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' => ending = NO_LETTERS,
            b'.' if KNOWN_ENDINGS.contains(&ending) => return true,
            b'.' => {
                // Only the last dot of a segment starts an ending, so skip the rest of the segment.
                let _slash = bytes.find(|byte| *byte == b'/');
                ending = NO_LETTERS;
            }
            letter => ending = with_letter(ending, letter),
        }
    }
    false
}

/// Letters after a dot, lower-case and in reverse order, one byte each.
///
/// A byte of value 1 precedes the letters, so endings of different lengths differ. Eight or more
/// letters shift this byte out, and the top byte is then a letter. Such a value equals no known
/// ending, because known endings have at most five letters.
type Ending = u64;

const NO_LETTERS: Ending = 1;

const fn with_letter(ending: Ending, letter: u8) -> Ending {
    ending << u8::BITS | (letter | CASE_BIT) as Ending
}

const KNOWN_ENDINGS: [Ending; SCRIPTS.len() + FORMATS.len()] = {
    let mut endings = [NO_LETTERS; SCRIPTS.len() + FORMATS.len()];
    let mut index = 0;
    while index < endings.len() {
        let text =
            if index < SCRIPTS.len() { SCRIPTS[index] } else { FORMATS[index - SCRIPTS.len()] };
        let mut letters = text.as_bytes();
        while let [before @ .., letter] = letters
            && *letter != b'.'
        {
            endings[index] = with_letter(endings[index], *letter);
            letters = before;
        }
        index += 1;
    }
    endings
};

/// Converts a path to lower case. Requires a path with one reading.
pub(super) fn folded(path: &str) -> Cow<'_, str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        path.to_ascii_lowercase().into()
    } else {
        path.into()
    }
}

/// Filter over the paths of one config.
#[derive(Debug, Default)]
pub(super) struct PathFilter {
    /// Set of the [`ending_bit`]s of all paths without a token.
    endings: u64,
    /// Lower-case prefixes: the text before `{token}` of each path with a token, and the bases of
    /// subtrees.
    prefixes: Vec<Box<str>>,
}

impl PathFilter {
    /// Adds the path of a route or a reserved address.
    pub(super) fn add(&mut self, pattern: &str) {
        match pattern.split_once(TOKEN_SEGMENT) {
            None => self.endings |= ending_bit(pattern),
            Some((prefix, _)) => self.add_prefix(&prefix.to_lowercase()),
        }
    }

    /// Adds all paths that start with a lower-case prefix.
    pub(super) fn add_prefix(&mut self, prefix: &str) {
        self.prefixes.push(prefix.into());
    }

    /// Returns false if `path` can match none of the added paths. Requires a path with one reading.
    pub(super) fn may_contain(&self, path: &str) -> bool {
        // The comparison ignores the case bit, so some bytes that are not letters also compare
        // equal. A path with such a byte costs a full lookup.
        let same = |byte: u8, expected: u8| (byte ^ expected) & !CASE_BIT == 0;
        let starts_with = |prefix: &str| {
            let mut bytes = path.bytes();
            prefix.bytes().all(|expected| bytes.next().is_some_and(|byte| same(byte, expected)))
        };
        self.endings & ending_bit(path) != 0
            || self.prefixes.iter().any(|prefix| starts_with(prefix))
    }
}

/// Filter over the paths of every config that the gate has had.
///
/// The filter consists of two atomic integers. A request for an unrelated path therefore needs
/// neither a lock nor the reference count of the current config. gatepost never clears a bit. The
/// paths of earlier configs cost a full lookup, but cannot cause a wrong result.
#[derive(Debug, Default)]
pub(crate) struct SharedPathFilter {
    /// Set of the [`ending_bit`]s of all paths without a token.
    endings: AtomicU64,
    /// Set of the [`start_bit`]s of all paths with one of the prefixes.
    starts: AtomicU64,
}

impl SharedPathFilter {
    /// Adds all paths of a config.
    pub(super) fn add(&self, config: &PathFilter) {
        let starts = config.prefixes.iter().fold(0, |set, prefix| set | start_bits(prefix));
        self.endings.fetch_or(config.endings, Relaxed);
        self.starts.fetch_or(starts, Relaxed);
    }

    /// Returns true if the path is certainly unrelated. Returns false for every known path, in any
    /// spelling, and for some unrelated paths.
    ///
    /// Relaxed loads are enough. If a load misses the bits of a new config, gatepost treats the
    /// request like one that arrived before the new config.
    #[inline]
    pub(crate) fn rules_out(&self, path: &str) -> bool {
        let hits = self.endings.load(Relaxed) & ending_bit(path)
            | self.starts.load(Relaxed) & start_bit(path);
        hits == 0 && has_one_reading(path)
    }
}

/// Selects one of 64 bits by the length and the last byte of a path. Ignores case.
#[inline]
fn ending_bit(path: &str) -> u64 {
    /// Odd factor, so that 64 consecutive lengths select 64 different bits.
    const SPREAD: usize = 29;
    let last = path.as_bytes().last().map_or(0, |last| last | CASE_BIT);
    1 << ((path.len() * SPREAD + usize::from(last)) % 64)
}

/// Selects one of 64 bits by the first two bytes after the leading slash. Ignores case.
///
/// Returns 0 for the path `/`.
#[inline]
fn start_bit(path: &str) -> u64 {
    match *path.as_bytes() {
        [_, first, second, ..] => bit_of_start(first, second),
        [_, first] => bit_of_start(first, 0),
        _ => 0,
    }
}

/// Returns the set of the [`start_bit`]s of all paths with this prefix.
fn start_bits(prefix: &str) -> u64 {
    match *prefix.as_bytes() {
        [_, first, second, ..] => bit_of_start(first, second),
        [_, first] => (0..=u8::MAX).fold(0, |set, second| set | bit_of_start(first, second)),
        _ => u64::MAX,
    }
}

#[inline]
fn bit_of_start(first: u8, second: u8) -> u64 {
    /// Odd factor, so that the first letter spreads over all bits.
    const SPREAD: usize = 11;
    1 << ((usize::from(first | CASE_BIT) * SPREAD + usize::from(second | CASE_BIT)) % 64)
}

/// Bit that is set in lower-case ASCII letters and clear in upper-case ASCII letters.
const CASE_BIT: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_path_has_no_special_byte_and_no_ambiguous_pair() {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        for (first, second) in (0..0x80_u8).flat_map(|a| (0..0x80_u8).map(move |b| (a, b))) {
            let path = format!("/a{}{}b", char::from(first), char::from(second));
            let is_ambiguous = matches!([first, second], [b'/', b'/' | b'.'] | [b'.', b'/']);
            let is_allowed = |byte| is_name(byte) || matches!(byte, b'/' | b'.');
            let expected = is_allowed(first) && is_allowed(second) && !is_ambiguous;
            assert_eq!(is_plain(&path), expected, "{path:?}");
        }
        for path in ["/", "/a", "/a..b"] {
            assert!(is_plain(path), "expected {path:?} to be plain, found it ambiguous");
        }
        for path in ["", "a", "/a/", "/a.", "/.a", "/é", "//", "/.", "*"] {
            assert!(!is_plain(path), "expected {path:?} to be ambiguous, found it plain");
        }
    }

    #[test]
    fn finds_known_ending_in_any_segment() {
        for path in ["/a.php", "/a.php/b", "/x.y/a.Html", "/a.b.json", "/.pl/b.rb"] {
            assert!(has_known_ending(path), "expected a known ending, found none in {path}");
        }
        for path in [
            "/a.js",
            "/php",
            "/a.phpx",
            "/a.xphp",
            "/json/b.j",
            "/a.php.b",
            "/a.php.longerthaneight",
        ] {
            assert!(!has_known_ending(path), "expected no known ending, found one in {path}");
        }
        for ending in SCRIPTS.iter().chain(&FORMATS) {
            let is_known = has_known_ending(&format!("/a{ending}"));
            assert!(is_known, "expected {ending} to be known, found it unknown");
        }
    }
}
