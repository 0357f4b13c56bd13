//! Checks that the kinds, replies, signatures and body formats of a definition agree with each
//! other.

use super::kind::KindDefaults;
use super::{DefinitionReader, Formats};
use crate::provider::decision::Decision;
use crate::provider::field::{Fields, Type};
use crate::provider::plan::{BodyFormat, Kind};
use crate::provider::signature::{PartSource, Signature};
use crate::toml_reader::{Place, Table};

impl<'f> DefinitionReader<'f> {
    /// Checks every kind. `kinds` must contain all kinds of the definition. `table` is the table
    /// `kinds` of the definition.
    pub(super) fn check_kinds(
        &self,
        (definition, table): (&Table<'f>, &Table<'f>),
        kinds: &[Kind],
        defaults: &KindDefaults,
    ) {
        self.check_has_fields(definition, "id_without");
        self.check_common_fields(definition, defaults.common(), kinds);
        for kind in kinds {
            let place = table.place_of(&kind.name);
            if kinds.iter().any(|other| other.group.as_deref() == Some(&kind.name)) {
                let problem = "expected a kind with its own name, found the name of a group";
                self.faults.add(&place, problem, "rename the kind or the group");
            }
            if let Some(decision) = &kind.decision {
                self.check_reply(&place, kind, decision);
            }
        }
    }

    /// Checks the reply to a decision: a denial must differ from an approval. If the reply depends
    /// on a field of the callback, the kind must declare this field.
    fn check_reply(&self, place: &Place, kind: &Kind, decision: &Decision) {
        if decision.denies_like_allow() {
            let problem = "expected a reply that denies, found the values of the reply that allows";
            self.faults.add(place, problem, "set a field of `allow` to another value in `deny`");
        }
        let context = match &decision.item_list {
            None => Some(&kind.fields),
            Some(items) => {
                let list = kind.fields.find(&items.list).and_then(|at| kind.fields.get(at));
                let item_fields = list.and_then(|field| match &field.ty {
                    Type::Array { inner, .. } | Type::Json { inner, .. } => inner.fields.as_deref(),
                    Type::Any
                    | Type::Boolean
                    | Type::Integer(_)
                    | Type::Number
                    | Type::Object { .. }
                    | Type::String
                    | Type::Timestamp(_) => None,
                });
                if item_fields.is_none() {
                    let problem = format!("expected inner fields of `{}`, found none", items.list);
                    self.faults.add(place, problem, "declare the array and its fields");
                }
                item_fields
            }
        };
        let Some(context) = context else { return };
        let conditions = decision.fields.iter().filter_map(|field| field.when.as_ref());
        if !self.has_fields_of(kind) {
            self.check_no_conditions(place, conditions.map(|condition| &*condition.field));
            return;
        }
        let protect = decision.item_list.iter().filter_map(|items| items.protect.as_ref());
        for condition in conditions.chain(protect.map(|protect| &protect.when)) {
            self.check_known(place, &condition.field, context);
        }
        for name in decision.item_list.iter().flat_map(|items| &items.echo) {
            self.check_known(place, name, context);
            if decision.fields.find(name).is_some() {
                let problem = format!("expected `{name}` in `echo` or `fields`, found it in both");
                self.faults.add(place, problem, "remove one of the two entries");
            }
        }
    }

    /// Checks the signatures against the challenges and the body formats. `of_plan` is the
    /// signature of the kinds that have no signature of their own.
    pub(super) fn check_signatures(
        &self,
        table: &Table<'f>,
        formats: &Formats,
        kinds: &[Kind],
        of_plan: Option<&Signature>,
    ) {
        self.check_challenges(table, kinds, of_plan);
        self.check_form_parts(table, formats, kinds, of_plan);
        self.check_raw_kinds(table, formats, kinds, of_plan);
    }

    /// Checks that a definition with `form-pairs` has the body format `form` or `query`, and that a
    /// definition with `form-text` has the format `form`.
    fn check_form_parts(
        &self,
        table: &Table<'f>,
        formats: &Formats,
        kinds: &[Kind],
        of_plan: Option<&Signature>,
    ) {
        let rules = kinds.iter().filter_map(|kind| kind.signature.as_ref()).chain(of_plan);
        let parts: Vec<_> = rules.flat_map(|rule| &rule.parts).map(|part| &part.from).collect();
        let is_form = formats.has(BodyFormat::Form);
        let is_form_or_query = is_form || formats.has(BodyFormat::Query);
        for (source, word, wanted, fits) in [
            (PartSource::FormPairs, "form-pairs", "a form or a query", is_form_or_query),
            (PartSource::FormText, "form-text", "a form", is_form),
        ] {
            if parts.contains(&&source) && !fits {
                let problem = format!("expected {wanted} beside \"{word}\", found another format");
                self.faults.add(&table.place, problem, "write request.body = \"form\"");
            }
        }
    }

    /// Checks that `context` declares the field `name`.
    fn check_known(&self, place: &Place, name: &str, context: &Fields) {
        if context.find(name).is_none() {
            let problem = format!("expected a declaration of `{name}` for the reply, found none");
            self.faults.add(place, problem, "declare this field of the callback or of its items");
        }
    }
}
