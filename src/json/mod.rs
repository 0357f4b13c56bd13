//! Reads a callback's body into a flat list of members, without building a tree.
//!
//! An [`Object`] contains the top-level names and their values. A JSON value remains a slice of the
//! received text. The app therefore receives exactly the bytes that gatepost verified: a number,
//! for example, keeps all its digits. The rules for a body:
//!
//! 1. The text is UTF-8.
//! 2. The text is one JSON object (RFC 8259), or one `application/x-www-form-urlencoded` body in
//!    which two hex digits follow every `%`.
//! 3. No object, at any depth, has two members of the same name.
//! 4. Objects and arrays have at most [`MAX_DEPTH`] levels of nesting.
//! 5. An object or a form has at most [`MAX_OBJECT_MEMBERS`] members. All objects of a body
//!    together have at most [`MAX_MEMBERS`] members, and all arrays at most [`MAX_ELEMENTS`]
//!    elements.
//!
//! A client without a key can send any body. Each function in this module therefore takes time in
//! proportion to the length of the body: no function compares every pair of names.

mod large_number;
mod member_list;
mod name;
mod plain_prefix;
mod scan;
mod surrogate;
mod value;

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::value::RawValue;

pub(crate) use large_number::quote_large_numbers;
use member_list::MemberList;
use name::NameIndex;
pub(crate) use name::{Name, NameMap};
use scan::Scan;
pub(crate) use surrogate::without_lone_surrogates;
pub(crate) use value::{Json, Shape, Value, write_string};

/// Maximum nesting depth of objects and arrays. The deepest sample callback of any platform has a
/// depth of 6.
pub(crate) const MAX_DEPTH: usize = 32;

/// Maximum number of members of an object, of fields of a form, and of parameters of a query.
///
/// The largest object of any known callback is `uservalues` of a Kollus play callback, with up to
/// 100 members.
pub(crate) const MAX_OBJECT_MEMBERS: usize = 4096;

/// Maximum number of members of all objects in a body. The sample callback with the most members is
/// from GitHub and has 558 members.
const MAX_MEMBERS: usize = 65_536;

/// Maximum number of elements of all arrays in a body. Each sample callback has at most 64
/// elements. The callback for a push to GitHub can list 2,048 commits, each with its files.
const MAX_ELEMENTS: usize = 65_536;

/// Maximum numbers of members and elements in a JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    object_members: usize,
    members: usize,
    elements: usize,
}

impl Limits {
    /// The limits of a callback: a client without a key can send any body.
    pub(crate) const CALLBACK: Self =
        Self { object_members: MAX_OBJECT_MEMBERS, members: MAX_MEMBERS, elements: MAX_ELEMENTS };

    /// No limits: for text from the operator, from the app, or from a callback after the check of
    /// its signature.
    pub(crate) const NONE: Self =
        Self { object_members: usize::MAX, members: usize::MAX, elements: usize::MAX };
}

/// Items whose count in a callback has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Elements,
    FormFields,
    Members,
    ObjectMembers,
    Parameters,
}

impl Counted {
    /// Returns an error message for the operator.
    pub(crate) fn limit(self) -> String {
        let (max, what) = match self {
            Self::Elements => (MAX_ELEMENTS, "array elements in a body"),
            Self::FormFields => (MAX_OBJECT_MEMBERS, "fields in a form"),
            Self::Members => (MAX_MEMBERS, "members in a body"),
            Self::ObjectMembers => (MAX_OBJECT_MEMBERS, "members in an object"),
            Self::Parameters => (MAX_OBJECT_MEMBERS, "parameters in a query"),
        };
        format!("expected at most {max} {what}, found more")
    }
}

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
    TooMany(Counted),
}

impl BodyError {
    /// Returns `true` if the body may be valid in another format.
    pub(crate) const fn is_other_format(&self) -> bool {
        match self {
            Self::InvalidUtf8 | Self::JsonMalformed | Self::NotAnObject => true,
            Self::Duplicate(_) | Self::FormMalformed | Self::TooDeep | Self::TooMany(_) => false,
        }
    }
}

/// A name and its value.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Value<'a>,
    /// Range of the member in the object's text, from the name's first quote to the end of the
    /// value.
    ///
    /// Empty for a member of a form, and for a member whose name has escapes. Also empty if
    /// anything but a single colon separates name and value.
    ///
    /// If adjacent members have non-empty spans, gatepost copies these members with one write.
    /// Separate writes of the members produce the same bytes.
    pub(crate) span: Span,
}

impl Member<'_> {
    /// Returns true if the text of a form's member may contain U+FFFD that `form_urlencoded` wrote
    /// in place of invalid UTF-8. A borrowed text is an unchanged part of the form.
    fn may_be_lossy(&self) -> bool {
        let has_replacement = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        let value = match &self.value {
            Value::Text(Cow::Owned(text)) => has_replacement(text),
            Value::Json(_) | Value::Text(Cow::Borrowed(_)) => false,
        };
        value || !self.name.is_borrowed() && has_replacement(self.name.text())
    }
}

/// Range of bytes in a text.
pub(crate) type Span = std::ops::Range<usize>;

/// The members of one JSON object or form, in the order received.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    text: &'a str,
    members: MemberList<'a>,
    index: NameIndex,
    /// True if the text has U+FFFD in place of lone surrogates.
    pub(crate) is_repaired: bool,
    /// True if the body is raw: gatepost reads no fields from it, so this `Object` has no members.
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
        Self::from_json_within(text, Limits::NONE)
    }

    /// Reads a JSON object that does not exceed the limits.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Object::from_json`], and an error if the object exceeds a limit.
    pub(crate) fn from_json_within(text: &'a str, limits: Limits) -> Result<Self, BodyError> {
        Self::of(text, Scan::new(text, limits).into_members()?)
    }

    /// Reads a JSON object. Replaces each lone surrogate with U+FFFD.
    ///
    /// If the text has a lone surrogate, stores the repaired text in `repaired`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Object::from_json_within`].
    pub(crate) fn from_json_repaired(
        text: &'a str,
        limits: Limits,
        repaired: &'a OnceCell<String>,
    ) -> Result<Self, BodyError> {
        let defect = match Self::from_json_within(text, limits) {
            Err(BodyError::JsonMalformed) => BodyError::JsonMalformed,
            read => return read,
        };
        let text = without_lone_surrogates(text).ok_or(defect)?;
        let object = Self::from_json_within(repaired.get_or_init(|| text), limits)?;
        Ok(Self { is_repaired: true, ..object })
    }

    /// Returns an object without members for a raw body.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is JSON that breaks one of the rules 3 to 5 of this module.
    /// Parsers may disagree about the values in such JSON.
    pub(crate) fn absent(body: &[u8]) -> Result<Self, BodyError> {
        let checked =
            std::str::from_utf8(body).map(|text| Scan::new(text, Limits::CALLBACK).check());
        match checked {
            Ok(Err(defect)) if !defect.is_other_format() => Err(defect),
            Ok(_) | Err(_) => Ok(Self { is_absent: true, ..Self::default() }),
        }
    }

    fn of(text: &'a str, members: MemberList<'a>) -> Result<Self, BodyError> {
        match NameIndex::of(&members, |member| &member.name) {
            Ok(index) => Ok(Self { text, members, index, ..Self::default() }),
            Err(duplicate) => Err(BodyError::Duplicate(duplicate.text().to_owned())),
        }
    }

    /// Reads an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    ///
    /// Returns an error for a `%` without two hex digits, for decoded text that is not UTF-8, for a
    /// duplicate name, and for too many fields.
    pub(crate) fn from_form(bytes: &'a [u8]) -> Result<Self, BodyError> {
        check_percent_signs(bytes)?;
        let mut pairs = form_urlencoded::parse(bytes);
        let mut members = MemberList::with_capacity(TYPICAL_FIELDS);
        members.extend(pairs.by_ref().take(MAX_OBJECT_MEMBERS).map(|(name, value)| Member {
            name: Name::new(name),
            value: Value::Text(value),
            span: 0..0,
        }));
        let has_more = members.len() == MAX_OBJECT_MEMBERS && pairs.next().is_some();
        if has_more || members.iter().any(Member::may_be_lossy) {
            check_utf8(bytes)?;
        }
        if has_more {
            return Err(BodyError::TooMany(Counted::FormFields));
        }
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

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

/// Initial capacity for the members of a form, so that a typical callback needs one allocation.
const TYPICAL_FIELDS: usize = 24;

/// Checks that two hex digits follow every `%`.
///
/// The crate `form_urlencoded` keeps a malformed `%` as text. Without this check, the app receives
/// text that the platform did not send.
fn check_percent_signs(bytes: &[u8]) -> Result<(), BodyError> {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let pair = rest.get(at + 1..at + 3).ok_or(BodyError::FormMalformed)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return Err(BodyError::FormMalformed);
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}

/// Checks that the decoded text is UTF-8.
#[cold]
fn check_utf8(bytes: &[u8]) -> Result<(), BodyError> {
    percent_encoding::percent_decode(bytes)
        .decode_utf8()
        .map(drop)
        .map_err(|_| BodyError::InvalidUtf8)
}

/// Checks that `raw` is one JSON value that follows rules 3 and 4 of this module. Counts the depth
/// as if the value were a member of an object.
///
/// # Errors
///
/// Returns an error for wrong syntax, for nesting that is too deep, and for a duplicate name.
pub(crate) fn check_nested(raw: &str) -> Result<(), BodyError> {
    Scan::new(raw, Limits::NONE).check()
}

/// Finds the member `name` of an object that [`Object::from_json`] or [`check_nested`] has
/// accepted.
pub(crate) fn member<'a>(object: &'a str, name: &str) -> Option<Json<'a>> {
    Scan::new(object, Limits::NONE).find(name)
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
    use proptest::prelude::*;

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

    /// Returns `count` items, separated by commas.
    fn list(count: usize, item: impl Fn(usize) -> String) -> String {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    }

    fn member_list(count: usize) -> String {
        list(count, |number| format!("\"n{number}\":0"))
    }

    fn within_limits(text: &str) -> Result<usize, BodyError> {
        Object::from_json_within(text, Limits::CALLBACK).map(|object| object.len())
    }

    #[test]
    fn refuses_one_member_more_than_the_limit_of_an_object() {
        let most = member_list(MAX_OBJECT_MEMBERS);
        let more = member_list(MAX_OBJECT_MEMBERS + 1);
        for (open, close) in [("{", "}"), ("{\"x\":{", "}}"), ("{\"x\":[[{", "}]]}")] {
            assert!(within_limits(&format!("{open}{most}{close}")).is_ok());
            let refused = within_limits(&format!("{open}{more}{close}"));
            assert_eq!(refused, Err(BodyError::TooMany(Counted::ObjectMembers)));
        }
        let array = format!("[{{{more}}}]");
        assert!(Object::absent(array.as_bytes()).is_err(), "expected an error, found none");
    }

    #[test]
    fn refuses_one_member_more_than_the_limit_of_a_body() {
        const EACH: usize = 1024;
        let object = format!("{{{}}}", member_list(EACH));
        let body = |rest: usize| {
            let objects = list(MAX_MEMBERS / EACH - 1, |_| object.clone());
            format!("{{\"x\":[{objects},{{{}}}]}}", member_list(EACH - 1 + rest))
        };
        assert!(within_limits(&body(0)).is_ok());
        assert_eq!(within_limits(&body(1)), Err(BodyError::TooMany(Counted::Members)));
    }

    #[test]
    fn refuses_one_element_more_than_the_limit_of_a_body() {
        let half = list(MAX_ELEMENTS / 2 - 1, |_| "1".into());
        assert!(within_limits(&format!("{{\"x\":[[{half}],[{half}]]}}")).is_ok());
        let refused = within_limits(&format!("{{\"x\":[[{half}],[{half},1]]}}"));
        assert_eq!(refused, Err(BodyError::TooMany(Counted::Elements)));
    }

    #[test]
    fn refuses_one_form_field_more_than_the_limit() {
        let pairs = |count| list(count, |number| format!("n{number}=1")).replace(',', "&");
        let read = |count| Object::from_form(pairs(count).as_bytes()).map(|form| form.len());
        assert_eq!(read(MAX_OBJECT_MEMBERS), Ok(MAX_OBJECT_MEMBERS));
        let refused = Err(BodyError::TooMany(Counted::FormFields));
        assert_eq!(read(MAX_OBJECT_MEMBERS + 1), refused);
    }

    #[test]
    fn finds_duplicate_among_many_names() {
        for (open, close) in [("{", "}"), ("{\"x\":{", "}}")] {
            let body = format!("{open}{},\"n0\":1{close}", member_list(MAX_OBJECT_MEMBERS - 1));
            assert_eq!(json(&body), Err(BodyError::Duplicate("n0".into())));
        }
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
    fn accepts_numbers_beyond_range_of_f64() {
        for number in ["1e400", "-1e400", &"9".repeat(400)] {
            assert!(
                json(&format!("{{\"a\":{number},\"b\":[{number}]}}")).is_ok(),
                "expected valid JSON, found an error for {number}"
            );
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
            assert!(is_plain(number), "expected a plain number, found {number}");
        }
        for number in ["-0", "1.0", "1e1", "9223372036854775808", "-9223372036854775809"] {
            assert!(!is_plain(number), "expected no plain number, found {number}");
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
    fn refuses_names_that_are_equal_after_repair() {
        let repaired = OnceCell::new();
        let read = |text| {
            Object::from_json_repaired(text, Limits::NONE, &repaired)
                .map(|object| object.is_repaired)
        };
        let duplicate = Err(BodyError::Duplicate("\u{fffd}".into()));
        assert_eq!(read(r#"{"\ud800":1,"\udbff":2}"#), duplicate);
        let repaired = OnceCell::new();
        let read = |text| {
            Object::from_json_repaired(text, Limits::NONE, &repaired)
                .map(|object| object.is_repaired)
        };
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

    proptest! {
        #[test]
        fn refuses_every_form_whose_decoded_text_is_not_utf8(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    &b"a"[..], b"&", b"=", b"+", b"%41", b"%C3", b"%A9", b"%EF%BF%BD", b"\xc3\xa9", b"\xff",
                ]),
                0..12,
            ),
        ) {
            let form = pieces.concat();
            let is_utf8 = percent_encoding::percent_decode(&form).decode_utf8().is_ok();
            let refused = Object::from_form(&form).err() == Some(BodyError::InvalidUtf8);
            prop_assert_eq!(refused, !is_utf8, "{}", form.escape_ascii());
        }
    }
}
