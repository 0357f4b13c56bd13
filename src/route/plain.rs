//! Paths that every server reads as they stand, but for case: nearly all. What such a path is, is
//! known after one look at each byte, without taking it apart.

use std::borrow::Cow;

use super::{FORMATS, SCRIPTS, TOKEN_SEGMENT};

/// What a byte does in a path.
#[derive(Clone, Copy)]
enum Class {
    /// Some server takes it for another byte, or for none.
    Special = 0,
    Letter = 1,
    Slash = 2,
    Dot = 3,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Special; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        classes[byte as usize] = match byte {
            b'/' => Class::Slash,
            b'.' => Class::Dot,
            b'-' | b'_' | b'~' => Class::Letter,
            _ if byte.is_ascii_alphanumeric() => Class::Letter,
            _ => Class::Special,
        };
        byte += 1;
    }
    classes
};

/// Which classes stand side by side in a path: one bit for each pair.
struct Pairs(u32);

impl Pairs {
    /// With another slash before the path, and one behind it unless it ends in the one it begins
    /// with.
    fn of(path: &str) -> Self {
        let (mut pairs, mut before) = (0, Class::Letter);
        for byte in path.bytes() {
            let class = CLASSES[usize::from(byte)];
            pairs |= pair(before, class);
            before = class;
        }
        if path.len() > 1 {
            pairs |= pair(before, Class::Slash);
        }
        Self(pairs)
    }

    const fn have(&self, list: u32) -> bool {
        self.0 & list != 0
    }
}

const fn pair(before: Class, behind: Class) -> u32 {
    1 << ((before as u32) << 2 | behind as u32)
}

/// With a special byte, a segment that is empty or begins or ends with a dot.
const UNCLEAR: u32 = pair(Class::Special, Class::Special)
    | pair(Class::Letter, Class::Special)
    | pair(Class::Slash, Class::Special)
    | pair(Class::Dot, Class::Special)
    | pair(Class::Slash, Class::Slash)
    | pair(Class::Slash, Class::Dot)
    | pair(Class::Dot, Class::Slash);

const DOTTED: u32 = pair(Class::Letter, Class::Dot) | pair(Class::Dot, Class::Dot);

/// Whether every server sees the same segments.
pub(super) fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !Pairs::of(path).have(UNCLEAR)
}

/// Whether every server sees the same segments, and none of them a script or a format.
pub(super) fn has_one_reading(path: &str) -> bool {
    let pairs = Pairs::of(path);
    let is_plain = path.starts_with('/') && !pairs.have(UNCLEAR);
    is_plain && !(pairs.have(DOTTED) && has_known_ending(path))
}

/// Whether some server reads more from a segment's ending than a name.
#[inline(never)]
fn has_known_ending(path: &str) -> bool {
    path.as_bytes().split(|byte| *byte == b'/').any(|segment| {
        let dot = segment.iter().rposition(|byte| *byte == b'.');
        let ending = dot.and_then(|dot| segment.get(dot..)).unwrap_or_default();
        let is_ending =
            |own: &&str| own.len() == ending.len() && own.as_bytes().eq_ignore_ascii_case(ending);
        SCRIPTS.iter().chain(&FORMATS).any(is_ending)
    })
}

/// A path of one reading in small letters.
pub(super) fn folded(path: &str) -> Cow<'_, str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        path.to_ascii_lowercase().into()
    } else {
        path.into()
    }
}

/// What is seen of the known paths at a glance. It is enough to know most others from them.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// Of the paths without a token: one bit for each length and last letter.
    whole: u64,
    /// What comes before the token of those with one, in small letters.
    before_token: Vec<Box<str>>,
}

impl Glance {
    /// Adds a known path or pattern.
    pub(super) fn add(&mut self, pattern: &str) {
        match pattern.split_once(TOKEN_SEGMENT) {
            None => self.whole |= bit(pattern),
            Some((before, _)) => self.before_token.push(before.to_lowercase().into()),
        }
    }

    /// Whether a path of one reading may be known. If not, it is not.
    pub(super) fn may_know(&self, path: &str) -> bool {
        let begins = |before: &str| {
            let mut bytes = path.bytes();
            before.bytes().all(|own| bytes.next().is_some_and(|byte| (byte ^ own) & !CASE == 0))
        };
        self.whole & bit(path) != 0 || self.before_token.iter().any(|before| begins(before))
    }
}

/// The same in capitals.
fn bit(path: &str) -> u64 {
    const ODD: usize = 29;
    let last = path.as_bytes().last().map_or(0, |last| last | CASE);
    1 << ((path.len() * ODD + usize::from(last)) % 64)
}

/// What sets a small letter apart from the same in capitals.
const CASE: u8 = 0x20;
