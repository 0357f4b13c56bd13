//! Paths that every server reads as they stand, but for case: nearly all. What such a path is, is
//! known after one look at each byte, without taking it apart.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{FORMATS, SCRIPTS, TOKEN_SEGMENT};

/// What the bytes of a path are, and which stand side by side.
#[derive(Clone, Copy)]
struct PathClasses {
    /// What the bytes are.
    bytes: u8,
    /// Whether some server sees no name between two of them.
    has_gap: bool,
}

/// Some server takes it for another byte, or for none.
const SPECIAL: u8 = 0x80;
const DOT: u8 = 0x40;
const LETTER: u8 = 0;

/// A byte before another has the low bits, and one behind it the same moved by [`BEHIND`]. With a
/// bit in common, no name stands between them: two slashes, or one and a dot.
const BEHIND: u32 = 2;
const SLASH: u8 = 0b0111;
const DOTTED: u8 = DOT | 0b1001;

const CLASSES: [u8; 256] = {
    let mut classes = [SPECIAL; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        classes[byte as usize] = match byte {
            b'/' => SLASH,
            b'.' => DOTTED,
            b'-' | b'_' | b'~' => LETTER,
            _ if byte.is_ascii_alphanumeric() => LETTER,
            _ => SPECIAL,
        };
        byte += 1;
    }
    classes
};

impl PathClasses {
    /// With a slash behind the path, unless it ends in the one that it begins with.
    #[inline]
    fn of(path: &str) -> Self {
        let (mut bytes, mut gaps, mut before) = (0, 0, LETTER);
        for byte in path.bytes() {
            let class = CLASSES[usize::from(byte)];
            bytes |= class;
            gaps |= before & class >> BEHIND;
            before = class;
        }
        if path.len() > 1 {
            gaps |= before & SLASH >> BEHIND;
        }
        Self { bytes, has_gap: gaps != 0 }
    }

    /// Whether every server sees the same segments.
    const fn is_plain(self) -> bool {
        self.bytes & SPECIAL == 0 && !self.has_gap
    }

    const fn has_dot(self) -> bool {
        self.bytes & DOT != 0
    }
}

/// Whether every server sees the same segments.
pub(super) fn is_plain(path: &str) -> bool {
    path.starts_with('/') && PathClasses::of(path).is_plain()
}

/// Whether every server sees the same segments, and none of them a script or a format.
#[inline]
pub(super) fn has_one_reading(path: &str) -> bool {
    let sight = PathClasses::of(path);
    path.starts_with('/') && sight.is_plain() && !(sight.has_dot() && has_known_ending(path))
}

/// Whether some server reads more from a segment's ending than a name.
#[inline(never)]
fn has_known_ending(path: &str) -> bool {
    let mut bytes = path.bytes().rev();
    let mut ending = NO_LETTER;
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' => ending = NO_LETTER,
            b'.' if KNOWN_ENDINGS.contains(&ending) => return true,
            b'.' => {
                // What comes before the last dot of a segment is not its ending.
                let _slash = bytes.find(|byte| *byte == b'/');
                ending = NO_LETTER;
            }
            letter => ending = longer(ending, letter),
        }
    }
    false
}

/// The letters behind a dot, small ones, from the last on; before them stands a mark, so that more
/// letters than have room are none of those that are known.
type Ending = u64;

const NO_LETTER: Ending = 1;

const fn longer(ending: Ending, letter: u8) -> Ending {
    ending << u8::BITS | (letter | CASE) as Ending
}

const KNOWN_ENDINGS: [Ending; SCRIPTS.len() + FORMATS.len()] = {
    let mut endings = [NO_LETTER; SCRIPTS.len() + FORMATS.len()];
    let mut at = 0;
    while at < endings.len() {
        let text = if at < SCRIPTS.len() { SCRIPTS[at] } else { FORMATS[at - SCRIPTS.len()] };
        let mut letters = text.as_bytes();
        while let [before @ .., letter] = letters
            && *letter != b'.'
        {
            endings[at] = longer(endings[at], *letter);
            letters = before;
        }
        at += 1;
    }
    endings
};

/// A path of one reading in small letters.
pub(super) fn folded(path: &str) -> Cow<'_, str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        path.to_ascii_lowercase().into()
    } else {
        path.into()
    }
}

/// What is seen of the known paths at a path_filter. It is enough to know most others from them.
#[derive(Debug, Default)]
pub(super) struct PathFilter {
    /// Of the paths without a token: one bit for each length and last letter.
    whole: u64,
    /// What comes before the token of those with one, in small letters.
    before_token: Vec<Box<str>>,
}

impl PathFilter {
    /// Adds a known path or pattern.
    pub(super) fn add(&mut self, pattern: &str) {
        match pattern.split_once(TOKEN_SEGMENT) {
            None => self.whole |= ending_bit(pattern),
            Some((before, _)) => self.before_token.push(before.to_lowercase().into()),
        }
    }

    /// Whether a path of one reading may be known. If not, it is not.
    pub(super) fn may_know(&self, path: &str) -> bool {
        let begins = |before: &str| {
            let mut bytes = path.bytes();
            before.bytes().all(|own| bytes.next().is_some_and(|byte| (byte ^ own) & !CASE == 0))
        };
        self.whole & ending_bit(path) != 0 || self.before_token.iter().any(|before| begins(before))
    }
}

/// What all that was ever known has in common, to be seen without taking hold of a config.
#[derive(Debug, Default)]
pub(crate) struct SharedPathFilter {
    /// As a path_filter has it.
    whole: AtomicU64,
    /// Of the paths with a token: one bit for each first letter.
    before_token: AtomicU64,
}

impl SharedPathFilter {
    /// Adds what a config knows. From then on this is known for good.
    pub(super) fn add(&self, path_filter: &PathFilter) {
        let any_letter = |before: &str| if before.len() > 1 { first_bit(before) } else { u64::MAX };
        let first =
            path_filter.before_token.iter().fold(0, |bits, before| bits | any_letter(before));
        self.whole.fetch_or(path_filter.whole, Relaxed);
        self.before_token.fetch_or(first, Relaxed);
    }

    /// Whether a path is nobody's, in any spelling. Not all that are nobody's are so seen.
    #[inline]
    pub(crate) fn is_beyond(&self, path: &str) -> bool {
        let known = self.whole.load(Relaxed) & ending_bit(path)
            | self.before_token.load(Relaxed) & first_bit(path);
        known == 0 && has_one_reading(path)
    }
}

/// The same in capitals.
#[inline]
fn ending_bit(path: &str) -> u64 {
    const ODD: usize = 29;
    let last = path.as_bytes().last().map_or(0, |last| last | CASE);
    1 << ((path.len() * ODD + usize::from(last)) % 64)
}

/// The same in capitals.
#[inline]
fn first_bit(path: &str) -> u64 {
    path.as_bytes().get(1).map_or(0, |first| 1 << ((first | CASE) % 64))
}

/// What sets a small letter apart from the same in capitals.
const CASE: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Which two bytes may stand side by side in a path of one reading, one pair after the other.
    #[test]
    fn a_path_is_plain_if_no_server_sees_anything_but_names_in_it() {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        for (first, second) in (0..0x80_u8).flat_map(|a| (0..0x80_u8).map(move |b| (a, b))) {
            let path = format!("/a{}{}b", char::from(first), char::from(second));
            let is_gap = matches!([first, second], [b'/', b'/' | b'.'] | [b'.', b'/']);
            let is_known = |byte| is_letter(byte) || matches!(byte, b'/' | b'.');
            let expected = is_known(first) && is_known(second) && !is_gap;
            assert_eq!(is_plain(&path), expected, "{path:?}");
        }
        for path in ["/", "/a", "/a..b"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["", "a", "/a/", "/a.", "/.a", "/é", "//", "/.", "*"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_known_ending_is_one_wherever_its_segment_stands() {
        for path in ["/a.php", "/a.php/b", "/x.y/a.Html", "/a.b.json", "/.pl/b.rb"] {
            assert!(has_known_ending(path), "{path}");
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
            assert!(!has_known_ending(path), "{path}");
        }
        for ending in SCRIPTS.iter().chain(&FORMATS) {
            assert!(has_known_ending(&format!("/a{ending}")), "{ending}");
        }
    }
}
