//! Members of a reply, and the conversion of values to their declared types.

use super::answer_error::AnswerError;
use crate::json::{Object, Value};
use crate::provider::field::{Conversion, Field, Fields};

/// A member of a reply, with its value as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyField {
    pub(crate) name: ReplyFieldName,
    pub(crate) json: Box<str>,
}

/// The name of a [`ReplyField`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyFieldName {
    /// The index of a declared field in [`Decision::fields`].
    Declared(usize),
    /// The name of an undeclared field. Only replies to a decision with `open` have undeclared
    /// fields.
    Undeclared(Box<str>),
}

/// Converts the value of a declared field. Returns `None` if [`Field::is_unset_in_answer`] returns
/// true for the value.
///
/// Many serializers write an unset field as `null` or as an empty string. These values do not have
/// the declared type, so a platform may refuse the reply. gatepost therefore omits the field.
pub(super) fn read_reply_field(
    index: usize,
    field: &Field,
    value: &Value<'_>,
    conversion: &mut Conversion,
) -> Result<Option<ReplyField>, AnswerError> {
    if field.is_unset_in_answer(value) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(16);
    field.write_value(value, conversion, &mut out)?;
    let json = String::from_utf8(out).map_err(|_| AnswerError::Malformed)?.into();
    Ok(Some(ReplyField { name: ReplyFieldName::Declared(index), json }))
}

/// Finds the first field of a JSON object whose value does not have the declared JSON type. Returns
/// the name of the field, the declared type and the type of the value.
///
/// Without this check, [`read_reply_fields`] converts such a value, for example `1` to `true`.
pub(crate) fn first_of_other_type<'f>(
    json: &str,
    fields: &'f Fields,
) -> Option<(&'f str, &'static str, &'static str)> {
    let object = Object::from_json(json).ok()?;
    object.iter().find_map(|(name, value)| {
        let field = fields.get(fields.find(name)?)?;
        let (wanted, found) = (field.ty.shape()?, value.shape());
        (wanted != found).then(|| (&*field.name, field.ty.name(), found.name()))
    })
}

/// Parses a JSON object of declared reply fields. Required fields may be missing.
///
/// # Errors
///
/// Returns an error for JSON that is not an object, and for an undeclared or invalid field.
pub(crate) fn read_reply_fields(
    json: &str,
    fields: &Fields,
) -> Result<Vec<ReplyField>, AnswerError> {
    let object = Object::from_json(json)?;
    let mut reply_fields = Vec::with_capacity(object.len());
    for (name, value) in object.iter() {
        let unknown = || AnswerError::Unknown { field: name.into() };
        let index = fields.find(name).ok_or_else(unknown)?;
        let field = fields.get(index).ok_or_else(unknown)?;
        let mut conversion = Conversion::of_config();
        reply_fields.extend(read_reply_field(index, field, value, &mut conversion)?);
    }
    Ok(reply_fields)
}
