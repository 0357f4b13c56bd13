//! Reader of the fields of a callback, in the format of its platform.

use std::cell::OnceCell;

use http::Method;

use super::Plan;
use crate::json::{self, BodyError, Json, Limits, Object, Shape, Value};
use crate::provider::locator::{CapturedHead, Locator};

/// The format of a callback's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    Form,
    Json,
    /// The body has no fields. gatepost passes it to the app as received.
    Raw,
    /// The fields are query parameters. The callback has no body.
    Query,
}

impl BodyFormat {
    fn read<'b>(
        self,
        body: &'b [u8],
        query: Option<&'b str>,
        repaired: &'b OnceCell<String>,
    ) -> Result<Object<'b>, BodyError> {
        match self {
            Self::Form => Object::from_form(body),
            Self::Json => {
                let text = std::str::from_utf8(body).map_err(|_| BodyError::InvalidUtf8)?;
                Object::from_json_repaired(text, Limits::CALLBACK, repaired)
            }
            Self::Query => Object::from_form(query.unwrap_or_default().as_bytes()),
            Self::Raw => Object::absent(body),
        }
    }
}

impl Plan {
    /// Returns the format of callbacks with this method.
    pub(crate) fn format_of(&self, method: &Method) -> BodyFormat {
        let of_method = self.body_of_methods.iter().find(|(known, _)| known == method);
        of_method.map_or(self.body, |(_, format)| *format)
    }

    /// Returns `true` if callbacks may have this format.
    pub(crate) fn has_format(&self, format: BodyFormat) -> bool {
        let of_methods = self.body_of_methods.iter().map(|(_, format)| *format);
        of_methods.chain(self.other_body).chain([self.body]).any(|known| known == format)
    }

    /// Parses a callback in the platform's format.
    ///
    /// Ignores the `content-type` header, because some platforms omit the header or send a wrong
    /// value. If the body contains lone surrogates, stores the repaired text in `repaired`.
    ///
    /// # Errors
    ///
    /// Returns an error if gatepost can read the callback in none of the definition's formats.
    pub(crate) fn read<'b>(
        &self,
        body: &'b [u8],
        captured: &'b CapturedHead,
        repaired: &'b OnceCell<String>,
    ) -> Result<Object<'b>, BodyError> {
        let query = captured.query();
        let object = match self.format_of(captured.method()).read(body, query, repaired) {
            Ok(object) => object,
            Err(defect) => match self.other_body.filter(|_| defect.is_other_format()) {
                Some(format) => {
                    let object = format.read(body, query, repaired)?;
                    // Nearly any text is a valid form, so the form must contain the member that
                    // `unwrap` names.
                    let lacks = |name| format == BodyFormat::Form && object.find(name).is_none();
                    if self.unwrap.as_ref().is_some_and(lacks) {
                        return Err(defect);
                    }
                    object
                }
                None => return Err(defect),
            },
        };
        Ok(self.unwrapped(&object, repaired)?.unwrap_or(object))
    }

    /// Returns `true` if the definition permits callbacks with this method and without a body.
    pub(crate) fn permits_empty_body(&self, method: &Method) -> bool {
        self.format_of(method) == BodyFormat::Query || self.other_body == Some(BodyFormat::Raw)
    }

    /// Returns the object inside the `unwrap` member if the platform has wrapped the callback.
    ///
    /// If the object has no other member, the callback is wrapped. If only the object inside this
    /// member names the kind, the callback is also wrapped.
    ///
    /// # Errors
    ///
    /// Returns an error if the only member starts with `{`, but gatepost cannot read it as an
    /// object.
    fn unwrapped<'b>(
        &self,
        object: &Object<'b>,
        repaired: &'b OnceCell<String>,
    ) -> Result<Option<Object<'b>>, BodyError> {
        let names_kind = |object: &Object<'_>| {
            let names = self.kind_rule.from.iter().flat_map(Locator::each);
            let names = names.filter_map(Locator::top_level);
            names.into_iter().any(|name| object.find(name).is_some())
        };
        let Some(value) = self.unwrap.as_ref().and_then(|name| object.find(name)) else {
            return Ok(None);
        };
        let is_only_member = object.len() == 1;
        if !is_only_member && names_kind(object) {
            return Ok(None);
        }
        let (text, is_repaired) = match value {
            Value::Json(Json { text, shape: Shape::Object, .. }) => (*text, object.is_repaired),
            Value::Text(text) if text.starts_with('{') => {
                let without = json::without_lone_surrogates(text);
                let is_repaired = without.is_some();
                let text = repaired.get_or_init(|| without.unwrap_or_else(|| text.to_string()));
                (&**text, is_repaired)
            }
            Value::Json(_) | Value::Text(_) => return Ok(None),
        };
        let mut inner = Object::from_json_within(text, Limits::CALLBACK);
        if !is_only_member && !inner.as_ref().is_ok_and(names_kind) {
            return Ok(None);
        }
        if let Ok(inner) = &mut inner {
            inner.is_repaired = is_repaired;
        }
        inner.map(Some)
    }
}
