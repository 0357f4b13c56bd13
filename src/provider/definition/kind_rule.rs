//! Reads `[kind]`: the rule that determines the kind of a callback.

use super::DefinitionReader;
use crate::json::NameMap;
use crate::provider::locator::Locator;
use crate::provider::plan::{Kind, KindRule};
use crate::toml_reader::{Form, Item, Located, Table};

impl<'f> DefinitionReader<'f> {
    pub(super) fn kind_rule(&self, table: &Table<'f>, kinds: &[Kind]) -> KindRule {
        let from = self.kind_names(table);
        let mut values: Vec<(Box<str>, Vec<usize>)> = Vec::new();
        match table.table("names") {
            Some(names) => {
                for (name, item) in names.entries() {
                    values.push((name.into(), self.kinds_named(&item, kinds)));
                }
            }
            // Without `[kind.names]`, the names of the kinds are the platform's names.
            None => {
                values.extend(kinds.iter().enumerate().map(|(at, k)| ((&*k.name).into(), vec![at])))
            }
        }
        values.sort();
        let named = values.into_iter().map(|(name, kinds)| ((&*name).into(), kinds));
        let values = NameMap::new(named.collect());
        let find = |name: &Located<&str>| self.kind_index(name, kinds);
        let unnamed = table.strings("unnamed").iter().filter_map(find).collect();
        let other = table.string("other").as_ref().and_then(find);
        table.finish();
        KindRule { from, values, unnamed, other }
    }

    /// Reads `from`: the places of the platform's name for the kind. An entry is a place, such as
    /// `/eventType`, or a list of places whose texts gatepost joins with `/`.
    fn kind_names(&self, table: &Table<'f>) -> Vec<Locator> {
        let read = |item: &Item<'f>| match &item.form {
            Form::String(place) => {
                self.locator(&Located { value: place, place: item.place.clone() })
            }
            Form::Table(_) | Form::Other(_) => {
                let places = item.strings();
                if places.len() < 2 || places.len() != item.len() {
                    let problem =
                        format!("expected a list of at least two places, found {}", item.found());
                    let remedy = "write from = [[\"/productId\", \"/eventType\"]]";
                    self.faults.add(&item.place, problem, remedy);
                    return None;
                }
                let places = places.iter().map(|place| self.locator(place));
                Some(Locator::Joined(places.collect::<Option<Vec<_>>>()?.into()))
            }
        };
        table.list("from").iter().filter_map(read).collect()
    }

    /// Reads an entry of `[kind.names]`: one kind, or a list of kinds.
    fn kinds_named(&self, item: &Item<'f>, kinds: &[Kind]) -> Vec<usize> {
        let find = |name: &Located<&str>| self.kind_index(name, kinds);
        match &item.form {
            Form::String(name) => {
                find(&Located { value: name, place: item.place.clone() }).into_iter().collect()
            }
            Form::Table(_) | Form::Other(_) => {
                let names = item.strings();
                if names.is_empty() || names.len() != item.len() {
                    let found = item.found();
                    let problem =
                        format!("expected a string or a non-empty list of strings, found {found}");
                    self.faults.add(&item.place, problem, "write a kind, or a list of kinds");
                }
                names.iter().filter_map(find).collect()
            }
        }
    }

    /// Returns the index of the kind with this name. Reports a fault for an unknown name.
    fn kind_index(&self, name: &Located<&str>, kinds: &[Kind]) -> Option<usize> {
        let index = kinds.iter().position(|kind| *kind.name == *name.value);
        let is_unquoted = || self.unquoted.borrow().iter().any(|own| own == name.value);
        if index.is_none() && !is_unquoted() {
            self.faults.add_unknown(name, "kind", kinds.iter().map(|kind| &*kind.name));
        }
        index
    }
}
