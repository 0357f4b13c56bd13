//! What only the whole of a definition tells: whether its kinds, replies and samples fit together.

use super::DefinitionReader;
use crate::json::Object;
use crate::provider::decision::Decision;
use crate::provider::field::{Fields, SentBy, Type};
use crate::provider::plan::Kind;
use crate::toml_reader::{Place, Table};

impl<'f> DefinitionReader<'f> {
    pub(super) fn check_kinds(&self, table: &Table<'f>, kinds: &[Kind]) {
        for kind in kinds {
            let place = table.place_of(&kind.name);
            if kinds.iter().any(|other| other.group.as_deref() == Some(&kind.name)) {
                let remedy = "give the one or the other another name";
                self.faults.add(&place, "a group of kinds has this name too", remedy);
            }
            if let Some(decision) = &kind.decision {
                self.check_reply(&place, kind, decision);
            }
            self.check_sample(&place, kind);
        }
    }

    /// What a reply depends on must be there to depend on.
    fn check_reply(&self, place: &Place, kind: &Kind, decision: &Decision) {
        let context = match &decision.item_list {
            None => Some(&kind.fields),
            Some(per) => {
                let list = kind.fields.find(&per.list).and_then(|at| kind.fields.get(at));
                let items = list.and_then(|field| match &field.ty {
                    Type::Array { inner, .. } | Type::Json { inner, .. } => inner.fields.as_deref(),
                    Type::Boolean
                    | Type::Integer(_)
                    | Type::Number
                    | Type::Object { .. }
                    | Type::String
                    | Type::Timestamp(_) => None,
                });
                if items.is_none() {
                    let problem = format!("`{}` is no array whose fields are declared", per.list);
                    self.faults.add(place, problem, "declare it, with the fields of its items");
                }
                items
            }
        };
        let Some(context) = context else { return };
        let conditions = decision.fields.iter().filter_map(|field| field.when.as_ref());
        let protect = decision.item_list.iter().filter_map(|per| per.protect.as_ref());
        for condition in conditions.chain(protect.map(|protect| &protect.when)) {
            self.check_known(place, &condition.field, context);
        }
        for name in decision.item_list.iter().flat_map(|per| &per.echo) {
            self.check_known(place, name, context);
            if decision.fields.find(name).is_some() {
                let problem = format!("`{name}` is repeated, and a field of the reply");
                self.faults.add(place, problem, "take out the one or the other");
            }
        }
    }

    fn check_known(&self, place: &Place, name: &str, context: &Fields) {
        if context.find(name).is_none() {
            let problem = format!("the reply depends on `{name}`, which is not declared");
            self.faults.add(place, problem, "declare it among the callback's fields");
        }
    }

    /// A sample that does not fit its own fields would teach the wrong thing.
    fn check_sample(&self, place: &Place, kind: &Kind) {
        let Some(object) = kind.sample.as_deref().and_then(|text| Object::from_json(text).ok())
        else {
            return;
        };
        let mut out = Vec::new();
        let written = kind.fields.write_object(&object, SentBy::Platform, |_| false, &mut out);
        if let Err(fault) = written {
            let problem = format!("its sample does not fit: {fault}");
            self.faults.add(place, problem, "mend the sample, or the field");
        }
    }
}
