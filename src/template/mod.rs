//! Templates: the keys, addresses and settings for a set of tenants, and the bindings that assign
//! tenants to templates.

mod bindings;
mod delivery;
mod name;
mod proof;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use crate::address::Address;
use crate::event_signing::EventSigning;
use crate::provider::setting::SettingType;
use crate::provider::{IdentityInfo, Plan};
use crate::secret::Secret;
pub(crate) use bindings::{Bindings, WILDCARD_TENANT};
pub(crate) use delivery::{Ask, Delivery, Reach, ResendRule, RetryRule, UnclearAnswer};
pub use name::is_template_character;
pub(crate) use name::{check_description, check_name};
pub(crate) use proof::{KindKeys, Proof, RequiredSignature, Reuse};

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
    /// Delivery of kinds that the plan does not define.
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
    /// True for a decision, whose reply allows or denies the request.
    pub is_decision: bool,
    /// True unless `[template.on]` lists other kinds, but not this kind. For a listed kind, the app
    /// or a fixed answer determines the reply. If the template lacks the key for a reply that
    /// gatepost must sign, gatepost replies 503.
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
    /// not declare, because this setting may be a secret with a misspelt name.
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
            is_listed: delivery.is_listed(),
        })
    }

    /// Returns the value that a server keeps with the template, such as metrics. The first call
    /// creates the value. Each reload of the config creates new templates without values.
    ///
    /// Returns `None` if an earlier call has created a value of another type.
    pub fn extension<T: Any + Send + Sync>(&self, create: impl FnOnce(&Self) -> T) -> Option<&T> {
        self.extension.get_or_init(|| Box::new(create(self))).downcast_ref()
    }

    /// Returns the addresses that receive the template's events or copies of them, each with its
    /// reach.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&Address, Reach)> {
        let all = self.deliveries.iter().chain([&self.unknown]);
        let asks = all.filter_map(Delivery::as_ask);
        asks.flat_map(|ask| {
            let list = ask.url.iter().chain(&ask.mirror).flat_map(|list| list.as_slice());
            list.map(|address| (address, ask.reach))
        })
    }

    /// Returns `true` if the events of at least one kind keep the callback's path.
    pub(crate) fn has_delivery_without_url(&self) -> bool {
        let mut all = self.deliveries.iter().chain([&self.unknown]);
        all.any(|delivery| delivery.as_ask().is_some_and(|ask| ask.url.is_none()))
    }

    /// Returns `true` if the `upstream` receives the events of at least one kind.
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
