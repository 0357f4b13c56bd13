//! Plans: compiled definitions. The compiler resolves the names in a definition to indexes and
//! enums, so that gatepost does not resolve them for each callback.

mod body_format;
mod kind;
mod kind_rule;
mod sample_head;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::locator::{CaptureError, CapturedHead, Locator, Received};
use super::setting::Setting;
use super::signature::Signature;
use crate::head::Head;
use crate::json::Name;
use crate::printable::print_only;
use crate::reply::Reply;
pub(crate) use body_format::BodyFormat;
pub(crate) use kind::{Kind, SessionPart, SessionRule, Times, ViewerKey};
pub(crate) use kind_rule::{KindFound, KindRule};
pub(crate) use sample_head::SampleHead;

/// The compiled definition of a platform.
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) title: Box<str>,
    pub(crate) docs: Box<str>,
    /// The source of the definition's facts; `None` if the definition names no source.
    pub(crate) evidence: Option<Evidence>,
    pub(crate) page: PageTexts,
    pub(crate) methods: Vec<Method>,
    /// The methods, formatted for the `Allow` header of a 405 reply.
    pub(crate) allow: HeaderValue,
    pub(crate) body: BodyFormat,
    /// The format of a body that is not in the format `body`. If `None`, gatepost refuses such a
    /// body.
    pub(crate) other_body: Option<BodyFormat>,
    /// The format of each method. Empty if all methods have the format `body`.
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
    /// The locator of the application; `None` if a template can bind only a whole tenant.
    pub(crate) tenant_app: Option<Locator>,
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

/// The texts for the platform's page in the manual.
#[derive(Clone, Default)]
pub(crate) struct PageTexts {
    /// The steps in the platform's console, also for `gatepost init`.
    pub(crate) setup: Option<Box<str>>,
    /// The parts of a callback that the signature protects, and the remaining attacks, for the
    /// manual.
    pub(crate) proof: Option<Box<str>>,
    /// The parts of the definition that no source confirms, and the callbacks of the platform that
    /// the definition does not support, for the manual.
    pub(crate) unproven: Option<Box<str>>,
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

    /// Copies the values of the head that the locators refer to.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`CapturedHead::of`].
    pub(crate) fn capture(
        &self,
        head: &Head<'_>,
        query: Option<Cow<'_, str>>,
    ) -> Result<CapturedHead, CaptureError> {
        let captured = CapturedHead::of(head, &self.headers, query)?;
        Ok(if self.reads_target { captured.with_target(head) } else { captured })
    }

    /// Returns `true` if the verdict depends on a value in which gatepost may have replaced a lone
    /// surrogate.
    ///
    /// gatepost refuses such a callback, because two different values can be equal after the
    /// replacement.
    pub(crate) fn depends_on_repair(
        &self,
        kind: Option<usize>,
        signature: Option<&Signature>,
        received: &Received<'_>,
    ) -> bool {
        let tenant = self.tenant.iter().chain(&self.tenant_app);
        let named = tenant.chain(&self.kind_rule.from).chain(&self.kind(kind).id);
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

    /// Returns the kind at `index`, or the `unknown` kind for `None`.
    pub(crate) fn kind(&self, index: Option<usize>) -> &Kind {
        index.and_then(|index| self.kinds.get(index)).unwrap_or(&self.unknown)
    }

    /// Returns the signature rule of a kind, by default the rule of the plan. Returns `None` if the
    /// platform does not sign callbacks of the kind.
    pub(crate) fn signature_of(&self, kind: Option<usize>) -> Option<&Signature> {
        let kind = self.kind(kind);
        kind.signature.as_ref().or(self.signature.as_ref()).filter(|_| !kind.is_unsigned)
    }

    /// Returns the name of each header, parameter or member that contains a signature, and of each
    /// field with a credential. The list has no duplicates.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let of_kinds = self.kinds.iter().filter_map(|kind| kind.signature.as_ref());
        let places = of_kinds.chain(&self.signature).flat_map(|rule| rule.found_in.each());
        let places = places.map(Locator::to_string);
        let mut names: Vec<_> =
            places.filter_map(|place| Some(place.rsplit(['/', ':']).next()?.to_owned())).collect();
        for kind in self.kinds.iter().chain([&self.unknown]) {
            kind.fields.each_secret(&mut |name| names.push(name.to_owned()));
        }
        names.sort_unstable();
        names.dedup();
        names
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
