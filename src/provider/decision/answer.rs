//! Parsing of an app's answer into reply fields. The parent module describes the native, the flat
//! and the common form of an answer.
//!
//! gatepost drops a member that is not a reply field, and notes the member's name. If an answer
//! contains one of the following members, gatepost does not use the answer, because the app
//! probably expects the member to have an effect:
//!
//! - a member whose name is a misspelling of a reply field, of `allow`, of `message` or of the
//!   envelope (the member that contains the fields in the native form);
//! - a reply field or `allow` beside the envelope.
//!
//! In a config or a definition, every unknown member is a fault.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::Decision;
use super::answer_error::{AnswerError, misspelt};
use super::reply_field::{ReplyField, ReplyFieldName, read_reply_field};
use crate::json::{self, Json, Limits, Object, Shape, Value};
use crate::provider::field::{Conversion, FieldError, FieldPath, SentBy, is_misspelt, is_respelt};
use crate::reply::answer_text;

/// A parsed answer.
pub(super) enum ParsedAnswer<'a> {
    /// A list of elements, each for one item.
    PerItem(Vec<ListElement<'a>>),
    /// No usable answer. The failure policy applies.
    Unusable,
    /// One answer for the whole callback.
    Uniform {
        fields: Cow<'a, [ReplyField]>,
        /// True for the common form. The author of a common answer may not have considered this
        /// kind of callback.
        is_common: bool,
    },
}

/// An element of an answer's list: the object that identifies the item, and the parsed fields.
pub(super) type ListElement<'a> = (Object<'a>, Result<Vec<ReplyField>, AnswerError>);

impl<'a> ParsedAnswer<'a> {
    /// Returns an answer that gatepost itself writes for the whole callback.
    pub(super) fn uniform(fields: impl Into<Cow<'a, [ReplyField]>>) -> Self {
        Self::Uniform { fields: fields.into(), is_common: true }
    }
}

/// The maximum number of elements in a list, which limits the work for an answer. No platform
/// documents a callback with nearly as many items.
const MAX_ELEMENTS: usize = 1000;

const COMMON_ALLOW: &str = "allow";

pub(super) const COMMON_MESSAGE: &str = "message";

impl Decision {
    /// Parses the body of an app's answer. Notes the dropped members in `conversion`.
    ///
    /// Reads a lone surrogate, which JavaScript may write, as U+FFFD. If the answer contains a lone
    /// surrogate, stores the repaired text in `repaired`.
    ///
    /// # Errors
    ///
    /// Returns an error if the answer is malformed or a field is invalid. For an invalid element of
    /// a list, the [`ListElement`] contains the error instead.
    pub(super) fn parse_answer<'a>(
        &self,
        answer: &'a [u8],
        conversion: &mut Conversion,
        repaired: &'a OnceCell<String>,
    ) -> Result<ParsedAnswer<'a>, AnswerError> {
        let text = answer_text(answer).ok_or(AnswerError::NotUtf8)?;
        let parsed = self.parse_text(text, conversion);
        let is_malformed = match &parsed {
            Ok(ParsedAnswer::PerItem(elements)) => {
                elements.iter().any(|(_, fields)| *fields == Err(AnswerError::Malformed))
            }
            Ok(ParsedAnswer::Uniform { .. } | ParsedAnswer::Unusable) => false,
            Err(fault) => *fault == AnswerError::Malformed,
        };
        let Some(text) = is_malformed.then(|| json::without_lone_surrogates(text)).flatten() else {
            return parsed;
        };
        self.parse_text(repaired.get_or_init(|| text), conversion)
    }

    fn parse_text<'a>(
        &self,
        text: &'a str,
        conversion: &mut Conversion,
    ) -> Result<ParsedAnswer<'a>, AnswerError> {
        if self.item_list.is_some() && text.starts_with('[') {
            return self.parse_list(text, conversion);
        }
        if let Some(field) = self.bare.filter(|_| !text.starts_with('{')) {
            json::check_nested(text)?;
            let value = self.reply_field(field, &Value::json(text), conversion)?;
            let fields: Vec<_> = value.into_iter().collect();
            return Ok(ParsedAnswer::Uniform { fields: fields.into(), is_common: false });
        }
        let object = Object::from_json(text)?;
        match self.inside_envelope(&object, conversion)? {
            None => self.parse_uniform(&object, conversion),
            Some(raw) if self.item_list.is_some() && raw.starts_with('[') => {
                self.parse_list(raw, conversion)
            }
            Some(raw) => self.parse_uniform(&Object::from_json(raw)?, conversion),
        }
    }

    /// Parses a fixed answer or a failure policy from a config.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::parse_answer`]. Also returns an error for a list, and for an
    /// unknown member.
    pub(crate) fn parse_fixed(&self, json: &str) -> Result<Vec<ReplyField>, AnswerError> {
        match self.parse_text(json, &mut Conversion::of_config())? {
            ParsedAnswer::PerItem(_) | ParsedAnswer::Unusable => Err(AnswerError::Malformed),
            ParsedAnswer::Uniform { fields, .. } => Ok(fields.into_owned()),
        }
    }

    /// Returns true if an answer has the native form, which the platform reads without a
    /// conversion.
    pub(crate) fn is_native_answer(&self, answer: &[u8]) -> bool {
        let Some(text) = answer_text(answer) else { return false };
        if !text.starts_with('{') {
            let is_list =
                self.envelope.is_none() && self.item_list.is_some() && text.starts_with('[');
            return is_list || self.bare.is_some() && !text.starts_with('[');
        }
        let Ok(object) = Object::from_json(text) else { return false };
        match &self.envelope {
            Some(envelope) => matches!(object.get(envelope), Some(Value::Json(_))),
            None => object.get(COMMON_ALLOW).is_none() || self.fields.find(COMMON_ALLOW).is_some(),
        }
    }

    /// Returns the message in the body of an answer whose status denies.
    pub(super) fn message_of(&self, answer: &[u8]) -> Option<ReplyField> {
        let repaired = OnceCell::new();
        let object =
            Object::from_json_repaired(answer_text(answer)?, Limits::NONE, &repaired).ok()?;
        let inside = match self.envelope.as_deref().and_then(|envelope| object.get(envelope)) {
            Some(Value::Json(inside)) => Object::from_json(inside.text).ok(),
            Some(Value::Text(_)) | None => None,
        };
        let field = self.message?;
        let names = [Some(COMMON_MESSAGE), self.fields.name(field)];
        let message = (inside.iter().chain([&object]))
            .find_map(|object| names.iter().flatten().find_map(|name| object.get(name)))?;
        // Drop a message of a wrong type, without an error. After an error, gatepost applies the
        // failure policy, and that policy may allow the request that the app has denied.
        self.reply_field(field, message, &mut Conversion::of_answer()).ok().flatten()
    }

    /// Returns the JSON text of the envelope's value, or `None` if the envelope is absent or
    /// `null`. Drops the members beside the envelope.
    fn inside_envelope<'a>(
        &self,
        object: &Object<'a>,
        conversion: &mut Conversion,
    ) -> Result<Option<&'a str>, AnswerError> {
        let Some(envelope) = self.envelope.as_deref() else { return Ok(None) };
        let Some(Value::Json(inside)) = object.get(envelope) else { return Ok(None) };
        if inside.shape == Shape::Null {
            return Ok(None);
        }
        for (name, value) in object.iter().filter(|(name, _)| *name != envelope) {
            self.drop_beside(name, value, envelope, conversion)?;
        }
        let shape = inside.shape;
        if shape != Shape::Object && !(shape == Shape::Array && self.item_list.is_some()) {
            let (field, found) = (envelope.into(), shape.name());
            return Err(FieldError::Type { field, wanted: "object", found }.into());
        }
        Ok(Some(inside.text))
    }

    /// Drops a member beside the envelope. Returns an error for `allow` and for a reply field.
    fn drop_beside(
        &self,
        name: &str,
        value: &Value<'_>,
        envelope: &str,
        conversion: &mut Conversion,
    ) -> Result<(), AnswerError> {
        if name == COMMON_ALLOW || self.fields.find(name).is_some() {
            return Err(AnswerError::BesideEnvelope {
                field: name.into(),
                envelope: envelope.into(),
            });
        }
        self.drop_unknown(name, value, conversion)
    }

    fn parse_list<'a>(
        &self,
        raw: &'a str,
        conversion: &mut Conversion,
    ) -> Result<ParsedAnswer<'a>, AnswerError> {
        let elements = json::elements(raw)?;
        if elements.len() > MAX_ELEMENTS {
            let count = elements.len();
            return Err(AnswerError::TooManyElements { max: MAX_ELEMENTS, count });
        }
        let elements = elements.into_iter().map(|raw| match Object::from_json(raw) {
            Ok(object) => {
                let (fields, _) = self.fields_of(&object, conversion);
                (object, fields)
            }
            Err(defect) => (Object::default(), Err(defect.into())),
        });
        Ok(ParsedAnswer::PerItem(elements.collect()))
    }

    fn parse_uniform<'a>(
        &self,
        object: &Object<'a>,
        conversion: &mut Conversion,
    ) -> Result<ParsedAnswer<'a>, AnswerError> {
        let (fields, is_common) = self.fields_of(object, conversion);
        Ok(ParsedAnswer::Uniform { fields: fields?.into(), is_common })
    }

    /// Parses the fields of an object. Also returns `true` if the object has the common form.
    ///
    /// An object with a member `allow` has the common form. If `allow` is a field in the body of
    /// the platform's reply, this rule does not apply.
    fn fields_of(
        &self,
        object: &Object<'_>,
        conversion: &mut Conversion,
    ) -> (Result<Vec<ReplyField>, AnswerError>, bool) {
        let allow = object.get(COMMON_ALLOW);
        let is_common = self.by_status.is_some() || self.fields.find(COMMON_ALLOW).is_none();
        match allow.filter(|_| is_common) {
            None => (self.native_fields(object, conversion), false),
            Some(allow) => (self.common_fields(object, allow, conversion), true),
        }
    }

    /// Parses an object in the native or the flat form.
    fn native_fields(
        &self,
        object: &Object<'_>,
        conversion: &mut Conversion,
    ) -> Result<Vec<ReplyField>, AnswerError> {
        let mut fields = Vec::with_capacity(object.len() + 2);
        for (name, value) in object.iter().filter(|(name, _)| !self.is_echo(name)) {
            let added = match self.message_field(name) {
                Some(message) => self.reply_field(message, value, conversion)?,
                None => self.named_field(name, value, conversion)?,
            };
            add_once(&mut fields, name, added)?;
        }
        self.check_complete(&fields)?;
        Ok(fields)
    }

    /// Returns the index of the field that a member `message` sets. Returns `None` for any other
    /// name. Also returns `None` if the platform has a reply field `message`, or no field for
    /// messages.
    fn message_field(&self, name: &str) -> Option<usize> {
        self.message.filter(|_| name == COMMON_MESSAGE && self.fields.find(name).is_none())
    }

    /// Parses an object in the common form. The object may also contain the platform's fields.
    fn common_fields(
        &self,
        object: &Object<'_>,
        allow: &Value<'_>,
        conversion: &mut Conversion,
    ) -> Result<Vec<ReplyField>, AnswerError> {
        let mut fields = match allow {
            Value::Json(Json { text: "true", .. }) => self.allow.clone(),
            Value::Json(Json { text: "false", .. }) => self.deny.clone(),
            Value::Json(_) | Value::Text(_) => {
                let (field, found) = (COMMON_ALLOW.into(), allow.shape().name());
                return Err(FieldError::Type { field, wanted: "boolean", found }.into());
            }
        };
        let rest = object.iter().filter(|(name, _)| *name != COMMON_ALLOW && !self.is_echo(name));
        for (name, value) in rest {
            let added = match (name, self.message) {
                (COMMON_MESSAGE, Some(message)) => self.reply_field(message, value, conversion)?,
                (COMMON_MESSAGE, None) => None,
                _ => self.named_field(name, value, conversion)?,
            };
            add_once(&mut fields, name, added)?;
        }
        self.check_complete(&fields)?;
        Ok(fields)
    }

    /// Converts a member of an answer. Returns `None` for a value for which
    /// [`Field::is_unset_in_answer`] returns true, and for a member that gatepost drops.
    fn named_field(
        &self,
        name: &str,
        value: &Value<'_>,
        conversion: &mut Conversion,
    ) -> Result<Option<ReplyField>, AnswerError> {
        match self.fields.find(name) {
            Some(index) => self.reply_field(index, value, conversion),
            None if self.open => {
                let respelt = self.fields.iter().find(|field| is_respelt(name, &field.name));
                if let Some(field) = respelt {
                    return Err(misspelt(name, &field.name));
                }
                let mut out = Vec::new();
                value.write(&mut out);
                let json = String::from_utf8(out).map_err(|_| AnswerError::Malformed)?.into();
                Ok(Some(ReplyField { name: ReplyFieldName::Undeclared(name.into()), json }))
            }
            None => self.drop_unknown(name, value, conversion).map(|()| None),
        }
    }

    /// Drops an unknown member of an answer, and notes its name. Returns an error for a member that
    /// is probably misspelt, and for each unknown member in a config.
    fn drop_unknown(
        &self,
        name: &str,
        value: &Value<'_>,
        conversion: &mut Conversion,
    ) -> Result<(), AnswerError> {
        if conversion.sent_by == SentBy::Operator {
            return Err(AnswerError::Unknown { field: name.into() });
        }
        self.fields.check_unknown(name)?;
        // Only an object or array can be a misspelt envelope: a member `date` with a string is not
        // a misspelt `data`.
        let is_container = matches!(value.shape(), Shape::Object | Shape::Array);
        let envelope = self.envelope.as_deref().filter(|_| is_container);
        let mut meant = [COMMON_ALLOW, COMMON_MESSAGE].into_iter().chain(envelope);
        if let Some(meant) = meant.find(|meant| *meant != name && is_misspelt(name, meant)) {
            return Err(misspelt(name, meant));
        }
        conversion.note_dropped(&FieldPath::ROOT, name);
        Ok(())
    }

    fn reply_field(
        &self,
        index: usize,
        value: &Value<'_>,
        conversion: &mut Conversion,
    ) -> Result<Option<ReplyField>, AnswerError> {
        let Some(field) = self.fields.get(index) else { return Ok(None) };
        if value.shape() == Shape::Boolean && self.allows_with_zero(index) {
            let (field, found) = (field.name.clone(), value.shape().name());
            return Err(FieldError::Type { field, wanted: "integer", found }.into());
        }
        let read = read_reply_field(index, field, value, conversion)?;
        if let (Some(rule), Some(read)) = (&self.by_status, &read)
            && rule.is_unusable_address(index, &read.json)
        {
            let (field, found) = (field.name.clone(), value.shape().name());
            return Err(FieldError::Type { field, wanted: "URL", found }.into());
        }
        Ok(read)
    }

    /// Returns `true` if 0 in this field allows the request. gatepost must not convert an app's
    /// `false` to 0 in this field, because the app denies the request with `false`.
    fn allows_with_zero(&self, index: usize) -> bool {
        let name = ReplyFieldName::Declared(index);
        self.allow.iter().any(|field| field.name == name && *field.json == *"0")
    }

    /// Checks that no required field is missing.
    fn check_complete(&self, fields: &[ReplyField]) -> Result<(), AnswerError> {
        let present = fields.iter().fold(0_u128, |present, field| match field.name {
            ReplyFieldName::Declared(index) => present | 1 << index,
            ReplyFieldName::Undeclared(_) => present,
        });
        self.fields
            .first_missing(present)
            .map_or(Ok(()), |field| Err(FieldError::Missing { field: field.name.clone() }.into()))
    }
}

/// Adds the field that the member `name` sets. Returns an error if another member has set the
/// field.
fn add_once(
    fields: &mut Vec<ReplyField>,
    name: &str,
    added: Option<ReplyField>,
) -> Result<(), AnswerError> {
    if added.iter().any(|added| fields.iter().any(|field| field.name == added.name)) {
        return Err(AnswerError::SetTwice { field: name.into() });
    }
    fields.extend(added);
    Ok(())
}
