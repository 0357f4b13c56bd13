//! The types of fields, and the conversion of values to these types.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Conversion, FieldError, FieldPath, Fields, SentBy};
use crate::json::{self, Json, Object, Shape, Value};
use crate::time::{Unit, number};

/// The declared type of a field or array element.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Any,
    Array {
        /// True if the field also accepts what [`Type::Number`] accepts, and converts it to an
        /// array of one element.
        wrap: bool,
        inner: Nested,
    },
    Boolean,
    Integer(Range),
    Json {
        /// The required shape, an array or an object; `None` allows both.
        shape: Option<Shape>,
        inner: Nested,
    },
    Number,
    Object {
        inner: Nested,
        /// True if the integers must increase in the order in which their fields are declared.
        rising: bool,
    },
    String,
    Timestamp(Unit),
}

/// Declared contents of an object or array. Each `None` means no restriction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nested {
    /// The fields of the object, or of each object in the array.
    pub(crate) fields: Option<Arc<Fields>>,
    /// The type of each element of the array.
    pub(crate) element: Option<Box<Type>>,
    /// The maximum number of elements of the array.
    pub(crate) max_items: Option<usize>,
}

impl Nested {
    /// Returns `true` if the definition declares nothing about the contents of an object or array.
    /// `shape` is the JSON type of the value.
    pub(super) const fn is_empty_for(&self, shape: Shape) -> bool {
        let is_array = matches!(shape, Shape::Array);
        self.fields.is_none() && !(is_array && (self.element.is_some() || self.max_items.is_some()))
    }
}

/// The range of integers that a field accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// True if the field accepts 0 even outside `min..=max`.
    pub(crate) or_zero: bool,
}

impl Range {
    pub(crate) const ANY: Self = Self { min: i64::MIN, max: i64::MAX, or_zero: false };

    const fn contains(&self, number: i64) -> bool {
        (number >= self.min && number <= self.max) || (self.or_zero && number == 0)
    }
}

/// The reason why gatepost cannot convert a value to a type.
pub(super) enum TypeError {
    /// A field or element inside the value is invalid.
    Inside(FieldError),
    /// The value is an integer outside the range. The text is `smaller` or `greater`.
    Range(Range, &'static str),
    /// gatepost cannot convert the value to the type.
    Type,
}

impl TypeError {
    /// Returns the error for the field `name` of type `ty`. The name of an array element is empty.
    pub(super) fn of(self, name: &str, ty: &Type, found: Shape) -> FieldError {
        match self {
            Self::Inside(fault) if name.is_empty() => fault,
            Self::Inside(fault) => fault.inside(name),
            Self::Range(Range { min, max, .. }, found) => {
                FieldError::Range { field: name.into(), min, max, found }
            }
            Self::Type => {
                let (wanted, found) = (ty.name(), found.name());
                FieldError::Type { field: name.into(), wanted, found }
            }
        }
    }
}

impl Type {
    pub(super) const NAMES: [&'static str; 9] =
        ["any", "array", "boolean", "integer", "json", "number", "object", "string", "timestamp"];

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Array { .. } => "array",
            Self::Boolean => "boolean",
            Self::Integer(_) => "integer",
            Self::Json { .. } => "json",
            Self::Number => "number",
            Self::Object { .. } => "object",
            Self::String => "string",
            Self::Timestamp(_) => "timestamp",
        }
    }

    /// Returns `true` only if `value` and all its contents already have the declared types.
    /// gatepost then copies the value as received.
    #[inline(always)]
    pub(super) fn is_unchanged(&self, value: &Json<'_>) -> bool {
        match (self, value.shape) {
            (Self::Any, _) | (Self::Boolean, Shape::Boolean) | (Self::String, Shape::String) => {
                true
            }
            (Self::Number | Self::Timestamp(_), Shape::Number) => value.is_plain,
            (Self::Integer(range), Shape::Number) => {
                let in_range =
                    || parse_whole(value.text).is_some_and(|number| range.contains(number));
                value.is_plain && (*range == Range::ANY || in_range())
            }
            (Self::Array { inner, .. }, Shape::Array)
            | (Self::Object { inner, .. }, Shape::Object)
            | (Self::Json { shape: None, inner }, Shape::Array | Shape::Object) => {
                inner.is_empty_for(value.shape)
            }
            (Self::Json { shape: Some(shape), inner }, _) => {
                *shape == value.shape && inner.is_empty_for(value.shape)
            }
            _ => false,
        }
    }

    /// Returns the JSON type of a value of this type; `None` if the value may have several JSON
    /// types.
    pub(crate) const fn shape(&self) -> Option<Shape> {
        match self {
            Self::Any => None,
            Self::Array { .. } => Some(Shape::Array),
            Self::Boolean => Some(Shape::Boolean),
            Self::Integer(_) | Self::Number | Self::Timestamp(_) => Some(Shape::Number),
            Self::Json { shape, .. } => *shape,
            Self::Object { .. } => Some(Shape::Object),
            Self::String => Some(Shape::String),
        }
    }

    /// Returns the declared contents of an object or array; `None` for other types.
    pub(crate) const fn nested(&self) -> Option<&Nested> {
        match self {
            Self::Array { inner, .. } | Self::Json { inner, .. } | Self::Object { inner, .. } => {
                Some(inner)
            }
            Self::Any
            | Self::Boolean
            | Self::Integer(_)
            | Self::Number
            | Self::String
            | Self::Timestamp(_) => None,
        }
    }

    /// Returns the declared fields of the object, or of the objects in the array.
    pub(super) fn nested_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Self::Array { inner, .. } | Self::Json { inner, .. } | Self::Object { inner, .. } => {
                inner.fields.as_mut().map(Arc::make_mut)
            }
            Self::Any
            | Self::Boolean
            | Self::Integer(_)
            | Self::Number
            | Self::String
            | Self::Timestamp(_) => None,
        }
    }

    /// Converts `value` at the position `at` to this type, and writes the result to `out`.
    pub(super) fn write(
        &self,
        value: &Value<'_>,
        conversion: &mut Conversion,
        at: &FieldPath<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), TypeError> {
        match self {
            Self::Array { inner, .. } if value.shape() == Shape::Array => {
                write_inner(value, inner, conversion, at, out)?;
            }
            Self::Array { wrap: true, .. } => {
                let number =
                    value.scalar().filter(|text| is_number(text)).ok_or(TypeError::Type)?;
                out.push(b'[');
                out.extend_from_slice(number.as_bytes());
                out.push(b']');
            }
            Self::Object { inner, rising } if value.shape() == Shape::Object => {
                write_inner(value, inner, conversion, at, out)?;
                if *rising {
                    check_rising(value, inner)?;
                }
            }
            Self::Array { .. } | Self::Object { .. } => return Err(TypeError::Type),
            Self::Any => value.write(out),
            Self::Boolean => {
                out.extend_from_slice(boolean(value).ok_or(TypeError::Type)?.as_bytes())
            }
            Self::Integer(range) => write_integer(value, range, conversion.sent_by, out)?,
            Self::Timestamp(_) => write_integer(value, &Range::ANY, conversion.sent_by, out)?,
            Self::Json { shape, inner } => write_json(value, *shape, inner, conversion, at, out)?,
            Self::Number => write_number(value, out)?,
            Self::String => write_string(value, out)?,
        }
        Ok(())
    }
}

fn boolean(value: &Value<'_>) -> Option<&'static str> {
    let word = match value {
        Value::Json(Json { text, shape: Shape::Boolean, .. }) => Cow::Borrowed(*text),
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
    sent_by: SentBy,
    out: &mut Vec<u8>,
) -> Result<(), TypeError> {
    let number = match (sent_by, value) {
        (SentBy::App | SentBy::Operator, Value::Json(Json { text: "true", .. })) => 1,
        (SentBy::App | SentBy::Operator, Value::Json(Json { text: "false", .. })) => 0,
        _ => value.scalar().and_then(|text| parse_whole(&text)).ok_or(TypeError::Type)?,
    };
    if !range.contains(number) {
        let found = if number < range.min { "smaller" } else { "greater" };
        return Err(TypeError::Range(range.clone(), found));
    }
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    Ok(())
}

/// Parses a whole number that fits in an `i64`. `1.0` and `1e3` are whole numbers.
pub(crate) fn parse_whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return number(text);
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && fraction.bytes().all(|b| b == b'0')
    {
        return parse_whole(whole);
    }
    if text.contains('.') {
        return None;
    }
    // Parse a number with an exponent as `f64`. Reject numbers above 2^53, because an `f64` is not
    // exact there. Also reject numbers that are 0 only because they are too small for an `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.parse().ok()?;
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = mantissa.bytes().all(|b| b == b'0');
    let is_exact = number.fract() == 0.0 && number.abs() <= EXACT && (number == 0.0) == is_zero;
    is_exact.then_some(number as i64)
}

fn is_number(text: &str) -> bool {
    serde_json::from_str::<f64>(text).is_ok()
}

fn write_number(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), TypeError> {
    let text = value.scalar().filter(|text| is_number(text)).ok_or(TypeError::Type)?;
    out.extend_from_slice(text.trim().as_bytes());
    Ok(())
}

fn write_string(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), TypeError> {
    match (value.shape(), value) {
        (Shape::String, _) => value.write(out),
        (Shape::Number, Value::Json(number)) => json::write_string(number.text, out),
        _ => return Err(TypeError::Type),
    }
    Ok(())
}

/// Writes an object or array, and converts the declared contents.
fn write_inner(
    value: &Value<'_>,
    inner: &Nested,
    conversion: &mut Conversion,
    at: &FieldPath<'_>,
    out: &mut Vec<u8>,
) -> Result<(), TypeError> {
    let json = match value {
        Value::Json(json) if !inner.is_empty_for(json.shape) => json,
        Value::Json(_) | Value::Text(_) => {
            value.write(out);
            return Ok(());
        }
    };
    if let (Shape::Object, Some(fields)) = (json.shape, &inner.fields) {
        return write_fields(json.text, fields, conversion, at, out).map_err(TypeError::Inside);
    }
    let elements = json::elements(json.text).map_err(|_| TypeError::Type)?;
    if let Some(max) = inner.max_items.filter(|max| elements.len() > *max) {
        return Err(TypeError::Inside(FieldError::TooMany { field: "".into(), max }));
    }
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_element(element, inner, conversion, &at.element(), out)
            .map_err(|fault| TypeError::Inside(fault.inside(&format!("[{index}]"))))?;
    }
    out.push(b']');
    Ok(())
}

/// Converts an array element, and writes the result. Writes a permitted misfit (an element that
/// gatepost cannot convert) as received.
fn write_element(
    raw: &str,
    inner: &Nested,
    conversion: &mut Conversion,
    at: &FieldPath<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FieldError> {
    let before = out.len();
    let written = match (&inner.fields, &inner.element) {
        (Some(fields), _) => write_fields(raw, fields, conversion, at, out),
        (None, Some(element)) => element
            .write(&Value::json(raw), conversion, at, out)
            .map_err(|fault| fault.of("", element, Json::of(raw).shape)),
        (None, None) => {
            out.extend_from_slice(raw.as_bytes());
            Ok(())
        }
    };
    if written.is_err() && conversion.permits_misfit(at) {
        conversion.note(at, "");
        out.truncate(before);
        out.extend_from_slice(raw.as_bytes());
        return Ok(());
    }
    written
}

fn write_fields(
    raw: &str,
    fields: &Fields,
    conversion: &mut Conversion,
    at: &FieldPath<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FieldError> {
    match Object::from_json(raw) {
        Ok(object) => fields.write_object(&object, conversion, at, |_| false, out),
        Err(_) => {
            let found = Json::of(raw).shape.name();
            Err(FieldError::Type { field: "".into(), wanted: "object", found })
        }
    }
}

/// Checks that the integers of an object increase in the order in which their fields are declared.
fn check_rising(value: &Value<'_>, inner: &Nested) -> Result<(), TypeError> {
    let (Some(fields), Value::Json(json)) = (&inner.fields, value) else { return Ok(()) };
    let object = Object::from_json(json.text).map_err(|_| TypeError::Type)?;
    let numbers = fields.iter().filter_map(|field| {
        let number = parse_whole(&object.get(&field.name)?.scalar()?)?;
        Some((number, &field.name))
    });
    let mut previous: Option<(i64, &Box<str>)> = None;
    for (number, name) in numbers {
        if let Some((_, field)) = previous.filter(|(before, _)| *before >= number) {
            let (field, than) = (field.clone(), name.clone());
            return Err(TypeError::Inside(FieldError::Order { field, than }));
        }
        previous = Some((number, name));
    }
    Ok(())
}

/// Writes an object or array. The value may be a string that encodes the object or array, once or
/// twice.
fn write_json(
    value: &Value<'_>,
    shape: Option<Shape>,
    inner: &Nested,
    conversion: &mut Conversion,
    at: &FieldPath<'_>,
    out: &mut Vec<u8>,
) -> Result<(), TypeError> {
    if let Value::Json(Json { text, shape: Shape::Array | Shape::Object, .. }) = value {
        return write_json_text(text, shape, inner, conversion, at, out);
    }
    let once = value.scalar().filter(|_| value.shape() == Shape::String).ok_or(TypeError::Type)?;
    let once = percent_decode(once.trim());
    let once = once.trim();
    let twice = once.starts_with('"').then(|| serde_json::from_str::<String>(once));
    let text = match &twice {
        None => once,
        Some(inner) => inner.as_deref().map_err(|_| TypeError::Type)?.trim(),
    };
    if !text.starts_with(['{', '[']) {
        return Err(TypeError::Type);
    }
    let text = match json::check_nested(text) {
        Ok(()) => Cow::Borrowed(text),
        Err(_) => json::without_lone_surrogates(text)
            .filter(|text| json::check_nested(text).is_ok())
            .map(Cow::Owned)
            .ok_or(TypeError::Type)?,
    };
    write_json_text(&text, shape, inner, conversion, at, out)
}

/// Decodes percent-encoded JSON. Some video players percent-encode a form value twice.
///
/// A JSON value never starts with `%`, so text that starts with `%` is percent-encoded.
fn percent_decode(text: &str) -> Cow<'_, str> {
    let is_encoded = text.starts_with('%');
    let decoded = is_encoded.then(|| {
        // Replace `+` before percent-decoding, to keep an encoded `+` (`%2B`).
        let bytes = text.as_bytes().iter().map(|b| if *b == b'+' { b' ' } else { *b });
        let bytes: Vec<u8> = bytes.collect();
        let decoded = percent_encoding::percent_decode(&bytes).decode_utf8();
        decoded.ok().map(Cow::into_owned)
    });
    decoded.flatten().map_or(Cow::Borrowed(text), Cow::Owned)
}

fn write_json_text(
    text: &str,
    shape: Option<Shape>,
    inner: &Nested,
    conversion: &mut Conversion,
    at: &FieldPath<'_>,
    out: &mut Vec<u8>,
) -> Result<(), TypeError> {
    let found = Json::of(text).shape;
    let is_empty_array = || text.bytes().all(|b| b"[] \t\r\n".contains(&b)) && text.len() > 1;
    match shape {
        // PHP encodes an empty map as an empty array.
        Some(Shape::Object) if found == Shape::Array && is_empty_array() => {
            out.extend_from_slice(b"{}");
        }
        Some(wanted) if wanted != found => return Err(TypeError::Type),
        _ => write_inner(&Value::json(text), inner, conversion, at, out)?,
    }
    Ok(())
}
