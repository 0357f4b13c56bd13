//! Fields: what a definition declares, and how a value becomes the declared type.
//!
//! A value is rewritten only where its form differs from the declared type; otherwise its text goes
//! through as received.
//!
//! | type | takes | gives |
//! |---|---|---|
//! | `string` | a string; a number, digit by digit | a string |
//! | `integer` | a whole number, or a string holding one | a number |
//! | `number` | a number, or a string holding one | a number |
//! | `boolean` | `true`, `false`, 1, 0, or a string holding one of them | `true` or `false` |
//! | `timestamp` | as `integer`, in the unit declared | a number |
//! | `object`, `array` | the same; with `wrap`, a number for an array of one | the same |
//! | `json` | an object or array; a string holding one, encoded once or twice | the object or array |
//!
//! A `lenient` field that does not read as its type stays as it came: some values are not worth a
//! callback. `object`, `array` and `json` may declare `fields`: of the object, or of each object in the array.
//!
//! `null` stands for an optional field without a value, and so does an empty text where no string is
//! declared.

mod read;
mod types;

pub(crate) use read::{DeclaredFields, Usage, declare, read_condition, read_fields, read_unit};
use types::TypeError;
pub(crate) use types::{Nested, Range, SentBy, Type, parse_whole};

use crate::json::{self, ByName, Member, Name, Object, Shape, Span, Value};

/// One declared field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// The name as a member of an object begins: `"name":`.
    pub(crate) key: Box<[u8]>,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
    pub(crate) nullable: bool,
    /// Holds a credential: the app gets it, no log does.
    pub(crate) secret: bool,
    /// What does not read as its type stays as it came.
    pub(crate) lenient: bool,
    /// In a reply: the callbacks that it is for.
    pub(crate) when: Option<Condition>,
}

/// Holds of an object whose member says one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: Box<str>,
    pub(crate) values: Vec<Box<str>>,
}

impl Condition {
    pub(crate) fn holds(&self, object: &Object<'_>) -> bool {
        let value = object.get(&self.field).and_then(Value::scalar);
        value.is_some_and(|value| self.values.iter().any(|own| **own == *value))
    }
}

/// Why a field could not be taken. Names the field and the types, never the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("`{field}` is not smaller than `{than}`")]
    Order { field: Box<str>, than: Box<str> },
    #[error("`{field}` is missing")]
    Missing { field: Box<str> },
    #[error("`{field}` is not within {min} to {max}")]
    Range { field: Box<str>, min: i64, max: i64 },
    #[error("`{field}` holds more than {max}")]
    TooMany { field: Box<str>, max: usize },
    #[error("`{field}` should be {wanted} and does not read as one, it is of type {found}")]
    Type { field: Box<str>, wanted: &'static str, found: &'static str },
    #[error("`{field}` is no field here")]
    Unknown { field: Box<str> },
}

impl FieldError {
    /// The same fault, seen from the value that the field stands in.
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

/// The declared fields of one kind or reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// By name and by alias.
    known: ByName<Known>,
    /// One bit for each field that must be there.
    required: u128,
}

/// A field by one of its names.
#[derive(Clone, Copy, Debug)]
struct Known {
    field: usize,
    is_alias: bool,
    /// The field's own.
    bit: u128,
}

/// Each field has a bit in a word.
const MAX_FIELDS: usize = 128;

impl Fields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The field of that name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.known.get(&Name::new(name)).map(|known| known.field)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Field> {
        self.list.get(index)
    }

    /// The first required field whose bit is not in `seen`.
    pub(crate) fn first_missing(&self, seen: u128) -> Option<&Field> {
        let missing = self.required & !seen;
        (missing != 0).then(|| self.list.get(missing.trailing_zeros() as usize)).flatten()
    }

    /// Writes an object with its declared fields typed and, of a platform's, all others as they came.
    pub(crate) fn write_object(
        &self,
        object: &Object<'_>,
        sent_by: SentBy,
        is_consumed: impl Fn(&Name<'_>) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        let mut seen = 0_u128;
        let mut members = Members::begin(object.text(), out);
        for member in object.members().filter(|member| !is_consumed(&member.name)) {
            let Member { name, value, .. } = member;
            let declared = self.declared(name);
            if sent_by == SentBy::App && declared.is_some_and(|(_, f)| f.is_nothing(value)) {
                // To the platform a `null` is a wrong type.
                continue;
            }
            // An alias beside the true name, or beside another alias, is kept under its own.
            let fresh = declared.filter(|(known, field)| {
                seen & known.bit == 0 && (!known.is_alias || object.get(&field.name).is_none())
            });
            match fresh {
                Some((known, field)) => {
                    seen |= known.bit;
                    if known.is_alias || !field.leaves(value) || !members.copy(&member.span) {
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
    fn declared(&self, name: &Name<'_>) -> Option<(&Known, &Field)> {
        let known = self.known.get(name)?;
        Some((known, self.list.get(known.field)?))
    }
}

/// An object that is being written. Members that stay as they are, which is the rule, are copied
/// together with their neighbours.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    /// What they are copied from.
    text: &'o str,
    /// What is still to be copied of it.
    run: Span,
    is_empty: bool,
}

impl<'o> Members<'o> {
    fn begin(text: &'o str, out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, text, run: 0..0, is_empty: true }
    }

    /// Takes a member from the text, if it stands there.
    fn copy(&mut self, span: &Span) -> bool {
        if span.is_empty() {
            return false;
        }
        let comma = self.text.as_bytes().get(self.run.end);
        if !self.run.is_empty() && span.start == self.run.end + 1 && comma == Some(&b',') {
            self.run.end = span.end;
        } else {
            self.separate();
            self.run = span.clone();
        }
        true
    }

    /// Begins a member that is written anew.
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
        let run = std::mem::replace(&mut self.run, 0..0);
        self.out.extend_from_slice(self.text.as_bytes().get(run).unwrap_or_default());
    }
}

impl Field {
    /// Writes `value` as the declared type.
    pub(crate) fn write(
        &self,
        value: &Value<'_>,
        sent_by: SentBy,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        if self.leaves(value) {
            value.write(out);
            return Ok(());
        }
        if self.is_nothing(value) {
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

    /// Whether the value goes through as received.
    #[inline(always)]
    fn leaves(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Json(json) if json.shape == Shape::Null => self.optional || self.nullable,
            Value::Json(json) => self.ty.leaves(json),
            Value::Text(_) => false,
        }
    }

    /// Whether the value stands for an optional field that is not set.
    pub(crate) fn is_nothing(&self, value: &Value<'_>) -> bool {
        let says_nothing = || {
            let text = value.scalar().unwrap_or_default();
            let encoded = matches!(self.ty, Type::Json { .. });
            text.trim().is_empty() || (encoded && matches!(text.trim(), "null" | "\"\""))
        };
        match value.shape() {
            Shape::Null => self.optional || self.nullable,
            Shape::String => self.optional && !matches!(self.ty, Type::String) && says_nothing(),
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

    /// What a value becomes under a type, from a JSON body and from a form.
    fn typed(ty: &str, value: &str) -> Option<String> {
        let fields = fields(&format!("f = {ty}"));
        let out = event(&fields, &format!("{{\"f\":{value}}}")).ok()?;
        Some(out.strip_prefix("{\"f\":").unwrap().strip_suffix('}').unwrap().to_owned())
    }

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
    fn integers_come_from_numbers_and_text() {
        for (value, expected) in [
            ("1", "1"),
            ("\"1\"", "1"),
            ("-7", "-7"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("\"007\"", "7"),
            ("9223372036854775807", "9223372036854775807"),
        ] {
            assert_eq!(typed("'integer'", value).as_deref(), Some(expected), "{value}");
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
            assert_eq!(typed("'integer'", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sixty_four_bit_identifiers_stay_strings() {
        assert_eq!(typed("'string'", "2210464508206756938").unwrap(), "\"2210464508206756938\"");
        assert_eq!(typed("'string'", "\"a\\u00e9\"").unwrap(), "\"a\\u00e9\"");
        assert_eq!(typed("'string'", "true"), None);
    }

    #[test]
    fn json_text_is_decoded_once_or_twice() {
        let object = r#"{"uservalue0":"a"}"#;
        let once = serde_json::to_string(object).unwrap();
        let twice = serde_json::to_string(&once).unwrap();
        for value in [object, &once, &twice, &once.replace("}\"", "}\\n\"")] {
            assert_eq!(typed("'json'", value).as_deref(), Some(object), "{value}");
        }
        assert_eq!(form("'json'", object).as_deref(), Some(object));
        assert_eq!(form("'json'", &once).as_deref(), Some(object));
        let escaped = "%7B%22uservalue0%22%3A%22a%22%7D";
        assert_eq!(form("'json'", escaped).as_deref(), Some(object));
        let map = "{ type = 'json', holds = 'object', optional = true }";
        assert_eq!(typed(map, "\"[]\"").as_deref(), Some("{}"));
        assert_eq!(form(map, "[ ]").as_deref(), Some("{}"));
        assert_eq!(form(map, "[1]"), None);
        for nothing in ["", "null", "\"\""] {
            assert_eq!(form(map, nothing).as_deref(), Some("null"), "{nothing}");
        }
        for wrong in ["\"{\"", "\"1\"", "1", r#""{\"a\":1,\"a\":2}""#, r#""\"\\\"{}\\\"\"""#] {
            assert_eq!(typed("'json'", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_optional_field_may_be_null_or_empty_text() {
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
    fn booleans_and_numbers() {
        assert_eq!(typed("'boolean'", "\"true\"").as_deref(), Some("true"));
        assert_eq!(typed("'boolean'", "0").as_deref(), Some("false"));
        assert_eq!(typed("'boolean'", "2"), None);
        assert_eq!(typed("'number'", "44.15314104741461").as_deref(), Some("44.15314104741461"));
        assert_eq!(typed("'number'", "\"1e2\"").as_deref(), Some("1e2"));
        for wrong in ["\"\"", "\"nan\"", "\".5\"", "\"1,5\""] {
            assert_eq!(typed("'number'", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_fields_are_kept_and_aliases_get_the_true_name() {
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
    fn fields_inside_objects_and_lists_are_typed_too() {
        let list = "{ type = 'json', fields = { n = 'integer', u = 'json?', s = { type = \
                    'boolean', optional = true, aliases = ['t'] } } }";
        let value = r#"[{"n":"1","u":"{\"a\":1}","t":true,"x":null},{"n":2}]"#;
        let out = r#"[{"n":1,"u":{"a":1},"s":true,"x":null},{"n":2}]"#;
        assert_eq!(typed(list, value).as_deref(), Some(out));
        assert_eq!(form(list, value).as_deref(), Some(out));
        let inner = fields(&format!("f = {list}"));
        for (body, shown) in [
            (r#"{"f":[{"n":1},{"u":"{}"}]}"#, "`f[1].n` is missing"),
            (
                r#"{"f":[1]}"#,
                "`f[0]` should be object and does not read as one, it is of type number",
            ),
        ] {
            assert_eq!(event(&inner, body).unwrap_err().to_string(), shown);
        }
        let few = fields("f = { type = 'array', max_items = 1, fields = { n = 'integer?' } }");
        assert!(event(&few, r#"{"f":[{}]}"#).is_ok());
        let many = event(&few, r#"{"f":[{},{}]}"#).unwrap_err();
        assert_eq!(many.to_string(), "`f` holds more than 1");
    }

    #[test]
    fn a_range_is_checked() {
        let range = "{ type = 'integer', min = 0, max = 1 }";
        assert_eq!(typed(range, "1").as_deref(), Some("1"));
        assert_eq!(typed(range, "2"), None);
        assert_eq!(typed(range, "-1"), None);
    }

    #[test]
    fn a_wrong_type_word_is_reported_with_the_allowed_ones() {
        let faults = toml_reader::read("f = 'integr'", |table, faults| {
            Some(read_fields(table, Usage::Event, faults))
        })
        .unwrap_err();
        let shown = faults.first().unwrap().to_string();
        assert!(
            shown.starts_with("1:5: f: this type is unknown; did you mean `integer`?"),
            "{shown}"
        );
    }
}
