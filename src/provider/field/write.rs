//! Conversion of the values of fields to their declared types. A *misfit* is a value that gatepost
//! cannot convert to the declared type.

use super::{Conversion, Field, FieldError, FieldPath, Type};
use crate::json::{Shape, Value};

impl Field {
    /// Writes the value of a top-level field, as [`Self::write`] does.
    pub(crate) fn write_value(
        &self,
        value: &Value<'_>,
        conversion: &mut Conversion,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        self.write(value, conversion, &FieldPath::ROOT, out)
    }

    /// Converts `value` to the declared type, and writes the result to `out`. Writes a permitted
    /// misfit as received.
    ///
    /// # Errors
    ///
    /// Returns an error for a misfit that `conversion` does not permit. `out` is then unchanged.
    pub(super) fn write(
        &self,
        value: &Value<'_>,
        conversion: &mut Conversion,
        at: &FieldPath<'_>,
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
        let (before, at) = (out.len(), at.field(self));
        let Err(fault) = self.ty.write(value, conversion, &at, out) else { return Ok(()) };
        out.truncate(before);
        if !conversion.permits_misfit(&at) {
            return Err(fault.of(&self.name, &self.ty, value.shape()));
        }
        if !self.lenient {
            conversion.note(&at, "");
        }
        value.write(out);
        Ok(())
    }

    /// Returns `true` only if `value` already has the declared type. gatepost then copies the value
    /// as received.
    #[inline(always)]
    pub(super) fn is_unchanged(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Json(json) if json.shape == Shape::Null => self.optional || self.nullable,
            Value::Json(json) => self.ty.is_unchanged(json),
            Value::Text(_) => false,
        }
    }

    /// Returns `true` if `value` means that a field of an answer is unset. In addition to the
    /// values of [`Self::is_unset`], an empty array means an unset optional object: PHP writes an
    /// empty object as `[]`.
    pub(crate) fn is_unset_in_answer(&self, value: &Value<'_>) -> bool {
        let is_empty_array = || match value {
            Value::Json(json) if json.shape == Shape::Array => json
                .text
                .bytes()
                .all(|byte| matches!(byte, b'[' | b']') || byte.is_ascii_whitespace()),
            Value::Json(_) | Value::Text(_) => false,
        };
        let is_object = matches!(self.ty, Type::Object { .. });
        self.is_unset(value) || is_object && self.optional && is_empty_array()
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
            Shape::String => {
                self.optional && !matches!(self.ty, Type::Any | Type::String) && is_blank()
            }
            Shape::Array | Shape::Boolean | Shape::Number | Shape::Object => false,
        }
    }
}
