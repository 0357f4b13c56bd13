//! A definition as meant: compiled once, at start, so that no word is compared per request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::decision::Decision;
use super::field::{Fields, parse_whole};
use super::locator::{Locator, Received};
use super::pointer::Pointer;
use super::setting::Setting;
use super::signature::Signature;
use crate::json::{BodyError, ByName, Json, Name, Object, Shape, Value};
use crate::reply::Reply;
use crate::time::Unit;

/// Everything about one provider.
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) title: Box<str>,
    pub(crate) docs: Box<str>,
    pub(crate) methods: Vec<Method>,
    /// The methods again, as a 405 must name them.
    pub(crate) allow: HeaderValue,
    pub(crate) body: BodyFormat,
    /// A member that may hold the whole callback.
    pub(crate) unwrap: Option<Name<'static>>,
    /// The headers that are looked at.
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) reads_query: bool,
    pub(crate) tenant: Vec<Locator>,
    pub(crate) tenant_case: TenantCase,
    pub(crate) signature: Option<Signature>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) kind_rule: KindRule,
    pub(crate) kinds: Vec<Kind>,
    /// A kind that the definition does not know.
    pub(crate) unknown: Kind,
    /// Names that stand for several kinds without an address of their own.
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) sample: SampleData,
    /// What tells two callbacks apart, where not their data does.
    pub(crate) id: Vec<Locator>,
    /// Fields that a resend may change, so that they tell nothing apart.
    pub(crate) id_without: Vec<Name<'static>>,
    pub(crate) ack: Reply,
}

/// Too long to print, and its samples look like callbacks.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a tenant in capitals is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TenantCase {
    Insensitive,
    #[default]
    Sensitive,
}

impl TenantCase {
    /// The spelling by which a tenant is found.
    pub(crate) fn fold(self, tenant: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Insensitive if tenant.bytes().any(|b| b.is_ascii_uppercase()) => {
                Cow::Owned(tenant.to_ascii_lowercase())
            }
            Self::Insensitive | Self::Sensitive => tenant,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    Form,
    Json,
    /// There is no body: the fields stand in the query.
    Query,
}

/// Which kind a callback is.
#[derive(Debug)]
pub(crate) struct KindRule {
    /// Where it says so: the first present counts.
    pub(crate) from: Vec<Locator>,
    /// What the platform writes, and the kinds that it may be then.
    pub(crate) values: ByName<Vec<usize>>,
    /// The kinds that it may be if it says nothing.
    pub(crate) unnamed: Vec<usize>,
    /// The kind of everything that has no name here.
    pub(crate) other: Option<usize>,
}

impl KindRule {
    /// The kinds that a word may stand for.
    fn candidates(&self, word: &str) -> Option<&[usize]> {
        self.values.get(&Name::new(word)).map(Vec::as_slice)
    }
}

/// What a callback says of its kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KindFound<'r> {
    Known(usize),
    /// Nothing tells.
    Missing,
    /// The definition does not know this word.
    Unknown(Cow<'r, str>),
}

/// One event of a provider.
pub(crate) struct Kind {
    pub(crate) name: Arc<str>,
    pub(crate) ce_type: HeaderValue,
    pub(crate) docs: Option<Box<str>>,
    /// The group whose address it takes without one of its own.
    pub(crate) group: Option<Box<str>>,
    /// What must be there for it to be this kind, where the platform's word does not tell.
    pub(crate) when: Vec<Pointer>,
    /// How it is signed, if not as the provider's other kinds.
    pub(crate) signature: Option<Signature>,
    pub(crate) subject: Vec<Locator>,
    /// Where it may stand: the first present wins.
    pub(crate) time: Option<(Vec<Pointer>, Unit)>,
    pub(crate) fields: Fields,
    /// Absent for a notification, which only wants an acknowledgement.
    pub(crate) decision: Option<Decision>,
    /// A realistic callback without its signature: the body, as a JSON object.
    pub(crate) sample: Option<Box<str>>,
    pub(crate) times: Times,
    /// Whether two events of it may say the same, so that no resend can be told from the next one.
    pub(crate) repeats: bool,
    pub(crate) viewer: Viewer,
}

/// How long things may take, unless the template says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// What the app has.
    pub(crate) timeout: Duration,
    /// What the platform waits, from its request to the whole reply.
    pub(crate) budget: Duration,
}

/// What tells a viewer, and what they watch, from others: the first must be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Viewer(pub(crate) Vec<Pointer>);

impl Viewer {
    /// What the event's data say of it, if they say whose it is.
    pub(crate) fn read(&self, data: &[u8]) -> Option<Vec<String>> {
        let object = Object::from_json(std::str::from_utf8(data).ok()?).ok()?;
        let said = |pointer: &Pointer| match pointer.find(&object) {
            Some(Value::Json(json)) => json.text.to_owned(),
            Some(Value::Text(text)) => text.into_owned(),
            None => String::new(),
        };
        let parts: Vec<_> = self.0.iter().map(said).collect();
        let names = |first: &String| !matches!(first.as_str(), "" | "null" | "\"\"");
        parts.first().is_some_and(names).then_some(parts)
    }
}

/// What realistic callbacks have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleData {
    /// The body of kinds without one of their own.
    pub(crate) body: Option<Box<str>>,
    /// Headers beside the signature's own.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Plan {
    /// Reads a callback in the provider's format. The `content-type` is not asked: platforms leave
    /// it out or write a wrong one.
    pub(crate) fn read<'b>(
        &self,
        body: &'b [u8],
        query: Option<&'b str>,
    ) -> Result<Object<'b>, BodyError> {
        let object = match self.body {
            BodyFormat::Form => Object::from_form(body)?,
            BodyFormat::Query => Object::from_form(query.unwrap_or_default().as_bytes())?,
            BodyFormat::Json => {
                Object::from_json(std::str::from_utf8(body).map_err(|_| BodyError::InvalidUtf8)?)?
            }
        };
        match self.wrapped(&object) {
            Some(raw) => Object::from_json(raw),
            None => Ok(object),
        }
    }

    /// The text of the whole callback, if it stands inside its wrapper: alone, or because only there
    /// something says which event it is.
    fn wrapped<'b>(&self, object: &Object<'b>) -> Option<&'b str> {
        let raw = match object.find(self.unwrap.as_ref()?)? {
            Value::Json(Json { text, shape: Shape::Object, .. }) => *text,
            Value::Json(_) | Value::Text(_) => return None,
        };
        let names_kind = |object: &Object<'_>| {
            let names = self.kind_rule.from.iter().filter_map(Locator::top_level);
            names.into_iter().any(|name| object.find(name).is_some())
        };
        let inside = || Object::from_json(raw).is_ok_and(|inner| names_kind(&inner));
        (object.len() == 1 || (!names_kind(object) && inside())).then_some(raw)
    }

    /// Whether two events that differ in their data have two ids.
    pub(crate) const fn id_covers_all_data(&self) -> bool {
        self.id.is_empty() && self.id_without.is_empty()
    }

    /// The kind of that name.
    pub(crate) fn kind_named(&self, name: &str) -> Option<usize> {
        self.kinds.iter().position(|kind| *kind.name == *name)
    }

    /// Which kind a callback is.
    pub(crate) fn kind_of<'r>(&self, received: &Received<'r>) -> KindFound<'r> {
        let rule = &self.kind_rule;
        let fits = |kind: &&usize| {
            let kind = self.kinds.get(**kind);
            let says = |p: &Pointer| {
                p.find(received.object).is_some_and(|value| value.shape() != Shape::Null)
            };
            kind.is_some_and(|kind| kind.when.iter().all(says))
        };
        let said = rule.from.iter().filter_map(|from| from.text(received));
        let Some(written) = said.into_iter().find(|word| !word.is_empty()) else {
            let found = rule.unnamed.iter().find(fits).copied().or(rule.other);
            return found.map_or(KindFound::Missing, KindFound::Known);
        };
        let candidates = rule.candidates(&written).or_else(|| {
            // A number is the same however it is spelled: `1`, `1.0`, `1e0`.
            let number = parse_whole(&written)?;
            rule.candidates(&number.to_string())
        });
        // If none fits, the last says what is missing.
        let found = candidates.and_then(|kinds| kinds.iter().find(fits).or(kinds.last()));
        match found.copied().or(rule.other) {
            Some(kind) => KindFound::Known(kind),
            None => KindFound::Unknown(written),
        }
    }

    /// The kind at an index of its own, or the unknown one.
    pub(crate) fn kind(&self, index: Option<usize>) -> &Kind {
        index.and_then(|index| self.kinds.get(index)).unwrap_or(&self.unknown)
    }

    /// How a kind is signed.
    pub(crate) fn signature_of(&self, kind: Option<usize>) -> Option<&Signature> {
        self.kind(kind).signature.as_ref().or(self.signature.as_ref())
    }

    /// Whether callbacks of any kind are signed with a template's keys.
    pub(crate) fn uses_template_keys(&self) -> bool {
        let own = self.kinds.iter().filter_map(|kind| kind.signature.as_ref());
        own.chain(&self.signature).any(|signature| signature.key.setting.is_none())
    }

    /// The setting of that name.
    pub(crate) fn setting(&self, name: &str) -> Option<usize> {
        self.settings.iter().position(|setting| *setting.name == *name)
    }
}
