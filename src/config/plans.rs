//! `provider_files` and `provider`: the definitions that a config names.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::ConfigReader;
use crate::provider::{Plan, built_in_named, built_in_names, definition};
use crate::toml_reader::{Table, allowed};

/// The definitions, compiled when they are first named.
pub(super) struct Plans {
    /// Whether some of the user's own could not be read.
    incomplete: bool,
    own: HashMap<Arc<str>, Arc<Plan>>,
    built_in: RefCell<HashMap<Arc<str>, Arc<Plan>>>,
}

impl Plans {
    fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.own.keys().map(|name| &**name);
        own.chain(built_in_names().map(|name: &str| name))
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Plan>> {
        if let Some(plan) = self.own.get(name) {
            return Some(Arc::clone(plan));
        }
        let known = self.built_in.borrow().get(name).cloned();
        known.or_else(|| {
            let plan = Arc::new(built_in_named(name)?);
            self.built_in.borrow_mut().insert(Arc::clone(&plan.name), Arc::clone(&plan));
            Some(plan)
        })
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// The definitions by name: the built-in ones, and those of the user's own files.
    pub(super) fn plans(&self, table: &Table<'f>) -> Plans {
        let mut incomplete = false;
        let mut own: HashMap<Arc<str>, Arc<Plan>> = HashMap::new();
        let taken = |own: &HashMap<_, _>, plan: &Plan| {
            own.contains_key(&plan.name) || built_in_names().any(|name| *name == *plan.name)
        };
        for name in table.strings("provider_files") {
            let text = self.sources.text(Path::new(name.value));
            let plan = match text {
                Ok(text) => definition::parse(&text),
                Err(error) => {
                    let problem = format!("the file cannot be read: {error}");
                    self.faults.add(&name.place, problem, "a name is relative to the config file");
                    incomplete = true;
                    continue;
                }
            };
            match plan {
                Ok(plan) if taken(&own, &plan) => {
                    let problem = format!("there is a provider named {} already", plan.name);
                    self.faults.add(&name.place, problem, "give it another name");
                }
                Ok(plan) => drop(own.insert(Arc::clone(&plan.name), Arc::new(plan))),
                Err(faults) => {
                    incomplete = true;
                    let file = self.sources.path(Path::new(name.value)).display().to_string();
                    self.faults.take(faults.into_iter().map(|fault| fault.in_file(&file)));
                }
            }
        }
        Plans { incomplete, own, built_in: RefCell::default() }
    }

    /// The plan that a table's `provider` names.
    pub(super) fn plan(&self, table: &Table<'f>, plans: &Plans) -> Option<Arc<Plan>> {
        let provider =
            table.require_string("provider", "name the platform, as in \"tencent-css\"")?;
        let plan = plans.get(provider.value);
        // It may be one whose file has a fault, which is said already.
        if plan.is_none() && !plans.incomplete {
            let remedy = allowed("provider", provider.value, plans.names());
            self.faults.add(&provider.place, "this provider is unknown", remedy);
        }
        plan
    }
}
