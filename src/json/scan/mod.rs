//! Scanner of JSON text (RFC 8259), which reads the text in one pass and builds no tree.
//!
//! The result is the list of top-level members with their values as slices of the text. The scanner
//! checks nested values, but does not store these values.
//!
//! The scanner accepts the same objects as `serde_json`, except objects with duplicate names, with
//! more than [`MAX_DEPTH`] levels, or beyond the [`Limits`]. It also accepts numbers outside the
//! range of `f64`. Property tests below compare the scanner with `serde_json`.
//!
//! With `serde_json`, gatepost needs a second pass to check the contents of the raw values. With
//! this scanner, reading a `push` callback takes 7,500 instructions instead of 12,400 (callgrind).

mod find;
mod scalar;

use super::member_list::MemberList;
use super::name::first_duplicate;
use super::value::unquote;
use super::{BodyError, Counted, Json, Limits, MAX_DEPTH, Member, Name, Shape, Span, Value};

/// A text, and the position of the scanner in the text.
///
/// Methods consume text by moving `pos`. If a method fails, the scan ends and `pos` has no
/// meaning.
pub(super) struct Scan<'a> {
    text: &'a str,
    pos: usize,
    /// Error that the scan reports if a method returns [`Stop`].
    defect: BodyError,
    /// Names of the members of the open inner objects. The names of the innermost object are last.
    ///
    /// One list serves all inner objects, so that a body of many small objects causes few
    /// allocations.
    names: Vec<Name<'a>>,
    /// Limits for the rest of the text.
    left: Limits,
}

/// Error that ends a scan. [`Scan::defect`] contains the reason.
///
/// The type has no fields, so that the results of the scanner's methods fit into registers.
struct Stop;

type Scanned<T> = Result<T, Stop>;

/// Length of a typical member, used to estimate the initial capacity of the member list.
const TYPICAL_MEMBER_BYTES: usize = 16;
/// Maximum initial capacity of the member list.
///
/// A [`Member`] takes more memory than the text of the member. A large body without members must
/// therefore not reserve memory in proportion to the body's length.
const MAX_INITIAL_MEMBERS: usize = 32;

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str, limits: Limits) -> Self {
        Self { text, pos: 0, defect: BodyError::JsonMalformed, names: Vec::new(), left: limits }
    }

    /// Scans the text as one object and returns its members.
    ///
    /// Does not check the top-level names for duplicates.
    pub(super) fn into_members(mut self) -> Result<MemberList<'a>, BodyError> {
        self.whole_object().map_err(|Stop| self.defect)
    }

    /// Checks that the text is one valid value. Counts the depth as for a member of an object.
    pub(super) fn check(mut self) -> Result<(), BodyError> {
        self.skip_blanks();
        let value = self.value(MAX_DEPTH - 1);
        value.and_then(|_| self.end()).map_err(|Stop| self.defect)
    }

    fn whole_object(&mut self) -> Scanned<MemberList<'a>> {
        self.skip_blanks();
        match self.peek() {
            b'{' => {}
            b'[' => return self.fail(BodyError::NotAnObject),
            _ => {
                self.value(MAX_DEPTH)?;
                return self.fail(BodyError::NotAnObject);
            }
        }
        let capacity = (self.text.len() / TYPICAL_MEMBER_BYTES).min(MAX_INITIAL_MEMBERS);
        let mut members = MemberList::with_capacity(capacity);
        self.object(MAX_DEPTH, |_, name, value, span| {
            members.push(Member { name, value: Value::Json(value), span });
            Ok(())
        })?;
        self.end()?;
        Ok(members)
    }

    #[cold]
    fn fail<T>(&mut self, defect: BodyError) -> Scanned<T> {
        self.defect = defect;
        Err(Stop)
    }

    fn end(&mut self) -> Scanned<()> {
        self.skip_blanks();
        if self.pos == self.text.len() { Ok(()) } else { Err(Stop) }
    }

    /// Returns the next byte, or 0 at the end.
    ///
    /// Valid JSON text contains no 0 byte, so callers need not check for the end.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.pos).copied().unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.pos..).unwrap_or_default()
    }

    /// Returns the text between two positions. Both positions must be character boundaries.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Skips white space. White space is rare, so only the test of the first byte is inline.
    #[inline(always)]
    fn skip_blanks(&mut self) {
        if self.peek() <= b' ' {
            self.skip_found_blanks();
        }
    }

    #[inline(never)]
    fn skip_found_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.pos += 1;
        }
    }

    /// Consumes a comma or the closing bracket `end`. Returns true for a comma.
    fn has_next(&mut self, end: u8) -> Scanned<bool> {
        self.skip_blanks();
        let next = self.peek();
        self.pos += 1;
        if next == b',' || next == end { Ok(next == b',') } else { Err(Stop) }
    }

    /// Consumes the opening bracket of an object or array. If the closing bracket `end` follows,
    /// consumes the closing bracket, too, and returns true.
    fn opens_empty(&mut self, end: u8) -> bool {
        self.pos += 1;
        self.skip_blanks();
        let is_empty = self.peek() == end;
        self.pos += usize::from(is_empty);
        is_empty
    }

    /// Consumes an object that has at most `levels` levels of nesting. The object itself is the
    /// first level. Calls `take` with each member.
    fn object(
        &mut self,
        levels: usize,
        mut take: impl FnMut(&mut Self, Name<'a>, Json<'a>, Span) -> Scanned<()>,
    ) -> Scanned<()> {
        let Some(levels) = levels.checked_sub(1) else { return self.fail(BodyError::TooDeep) };
        if self.opens_empty(b'}') {
            return Ok(());
        }
        let mut count = 0;
        loop {
            count += 1;
            if count > self.left.object_members {
                return self.fail(BodyError::TooMany(Counted::ObjectMembers));
            }
            self.skip_blanks();
            let from = self.pos;
            let name = self.name()?;
            let name_end = self.pos;
            self.skip_blanks();
            if self.peek() != b':' {
                return Err(Stop);
            }
            self.pos += 1;
            self.skip_blanks();
            let is_compact = name.is_borrowed() && self.pos == name_end + 1;
            let value = self.value(levels)?;
            let span = if is_compact { from..self.pos } else { 0..0 };
            take(self, name, value, span)?;
            if !self.has_next(b'}')? {
                return self.count_members(count);
            }
        }
    }

    /// Counts the members of an object toward the limit of the body.
    fn count_members(&mut self, count: usize) -> Scanned<()> {
        match self.left.members.checked_sub(count) {
            Some(left) => self.left.members = left,
            None => return self.fail(BodyError::TooMany(Counted::Members)),
        }
        Ok(())
    }

    /// Consumes a name and decodes its escapes.
    #[inline(always)]
    fn name(&mut self) -> Scanned<Name<'a>> {
        let from = self.pos;
        if self.peek() != b'"' {
            return Err(Stop);
        }
        if self.string()? {
            return Ok(Name::new(self.slice(from + 1, self.pos - 1)));
        }
        unquote(self.slice(from, self.pos)).map(Name::new).ok_or(Stop)
    }

    /// Consumes a value that has at most `levels` levels of nesting.
    ///
    /// Handles strings and numbers inline, because nearly all values are strings or numbers.
    #[inline(always)]
    fn value(&mut self, levels: usize) -> Scanned<Json<'a>> {
        let from = self.pos;
        let (shape, is_plain) = match self.peek() {
            b'"' => (Shape::String, self.string()?),
            b'-' | b'0'..=b'9' => (Shape::Number, self.number()?),
            first => (self.rarer_value(first, levels)?, false),
        };
        Ok(Json { text: self.slice(from, self.pos), shape, is_plain })
    }

    #[inline(never)]
    fn rarer_value(&mut self, first: u8, levels: usize) -> Scanned<Shape> {
        match first {
            b'{' => self.inner_object(levels).map(|()| Shape::Object),
            b'[' => self.array(levels).map(|()| Shape::Array),
            b't' => self.literal(b"true").map(|()| Shape::Boolean),
            b'f' => self.literal(b"false").map(|()| Shape::Boolean),
            b'n' => self.literal(b"null").map(|()| Shape::Null),
            _ => Err(Stop),
        }
    }

    fn inner_object(&mut self, levels: usize) -> Scanned<()> {
        let first = self.names.len();
        self.object(levels, |scan, name, _, _| {
            scan.names.push(name);
            Ok(())
        })?;
        let names = self.names.get(first..).unwrap_or_default();
        if let Some(duplicate) = first_duplicate(names) {
            let defect = BodyError::Duplicate(duplicate.text().to_owned());
            return self.fail(defect);
        }
        self.names.truncate(first);
        Ok(())
    }

    fn array(&mut self, levels: usize) -> Scanned<()> {
        let Some(levels) = levels.checked_sub(1) else { return self.fail(BodyError::TooDeep) };
        let mut has_next = !self.opens_empty(b']');
        while has_next {
            let Some(left) = self.left.elements.checked_sub(1) else {
                return self.fail(BodyError::TooMany(Counted::Elements));
            };
            self.left.elements = left;
            self.skip_blanks();
            self.value(levels)?;
            has_next = self.has_next(b']')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::json::Object;

    /// Generates JSON values, each with at most one random edit, so that many texts are valid and
    /// most other texts are nearly valid.
    fn texts() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?",
            "\"[a-c\\\\/\"né\\u{1}\\u{7f}ud8]{0,20}\"",
            "\"(\\\\u(d83d|de00|00e9|0061|[0-9a-f]{0,4})|\\\\[\"\\\\/bfnrtx]|[a-zé]){0,6}\"",
            "true|false|null|nul|tru e",
            "[-+0-9.eE]{1,6}",
        ];
        let value = scalar.prop_recursive(5, 40, 6, |inner| {
            let name = "[ \n]?\"(a|b|c|\\\\u0061|[a-z]{5,30})\"[ \t]?";
            let member = (name, inner.clone()).prop_map(|(n, value)| format!("{n}:{value}"));
            let list = |items: Vec<String>, around: [&str; 2]| {
                format!("{}{}{}", around[0], items.join(","), around[1])
            };
            let blanks = || "[ \r]?";
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(move |items| list(items, ["[", "]"])),
                (prop::collection::vec(member, 0..5), blanks()).prop_map(move |(items, blank)| {
                    list(items, ["{", &format!("{blank}}}{blank}")])
                }),
            ]
        });
        let edits =
            prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}\",:\\\\ 0e]"), 0..2);
        (value, edits).prop_map(|(mut text, edits)| {
            for (at, with) in edits {
                let at = at.index(text.len() + 1);
                if text.is_char_boundary(at) {
                    text.insert_str(at, &with);
                }
            }
            text
        })
    }

    /// Reads the members of an object with `serde_json`, in order.
    fn expected_members(text: &str) -> serde_json::Result<Vec<(String, String)>> {
        struct MemberScan;
        impl<'de> serde::de::Visitor<'de> for MemberScan {
            type Value = Vec<(String, String)>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                    members.push((name, raw.get().to_owned()));
                }
                Ok(members)
            }
        }
        let mut de = serde_json::Deserializer::from_str(text);
        let members = serde::Deserializer::deserialize_map(&mut de, MemberScan)?;
        de.end().map(|()| members)
    }

    /// Parses the value with `serde_json`; `None` if a number is outside the range that
    /// `serde_json` accepts.
    fn parse_value(raw: &str) -> Option<serde_json::Result<serde_json::Value>> {
        let parsed = serde_json::from_str(raw);
        let is_out_of_range =
            |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        (!parsed.as_ref().is_err_and(is_out_of_range)).then_some(parsed)
    }

    #[test]
    fn accepts_the_string_bytes_that_serde_json_accepts_at_any_offset() {
        for byte in 0..0x80_u8 {
            for (before, after) in (0..18).flat_map(|n| (0..10).map(move |m| (n, m))) {
                let (before, byte) = ("x".repeat(before), char::from(byte));
                let text = format!("\"{before}{byte}{}\"", "x".repeat(after));
                let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(Scan::new(&text, Limits::NONE).check().is_ok(), expected, "{text:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        #[test]
        fn reads_the_members_that_serde_json_reads(text in texts()) {
            let object = Object::from_json(&text);
            let expected = expected_members(&text);
            let values: Option<Vec<_>> = expected
                .iter()
                .flatten()
                .map(|(_, raw)| parse_value(raw))
                .collect();
            let Some(values) = values else { return Ok(()) };
            let are_valid = expected.is_ok() && values.iter().all(Result::is_ok);
            match (&object, &expected) {
                (Ok(object), Ok(expected)) => {
                    prop_assert!(are_valid);
                    let members = object.members().map(|member| {
                        let Value::Json(json) = &member.value else {
                            panic!("expected JSON, found {member:?}")
                        };
                        (member.name.text().to_owned(), json.text.to_owned())
                    });
                    prop_assert_eq!(&members.collect::<Vec<_>>(), expected);
                }
                (Err(BodyError::Duplicate(_)), _) => {}
                (Err(BodyError::NotAnObject), _) => prop_assert!(expected.is_err()),
                (Err(_), _) => prop_assert!(!are_valid, "expected an object, found {:?}", object),
                (Ok(_), Err(error)) => prop_assert!(false, "expected {error}, found {object:?}"),
            }
        }

        #[test]
        fn write_string_writes_the_same_text_as_serde_json(text in "[a-c\\\\\"é\u{1}\u{7f}\n]{0,20}") {
            let mut written = Vec::new();
            crate::json::write_string(&text, &mut written);
            prop_assert_eq!(written, serde_json::to_vec(&text).unwrap());
        }

        #[test]
        fn find_returns_the_members_that_the_scan_returns(text in texts()) {
            let Ok(object) = Object::from_json(&text) else { return Ok(()) };
            for (name, value) in object.iter() {
                let Value::Json(json) = value else { panic!("expected JSON, found {value:?}") };
                let found = super::super::member(&text, name);
                prop_assert_eq!(found.map(|found| (found.text, found.shape)), Some((json.text, json.shape)));
            }
            prop_assert!(super::super::member(&text, "no such name").is_none());
        }

        #[test]
        fn check_nested_accepts_the_values_that_serde_json_accepts(text in texts()) {
            let Some(value) = parse_value(&text) else { return Ok(()) };
            match super::super::check_nested(&text) {
                Err(BodyError::Duplicate(_)) => {}
                checked => prop_assert_eq!(checked.is_ok(), value.is_ok()),
            }
        }

        #[test]
        fn reports_correct_shape_plainness_and_span(text in texts()) {
            let Ok(object) = Object::from_json(&text) else { return Ok(()) };
            for Member { name, value, span } in object.members() {
                let Value::Json(json) = value else { panic!("expected JSON, found {value:?}") };
                prop_assert_eq!(json.shape, Json::of(json.text).shape);
                let Some(parsed) = parse_value(json.text) else { continue };
                match json.shape {
                    Shape::Number => {
                        let number = json.text.parse::<i64>().ok();
                        let is_shortest = number.is_some_and(|n| n.to_string() == json.text);
                        prop_assert!(is_shortest || !json.is_plain);
                        prop_assert!(json.is_plain || !is_shortest || json.text.len() > 18);
                    }
                    Shape::String => prop_assert_eq!(json.is_plain, !json.text.contains('\\')),
                    Shape::Array | Shape::Boolean | Shape::Null | Shape::Object => prop_assert!(parsed.is_ok()),
                }
                if !span.is_empty() {
                    let written = format!("{}:{}", serde_json::to_string(name.text()).unwrap(), json.text);
                    prop_assert_eq!(&text[span.clone()], written);
                }
            }
        }
    }
}
