//! A path, taken apart as far as any server would.

use std::borrow::Cow;

use super::decode::{decode, decodings};
use super::{FORMATS, SCRIPTS, TOKEN_SEGMENT};

/// What names stand in a path, and what servers may make of it.
pub(super) struct Pieces {
    /// In small letters, without what does not name anything.
    pub(super) names: Vec<String>,
    /// How many names stand before an encoded NUL, `?` or `#`, if there is one.
    before_cut: Option<usize>,
    /// The names as a server has them that drops those marks alone.
    without_marks: Option<Vec<String>>,
    /// Whether the first name may be an authority.
    has_authority: bool,
    /// Whether some server would go up a level.
    pub(super) has_parent: bool,
    /// How many segments every server sees.
    certain: usize,
    /// Whether a segment that stands there names nothing, as `.` or `;x`.
    has_nameless: bool,
}

impl Pieces {
    pub(super) fn of(path: &str) -> Self {
        Self::decoded(path, &decode(path))
    }

    /// Of a path, and what it says [once decoded](decode).
    pub(super) fn decoded(path: &str, decoded: &str) -> Self {
        let decoded = without(decoded, |c| c.is_control() && !is_cut(c));
        let (certain, nameless) = segments(path).fold((0, 0), |(certain, nameless), segment| {
            if names_something(segment) { (certain + 1, nameless) } else { (certain, nameless + 1) }
        });
        let mut parts = decoded.split(is_cut);
        let mut names: Vec<_> = names_in(parts.next().unwrap_or_default()).collect();
        let before_cut = decoded.contains(is_cut).then_some(names.len());
        names.extend(parts.flat_map(names_in));
        let leading = decoded.split(|c| !is_slash(c) && c != '.').next().unwrap_or_default();
        Self {
            names,
            before_cut,
            without_marks: before_cut.map(|_| names_in(&without(&decoded, is_cut)).collect()),
            has_authority: leading.matches(is_slash).count() > 1,
            has_parent: has_parent(&decoded),
            certain,
            has_nameless: nameless > 0,
        }
    }

    /// The names that a server may see, when none of them goes up a level.
    pub(super) fn readings(&self) -> Vec<Vec<&str>> {
        let whole = self.before_cut.map_or(&*self.names, |end| &self.names[..end]);
        let behind_authority = if self.has_authority { whole.get(1..) } else { None };
        let without_marks = self.without_marks.as_deref();
        let mut readings = Vec::new();
        for names in [Some(whole), behind_authority, without_marks].into_iter().flatten() {
            readings.push(all(names));
            if let Some((last, others)) = names.split_last() {
                let bare = FORMATS.iter().find_map(|format| last.strip_suffix(format));
                readings.extend(bare.map(|bare| [all(others), vec![bare]].concat()));
            }
            let script = names.iter().position(|n| SCRIPTS.iter().any(|s| n.ends_with(s)));
            if let Some((script, rest)) = script.map(|at| names.split_at(at + 1)) {
                readings.extend([all(script), all(rest)]);
            }
        }
        readings
    }

    /// Whether the pattern's segments stand among the names, in their order.
    pub(super) fn can_leave(&self, pattern: &str) -> bool {
        let mut names = self.names.iter();
        segments(pattern).all(|segment| {
            if segment == TOKEN_SEGMENT {
                return self.has_nameless || names.next().is_some();
            }
            let wanted = segment.to_lowercase();
            names.any(|name| *name == wanted)
        })
    }

    /// Whether the names are the pattern's, with what a server that splits the path elsewhere has
    /// as one segment where the token stands: several names, or something that is none.
    pub(super) fn can_be(&self, names: &[&str], pattern: &str) -> bool {
        let Some((before, behind)) = around_token(pattern) else { return false };
        let literal = segments(before).count() + segments(behind).count();
        let fits = match names.len().checked_sub(literal) {
            None => false,
            Some(0) => self.has_nameless,
            Some(1) => true,
            Some(_) => self.certain <= literal + 1 + self.names.len().saturating_sub(names.len()),
        };
        // A configured path is ASCII, and the names are in small letters.
        let same = |(name, segment): (&&str, &str)| name.eq_ignore_ascii_case(segment);
        fits && names.iter().zip(segments(before)).all(same)
            && names.iter().rev().zip(segments(behind).rev()).all(same)
    }
}

/// What stands before and behind a pattern's token, if it has one.
pub(super) fn around_token(pattern: &str) -> Option<(&str, &str)> {
    // Nothing else in a pattern has a brace.
    let token = pattern.find('{')?;
    Some((pattern.get(..token)?, pattern.get(token + TOKEN_SEGMENT.len()..)?))
}

/// The path, joined again.
pub(super) fn join(names: &[impl AsRef<str>]) -> String {
    names.iter().flat_map(|name| ["/", name.as_ref()]).collect()
}

/// What is left of a path on a server that drops parameters, or an authority, before it decodes or
/// after any number of times: there `;%2fx` is one parameter, and elsewhere a segment.
pub(super) fn cut_spellings(path: &str, decoded: &str) -> Vec<String> {
    let mut spellings = Vec::new();
    if !decoded.contains(';') && !decoded.starts_with("//") {
        return spellings;
    }
    for decoded in decodings(path) {
        let names = || decoded.split('/').map(before_parameters).collect::<Vec<_>>();
        let without_parameters = decoded.contains(';').then(|| names().join("/"));
        let authority = decoded.strip_prefix("//");
        let behind = authority.and_then(|text| text.get(text.find('/')?..));
        for spelling in without_parameters.into_iter().chain(behind.map(str::to_owned)) {
            // However deep a parameter is encoded, the rest is the same without it.
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

fn all(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

const fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// Whether some server takes the path to end there.
const fn is_cut(c: char) -> bool {
    matches!(c, '\0' | '?' | '#')
}

fn without(text: &str, is_dropped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&is_dropped) { text.replace(is_dropped, "").into() } else { text.into() }
}

/// Whether some server would go up a level. The text has no other controls than NUL.
fn has_parent(decoded: &str) -> bool {
    // Hardly any path has two dots side by side.
    if !decoded.as_bytes().windows(2).any(|two| two == b"..") {
        return false;
    }
    let mut segments = decoded.split(|c| is_slash(c) || is_cut(c));
    segments.any(|segment| before_parameters(segment).trim_end() == "..")
}

fn before_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

fn names_in(part: &str) -> impl Iterator<Item = String> {
    part.split(is_slash).map(bare).filter(|name| !name.is_empty()).map(str::to_lowercase)
}

fn names_something(segment: &str) -> bool {
    // Nothing that is undone behind it changes a letter in front.
    if segment.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return true;
    }
    let decoded = decode(segment);
    let text = without(&decoded, |c| c.is_control() || is_cut(c));
    text.split(is_slash).any(|part| !bare(part).is_empty())
}

/// What a segment names, if anything.
fn bare(segment: &str) -> &str {
    before_parameters(segment).trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}
