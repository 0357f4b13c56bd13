//! What a callback's body says, field by field, without building a tree.
//!
//! A body is read once into an [`Object`]: the top-level names with their values as received. A
//! JSON value stays the slice of text it came as, so what is verified is what is forwarded, to the
//! last digit of a number. The rules, in the order in which the text is read:
//!
//! 1. The text is UTF-8.
//! 2. It is one JSON object (RFC 8259), or one `application/x-www-form-urlencoded` list in which
//!    every `%` starts a hex pair.
//! 3. No object, at any depth, names a member twice.
//! 4. Nothing is nested deeper than [`MAX_DEPTH`].

mod name;
mod scan;

use std::borrow::Cow;

use serde_json::value::RawValue;

use name::Places;
pub(crate) use name::{ByName, Name};
use scan::Scan;

/// How many objects and arrays may stand inside one another. The deepest sample of any platform
/// has six.
pub(crate) const MAX_DEPTH: usize = 32;

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    Duplicate(String),
    FormMalformed,
    InvalidUtf8,
    JsonMalformed,
    NotAnObject,
    TooDeep,
}

/// One value as received.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Json(Json<'a>),
    /// A form value, percent-decoded.
    Text(Cow<'a, str>),
}

/// The text of a JSON value that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    pub(crate) text: &'a str,
    pub(crate) shape: Shape,
    /// A string without escapes, or a whole number of 64 bits in its own digits.
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
    /// Of text that was checked.
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

    /// The text of a string or number; `None` for everything else.
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
    /// Of JSON text that was checked.
    pub(crate) fn json(text: &'a str) -> Self {
        Self::Json(Json::of(text))
    }

    pub(crate) const fn shape(&self) -> Shape {
        match self {
            Self::Text(_) => Shape::String,
            Self::Json(json) => json.shape,
        }
    }

    /// The text of a string or number; `None` for everything else.
    pub(crate) fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Json(json) => json.scalar(),
        }
    }

    /// As [`Value::scalar`], of a value that is not needed any more.
    pub(crate) fn into_scalar(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(json) => json.scalar(),
        }
    }

    /// Writes the value as JSON, as it was received.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(json) => out.extend_from_slice(json.text.as_bytes()),
            Self::Text(text) => write_string(text, out),
        }
    }
}

/// The text of a JSON string literal, or `None` if an escape in it stands for no character.
fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.get(1..raw.len().checked_sub(1)?)?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a str into a Vec has no way to fail.
    let _infallible = serde_json::to_writer(out, text);
}

/// A name, and its value.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Value<'a>,
    /// Where both stand in the object's text, if there they are as they would be written again:
    /// the name without escapes, and nothing but a colon behind it. Otherwise empty.
    pub(crate) span: Span,
}

/// From the first byte up to the one behind the last.
pub(crate) type Span = std::ops::Range<usize>;

/// The members of one object, in the order received.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
    places: Places,
}

impl<'a> Object<'a> {
    /// Reads a JSON object.
    pub(crate) fn from_json(text: &'a str) -> Result<Self, BodyError> {
        Self::of(text, Scan::new(text).into_members()?)
    }

    fn of(text: &'a str, members: Vec<Member<'a>>) -> Result<Self, BodyError> {
        match Places::of(&members, |member| &member.name) {
            Ok(places) => Ok(Self { text, members, places }),
            Err(twice) => Err(BodyError::Duplicate(twice.text().to_owned())),
        }
    }

    /// Reads a form list.
    pub(crate) fn from_form(bytes: &'a [u8]) -> Result<Self, BodyError> {
        check_form(bytes)?;
        let pairs = form_urlencoded::parse(bytes);
        let mut members = Vec::with_capacity(TYPICAL_FIELDS);
        members.extend(pairs.map(|(name, value)| Member {
            name: Name::new(name),
            value: Value::Text(value),
            span: 0..0,
        }));
        Self::of("", members)
    }

    /// The text that it was read from, if that was JSON.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members.iter()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|member| (member.name.text(), &member.value))
    }

    /// The member of that name.
    pub(crate) fn find(&self, name: &Name<'_>) -> Option<&Value<'a>> {
        let member = self.places.find(name, &self.members, |member| &member.name)?;
        Some(&member.value)
    }

    /// As [`Object::find`], by a name that is looked for once.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.find(&Name::new(name))
    }

    /// The member of that name, of an object that is not needed any more.
    pub(crate) fn into_member(self, name: &str) -> Option<Value<'a>> {
        let mut members = self.members.into_iter();
        members.find(|member| member.name.text() == name).map(|member| member.value)
    }

    pub(crate) const fn len(&self) -> usize {
        self.members.len()
    }
}

/// Capacity for the members of a form: a typical callback needs one allocation.
const TYPICAL_FIELDS: usize = 24;

/// Every `%` starts a hex pair, and the decoded text is UTF-8. The list's own parser lets both
/// pass and puts replacement characters, which would forward something else than was received.
fn check_form(bytes: &[u8]) -> Result<(), BodyError> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let pair = rest.get(at + 1..at + 3).ok_or(BodyError::FormMalformed)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return Err(BodyError::FormMalformed);
        }
        rest = &rest[at + 3..];
    }
    percent_encoding::percent_decode(bytes)
        .decode_utf8()
        .map(drop)
        .map_err(|_| BodyError::InvalidUtf8)
}

/// Checks that `raw` is one JSON value, no deeper than allowed, without a name twice.
pub(crate) fn check_nested(raw: &str) -> Result<(), BodyError> {
    Scan::new(raw).check()
}

/// The elements of a JSON array, as they came and unchecked.
pub(crate) fn elements(raw: &str) -> Result<Vec<&str>, BodyError> {
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|_| BodyError::JsonMalformed)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Vec<(String, String)>, BodyError> {
        Object::from_json(text).map(|object| {
            let raw = |value: &Value<'_>| {
                let mut out = Vec::new();
                value.write(&mut out);
                String::from_utf8(out).unwrap()
            };
            object.iter().map(|(name, value)| (name.to_owned(), raw(value))).collect()
        })
    }

    #[test]
    fn keeps_every_digit_and_the_order() {
        let text = r#"{"b":1810089.20,"a":92233720368547758079,"c":[ 1 , "\u00e9" ]}"#;
        let members = json(text).unwrap();
        let expected =
            [("b", "1810089.20"), ("a", "92233720368547758079"), ("c", r#"[ 1 , "\u00e9" ]"#)];
        assert_eq!(members, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn refuses_a_name_twice_at_any_depth() {
        for text in
            [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[[{"a":1,"\u0061":2}]]}"#]
        {
            assert_eq!(json(text), Err(BodyError::Duplicate("a".into())), "{text}");
        }
    }

    #[test]
    fn refuses_a_name_twice_among_many() {
        let many: String = (0..100).map(|n| format!("\"k{n}\":0,")).collect();
        assert_eq!(json(&format!("{{{many}\"k7\":1}}")), Err(BodyError::Duplicate("k7".into())));
        assert_eq!(json(&format!("{{{many}\"last\":1}}")).unwrap().len(), 101);
    }

    #[test]
    fn refuses_one_level_too_many() {
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(json(&nested(MAX_DEPTH + 1)), Err(BodyError::TooDeep));
        assert_eq!(json(&nested(500_000)), Err(BodyError::TooDeep));
        // A value that is text in a field stands in an object all the same.
        let list = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check_nested(&list(MAX_DEPTH - 1)), Ok(()));
        assert_eq!(check_nested(&list(MAX_DEPTH)), Err(BodyError::TooDeep));
    }

    #[test]
    fn refuses_a_nested_number_that_no_app_can_hold() {
        let digits = |count: usize| format!("{{\"a\":[1{}]}}", "0".repeat(count - 1));
        assert!(json(&digits(309)).is_ok(), "1e308");
        assert_eq!(json(&digits(310)), Err(BodyError::JsonMalformed));
    }

    #[test]
    fn a_number_is_plain_while_it_surely_has_64_bits() {
        let is_plain = |number: &str| {
            let text = format!("{{\"n\":{number}}}");
            let object = Object::from_json(&text).unwrap();
            matches!(object.get("n"), Some(Value::Json(Json { is_plain: true, .. })))
        };
        for number in ["0", "7", "-7", "999999999999999999", "-999999999999999999"] {
            assert!(is_plain(number), "{number}");
        }
        for number in ["-0", "1.0", "1e1", "9223372036854775808", "-9223372036854775809"] {
            assert!(!is_plain(number), "{number}");
        }
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in ["[]", "1", "\"a\"", "null", "[[[["] {
            assert_eq!(json(text), Err(BodyError::NotAnObject), "{text}");
        }
    }

    #[test]
    fn refuses_broken_json() {
        let broken = [
            "",
            "{",
            r#"{"a":1}x"#,
            r#"{"a":01}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":{"b":"\ud800"}}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1,}"#,
            r#"{a:1}"#,
            r#"{"a":NaN}"#,
        ];
        for text in broken {
            assert_eq!(json(text), Err(BodyError::JsonMalformed), "{text}");
        }
    }

    #[test]
    fn decodes_a_form_and_refuses_a_broken_one() {
        let form = Object::from_form(b"a=1+2&b=%E4%B8%AD&c").unwrap();
        let text: Vec<_> =
            form.iter().map(|(n, v)| (n.to_owned(), v.scalar().unwrap().into_owned())).collect();
        assert_eq!(text, [("a", "1 2"), ("b", "中"), ("c", "")].map(|(n, v)| (n.into(), v.into())));
        let defect = |bytes: &'static [u8]| Object::from_form(bytes).unwrap_err();
        assert_eq!(defect(b"a=%"), BodyError::FormMalformed);
        assert_eq!(defect(b"a=%4"), BodyError::FormMalformed);
        assert_eq!(defect(b"a=%zz"), BodyError::FormMalformed);
        assert_eq!(defect(b"a=%ff"), BodyError::InvalidUtf8);
        assert_eq!(defect(b"a=\xff"), BodyError::InvalidUtf8);
        assert_eq!(defect(b"a=1&%61=2"), BodyError::Duplicate("a".into()));
    }
}
