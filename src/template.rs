//! Templates: the keys, addresses and settings for a set of tenants, and the bindings that assign
//! tenants to templates.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;

use crate::address::{Address, Addresses};
use crate::breaker::Breaker;
use crate::event::{EventSource, Forward};
use crate::event_signing::EventSigning;
use crate::provider::decision::{FixedAnswer, Policy};
use crate::provider::digest::Key;
use crate::provider::setting::SettingType;
use crate::provider::signature::{Signature, Window};
use crate::provider::{IdentityInfo, Plan};
use crate::secret::Secret;

/// The keys, addresses and settings for a set of tenants.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let text = "[[route]]\npath = '/play'\nprovider = 'kollus'\n\
///             [[template]]\nname = 'vod'\nprovider = 'kollus'\nbind = ['*']\n";
/// let config = Config::from_text(text, "gatepost.toml")?;
/// let template = config.templates().next().unwrap();
/// assert_eq!((template.name(), template.provider()), ("vod", "kollus"));
/// assert!(template.shows_setting("live_play_reply"));
/// assert!(!template.shows_setting("security_key"));
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
pub struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) description: Box<str>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) proof: Proof,
    /// One value for each setting, in the order of the definition; `None` if neither the template
    /// nor the definition gives a value.
    pub(crate) settings: Vec<Option<Secret>>,
    /// One delivery for each kind, in the order of `plan.kinds`.
    pub(crate) deliveries: Vec<Delivery>,
    /// Delivery of kinds that the plan does not name.
    pub(crate) unknown: Delivery,
    /// The name, percent-encoded for a header.
    pub(crate) header: HeaderValue,
    /// Keys of the event signing; `None` if gatepost does not sign the events.
    pub(crate) signing: Option<Arc<EventSigning>>,
    /// The value of [`Template::extension`].
    pub(crate) extension: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// A kind of a template's provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateKind<'t> {
    /// Name of the kind.
    pub name: &'t str,
    /// Sort of the kind: true for a decision, whose reply carries the app's yes or no.
    pub is_decision: bool,
    /// Presence of the kind in `[template.on]`. If true, the app or a fixed answer decides the
    /// reply.
    pub is_listed: bool,
}

impl Template {
    /// Returns the name: 1 to 30 characters, each a Chinese character, letter, digit, `_` or `-`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the description: at most 100 characters, and empty if the config has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the name of the provider to whose callbacks the template applies.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.plan.name
    }

    /// Returns the platform's keys, in the order of the config, for the platform's console. Never
    /// print the keys.
    pub fn expose_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.proof.keys.iter().map(|key| key.secret().expose())
    }

    /// Returns `true` if an operator's view of the template may show the value of the setting.
    ///
    /// Returns `false` for a secret. Also returns `false` for a setting that the definition does
    /// not declare, because such a setting may be a secret with a misspelled name.
    #[must_use]
    pub fn shows_setting(&self, name: &str) -> bool {
        let index = self.plan.setting(name);
        let setting = index.and_then(|index| self.plan.settings.get(index));
        setting.is_some_and(|setting| !matches!(setting.ty, SettingType::Secret))
    }

    /// Returns the kinds whose events the app receives, each with the rule for the id of its
    /// events.
    pub fn identities(&self) -> impl Iterator<Item = (&str, IdentityInfo)> {
        let kinds = self.plan.kinds.iter().zip(&self.deliveries);
        kinds
            .filter(|(_, delivery)| delivery.as_ask().is_some())
            .map(|(kind, _)| (&*kind.name, IdentityInfo::from(kind)))
    }

    /// Returns the kinds of the provider, in the order of the definition.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = TemplateKind<'_>> {
        self.plan.kinds.iter().zip(&self.deliveries).map(|(kind, delivery)| TemplateKind {
            name: &kind.name,
            is_decision: kind.decision.is_some(),
            is_listed: !matches!(delivery, Delivery::Unlisted(_)),
        })
    }

    /// Returns the value that a server keeps with the template, such as its metrics. The first call
    /// creates the value. Each reload of the config creates new templates without values.
    ///
    /// Returns `None` if an earlier call has created a value of another type.
    pub fn extension<T: Any + Send + Sync>(&self, create: impl FnOnce(&Self) -> T) -> Option<&T> {
        self.extension.get_or_init(|| Box::new(create(self))).downcast_ref()
    }

    /// Returns the kinds that a non-empty `[template.on]` does not list. gatepost acknowledges a
    /// notification of such a kind, and denies a decision, without asking the app.
    ///
    /// The value is true for a decision.
    pub fn unlisted(&self) -> impl Iterator<Item = (&str, bool)> {
        let kinds = self.plan.kinds.iter().zip(&self.deliveries);
        kinds.filter_map(|(kind, delivery)| match delivery {
            Delivery::Unlisted(policy) => Some((&*kind.name, policy.is_some())),
            Delivery::Ask(_) | Delivery::Fixed(_) | Delivery::MissingReplyKey => None,
        })
    }

    /// Returns the addresses to which gatepost delivers the template's events and their copies, and
    /// the reach of each.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&Address, Reach)> {
        let all = self.deliveries.iter().chain([&self.unknown]);
        let asks = all.filter_map(Delivery::as_ask);
        asks.flat_map(|ask| {
            let list = ask.url.iter().chain(&ask.mirror).flat_map(|list| list.as_slice());
            list.map(|address| (address, ask.reach))
        })
    }

    /// Returns `true` if the events of some kind keep the callback's path, because the kind has no
    /// address.
    pub(crate) fn has_delivery_without_url(&self) -> bool {
        let mut all = self.deliveries.iter().chain([&self.unknown]);
        all.any(|delivery| delivery.as_ask().is_some_and(|ask| ask.url.is_none()))
    }

    /// Returns `true` if the `upstream` receives the events of some kind.
    pub(crate) fn needs_upstream(&self) -> bool {
        let mut all = self.deliveries.iter().chain([&self.unknown]);
        all.any(|delivery| {
            delivery.as_ask().is_some_and(|ask| ask.url.is_none() && ask.server.is_none())
        })
    }

    /// Returns the signature that a callback of the kind needs; `None` if the callback needs none.
    ///
    /// `kind` is an index in `plan.kinds`, or `None` for an unknown kind.
    pub(crate) fn required_signature(&self, kind: Option<usize>) -> Option<RequiredSignature<'_>> {
        let signature = self.plan.signature_of(kind)?;
        let own = kind.and_then(|kind| self.proof.kind_keys.iter().find(|own| own.kind == kind));
        let keys = own.map_or(&self.proof.keys, |own| &own.keys);
        let window = self.proof.window_of(&self.plan, kind);
        let is_optional = kind.is_some_and(|kind| self.proof.unsigned.contains(&kind));
        (!keys.is_empty()).then_some(RequiredSignature { signature, keys, window, is_optional })
    }

    pub(crate) fn delivery(&self, kind: Option<usize>) -> &Delivery {
        kind.and_then(|kind| self.deliveries.get(kind)).unwrap_or(&self.unknown)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .field("provider", &self.plan.name)
            .finish_non_exhaustive()
    }
}

/// The keys and rules by which gatepost checks the signatures of callbacks.
///
/// If there are no keys, gatepost accepts unsigned callbacks: either the platform does not sign, or
/// the operator has set `insecure_unsigned = true`.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Keys of the plan's signature. A signature by any of these keys is valid.
    pub(crate) keys: Vec<Key>,
    /// Time window of the plan's signature; `None` if gatepost checks no time.
    pub(crate) window: Option<Window>,
    /// The keys of the kinds whose definition has a signature rule of its own.
    pub(crate) kind_keys: Vec<KindKeys>,
    /// Kinds that gatepost accepts without a signature, as indices in `plan.kinds`. If such a
    /// callback has a signature, the signature must be valid.
    pub(crate) unsigned: Vec<usize>,
    /// Treatment of a signature that has already arrived with a different body or id.
    pub(crate) reuse: Reuse,
}

/// Treatment of a signature that has already arrived with a different body or id. Such a reuse is
/// possible only if the signature leaves the body or the id unsigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Accepts and counts the callback. The callback may be genuine: if the signature covers only
    /// the time, two callbacks of the same second have the same signature. If the signature covers
    /// only the body, two events with equal bodies have the same signature.
    #[default]
    Count,
    /// Refuses the callback.
    Refuse,
}

impl Reuse {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("count", Self::Count), ("refuse", Self::Refuse)];
}

impl Proof {
    /// Returns the time window of a kind's signature; `None` if gatepost checks no time.
    pub(crate) fn window_of(&self, plan: &Plan, kind: Option<usize>) -> Option<Window> {
        match &plan.kind(kind).signature {
            Some(own) => own.time.as_ref()?.default_window(),
            None => self.window,
        }
    }
}

/// The keys of a kind whose definition has a signature rule of its own.
#[derive(Debug)]
pub(crate) struct KindKeys {
    /// Index in `plan.kinds`.
    pub(crate) kind: usize,
    pub(crate) keys: Vec<Key>,
}

/// A signature rule with the keys and the time window of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequiredSignature<'t> {
    pub(crate) signature: &'t Signature,
    pub(crate) keys: &'t [Key],
    pub(crate) window: Option<Window>,
    /// Permission to omit the signature. If the callback has a signature, the signature must be
    /// valid.
    pub(crate) is_optional: bool,
}

/// Treatment of the events of one kind.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Sends the event to the app.
    Ask(Box<Ask>),
    /// Replies with the template's fixed answer; `None` acknowledges a notification.
    Fixed(Option<(FixedAnswer, Policy)>),
    /// Acknowledges a notification or denies a decision, and counts the event. The template lists
    /// other kinds, but not this kind.
    Unlisted(Option<Policy>),
    /// Replies 503, because gatepost must sign the reply and the template lacks the key.
    MissingReplyKey,
}

impl Delivery {
    /// Returns the settings for asking the app; `None` if gatepost replies without the app.
    pub(crate) const fn as_ask(&self) -> Option<&Ask> {
        match self {
            Self::Ask(ask) => Some(ask),
            Self::Fixed(_) | Self::Unlisted(_) | Self::MissingReplyKey => None,
        }
    }
}

/// Settings for the delivery of one kind to the app.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Addresses of the app; if `None`, the event keeps the path of the callback.
    pub(crate) url: Option<Arc<Addresses>>,
    /// Addresses whose servers receive an event that keeps the path of the callback; if `None`, the
    /// `upstream` receives such an event.
    pub(crate) server: Option<Arc<Addresses>>,
    /// Value of the `host` header. If `None`, an event that keeps the path of the callback also
    /// keeps the host. Any other event then has the host of its address.
    pub(crate) host: Option<HeaderValue>,
    /// Paths that gatepost reserves for the address.
    pub(crate) reach: Reach,
    /// Longest wait for the app: from connecting to the last byte of its answer.
    pub(crate) timeout: Duration,
    /// Longest wait of the platform: from its request to the last byte of the reply.
    pub(crate) budget: Duration,
    pub(crate) forward: Forward,
    /// Contents of an event's JSON: true includes the fields of the proof.
    pub(crate) keeps_proof: bool,
    /// Check of the answer to a passthrough callback: if true, gatepost judges the answer before it
    /// passes the answer on.
    pub(crate) checks_reply: bool,
    /// Headers of a passthrough callback: true adds the headers of the event, `ce-*` and
    /// `gatepost-*`.
    pub(crate) adds_event_headers: bool,
    /// Policy for the reply to a decision; `None` for a notification.
    pub(crate) policy: Option<Policy>,
    /// Meaning of an unclear answer to a notification.
    pub(crate) unclear_answer: UnclearAnswer,
    /// Addresses whose servers receive the events, for log lines; `None` if the inner service of a
    /// layer receives them.
    #[cfg(feature = "tracing")]
    pub(crate) app: Option<Arc<Addresses>>,
    /// State of the log line about members that gatepost drops from the app's answers: true after
    /// the first line.
    #[cfg(feature = "tracing")]
    pub(crate) has_logged_dropped: std::sync::atomic::AtomicBool,
    /// Addresses that get a copy of each event; `None` for a decision, or without such addresses.
    pub(crate) mirror: Option<Arc<Addresses>>,
    /// Retries of queued events; `None` if gatepost asks the app before it replies.
    pub(crate) retry: Option<RetryRule>,
    /// Treatment of resends; `None` if gatepost asks the app about each resend.
    pub(crate) resends: Option<ResendRule>,
    /// Maximum age of the last good reply that gatepost sends after a failure of the app; `None` if
    /// gatepost sends no such reply.
    pub(crate) last_good_max_age: Option<Duration>,
    /// Breaker of the address; `None` if the config turns breakers off.
    pub(crate) breaker: Option<Arc<Breaker>>,
}

/// Meaning of an unclear answer to a notification: the status is 2xx, and the body neither repeats
/// nor contradicts the acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnclearAnswer {
    /// The app did not take the event. The platform sends the callback again.
    Refused,
    /// The app took the event.
    #[default]
    Taken,
}

impl UnclearAnswer {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("refused", Self::Refused), ("taken", Self::Taken)];
}

/// Times of the attempts to deliver a queued event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryRule {
    /// Wait after the first failed attempt. Each further wait is twice as long.
    pub(crate) first: Duration,
    /// Longest wait.
    pub(crate) max: Duration,
    /// Time after which gatepost gives up the delivery of a queued event.
    pub(crate) give_up_after: Duration,
}

impl Default for RetryRule {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(300),
            give_up_after: Duration::from_secs(86_400),
        }
    }
}

/// Treatment of resends: gatepost replies to a resend of a delivered event without asking the app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResendRule {
    /// Time for which gatepost remembers a delivered event.
    pub(crate) window: Duration,
    /// Treatment of callbacks without an identity: if true, a callback with equal data is a resend.
    pub(crate) by_content: bool,
}

/// The paths that gatepost reserves for an address or a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The path in every spelling.
    Exact,
    /// The path in every spelling, and everything below its base: see `route::subtree`.
    #[default]
    Subtree,
}

impl Reach {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("exact", Self::Exact), ("subtree", Self::Subtree)];
}

/// The bindings of one provider: the template of each tenant.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    tenants: HashMap<Box<str>, Binding>,
    /// Template of tenants without a binding of their own; `None` if no template binds `*`.
    wildcard: Option<Arc<Template>>,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) template: Arc<Template>,
    /// The CloudEvents source of the tenant's events. Shared, so that gatepost formats the source
    /// once.
    pub(crate) source: Arc<EventSource>,
}

/// The tenant name that binds every tenant without a binding of its own.
pub(crate) const WILDCARD_TENANT: &str = "*";

impl Bindings {
    /// Binds a tenant to a template.
    ///
    /// # Errors
    ///
    /// Returns the template to which the tenant is already bound.
    pub(crate) fn bind(
        &mut self,
        tenant: &str,
        template: &Arc<Template>,
    ) -> Result<(), Arc<Template>> {
        let tenant = &*template.plan.tenant_case.fold(tenant.into());
        if tenant == WILDCARD_TENANT {
            return match &self.wildcard {
                Some(bound) => Err(Arc::clone(bound)),
                None => {
                    self.wildcard = Some(Arc::clone(template));
                    Ok(())
                }
            };
        }
        if let Some(bound) = self.tenants.get(tenant) {
            return Err(Arc::clone(&bound.template));
        }
        let source = Arc::new(EventSource::new(&template.plan.name, Some(tenant)));
        let binding = Binding { template: Arc::clone(template), source };
        self.tenants.insert(tenant.into(), binding);
        Ok(())
    }

    /// Returns the tenants of a template, sorted; the wildcard comes last.
    pub(crate) fn tenants_of(&self, template: &Template) -> Vec<Box<str>> {
        let is_own = |bound: &Arc<Template>| std::ptr::eq(&raw const **bound, template);
        let bound = self.tenants.iter().filter(|(_, binding)| is_own(&binding.template));
        let mut tenants: Vec<_> = bound.map(|(tenant, _)| tenant.clone()).collect();
        tenants.sort_unstable();
        let wildcard = self.wildcard.as_ref().filter(|bound| is_own(bound));
        tenants.extend(wildcard.map(|_| WILDCARD_TENANT.into()));
        tenants
    }

    /// Returns true if a tenant other than the wildcard is bound.
    pub(crate) fn has_tenants(&self) -> bool {
        !self.tenants.is_empty()
    }

    pub(crate) fn find(&self, tenant: &str) -> Option<&Binding> {
        self.tenants.get(tenant)
    }

    pub(crate) const fn wildcard(&self) -> Option<&Arc<Template>> {
        self.wildcard.as_ref()
    }
}

/// Checks the name of a template.
///
/// # Errors
///
/// Returns the problem if the name is empty, is longer than 30 characters, or contains a character
/// other than Chinese characters, letters, digits, `_` and `-`.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    const MAX_CHARS: usize = 30;
    if name.is_empty() {
        return Err("expected a name, found an empty text".into());
    }
    let count = name.chars().count();
    if count > MAX_CHARS {
        return Err(format!("expected at most {MAX_CHARS} characters, found {count}"));
    }
    match name.chars().find(|c| !is_template_character(*c)) {
        Some(unfit) => Err(format!("expected only allowed characters, found {unfit:?}")),
        None => Ok(()),
    }
}

/// Returns `true` for the characters of a template's name: Chinese characters, ASCII letters, digits, `_`
/// and `-`. The consoles of platforms accept no others in a description either.
#[must_use]
pub const fn is_template_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || is_chinese(c)
}

/// Returns `true` for an ideograph of the CJK blocks of Unicode.
const fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{3007}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// Checks the description of a template.
///
/// # Errors
///
/// Returns the problem if the description has more than 100 characters.
pub(crate) fn check_description(description: &str) -> Result<(), String> {
    const MAX_CHARS: usize = 100;
    let count = description.chars().count();
    if count > MAX_CHARS {
        return Err(format!("expected at most {MAX_CHARS} characters, found {count}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_of_up_to_thirty_allowed_characters() {
        for name in ["a", "paid-channels", "直播_1", &"播".repeat(30), &"x".repeat(30)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", &"播".repeat(31), "a b", "a.b", "a/b", "라이브", "é", "a\n"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn accepts_descriptions_of_up_to_a_hundred_characters() {
        assert_eq!(check_description(&"播".repeat(100)), Ok(()));
        assert!(check_description(&"x".repeat(101)).is_err());
    }
}
