//! What a platform expects to hear, and how an app's words become it.
//!
//! The app of a decision may answer in three forms; each becomes the platform's own, with every
//! value of the declared type and range:
//!
//! - native: `{"data":{"result":1}}`, the platform's envelope and fields;
//! - flat: `{"result":1}`, the fields alone;
//! - common: `{"allow":false,"message":"…"}`, the same words for every platform.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::field::{Field, FieldFault, Fields, Writer};
use crate::json::{self, Defect, Object, Shape, Value};

/// A finished reply: what the platform gets.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) allow: Option<HeaderValue>,
    pub(crate) close: bool,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) const fn new(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Self {
        Self { status, content_type: Some(content_type), allow: None, close: false, body }
    }

    /// In plain words.
    pub(crate) const fn text(status: StatusCode, text: &'static [u8]) -> Self {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        Self::new(status, content_type, Bytes::from_static(text))
    }

    /// For a request target that is no path.
    #[must_use]
    pub fn bad_request() -> Self {
        Self { close: true, ..Self::text(StatusCode::BAD_REQUEST, b"refused\n") }
    }

    /// For a path that is nobody's.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, b"not found\n")
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body, complete.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the connection must not carry another request, because where this one ends is not
    /// known or not waited for.
    #[must_use]
    pub const fn must_close(&self) -> bool {
        self.close
    }

    /// Every header, `content-length` among them.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let length = HeaderValue::from(self.body.len());
        let close = self.close.then_some((CONNECTION, HeaderValue::from_static("close")));
        (self.content_type.clone().map(|value| (CONTENT_TYPE, value)).into_iter())
            .chain([(CONTENT_LENGTH, length)])
            .chain(self.allow.clone().map(|value| (ALLOW, value)))
            .chain(close)
    }

    /// As a response of the `http` crate.
    #[must_use]
    pub fn into_response(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers());
        *response.body_mut() = self.body;
        response
    }
}

/// How a kind whose answer matters is replied to.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    /// The member that holds the fields, if they do not stand alone.
    pub(crate) envelope: Option<Box<str>>,
    pub(crate) allow: Vec<Preset>,
    pub(crate) deny: Vec<Preset>,
    /// The field that a common answer's `message` fills.
    pub(crate) message: Option<usize>,
    pub(crate) fields: Fields,
}

/// A field with its value as JSON text, of the declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    pub(crate) field: usize,
    pub(crate) json: Box<str>,
}

/// Why an answer could not become a reply. Never quotes a value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerFault {
    /// `allow` stands beside a field that it sets, or a field stands twice.
    #[error("`{field}` is said twice")]
    Contradiction { field: Box<str> },
    #[error(transparent)]
    Field(#[from] FieldFault),
    #[error("the answer is no JSON object")]
    Malformed,
    #[error("`{field}` is no field of this reply")]
    Unknown { field: Box<str> },
}

const COMMON_ALLOW: &str = "allow";
const COMMON_MESSAGE: &str = "message";

impl Decision {
    /// The reply that accepts.
    pub(crate) fn allowed(&self, defaults: &[Preset]) -> Reply {
        let mut body = Fill::new(self);
        body.presets(&self.allow);
        body.presets(defaults);
        body.finish()
    }

    /// The reply that refuses, with the message that `answer` holds in any of its forms.
    pub(crate) fn denied(&self, answer: &[u8]) -> Reply {
        let mut body = Fill::new(self);
        body.presets(&self.deny);
        if let Ok(object) = read_answer(answer) {
            let inner = self.unwrap(&object).ok().flatten();
            let fields = inner.as_ref().unwrap_or(&object);
            if let Some(message) = fields.get(COMMON_MESSAGE) {
                // A message of the wrong type is no reason to let the viewer in.
                let _left_out = self.message.map(|field| body.field(field, message));
            }
        }
        body.finish()
    }

    /// The reply that the app's answer stands for.
    pub(crate) fn answered(
        &self,
        answer: &[u8],
        defaults: &[Preset],
    ) -> Result<Reply, AnswerFault> {
        let object = read_answer(answer)?;
        let inner = self.unwrap(&object)?;
        let fields = inner.as_ref().unwrap_or(&object);
        let mut body = Fill::new(self);
        match fields.get(COMMON_ALLOW).filter(|_| self.fields.find(COMMON_ALLOW).is_none()) {
            Some(word) => body.common(fields, word)?,
            None => body.native(fields)?,
        }
        if let Some(field) = self.fields.first_missing(body.written) {
            return Err(FieldFault::Missing { field: field.name.clone() }.into());
        }
        if !body.denies() {
            body.presets(defaults);
        }
        Ok(body.finish())
    }

    /// The object inside the envelope, if the answer has one.
    fn unwrap<'a>(&self, object: &Object<'a>) -> Result<Option<Object<'a>>, AnswerFault> {
        let Some(envelope) = self.envelope.as_deref() else { return Ok(None) };
        let Some(Value::Json(raw)) = object.get(envelope) else { return Ok(None) };
        if let Some((other, _)) = object.iter().find(|(name, _)| *name != envelope) {
            return Err(AnswerFault::Unknown { field: other.into() });
        }
        if Value::Json(raw).shape() != Shape::Object {
            let found = Value::Json(raw).shape().name();
            let field = envelope.into();
            return Err(FieldFault::Type { field, wanted: "object", found }.into());
        }
        Ok(Some(Object::from_json(raw)?))
    }
}

/// Reads an app's answer; a byte order mark, as editors leave it in PHP files, is skipped.
fn read_answer(answer: &[u8]) -> Result<Object<'_>, AnswerFault> {
    let text = std::str::from_utf8(answer).map_err(|_| AnswerFault::Malformed)?;
    Ok(Object::from_json(text.strip_prefix('\u{feff}').unwrap_or(text))?)
}

/// A reply body that is being filled.
struct Fill<'d> {
    decision: &'d Decision,
    out: Vec<u8>,
    /// One bit for each field that stands in `out`.
    written: u128,
    /// How many of the fields that make a refusal were written with its values.
    denials: usize,
}

impl<'d> Fill<'d> {
    fn new(decision: &'d Decision) -> Self {
        let mut out = Vec::with_capacity(64);
        out.push(b'{');
        if let Some(envelope) = &decision.envelope {
            json::write_string(envelope, &mut out);
            out.extend_from_slice(b":{");
        }
        Self { decision, out, written: 0, denials: 0 }
    }

    fn has(&self, field: usize) -> bool {
        self.written & (1 << field) != 0
    }

    /// Starts a member, and returns where its value begins.
    fn key(&mut self, index: usize, field: &Field) -> usize {
        if self.written != 0 {
            self.out.push(b',');
        }
        self.out.extend_from_slice(&field.key);
        self.written |= 1 << index;
        self.out.len()
    }

    fn note_denial(&mut self, field: usize, start: usize) {
        let denies = |preset: &&Preset| {
            preset.field == field && self.out.get(start..) == Some(preset.json.as_bytes())
        };
        self.denials += self.decision.deny.iter().filter(denies).count();
    }

    fn denies(&self) -> bool {
        !self.decision.deny.is_empty() && self.denials == self.decision.deny.len()
    }

    /// Writes those that are not there yet.
    fn presets(&mut self, presets: &[Preset]) {
        for preset in presets {
            let Some(field) = self.decision.fields.get(preset.field) else { continue };
            if !self.has(preset.field) {
                let start = self.key(preset.field, field);
                self.out.extend_from_slice(preset.json.as_bytes());
                self.note_denial(preset.field, start);
            }
        }
    }

    fn field(&mut self, index: usize, value: &Value<'_>) -> Result<(), FieldFault> {
        let Some(field) = self.decision.fields.get(index) else { return Ok(()) };
        if field.optional && value.shape() == Shape::Null {
            // Many serialisers write what is not set; to the platform it is a wrong type.
            return Ok(());
        }
        let (length, written) = (self.out.len(), self.written);
        let start = self.key(index, field);
        if let Err(fault) = field.write(value, Writer::App, &mut self.out) {
            self.out.truncate(length);
            self.written = written;
            return Err(fault);
        }
        self.note_denial(index, start);
        Ok(())
    }

    fn native(&mut self, fields: &Object<'_>) -> Result<(), AnswerFault> {
        for (name, value) in fields.iter() {
            self.declared(name, value)?;
        }
        Ok(())
    }

    fn common(&mut self, fields: &Object<'_>, word: &Value<'_>) -> Result<(), AnswerFault> {
        let allow = match word {
            Value::Json("true") => &self.decision.allow,
            Value::Json("false") => &self.decision.deny,
            Value::Json(_) | Value::Text(_) => {
                let (field, found) = (COMMON_ALLOW.into(), word.shape().name());
                return Err(FieldFault::Type { field, wanted: "boolean", found }.into());
            }
        };
        self.presets(allow);
        for (name, value) in fields.iter().filter(|(name, _)| *name != COMMON_ALLOW) {
            match (name, self.decision.message) {
                (COMMON_MESSAGE, Some(message)) => self.field(message, value)?,
                (COMMON_MESSAGE, None) => {}
                _ => self.declared(name, value)?,
            }
        }
        Ok(())
    }

    fn declared(&mut self, name: &str, value: &Value<'_>) -> Result<(), AnswerFault> {
        let index = (self.decision.fields.find(name))
            .ok_or_else(|| AnswerFault::Unknown { field: name.into() })?;
        if self.has(index) {
            return Err(AnswerFault::Contradiction { field: name.into() });
        }
        Ok(self.field(index, value)?)
    }

    fn finish(mut self) -> Reply {
        if self.decision.envelope.is_some() {
            self.out.push(b'}');
        }
        self.out.push(b'}');
        Reply::new(self.decision.status, self.decision.content_type.clone(), self.out.into())
    }
}

impl From<Defect> for AnswerFault {
    fn from(defect: Defect) -> Self {
        match defect {
            Defect::Duplicate(field) => Self::Contradiction { field: field.into() },
            Defect::FormMalformed
            | Defect::InvalidUtf8
            | Defect::JsonMalformed
            | Defect::NotAnObject
            | Defect::TooDeep => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use crate::provider::field::read_fields;

    fn decision() -> Decision {
        let text = "result = { type = 'integer', min = 0, max = 1 }\nmessage = 'string?'\n\
                    vmcheck = { type = 'integer', min = 0, max = 1, optional = true }";
        let fields =
            document::read(text, |table, faults| Some(read_fields(&[table], faults))).unwrap();
        let result =
            |json: &str| vec![Preset { field: fields.find("result").unwrap(), json: json.into() }];
        Decision {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static("application/json"),
            envelope: Some("data".into()),
            allow: result("1"),
            deny: result("0"),
            message: fields.find("message"),
            fields,
        }
    }

    fn vmcheck(decision: &Decision) -> Vec<Preset> {
        vec![Preset { field: decision.fields.find("vmcheck").unwrap(), json: "0".into() }]
    }

    fn answered(answer: &str) -> Result<String, AnswerFault> {
        let reply = decision().answered(answer.as_bytes(), &[])?;
        Ok(String::from_utf8(reply.body.to_vec()).unwrap())
    }

    #[test]
    fn all_three_forms_become_the_platforms_own() {
        for (answer, reply) in [
            (r#"{"data":{"result":1,"vmcheck":0}}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"result":1,"vmcheck":0}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"allow":true,"vmcheck":0}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"message":"no","allow":false}"#, r#"{"data":{"result":0,"message":"no"}}"#),
            (r#"{"data":{"allow":true}}"#, r#"{"data":{"result":1}}"#),
            (r#"{"result":1,"message":null,"vmcheck":null}"#, r#"{"data":{"result":1}}"#),
            ("\u{feff}{\"result\":1}", r#"{"data":{"result":1}}"#),
        ] {
            assert_eq!(answered(answer).as_deref(), Ok(reply), "{answer}");
        }
    }

    #[test]
    fn types_are_put_right() {
        for word in ["true", "\"1\"", "1.0", "1"] {
            let answer = format!("{{\"result\":{word}}}");
            assert_eq!(answered(&answer).as_deref(), Ok(r#"{"data":{"result":1}}"#), "{word}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        let unknown = |field: &str| AnswerFault::Unknown { field: field.into() };
        let twice = |field: &str| AnswerFault::Contradiction { field: field.into() };
        for (answer, fault) in [
            ("", AnswerFault::Malformed),
            ("[]", AnswerFault::Malformed),
            ("ok", AnswerFault::Malformed),
            (r#"{"result":1,"result":0}"#, twice("result")),
            (r#"{"allow":true,"result":1}"#, twice("result")),
            (r#"{"result":1,"note":1}"#, unknown("note")),
            (r#"{"data":{"result":1},"code":0}"#, unknown("code")),
        ] {
            assert_eq!(answered(answer), Err(fault), "{answer}");
        }
        for answer in [
            "{}",
            r#"{"result":2}"#,
            r#"{"result":null}"#,
            r#"{"result":"yes"}"#,
            r#"{"allow":1}"#,
            r#"{"data":1}"#,
            r#"{"vmcheck":0}"#,
            r#"{"result":1,"message":{}}"#,
        ] {
            assert!(matches!(answered(answer), Err(AnswerFault::Field(_))), "{answer}");
        }
    }

    #[test]
    fn defaults_fill_what_the_app_left_out_but_only_when_it_accepts() {
        let decision = decision();
        let defaults = vmcheck(&decision);
        let reply = |answer: &str| decision.answered(answer.as_bytes(), &defaults).unwrap().body;
        assert_eq!(reply(r#"{"result":1}"#), r#"{"data":{"result":1,"vmcheck":0}}"#);
        assert_eq!(reply(r#"{"result":1,"vmcheck":1}"#), r#"{"data":{"result":1,"vmcheck":1}}"#);
        assert_eq!(reply(r#"{"result":1,"vmcheck":null}"#), r#"{"data":{"result":1,"vmcheck":0}}"#);
        assert_eq!(reply(r#"{"result":0}"#), r#"{"data":{"result":0}}"#);
        assert_eq!(decision.allowed(&defaults).body, r#"{"data":{"result":1,"vmcheck":0}}"#);
    }

    #[test]
    fn a_refusal_carries_the_message_of_any_form() {
        for answer in [
            r#"{"message":"no"}"#,
            r#"{"data":{"message":"no"}}"#,
            r#"{"allow":false,"message":"no"}"#,
        ] {
            let reply = decision().denied(answer.as_bytes());
            assert_eq!(reply.body, r#"{"data":{"result":0,"message":"no"}}"#, "{answer}");
        }
        for answer in
            ["", "Forbidden", r#"{"message":{}}"#, r#"{"message":null}"#, r#"{"error":"x"}"#]
        {
            let reply = decision().denied(answer.as_bytes());
            assert_eq!(reply.body, r#"{"data":{"result":0}}"#, "{answer}");
        }
    }
}
