//! What a callback's body says, field by field, without building a tree.
//!
//! A body is read once into an [`Object`]: the top-level names with their values as received. A
//! JSON value stays the slice of text it came as, so what is verified is what is forwarded, to the
//! last digit of a number. The rules, in the order checked:
//!
//! 1. The text is UTF-8.
//! 2. It is one JSON object (RFC 8259), or one `application/x-www-form-urlencoded` list in which
//!    every `%` starts a hex pair.
//! 3. No object, at any depth, names a member twice.
//! 4. Nothing is nested deeper than [`MAX_DEPTH`].

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How many objects and arrays may stand inside one another. The deepest sample of any platform
/// has six.
pub(crate) const MAX_DEPTH: usize = 32;

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Defect {
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
    /// The text of a JSON value.
    Json(&'a str),
    /// A form value, percent-decoded.
    Text(Cow<'a, str>),
}

/// The JSON type of a [`Value`].
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

impl<'a> Value<'a> {
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Text(_) => Shape::String,
            Self::Json(raw) => match raw.as_bytes().first() {
                Some(b'"') => Shape::String,
                Some(b'{') => Shape::Object,
                Some(b'[') => Shape::Array,
                Some(b't' | b'f') => Shape::Boolean,
                Some(b'n') => Shape::Null,
                _ => Shape::Number,
            },
        }
    }

    /// The text of a string or number; `None` for everything else.
    pub(crate) fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Json(raw) => scalar(raw, self.shape()),
        }
    }

    /// As [`Value::scalar`], of a value that is not needed any more.
    pub(crate) fn into_scalar(self) -> Option<Cow<'a, str>> {
        let shape = self.shape();
        match self {
            Self::Text(text) => Some(text),
            Self::Json(raw) => scalar(raw, shape),
        }
    }

    /// Writes the value as JSON, as it was received.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(raw) => out.extend_from_slice(raw.as_bytes()),
            Self::Text(text) => write_string(text, out),
        }
    }
}

fn scalar(raw: &str, shape: Shape) -> Option<Cow<'_, str>> {
    match shape {
        Shape::String => unquote(raw),
        Shape::Number => Some(Cow::Borrowed(raw)),
        Shape::Array | Shape::Boolean | Shape::Null | Shape::Object => None,
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

/// The members of one object, in the order received.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// Reads a JSON object.
    pub(crate) fn from_json(text: &'a str) -> Result<Self, Defect> {
        let object = Self::from_checked(text)?;
        for (_, value) in &object.members {
            check_value(value)?;
        }
        Self::of_distinct(object.members)
    }

    /// Reads a JSON object that stood in one that was read already, and so was checked.
    pub(crate) fn from_checked(text: &'a str) -> Result<Self, Defect> {
        let mut de = serde_json::Deserializer::from_str(text);
        let members = (&mut de)
            .deserialize_map(Members)
            .map_err(|e| if e.is_data() { Defect::NotAnObject } else { Defect::JsonMalformed })?;
        de.end().map_err(|_| Defect::JsonMalformed)?;
        Ok(Self { members })
    }

    /// Reads a form list.
    pub(crate) fn from_form(bytes: &'a [u8]) -> Result<Self, Defect> {
        check_form(bytes)?;
        let members = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes))
            .deserialize_map(Pairs)
            .map_err(|_| Defect::FormMalformed)?;
        Self::of_distinct(members)
    }

    fn of_distinct(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<Self, Defect> {
        match first_duplicate(members.len(), |at| &members[at].0) {
            Some(name) => Err(Defect::Duplicate(name.to_string())),
            None => Ok(Self { members }),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.iter().find_map(|(n, value)| (n == name).then_some(value))
    }

    /// The member of that name, of an object that is not needed any more.
    pub(crate) fn into_member(self, name: &str) -> Option<Value<'a>> {
        self.members.into_iter().find_map(|(n, value)| (n == name).then_some(value))
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

/// The first of `count` names that stands twice. Short lists, the rule, are compared in place; long
/// ones in `n log n`, so a body full of names cannot cost more than its length.
fn first_duplicate<'n>(count: usize, name: impl Fn(usize) -> &'n str) -> Option<&'n str> {
    const SHORT: usize = 24;
    if count <= SHORT {
        return (1..count).map(&name).enumerate().find_map(|(before, later)| {
            (0..=before).any(|earlier| name(earlier) == later).then_some(later)
        });
    }
    let mut seen = BTreeSet::new();
    (0..count).map(&name).find(|name| !seen.insert(*name))
}

/// Every `%` starts a hex pair, and the decoded text is UTF-8. The list's own parser lets both
/// pass and puts replacement characters, which would forward something else than was received.
fn check_form(bytes: &[u8]) -> Result<(), Defect> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let pair = rest.get(at + 1..at + 3).ok_or(Defect::FormMalformed)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return Err(Defect::FormMalformed);
        }
        rest = &rest[at + 3..];
    }
    percent_encoding::percent_decode(bytes).decode_utf8().map(drop).map_err(|_| Defect::InvalidUtf8)
}

/// Checks what the top level does not show: escapes, nested names and depth.
fn check_value(value: &Value<'_>) -> Result<(), Defect> {
    let Value::Json(raw) = value else { return Ok(()) };
    match value.shape() {
        Shape::Array | Shape::Object => check_nested(raw),
        Shape::String => unquote(raw).map(drop).ok_or(Defect::JsonMalformed),
        Shape::Boolean | Shape::Null | Shape::Number => Ok(()),
    }
}

/// Checks that `raw` is one JSON value, no deeper than allowed, without a name twice.
pub(crate) fn check_nested(raw: &str) -> Result<(), Defect> {
    let defect = Cell::new(None);
    let mut de = serde_json::Deserializer::from_str(raw);
    Strict { levels_left: MAX_DEPTH - 1, defect: &defect }
        .deserialize(&mut de)
        .and_then(|()| de.end())
        .map_err(|_| defect.take().unwrap_or(Defect::JsonMalformed))
}

/// The elements of a JSON array, as they came.
pub(crate) fn elements(raw: &str) -> Result<Vec<&str>, Defect> {
    let elements: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| Defect::JsonMalformed)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// A borrowed string where the input allows one.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: de::Deserializer<'de>>(self, de: D) -> Result<Self::Value, D::Error> {
        de.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(v))
    }
}

/// Members of a typical callback, so that reading one allocates its list once.
const TYPICAL_MEMBERS: usize = 24;

/// Reads a JSON object's members.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(TYPICAL_MEMBERS);
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, Value::Json(map.next_value::<&RawValue>()?.get())));
        }
        Ok(members)
    }
}

/// Reads a form list's pairs.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a form")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(TYPICAL_MEMBERS);
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, Value::Text(map.next_value_seed(Name)?)));
        }
        Ok(members)
    }
}

/// Walks a value and keeps nothing.
#[derive(Clone, Copy)]
struct Strict<'c> {
    levels_left: usize,
    defect: &'c Cell<Option<Defect>>,
}

impl Strict<'_> {
    fn fail<E: de::Error>(&self, defect: Defect) -> E {
        self.defect.set(Some(defect));
        E::custom("refused")
    }

    fn descend<E: de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left, ..self }),
            None => Err(self.fail(Defect::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.descend()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.descend()?;
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            map.next_value_seed(inner)?;
            names.push(name);
        }
        match first_duplicate(names.len(), |at| &names[at]) {
            Some(name) => Err(self.fail(Defect::Duplicate(name.to_string()))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Vec<(String, String)>, Defect> {
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
            assert_eq!(json(text), Err(Defect::Duplicate("a".into())), "{text}");
        }
    }

    #[test]
    fn refuses_a_name_twice_among_many() {
        let many: String = (0..100).map(|n| format!("\"k{n}\":0,")).collect();
        assert_eq!(json(&format!("{{{many}\"k7\":1}}")), Err(Defect::Duplicate("k7".into())));
        assert_eq!(json(&format!("{{{many}\"last\":1}}")).unwrap().len(), 101);
    }

    #[test]
    fn refuses_one_level_too_many() {
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(json(&nested(MAX_DEPTH + 1)), Err(Defect::TooDeep));
        assert_eq!(json(&nested(500_000)), Err(Defect::TooDeep));
    }

    #[test]
    fn refuses_what_is_no_object() {
        for text in ["[]", "1", "\"a\"", "null", "[[[["] {
            assert_eq!(json(text), Err(Defect::NotAnObject), "{text}");
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
            assert_eq!(json(text), Err(Defect::JsonMalformed), "{text}");
        }
    }

    #[test]
    fn decodes_a_form_and_refuses_a_broken_one() {
        let form = Object::from_form(b"a=1+2&b=%E4%B8%AD&c").unwrap();
        let text: Vec<_> =
            form.iter().map(|(n, v)| (n.to_owned(), v.scalar().unwrap().into_owned())).collect();
        assert_eq!(text, [("a", "1 2"), ("b", "中"), ("c", "")].map(|(n, v)| (n.into(), v.into())));
        let defect = |bytes: &'static [u8]| Object::from_form(bytes).unwrap_err();
        assert_eq!(defect(b"a=%"), Defect::FormMalformed);
        assert_eq!(defect(b"a=%4"), Defect::FormMalformed);
        assert_eq!(defect(b"a=%zz"), Defect::FormMalformed);
        assert_eq!(defect(b"a=%ff"), Defect::InvalidUtf8);
        assert_eq!(defect(b"a=\xff"), Defect::InvalidUtf8);
        assert_eq!(defect(b"a=1&%61=2"), Defect::Duplicate("a".into()));
    }
}
