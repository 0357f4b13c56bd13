//! The line of a fault, without secrets.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A line of a file in which `…` replaces each value that may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    /// Range of the fault in `text`, in bytes.
    pub(super) marked: Range<usize>,
}

/// The parts of a text that may be secrets. An excerpt hides these parts, except for values that
/// the code has released with [`Faults::show`](super::Faults::show).
#[derive(Debug)]
pub(super) enum Hidden {
    /// The ranges of all strings, numbers and dates.
    Values(Vec<Range<usize>>),
    /// The text is not TOML. Every word may be a secret, except a word before `=` and a word in a
    /// line that starts with `[`.
    Unread,
}

impl Hidden {
    pub(super) fn values_of(root: &DeTable<'_>) -> Self {
        let mut ranges = Vec::new();
        root.iter().for_each(|(_, value)| collect(value, &mut ranges));
        Self::Values(ranges)
    }

    /// Returns the hidden ranges of a line that starts at `start` and has the text `line`.
    fn in_line(
        &self,
        start: usize,
        line: &str,
        is_shown: &dyn Fn(usize) -> bool,
    ) -> Vec<Range<usize>> {
        match self {
            Self::Values(ranges) => {
                let end = start + line.len();
                let is_here = |range: &&Range<usize>| range.start < end && start < range.end;
                let is_hidden = |range: &&Range<usize>| !is_shown(range.start);
                ranges.iter().filter(is_here).filter(is_hidden).cloned().collect()
            }
            Self::Unread => words_of(start, line),
        }
    }
}

fn collect(value: &Spanned<DeValue<'_>>, ranges: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().for_each(|item| collect(item, ranges)),
        DeValue::Table(table) => table.iter().for_each(|(_, value)| collect(value, ranges)),
        DeValue::Boolean(_) => {}
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => {
            ranges.push(value.span())
        }
    }
}

/// Returns the ranges of the words after the first `=` of a line, or of all words if the line has
/// no `=`. Returns no ranges for a line that starts with `[`.
fn words_of(start: usize, line: &str) -> Vec<Range<usize>> {
    if line.trim_start().starts_with('[') {
        return Vec::new();
    }
    let from = line.find('=').map_or(0, |at| at + 1);
    let is_structure = |c: char| c.is_whitespace() || "[]{},=\"'".contains(c);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, c) in line.char_indices().filter(|(at, c)| *at >= from && !is_structure(*c)) {
        let (first, end) = (start + at, start + at + c.len_utf8());
        match ranges.last_mut() {
            Some(last) if last.end == first => last.end = end,
            _ => ranges.push(first..end),
        }
    }
    ranges
}

impl Excerpt {
    /// Copies the line that contains the start of `span`, without comments and hidden values.
    /// `is_shown` returns true for the byte offset at which a released value starts.
    pub(super) fn new(
        text: &str,
        span: &Range<usize>,
        hidden: &Hidden,
        is_shown: &dyn Fn(usize) -> bool,
    ) -> Self {
        let at = span.start.min(text.len());
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let ranges = hidden.in_line(start, line, is_shown);
        let quoted = match hidden {
            Hidden::Values(all) => all.clone(),
            Hidden::Unread => Vec::new(),
        };
        let mut excerpt = Self::default();
        let (mut first, mut end) = (None, None);
        for (offset, c) in line.char_indices() {
            let offset = start + offset;
            if offset == span.start {
                first = Some(excerpt.text.len());
            } else if offset == span.end {
                end = Some(excerpt.text.len());
            }
            if c == '#' && !quoted.iter().any(|range| range.contains(&offset)) {
                break;
            }
            match ranges.iter().find(|range| range.contains(&offset)) {
                Some(range) if range.start.max(start) == offset => excerpt.text.push('…'),
                Some(_) => {}
                None if c.is_control() && c != '\t' => excerpt.text.push('\u{fffd}'),
                None => excerpt.text.push(c),
            }
        }
        let kept = excerpt.text.trim_end().len();
        excerpt.text.truncate(kept);
        let first = first.unwrap_or(kept).min(kept);
        excerpt.marked = first..end.unwrap_or(kept).clamp(first, kept);
        excerpt
    }
}
