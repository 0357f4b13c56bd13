//! Samples: a realistic callback of each kind, with the platform's signature.
//!
//! `gatepost send` sends samples. An app's tests can also build requests from samples.

use std::cell::OnceCell;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use serde_json::{Map, Value};

use crate::head::Head;
use crate::printable::print_only;
use crate::provider::Plan;
use crate::provider::digest::Key;
use crate::provider::locator::{CaptureError, Locator, Received};
use crate::provider::plan::{BodyFormat, SampleHead};
use crate::provider::pointer::Pointer;
use crate::provider::setting::Setting;
use crate::provider::signature::{KeyName, Signature};
use crate::secret::Secret;
use crate::time::{Timestamp, Unit};
use crate::toml_reader::allowed;

/// A realistic callback of one kind. The caller can change the sample, sign it and build a request.
///
/// # Examples
///
/// ```
/// use gatepost::{Definition, Timestamp};
/// use http::Uri;
///
/// let definition = Definition::built_in("tencent-css").unwrap();
/// let mut sample = definition.sample("push").unwrap();
/// sample.set("app", "test.domain.com").unwrap();
/// let to = Uri::from_static("/callbacks/tencent");
/// let request = sample.sign("test", Timestamp::from_secs(1_545_030_273)).request(&to).unwrap();
/// let body = std::str::from_utf8(request.body()).unwrap();
/// assert!(body.contains(r#""sign":"ca3e25e5dc17a6f9909a9ae7281e300d","#));
///
/// assert!(definition.sample("pusch").is_none());
/// ```
#[must_use]
pub struct Sample<'d> {
    plan: &'d Plan,
    kind: usize,
    body: Map<String, Value>,
    /// The body if it is text other than a JSON object.
    raw: Option<&'d str>,
    headers: HeaderMap,
    query: Vec<QueryParameter>,
    settings: Vec<Option<Secret>>,
    signing: Option<(SigningKey, Timestamp)>,
}

/// A parameter of the query.
struct QueryParameter {
    name: Box<str>,
    value: Box<str>,
    /// True if this parameter replaces a parameter of the same name in the URI of the request.
    replaces: bool,
}

/// A key for the signature of a sample.
enum SigningKey {
    /// The text of a key, as in the platform's console.
    Written(Secret),
    /// A key that gatepost has prepared for a template.
    Prepared(Key),
}

print_only! { Sample<'_>: plan; }

/// Reason why gatepost cannot change a sample or build its request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The key does not have the platform's encoding.
    #[error(
        "expected a complete key, found a key that gatepost cannot decode; copy the complete key"
    )]
    Key,
    /// [`Sample::set`] received an invalid `place`, or a `value` that a header cannot contain.
    #[error(
        "expected a field, a JSON Pointer, `header:NAME`, `query:NAME` or `setting:NAME` with a \
         valid value, found an invalid name or value for `{0}`; correct the name or the value"
    )]
    Name(String),
    /// [`Sample::set`] received an unknown name of a field or setting.
    #[error("expected a known field or setting, found `{name}`; {remedy}")]
    Unknown {
        /// The unknown name.
        name: String,
        /// The remedy: the name that the caller probably meant, or a list of names.
        remedy: String,
    },
    /// The signature covers a value that the sample does not contain.
    #[error("expected a value at {0} for the signature, found none; set the value before signing")]
    PartMissing(String),
    /// The request to sign has a header or query parameter more than once, or too many parameters.
    /// The text contains the fault and the remedy.
    #[error("{0}")]
    Request(String),
}

impl<'d> Sample<'d> {
    pub(crate) fn new(plan: &'d Plan, kind: usize) -> Self {
        let of_kind = plan.kinds.get(kind).and_then(|kind| kind.sample.as_deref());
        let text = of_kind.or(plan.sample.body.as_deref()).unwrap_or("{}");
        let read = serde_json::from_str(text).ok();
        let raw = read.is_none().then_some(text);
        let body = read.unwrap_or_default();
        let SampleHead { headers, query } = plan.sample_head(kind);
        let query = query.into_iter();
        let query =
            query.map(|(name, value)| QueryParameter { name, value, replaces: false }).collect();
        let default =
            |setting: &Setting| setting.default().map(|text| Secret::new(text.as_bytes()));
        let settings = plan.settings.iter().map(default).collect();
        let mut sample = Self { plan, kind, body, raw, headers, query, settings, signing: None };
        sample.write_kind(of_kind.is_some());
        sample
    }

    /// Writes the platform's name for the kind into the fields if a field names the kind.
    ///
    /// If the kind has a sample body of its own, this body already names the kind.
    fn write_kind(&mut self, has_own_body: bool) {
        let (from, word) = (self.plan.kind_rule.from.first(), self.plan.sample_name(self.kind));
        let (Some(from), Some(word), false) = (from, word, has_own_body) else { return };
        let is_field = match from.each().first() {
            Some(Locator::Body(_)) => true,
            Some(Locator::Query(_)) => self.format() == BodyFormat::Query,
            _ => false,
        };
        if is_field {
            self.put(from, word);
        }
    }

    /// Sets a field, a header, a parameter or a setting.
    ///
    /// | `place` | sets |
    /// |---|---|
    /// | `app` | a field of the body that the sample has or the definition declares |
    /// | `/data/0/app` | any field, by JSON Pointer |
    /// | `header:NAME` | a header |
    /// | `query:NAME` | a parameter of the query, instead of the one in the URI of the request |
    /// | `setting:NAME` | a setting of the template, which the signature may cover |
    ///
    /// If the old value of a field is a string, the new value is a string too. Otherwise the new
    /// value is the JSON in `value`, or a string if `value` is not JSON.
    ///
    /// # Errors
    ///
    /// Returns [`SampleError::Name`] for a `place` in another form, and for a `value` that a header
    /// cannot contain. Returns [`SampleError::Unknown`] for a field that the kind does not have,
    /// and for a setting that the definition does not have.
    pub fn set(&mut self, place: &str, value: &str) -> Result<(), SampleError> {
        let invalid = || SampleError::Name(place.to_owned());
        if let Some(name) = place.strip_prefix("header:") {
            let name = http::HeaderName::try_from(name).map_err(|_| invalid())?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
            self.headers.insert(name, value);
            return Ok(());
        }
        if let Some(name) = place.strip_prefix("query:") {
            if name.is_empty() {
                return Err(invalid());
            }
            self.put(&Locator::Query(name.into()), value);
            return Ok(());
        }
        if let Some(name) = place.strip_prefix("setting:") {
            let index = self.plan.setting(name);
            let setting = index.and_then(|index| self.settings.get_mut(index));
            let Some(setting) = setting else {
                let names: Vec<_> = self.plan.settings.iter().map(|own| &*own.name).collect();
                return Err(not_among(place, name, "setting", names));
            };
            *setting = Some(Secret::new(value.as_bytes()));
            return Ok(());
        }
        if !place.starts_with('/') && !place.is_empty() {
            let names = self.field_names();
            if !names.contains(&place) {
                return Err(not_among(place, place, "field", names));
            }
        }
        let pointer = if place.starts_with('/') { place.to_owned() } else { format!("/{place}") };
        let pointer = Pointer::parse(&pointer).filter(|_| !place.is_empty()).ok_or_else(invalid)?;
        self.put(&Locator::Body(pointer), value);
        Ok(())
    }

    /// Returns true if `place` is the place of the signature, of the signed time or of the key's
    /// id. [`Sample::request`] then replaces the value.
    ///
    /// # Examples
    ///
    /// ```
    /// let definition = gatepost::Definition::built_in("tencent-css").unwrap();
    /// let sample = definition.sample("push").unwrap();
    /// assert!(sample.signing_replaces("sign") && sample.signing_replaces("/t"));
    /// assert!(!sample.signing_replaces("app"));
    /// ```
    #[must_use]
    pub fn signing_replaces(&self, place: &str) -> bool {
        let Some(rule) = self.plan.signature_of(Some(self.kind)) else { return false };
        let time = rule.time.as_ref().and_then(|time| time.from.place());
        let named =
            if let Some(KeyName::Value(place)) = &rule.key.named_by { Some(place) } else { None };
        let places = [Some(&rule.found_in), time, named].into_iter().flatten();
        let mut places = places.flat_map(Locator::each);
        places.any(|own| {
            let text = own.to_string();
            let is_member = matches!(own, Locator::Body(_));
            let is_header = matches!(own, Locator::Header(_));
            text == place
                || (is_member && text.strip_prefix('/') == Some(place))
                || (is_header && text.eq_ignore_ascii_case(place))
        })
    }

    /// Returns the names of the fields at the top level that the sample has, that the kind
    /// declares, or that contain the signature, the signed time or the name of the kind.
    fn field_names(&self) -> Vec<&str> {
        let kind = self.plan.kind(Some(self.kind));
        let declared = kind.fields.iter().chain(self.plan.unknown.fields.iter());
        let signature = self.plan.signature_of(Some(self.kind));
        let time = signature.and_then(|rule| rule.time.as_ref()).and_then(|rule| rule.from.place());
        let signed = signature.map(|rule| &rule.found_in);
        let places = signed.into_iter().chain(time).chain(&self.plan.kind_rule.from);
        let places = places.flat_map(Locator::each);
        let consumed = places.filter_map(|place| Some(place.top_level()?.text()));
        let sent = self.body.keys().map(String::as_str);
        declared.map(|field| &*field.name).chain(sent).chain(consumed).collect()
    }

    fn put(&mut self, place: &Locator, text: &str) {
        match place {
            Locator::Body(pointer) => {
                let is_text = pointer.find_in_sample(&self.body).is_some_and(Value::is_string);
                let value = if is_text { None } else { serde_json::from_str(text).ok() };
                pointer.set(&mut self.body, value.unwrap_or_else(|| Value::from(text)));
            }
            Locator::Header(captured) => {
                if let Ok(value) = HeaderValue::from_str(text) {
                    self.headers.insert(captured.name.clone(), value);
                }
            }
            // Two alternatives with different values would contradict each other.
            Locator::OneOf(places) => {
                let has_value = |place: &&Locator| {
                    place
                        .pointer()
                        .is_some_and(|pointer| pointer.find_in_sample(&self.body).is_some())
                };
                if let Some(place) = places.iter().find(has_value).or(places.first()) {
                    self.put(place, text);
                }
            }
            Locator::Query(name) if self.format() == BodyFormat::Query => {
                self.body.insert(name.to_string(), text.into());
            }
            Locator::Query(name) => {
                self.query.retain(|own| own.name != *name);
                let (name, value) = (name.clone(), text.into());
                self.query.push(QueryParameter { name, value, replaces: true });
            }
            // Nothing to write: the caller passes the target to `request`, the definition sets the
            // method, and only `set` and `set_settings` change settings.
            Locator::Method | Locator::Setting(..) | Locator::Target => {}
            // Nothing to write: the sample of the kind already has the values, and a joined text
            // may not show where to split it.
            Locator::Joined(_) => {}
        }
    }

    /// Sets the key and the time for the signature that [`Sample::request`] writes.
    ///
    /// If the platform does not sign callbacks of this kind, the key and the time have no effect.
    pub fn sign(mut self, key: impl Into<Vec<u8>>, now: Timestamp) -> Self {
        self.signing = Some((SigningKey::Written(Secret::new(key.into())), now));
        self
    }

    /// Sets a prepared key, as [`Sample::sign`] sets the text of a key.
    pub(super) fn sign_with(mut self, key: &Key, now: Timestamp) -> Self {
        self.signing = Some((SigningKey::Prepared(key.clone()), now));
        self
    }

    /// Returns the fields of the callback, before gatepost writes the time and the signature.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Replaces all fields of the callback.
    pub fn set_fields(&mut self, fields: Map<String, Value>) {
        self.body = fields;
    }

    /// Sets the tenant at its first place in the definition. If the definition has a place for the
    /// application, sets the text after `/` there.
    pub(super) fn set_tenant(&mut self, tenant: &str) {
        let (name, app) = match (tenant.split_once('/'), &self.plan.tenant_app) {
            (Some((name, app)), Some(place)) => (name, Some((place, app))),
            _ => (tenant, None),
        };
        let name = self.plan.tenant.first().map(|place| (place, name));
        for (place, value) in name.into_iter().chain(app) {
            self.put(place, value);
        }
    }

    /// Sets the values of settings, in the order of the definition.
    pub(super) fn set_settings(&mut self, settings: &[Option<Secret>]) {
        self.settings = settings.to_vec();
    }

    /// Builds the request to the URI `to`. Signs the request if [`Sample::sign`] has set a key.
    ///
    /// # Errors
    ///
    /// Returns [`SampleError`] for a key that gatepost cannot decode, for a missing signed value,
    /// and for a header or query parameter that would occur more than once.
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

    fn method(&self) -> &Method {
        self.plan.sample_method(self.kind)
    }

    fn format(&self) -> BodyFormat {
        self.plan.format_of(self.method())
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

/// Creates the error for an unknown field or setting.
fn not_among(place: &str, wrong: &str, noun: &str, names: Vec<&str>) -> SampleError {
    let remedy = match (noun, names.is_empty()) {
        ("field", true) => format!("write /{wrong} to add a field"),
        (_, true) => "remove the setting, because the provider has none".to_owned(),
        ("field", false) => {
            let known = allowed(noun, wrong, names.into_iter());
            format!("{known}; /{wrong} adds a field that the definition does not declare")
        }
        (_, false) => allowed(noun, wrong, names.into_iter()),
    };
    SampleError::Unknown { name: place.to_owned(), remedy }
}

/// Replaces the query of a URI.
fn with_query(to: &Uri, query: &str) -> Uri {
    let text = format!("{}?{query}", to.path());
    let mut parts = to.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| to.clone())
}
