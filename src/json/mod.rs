//! Reads a callback's body into a flat list of members, without building a tree.
//!
//! An [`Object`] contains the top-level names and their values. A JSON value remains a slice of the
//! received text. The app therefore gets exactly the bytes that gatepost verified: a number, for
//! example, keeps all its digits. The rules for a body:
//!
//! 1. The text is UTF-8.
//! 2. The text is one JSON object (RFC 8259), or one `application/x-www-form-urlencoded` body in
//!    which two hex digits follow every `%`.
//! 3. No object, at any depth, has two members of the same name.
//! 4. Objects and arrays are nested at most [`MAX_DEPTH`] deep.

mod large_number;
mod name;
mod scan;

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::value::RawValue;

pub(crate) use large_number::quote_large_numbers;
use name::NameIndex;
pub(crate) use name::{Name, NameMap};
use scan::Scan;

/// Maximum nesting depth of objects and arrays. The deepest sample callback of any platform has a
/// depth of 6.
pub(crate) const MAX_DEPTH: usize = 32;

/// Reason why gatepost cannot read a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Two members have this name.
    Duplicate(String),
    FormMalformed,
    InvalidUtf8,
    JsonMalformed,
    NotAnObject,
    TooDeep,
}

impl BodyError {
    /// Returns `true` if the body may be valid in another format.
    pub(crate) const fn is_other_format(&self) -> bool {
        match self {
            Self::InvalidUtf8 | Self::JsonMalformed | Self::NotAnObject => true,
            Self::Duplicate(_) | Self::FormMalformed | Self::TooDeep => false,
        }
    }
}

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
    /// If true, the value is a string without escapes, or an integer of at most 18 digits other
    /// than `-0`. Callers copy such a value without parsing it.
    ///
    /// If false, the value may still be such a string or integer, because [`Json::of`] always sets
    /// false.
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
fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.get(1..raw.len().checked_sub(1)?)?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Replaces each lone surrogate (`\ud83d`) with U+FFFD, or returns `None` if the text has none.
///
/// JavaScript writes a lone surrogate if a program cuts a string between the two halves of a
/// character. UTF-8 cannot encode a lone surrogate, so most JSON parsers refuse such a string.
pub(crate) fn without_lone_surrogates(text: &str) -> Option<String> {
    const REPLACEMENT: &str = "\\ufffd";
    if !text.contains("\\u") {
        return None;
    }
    let mut repaired = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let pair = surrogate(escape).zip(escape.get(REPLACEMENT.len()..).and_then(surrogate));
        let (kept, len) = match (surrogate(escape), pair) {
            (_, Some((Surrogate::High, Surrogate::Low))) => (escape, 2 * REPLACEMENT.len()),
            (Some(_), _) => (REPLACEMENT, REPLACEMENT.len()),
            // The character after the backslash may be another backslash.
            (None, _) => (escape, 1 + escape.chars().nth(1).map_or(0, char::len_utf8)),
        };
        repaired.push_str(before);
        repaired.push_str(kept.get(..len)?);
        rest = escape.get(len..)?;
    }
    repaired.push_str(rest);
    (repaired != text).then_some(repaired)
}

/// Half of a character beyond U+FFFF.
#[derive(Clone, Copy)]
enum Surrogate {
    High,
    Low,
}

/// Returns the surrogate that the text starts with, as an escape.
fn surrogate(text: &str) -> Option<Surrogate> {
    match u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()? {
        0xd800..0xdc00 => Some(Surrogate::High),
        0xdc00..0xe000 => Some(Surrogate::Low),
        _ => None,
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string into a `Vec` cannot fail.
    let _infallible = serde_json::to_writer(out, text);
}

/// A name and its value.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Value<'a>,
    /// Range of the member in the object's text, from the name's first quote to the end of the
    /// value.
    ///
    /// Empty for a form and for a name with escapes. Also empty if anything but a single colon
    /// separates name and value.
    ///
    /// If adjacent members have spans, gatepost copies these members with one write. Writing each
    /// member separately would produce the same bytes.
    pub(crate) span: Span,
}

/// Range of bytes in a text.
pub(crate) type Span = std::ops::Range<usize>;

/// The members of one JSON object or form, in the order received.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
    index: NameIndex,
    /// True if the text has U+FFFD in place of lone surrogates.
    pub(crate) is_repaired: bool,
    /// True if the body is not an object, so that the object has no members.
    pub(crate) is_absent: bool,
}

impl<'a> Object<'a> {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// Returns the first error in the text, except that any other error takes precedence over a
    /// duplicate top-level name.
    pub(crate) fn from_json(text: &'a str) -> Result<Self, BodyError> {
        Self::of(text, Scan::new(text).into_members()?)
    }

    /// Reads a JSON object. Replaces each lone surrogate with U+FFFD.
    ///
    /// Stores the repaired text in `repaired`.
    ///
    /// # Errors
    ///
    /// Returns an error as [`Object::from_json`] does.
    pub(crate) fn from_json_repaired(
        text: &'a str,
        repaired: &'a OnceCell<String>,
    ) -> Result<Self, BodyError> {
        let defect = match Self::from_json(text) {
            Err(BodyError::JsonMalformed) => BodyError::JsonMalformed,
            read => return read,
        };
        let text = without_lone_surrogates(text).ok_or(defect)?;
        let object = Self::from_json(repaired.get_or_init(|| text))?;
        Ok(Self { is_repaired: true, ..object })
    }

    /// Returns an object without members for a body that is not an object.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is JSON that breaks rule 3 or 4 of this module: parsers would
    /// disagree about its values.
    pub(crate) fn absent(body: &[u8]) -> Result<Self, BodyError> {
        let checked = std::str::from_utf8(body).map(check_nested);
        match checked {
            Ok(Err(defect)) if !defect.is_other_format() => Err(defect),
            Ok(_) | Err(_) => Ok(Self { is_absent: true, ..Self::default() }),
        }
    }

    fn of(text: &'a str, members: Vec<Member<'a>>) -> Result<Self, BodyError> {
        match NameIndex::of(&members, |member| &member.name) {
            Ok(index) => Ok(Self { text, members, index, ..Self::default() }),
            Err(duplicate) => Err(BodyError::Duplicate(duplicate.text().to_owned())),
        }
    }

    /// Reads an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    ///
    /// Returns an error if a `%` is not followed by two hex digits, if the decoded text is not
    /// UTF-8, or if a name occurs twice.
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

    /// Returns the JSON text of the object; empty for a form.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member<'a>> {
        self.members.iter()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|member| (member.name.text(), &member.value))
    }

    /// Returns the value of the member with the given name.
    pub(crate) fn find(&self, name: &Name<'_>) -> Option<&Value<'a>> {
        let member = self.index.find(name, &self.members, |member| &member.name)?;
        Some(&member.value)
    }

    /// Does the same as [`Object::find`], but takes the name as text.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.find(&Name::new(name))
    }

    /// Consumes the object and returns the value of the member with the given name.
    pub(crate) fn into_member(self, name: &str) -> Option<Value<'a>> {
        let mut members = self.members.into_iter();
        members.find(|member| member.name.text() == name).map(|member| member.value)
    }

    pub(crate) const fn len(&self) -> usize {
        self.members.len()
    }
}

/// Initial capacity for the members of a form, so that a typical callback needs one allocation.
const TYPICAL_FIELDS: usize = 24;

/// Checks that two hex digits follow every `%` and that the decoded text is UTF-8.
///
/// The crate `form_urlencoded` also accepts other text: the crate keeps a malformed `%`, and
/// replaces invalid UTF-8 with U+FFFD. The app would then receive text that the platform did not
/// send.
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

/// Checks that `raw` is one JSON value that follows rules 3 and 4 of this module. Counts the depth
/// as for the value of a top-level member.
///
/// # Errors
///
/// Returns an error if the syntax is wrong, if the nesting is too deep, or if a name occurs twice.
pub(crate) fn check_nested(raw: &str) -> Result<(), BodyError> {
    Scan::new(raw).check()
}

/// Splits a JSON array into its elements as received.
///
/// Does not check the elements for depth or duplicate names.
///
/// # Errors
///
/// Returns [`BodyError::JsonMalformed`] if `raw` is not an array.
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
    fn keeps_digits_of_numbers_and_order_of_members() {
        let text = r#"{"b":1810089.20,"a":92233720368547758079,"c":[ 1 , "\u00e9" ]}"#;
        let members = json(text).unwrap();
        let expected =
            [("b", "1810089.20"), ("a", "92233720368547758079"), ("c", r#"[ 1 , "\u00e9" ]"#)];
        assert_eq!(members, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn refuses_duplicate_name_at_any_depth() {
        for text in
            [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[[{"a":1,"\u0061":2}]]}"#]
        {
            assert_eq!(json(text), Err(BodyError::Duplicate("a".into())), "{text}");
        }
    }

    #[test]
    fn refuses_duplicate_name_in_a_long_object() {
        let many: String = (0..100).map(|n| format!("\"k{n}\":0,")).collect();
        assert_eq!(json(&format!("{{{many}\"k7\":1}}")), Err(BodyError::Duplicate("k7".into())));
        assert_eq!(json(&format!("{{{many}\"last\":1}}")).unwrap().len(), 101);
    }

    #[test]
    fn refuses_one_level_beyond_the_maximum_depth() {
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(json(&nested(MAX_DEPTH + 1)), Err(BodyError::TooDeep));
        assert_eq!(json(&nested(500_000)), Err(BodyError::TooDeep));
        // `check_nested` counts the object around the value as one level.
        let list = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check_nested(&list(MAX_DEPTH - 1)), Ok(()));
        assert_eq!(check_nested(&list(MAX_DEPTH)), Err(BodyError::TooDeep));
    }

    #[test]
    fn accepts_numbers_beyond_f64() {
        for number in ["1e400", "-1e400", &"9".repeat(400)] {
            assert!(json(&format!("{{\"a\":{number},\"b\":[{number}]}}")).is_ok(), "{number}");
        }
    }

    #[test]
    fn integer_is_plain_up_to_18_digits() {
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
    fn refuses_json_other_than_an_object() {
        for text in ["[]", "1", "\"a\"", "null", "[[[["] {
            assert_eq!(json(text), Err(BodyError::NotAnObject), "{text}");
        }
    }

    #[test]
    fn refuses_malformed_json() {
        let malformed = [
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
        for text in malformed {
            assert_eq!(json(text), Err(BodyError::JsonMalformed), "{text}");
        }
    }

    #[test]
    fn replaces_lone_surrogates_only() {
        for (text, repaired) in [
            (r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#)),
            (
                r#"{"a":"\uDE00x","b":["\ud83d\ud83d\ude00"]}"#,
                Some(r#"{"a":"\ufffdx","b":["\ufffd\ud83d\ude00"]}"#),
            ),
            (r#"{"\ud83d\n":1}"#, Some(r#"{"\ufffd\n":1}"#)),
            (r#"{"a":"\ud83d\ude00 \\ud83d \u00e9"}"#, None),
            (r#"{"a":"\u+83d"}"#, None),
            ("{\"a\":\"\\é\\", None),
            (r#"{"a":"\ud8"#, None),
        ] {
            assert_eq!(without_lone_surrogates(text).as_deref(), repaired, "{text}");
        }
    }

    #[test]
    fn refuses_names_that_are_equal_after_repair() {
        let repaired = OnceCell::new();
        let read =
            |text| Object::from_json_repaired(text, &repaired).map(|object| object.is_repaired);
        let duplicate = Err(BodyError::Duplicate("\u{fffd}".into()));
        assert_eq!(read(r#"{"\ud800":1,"\udbff":2}"#), duplicate);
        let repaired = OnceCell::new();
        let read =
            |text| Object::from_json_repaired(text, &repaired).map(|object| object.is_repaired);
        assert_eq!(read(r#"{"a":1}"#), Ok(false));
        assert_eq!(read(r#"{"\ud800":1,"a":2}"#), Ok(true));
        assert_eq!(read(r#"{"a":01}"#), Err(BodyError::JsonMalformed));
    }

    #[test]
    fn decodes_form_and_refuses_malformed_form() {
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
