//! Reads `[kinds.NAME]`: the kinds, and the keys that all kinds inherit.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};

use super::DefinitionReader;
use crate::json::Object;
use crate::provider::challenge::Challenge;
use crate::provider::common::CommonField;
use crate::provider::decision::Decision;
use crate::provider::field::{DeclaredFields, Usage, declare, read_unit};
use crate::provider::locator::Locator;
use crate::provider::plan::{
    BodyFormat, Kind, SampleData, SessionPart, SessionRule, Times, ViewerKey,
};
use crate::provider::pointer::Pointer;
use crate::reply::{REPLY_MARGIN, Reply};
use crate::time::Unit;
use crate::toml_reader::{FaultKind, Form, Located, Table};

/// The values that kinds inherit from the top level of the definition.
pub(super) struct KindDefaults {
    fields: DeclaredFields,
    subject: Vec<Locator>,
    time: Option<EventTime>,
    id: Vec<Locator>,
    sequence: Vec<Pointer>,
    times: Times,
    common: Vec<CommonField>,
}

impl KindDefaults {
    pub(super) fn common(&self) -> &[CommonField] {
        &self.common
    }
}

/// The reply to the callbacks of a kind. At most one field has a value.
#[derive(Default)]
struct KindReply {
    decision: Option<Decision>,
    challenge: Option<Challenge>,
    ack: Option<Reply>,
}

/// The default time limits. Few platforms wait less than 5 seconds for a reply.
const DEFAULT_TIMES: Times =
    Times { timeout: Duration::from_secs(3), budget: Duration::from_secs(5) };

/// The pointers to an event's time, and the unit of that time. gatepost uses the first pointer
/// whose value is present.
type EventTime = (Vec<Pointer>, Unit);

impl<'f> DefinitionReader<'f> {
    /// Reads the keys that all kinds inherit: `fields`, `subject`, `time`, `id`, `sequence`,
    /// `common` and the time limits.
    pub(super) fn kind_defaults(&self, table: &Table<'f>) -> KindDefaults {
        let fields = self.fields_table(table).map(|t| declare(&t, Usage::Event, self.faults));
        KindDefaults {
            fields: fields.unwrap_or_default(),
            subject: self.locators(table, "subject"),
            time: self.event_time(table),
            id: self.locators(table, "id"),
            sequence: self.pointers(table, "sequence"),
            times: self.times(table, DEFAULT_TIMES),
            common: self.common_fields(table),
        }
    }

    fn times(&self, table: &Table<'f>, inherited: Times) -> Times {
        let read = |key| {
            let ms = table.integer(key, 1..=600_000)?;
            Some(Duration::from_millis(ms.unsigned_abs()))
        };
        let budget = read("budget_ms").unwrap_or(inherited.budget);
        let timeout = read("timeout_ms");
        let times = Times { timeout: timeout.unwrap_or(inherited.timeout), budget };
        if let Some(timeout) = timeout.filter(|timeout| *timeout > budget) {
            let (timeout, budget) = (timeout.as_millis(), budget.as_millis());
            let problem = format!("expected at most the budget of {budget} ms, found {timeout} ms");
            let remedy = "decrease timeout_ms, or increase budget_ms";
            self.faults.add(&table.value_place("timeout_ms"), problem, remedy);
        }
        if budget <= REPLY_MARGIN {
            let (margin, found) = (REPLY_MARGIN.as_millis(), budget.as_millis());
            let problem = format!("expected a budget of more than {margin} ms, found {found} ms");
            self.faults.add(&table.place_of("budget_ms"), problem, "increase budget_ms");
        }
        times
    }

    fn event_time(&self, table: &Table<'f>) -> Option<EventTime> {
        let time = table.table("time")?;
        let from = self.pointers(&time, "from");
        let unit = read_unit(&time, self.faults);
        time.finish();
        (!from.is_empty()).then_some((from, unit))
    }

    /// Reads `method` of a kind: one of the methods of `[request]`.
    fn method_of_kind(&self, table: &Table<'f>) -> Option<Method> {
        let word = table.string("method")?;
        let methods = self.methods.borrow();
        let method = methods.iter().find(|method| method.as_str() == word.value).cloned();
        if method.is_none() {
            self.faults.add_unknown(&word, "method", methods.iter().map(Method::as_str));
        }
        method
    }

    /// Reads the `[kinds]` table.
    pub(super) fn kinds(
        &self,
        table: &Table<'f>,
        defaults: &KindDefaults,
        ce_type: &str,
    ) -> Vec<Kind> {
        table
            .entries()
            .into_iter()
            .filter_map(|(name, item)| match item.form {
                Form::Table(kind) => {
                    self.within_kind(&kind, || self.kind(name, &kind, defaults, ce_type))
                }
                Form::String(_) | Form::Other(_) => {
                    let problem = format!("expected a table, found {}", item.form.name());
                    self.faults.add(&item.place, problem, format!("write [kinds.{name}]"));
                    None
                }
            })
            .collect()
    }

    fn kind(
        &self,
        name: &str,
        table: &Table<'f>,
        defaults: &KindDefaults,
        ce_type: &str,
    ) -> Option<Kind> {
        let text = |key| table.string(key).map(|text| Box::<str>::from(text.value));
        let [title, about, docs, group] = ["title", "about", "docs", "falls_back_to"].map(text);
        self.check_name(name, group.as_deref(), table);
        let method = self.method_of_kind(table);
        let when = self.pointers(table, "when");
        let signature = table.table("signature").map(|t| self.signature(&t));
        let subject = self.locators(table, "subject");
        let subject = if table.has("subject") { subject } else { defaults.subject.clone() };
        let time = self.event_time(table).or_else(|| defaults.time.clone());
        let times = self.times(table, defaults.times);
        let id = self.locators(table, "id");
        let id = if table.has("id") { id } else { defaults.id.clone() };
        let sequence = self.pointers(table, "sequence");
        let sequence = if table.has("sequence") { sequence } else { defaults.sequence.clone() };
        let viewer = ViewerKey(self.pointers(table, "viewer"));
        let session = table
            .table("session")
            .and_then(|session| self.session(&session, subject.is_empty(), time.is_none()));
        let fields = match self.fields_table(table) {
            Some(added) => defaults.fields.clone().extend(&added, Usage::Event, self.faults),
            None => defaults.fields.clone().build(),
        };
        let reply = table.table("reply").map(|reply| self.kind_reply(&reply));
        let common = self.common(table, &defaults.common, &fields);
        let is_unsigned = table.boolean("unsigned").unwrap_or(false);
        let sample = table.string("sample").and_then(|text| self.sample(&text));
        self.finish_kind(name, table)?;
        let ce_type = self.header(table, &format!("{ce_type}.{name}"))?;
        let KindReply { decision, challenge, ack } =
            reply.map_or(Some(KindReply::default()), |r| r)?;
        let signature = signature.map_or(Some(None), |read| read.map(Some))?;
        let name = name.into();
        if let Some((rule, place)) = &common {
            self.check_common(place, rule, &fields, decision.is_some());
        }
        Some(Kind {
            name,
            ce_type,
            title,
            about,
            docs,
            group,
            method,
            when,
            signature,
            subject,
            time,
            fields,
            decision,
            challenge,
            common: common.map(|(rule, _)| rule),
            is_unsigned,
            ack,
            sample,
            times,
            id,
            sequence,
            viewer,
            session,
        })
    }

    /// Reports the unknown keys of a kind. Returns `None` if one of them is the rest of an unquoted
    /// name with a dot: `[kinds.stream.live]` is a table `live` in the table of the kind `stream`.
    fn finish_kind(&self, name: &str, table: &Table<'f>) -> Option<()> {
        let parts = table.unread_tables();
        for (part, inner) in &parts {
            let full = format!("{name}.{part}");
            let deeper = inner.unread_tables();
            // In `[kinds.stream.live.start]`, only the last table has the keys of a kind.
            let place = table.place_of(part);
            let (full, place) = match &deeper[..] {
                [(last, _)] if inner.has_only(last) && !table.has_read(last) => {
                    (format!("{full}.{last}"), place.until(&inner.place_of(last)))
                }
                _ => (full, place),
            };
            let problem = format!("expected the kind \"{full}\" in quotes, found a table `{name}`");
            let problem = FaultKind::KindNotQuoted.because(problem);
            self.faults.add(&place, problem, format!("write [kinds.\"{full}\"]"));
            self.unquoted.borrow_mut().push(full);
        }
        if parts.is_empty() {
            table.finish();
        }
        parts.is_empty().then_some(())
    }

    /// Reads `session`: the rule for a kind that starts or ends a session.
    fn session(
        &self,
        table: &Table<'f>,
        has_no_subject: bool,
        has_no_time: bool,
    ) -> Option<SessionRule> {
        let part = table.require_string("part", "write part = \"start\" or \"end\"");
        let id = self.locators(table, "id");
        table.finish();
        if has_no_subject {
            let problem = "expected `subject` in a kind with `session`, found none";
            self.faults.add(&table.place, problem, "add subject to the kind");
        }
        if id.is_empty() && has_no_time {
            let problem = "expected an id of the session or a time of the event, found neither";
            self.faults.add(&table.place, problem, "add id to `session`, or time to the kind");
        }
        let part = self.word(part.as_ref(), "part", &SessionPart::WORDS)?;
        Some(SessionRule { part, id })
    }

    /// Reads `[kinds.NAME.reply]`: an acknowledgement, the reply to a challenge, or a decision.
    fn kind_reply(&self, reply: &Table<'f>) -> Option<KindReply> {
        let mut read = KindReply::default();
        if reply.has("ack") {
            read.ack = Some(self.ack(reply)?);
        } else if reply.has("give") {
            read.challenge = Some(self.challenge(reply)?);
        } else {
            read.decision = Some(self.decision(reply)?);
        }
        Some(read)
    }

    /// Reads a sample body: the text of a JSON object. If the platform sends raw bodies, accepts
    /// any text.
    pub(super) fn sample(&self, text: &Located<&str>) -> Option<Box<str>> {
        let formats = self.formats.borrow();
        let is_raw = formats.as_ref().is_some_and(|formats| formats.has(BodyFormat::Raw));
        let fits = is_raw || Object::from_json(text.value.trim()).is_ok();
        if !fits {
            let problem = "expected a JSON object, found malformed JSON or another type";
            self.faults.add(&text.place, problem, "write the body of a callback");
        }
        fits.then(|| text.value.trim().into())
    }

    /// Reads `[sample]`: the body for kinds without a sample, and the headers for all kinds.
    pub(super) fn base_sample(&self, table: &Table<'f>) -> SampleData {
        let body = table.string("json").and_then(|text| self.sample(&text));
        let headers = table.table("headers");
        let headers = headers.iter().flat_map(Table::entries).filter_map(|(name, item)| {
            let text = Located { value: name, place: item.place.clone() };
            let name = self.header_name(&text, name)?;
            let Form::String(value) = item.form else { return None };
            Some((name, HeaderValue::from_str(value).ok()?))
        });
        let headers = headers.collect();
        table.finish();
        SampleData { body, headers }
    }

    /// Reports the name of a kind or group if the name is empty or has a special meaning in the
    /// config.
    fn check_name(&self, name: &str, group: Option<&str>, table: &Table<'f>) {
        const RESERVED: [&str; 3] = ["", "*", "unknown"];
        if RESERVED.contains(&name) {
            let problem = format!("expected a name that is not reserved, found {name:?}");
            self.faults.add(&table.place, problem, "rename the kind");
        }
        if let Some(group) = group.filter(|group| RESERVED.contains(group)) {
            let problem = format!("expected a name that is not reserved, found {group:?}");
            self.faults.add(&table.place_of("falls_back_to"), problem, "rename the group");
        }
    }

    /// Returns the kind for callbacks whose kind the definition does not declare.
    pub(super) fn unknown_kind(
        &self,
        table: &Table<'f>,
        defaults: &KindDefaults,
        ce_type: &str,
    ) -> Option<Kind> {
        Some(Kind {
            name: Arc::from("unknown"),
            ce_type: self.header(table, &format!("{ce_type}.unknown"))?,
            title: None,
            about: None,
            docs: None,
            group: None,
            method: None,
            when: Vec::new(),
            signature: None,
            subject: Vec::new(),
            time: None,
            fields: defaults.fields.clone().build(),
            decision: None,
            challenge: None,
            common: None,
            is_unsigned: false,
            ack: None,
            sample: None,
            times: defaults.times,
            id: defaults.id.clone(),
            // Without `time` and `sequence`, the data does not identify an event: two different
            // callbacks of an undeclared kind may have equal data.
            sequence: Vec::new(),
            viewer: ViewerKey::default(),
            session: None,
        })
    }
}
