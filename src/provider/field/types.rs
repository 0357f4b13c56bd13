//! The types of fields, and their checks of numbers and of values that need no conversion.

use std::sync::Arc;

use super::{FieldError, Fields};
use crate::json::{Json, Shape};
use crate::time::{Unit, number};

/// The declared type of a field or array element.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Any,
    Array {
        /// True if the field also accepts a value of [`Type::Number`]. gatepost converts this value
        /// to an array of one element.
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
        /// True if the integers must increase in the declared order of their fields.
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

    pub(super) const fn contains(&self, number: i64) -> bool {
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
