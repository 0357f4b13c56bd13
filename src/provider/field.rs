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
//! `null` stands for an optional field without a value, and so does an empty text where no string is
//! declared.

use std::borrow::Cow;

use crate::document::{Faults, Form, Item, Table, allowed};
use crate::json::{self, Object, Shape, Value};
use crate::time::Unit;

/// A declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Array { wrap: bool },
    Boolean,
    Integer(Range),
    Json { holds: Option<Shape> },
    Number,
    Object,
    String,
    Timestamp(Unit),
}

/// The whole numbers a field may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    min: i64,
    max: i64,
}

impl Range {
    const ANY: Self = Self { min: i64::MIN, max: i64::MAX };
}

/// Who wrote the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The app, whose `true` for 1 is put right.
    App,
    /// The platform, whose types are as documented or as text.
    Platform,
}

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
}

/// Why a field could not be taken. Names the field and the types, never the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldFault {
    #[error("`{field}` is missing")]
    Missing { field: Box<str> },
    #[error("`{field}` is not within {min} to {max}")]
    Range { field: Box<str>, min: i64, max: i64 },
    #[error("`{field}` should be {wanted} and does not read as one, it is of type {found}")]
    Type { field: Box<str>, wanted: &'static str, found: &'static str },
}

/// The declared fields of one kind or reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// Names and aliases, sorted.
    index: Vec<(Box<str>, usize)>,
    /// One bit for each field that must be there.
    required: u128,
}

/// Each field has a bit in a word.
const MAX_FIELDS: usize = 128;

impl Fields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The field of that name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let at = self.index.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        self.index.get(at).map(|(_, field)| *field)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Field> {
        self.list.get(index)
    }

    /// The first required field whose bit is not in `seen`.
    pub(crate) fn first_missing(&self, seen: u128) -> Option<&Field> {
        let missing = self.required & !seen;
        (missing != 0).then(|| self.list.get(missing.trailing_zeros() as usize)).flatten()
    }

    /// Writes a platform's object with its declared fields typed and all others as they came.
    pub(crate) fn write_event(
        &self,
        object: &Object<'_>,
        is_consumed: impl Fn(&str) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldFault> {
        let mut seen = 0_u128;
        out.push(b'{');
        for (name, value) in object.iter().filter(|(name, _)| !is_consumed(name)) {
            if out.len() > 1 {
                out.push(b',');
            }
            let declared = self.find(name).and_then(|index| Some((index, self.list.get(index)?)));
            // An alias beside the true name, or beside another alias, is kept under its own.
            let fresh = declared.filter(|(index, field)| {
                seen & (1 << index) == 0
                    && (*field.name == *name || object.get(&field.name).is_none())
            });
            match fresh {
                Some((index, field)) => {
                    seen |= 1 << index;
                    out.extend_from_slice(&field.key);
                    field.write(value, Writer::Platform, out)?;
                }
                None => {
                    json::write_string(name, out);
                    out.push(b':');
                    value.write(out);
                }
            }
        }
        out.push(b'}');
        match self.first_missing(seen) {
            Some(field) => Err(FieldFault::Missing { field: field.name.clone() }),
            None => Ok(()),
        }
    }
}

impl Field {
    /// Writes `value` as the declared type.
    pub(crate) fn write(
        &self,
        value: &Value<'_>,
        writer: Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldFault> {
        if self.is_nothing(value) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let before = out.len();
        let fault = match self.ty.write(value, writer, out) {
            Ok(()) => return Ok(()),
            Err(Misfit::Range(range)) => {
                FieldFault::Range { field: self.name.clone(), min: range.min, max: range.max }
            }
            Err(Misfit::Type) => FieldFault::Type {
                field: self.name.clone(),
                wanted: self.ty.name(),
                found: value.shape().name(),
            },
        };
        out.truncate(before);
        Err(fault)
    }

    fn is_nothing(&self, value: &Value<'_>) -> bool {
        let says_nothing = || {
            let text = value.scalar().unwrap_or_default();
            let encoded = matches!(self.ty, Type::Json { .. });
            text.trim().is_empty() || (encoded && matches!(text.trim(), "null" | "\"\""))
        };
        match value.shape() {
            Shape::Null => self.optional || self.nullable,
            Shape::String => self.optional && self.ty != Type::String && says_nothing(),
            Shape::Array | Shape::Boolean | Shape::Number | Shape::Object => false,
        }
    }
}

enum Misfit {
    Range(Range),
    Type,
}

impl Type {
    const NAMES: [&'static str; 8] =
        ["array", "boolean", "integer", "json", "number", "object", "string", "timestamp"];

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Array { .. } => "array",
            Self::Boolean => "boolean",
            Self::Integer(_) => "integer",
            Self::Json { .. } => "json",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
            Self::Timestamp(_) => "timestamp",
        }
    }

    fn write(&self, value: &Value<'_>, writer: Writer, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match self {
            Self::Array { .. } if value.shape() == Shape::Array => value.write(out),
            Self::Array { wrap: true } if value.shape() == Shape::Number => {
                out.push(b'[');
                value.write(out);
                out.push(b']');
            }
            Self::Object if value.shape() == Shape::Object => value.write(out),
            Self::Array { .. } | Self::Object => return Err(Misfit::Type),
            Self::Boolean => out.extend_from_slice(boolean(value).ok_or(Misfit::Type)?.as_bytes()),
            Self::Integer(range) => write_integer(value, range, writer, out)?,
            Self::Timestamp(_) => write_integer(value, &Range::ANY, writer, out)?,
            Self::Json { holds } => write_json(value, *holds, out)?,
            Self::Number => write_number(value, out)?,
            Self::String => write_string(value, out)?,
        }
        Ok(())
    }
}

fn boolean(value: &Value<'_>) -> Option<&'static str> {
    let word = match value {
        Value::Json(raw) if value.shape() == Shape::Boolean => Cow::Borrowed(*raw),
        Value::Json(_) | Value::Text(_) => value.scalar()?,
    };
    match &*word {
        "true" | "1" => Some("true"),
        "false" | "0" => Some("false"),
        _ => None,
    }
}

fn write_integer(
    value: &Value<'_>,
    range: &Range,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let number = match (writer, value) {
        (Writer::App, Value::Json("true")) => 1,
        (Writer::App, Value::Json("false")) => 0,
        _ => value.scalar().and_then(|text| whole(&text)).ok_or(Misfit::Type)?,
    };
    if number < range.min || number > range.max {
        return Err(Misfit::Range(range.clone()));
    }
    match value {
        // As it was received, which is the rule.
        Value::Json(raw) if is_canonical(raw) => out.extend_from_slice(raw.as_bytes()),
        Value::Json(_) | Value::Text(_) => {
            // Writing into a Vec has no way to fail.
            let _infallible = std::io::Write::write_fmt(out, format_args!("{number}"));
        }
    }
    Ok(())
}

/// Whether a JSON number is written in digits alone.
fn is_canonical(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    digits.bytes().all(|b| b.is_ascii_digit()) && raw != "-0"
}

/// A whole number of at most 64 bits; `1.0` and `1e3` are whole.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.bytes().all(|b| b == b'0')
    {
        return self::whole(whole);
    }
    if text.contains('.') {
        return None;
    }
    // Beyond 2^53 an exponent has lost digits already.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn write_number(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let text = value.scalar().ok_or(Misfit::Type)?;
    serde_json::from_str::<f64>(&text).map_err(|_| Misfit::Type)?;
    out.extend_from_slice(text.trim().as_bytes());
    Ok(())
}

fn write_string(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match (value.shape(), value) {
        (Shape::String, _) => value.write(out),
        (Shape::Number, Value::Json(raw)) => json::write_string(raw, out),
        _ => return Err(Misfit::Type),
    }
    Ok(())
}

fn write_json(value: &Value<'_>, holds: Option<Shape>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    if let Value::Json(raw) = value
        && matches!(value.shape(), Shape::Array | Shape::Object)
    {
        return write_json_text(raw, holds, out);
    }
    let once = value.scalar().filter(|_| value.shape() == Shape::String).ok_or(Misfit::Type)?;
    let once = unescape(once.trim());
    let once = once.trim();
    let twice = once.starts_with('"').then(|| serde_json::from_str::<String>(once));
    let text = match &twice {
        None => once,
        Some(inner) => inner.as_deref().map_err(|_| Misfit::Type)?.trim(),
    };
    if !text.starts_with(['{', '[']) || json::check_nested(text).is_err() {
        return Err(Misfit::Type);
    }
    write_json_text(text, holds, out)
}

/// Undoes a second percent-encoding, which some players put around the first.
fn unescape(text: &str) -> Cow<'_, str> {
    let encoded = text.starts_with('%');
    let decoded = encoded.then(|| {
        let bytes = text.as_bytes().iter().map(|b| if *b == b'+' { b' ' } else { *b });
        let bytes: Vec<u8> = bytes.collect();
        let decoded = percent_encoding::percent_decode(&bytes).decode_utf8();
        decoded.ok().map(Cow::into_owned)
    });
    decoded.flatten().map_or(Cow::Borrowed(text), Cow::Owned)
}

fn write_json_text(text: &str, holds: Option<Shape>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let shape = Value::Json(text).shape();
    let nothing_in_it = || text.bytes().all(|b| b"[] \t\r\n".contains(&b)) && text.len() > 1;
    match holds {
        // PHP writes an empty map as an empty list.
        Some(Shape::Object) if shape == Shape::Array && nothing_in_it() => {
            out.extend_from_slice(b"{}");
        }
        Some(wanted) if wanted != shape => return Err(Misfit::Type),
        _ => out.extend_from_slice(text.as_bytes()),
    }
    Ok(())
}

/// Reads `[…fields]` tables; a later one replaces a field of an earlier one.
pub(crate) fn read_fields(tables: &[&Table<'_>], faults: &Faults<'_>) -> Fields {
    let mut list: Vec<(Field, Vec<Box<str>>)> = Vec::new();
    for table in tables {
        for (name, item) in table.entries() {
            let Some(read) = read_field(name, &item, faults) else { continue };
            match list.iter_mut().find(|(field, _)| *field.name == *name) {
                Some(earlier) => *earlier = read,
                None => list.push(read),
            }
        }
    }
    if let (true, Some(table)) = (list.len() > MAX_FIELDS, tables.last()) {
        faults.add(&table.place, "too many fields", format!("declare at most {MAX_FIELDS}"));
        list.truncate(MAX_FIELDS);
    }
    let mut fields = Fields::default();
    for (index, (field, aliases)) in list.into_iter().enumerate() {
        if !field.optional {
            fields.required |= 1 << index;
        }
        fields.index.extend(aliases.into_iter().map(|alias| (alias, index)));
        fields.index.push((field.name.clone(), index));
        fields.list.push(field);
    }
    fields.index.sort();
    fields
}

/// `"integer"`, `"integer?"` for an optional one, or a table.
fn read_field(name: &str, item: &Item<'_>, faults: &Faults<'_>) -> Option<(Field, Vec<Box<str>>)> {
    let plain = |ty, optional| {
        let mut key = Vec::new();
        json::write_string(name, &mut key);
        key.push(b':');
        let (name, key) = (name.into(), key.into());
        Field { name, key, ty, optional, nullable: false, secret: false }
    };
    match &item.form {
        Form::String(word) => {
            let bare = word.strip_suffix('?').unwrap_or(word);
            let ty = read_type(bare, None, item, faults)?;
            Some((plain(ty, bare.len() < word.len()), Vec::new()))
        }
        Form::Table(table) => {
            let word = table.require_string("type", "name the field's type");
            let optional = table.boolean("optional").unwrap_or(false);
            let nullable = table.boolean("nullable").unwrap_or(false);
            let secret = table.boolean("secret").unwrap_or(false);
            let aliases = table.strings("aliases").iter().map(|a| a.value.into()).collect();
            let ty = read_type(word?.value, Some(table), item, faults);
            table.finish();
            Some((Field { nullable, secret, ..plain(ty?, optional) }, aliases))
        }
        Form::Other(_) => {
            let problem = format!("this is {}", item.form.name());
            faults.add(&item.place, problem, "write a type such as \"integer\", or a table");
            None
        }
    }
}

fn read_type(
    word: &str,
    table: Option<&Table<'_>>,
    item: &Item<'_>,
    faults: &Faults<'_>,
) -> Option<Type> {
    Some(match word {
        "array" => Type::Array { wrap: table.and_then(|t| t.boolean("wrap")).unwrap_or(false) },
        "boolean" => Type::Boolean,
        "integer" => Type::Integer(read_range(table)),
        "json" => Type::Json { holds: table.and_then(|t| read_holds(t, faults)) },
        "number" => Type::Number,
        "object" => Type::Object,
        "string" => Type::String,
        "timestamp" => Type::Timestamp(table.map_or(Unit::Seconds, |t| read_unit(t, faults))),
        other => {
            let remedy = allowed("type", other, Type::NAMES.into_iter());
            faults.add(&item.place, "this type is unknown", remedy);
            return None;
        }
    })
}

/// `holds = "object"` or `"array"`; without it either.
fn read_holds(table: &Table<'_>, faults: &Faults<'_>) -> Option<Shape> {
    let word = table.string("holds")?;
    match word.value {
        "array" => Some(Shape::Array),
        "object" => Some(Shape::Object),
        other => {
            let remedy = allowed("shape", other, ["array", "object"].into_iter());
            faults.add(&word.place, "this shape is unknown", remedy);
            None
        }
    }
}

fn read_range(table: Option<&Table<'_>>) -> Range {
    let bound = |key| table.and_then(|t| t.integer(key, i64::MIN..=i64::MAX));
    Range {
        min: bound("min").unwrap_or(Range::ANY.min),
        max: bound("max").unwrap_or(Range::ANY.max),
    }
}

/// `unit = "s"` or `"ms"`.
pub(crate) fn read_unit(table: &Table<'_>, faults: &Faults<'_>) -> Unit {
    match table.string("unit") {
        None => Unit::Seconds,
        Some(unit) => match unit.value {
            "s" => Unit::Seconds,
            "ms" => Unit::Millis,
            other => {
                let remedy = allowed("unit", other, ["s", "ms"].into_iter());
                faults.add(&unit.place, "this unit is unknown", remedy);
                Unit::Seconds
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    fn fields(text: &str) -> Fields {
        document::read(text, |table, faults| Some(read_fields(&[table], faults))).unwrap()
    }

    fn event(fields: &Fields, body: &str) -> Result<String, FieldFault> {
        let object = Object::from_json(body).unwrap();
        let mut out = Vec::new();
        fields.write_event(&object, |_| false, &mut out)?;
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
        fields.write_event(&object, |_| false, &mut out).ok()?;
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
            Err(FieldFault::Missing { field: "score".into() })
        );
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
        let faults =
            document::read("f = 'integr'", |table, faults| Some(read_fields(&[table], faults)))
                .unwrap_err();
        let shown = faults.first().unwrap().to_string();
        assert!(
            shown.starts_with("1:5: f: this type is unknown; did you mean `integer`?"),
            "{shown}"
        );
    }
}
