//! The keys `provider_files` and `provider`: the provider definitions that a config names.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::ConfigReader;
use super::error::unreadable_file;
use crate::provider::{Plan, built_in_named, built_in_names, definition};
use crate::toml_reader::{FaultKind, Table};

/// The compiled definitions by name. gatepost compiles a built-in definition at its first use.
pub(super) struct Plans {
    /// True if a file of `provider_files` is unreadable or has a fault.
    incomplete: bool,
    from_files: HashMap<Arc<str>, Arc<Plan>>,
    built_in: RefCell<HashMap<Arc<str>, Arc<Plan>>>,
}

impl Plans {
    fn names(&self) -> impl Iterator<Item = &str> {
        let from_files = self.from_files.keys().map(|name| &**name);
        from_files.chain(built_in_names().map(|name: &str| name))
    }

    /// Returns the definitions of `provider_files`, sorted by name.
    pub(super) fn into_own(self) -> Vec<Arc<Plan>> {
        let mut own: Vec<_> = self.from_files.into_values().collect();
        own.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        own
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Plan>> {
        if let Some(plan) = self.from_files.get(name) {
            return Some(Arc::clone(plan));
        }
        let compiled = self.built_in.borrow().get(name).cloned();
        compiled.or_else(|| {
            let plan = Arc::new(built_in_named(name)?);
            self.built_in.borrow_mut().insert(Arc::clone(&plan.name), Arc::clone(&plan));
            Some(plan)
        })
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `provider_files` of every config file. Returns these definitions together with the
    /// built-in definitions.
    pub(super) fn plans(&self, tables: &[Table<'f>]) -> Plans {
        let mut incomplete = false;
        let mut from_files: HashMap<Arc<str>, Arc<Plan>> = HashMap::new();
        let is_taken = |from_files: &HashMap<_, _>, plan: &Plan| {
            from_files.contains_key(&plan.name) || built_in_names().any(|name| *name == *plan.name)
        };
        for name in tables.iter().flat_map(|table| table.strings("provider_files")) {
            let plan = match self.definition_text(&name) {
                Ok(text) => definition::parse(&text),
                Err(error) => {
                    let problem = FaultKind::FileUnreadable.because(unreadable_file(&error));
                    self.faults.add(&name.place, problem, "write the path of a readable file");
                    incomplete = true;
                    continue;
                }
            };
            match plan {
                Ok(plan) if is_taken(&from_files, &plan) => {
                    let problem = format!("expected an unused provider name, found {}", plan.name);
                    let problem = FaultKind::DefinitionInvalid.because(problem);
                    self.faults.add(&name.place, problem, "write another `name` in this file");
                }
                Ok(plan) => drop(from_files.insert(Arc::clone(&plan.name), Arc::new(plan))),
                Err(faults) => {
                    incomplete = true;
                    let file = self.path(&name).display().to_string();
                    self.faults.take(faults.into_iter().map(|fault| fault.in_file(&file)));
                }
            }
        }
        Plans { incomplete, from_files, built_in: RefCell::default() }
    }

    /// Returns the plan of the provider that the table names.
    pub(super) fn plan(&self, table: &Table<'f>, plans: &Plans) -> Option<Arc<Plan>> {
        let provider =
            table.require_string("provider", "add provider = \"tencent-css\" or another name")?;
        let plan = plans.get(provider.value);
        // A definition file with a fault may define the unknown provider, so gatepost reports only
        // the fault of that file.
        if plan.is_none() && !plans.incomplete {
            self.faults.add_unknown(&provider, "provider", plans.names());
        }
        plan
    }
}
