//! Places of values in the TOML texts that gatepost reads.

use std::ops::Range;

/// The place of a value: its text, its byte range in this text, and its full key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Index of the text among the texts that gatepost reads together.
    pub(super) text: usize,
    pub(super) span: Range<usize>,
    pub(crate) key: String,
    /// Environment variable from which the value came; `None` for a value of the text.
    pub(super) variable: Option<Box<str>>,
}

impl Place {
    pub(super) fn child(&self, key: &str, span: Range<usize>) -> Self {
        let is_bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if is_bare && !key.is_empty() { key.to_owned() } else { format!("{key:?}") };
        let key = if self.key.is_empty() { key } else { format!("{}.{key}", self.key) };
        Self { text: self.text, span, key, variable: None }
    }

    pub(super) fn element(&self, index: usize, span: Range<usize>) -> Self {
        Self { text: self.text, span, key: format!("{}[{index}]", self.key), variable: None }
    }

    /// Returns a place from the start of this place to the end of a later place in the same text.
    pub(crate) fn until(mut self, end: &Self) -> Self {
        if end.text == self.text && end.span.end > self.span.end {
            self.span.end = end.span.end;
        }
        self
    }

    /// Returns the index of the text among the texts that gatepost reads together.
    pub(crate) const fn text(&self) -> usize {
        self.text
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}
