//! Values of members: JSON text as received, or decoded form text.

use std::borrow::Cow;

use super::plain_prefix::plain_prefix_len;

/// The value of a member: JSON text as received, or decoded form text.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Json(Json<'a>),
    /// A form value, percent-decoded.
    Text(Cow<'a, str>),
}

/// A JSON value as a slice of the received text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    pub(crate) text: &'a str,
    pub(crate) shape: Shape,
    /// True only for a string without escapes, and for an integer of at most 18 digits other than
    /// `-0`. Callers copy such a value without parsing it.
    ///
    /// [`Json::of`] sets false for every value.
    pub(crate) is_plain: bool,
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Boolean,
    Null,
    Number,
    Object,
    String,
}

impl Shape {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

impl<'a> Json<'a> {
    /// Wraps the text of a valid JSON value.
    pub(crate) fn of(text: &'a str) -> Self {
        let shape = match text.as_bytes().first() {
            Some(b'"') => Shape::String,
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b't' | b'f') => Shape::Boolean,
            Some(b'n') => Shape::Null,
            _ => Shape::Number,
        };
        Self { text, shape, is_plain: false }
    }

    /// Returns the text of a string or number, or `None` for any other value.
    fn scalar(self) -> Option<Cow<'a, str>> {
        match self.shape {
            Shape::String if self.is_plain => {
                self.text.get(1..self.text.len() - 1).map(Cow::Borrowed)
            }
            Shape::String => unquote(self.text),
            Shape::Number => Some(Cow::Borrowed(self.text)),
            Shape::Array | Shape::Boolean | Shape::Null | Shape::Object => None,
        }
    }
}

impl<'a> Value<'a> {
    /// Wraps the text of a valid JSON value.
    pub(crate) fn json(text: &'a str) -> Self {
        Self::Json(Json::of(text))
    }

    pub(crate) const fn shape(&self) -> Shape {
        match self {
            Self::Text(_) => Shape::String,
            Self::Json(json) => json.shape,
        }
    }

    /// Returns the text of a string or number, or `None` for any other value.
    pub(crate) fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Json(json) => json.scalar(),
        }
    }

    /// Does the same as [`Value::scalar`], but consumes the value.
    pub(crate) fn into_scalar(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(json) => json.scalar(),
        }
    }

    /// Writes the value as JSON: a JSON value as received, a form value as a string.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(json) => out.extend_from_slice(json.text.as_bytes()),
            Self::Text(text) => write_string(text, out),
        }
    }
}

/// Decodes a JSON string literal. Returns `None` for an invalid escape, such as an unpaired
/// surrogate (`\ud800`).
pub(super) fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.get(1..raw.len().checked_sub(1)?)?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Nearly all strings need no escapes.
    if plain_prefix_len(text.as_bytes()) == text.len() {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    // Writing a string into a `Vec` cannot fail.
    let _infallible = serde_json::to_writer(out, text);
}
