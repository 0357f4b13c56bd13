//! Types: how a value becomes the declared one.

use std::borrow::Cow;
use std::sync::Arc;

use super::inner::{check_rising, write_inner, write_json};
use super::{FieldFault, Fields};
use crate::json::{self, Json, Shape, Value};
use crate::time::{Unit, number};

/// A declared type.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Array {
        wrap: bool,
        inner: Inner,
    },
    Boolean,
    Integer(Range),
    Json {
        holds: Option<Shape>,
        inner: Inner,
    },
    Number,
    Object {
        inner: Inner,
        /// Its integers rise in the order in which they are declared.
        rising: bool,
    },
    String,
    Timestamp(Unit),
}

/// What stands in an object or array, as far as it is declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inner {
    /// The fields of the object, or of each object in the array.
    pub(crate) fields: Option<Arc<Fields>>,
    /// What every element of the array is.
    pub(crate) of: Option<Box<Type>>,
    /// How long the array may be.
    pub(crate) max_items: Option<usize>,
}

impl Inner {
    /// Whether nothing is declared of what stands in an object, or in an array.
    pub(super) const fn leaves(&self, shape: Shape) -> bool {
        let is_array = matches!(shape, Shape::Array);
        self.fields.is_none() && !(is_array && (self.of.is_some() || self.max_items.is_some()))
    }
}

/// The whole numbers a field may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// Whether 0 is allowed though it is out of the range.
    pub(crate) or_zero: bool,
}

impl Range {
    pub(crate) const ANY: Self = Self { min: i64::MIN, max: i64::MAX, or_zero: false };

    const fn holds(&self, number: i64) -> bool {
        (number >= self.min && number <= self.max) || (self.or_zero && number == 0)
    }
}

/// Who wrote the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The app, whose `true` for 1 is put right.
    App,
    /// The platform, whose types are as documented or as text.
    Platform,
}

/// Why a value is not of a type.
pub(super) enum Misfit {
    Inside(FieldFault),
    Range(Range),
    Type,
}

impl Type {
    pub(super) const NAMES: [&'static str; 8] =
        ["array", "boolean", "integer", "json", "number", "object", "string", "timestamp"];

    pub(crate) const fn name(&self) -> &'static str {
        match self {
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

    /// Whether a JSON value is written as the type is, so that it goes through as received.
    #[inline(always)]
    pub(super) fn leaves(&self, value: &Json<'_>) -> bool {
        match (self, value.shape) {
            (Self::Boolean, Shape::Boolean) | (Self::String, Shape::String) => true,
            (Self::Number | Self::Timestamp(_), Shape::Number) => value.is_plain,
            (Self::Integer(range), Shape::Number) => {
                let holds = || whole(value.text).is_some_and(|number| range.holds(number));
                value.is_plain && (*range == Range::ANY || holds())
            }
            (Self::Array { inner, .. }, Shape::Array)
            | (Self::Object { inner, .. }, Shape::Object)
            | (Self::Json { holds: None, inner }, Shape::Array | Shape::Object) => {
                inner.leaves(value.shape)
            }
            (Self::Json { holds: Some(shape), inner }, _) => {
                *shape == value.shape && inner.leaves(value.shape)
            }
            _ => false,
        }
    }

    pub(super) fn write(
        &self,
        value: &Value<'_>,
        writer: Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), Misfit> {
        match self {
            Self::Array { inner, .. } if value.shape() == Shape::Array => {
                write_inner(value, inner, writer, out)?;
            }
            Self::Array { wrap: true, .. } => {
                let number = value.scalar().filter(|text| is_number(text)).ok_or(Misfit::Type)?;
                out.push(b'[');
                out.extend_from_slice(number.as_bytes());
                out.push(b']');
            }
            Self::Object { inner, rising } if value.shape() == Shape::Object => {
                write_inner(value, inner, writer, out)?;
                if *rising {
                    check_rising(value, inner)?;
                }
            }
            Self::Array { .. } | Self::Object { .. } => return Err(Misfit::Type),
            Self::Boolean => out.extend_from_slice(boolean(value).ok_or(Misfit::Type)?.as_bytes()),
            Self::Integer(range) => write_integer(value, range, writer, out)?,
            Self::Timestamp(_) => write_integer(value, &Range::ANY, writer, out)?,
            Self::Json { holds, inner } => write_json(value, *holds, inner, writer, out)?,
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
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let number = match (writer, value) {
        (Writer::App, Value::Json(Json { text: "true", .. })) => 1,
        (Writer::App, Value::Json(Json { text: "false", .. })) => 0,
        _ => value.scalar().and_then(|text| whole(&text)).ok_or(Misfit::Type)?,
    };
    if !range.holds(number) {
        return Err(Misfit::Range(range.clone()));
    }
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    Ok(())
}

/// A whole number of at most 64 bits; `1.0` and `1e3` are whole.
pub(crate) fn whole(text: &str) -> Option<i64> {
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

fn is_number(text: &str) -> bool {
    serde_json::from_str::<f64>(text).is_ok()
}

fn write_number(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let text = value.scalar().filter(|text| is_number(text)).ok_or(Misfit::Type)?;
    out.extend_from_slice(text.trim().as_bytes());
    Ok(())
}

fn write_string(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match (value.shape(), value) {
        (Shape::String, _) => value.write(out),
        (Shape::Number, Value::Json(number)) => json::write_string(number.text, out),
        _ => return Err(Misfit::Type),
    }
    Ok(())
}
