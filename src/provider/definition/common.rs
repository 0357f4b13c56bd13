//! Reads `[common]` and `[kinds.NAME.common]`: the common event of a kind.

use super::DefinitionReader;
use crate::provider::common::{
    CommonEvent, CommonField, CommonForm, CommonRule, DURATION_MS, EventRule, FIELDS, STARTED_AT,
};
use crate::provider::field::{Fields, read_unit};
use crate::provider::plan::Kind;
use crate::provider::pointer::Pointer;
use crate::toml_reader::{Form, Item, Located, Place, Table};

/// The units of a duration, each with its number of milliseconds.
const DURATION_UNITS: [(&str, u32); 2] = [("ms", 1), ("s", 1000)];

const SOURCE: &str = "write a pointer such as \"/stream\", or { from = \"/url\", segment = 2 }";

impl<'f> DefinitionReader<'f> {
    /// Reads `[common]`: the fields that all kinds with a common event share.
    pub(super) fn common_fields(&self, table: &Table<'f>) -> Vec<CommonField> {
        let common = table.table("common").filter(|_| self.check_has_fields(table, "common"));
        let Some(table) = common else { return Vec::new() };
        let fields = self.fields_of_common(&table);
        table.finish();
        fields
    }

    /// Reads `common` of a kind: the name of the common event, or a table with this event and the
    /// common fields of this kind alone.
    pub(super) fn common(
        &self,
        kind: &Table<'f>,
        shared: &[CommonField],
        declared: &Fields,
    ) -> Option<(CommonRule, Place)> {
        let item = kind.any("common").filter(|_| self.check_has_fields(kind, "common"))?;
        let (event, own) = match &item.form {
            Form::Table(table) => {
                let event = table.any("event").and_then(|item| self.common_event(&item));
                if !table.has("event") {
                    let remedy = "write event = \"started\"";
                    self.faults.add(&table.place, "expected the common event, found none", remedy);
                }
                let own = self.fields_of_common(table);
                table.finish();
                (event, own)
            }
            Form::String(_) | Form::Other(_) => (self.common_event(&item), Vec::new()),
        };
        let is_own = |shared: &&CommonField| own.iter().any(|field| field.name == shared.name);
        let is_declared =
            |field: &&CommonField| field.member().is_some_and(|name| declared.find(name).is_some());
        let shared = shared.iter().filter(|field| !is_own(field)).filter(is_declared);
        let mut fields: Vec<_> = shared.cloned().collect();
        fields.extend(own);
        fields.sort_by_key(|field| FIELDS.iter().position(|name| *name == field.name));
        Some((CommonRule { event: event?, fields }, item.place))
    }

    /// Reads the name of an event, or `{ from = "/direction", values = { incoming = "started" } }`.
    fn common_event(&self, item: &Item<'f>) -> Option<EventRule> {
        match &item.form {
            Form::String(word) => {
                let word = Located { value: *word, place: item.place.clone() };
                let event = self.word(Some(&word), "common event", &CommonEvent::WORDS);
                event.map(EventRule::Always)
            }
            Form::Table(table) => {
                let from = table.require_string("from", "name the value that selects the event");
                let from = from.and_then(|text| self.pointer(&text));
                let values = table.table("values");
                table.finish();
                let read = |(value, item): (&'f str, Item<'f>)| match self.common_event(&item)? {
                    EventRule::Always(event) => Some((value.into(), event)),
                    EventRule::ByValue { .. } => None,
                };
                let entries = values.iter().flat_map(Table::entries);
                let values: Vec<_> = entries.filter_map(read).collect();
                if values.is_empty() {
                    let remedy = "write values = { incoming = \"started\" }";
                    let problem = "expected at least one entry in `values`, found none";
                    self.faults.add(&table.place, problem, remedy);
                }
                Some(EventRule::ByValue { from: from?, values })
            }
            Form::Other(_) => {
                let problem = format!("expected a string or a table, found {}", item.form.name());
                self.faults.add(&item.place, problem, "write an event, such as \"started\"");
                None
            }
        }
    }

    fn fields_of_common(&self, table: &Table<'f>) -> Vec<CommonField> {
        let read = |name: &&'static str| {
            let item = table.any(name)?;
            let (from, form) = self.source_of_common(name, &item)?;
            Some(CommonField { name, from, form })
        };
        FIELDS.iter().filter_map(read).collect()
    }

    fn source_of_common(&self, name: &str, item: &Item<'f>) -> Option<(Pointer, CommonForm)> {
        let needs_unit = matches!(name, DURATION_MS | STARTED_AT);
        match &item.form {
            Form::String(text) if !needs_unit => {
                let text = Located { value: *text, place: item.place.clone() };
                Some((self.pointer(&text)?, CommonForm::Text))
            }
            Form::Table(table) => {
                let from = table.require_string("from", SOURCE);
                let form = match name {
                    DURATION_MS => {
                        let unit = table.require_string("unit", "write unit = \"s\" or \"ms\"");
                        let unit = self.word(unit.as_ref(), "unit", &DURATION_UNITS);
                        unit.map(CommonForm::Millis)
                    }
                    STARTED_AT => Some(CommonForm::Time(read_unit(table, self.faults))),
                    _ => {
                        let number = table.integer("segment", 1..=16);
                        let number = number.and_then(|number| usize::try_from(number).ok());
                        Some(number.map_or(CommonForm::Text, CommonForm::Segment))
                    }
                };
                table.finish();
                Some((self.pointer(&from?)?, form?))
            }
            Form::String(_) | Form::Other(_) => {
                let (wanted, remedy) = if needs_unit {
                    ("a table", "write { from = \"/time\", unit = \"s\" }")
                } else {
                    ("a pointer or a table", SOURCE)
                };
                let problem = format!("expected {wanted} for {name}, found {}", item.form.name());
                self.faults.add(&item.place, problem, remedy);
                None
            }
        }
    }

    /// Checks that each field of `[common]` has a source in at least one kind.
    pub(super) fn check_common_fields(
        &self,
        table: &Table<'f>,
        shared: &[CommonField],
        kinds: &[Kind],
    ) {
        let is_used = |field: &CommonField| {
            let rules = kinds.iter().filter_map(|kind| kind.common.as_ref());
            rules.flat_map(|rule| &rule.fields).any(|used| used.name == field.name)
        };
        for field in shared.iter().filter(|field| !is_used(field)) {
            let problem = format!(
                "expected a kind that has a common event and declares the source of `{}`, found \
                 none",
                field.name
            );
            let remedy = "add common = \"started\" to a kind, or declare the source as a field of \
                          the kind";
            self.faults.add(&table.place_of("common"), problem, remedy);
        }
    }

    /// Checks the common event of a kind against the kind's fields and its reply.
    pub(super) fn check_common(
        &self,
        place: &Place,
        rule: &CommonRule,
        declared: &Fields,
        decides: bool,
    ) {
        for event in rule.event.events() {
            let word = event.name();
            let expected = match (event.is_request(), decides) {
                (true, false) => "a kind with a reply that decides",
                (false, true) => "a kind without a decision",
                (true, true) | (false, false) => continue,
            };
            let problem = format!("expected {expected} beside `{word}`, found another kind");
            let remedy = "write publish_requested or play_requested for a kind with a decision, and \
                          another event for any other kind";
            self.faults.add(place, problem, remedy);
        }
        if !rule.fields.iter().any(|field| field.name == "stream") {
            let remedy = "add stream = \"/stream\" to [common] or to the kind's table";
            self.faults.add(place, "expected the `stream` of the common event, found none", remedy);
        }
        let by_value = match &rule.event {
            EventRule::ByValue { from, .. } => from.segments().next(),
            EventRule::Always(_) => None,
        };
        let members = rule.fields.iter().filter_map(CommonField::member).chain(by_value);
        for member in members.filter(|member| declared.find(member).is_none()) {
            let problem = format!(
                "expected a declaration of `{member}`, which the common event reads, found none"
            );
            self.faults.add(
                place,
                problem,
                "declare this field under [fields] or the kind's fields",
            );
        }
    }
}
