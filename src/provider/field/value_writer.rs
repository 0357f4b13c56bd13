//! Conversion of a value to its declared type.

use std::borrow::Cow;

use super::types::{Nested, Range, Type, TypeError, parse_whole};
use super::{Conversion, FieldError, FieldPath, Fields, SentBy};
use crate::json::{self, Json, Object, Shape, Value};

impl Type {
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

/// Checks that the integers of an object increase in the order in which `inner` declares the
/// fields.
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
