//! Templates: what to do with a tenant's callbacks, and the bindings that say whose they are.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri};

use crate::breaker::Breaker;
use crate::event::{EventSource, Forward};
use crate::event_signing::EventSigning;
use crate::provider::Plan;
use crate::provider::decision::{Policy, ReplyField};
use crate::provider::digest::Key;
use crate::provider::setting::Holds;
use crate::provider::signature::{Signature, Window};
use crate::secret::Secret;

/// A named set of keys, addresses and policies.
pub struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) description: Box<str>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) proof: Proof,
    /// What the definition's settings say, in its order.
    pub(crate) settings: Vec<Option<Secret>>,
    /// One for each kind of the plan.
    pub(crate) deliveries: Vec<Delivery>,
    /// For a kind that the plan does not name.
    pub(crate) unknown: Delivery,
    /// The name as a header holds it.
    pub(crate) header: HeaderValue,
    /// What its events are signed with for the app.
    pub(crate) signing: Option<Arc<EventSigning>>,
}

impl Template {
    /// The name: 1 to 30 Chinese characters, letters, digits, `_` and `-`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Up to 100 characters.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The provider whose callbacks it takes.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.plan.name
    }

    /// Whether what is written for a setting may be shown: it is declared, and not as a secret.
    #[must_use]
    pub fn shows_setting(&self, name: &str) -> bool {
        let index = self.plan.setting(name);
        let setting = index.and_then(|index| self.plan.settings.get(index));
        setting.is_some_and(|setting| !matches!(setting.holds, Holds::Secret))
    }

    /// The addresses that its events go to.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &Uri> {
        let all = self.deliveries.iter().chain([&self.unknown]);
        all.filter_map(|delivery| match delivery {
            Delivery::Ask(ask) => ask.url.as_ref(),
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::MissingReplyKey => None,
        })
    }

    /// Whether some event keeps its path.
    pub(crate) fn asks_without_address(&self) -> bool {
        let mut all = self.deliveries.iter().chain([&self.unknown]);
        all.any(|delivery| matches!(delivery, Delivery::Ask(Ask { url: None, .. })))
    }

    /// How a kind must be signed; nothing if it need not be.
    pub(crate) fn proof_of(&self, kind: Option<usize>) -> Option<Demand<'_>> {
        let signature = self.plan.signature_of(kind)?;
        let own = kind.and_then(|kind| self.proof.own.iter().find(|own| own.kind == kind));
        let (keys, window) = match own {
            Some(own) => (&own.keys, signature.time.as_ref().map(|time| time.window)),
            None => (&self.proof.keys, self.proof.window),
        };
        let may_be_absent = kind.is_some_and(|kind| self.proof.unsigned.contains(&kind));
        (!keys.is_empty()).then_some(Demand { signature, keys, window, may_be_absent })
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

/// What a callback must bring to be believed. Without keys nothing: the provider does not sign, or
/// the operator takes unsigned callbacks.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Any of these will do.
    pub(crate) keys: Vec<Key>,
    pub(crate) window: Option<Window>,
    /// Kinds that are signed in a way of their own.
    pub(crate) own: Vec<OwnKeys>,
    /// Kinds that are taken without a signature; with one it must hold.
    pub(crate) unsigned: Vec<usize>,
    /// What happens to another body with a signature that has come before.
    pub(crate) reuse: Reuse,
}

/// What happens to another body with a signature that does not cover it and has come before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It is taken, and counted: a time alone is signed alike for two events of one second.
    #[default]
    Count,
    Refuse,
}

impl Reuse {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("count", Self::Count), ("refuse", Self::Refuse)];
}

impl Proof {
    /// The time window of a kind's signature, if it is signed with a time.
    pub(crate) fn window_of(&self, plan: &Plan, kind: Option<usize>) -> Option<Window> {
        let time = plan.signature_of(kind)?.time.as_ref()?;
        let is_own = kind.is_some_and(|kind| self.own.iter().any(|own| own.kind == kind));
        Some(if is_own { time.window } else { self.window.unwrap_or(time.window) })
    }
}

/// The keys of a kind that is signed in a way of its own.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    pub(crate) kind: usize,
    pub(crate) keys: Vec<Key>,
}

/// A signature that a callback must bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'t> {
    pub(crate) signature: &'t Signature,
    pub(crate) keys: &'t [Key],
    pub(crate) window: Option<Window>,
    pub(crate) may_be_absent: bool,
}

/// What happens to an accepted event of one kind.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The app is asked.
    Ask(Ask),
    /// The template itself has the answer; to a notification it is an acknowledgement.
    Fixed(Option<(Vec<ReplyField>, Policy)>),
    /// The template names other kinds but not this one: acknowledged, or denied, and counted.
    Unlisted(Option<Policy>),
    /// The reply would have to be signed, and the template has no key for it.
    MissingReplyKey,
}

/// How the app is asked.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Without one the request keeps its path.
    pub(crate) url: Option<Uri>,
    pub(crate) timeout: Duration,
    /// What the platform waits, from its request to the whole reply.
    pub(crate) budget: Duration,
    pub(crate) forward: Forward,
    /// Of a decision.
    pub(crate) policy: Option<Policy>,
    /// How long what the app has taken is known, so that a resend is answered without it.
    pub(crate) resend: Option<Duration>,
    /// How old the last good reply may be that stands in for a failure.
    pub(crate) last_good: Option<Duration>,
    pub(crate) breaker: Option<Arc<Breaker>>,
}

/// Which template a tenant's callbacks belong to, for one provider.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    tenants: HashMap<Box<str>, Binding>,
    everyone_else: Option<Arc<Template>>,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) template: Arc<Template>,
    /// The event source, made once.
    pub(crate) source: Arc<EventSource>,
}

/// The tenant that stands for every other one.
pub(crate) const EVERYONE_ELSE: &str = "*";

impl Bindings {
    /// Binds a tenant; gives back the template that it is already bound to.
    pub(crate) fn bind(
        &mut self,
        tenant: &str,
        template: &Arc<Template>,
    ) -> Result<(), Arc<Template>> {
        let tenant = &*template.plan.tenant_case.fold(tenant.into());
        if tenant == EVERYONE_ELSE {
            return match &self.everyone_else {
                Some(other) => Err(Arc::clone(other)),
                None => {
                    self.everyone_else = Some(Arc::clone(template));
                    Ok(())
                }
            };
        }
        if let Some(other) = self.tenants.get(tenant) {
            return Err(Arc::clone(&other.template));
        }
        let source = Arc::new(EventSource::new(&template.plan.name, Some(tenant)));
        let binding = Binding { template: Arc::clone(template), source };
        self.tenants.insert(tenant.into(), binding);
        Ok(())
    }

    pub(crate) fn find(&self, tenant: &str) -> Option<&Binding> {
        self.tenants.get(tenant)
    }

    pub(crate) const fn everyone_else(&self) -> Option<&Arc<Template>> {
        self.everyone_else.as_ref()
    }
}

/// What is wrong with a template's name, if anything.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    const MAX_CHARS: usize = 30;
    if name.is_empty() {
        return Err("the name is empty".into());
    }
    if name.chars().count() > MAX_CHARS {
        return Err("the name is longer than 30 characters".into());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || is_chinese(c);
    match name.chars().find(|c| !fits(*c)) {
        Some(other) => Err(format!("the name holds {other:?}")),
        None => Ok(()),
    }
}

/// The CJK ideographs of Unicode's blocks.
const fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{3007}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// What is wrong with a template's description, if anything.
pub(crate) fn check_description(description: &str) -> Result<(), &'static str> {
    const MAX_CHARS: usize = 100;
    if description.chars().count() > MAX_CHARS {
        return Err("the description is longer than 100 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_thirty_characters_of_five_kinds() {
        for name in ["a", "paid-channels", "直播_1", &"播".repeat(30), &"x".repeat(30)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", &"播".repeat(31), "a b", "a.b", "a/b", "라이브", "é", "a\n"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_description_is_up_to_a_hundred_characters() {
        assert_eq!(check_description(&"播".repeat(100)), Ok(()));
        assert!(check_description(&"x".repeat(101)).is_err());
    }
}
