//! Plans: compiled definitions. The compiler resolves names to indexes and enums, so that gatepost
//! compares no names while it judges a callback.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::challenge::Challenge;
use super::common::CommonRule;
use super::decision::Decision;
use super::field::{Fields, parse_whole};
use super::locator::{CaptureError, CapturedHead, Locator, Received};
use super::pointer::Pointer;
use super::setting::Setting;
use super::signature::Signature;
use crate::head::Head;
use crate::json::{self, BodyError, Json, Limits, Name, NameMap, Object, Shape, Value};
use crate::printable::print_only;
use crate::reply::Reply;
use crate::time::Unit;

/// The compiled definition of a platform.
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) title: Box<str>,
    pub(crate) docs: Box<str>,
    /// The source of the definition's facts; `None` if the definition names none.
    pub(crate) evidence: Option<Evidence>,
    pub(crate) page: PageTexts,
    pub(crate) methods: Vec<Method>,
    /// The methods, formatted for the `Allow` header of a 405 reply.
    pub(crate) allow: HeaderValue,
    pub(crate) body: BodyFormat,
    /// The format of a body that is not in the format `body`. If `None`, gatepost refuses such a
    /// body.
    pub(crate) other_body: Option<BodyFormat>,
    /// The format of each method, if the formats of the methods differ. Empty if all methods have
    /// the format `body`.
    pub(crate) body_of_methods: Vec<(Method, BodyFormat)>,
    /// The name of the member in which the platform may wrap a callback.
    pub(crate) unwrap: Option<Name<'static>>,
    /// The headers that the locators refer to.
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) reads_query: bool,
    pub(crate) reads_target: bool,
    /// The locators of the tenant.
    pub(crate) tenant: Vec<Locator>,
    pub(crate) tenant_case: TenantCase,
    pub(crate) signature: Option<Signature>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) kind_rule: KindRule,
    pub(crate) kinds: Vec<Kind>,
    /// Indexes of the kinds that end a session.
    pub(crate) session_ends: Vec<usize>,
    /// The kind of callbacks whose kind the definition does not declare.
    pub(crate) unknown: Kind,
    /// The group of each kind that has a group, with duplicates. A config can set one address for
    /// all kinds of a group.
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) sample: SampleData,
    /// Fields that the platform may change when it resends a callback. The id of an event does not
    /// depend on these fields.
    pub(crate) id_without: Vec<Name<'static>>,
    /// The reply to a notification.
    pub(crate) ack: Reply,
}

/// The texts for the manual's page of the platform.
#[derive(Clone, Default)]
pub(crate) struct PageTexts {
    /// The steps in the platform's console, for `gatepost init`.
    pub(crate) setup: Option<Box<str>>,
    /// Description of what the signature proves and leaves open, for the manual.
    pub(crate) proof: Option<Box<str>>,
    /// The platform's resends and time limit, for the manual.
    pub(crate) resends: Option<Box<str>>,
}

// Prints only the name, because other fields are long and samples look like real callbacks.
print_only! { Plan: name; }

/// The source of the facts in a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The platform's documentation.
    Documented,
    /// Secondary sources or inference. Compare the definition with real callbacks before you use
    /// the definition.
    Unconfirmed,
    /// A signature that the platform has published, or the platform's own code, such as its library
    /// or its server.
    Vector,
}

impl Evidence {
    pub(crate) const WORDS: [(&'static str, Self); 3] = [
        ("documented", Self::Documented),
        ("unconfirmed", Self::Unconfirmed),
        ("vector", Self::Vector),
    ];

    /// Returns the word in a definition: `documented`, `unconfirmed` or `vector`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, evidence)| *evidence == self).map_or("", |(word, _)| word)
    }
}

/// Case sensitivity of tenant names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TenantCase {
    Insensitive,
    #[default]
    Sensitive,
}

impl TenantCase {
    /// Returns the tenant in the spelling that gatepost looks up: in lower case for `Insensitive`.
    pub(crate) fn fold(self, tenant: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Insensitive if tenant.bytes().any(|b| b.is_ascii_uppercase()) => {
                Cow::Owned(tenant.to_ascii_lowercase())
            }
            Self::Insensitive | Self::Sensitive => tenant,
        }
    }
}

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

/// The rule that determines the kind of a callback.
#[derive(Debug)]
pub(crate) struct KindRule {
    /// The locators of the platform's name for the kind. gatepost uses the first name that is
    /// present and not empty.
    pub(crate) from: Vec<Locator>,
    /// The possible kinds for each name. gatepost takes the first kind whose `when` values are
    /// present.
    pub(crate) values: NameMap<Vec<usize>>,
    /// The possible kinds of a callback that does not name its kind.
    pub(crate) unnamed: Vec<usize>,
    /// The kind of all other callbacks; `None` if the definition sets no such kind.
    pub(crate) other: Option<usize>,
}

impl KindRule {
    /// Returns true if gatepost can find that a callback has this kind. The config must set any
    /// other kind on a route.
    pub(crate) fn may_find(&self, kind: usize) -> bool {
        let mut lists = self.values.iter().map(|(_, kinds)| kinds).chain([&self.unnamed]);
        lists.any(|kinds| kinds.contains(&kind)) || self.other == Some(kind)
    }

    /// Returns the possible kinds for the platform's name.
    fn candidates(&self, name: &str) -> Option<&[usize]> {
        self.values.get(&Name::new(name)).map(Vec::as_slice)
    }
}

/// The result of the search for the kind of a callback.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KindFound<'r> {
    /// The index of a declared kind.
    Known(usize),
    /// The callback does not name its kind.
    Missing,
    /// The definition does not declare the kind. The text is the platform's name for the kind.
    Unknown(Cow<'r, str>),
}

/// A compiled kind of callbacks.
pub(crate) struct Kind {
    pub(crate) name: Arc<str>,
    /// The CloudEvents type of events of this kind.
    pub(crate) ce_type: HeaderValue,
    /// The meaning of callbacks of this kind, for documentation.
    pub(crate) about: Option<Box<str>>,
    /// The documentation URL of this kind; `None` means the URL of the plan.
    pub(crate) docs: Option<Box<str>>,
    /// The group whose address gatepost uses if the config sets no address for the kind.
    pub(crate) group: Option<Box<str>>,
    /// The only method of callbacks of this kind; `None` if each method of the plan is valid.
    pub(crate) method: Option<Method>,
    /// Pointers to values that must be present in a callback of this kind. The values distinguish
    /// kinds for which the platform uses the same name.
    pub(crate) when: Vec<Pointer>,
    /// The signature rule of this kind; `None` means the rule of the plan.
    pub(crate) signature: Option<Signature>,
    /// The locators of the texts that together form the event's subject.
    pub(crate) subject: Vec<Locator>,
    /// The pointers to the event's time, and the unit of that time. gatepost uses the first value
    /// that is present.
    pub(crate) time: Option<(Vec<Pointer>, Unit)>,
    pub(crate) fields: Fields,
    /// The rules for the reply to a decision; `None` for a notification.
    pub(crate) decision: Option<Decision>,
    /// The rule for the reply to a challenge; `None` for any other kind. The app does not receive a
    /// challenge.
    pub(crate) challenge: Option<Challenge>,
    /// The rule for the common event of this kind: an event in the same form for every platform.
    /// `None` if the kind has no common event.
    pub(crate) common: Option<CommonRule>,
    /// Exception from the signature rule of the plan: if true, the platform does not sign this
    /// kind.
    pub(crate) is_unsigned: bool,
    /// The reply to a notification of this kind; `None` means the reply of the plan.
    pub(crate) ack: Option<Reply>,
    /// A realistic body without a signature, as a JSON object.
    pub(crate) sample: Option<Box<str>>,
    pub(crate) times: Times,
    /// The locators of the values that identify an event. If the list is empty, the data identifies
    /// the event. The data must then contain a time or a sequence.
    pub(crate) id: Vec<Locator>,
    /// Pointers to values that differ between two events with otherwise equal data, such as a
    /// counter. gatepost uses the first value that is present.
    pub(crate) sequence: Vec<Pointer>,
    pub(crate) viewer: ViewerKey,
    /// The rule for a kind that starts or ends a session; `None` for any other kind.
    pub(crate) session: Option<SessionRule>,
}

/// A kind that starts or ends a session of its subject.
#[derive(Clone, Debug)]
pub(crate) struct SessionRule {
    pub(crate) part: SessionPart,
    /// The locators of the values that identify the session, equal at its start and its end. If the
    /// list is empty, the times of the events order the sessions.
    pub(crate) id: Vec<Locator>,
}

/// Start or end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionPart {
    End,
    Start,
}

impl SessionPart {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("end", Self::End), ("start", Self::Start)];
}

impl Kind {
    /// Returns `true` if the callbacks of this kind can have an identity, by which gatepost
    /// recognizes a resend.
    pub(crate) const fn can_identify(&self) -> bool {
        !self.id.is_empty() || self.time.is_some() || !self.sequence.is_empty()
    }

    /// Marks the fields on which the identity of a callback or a decision depends.
    ///
    /// A decision depends on the viewer, the subject and the tenant. It also depends on the fields
    /// that identify an item, and on the fields that determine the contents of the reply.
    pub(crate) fn mark_essential(&mut self, tenant: &[Locator]) {
        let Self { fields, decision, subject, viewer, id, .. } = self;
        let mut mark = |pointer: &Pointer| fields.mark_essential(pointer.segments());
        id.iter().flat_map(Locator::pointers).for_each(&mut mark);
        let Some(decision) = decision else { return };
        tenant.iter().chain(&*subject).flat_map(Locator::pointers).for_each(&mut mark);
        viewer.0.iter().for_each(&mut mark);
        let list = decision.item_list.as_ref().map(|items| &*items.list);
        for name in decision.callback_fields() {
            fields.mark_essential(list.into_iter().chain([name]));
        }
    }
}

/// The time limits of a delivery. A template can replace these limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time limit for the app's answer.
    pub(crate) timeout: Duration,
    /// The time that the platform waits, from the start of the callback to the end of the reply.
    pub(crate) budget: Duration,
}

/// Pointers to the values that identify a viewer and the video that the viewer watches.
///
/// The first pointer identifies the viewer. The list is empty for a kind without a viewer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewerKey(pub(crate) Vec<Pointer>);

impl ViewerKey {
    /// Reads the values from an event's data; `None` if the first value is missing or empty.
    pub(crate) fn read(&self, data: &[u8]) -> Option<Vec<String>> {
        let object = Object::from_json(std::str::from_utf8(data).ok()?).ok()?;
        let text = |pointer: &Pointer| match pointer.find(&object) {
            Some(Value::Json(json)) => json.text.to_owned(),
            Some(Value::Text(text)) => text.into_owned(),
            None => String::new(),
        };
        let parts: Vec<_> = self.0.iter().map(text).collect();
        let has_value = |first: &String| !matches!(first.as_str(), "" | "null" | "\"\"");
        parts.first().is_some_and(has_value).then_some(parts)
    }
}

/// The sample data that all kinds of a provider share.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleData {
    /// The sample body of kinds that declare no sample.
    pub(crate) body: Option<Box<str>>,
    /// The headers of each sample, without the headers of the signature.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Plan {
    /// Returns the first challenge that the platform does not sign.
    pub(crate) fn unsigned_challenge(&self) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.is_unsigned && kind.challenge.is_some())
    }

    /// Returns the format of callbacks with this method.
    pub(crate) fn format_of(&self, method: &Method) -> BodyFormat {
        let of_method = self.body_of_methods.iter().find(|(known, _)| known == method);
        of_method.map_or(self.body, |(_, format)| *format)
    }

    /// Returns `true` if some callbacks have this format.
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
    /// Returns an error if the callback does not have this format.
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
                    // Nearly any text is a form, so a form must contain the expected member.
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

    /// Copies the values of the head that the locators refer to.
    ///
    /// # Errors
    ///
    /// Returns an error as [`CapturedHead::of`] does.
    pub(crate) fn capture(
        &self,
        head: &Head<'_>,
        query: Option<Cow<'_, str>>,
    ) -> Result<CapturedHead, CaptureError> {
        let captured = CapturedHead::of(head, &self.headers, query)?;
        Ok(if self.reads_target { captured.with_target(head) } else { captured })
    }

    /// Returns `true` if the definition permits a callback without a body.
    pub(crate) fn permits_empty_body(&self, method: &Method) -> bool {
        self.format_of(method) == BodyFormat::Query || self.other_body == Some(BodyFormat::Raw)
    }

    /// Returns the object inside the `unwrap` member if the platform has wrapped the callback.
    ///
    /// The callback is wrapped if the object has no other member. The callback is also wrapped if
    /// only this member, not the outer object, names the kind.
    ///
    /// # Errors
    ///
    /// Returns an error if gatepost cannot read the only member as an object.
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

    /// Returns `true` if the verdict depends on a value with a replaced lone surrogate.
    ///
    /// gatepost refuses such a callback: two different values could be equal after the repair.
    pub(crate) fn depends_on_repair(
        &self,
        kind: Option<usize>,
        signature: Option<&Signature>,
        received: &Received<'_>,
    ) -> bool {
        let named = self.tenant.iter().chain(&self.kind_rule.from).chain(&self.kind(kind).id);
        let values = named.chain(signature.into_iter().flat_map(Signature::locators));
        received.object.is_repaired
            && values.flat_map(Locator::pointers).any(|pointer| {
                let text = pointer.text(received.object);
                text.is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER))
            })
    }

    /// Returns `true` if at least one kind has a common event.
    pub(crate) fn has_common_events(&self) -> bool {
        self.kinds.iter().any(|kind| kind.common.is_some())
    }

    /// Returns the index of the kind with this name.
    pub(crate) fn kind_named(&self, name: &str) -> Option<usize> {
        self.kinds.iter().position(|kind| *kind.name == *name)
    }

    /// Determines the kind of a callback.
    pub(crate) fn kind_of<'r>(&self, received: &Received<'r>) -> KindFound<'r> {
        let rule = &self.kind_rule;
        let fits = |kind: &&usize| {
            let kind = self.kinds.get(**kind);
            let is_present = |p: &Pointer| {
                p.find(received.object).is_some_and(|value| value.shape() != Shape::Null)
            };
            kind.is_some_and(|kind| kind.when.iter().all(is_present))
        };
        let names = rule.from.iter().filter_map(|from| from.text(received));
        let Some(name) = names.into_iter().find(|name| !name.is_empty()) else {
            let found = rule.unnamed.iter().find(fits).copied().or(rule.other);
            return found.map_or(KindFound::Missing, KindFound::Known);
        };
        let candidates = rule.candidates(&name).or_else(|| {
            // `1.0` and `1e0` are spellings of the name `1`.
            let number = parse_whole(&name)?;
            rule.candidates(&number.to_string())
        });
        // If no candidate fits, take the last candidate, so that the refusal can name a missing
        // field.
        let found = candidates.and_then(|kinds| kinds.iter().find(fits).or(kinds.last()));
        match found.copied().or(rule.other) {
            Some(kind) => KindFound::Known(kind),
            None => KindFound::Unknown(name),
        }
    }

    /// Returns the kind at `index`, or the `unknown` kind for `None`.
    pub(crate) fn kind(&self, index: Option<usize>) -> &Kind {
        index.and_then(|index| self.kinds.get(index)).unwrap_or(&self.unknown)
    }

    /// Returns the signature rule of a kind, or the rule of the plan if the kind has no rule.
    pub(crate) fn signature_of(&self, kind: Option<usize>) -> Option<&Signature> {
        let kind = self.kind(kind);
        kind.signature.as_ref().or(self.signature.as_ref()).filter(|_| !kind.is_unsigned)
    }

    /// Returns the location of each kind's signature, in the notation of definitions.
    pub(crate) fn signature_places(&self) -> impl Iterator<Item = String> {
        let of_kinds = self.kinds.iter().filter_map(|kind| kind.signature.as_ref());
        let places = of_kinds.chain(&self.signature).flat_map(|rule| rule.found_in.each());
        places.map(Locator::to_string)
    }

    /// Returns `true` if at least one signature rule uses the `keys` of a template.
    ///
    /// A rule whose key is a setting does not use `keys`.
    pub(crate) fn uses_template_keys(&self) -> bool {
        let of_kinds = self.kinds.iter().filter_map(|kind| kind.signature.as_ref());
        of_kinds.chain(&self.signature).any(|signature| signature.key.setting.is_none())
    }

    /// Returns the index of the setting with this name.
    pub(crate) fn setting(&self, name: &str) -> Option<usize> {
        self.settings.iter().position(|setting| *setting.name == *name)
    }
}
