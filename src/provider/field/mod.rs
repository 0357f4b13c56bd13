//! Fields that a definition declares, and the conversion of values to the declared types.
//!
//! gatepost copies a value that already has the declared type, and converts any other value.
//!
//! | type | input | output |
//! |---|---|---|
//! | `string` | a string; or a number, with all its digits | a string |
//! | `integer` | a whole number, or a string that contains one | a number |
//! | `number` | a number, or a string that contains one | a number |
//! | `boolean` | `true`, `false`, 1, 0, or a string that contains one of them | `true` or `false` |
//! | `timestamp` | an integer in the declared unit | a number |
//! | `object` | an object | the object |
//! | `array` | an array; with `wrap`, also a number, as an array of one element | the array |
//! | `json` | an object or array, or a string that encodes an object or array once or twice | the object or array |
//!
//! gatepost copies a value of a `lenient` field as received if the conversion fails. For any other
//! field, a failed conversion invalidates the whole callback or answer.
//!
//! A field of type `object`, `array` or `json` may declare inner `fields`. The inner fields
//! describe the object, or each object in the array.
//!
//! These values mean that a field is unset:
//!
//! - `null`, for an optional or nullable field;
//! - an empty or blank string, for an optional field of any type but `string`;
//! - a string with the JSON text `null` or `""`, for an optional `json` field.

mod read;
mod types;

pub(crate) use read::{DeclaredFields, Usage, declare, read_condition, read_fields, read_unit};
use types::TypeError;
pub(crate) use types::{Nested, Range, SentBy, Type, parse_whole};

use crate::json::{self, Member, Name, NameMap, Object, Shape, Span, Value};

/// One declared field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// The start of the field's member in a JSON object: `"name":`.
    pub(crate) key: Box<[u8]>,
    pub(crate) ty: Type,
    /// True if the field may be absent or `null`.
    pub(crate) optional: bool,
    /// True if the field may be `null`. Only `optional` permits an absent field.
    pub(crate) nullable: bool,
    /// True if the field contains a credential. The app receives the credential, but logs do not
    /// contain it.
    pub(crate) secret: bool,
    /// True if gatepost copies a value that it cannot convert, as received.
    pub(crate) lenient: bool,
    /// The condition on the callback or item under which the reply contains the field; `None` means
    /// always.
    pub(crate) when: Option<Condition>,
}

/// A condition that an object meets if its member `field` has one of the `values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: Box<str>,
    pub(crate) values: Vec<Box<str>>,
}

impl Condition {
    /// Returns `true` if `object` meets the condition.
    pub(crate) fn is_met_by(&self, object: &Object<'_>) -> bool {
        let value = object.get(&self.field).and_then(Value::scalar);
        value.is_some_and(|value| self.values.iter().any(|listed| **listed == *value))
    }
}

/// A mismatch between a field and its declaration. The text contains names and types, never values.
///
/// The text has no remedy, because the field may be in a callback, an answer or a sample.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("expected `{field}` to be less than `{than}`, found a greater or equal number")]
    Order { field: Box<str>, than: Box<str> },
    #[error("expected the field `{field}`, found none")]
    Missing { field: Box<str> },
    #[error("expected `{field}` to be from {min} to {max}, found another number")]
    Range { field: Box<str>, min: i64, max: i64 },
    #[error("expected the length of `{field}` to be at most {max}, found a longer array")]
    TooMany { field: Box<str>, max: usize },
    #[error("expected `{field}` to be a valid {wanted}, found a value of type {found}")]
    Type { field: Box<str>, wanted: &'static str, found: &'static str },
    #[error("expected a declared field, found `{field}`")]
    Unknown { field: Box<str> },
}

impl FieldError {
    /// Prefixes the field's name with `outer`: the name or array index of the enclosing value.
    pub(crate) fn inside(mut self, outer: &str) -> Self {
        let (Self::Missing { field }
        | Self::Order { field, .. }
        | Self::Range { field, .. }
        | Self::TooMany { field, .. }
        | Self::Type { field, .. }
        | Self::Unknown { field }) = &mut self;
        let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
        *field = format!("{outer}{dot}{field}").into();
        self
    }
}

/// The declared fields of a kind or of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// The fields by their names and aliases.
    by_name: NameMap<FieldRef>,
    /// The set of the required fields: the [`FieldRef::bit`] of each.
    required: u128,
}

/// A reference to a field by its name or by an alias.
#[derive(Clone, Copy, Debug)]
struct FieldRef {
    /// The index of the field in `Fields::list`.
    index: usize,
    is_alias: bool,
    /// The value `1 << index`. A `u128` with several such bits represents a set of fields.
    bit: u128,
}

/// The maximum number of declared fields: the number of bits in a `u128`.
const MAX_FIELDS: usize = 128;

impl Fields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// Returns the index of the field with this name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(&Name::new(name)).map(|found| found.index)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Field> {
        self.list.get(index)
    }

    /// Returns the first required field whose bit is not set in `seen`.
    pub(crate) fn first_missing(&self, seen: u128) -> Option<&Field> {
        let missing = self.required & !seen;
        (missing != 0).then(|| self.list.get(missing.trailing_zeros() as usize)).flatten()
    }

    /// Writes `object` to `out`, and converts each declared field to its type.
    ///
    /// Copies undeclared members of a callback. Omits members for which `is_consumed` returns
    /// `true`. Replaces an alias with the name of the field.
    ///
    /// # Errors
    ///
    /// Returns an error if gatepost cannot convert a field, if a required field is missing, or if
    /// the app sent an undeclared field. `out` may then contain part of the object.
    pub(crate) fn write_object(
        &self,
        object: &Object<'_>,
        sent_by: SentBy,
        is_consumed: impl Fn(&Name<'_>) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        let mut seen = 0_u128;
        let mut members = ObjectWriter::begin(object.text(), out);
        for member in object.members().filter(|member| !is_consumed(&member.name)) {
            let Member { name, value, .. } = member;
            let declared = self.declared(name);
            if sent_by == SentBy::App && declared.is_some_and(|(_, f)| f.is_unset(value)) {
                // Platforms refuse a `null` in a reply as a wrong type, so omit the member.
                continue;
            }
            // Treat a second member for the same field as undeclared. Treat an alias as undeclared
            // if the object also has the field's name. Otherwise two members would have one name.
            let first = declared.filter(|(found, field)| {
                seen & found.bit == 0 && (!found.is_alias || object.get(&field.name).is_none())
            });
            match first {
                Some((found, field)) => {
                    seen |= found.bit;
                    let is_unchanged = !found.is_alias && field.is_unchanged(value);
                    if !is_unchanged || !members.copy(&member.span) {
                        let out = members.begin_member();
                        out.extend_from_slice(&field.key);
                        field.write(value, sent_by, out)?;
                    }
                }
                None if sent_by == SentBy::App => {
                    return Err(FieldError::Unknown { field: name.text().into() });
                }
                None if members.copy(&member.span) => {}
                None => {
                    let out = members.begin_member();
                    json::write_string(name.text(), out);
                    out.push(b':');
                    value.write(out);
                }
            }
        }
        members.end();
        match self.first_missing(seen) {
            Some(field) => Err(FieldError::Missing { field: field.name.clone() }),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn declared(&self, name: &Name<'_>) -> Option<(&FieldRef, &Field)> {
        let found = self.by_name.get(name)?;
        Some((found, self.list.get(found.index)?))
    }
}

/// A writer of one object. It copies most members from the text of a source object.
///
/// The writer collects adjacent members in one span, and copies the span with the commas between
/// the members.
struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    /// The text of the source object.
    text: &'o str,
    /// The part of `text` that the writer has collected but not copied yet.
    pending: Span,
    is_empty: bool,
}

impl<'o> ObjectWriter<'o> {
    fn begin(text: &'o str, out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, text, pending: 0..0, is_empty: true }
    }

    /// Copies the member at `span` of the text. Returns `false` if the span is empty, because such
    /// a member has no text to copy.
    fn copy(&mut self, span: &Span) -> bool {
        if span.is_empty() {
            return false;
        }
        // A single comma separates the members in one span. White space ends the span, so that the
        // writer copies no white space between members.
        let comma = self.text.as_bytes().get(self.pending.end);
        if !self.pending.is_empty() && span.start == self.pending.end + 1 && comma == Some(&b',') {
            self.pending.end = span.end;
        } else {
            self.separate();
            self.pending = span.clone();
        }
        true
    }

    /// Begins a member that the caller writes to the returned buffer.
    fn begin_member(&mut self) -> &mut Vec<u8> {
        self.separate();
        self.out
    }

    fn end(mut self) {
        self.flush();
        self.out.push(b'}');
    }

    fn separate(&mut self) {
        self.flush();
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
    }

    fn flush(&mut self) {
        let span = std::mem::replace(&mut self.pending, 0..0);
        self.out.extend_from_slice(self.text.as_bytes().get(span).unwrap_or_default());
    }
}

impl Field {
    /// Converts `value` to the declared type, and writes the result to `out`.
    ///
    /// # Errors
    ///
    /// Returns an error if the conversion fails for a field that is not lenient. `out` is then
    /// unchanged.
    pub(crate) fn write(
        &self,
        value: &Value<'_>,
        sent_by: SentBy,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        if self.is_unchanged(value) {
            value.write(out);
            return Ok(());
        }
        if self.is_unset(value) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let before = out.len();
        let fault = match self.ty.write(value, sent_by, out) {
            Ok(()) => return Ok(()),
            Err(TypeError::Range(range)) => {
                FieldError::Range { field: self.name.clone(), min: range.min, max: range.max }
            }
            Err(TypeError::Inside(fault)) => fault.inside(&self.name),
            Err(TypeError::Type) => FieldError::Type {
                field: self.name.clone(),
                wanted: self.ty.name(),
                found: value.shape().name(),
            },
        };
        out.truncate(before);
        if self.lenient {
            value.write(out);
            return Ok(());
        }
        Err(fault)
    }

    /// Returns `true` if `value` already has the declared type. gatepost then copies the value as
    /// received.
    #[inline(always)]
    fn is_unchanged(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Json(json) if json.shape == Shape::Null => self.optional || self.nullable,
            Value::Json(json) => self.ty.is_unchanged(json),
            Value::Text(_) => false,
        }
    }

    /// Returns `true` if `value` means that the field is unset.
    pub(crate) fn is_unset(&self, value: &Value<'_>) -> bool {
        let is_blank = || {
            let text = value.scalar().unwrap_or_default();
            let encoded = matches!(self.ty, Type::Json { .. });
            text.trim().is_empty() || (encoded && matches!(text.trim(), "null" | "\"\""))
        };
        match value.shape() {
            Shape::Null => self.optional || self.nullable,
            Shape::String => self.optional && !matches!(self.ty, Type::String) && is_blank(),
            Shape::Array | Shape::Boolean | Shape::Number | Shape::Object => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader;

    fn fields(text: &str) -> Fields {
        toml_reader::read(text, |table, faults| Some(read_fields(table, Usage::Event, faults)))
            .unwrap()
    }

    fn event(fields: &Fields, body: &str) -> Result<String, FieldError> {
        let object = Object::from_json(body).unwrap();
        let mut out = Vec::new();
        fields.write_object(&object, SentBy::Platform, |_| false, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Converts a value in a JSON body; `None` if the conversion fails.
    fn typed(ty: &str, value: &str) -> Option<String> {
        let fields = fields(&format!("f = {ty}"));
        let out = event(&fields, &format!("{{\"f\":{value}}}")).ok()?;
        Some(out.strip_prefix("{\"f\":").unwrap().strip_suffix('}').unwrap().to_owned())
    }

    /// Converts a value in a form; `None` if the conversion fails.
    fn form(ty: &str, value: &str) -> Option<String> {
        let fields = fields(&format!("f = {ty}"));
        let encoded = serde_urlencoded::to_string([("f", value)]).unwrap();
        let object = Object::from_form(encoded.as_bytes()).unwrap();
        let mut out = Vec::new();
        fields.write_object(&object, SentBy::Platform, |_| false, &mut out).ok()?;
        let out = String::from_utf8(out).unwrap();
        Some(out.strip_prefix("{\"f\":").unwrap().strip_suffix('}').unwrap().to_owned())
    }

    #[test]
    fn reads_integers_from_numbers_and_strings() {
        for (value, expected) in [
            ("1", "1"),
            ("\"1\"", "1"),
            ("-7", "-7"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("\"007\"", "7"),
            ("9223372036854775807", "9223372036854775807"),
        ] {
            assert_eq!(typed("'integer'", value).as_deref(), Some(expected), "expected {expected}");
        }
        for wrong in [
            "1.5",
            "0.99999999999999999999",
            "true",
            "\"\"",
            "\"1 \"",
            "\"+1\"",
            "null",
            "[1]",
            "9223372036854775808",
            "1e300",
            "\"inf\"",
            "\"0x10\"",
        ] {
            assert_eq!(typed("'integer'", wrong), None, "expected an error for {wrong}");
        }
    }

    #[test]
    fn keeps_all_digits_of_a_number_in_a_string_field() {
        assert_eq!(typed("'string'", "2210464508206756938").unwrap(), "\"2210464508206756938\"");
        assert_eq!(typed("'string'", "\"a\\u00e9\"").unwrap(), "\"a\\u00e9\"");
        assert_eq!(typed("'string'", "true"), None);
    }

    #[test]
    fn decodes_json_strings_that_are_encoded_once_or_twice() {
        let object = r#"{"uservalue0":"a"}"#;
        let once = serde_json::to_string(object).unwrap();
        let twice = serde_json::to_string(&once).unwrap();
        for value in [object, &once, &twice, &once.replace("}\"", "}\\n\"")] {
            assert_eq!(typed("'json'", value).as_deref(), Some(object), "expected {object}");
        }
        assert_eq!(form("'json'", object).as_deref(), Some(object));
        assert_eq!(form("'json'", &once).as_deref(), Some(object));
        let escaped = "%7B%22uservalue0%22%3A%22a%22%7D";
        assert_eq!(form("'json'", escaped).as_deref(), Some(object));
        let map = "{ type = 'json', holds = 'object', optional = true }";
        assert_eq!(typed(map, "\"[]\"").as_deref(), Some("{}"));
        assert_eq!(form(map, "[ ]").as_deref(), Some("{}"));
        assert_eq!(form(map, "[1]"), None);
        for unset in ["", "null", "\"\""] {
            assert_eq!(form(map, unset).as_deref(), Some("null"), "expected null for {unset:?}");
        }
        for wrong in ["\"{\"", "\"1\"", "1", r#""{\"a\":1,\"a\":2}""#, r#""\"\\\"{}\\\"\"""#] {
            assert_eq!(typed("'json'", wrong), None, "expected an error for {wrong}");
        }
    }

    #[test]
    fn accepts_null_and_empty_string_for_an_optional_field() {
        assert_eq!(typed("'json?'", "\"\"").as_deref(), Some("null"));
        assert_eq!(typed("'integer?'", "null").as_deref(), Some("null"));
        assert_eq!(form("'integer?'", "").as_deref(), Some("null"));
        assert_eq!(typed("'integer?'", "\"\"").as_deref(), Some("null"));
        assert_eq!(form("'string?'", "").as_deref(), Some("\"\""));
        assert_eq!(form("'integer'", ""), None);
        assert_eq!(typed("'array'", "null"), None);
        assert_eq!(typed("'array'", "99"), None);
        assert_eq!(typed("{ type = 'array', wrap = true }", "99").as_deref(), Some("[99]"));
        assert_eq!(typed("{ type = 'array', nullable = true }", "null").as_deref(), Some("null"));
    }

    #[test]
    fn reads_booleans_and_numbers_from_strings() {
        assert_eq!(typed("'boolean'", "\"true\"").as_deref(), Some("true"));
        assert_eq!(typed("'boolean'", "0").as_deref(), Some("false"));
        assert_eq!(typed("'boolean'", "2"), None);
        assert_eq!(typed("'number'", "44.15314104741461").as_deref(), Some("44.15314104741461"));
        assert_eq!(typed("'number'", "\"1e2\"").as_deref(), Some("1e2"));
        for wrong in ["\"\"", "\"nan\"", "\".5\"", "\"1,5\""] {
            assert_eq!(typed("'number'", wrong), None, "expected an error for {wrong}");
        }
    }

    #[test]
    fn keeps_undeclared_fields_and_renames_aliases() {
        let fields = fields("score = { type = 'array', aliases = ['socre'] }\nid = 'integer?'");
        assert_eq!(
            event(&fields, r#"{"socre":[99],"x":{"y":1.10}}"#).unwrap(),
            r#"{"score":[99],"x":{"y":1.10}}"#
        );
        assert_eq!(
            event(&fields, r#"{"socre":[1],"score":[2]}"#).unwrap(),
            r#"{"socre":[1],"score":[2]}"#
        );
        assert_eq!(
            event(&fields, r#"{"id":1}"#),
            Err(FieldError::Missing { field: "score".into() })
        );
    }

    #[test]
    fn converts_fields_of_nested_objects_and_arrays() {
        let list = "{ type = 'json', fields = { n = 'integer', u = 'json?', s = { type = \
                    'boolean', optional = true, aliases = ['t'] } } }";
        let value = r#"[{"n":"1","u":"{\"a\":1}","t":true,"x":null},{"n":2}]"#;
        let out = r#"[{"n":1,"u":{"a":1},"s":true,"x":null},{"n":2}]"#;
        assert_eq!(typed(list, value).as_deref(), Some(out));
        assert_eq!(form(list, value).as_deref(), Some(out));
        let inner = fields(&format!("f = {list}"));
        for (body, shown) in [
            (r#"{"f":[{"n":1},{"u":"{}"}]}"#, "expected the field `f[1].n`, found none"),
            (r#"{"f":[1]}"#, "expected `f[0]` to be a valid object, found a value of type number"),
        ] {
            assert_eq!(event(&inner, body).unwrap_err().to_string(), shown);
        }
        let few = fields("f = { type = 'array', max_items = 1, fields = { n = 'integer?' } }");
        assert!(event(&few, r#"{"f":[{}]}"#).is_ok());
        let many = event(&few, r#"{"f":[{},{}]}"#).unwrap_err();
        let shown = "expected the length of `f` to be at most 1, found a longer array";
        assert_eq!(many.to_string(), shown);
    }

    #[test]
    fn refuses_integers_outside_the_range() {
        let range = "{ type = 'integer', min = 0, max = 1 }";
        assert_eq!(typed(range, "1").as_deref(), Some("1"));
        assert_eq!(typed(range, "2"), None);
        assert_eq!(typed(range, "-1"), None);
    }

    #[test]
    fn suggests_the_closest_type_for_an_unknown_type() {
        let faults = toml_reader::read("f = 'integr'", |table, faults| {
            Some(read_fields(table, Usage::Event, faults))
        })
        .unwrap_err();
        let shown = faults.first().unwrap().to_string();
        let start = "1:5: f: expected a known type, found another word; did you mean `integer`?";
        assert!(shown.starts_with(start), "expected {start}, found {shown}");
    }
}
