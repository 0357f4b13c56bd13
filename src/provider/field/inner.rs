//! Objects and arrays: the declared fields in them, and JSON that comes as text.

use std::borrow::Cow;

use super::FieldFault;
use super::types::{Inner, Misfit, Writer, whole};
use crate::json::{self, Object, Shape, Value};

/// Writes an object or array, with the declared fields in it.
pub(super) fn write_inner(
    value: &Value<'_>,
    inner: &Inner,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let (Some(fields), Value::Json(raw)) = (&inner.fields, value) else {
        value.write(out);
        return Ok(());
    };
    let object = |raw, out: &mut Vec<u8>| match Object::from_json(raw) {
        Ok(object) => fields.write_object(&object, writer, |_| false, out),
        Err(_) => {
            let found = Value::Json(raw).shape().name();
            Err(FieldFault::Type { field: "".into(), wanted: "object", found })
        }
    };
    if value.shape() == Shape::Object {
        return object(raw, out).map_err(Misfit::Inside);
    }
    let elements = json::elements(raw).map_err(|_| Misfit::Type)?;
    if let Some(max) = inner.max_items.filter(|max| elements.len() > *max) {
        return Err(Misfit::Inside(FieldFault::TooMany { field: "".into(), max }));
    }
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        object(element, out)
            .map_err(|fault| Misfit::Inside(fault.inside(&format!("[{index}]"))))?;
    }
    out.push(b']');
    Ok(())
}

/// Checks that the integers of an object rise in the order in which they are declared.
pub(super) fn check_rising(value: &Value<'_>, inner: &Inner) -> Result<(), Misfit> {
    let (Some(fields), Value::Json(raw)) = (&inner.fields, value) else { return Ok(()) };
    let object = Object::from_json(raw).map_err(|_| Misfit::Type)?;
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
    if let Value::Json(raw) = value
        && matches!(value.shape(), Shape::Array | Shape::Object)
    {
        return write_json_text(raw, holds, inner, writer, out);
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
    let shape = Value::Json(text).shape();
    let nothing_in_it = || text.bytes().all(|b| b"[] \t\r\n".contains(&b)) && text.len() > 1;
    match holds {
        // PHP writes an empty map as an empty list.
        Some(Shape::Object) if shape == Shape::Array && nothing_in_it() => {
            out.extend_from_slice(b"{}");
        }
        Some(wanted) if wanted != shape => return Err(Misfit::Type),
        _ => write_inner(&Value::Json(text), inner, writer, out)?,
    }
    Ok(())
}
