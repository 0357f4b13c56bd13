//! The names in a path: the decoded segments that servers may find in the path.

use std::borrow::Cow;

use super::decode::{decode, decodings};
use super::{FORMATS, SCRIPTS, TOKEN_SEGMENT};

/// The names in a path, and the features of the path about which servers disagree.
///
/// A *name* is a segment after decoding, in lower case and without parameters, trailing dots and
/// trailing blanks. If nothing remains of a segment, the segment has no name.
pub(super) struct Pieces {
    /// All names in order.
    pub(super) names: Vec<String>,
    /// Number of names before the first encoded NUL, `?` or `#`; `None` if the path has no such
    /// byte.
    before_cut: Option<usize>,
    /// Names for a server that drops each encoded NUL, `?` and `#` instead of ending the path at
    /// the first of these bytes. `None` if the path has no such byte.
    without_cuts: Option<Vec<String>>,
    /// True if the path starts with at least two slashes, possibly with dots between them (`/.//`).
    /// Some server may then read the first name as an authority.
    has_authority: bool,
    /// True if some server reads a segment as `..`.
    pub(super) has_parent: bool,
    /// Number of segments with a name between unencoded `/`. Every server finds at least this many
    /// segments.
    literal_segments: usize,
    /// True if a segment has no name, such as `.` or `;x`.
    has_nameless: bool,
}

impl Pieces {
    /// Decodes and splits a path.
    pub(super) fn of(path: &str) -> Self {
        Self::decoded(path, &decode(path))
    }

    /// Splits a path. `decoded` is the result of [`decode`] for `path`.
    pub(super) fn decoded(path: &str, decoded: &str) -> Self {
        let decoded = without(decoded, |c| c.is_control() && !is_cut(c));
        let (literal_segments, nameless) =
            segments(path).fold((0, 0), |(named, nameless), segment| {
                if has_name(segment) { (named + 1, nameless) } else { (named, nameless + 1) }
            });
        let mut parts = decoded.split(is_cut);
        let mut names: Vec<_> = names_in(parts.next().unwrap_or_default()).collect();
        let before_cut = decoded.contains(is_cut).then_some(names.len());
        names.extend(parts.flat_map(names_in));
        let leading = decoded.split(|c| !is_slash(c) && c != '.').next().unwrap_or_default();
        Self {
            names,
            before_cut,
            without_cuts: before_cut.map(|_| names_in(&without(&decoded, is_cut)).collect()),
            has_authority: leading.matches(is_slash).count() > 1,
            has_parent: has_parent(&decoded),
            literal_segments,
            has_nameless: nameless > 0,
        }
    }

    /// Returns the readings of the path: the lists of names that servers may find. Requires a path
    /// without `..`.
    pub(super) fn readings(&self) -> Vec<Vec<&str>> {
        let until_cut = self.before_cut.map_or(&*self.names, |end| &self.names[..end]);
        let after_authority = if self.has_authority { until_cut.get(1..) } else { None };
        // The cut may be in the authority, which the server drops before the cut has an effect.
        let after_cut_authority = if self.has_authority && self.before_cut.is_some() {
            self.names.get(1..)
        } else {
            None
        };
        let without_cuts = self.without_cuts.as_deref();
        let mut readings = Vec::new();
        let all = [Some(until_cut), after_authority, after_cut_authority, without_cuts];
        for names in all.into_iter().flatten() {
            readings.push(as_strs(names));
            if let Some((last, parents)) = names.split_last() {
                let stem = FORMATS.iter().find_map(|format| last.strip_suffix(format));
                readings.extend(stem.map(|stem| [as_strs(parents), vec![stem]].concat()));
            }
            // If a path names several scripts, servers differ in the script that they run.
            let is_script = |name: &String| SCRIPTS.iter().any(|s| name.ends_with(s));
            let (first, last) =
                (names.iter().position(is_script), names.iter().rposition(is_script));
            for script in first.into_iter().chain(last.filter(|last| Some(*last) != first)) {
                let (parents, rest) = (&names[..script], &names[script + 1..]);
                readings.extend([as_strs(&names[..=script]), as_strs(rest)]);
                if !parents.is_empty() && !rest.is_empty() {
                    readings.push([as_strs(parents), as_strs(rest)].concat());
                }
            }
        }
        readings
    }

    /// Returns true if the segments of `pattern`, a configured path, occur in order in the names.
    /// Other names may occur between these segments.
    ///
    /// A server that resolves a `..` only removes names. This check therefore covers every order of
    /// decoding and resolving.
    pub(super) fn contain_in_order(&self, pattern: &str) -> bool {
        let mut names = self.names.iter();
        segments(pattern).all(|segment| {
            if segment == TOKEN_SEGMENT {
                return self.has_nameless || names.next().is_some();
            }
            let expected = segment.to_lowercase();
            names.any(|name| *name == expected)
        })
    }

    /// Returns true if the names match the segments of `pattern`, a configured path with `{token}`.
    /// `{token}` matches one name, several names or no name.
    ///
    /// `{token}` matches several names only if some server reads these names as one segment. The
    /// path must therefore not have more literal segments than the pattern has segments. `{token}`
    /// matches no name only if the path has a segment without a name.
    pub(super) fn fits_split_token(&self, names: &[&str], pattern: &str) -> bool {
        let Some((before, after)) = around_token(pattern) else { return false };
        let fixed = segments(before).count() + segments(after).count();
        let fits = match names.len().checked_sub(fixed) {
            None => false,
            Some(0) => self.has_nameless,
            Some(1) => true,
            Some(_) => {
                // Some of the literal segments may be names that this reading omits.
                let left_out = self.names.len().saturating_sub(names.len());
                self.literal_segments <= fixed + 1 + left_out
            }
        };
        // An ASCII comparison is enough, because a configured path is ASCII.
        let same = |(name, segment): (&&str, &str)| name.eq_ignore_ascii_case(segment);
        fits && names.iter().zip(segments(before)).all(same)
            && names.iter().rev().zip(segments(after).rev()).all(same)
    }
}

/// Returns the text before and after `{token}` in a configured path; `None` if the path has no
/// `{token}`.
pub(crate) fn around_token(pattern: &str) -> Option<(&str, &str)> {
    // In a configured path, only `{token}` contains a brace.
    let token = pattern.find('{')?;
    Some((pattern.get(..token)?, pattern.get(token + TOKEN_SEGMENT.len()..)?))
}

/// Joins names into a path.
pub(super) fn join(names: &[impl AsRef<str>]) -> String {
    names.iter().flat_map(|name| ["/", name.as_ref()]).collect()
}

/// Returns the paths that remain if a server drops parameters or an authority before the server has
/// fully decoded the path.
///
/// For such a server, all of `;%2fx` is a parameter. A server that decodes first finds an empty
/// parameter and the segment `x`.
pub(super) fn cut_spellings(path: &str, decoded: &str) -> Vec<String> {
    let mut spellings = Vec::new();
    if !decoded.contains(';') && !decoded.starts_with("//") {
        return spellings;
    }
    for decoded in decodings(path) {
        let segments = || decoded.split('/').map(before_parameters).collect::<Vec<_>>();
        let without_parameters = decoded.contains(';').then(|| segments().join("/"));
        let authority = decoded.strip_prefix("//");
        let after_authority = authority.and_then(|text| text.get(text.find('/')?..));
        for spelling in without_parameters.into_iter().chain(after_authority.map(str::to_owned)) {
            // Two decodings that differ only within a parameter give the same spelling.
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

fn as_strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

const fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\')
}

/// Returns true for a character at which some server ends the path.
const fn is_cut(c: char) -> bool {
    matches!(c, '\0' | '?' | '#')
}

fn without(text: &str, is_dropped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&is_dropped) { text.replace(is_dropped, "").into() } else { text.into() }
}

/// Returns true if some server finds a `..` segment in the decoded path. Requires text without
/// control characters other than NUL.
fn has_parent(decoded: &str) -> bool {
    // Fast exit: two adjacent dots are rare.
    if !decoded.as_bytes().windows(2).any(|two| two == b"..") {
        return false;
    }
    let mut segments = decoded.split(|c| is_slash(c) || is_cut(c));
    segments.any(|segment| before_parameters(segment).trim_end() == "..")
}

/// Returns true if some server resolves a segment `.` or `..` of the path.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    let decoded = decode(path);
    let segments = decoded.split(|c| is_slash(c) || is_cut(c));
    let is_dots = |segment: &str| matches!(before_parameters(segment).trim(), "." | "..");
    segments.into_iter().any(is_dots)
}

fn before_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

/// Splits decoded text into names.
fn names_in(part: &str) -> impl Iterator<Item = String> {
    part.split(is_slash).map(name_of).filter(|name| !name.is_empty()).map(str::to_lowercase)
}

/// Splits decoded text into all names that some server may find. A parameter counts as a name.
pub(super) fn any_names(decoded: &str) -> impl Iterator<Item = String> {
    let text = without(decoded, |c| c.is_control());
    let names = text.split(|c| is_slash(c) || is_cut(c) || c == ';').flat_map(names_in);
    names.collect::<Vec<_>>().into_iter()
}

/// Returns true if some server finds a name in the undecoded `segment`.
fn has_name(segment: &str) -> bool {
    // Decoding the rest of the segment cannot remove an unencoded letter or digit.
    if segment.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return true;
    }
    let decoded = decode(segment);
    let text = without(&decoded, |c| c.is_control() || is_cut(c));
    text.split(is_slash).any(|part| !name_of(part).is_empty())
}

/// Returns the name of a decoded segment: the part before its parameters, without trailing dots and
/// blanks.
fn name_of(segment: &str) -> &str {
    before_parameters(segment).trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}
