//! Request of a sample: the fields in the platform's format, the URI, the time and the signature.

use std::cell::OnceCell;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri};
use serde_json::Value;

use super::{QueryParameter, Sample, SampleError, SigningKey};
use crate::head::Head;
use crate::provider::locator::{CaptureError, Locator, Received};
use crate::provider::plan::BodyFormat;
use crate::provider::signature::{KeyName, Signature};
use crate::time::{Timestamp, Unit};

impl<'d> Sample<'d> {
    /// Builds the request to the URI `to`. Signs the request if [`Sample::sign`] has set a key.
    ///
    /// # Errors
    ///
    /// Returns [`SampleError`] for a key that gatepost cannot decode, for a missing signed value,
    /// and for a header or query parameter that the request has more than once.
    pub fn request(mut self, to: &Uri) -> Result<Request<Bytes>, SampleError> {
        let signature = self.plan.signature_of(Some(self.kind));
        if let (Some(signature), Some((key, now))) = (signature, self.signing.take()) {
            self.write_signature(signature, &key, now, to)?;
        }
        let method = self.method().clone();
        let body = self.body();
        let uri = self.uri(to, &body);
        let body = if self.format() == BodyFormat::Query { Vec::new() } else { body };
        let content_type = match self.format() {
            BodyFormat::Form => Some("application/x-www-form-urlencoded"),
            BodyFormat::Json => Some("application/json"),
            BodyFormat::Query | BodyFormat::Raw => None,
        };
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Ok(request)
    }

    /// Replaces the time and the signature of the sample.
    fn write_signature(
        &mut self,
        signature: &Signature,
        key: &SigningKey,
        now: Timestamp,
        to: &Uri,
    ) -> Result<(), SampleError> {
        let key = match key {
            SigningKey::Prepared(key) => Ok(key.clone()),
            SigningKey::Written(text) => signature.prepare_to_sign(text),
        };
        let key = key.map_err(|_| SampleError::Key)?;
        if let (Some(KeyName::Value(place)), Some(id)) = (&signature.key.named_by, key.id()) {
            self.put(place, id);
        }
        let mut time = String::new();
        if let Some(rule) = &signature.time {
            let at = now.as_millis().saturating_add(rule.lifetime_secs.saturating_mul(1000));
            time = rule.unit.write(Timestamp::from_millis(at));
            if let Some(place) = rule.from.place() {
                self.remove(place);
                self.put_time(place, &time, rule.unit);
            }
        }
        self.remove(&signature.found_in);
        let raw = self.body();
        let uri = self.uri(to, &raw);
        let head = Head::new(self.method(), &uri, &self.headers);
        let query = uri.query().filter(|_| self.plan.reads_query).map(Into::into);
        let captured = self.plan.capture(&head, query);
        let captured = captured.map_err(|error| {
            let remedy = match error {
                CaptureError::Duplicate(_) => "remove the duplicate",
                CaptureError::TooManyParameters => "remove parameters",
            };
            SampleError::Request(format!("{error}; {remedy}"))
        })?;
        let repaired = OnceCell::new();
        let object = self.plan.read(&raw, &captured, &repaired).unwrap_or_default();
        let received =
            Received { object: &object, raw: &raw, captured: &captured, settings: &self.settings };
        let text = signature
            .sign(&received, &key, &time)
            .map_err(|fault| SampleError::PartMissing(fault.place().to_owned()))?;
        drop(object);
        match signature.found_in.each().first() {
            Some(Locator::Body(pointer)) => pointer.set(&mut self.body, Value::from(text)),
            _ => self.put(&signature.found_in, &text),
        }
        Ok(())
    }

    /// Writes the time. A Unix time in the body is a number; any other time is text.
    fn put_time(&mut self, place: &Locator, time: &str, unit: Unit) {
        match (place.each().first(), time.parse::<i64>()) {
            (Some(Locator::Body(pointer)), Ok(number)) if unit.is_number() => {
                pointer.set(&mut self.body, Value::from(number));
            }
            _ => self.put(place, time),
        }
    }

    /// Removes the field at `place` if this field is at the top level of the body. gatepost then
    /// neither signs nor sends the old value.
    fn remove(&mut self, place: &Locator) {
        for name in place.each().iter().filter_map(Locator::top_level) {
            self.body.remove(name.text());
        }
    }

    /// Returns the URI of the request: `to` with the fields or the parameters of the sample.
    fn uri(&self, to: &Uri, body: &[u8]) -> Uri {
        if self.format() == BodyFormat::Query {
            let before = to.query().map(|query| format!("{query}&")).unwrap_or_default();
            return with_query(to, &format!("{before}{}", String::from_utf8_lossy(body)));
        }
        if self.query.is_empty() {
            return to.clone();
        }
        let given = form_urlencoded::parse(to.query().unwrap_or_default().as_bytes());
        let is_replaced =
            |name: &str| self.query.iter().any(|own| own.replaces && *own.name == *name);
        let kept: Vec<_> = given.filter(|(name, _)| !is_replaced(name)).collect();
        let is_new = |own: &&QueryParameter| kept.iter().all(|(name, _)| **name != *own.name);
        let added = self.query.iter().filter(is_new).map(|own| (&*own.name, &*own.value));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&kept).extend_pairs(added);
        with_query(to, &query.finish())
    }

    /// Encodes the fields in the platform's format. The result is a query for `BodyFormat::Query`,
    /// and a body for any other format.
    fn body(&self) -> Vec<u8> {
        match self.format() {
            BodyFormat::Raw if let Some(text) = self.raw => text.as_bytes().to_vec(),
            BodyFormat::Json | BodyFormat::Raw => {
                serde_json::to_vec(&self.body).unwrap_or_default()
            }
            BodyFormat::Form | BodyFormat::Query => {
                let text =
                    |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let fields = self.body.iter().map(|(name, value)| (name, text(value)));
                let fields: Vec<_> = fields.collect();
                serde_urlencoded::to_string(fields).unwrap_or_default().into_bytes()
            }
        }
    }
}

/// Replaces the query of a URI.
fn with_query(to: &Uri, query: &str) -> Uri {
    let text = format!("{}?{query}", to.path());
    let mut parts = to.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| to.clone())
}
