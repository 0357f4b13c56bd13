//! Conversion of TOML values into JSON text, in the order of the file.
//!
//! The functions return `None` for a value that JSON cannot represent: a date, a number that is not
//! finite, or an integer outside of `i64`.

use toml::de::{DeInteger, DeTable, DeValue};

use crate::json;

/// Writes a table as a JSON object.
pub(super) fn write_table(entries: &DeTable<'_>, out: &mut Vec<u8>) -> Option<()> {
    let mut entries: Vec<_> = entries.iter().collect();
    // A `DeTable` may have another order than the file. The spans restore the order of the file.
    entries.sort_by_key(|(name, _)| name.span().start);
    out.push(b'{');
    for (index, (name, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_string(name.get_ref(), out);
        out.push(b':');
        write_value(value.get_ref(), out)?;
    }
    out.push(b'}');
    Some(())
}

fn write_value(value: &DeValue<'_>, out: &mut Vec<u8>) -> Option<()> {
    match value {
        DeValue::String(text) => json::write_string(text, out),
        DeValue::Integer(number) => out.extend_from_slice(integer(number)?.to_string().as_bytes()),
        DeValue::Float(number) => {
            let number = number.as_str().replace('_', "").parse().ok()?;
            out.extend_from_slice(serde_json::Number::from_f64(number)?.to_string().as_bytes());
        }
        DeValue::Boolean(flag) => out.extend_from_slice(flag.to_string().as_bytes()),
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item.get_ref(), out)?;
            }
            out.push(b']');
        }
        DeValue::Table(table) => write_table(table, out)?,
    }
    Some(())
}

/// Parses an integer in any base, with or without `_` between the digits.
pub(super) fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}
