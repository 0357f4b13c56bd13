//! Reads JSON text (RFC 8259) in one pass and builds no tree: of an object it tells the names and
//! where the values stand, and of everything inside those only that it is in order.
//!
//! What it takes, `serde_json` takes, and the other way round, but for a name that stands twice and
//! for more than [`MAX_DEPTH`] levels.

use super::name::Places;
use super::{BodyError, Json, MAX_DEPTH, Member, Name, Shape, Span, Value, unquote};

/// The text, how far it is read, and what was found to be wrong with it.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    defect: BodyError,
}

/// The text is not in order: the reading ends.
struct Stop;

type Read<T> = Result<T, Stop>;

/// A typical member is that long, so that reading an object allocates its list once.
const TYPICAL_MEMBER_BYTES: usize = 16;
/// Longer lists grow, so that a body of blanks takes no more room than its length.
const TYPICAL_MEMBERS: usize = 32;

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, defect: BodyError::JsonMalformed }
    }

    /// Reads the text as one object. Whether a name stands twice in it is still to be seen.
    pub(super) fn into_members(mut self) -> Result<Vec<Member<'a>>, BodyError> {
        self.whole_object().map_err(|Stop| self.defect)
    }

    /// Reads the text as one value that stands in an object.
    pub(super) fn check(mut self) -> Result<(), BodyError> {
        self.skip_blanks();
        let value = self.inner_value(MAX_DEPTH - 1);
        value.and_then(|()| self.end()).map_err(|Stop| self.defect)
    }

    fn whole_object(&mut self) -> Read<Vec<Member<'a>>> {
        self.skip_blanks();
        match self.peek() {
            b'{' => {}
            b'[' => return self.fail(BodyError::NotAnObject),
            _ => {
                self.inner_value(MAX_DEPTH)?;
                return self.fail(BodyError::NotAnObject);
            }
        }
        let room = (self.text.len() / TYPICAL_MEMBER_BYTES).min(TYPICAL_MEMBERS);
        let mut members: Vec<Member<'a>> = Vec::with_capacity(room);
        self.object(MAX_DEPTH, |_, name, value, span| {
            members.push(Member { name, value: Value::Json(value), span });
            Ok(())
        })?;
        self.end()?;
        Ok(members)
    }

    #[cold]
    fn fail<T>(&mut self, defect: BodyError) -> Read<T> {
        self.defect = defect;
        Err(Stop)
    }

    fn end(&mut self) -> Read<()> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(Stop) }
    }

    /// The next byte; behind the end it is none that means anything.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What stands between two places, which are no place within a character.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    #[inline(always)]
    fn skip_blanks(&mut self) {
        if self.peek() <= b' ' {
            self.skip_rare_blanks();
        }
    }

    /// Platforms write hardly any.
    #[inline(never)]
    fn skip_rare_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Passes what separates two elements, or the end of them all; tells whether there is another.
    fn goes_on(&mut self, end: u8) -> Read<bool> {
        self.skip_blanks();
        let next = self.peek();
        self.at += 1;
        if next == b',' || next == end { Ok(next == b',') } else { Err(Stop) }
    }

    /// Passes the first byte of a list; tells whether its end follows, and passes that.
    fn is_empty(&mut self, end: u8) -> bool {
        self.at += 1;
        self.skip_blanks();
        let is_empty = self.peek() == end;
        self.at += usize::from(is_empty);
        is_empty
    }

    /// Passes an object.
    fn object(
        &mut self,
        levels: usize,
        mut take: impl FnMut(&mut Self, Name<'a>, Json<'a>, Span) -> Read<()>,
    ) -> Read<()> {
        let Some(levels) = levels.checked_sub(1) else { return self.fail(BodyError::TooDeep) };
        if self.is_empty(b'}') {
            return Ok(());
        }
        loop {
            self.skip_blanks();
            let from = self.at;
            let name = self.name()?;
            let named = self.at;
            self.skip_blanks();
            if self.peek() != b':' {
                return Err(Stop);
            }
            self.at += 1;
            self.skip_blanks();
            let is_compact = name.is_borrowed() && self.at == named + 1;
            let value = self.value(levels)?;
            let span = if is_compact { from..self.at } else { 0..0 };
            take(self, name, value, span)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    #[inline(always)]
    fn name(&mut self) -> Read<Name<'a>> {
        let from = self.at;
        if self.peek() != b'"' {
            return Err(Stop);
        }
        if self.string()? {
            return Ok(Name::new(self.slice(from + 1, self.at - 1)));
        }
        unquote(self.slice(from, self.at)).map(Name::new).ok_or(Stop)
    }

    /// Passes a value that may hold so many levels.
    #[inline(always)]
    fn value(&mut self, levels: usize) -> Read<Json<'a>> {
        let from = self.at;
        let (shape, is_plain) = match self.peek() {
            b'"' => (Shape::String, self.string()?),
            b'-' | b'0'..=b'9' => (Shape::Number, self.number()?),
            first => (self.rarer_value(first, levels)?, false),
        };
        Ok(Json { text: self.slice(from, self.at), shape, is_plain })
    }

    #[inline(never)]
    fn rarer_value(&mut self, first: u8, levels: usize) -> Read<Shape> {
        match first {
            b'{' => self.inner_object(levels).map(|()| Shape::Object),
            b'[' => self.array(levels).map(|()| Shape::Array),
            b't' => self.word(b"true").map(|()| Shape::Boolean),
            b'f' => self.word(b"false").map(|()| Shape::Boolean),
            b'n' => self.word(b"null").map(|()| Shape::Null),
            _ => Err(Stop),
        }
    }

    fn inner_object(&mut self, levels: usize) -> Read<()> {
        let mut names = Vec::new();
        self.object(levels, |_, name, value, _| {
            names.push(name);
            check_number(value)
        })?;
        match Places::of(&names, |name| name) {
            Ok(_) => Ok(()),
            Err(twice) => self.fail(BodyError::Duplicate(twice.text().to_owned())),
        }
    }

    fn array(&mut self, levels: usize) -> Read<()> {
        let Some(levels) = levels.checked_sub(1) else { return self.fail(BodyError::TooDeep) };
        let mut goes_on = !self.is_empty(b']');
        while goes_on {
            self.skip_blanks();
            self.inner_value(levels)?;
            goes_on = self.goes_on(b']')?;
        }
        Ok(())
    }

    fn inner_value(&mut self, levels: usize) -> Read<()> {
        self.value(levels).and_then(check_number)
    }

    fn word(&mut self, word: &[u8]) -> Read<()> {
        self.at += word.len();
        let at = self.at - word.len();
        if self.text.as_bytes().get(at..self.at) == Some(word) { Ok(()) } else { Err(Stop) }
    }

    /// Passes a string; tells whether it has no escape.
    #[inline(always)]
    fn string(&mut self) -> Read<bool> {
        let from = self.at;
        self.at += 1;
        self.at += letters(self.rest());
        if self.peek() != b'"' {
            return self.escaped_string(from);
        }
        self.at += 1;
        Ok(true)
    }

    /// The rest of a string from its first backslash on.
    #[cold]
    fn escaped_string(&mut self, from: usize) -> Read<bool> {
        while self.peek() == b'\\' {
            self.at += 2;
            self.at += letters(self.rest());
        }
        if self.peek() != b'"' {
            return Err(Stop);
        }
        self.at += 1;
        unquote(self.slice(from, self.at)).map(|_| false).ok_or(Stop)
    }

    /// Passes a number; tells whether it is a whole one of 64 bits, in the digits that it would be
    /// written in.
    #[inline(always)]
    fn number(&mut self) -> Read<bool> {
        const SURE_DIGITS: usize = 18;
        let is_negative = self.peek() == b'-';
        self.at += usize::from(is_negative);
        let is_zero = self.peek() == b'0';
        let from = self.at;
        if is_zero {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let is_plain = self.at - from <= SURE_DIGITS && !(is_negative && is_zero);
        if !matches!(self.peek(), b'.' | b'e' | b'E') {
            return Ok(is_plain);
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(false)
    }

    /// Passes at least one digit.
    fn digits(&mut self) -> Read<()> {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(Stop) }
    }
}

/// How many bytes come before a quote, a backslash or a control.
#[inline]
fn letters(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut before = 0;
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        // One bit turned, the quote follows the controls: all are below 0x21, and nothing else is.
        let (turned, other) = (word ^ (ONES * 0x02), word ^ (ONES * u64::from(b'\\')));
        // In the lowest byte that is no letter the high bit is set, and in none below it.
        let quote_or_control = turned.wrapping_sub(ONES * 0x21) & !turned;
        let found = (quote_or_control | (other.wrapping_sub(ONES) & !other)) & HIGH;
        if found != 0 {
            return before + (found.trailing_zeros() / 8) as usize;
        }
        before += chunk.len();
        rest = behind;
    }
    let is_none = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    before + rest.iter().position(is_none).unwrap_or(rest.len())
}

/// A number inside a value must be one that an app can hold, if not to the last digit. One that
/// stands by itself is looked at when it becomes its declared type.
fn check_number(value: Json<'_>) -> Read<()> {
    /// Fewer letters make no number that is too large, unless they are an exponent.
    const LONG: usize = 300;
    if value.is_plain || value.shape != Shape::Number {
        return Ok(());
    }
    let may_be_large = value.text.len() > LONG || value.text.contains(['e', 'E']);
    let fits = !may_be_large || serde_json::from_str::<f64>(value.text).is_ok();
    if fits { Ok(()) } else { Err(Stop) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::json::Object;

    /// Texts of the alphabet that JSON is made of, whole values among them, so that many are right
    /// and more are nearly so.
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

    /// What stands in the text by `serde_json`'s reading, in its order.
    fn read(text: &str) -> serde_json::Result<Vec<(String, String)>> {
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

    /// Whether `serde_json` takes what is nested in the text; a number that stands alone is looked
    /// at later.
    fn is_in_order(raw: &str) -> bool {
        let is_number = raw.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        is_number || serde_json::from_str::<serde_json::Value>(raw).is_ok()
    }

    #[test]
    fn a_byte_stands_in_a_string_exactly_if_serde_json_takes_it_wherever_it_stands() {
        for byte in 0..0x80_u8 {
            for (before, behind) in (0..18).flat_map(|n| (0..10).map(move |m| (n, m))) {
                let (before, byte) = ("x".repeat(before), char::from(byte));
                let text = format!("\"{before}{byte}{}\"", "x".repeat(behind));
                let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(Scan::new(&text).check().is_ok(), expected, "{text:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

        #[test]
        fn reads_what_serde_json_reads(text in texts()) {
            let object = Object::from_json(&text);
            let expected = read(&text);
            let in_order = expected.as_ref().is_ok_and(|m| m.iter().all(|(_, raw)| is_in_order(raw)));
            match (&object, &expected) {
                (Ok(object), Ok(expected)) => {
                    prop_assert!(in_order);
                    let members = object.members().map(|member| {
                        let Value::Json(json) = &member.value else { panic!("of JSON") };
                        (member.name.text().to_owned(), json.text.to_owned())
                    });
                    prop_assert_eq!(&members.collect::<Vec<_>>(), expected);
                }
                (Err(BodyError::Duplicate(_)), _) => {}
                (Err(BodyError::NotAnObject), _) => prop_assert!(expected.is_err()),
                (Err(_), _) => prop_assert!(!in_order, "{:?}", object),
                (Ok(_), Err(error)) => prop_assert!(false, "{error}"),
            }
        }

        #[test]
        fn checks_what_serde_json_checks(text in texts()) {
            let value = serde_json::from_str::<serde_json::Value>(&text);
            match super::super::check_nested(&text) {
                Err(BodyError::Duplicate(_)) => {}
                checked => prop_assert_eq!(checked.is_ok(), value.is_ok()),
            }
        }

        #[test]
        fn tells_how_a_value_is_written(text in texts()) {
            let Ok(object) = Object::from_json(&text) else { return Ok(()) };
            for Member { name, value, span } in object.members() {
                let Value::Json(json) = value else { panic!("of JSON") };
                prop_assert_eq!(json.shape, Json::of(json.text).shape);
                let parsed = serde_json::from_str::<serde_json::Value>(json.text);
                match json.shape {
                    Shape::Number => {
                        let number = json.text.parse::<i64>().ok();
                        let is_its_own = number.is_some_and(|own| own.to_string() == json.text);
                        prop_assert!(is_its_own || !json.is_plain);
                        prop_assert!(json.is_plain || !is_its_own || json.text.len() > 18);
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
