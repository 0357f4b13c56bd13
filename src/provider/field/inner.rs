//! Objects and arrays: the declared fields in them, and JSON that comes as text.

use std::borrow::Cow;

use super::types::{Inner, Misfit, Writer, whole};
use super::{FieldFault, Fields};
use crate::json::{self, Json, Object, Shape, Value};

/// Writes an object or array, with what is declared in it.
pub(super) fn write_inner(
    value: &Value<'_>,
    inner: &Inner,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let json = match value {
        Value::Json(json) if !inner.leaves(json.shape) => json,
        Value::Json(_) | Value::Text(_) => {
            value.write(out);
            return Ok(());
        }
    };
    if let (Shape::Object, Some(fields)) = (json.shape, &inner.fields) {
        return write_fields(json.text, fields, writer, out).map_err(Misfit::Inside);
    }
    let elements = json::elements(json.text).map_err(|_| Misfit::Type)?;
    if let Some(max) = inner.max_items.filter(|max| elements.len() > *max) {
        return Err(Misfit::Inside(FieldFault::TooMany { field: "".into(), max }));
    }
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_element(element, inner, writer, out)
            .map_err(|fault| Misfit::Inside(fault.inside(&format!("[{index}]"))))?;
    }
    out.push(b']');
    Ok(())
}

fn write_fields(
    raw: &str,
    fields: &Fields,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), FieldFault> {
    match Object::from_json(raw) {
        Ok(object) => fields.write_object(&object, writer, |_| false, out),
        Err(_) => {
            let found = Json::of(raw).shape.name();
            Err(FieldFault::Type { field: "".into(), wanted: "object", found })
        }
    }
}

fn write_element(
    raw: &str,
    inner: &Inner,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), FieldFault> {
    match (&inner.fields, &inner.of) {
        (Some(fields), _) => write_fields(raw, fields, writer, out),
        (None, Some(of)) => {
            of.write(&Value::json(raw), writer, out).map_err(|misfit| match misfit {
                Misfit::Inside(fault) => fault,
                Misfit::Range(range) => {
                    FieldFault::Range { field: "".into(), min: range.min, max: range.max }
                }
                Misfit::Type => {
                    let found = Json::of(raw).shape.name();
                    FieldFault::Type { field: "".into(), wanted: of.name(), found }
                }
            })
        }
        (None, None) => {
            out.extend_from_slice(raw.as_bytes());
            Ok(())
        }
    }
}

/// Checks that the integers of an object rise in the order in which they are declared.
pub(super) fn check_rising(value: &Value<'_>, inner: &Inner) -> Result<(), Misfit> {
    let (Some(fields), Value::Json(json)) = (&inner.fields, value) else { return Ok(()) };
    let object = Object::from_json(json.text).map_err(|_| Misfit::Type)?;
    let numbers = fields.iter().filter_map(|field| {
        let number = whole(&object.get(&field.name)?.scalar()?)?;
        Some((number, &field.name))
    });
    let mut last: Option<(i64, &Box<str>)> = None;
    for (number, name) in numbers {
        if let Some((_, field)) = last.filter(|(before, _)| *before >= number) {
            let (field, than) = (field.clone(), name.clone());
            return Err(Misfit::Inside(FieldFault::Order { field, than }));
        }
        last = Some((number, name));
    }
    Ok(())
}

pub(super) fn write_json(
    value: &Value<'_>,
    holds: Option<Shape>,
    inner: &Inner,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if let Value::Json(Json { text, shape: Shape::Array | Shape::Object, .. }) = value {
        return write_json_text(text, holds, inner, writer, out);
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
    write_json_text(text, holds, inner, writer, out)
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

fn write_json_text(
    text: &str,
    holds: Option<Shape>,
    inner: &Inner,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let shape = Json::of(text).shape;
    let nothing_in_it = || text.bytes().all(|b| b"[] \t\r\n".contains(&b)) && text.len() > 1;
    match holds {
        // PHP writes an empty map as an empty list.
        Some(Shape::Object) if shape == Shape::Array && nothing_in_it() => {
            out.extend_from_slice(b"{}");
        }
        Some(wanted) if wanted != shape => return Err(Misfit::Type),
        _ => write_inner(&Value::json(text), inner, writer, out)?,
    }
    Ok(())
}
