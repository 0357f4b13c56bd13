//! Fixed answers of a template, and the texts in them that contain fields of the callback.
//!
//! A string field of a fixed answer may be a table `{ text = "Hello {client_user_id}" }`. gatepost
//! replaces `{client_user_id}` with the value of this field in the callback, and `{/user/id}` with
//! the value at this JSON Pointer. `{{` and `}}` represent braces.
//!
//! gatepost encodes the values, so that no client can add a member or change an address:
//!
//! - in a field of the body, as part of a JSON string;
//! - in the address of a redirect, percent-encoded, except for letters, digits, `-`, `_`, `.` and
//!   `~`. The scheme and the host of the address cannot contain fields.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::COMMON_MESSAGE;
use super::{AnswerError, Decision, ReplyField, ReplyFieldName, TextFault};
use crate::json::{self, Object, Shape, Value};
use crate::provider::field::{Field, Fields, Type};
use crate::provider::pointer::Pointer;

/// An answer that a template contains. gatepost uses this answer, and does not ask the app.
#[derive(Clone, Debug)]
pub(crate) struct FixedAnswer {
    fields: Vec<ReplyField>,
    /// The texts that contain fields of the callback.
    texts: Vec<FieldText>,
}

/// A text that contains fields of the callback.
#[derive(Clone, Debug)]
struct FieldText {
    /// The index of the text's field in [`FixedAnswer::fields`].
    at: usize,
    parts: Vec<TextPart>,
    /// True if the text is the address of a redirect.
    is_address: bool,
}

#[derive(Clone, Debug)]
enum TextPart {
    Literal(String),
    Value(Pointer),
}

/// The fields of the callback that a text may contain.
#[derive(Clone, Copy)]
pub(crate) struct CallbackFields<'f> {
    pub(crate) fields: &'f Fields,
    /// The names of the fields that serve only the signature. The data of an event does not contain
    /// these fields.
    pub(crate) proof: &'f [json::Name<'static>],
}

impl FixedAnswer {
    /// Parses the JSON of a fixed answer.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Decision::parse_fixed`], and an error for an invalid text.
    pub(crate) fn parse(
        text: &str,
        decision: &Decision,
        callback: CallbackFields<'_>,
    ) -> Result<Self, AnswerError> {
        let mut texts = Vec::new();
        let plain = decision.with_samples(text, callback, &mut texts)?;
        let fields = decision.parse_fixed(&plain)?;
        let place = |(index, parts)| {
            let name = ReplyFieldName::Declared(index);
            let at = fields.iter().position(|field| field.name == name)?;
            Some(FieldText { at, parts, is_address: decision.is_address(index) })
        };
        let texts = texts.into_iter().filter_map(place).collect();
        Ok(Self { fields, texts })
    }

    /// Returns the fields of the reply to a callback with this data.
    pub(crate) fn fields_for(&self, data: &[u8]) -> Cow<'_, [ReplyField]> {
        if self.texts.is_empty() {
            return Cow::Borrowed(&self.fields);
        }
        let data = std::str::from_utf8(data).ok().and_then(|text| Object::from_json(text).ok());
        let mut fields = self.fields.clone();
        for text in &self.texts {
            let Some(field) = fields.get_mut(text.at) else { continue };
            field.json = text.json(data.as_ref());
        }
        Cow::Owned(fields)
    }
}

impl FieldText {
    /// Returns the text for a callback with this data, as a JSON string.
    fn json(&self, data: Option<&Object<'_>>) -> Box<str> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                TextPart::Literal(literal) => text.push_str(literal),
                TextPart::Value(pointer) => {
                    let value = data.and_then(|data| pointer.find(data));
                    let value = value.as_ref().and_then(text_of).unwrap_or_default();
                    if self.is_address {
                        text.extend(utf8_percent_encode(&value, UNRESERVED));
                    } else {
                        text.push_str(&value);
                    }
                }
            }
        }
        json_string(&text)
    }
}

/// The characters that gatepost encodes in an address: all but the unreserved characters (RFC 3986,
/// section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns the text of a string, a number or a boolean.
fn text_of<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Json(json) if json.shape == Shape::Boolean => Some(Cow::Borrowed(json.text)),
        Value::Json(_) | Value::Text(_) => value.scalar(),
    }
}

fn json_string(text: &str) -> Box<str> {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default().into()
}

/// The parts of each text in an answer, with the index of the reply field that the text sets.
type Texts = Vec<(usize, Vec<TextPart>)>;

impl Decision {
    fn is_address(&self, index: usize) -> bool {
        let redirect = self.by_status.as_ref().and_then(|rule| rule.redirect);
        redirect.is_some_and(|redirect| redirect.field == index)
    }

    /// Returns the answer with a sample in place of each text, and adds the parts of each text to
    /// `texts`.
    fn with_samples(
        &self,
        answer: &str,
        callback: CallbackFields<'_>,
        texts: &mut Texts,
    ) -> Result<String, AnswerError> {
        let object = Object::from_json(answer).map_err(AnswerError::from)?;
        let mut out = vec![b'{'];
        for (name, value) in object.iter() {
            if out.len() > 1 {
                out.push(b',');
            }
            json::write_string(name, &mut out);
            out.push(b':');
            let inside = match value {
                Value::Json(json) if json.shape == Shape::Object => json.text,
                Value::Json(_) | Value::Text(_) => {
                    value.write(&mut out);
                    continue;
                }
            };
            if self.envelope.as_deref() == Some(name) {
                out.extend_from_slice(self.with_samples(inside, callback, texts)?.as_bytes());
                continue;
            }
            match self.text_field(name, inside) {
                None => value.write(&mut out),
                Some(index) => {
                    let parts = read_text(inside, callback, self.is_address(index));
                    let parts =
                        parts.map_err(|fault| AnswerError::Text { member: name.into(), fault })?;
                    out.extend_from_slice(sample(&parts).as_bytes());
                    texts.push((index, parts));
                }
            }
        }
        out.push(b'}');
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    /// Returns the index of the reply field that a text sets. Returns `None` for an object `inside`
    /// that is not a text, and for a member `name` that is not a string field.
    fn text_field(&self, name: &str, inside: &str) -> Option<usize> {
        json::member(inside, "text")?;
        let by_name = self.fields.find(name);
        let index = by_name.or(self.message.filter(|_| name == COMMON_MESSAGE))?;
        self.fields.get(index).filter(|field| matches!(field.ty, Type::String))?;
        Some(index)
    }
}

/// Returns a text with a letter in place of each field, as a JSON string.
fn sample(parts: &[TextPart]) -> Box<str> {
    let text = |part: &TextPart| match part {
        TextPart::Literal(literal) => literal.clone(),
        TextPart::Value(_) => "x".to_owned(),
    };
    json_string(&parts.iter().map(text).collect::<String>())
}

/// Reads `{"text":"…","missing":"empty"}`.
fn read_text(
    object: &str,
    callback: CallbackFields<'_>,
    is_address: bool,
) -> Result<Vec<TextPart>, TextFault> {
    let object = Object::from_json(object).map_err(|_| TextFault::Form)?;
    let string = |name| match object.get(name) {
        Some(value) if value.shape() == Shape::String => value.scalar(),
        Some(_) | None => None,
    };
    let text = string("text").ok_or(TextFault::Form)?;
    let may_miss = string("missing").is_some_and(|word| word == "empty");
    if object.len() != 1 + usize::from(may_miss) {
        return Err(TextFault::Form);
    }
    let mut parts = split(&text)?;
    for part in &mut parts {
        if let TextPart::Value(pointer) = part {
            *pointer = callback.check(pointer, may_miss)?;
        }
    }
    if is_address {
        check_host(&parts)?;
    }
    Ok(parts)
}

/// Splits a text at its fields.
fn split(text: &str) -> Result<Vec<TextPart>, TextFault> {
    let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        literal.push_str(before);
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            literal.push_str(&brace[..1]);
            rest = after;
            continue;
        }
        let inner = brace.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, after) =
            inner.filter(|(name, _)| !name.contains('{')).ok_or(TextFault::Brace)?;
        let path =
            if name.starts_with('/') { name.to_owned() } else { format!("/{}", escaped(name)) };
        parts.push(TextPart::Literal(std::mem::take(&mut literal)));
        parts.push(TextPart::Value(Pointer::parse(&path).ok_or(TextFault::Brace)?));
        rest = after;
    }
    literal.push_str(rest);
    parts.push(TextPart::Literal(literal));
    Ok(parts)
}

/// Escapes a name for a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Checks that no field precedes the end of the host in an address.
fn check_host(parts: &[TextPart]) -> Result<(), TextFault> {
    let has_host =
        parts.iter().any(|part| matches!(part, TextPart::Literal(text) if text.contains("//")));
    let mut before = String::new();
    for part in parts {
        match part {
            TextPart::Literal(literal) => before.push_str(literal),
            TextPart::Value(pointer) => {
                let path = before.split_once("//").map(|(_, rest)| rest.contains(['/', '?', '#']));
                return match path {
                    Some(true) => Ok(()),
                    None if !has_host => Ok(()),
                    Some(false) | None => Err(TextFault::Host { field: name_of(pointer) }),
                };
            }
        }
    }
    Ok(())
}

/// Returns the name of a field as the operator may write it.
fn name_of(pointer: &Pointer) -> Box<str> {
    pointer.top_level().map_or_else(|| pointer.to_string().into(), |name| name.text().into())
}

impl CallbackFields<'_> {
    /// Checks a field in a text. Returns its pointer, with the name of each field in place of an
    /// alias.
    fn check(&self, pointer: &Pointer, may_miss: bool) -> Result<Pointer, TextFault> {
        let name = || name_of(pointer);
        let (mut inside, mut path, mut is_certain) =
            (Contents::Declared(self.fields), String::new(), true);
        for segment in pointer.segments() {
            let field = inside.field(segment).map_err(|found| match found {
                None => TextFault::Unknown { field: name() },
                Some(found) => TextFault::Shape { field: name(), found },
            })?;
            path = format!("{path}/{}", escaped(field.map_or(segment, |field| &field.name)));
            if field.is_some_and(|field| self.is_secret(field)) {
                return Err(TextFault::Secret { field: name() });
            }
            is_certain &= field.is_some_and(is_in_each_callback);
            inside = field.map_or(Contents::Undeclared, |field| Contents::of(&field.ty));
        }
        if let Some(found) = inside.found() {
            return Err(TextFault::Shape { field: name(), found });
        }
        match is_certain || may_miss {
            true => Pointer::parse(&path).ok_or_else(|| TextFault::Unknown { field: name() }),
            false => Err(TextFault::Optional { field: name() }),
        }
    }

    /// Returns true for a credential, and for a field that serves only the signature.
    fn is_secret(&self, field: &Field) -> bool {
        field.secret || self.proof.iter().any(|proof| *proof.text() == *field.name)
    }
}

/// The contents of a value of the callback, as the definition declares them.
enum Contents<'f> {
    Array,
    Declared(&'f Fields),
    /// A string, a number or a boolean.
    Scalar,
    Undeclared,
    /// An object without declared fields.
    UndeclaredObject,
}

impl<'f> Contents<'f> {
    fn of(ty: &'f Type) -> Self {
        match (ty, ty.nested()) {
            (Type::Array { .. } | Type::Json { shape: Some(Shape::Array), .. }, _) => Self::Array,
            (_, Some(nested)) => {
                nested.fields.as_deref().map_or(Self::UndeclaredObject, Self::Declared)
            }
            (Type::Any, None) => Self::Undeclared,
            (_, None) => Self::Scalar,
        }
    }

    /// Returns the declared field `name`; `Ok(None)` if the definition declares no contents.
    ///
    /// # Errors
    ///
    /// Returns the type of an array, because a text cannot name a field in an array. Returns
    /// `Err(None)` for an unknown field, and for a field in a scalar.
    fn field(&self, name: &str) -> Result<Option<&'f Field>, Option<&'static str>> {
        match self {
            Self::Array => Err(Some("an array")),
            Self::Declared(fields) => {
                fields.find(name).and_then(|index| fields.get(index)).map(Some).ok_or(None)
            }
            Self::Scalar => Err(None),
            Self::Undeclared | Self::UndeclaredObject => Ok(None),
        }
    }

    /// Returns the type of a value that a text cannot contain; `None` for any other value.
    const fn found(&self) -> Option<&'static str> {
        match self {
            Self::Array => Some("an array"),
            Self::Declared(_) | Self::UndeclaredObject => Some("an object"),
            Self::Scalar | Self::Undeclared => None,
        }
    }
}

/// Returns true if gatepost refuses a callback in which this field is missing or `null`.
const fn is_in_each_callback(field: &Field) -> bool {
    field.essential && !field.optional && !field.nullable
}
