//! The table `[template.on]`: the delivery of each kind.

pub(super) mod breaker;
mod checks;
mod failure;
mod fixed_answer;
mod form;
mod mirror;
pub(in crate::config) mod queue;
mod read_entry;
mod reply_signing;
mod resend;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use self::failure::{LastGood, OnFailure};
use self::fixed_answer::JsonText;
use self::mirror::Mirror;
use self::queue::Queued;
pub(super) use self::resend::Dedupe;
use super::ConfigReader;
use crate::address::Addresses;
use crate::event::Forward;
use crate::provider::decision::{Decision, EmptyAnswer, Policy, ReplySigning};
use crate::provider::plan::BodyFormat;
use crate::provider::{Kind, Plan};
use crate::reply::REPLY_MARGIN;
use crate::secret::Secret;
use crate::template::{Ask, Delivery, Proof, Reach, UnclearAnswer};
use crate::toml_reader::{Place, Table};

/// Name of the entry for every kind that no other entry covers.
const ANY_KIND: &str = "*";

/// One entry of `[template.on]`, as in the config.
struct Entry {
    name: String,
    place: Place,
    url: Option<Arc<Addresses>>,
    answer: Option<JsonText>,
    on_failure: Option<OnFailure>,
    last_good: Option<LastGood>,
    reply: Option<JsonText>,
    timeout: Option<Duration>,
    budget: Option<Duration>,
    dedupe: Option<Dedupe>,
    forward: Forward,
    check_reply: Option<bool>,
    ce_headers: Option<bool>,
    /// Position of `keep_proof = true`, with which the event's JSON contains the fields that serve
    /// only the signature.
    keep_proof: Option<Place>,
    host: Option<HeaderValue>,
    empty_answer: Option<(EmptyAnswer, Place)>,
    unclear_answer: Option<(UnclearAnswer, Place)>,
    reach: Reach,
    /// Rule for queued events; `None` if gatepost asks the app before it replies.
    queued: Option<Queued>,
    /// Addresses of the copies; `None` if no address receives copies.
    mirror: Option<Mirror>,
}

/// The parts of a template that gatepost compiles into deliveries.
pub(super) struct TemplateParts<'p> {
    pub(super) plan: &'p Plan,
    pub(super) settings: &'p [Option<Secret>],
    pub(super) settings_place: Place,
    pub(super) proof: &'p Proof,
    pub(super) name: &'p str,
    pub(super) dedupe: Dedupe,
    pub(super) on_place: Place,
}

impl<'f> ConfigReader<'f, '_> {
    /// Compiles the delivery of each kind in the plan, and the delivery of unknown kinds.
    pub(super) fn deliveries(
        &self,
        on: Option<&Table<'f>>,
        template: &TemplateParts<'_>,
    ) -> (Vec<Delivery>, Delivery) {
        let plan = template.plan;
        let entries: Vec<_> = on.iter().flat_map(|on| self.entries(on, plan)).collect();
        let find = |name: &str| entries.iter().find(|entry| entry.name == name);
        let resolve = |kind: &Kind| {
            find(&kind.name)
                .or_else(|| kind.group.as_deref().and_then(find))
                .or_else(|| find(ANY_KIND))
        };
        let listed = on.is_some_and(|on| !on.entries().is_empty());
        let kinds = plan.kinds.iter();
        let deliveries: Vec<_> =
            kinds.map(|kind| self.delivery(resolve(kind), kind, template, listed)).collect();
        if !listed || find(ANY_KIND).is_some() {
            self.warn_of_missing_reply_keys(&deliveries, template);
        }
        // Some apps do not handle kinds that are absent from the definition. gatepost therefore
        // asks the app about unknown kinds only if the template has an entry "*".
        let unknown = self.delivery(find(ANY_KIND), &plan.unknown, template, true);
        self.check_uses(&entries, plan);
        entries.iter().for_each(|entry| self.check_queued(entry, plan, resolve));
        entries.iter().for_each(|entry| self.check_mirror(entry, plan, resolve));
        entries.iter().for_each(|entry| self.warn_of_late_timeout(entry, plan));
        entries.iter().for_each(|entry| self.warn_of_missing_proof(entry, plan));
        (deliveries, unknown)
    }

    fn delivery(
        &self,
        entry: Option<&Entry>,
        kind: &Kind,
        template: &TemplateParts<'_>,
        listed: bool,
    ) -> Delivery {
        let plan = template.plan;
        if kind.challenge.is_some() {
            return Delivery::Fixed(None);
        }
        let signing = kind.decision.as_ref().map(|rule| self.reply_signing(rule, template));
        let signing = match signing {
            None => None,
            Some(Ok(signing)) => Some(signing),
            // The app signs its answers itself, so gatepost needs no key.
            Some(Err(_)) if entry.is_some_and(Entry::passes_every_answer) => {
                Some(ReplySigning::default())
            }
            Some(Err(missing)) => {
                self.report_missing_reply_key(&missing, entry, kind);
                return Delivery::MissingReplyKey { is_listed: entry.is_some() || !listed };
            }
        };
        let decision = kind.decision.as_ref().zip(signing);
        let deny_policy = |(decision, signing): (&Decision, ReplySigning)| Policy {
            on_failure: decision.deny.clone(),
            defaults: Vec::new(),
            empty_answer: decision.default_empty_answer(),
            reply_signing: signing,
        };
        let Some(entry) = entry else {
            let policy = decision.map(deny_policy);
            if listed {
                return Delivery::Unlisted(policy);
            }
            let defaults = Entry::empty(&kind.name, template.on_place.clone());
            return Delivery::Ask(self.ask(&defaults, kind, policy, template).into());
        };
        let policy = decision.map(|(decision, signing)| Policy {
            on_failure: self.failure_fields(entry, decision),
            defaults: entry.reply.as_ref().map_or_else(Vec::new, |r| self.defaults(r, decision)),
            empty_answer: (entry.empty_answer.as_ref())
                .map_or_else(|| decision.default_empty_answer(), |(word, _)| *word),
            reply_signing: signing,
        });
        if let Some(json) = &entry.answer {
            let decision = kind.decision.as_ref();
            let answer =
                decision.and_then(|decision| self.fixed_answer(json, decision, kind, plan));
            return Delivery::Fixed(answer.zip(policy));
        }
        let may_lack_body = match &kind.method {
            Some(method) => plan.format_of(method) == BodyFormat::Query,
            None => plan.has_format(BodyFormat::Query),
        };
        if entry.forward == Forward::Raw && may_lack_body {
            let problem = format!(
                "expected \"json\", \"cloudevents\" or \"common\", because {} sends no body, found \"raw\"",
                plan.title
            );
            self.faults.add(&entry.place, problem, "write forward = \"json\"");
        }
        self.check_common(Some(entry.forward), &entry.place, plan);
        Delivery::Ask(self.ask(entry, kind, policy, template).into())
    }

    /// Compiles the settings for asking the app. If the entry omits a setting, uses the value of
    /// the kind or of the template.
    fn ask(
        &self,
        entry: &Entry,
        kind: &Kind,
        policy: Option<Policy>,
        template: &TemplateParts<'_>,
    ) -> Ask {
        let budget = entry.budget.unwrap_or(kind.times.budget);
        let timeout = entry.timeout.unwrap_or(kind.times.timeout);
        let keeps_path = entry.forward == Forward::Passthrough;
        Ask {
            url: entry.url.clone().filter(|_| !keeps_path),
            server: entry.url.clone(),
            host: entry.host.clone(),
            reach: entry.reach,
            timeout: timeout.min(budget.saturating_sub(REPLY_MARGIN)),
            budget,
            forward: entry.forward,
            keeps_proof: entry.keep_proof.is_some(),
            checks_reply: entry.check_reply.unwrap_or(kind.decision.is_some()),
            mirror: (entry.mirror.as_ref())
                .filter(|_| kind.decision.is_none())
                .map(|mirror| Arc::clone(&mirror.addresses)),
            adds_event_headers: entry.ce_headers.unwrap_or_default(),
            retry: entry.queued.as_ref().map(|q| q.retry).filter(|_| kind.decision.is_none()),
            resends: self.resends(entry, kind, template),
            last_good_max_age: self.last_good_max_age(entry, kind),
            breaker: self.breakers.of(entry.url.as_deref(), template.name),
            policy,
            unclear_answer: entry.unclear_answer.as_ref().map(|(w, _)| *w).unwrap_or_default(),
            #[cfg(feature = "tracing")]
            app: entry.url.clone().or_else(|| self.servers.upstream()),
            #[cfg(feature = "tracing")]
            has_logged_dropped: std::sync::atomic::AtomicBool::new(false),
        }
    }
}

impl Entry {
    fn empty(name: &str, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            place,
            url: None,
            answer: None,
            on_failure: None,
            last_good: None,
            reply: None,
            timeout: None,
            budget: None,
            dedupe: None,
            forward: Forward::default(),
            check_reply: None,
            ce_headers: None,
            keep_proof: None,
            host: None,
            empty_answer: None,
            unclear_answer: None,
            reach: Reach::default(),
            queued: None,
            mirror: None,
        }
    }

    /// Returns true if gatepost sends each answer of the app as the reply, without a check.
    fn passes_every_answer(&self) -> bool {
        self.forward == Forward::Passthrough && self.check_reply == Some(false)
    }

    fn covers(&self, kind: &Kind) -> bool {
        self.name == ANY_KIND
            || self.name == *kind.name
            || kind.group.as_deref() == Some(&self.name)
    }
}
