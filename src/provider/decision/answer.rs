//! An app's answer, read: each field of its declared type, whatever form it came in.

use std::borrow::Cow;

use crate::conclusion::{Unavailable, UnavailableKind};
use crate::json::{self, BodyError, Json, Object, Shape, Value};
use crate::provider::field::{Field, FieldError, Fields, SentBy};

use super::Decision;

/// One member of a reply: a declared field, or in an open reply any name, with its value as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyField {
    pub(crate) name: ReplyFieldName,
    pub(crate) json: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyFieldName {
    Declared(usize),
    Undeclared(Box<str>),
}

/// Why an answer could not become a reply. Never quotes a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// `allow` stands beside a field that it sets, or a field stands twice.
    #[error("`{field}` is said twice")]
    Contradiction { field: Box<str> },
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("{list}[{index}]: {fault}")]
    Item { list: Box<str>, index: usize, fault: Box<str> },
    #[error("the answer is no JSON object")]
    Malformed,
    #[error("it has no answer")]
    NotAnswered,
    #[error("the answer has {count} element(s) that nothing was asked about")]
    NotAsked { count: usize },
    #[error("`{field}` is no field of this reply")]
    Unknown { field: Box<str> },
}

/// An answer, read.
pub(super) enum ParsedAnswer<'a> {
    /// One answer for each item: what it says of which item, and its fields.
    PerItem(Vec<Answered<'a>>),
    /// No answer that could be used.
    Unusable,
    /// One answer for everything.
    Uniform {
        presets: Cow<'a, [ReplyField]>,
        /// In the common form, which knows nothing of the platform.
        common: bool,
    },
}

/// What an element says of its item, and its fields.
pub(super) type Answered<'a> = (Object<'a>, Result<Vec<ReplyField>, AnswerError>);

impl<'a> ParsedAnswer<'a> {
    /// The same for whatever there is.
    pub(super) fn blanket(presets: impl Into<Cow<'a, [ReplyField]>>) -> Self {
        Self::Uniform { presets: presets.into(), common: true }
    }
}

/// More elements than this no platform asks about at once.
const MAX_ELEMENTS: usize = 1000;

const COMMON_ALLOW: &str = "allow";
pub(super) const COMMON_MESSAGE: &str = "message";

impl Decision {
    /// Reads an app's answer; a byte order mark, as editors leave it in PHP files, is skipped.
    pub(super) fn words<'a>(&self, answer: &'a [u8]) -> Result<ParsedAnswer<'a>, AnswerError> {
        let text = std::str::from_utf8(answer).map_err(|_| AnswerError::Malformed)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        if self.item_list.is_some() && text.starts_with('[') {
            return self.list(text);
        }
        if let Some(field) = self.bare.filter(|_| !text.starts_with('{')) {
            json::check_nested(text)?;
            let presets: Vec<_> = self.preset(field, &Value::json(text))?.into_iter().collect();
            return Ok(ParsedAnswer::Uniform { presets: presets.into(), common: false });
        }
        let object = Object::from_json(text)?;
        match self.inside_envelope(&object)? {
            None => self.uniform(&object),
            Some(raw) if self.item_list.is_some() && raw.starts_with('[') => self.list(raw),
            Some(raw) => self.uniform(&Object::from_json(raw)?),
        }
    }

    /// Reads an answer for everything, as a config writes one.
    pub(crate) fn parse_fixed(&self, json: &str) -> Result<Vec<ReplyField>, AnswerError> {
        match self.words(json.as_bytes())? {
            ParsedAnswer::PerItem(_) | ParsedAnswer::Unusable => Err(AnswerError::Malformed),
            ParsedAnswer::Uniform { presets, .. } => Ok(presets.into_owned()),
        }
    }

    /// The message of an answer that refuses by its status.
    pub(super) fn message_of(&self, answer: &[u8]) -> Option<ReplyField> {
        let text = std::str::from_utf8(answer).ok()?;
        let object = Object::from_json(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
        let inside = self.inside_envelope(&object).ok().flatten();
        let inner = inside.and_then(|raw| Object::from_json(raw).ok());
        let message = inner.as_ref().unwrap_or(&object).get(COMMON_MESSAGE)?;
        // A message of the wrong type is no reason to let the viewer in.
        self.preset(self.message?, message).ok().flatten()
    }

    /// What the envelope holds, if the answer has one.
    fn inside_envelope<'a>(&self, object: &Object<'a>) -> Result<Option<&'a str>, AnswerError> {
        let Some(envelope) = self.envelope.as_deref() else { return Ok(None) };
        let Some(Value::Json(inside)) = object.get(envelope) else { return Ok(None) };
        if let Some((other, _)) = object.iter().find(|(name, _)| *name != envelope) {
            return Err(AnswerError::Unknown { field: other.into() });
        }
        let shape = inside.shape;
        if shape != Shape::Object && !(shape == Shape::Array && self.item_list.is_some()) {
            let (field, found) = (envelope.into(), shape.name());
            return Err(FieldError::Type { field, wanted: "object", found }.into());
        }
        Ok(Some(inside.text))
    }

    fn list<'a>(&self, raw: &'a str) -> Result<ParsedAnswer<'a>, AnswerError> {
        let elements = json::elements(raw)?;
        if elements.len() > MAX_ELEMENTS {
            return Err(AnswerError::NotAsked { count: elements.len() });
        }
        let elements = elements.into_iter().map(|raw| match Object::from_json(raw) {
            Ok(object) => {
                let (presets, _) = self.fields_of(&object);
                (object, presets)
            }
            Err(defect) => (Object::default(), Err(defect.into())),
        });
        Ok(ParsedAnswer::PerItem(elements.collect()))
    }

    fn uniform<'a>(&self, object: &Object<'a>) -> Result<ParsedAnswer<'a>, AnswerError> {
        let (presets, common) = self.fields_of(object);
        Ok(ParsedAnswer::Uniform { presets: presets?.into(), common })
    }

    /// The fields that an object says in either form, and whether it was the common one.
    fn fields_of(&self, object: &Object<'_>) -> (Result<Vec<ReplyField>, AnswerError>, bool) {
        let word = object.get(COMMON_ALLOW);
        match word.filter(|_| self.fields.find(COMMON_ALLOW).is_none()) {
            None => (self.native(object), false),
            Some(word) => (self.common(object, word), true),
        }
    }

    fn native(&self, object: &Object<'_>) -> Result<Vec<ReplyField>, AnswerError> {
        let mut presets = Vec::with_capacity(object.len() + 2);
        for (name, value) in object.iter().filter(|(name, _)| !self.echoes(name)) {
            presets.extend(self.member(name, value)?);
        }
        self.check_complete(&presets)?;
        Ok(presets)
    }

    fn common(
        &self,
        object: &Object<'_>,
        word: &Value<'_>,
    ) -> Result<Vec<ReplyField>, AnswerError> {
        let mut presets = match word {
            Value::Json(Json { text: "true", .. }) => self.allow.clone(),
            Value::Json(Json { text: "false", .. }) => self.deny.clone(),
            Value::Json(_) | Value::Text(_) => {
                let (field, found) = (COMMON_ALLOW.into(), word.shape().name());
                return Err(FieldError::Type { field, wanted: "boolean", found }.into());
            }
        };
        let others = object.iter().filter(|(name, _)| *name != COMMON_ALLOW && !self.echoes(name));
        for (name, value) in others {
            let said = match (name, self.message) {
                (COMMON_MESSAGE, Some(message)) => self.preset(message, value)?,
                (COMMON_MESSAGE, None) => None,
                _ => self.member(name, value)?,
            };
            if said.iter().any(|said| presets.iter().any(|p| p.name == said.name)) {
                return Err(AnswerError::Contradiction { field: name.into() });
            }
            presets.extend(said);
        }
        self.check_complete(&presets)?;
        Ok(presets)
    }

    fn member(&self, name: &str, value: &Value<'_>) -> Result<Option<ReplyField>, AnswerError> {
        match self.fields.find(name) {
            Some(index) => self.preset(index, value),
            None if self.open => {
                let mut out = Vec::new();
                value.write(&mut out);
                let json = String::from_utf8(out).map_err(|_| AnswerError::Malformed)?.into();
                Ok(Some(ReplyField { name: ReplyFieldName::Undeclared(name.into()), json }))
            }
            None => Err(AnswerError::Unknown { field: name.into() }),
        }
    }

    fn preset(&self, index: usize, value: &Value<'_>) -> Result<Option<ReplyField>, AnswerError> {
        self.fields.get(index).map_or(Ok(None), |field| read_reply_field(index, field, value))
    }

    fn check_complete(&self, presets: &[ReplyField]) -> Result<(), AnswerError> {
        let written = presets.iter().fold(0_u128, |written, preset| match preset.name {
            ReplyFieldName::Declared(index) => written | 1 << index,
            ReplyFieldName::Undeclared(_) => written,
        });
        self.fields
            .first_missing(written)
            .map_or(Ok(()), |field| Err(FieldError::Missing { field: field.name.clone() }.into()))
    }
}

/// A field of its declared type; nothing for an optional one that is `null` or an empty text, as
/// many serialisers write what is not set: to the platform it is a wrong type.
fn read_reply_field(
    index: usize,
    field: &Field,
    value: &Value<'_>,
) -> Result<Option<ReplyField>, AnswerError> {
    if field.is_unset(value) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(16);
    field.write(value, SentBy::App, &mut out)?;
    let json = String::from_utf8(out).map_err(|_| AnswerError::Malformed)?.into();
    Ok(Some(ReplyField { name: ReplyFieldName::Declared(index), json }))
}

/// Reads a JSON object of reply fields, each of its declared type.
pub(crate) fn read_reply_fields(
    json: &str,
    fields: &Fields,
) -> Result<Vec<ReplyField>, AnswerError> {
    let object = Object::from_json(json)?;
    let mut presets = Vec::with_capacity(object.len());
    for (name, value) in object.iter() {
        let unknown = || AnswerError::Unknown { field: name.into() };
        let index = fields.find(name).ok_or_else(unknown)?;
        let field = fields.get(index).ok_or_else(unknown)?;
        presets.extend(read_reply_field(index, field, value)?);
    }
    Ok(presets)
}

impl From<BodyError> for AnswerError {
    fn from(defect: BodyError) -> Self {
        match defect {
            BodyError::Duplicate(field) => Self::Contradiction { field: field.into() },
            BodyError::FormMalformed
            | BodyError::InvalidUtf8
            | BodyError::JsonMalformed
            | BodyError::NotAnObject
            | BodyError::TooDeep => Self::Malformed,
        }
    }
}

impl From<AnswerError> for Unavailable {
    fn from(fault: AnswerError) -> Self {
        match fault {
            AnswerError::Malformed => UnavailableKind::AnswerMalformed.into(),
            AnswerError::Contradiction { .. }
            | AnswerError::Field(_)
            | AnswerError::Item { .. }
            | AnswerError::NotAnswered
            | AnswerError::NotAsked { .. }
            | AnswerError::Unknown { .. } => {
                Self::with(UnavailableKind::AnswerInvalid, &fault.to_string())
            }
        }
    }
}
