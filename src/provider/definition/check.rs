//! Checks that the kinds, replies and samples of a definition agree with each other.

use super::kind::KindDefaults;
use super::{DefinitionReader, Formats};
use crate::provider::decision::Decision;
use crate::provider::field::{Fields, Type};
use crate::provider::plan::{BodyFormat, Kind};
use crate::provider::signature::{PartSource, Signature};
use crate::toml_reader::{Place, Table};

impl<'f> DefinitionReader<'f> {
    /// Checks every kind. `kinds` must contain all kinds of the definition.
    pub(super) fn check_kinds(
        &self,
        (definition, table): (&Table<'f>, &Table<'f>),
        kinds: &[Kind],
        defaults: &KindDefaults,
    ) {
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

    /// Checks the reply to a decision: a denial must differ from an approval, and the kind must
    /// declare the fields of the callback on which the reply depends.
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

    /// Checks that a definition with `form-pairs` has the body format `form` or `query`.
    pub(super) fn check_form_pairs(
        &self,
        table: &Table<'f>,
        formats: &Formats,
        kinds: &[Kind],
        of_plan: Option<&Signature>,
    ) {
        let mut rules = kinds.iter().filter_map(|kind| kind.signature.as_ref()).chain(of_plan);
        let signs_pairs =
            |rule: &Signature| rule.parts.iter().any(|part| part.from == PartSource::FormPairs);
        let is_form = formats.has(BodyFormat::Form) || formats.has(BodyFormat::Query);
        if rules.any(signs_pairs) && !is_form {
            let problem = "expected a form or a query beside \"form-pairs\", found another format";
            self.faults.add(&table.place, problem, "write request.body = \"form\"");
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
