//! Reads `[template.on]`: the delivery of each kind.

pub(super) mod breaker;
mod failure;
mod form;
mod mirror;
pub(in crate::config) mod queue;
mod reply_signing;
mod resend;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use self::failure::{LastGood, OnFailure};
use self::mirror::Mirror;
use self::queue::Queued;
pub(super) use self::resend::Dedupe;
use super::ConfigReader;
use crate::address::Addresses;
use crate::event::Forward;
use crate::head::is_host;
use crate::provider::decision::{
    AnswerError, CallbackFields, Decision, EmptyAnswer, FixedAnswer, FixedAnswerError, Policy,
    ReplyField, ReplySigning, TextFault, read_reply_fields,
};
use crate::provider::plan::BodyFormat;
use crate::provider::{Kind, Plan};
use crate::reply::REPLY_MARGIN;
use crate::secret::Secret;
use crate::template::{Ask, Delivery, Proof, Reach, UnclearAnswer};
use crate::toml_reader::{FaultKind, Form, Item, Located, Place, Table, allowed, closest, list};

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
    /// Position of `keep_proof = true`; `None` if the app does not receive the proof.
    keep_proof: Option<Place>,
    host: Option<HeaderValue>,
    empty_answer: Option<(EmptyAnswer, Place)>,
    unclear_answer: Option<(UnclearAnswer, Place)>,
    reach: Reach,
    /// Rule for queued events; `None` if gatepost asks the app before it replies.
    queued: Option<Queued>,
    /// Addresses of the copies; `None` if no address gets copies.
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

/// An object of reply fields, as JSON text.
pub(super) struct JsonText {
    pub(super) text: String,
    pub(super) place: Place,
    /// The places of the members, by name.
    members: Vec<(String, Place)>,
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

    fn entries(&self, on: &Table<'f>, plan: &Plan) -> Vec<Entry> {
        let names = || {
            let kinds = plan.kinds.iter().map(|kind| &*kind.name);
            kinds.chain(plan.groups.iter().map(|group| &**group)).chain([ANY_KIND])
        };
        on.entries()
            .into_iter()
            .filter_map(|(name, item)| {
                if !names().any(|known| known == name) {
                    if self.report_unquoted(on, name, &item, plan) {
                        return None;
                    }
                    let name = Located { value: name, place: on.place_of(name) };
                    self.faults.add_unknown(&name, "kind", names());
                }
                match &item.form {
                    _ if item.is_strings() => {
                        let url = self.app_addresses(&self.address_texts(on, name))?;
                        Some(Entry { url: Some(url), ..Entry::empty(name, item.place.clone()) })
                    }
                    Form::Table(table) => Some(self.entry(name, table)),
                    Form::String(_) | Form::Other(_) => {
                        let found = item.form.name();
                        let problem =
                            format!("expected a string, a list or a table, found {found}");
                        let problem = FaultKind::TypeMismatch.because(problem);
                        let remedy = "write an address, a list of addresses, or a table";
                        self.faults.add(&item.place, problem, remedy);
                        None
                    }
                }
            })
            .collect()
    }

    /// Reports the names of kinds that contain a dot and are not in quotes. Returns `false` if the
    /// table is not part of such a name.
    fn report_unquoted(&self, on: &Table<'f>, name: &str, item: &Item<'f>, plan: &Plan) -> bool {
        let mut names = Vec::new();
        add_dotted(name, item, plan, &mut names);
        let Some(first) = names.first() else { return false };
        let problem = format!("expected the kind \"{first}\" in quotes, found a table `{name}`");
        let problem = FaultKind::KindNotQuoted.because(problem);
        let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let quoted: Vec<_> = quoted.iter().map(String::as_str).collect();
        self.faults.add(&on.place_of(name), problem, format!("write {}", list(&quoted)));
        true
    }

    fn entry(&self, name: &str, table: &Table<'f>) -> Entry {
        let json = |key| self.json(&table.table(key)?);
        let urls = self.address_texts(table, "url");
        let url = self.app_addresses(&urls);
        let answer = json("answer");
        let on_failure = self.on_failure(table);
        let last_good = self.last_good(table, on_failure.as_ref());
        let reply = json("reply");
        let millis = |key, min| {
            let ms = table.duration(key, min..=600_000)?;
            Some(Duration::from_millis(ms.unsigned_abs()))
        };
        // `REPLY_MARGIN` takes 100 ms of the budget. A budget of at most 100 ms would therefore
        // leave no time for the app.
        let (timeout, budget) = (millis("timeout_ms", 1), millis("budget_ms", 101));
        let dedupe = table.any("dedupe").and_then(|item| self.dedupe(&item));
        let forward = self.forward(table);
        let check_reply = self.passthrough_switch(table, "check_reply", forward);
        let ce_headers = self.passthrough_switch(table, "ce_headers", forward);
        let keep_proof = self.keep_proof(table, forward);
        let host = self.host(table);
        let empty_answer = self.placed_word(table, "empty_answer", &EmptyAnswer::WORDS);
        let unclear_answer = self.placed_word(table, "unclear_answer", &UnclearAnswer::WORDS);
        let reach = self.reach(table);
        let queued = self.queued(table);
        let mirror = self.mirror(table);
        if table.has("reserve") && !table.has("url") {
            let remedy = "set a url, or write reserve in the [[route]] whose path gets the events";
            let problem = "expected a url beside reserve, found none";
            let problem = FaultKind::KeyUnused.because(problem);
            let absent = (&table.place, "url");
            self.faults.add_missing(absent, &table.place_of("reserve"), problem, remedy);
        }
        table.finish();
        if table.has("url") && answer.is_some() {
            let remedy = "keep url to ask the app, or answer to reply without the app";
            let problem = FaultKind::KeyUnused.because("expected a url or an answer, found both");
            self.faults.add(&table.place_of("answer"), problem, remedy);
        }
        if forward == Some(Forward::Passthrough) && url.is_some() {
            self.check_keep_path(&urls);
        }
        Entry {
            url,
            answer,
            on_failure,
            last_good,
            reply,
            timeout,
            budget,
            dedupe,
            forward: forward.unwrap_or_default(),
            check_reply,
            ce_headers,
            keep_proof,
            host,
            empty_answer,
            unclear_answer,
            reach,
            queued,
            mirror,
            ..Entry::empty(name, table.place.clone())
        }
    }

    /// Reads a table of reply fields.
    pub(super) fn json(&self, table: &Table<'f>) -> Option<JsonText> {
        let entries = table.entries();
        let values = entries.iter().filter(|(_, item)| matches!(item.form, Form::Other(_)));
        values.for_each(|(_, item)| self.faults.show(&item.place));
        let names = entries.iter().map(|(name, _)| ((*name).to_owned(), table.place_of(name)));
        let members = names.collect();
        Some(JsonText { text: table.to_json()?, place: table.place.clone(), members })
    }

    /// Reads a keyword and its position in the config.
    fn placed_word<T: Copy>(
        &self,
        table: &Table<'f>,
        key: &'f str,
        words: &[(&str, T)],
    ) -> Option<(T, Place)> {
        let word = table.string(key)?;
        Some((self.word(&word, key, words)?, word.place))
    }

    /// Reads `forward`: the form in which the app receives events.
    pub(super) fn forward(&self, table: &Table<'f>) -> Option<Forward> {
        let word = table.string("forward")?;
        self.word(&word, "format", &Forward::WORDS)
    }

    /// Reads `host`: the value of the `host` header of events.
    fn host(&self, table: &Table<'f>) -> Option<HeaderValue> {
        let host = table.string("host")?;
        let value = HeaderValue::from_str(host.value).ok();
        let value = value.filter(|value| is_host(value.as_bytes()));
        if value.is_none() {
            let remedy = "write the name that the app expects, for example \"www.example.com\"";
            self.faults.add_text(&host, "a host", remedy);
        }
        value
    }

    /// Reports an address with a path for events that keep the path of the callback.
    fn check_keep_path(&self, texts: &[Located<&str>]) {
        for text in texts.iter().filter(|text| has_path(text.value)) {
            let remedy = "write only scheme, host and port, or forward = \"raw\" to set a path";
            let expected = "a server without a path, because passthrough keeps the callback's path";
            self.faults.add_text(text, FaultKind::UrlInvalid.because(expected), remedy);
        }
    }

    /// Reports reply settings in entries that cover only notifications, because the reply to a
    /// notification is always the same. Also reports `unclear_answer` in entries that cover only
    /// decisions.
    fn check_uses(&self, entries: &[Entry], plan: &Plan) {
        for entry in entries {
            if plan.kinds.iter().any(|kind| kind.challenge.is_some() && *kind.name == entry.name) {
                let problem = "expected a kind for the app, found a challenge";
                let remedy = "remove this entry: gatepost replies to a challenge itself";
                self.faults.add(&entry.place, FaultKind::KeyUnused.because(problem), remedy);
            }
            let covered = || plan.kinds.iter().filter(|kind| entry.covers(kind));
            if covered().next().is_none() {
                continue;
            }
            if covered().all(|kind| kind.decision.is_some())
                && let Some((_, place)) = &entry.unclear_answer
            {
                let remedy = "remove this key; on_failure sets the reply to an unclear answer";
                let problem = "expected a notification, found a decision";
                self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
            }
            if covered().any(|kind| kind.decision.is_some()) {
                continue;
            }
            let on_failure = entry.on_failure.iter().map(OnFailure::place);
            let last_good = entry.last_good.iter().map(|last_good| &last_good.place);
            let reply = entry.reply.iter().map(|json| &json.place);
            let empty_answer = entry.empty_answer.iter().map(|(_, place)| place);
            for place in on_failure.chain(last_good).chain(reply).chain(empty_answer) {
                let remedy = "remove this key; if the app does not accept the event, gatepost \
                              replies 503 and the platform sends the callback again";
                let problem = "expected a decision, found a notification";
                self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
            }
            if let Some(answer) = entry.answer.as_ref().filter(|answer| answer.text != "{}") {
                let remedy = "write answer = {} to acknowledge without an app";
                let problem = "expected an empty answer, found fields";
                self.faults.add(&answer.place, FaultKind::ReplyInvalid.because(problem), remedy);
            }
        }
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
            // The app signs its own replies, so gatepost needs no key.
            Some(Err(_)) if entry.is_some_and(Entry::passes_every_answer) => {
                Some(ReplySigning::default())
            }
            Some(Err(missing)) => {
                self.report_missing_reply_key(&missing, entry, kind);
                return Delivery::MissingReplyKey;
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
        if entry.forward == Forward::Raw && plan.has_format(BodyFormat::Query) {
            let problem = format!(
                "expected \"json\" or \"cloudevents\", because {} sends no body, found \"raw\"",
                plan.title
            );
            self.faults.add(&entry.place, problem, "write forward = \"json\"");
        }
        self.check_common(Some(entry.forward), &entry.place, plan);
        Delivery::Ask(self.ask(entry, kind, policy, template).into())
    }

    /// Compiles the settings for asking the app. Takes a setting that the entry omits from the kind
    /// or the template.
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

    /// Warns if `timeout_ms` is longer than the platform's waiting time minus [`REPLY_MARGIN`].
    fn warn_of_late_timeout(&self, entry: &Entry, plan: &Plan) {
        let Some(timeout) = entry.timeout else { return };
        let covered = plan.kinds.iter().filter(|kind| entry.covers(kind));
        let budgets = covered.map(|kind| entry.budget.unwrap_or(kind.times.budget));
        let Some(budget) = budgets.max() else { return };
        let longest = budget.saturating_sub(REPLY_MARGIN);
        if timeout > longest {
            let (wait, longest) = (budget.as_millis(), longest.as_millis());
            let problem = format!(
                "{} waits {wait} ms for the reply, so the app gets {longest} ms",
                plan.title
            );
            let remedy = format!("write timeout_ms = {longest}, or set a longer budget_ms");
            self.warnings.add(&entry.place, FaultKind::TimeoutTooLong.because(problem), remedy);
        }
    }

    /// Parses a fixed answer, which may have any form that an app's answer may have.
    ///
    /// If the callback asks about several items, the fixed answer applies to each item. Returns
    /// `None` for a faulty answer.
    fn fixed_answer(
        &self,
        json: &JsonText,
        decision: &Decision,
        kind: &Kind,
        plan: &Plan,
    ) -> Option<FixedAnswer> {
        let signature = kind.signature.as_ref().or(plan.signature.as_ref());
        let proof = signature.map(|signature| &*signature.consumed).unwrap_or_default();
        let callback = CallbackFields { fields: &kind.fields, proof };
        match FixedAnswer::parse(&json.text, decision, callback) {
            Ok(answer) => Some(answer),
            Err(FixedAnswerError::Answer(fault)) => {
                self.report_reply(json, &fault, decision);
                None
            }
            Err(FixedAnswerError::Text { member, fault }) => {
                self.report_text(json, &member, &fault, kind);
                None
            }
        }
    }

    /// Parses the fields of a failure policy, which may have any form that an app's answer may
    /// have.
    pub(super) fn fixed_fields(&self, json: &JsonText, decision: &Decision) -> Vec<ReplyField> {
        decision.parse_fixed(&json.text).unwrap_or_else(|fault| {
            self.report_reply(json, &fault, decision);
            Vec::new()
        })
    }

    /// Parses `reply`: the fields that gatepost adds to an `allow` reply if the app's answer omits
    /// these fields.
    fn defaults(&self, json: &JsonText, decision: &Decision) -> Vec<ReplyField> {
        read_reply_fields(&json.text, &decision.fields).unwrap_or_else(|fault| {
            self.report_reply(json, &fault, decision);
            Vec::new()
        })
    }
}

/// Returns `true` if an address has a path, even an empty path.
fn has_path(address: &str) -> bool {
    match address.strip_prefix("unix:") {
        Some(socket) => socket.contains(':'),
        None => address.split_once("://").is_none_or(|(_, rest)| rest.contains(['/', '?'])),
    }
}

/// Adds the kinds with dots in their names whose names consist of the keys of nested tables.
fn add_dotted(name: &str, item: &Item<'_>, plan: &Plan, names: &mut Vec<String>) {
    if plan.kind_named(name).is_some() {
        names.push(name.to_owned());
    } else if let Form::Table(table) = &item.form
        && plan.kinds.iter().any(|kind| kind.name.starts_with(&format!("{name}.")))
    {
        for (inner, item) in table.entries() {
            add_dotted(&format!("{name}.{inner}"), &item, plan, names);
        }
    }
}

impl ConfigReader<'_, '_> {
    /// Reports a fault in the text of a fixed answer.
    fn report_text(&self, json: &JsonText, member: &str, fault: &TextFault, kind: &Kind) {
        let place = json.place_of(member);
        let problem = FaultKind::ReplyInvalid.because(fault.to_string());
        let TextFault::Unknown { field } = fault else {
            self.faults.add(place, problem, fault.remedy());
            return;
        };
        let names = || kind.fields.iter().map(|field| &*field.name);
        self.faults.add(place, problem, allowed("field", field, names()));
        self.faults.suggest(closest(field, names()).map(str::to_owned));
    }

    /// Reports a fixed answer, or fields of a reply, that do not fit the reply to a kind.
    fn report_reply(&self, json: &JsonText, fault: &AnswerError, decision: &Decision) {
        let fields = || decision.fields.iter().map(|field| &*field.name);
        let wrong = if let AnswerError::Unknown { field } = fault { &**field } else { "" };
        let problem = FaultKind::ReplyInvalid.because(fault.to_string());
        self.faults.add(json.place_of(wrong), problem, allowed("field", wrong, fields()));
        self.faults.suggest(closest(wrong, fields()).map(str::to_owned));
    }
}

impl JsonText {
    /// Returns the place of a member. If the object lacks the member, returns the place of the
    /// object.
    fn place_of(&self, member: &str) -> &Place {
        let member = self.members.iter().find(|(name, _)| *name == *member);
        member.map_or(&self.place, |(_, place)| place)
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
