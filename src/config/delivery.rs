//! `[template.on]`: what happens to each kind of event.

use std::time::Duration;

use http::Uri;

use super::Reader;
use crate::document::{Form, Located, Place, Table, allowed};
use crate::event::Forward;
use crate::provider::definition::read_presets;
use crate::provider::reply::{Decision, Preset, Reply};
use crate::provider::{Kind, Plan};
use crate::reply::unavailable_reply;
use crate::template::{Ask, Delivery};

/// The name that stands for every kind without an address of its own.
const ANY_KIND: &str = "*";

/// One entry as written.
struct Entry {
    name: String,
    url: Option<Uri>,
    answer: Option<Json>,
    on_failure: Option<Json>,
    reply: Option<Json>,
    timeout: Option<Duration>,
    forward: Forward,
}

/// An object of reply fields, as JSON text.
struct Json {
    text: String,
    place: Place,
}

impl<'f> Reader<'f, '_> {
    /// What happens to each kind of the plan, and to an unknown one.
    pub(super) fn deliveries(
        &self,
        on: Option<&Table<'f>>,
        plan: &Plan,
    ) -> (Vec<Delivery>, Delivery) {
        let entries: Vec<_> = on.iter().flat_map(|on| self.entries(on, plan)).collect();
        let find = |name: &str| entries.iter().find(|entry| entry.name == name);
        let resolve = |kind: &Kind| {
            find(&kind.name)
                .or_else(|| kind.group.as_deref().and_then(find))
                .or_else(|| find(ANY_KIND))
        };
        let listed = on.is_some_and(|on| !on.entries().is_empty());
        let kinds = plan.kinds.iter();
        let deliveries =
            kinds.map(|kind| self.delivery(resolve(kind), kind, plan, listed)).collect();
        // Nobody can be asked what nobody knows, unless an address says so.
        let unknown = self.delivery(find(ANY_KIND), &plan.unknown, plan, true);
        self.check_uses(&entries, plan);
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
                    let remedy = allowed("kind", name, names());
                    self.faults.add(&item.place, "this kind is unknown", remedy);
                }
                match &item.form {
                    Form::String(url) => {
                        let url = self.url(&Located { value: *url, place: item.place.clone() })?;
                        Some(Entry { url: Some(url), ..Entry::empty(name) })
                    }
                    Form::Table(table) => Some(self.entry(name, table)),
                    Form::Other(_) => {
                        let problem = format!("this is {}", item.form.name());
                        self.faults.add(&item.place, problem, "write an address, or a table");
                        None
                    }
                }
            })
            .collect()
    }

    fn entry(&self, name: &str, table: &Table<'f>) -> Entry {
        let json = |key| {
            let table = table.table(key)?;
            Some(Json { text: table.to_json()?, place: table.place.clone() })
        };
        let url = table.string("url");
        let answer = json("answer");
        let on_failure = json("on_failure");
        let reply = json("reply");
        let timeout = table.integer("timeout_ms", 1..=600_000);
        let forward = table.string("forward");
        table.finish();
        if url.is_some() && answer.is_some() {
            let remedy = "keep the url to ask the app, or the answer to ask nobody";
            self.faults.add(&table.place_of("answer"), "there is a url and a fixed answer", remedy);
        }
        Entry {
            url: url.and_then(|url| self.url(&url)),
            answer,
            on_failure,
            reply,
            timeout: timeout.map(|ms| Duration::from_millis(ms.unsigned_abs())),
            forward: forward.and_then(|word| self.forward(&word)).unwrap_or_default(),
            ..Entry::empty(name)
        }
    }

    fn forward(&self, word: &Located<&str>) -> Option<Forward> {
        let words =
            [("cloudevents", Forward::CloudEvents), ("json", Forward::Json), ("raw", Forward::Raw)];
        let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, forward)| *forward);
        if found.is_none() {
            let remedy = allowed("form", word.value, words.iter().map(|(name, _)| *name));
            self.faults.add(&word.place, "this form is unknown", remedy);
        }
        found
    }

    /// A notification has one reply, so what would shape it has no use.
    fn check_uses(&self, entries: &[Entry], plan: &Plan) {
        for entry in entries {
            let decides = |kind: &Kind| kind.decision.is_some() && entry.covers(kind);
            let covers_none = !plan.kinds.iter().any(|kind| entry.covers(kind));
            if covers_none || plan.kinds.iter().any(decides) {
                continue;
            }
            for json in entry.on_failure.iter().chain(&entry.reply) {
                let remedy = "take it out: an event that nobody took gets 503 and is sent again";
                self.faults.add(&json.place, "this kind only wants an acknowledgement", remedy);
            }
            if let Some(answer) = entry.answer.as_ref().filter(|answer| answer.text != "{}") {
                let remedy = "write answer = {} to acknowledge without an app";
                self.faults.add(&answer.place, "this kind only wants an acknowledgement", remedy);
            }
        }
    }

    fn delivery(&self, entry: Option<&Entry>, kind: &Kind, plan: &Plan, listed: bool) -> Delivery {
        let Some(entry) = entry else {
            return match &kind.decision {
                _ if !listed => Delivery::Ask(Ask {
                    url: None,
                    timeout: plan.timeout,
                    forward: Forward::default(),
                    on_failure: failure(kind.decision.as_ref()),
                    defaults: Vec::new(),
                }),
                Some(decision) => Delivery::Unlisted(decision.denied(b"")),
                None => Delivery::Unlisted(plan.ack.clone()),
            };
        };
        let decision = kind.decision.as_ref();
        let defaults = match (&entry.reply, decision) {
            (Some(reply), Some(decision)) => self.defaults(reply, decision),
            _ => Vec::new(),
        };
        if let Some(answer) = &entry.answer {
            return Delivery::Fixed(match decision {
                Some(decision) => self.reply(answer, decision, &defaults),
                None => plan.ack.clone(),
            });
        }
        let on_failure = match (&entry.on_failure, decision) {
            (Some(json), Some(decision)) => self.reply(json, decision, &[]),
            _ => failure(decision),
        };
        let timeout = entry.timeout.unwrap_or(plan.timeout);
        Delivery::Ask(Ask {
            url: entry.url.clone(),
            timeout,
            forward: entry.forward,
            on_failure,
            defaults,
        })
    }

    /// A reply written in any of the forms that an app may use.
    fn reply(&self, json: &Json, decision: &Decision, defaults: &[Preset]) -> Reply {
        decision.answered(json.text.as_bytes(), defaults).unwrap_or_else(|fault| {
            let remedy = allowed("field", "", decision.fields.iter().map(|field| &*field.name));
            self.faults.add(&json.place, fault.to_string(), remedy);
            unavailable_reply()
        })
    }

    fn defaults(&self, json: &Json, decision: &Decision) -> Vec<Preset> {
        read_presets(&json.text, &decision.fields).unwrap_or_else(|fault| {
            let remedy = allowed("field", "", decision.fields.iter().map(|field| &*field.name));
            self.faults.add(&json.place, fault.to_string(), remedy);
            Vec::new()
        })
    }
}

impl Entry {
    fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: None,
            answer: None,
            on_failure: None,
            reply: None,
            timeout: None,
            forward: Forward::default(),
        }
    }

    fn covers(&self, kind: &Kind) -> bool {
        self.name == ANY_KIND
            || self.name == *kind.name
            || kind.group.as_deref() == Some(&self.name)
    }
}

/// Without a policy: a decision is denied, a notification is sent again.
fn failure(decision: Option<&Decision>) -> Reply {
    decision.map_or_else(unavailable_reply, |decision| decision.denied(b""))
}
