//! Samples: a realistic callback of each kind, with the platform's signature.
//!
//! `gatepost send` sends samples. An app's tests can also build requests from samples.

mod request;

use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value};

use crate::printable::print_only;
use crate::provider::Plan;
use crate::provider::digest::Key;
use crate::provider::locator::Locator;
use crate::provider::plan::{BodyFormat, SampleHead};
use crate::provider::pointer::Pointer;
use crate::provider::setting::Setting;
use crate::provider::signature::KeyName;
use crate::secret::Secret;
use crate::time::Timestamp;
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
    /// value is the JSON in `value`, or a string for a `value` that is not JSON.
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
            // Two alternatives with different values contradict each other.
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

    fn method(&self) -> &Method {
        self.plan.sample_method(self.kind)
    }

    fn format(&self) -> BodyFormat {
        self.plan.format_of(self.method())
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
