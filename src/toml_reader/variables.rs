//! Environment variables that a TOML text names in place of a string or a number:
//! `{ env = "NAME" }`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// Value of a variable, or a description of the problem.
pub(crate) type VariableValue = Result<Zeroizing<String>, String>;

/// The variables that the TOML texts name.
///
/// gatepost looks up all values before it reads the first key, because a [`Table`](super::Table)
/// returns borrowed values. Some of these values are secrets, but no table returns a secret
/// from `Variables`: the code that reads a secret looks up the variable again.
#[derive(Default)]
pub(super) struct Variables {
    values: HashMap<String, VariableValue>,
    /// Keys whose values came from variables, each with the name of the variable.
    used: RefCell<Vec<(String, String)>>,
}

impl Variables {
    /// Looks up each variable that the root tables name.
    pub(super) fn of(
        roots: &[Spanned<DeTable<'_>>],
        lookup: &dyn Fn(&str) -> VariableValue,
    ) -> Self {
        let mut values = HashMap::new();
        roots.iter().for_each(|root| add(root.get_ref(), lookup, &mut values));
        Self { values, used: RefCell::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&VariableValue> {
        self.values.get(name)
    }

    pub(super) fn note(&self, key: &str, name: &str) {
        self.used.borrow_mut().push((key.to_owned(), name.to_owned()));
    }

    /// Returns each key whose value came from a variable, and the name of the variable.
    pub(super) fn used(&self) -> Vec<(String, String)> {
        let mut used = self.used.borrow().clone();
        used.sort();
        used.dedup();
        used
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

fn add(
    table: &DeTable<'_>,
    lookup: &dyn Fn(&str) -> VariableValue,
    to: &mut HashMap<String, VariableValue>,
) {
    for (_, value) in table {
        add_value(value.get_ref(), lookup, to);
    }
}

fn add_value(
    value: &DeValue<'_>,
    lookup: &dyn Fn(&str) -> VariableValue,
    to: &mut HashMap<String, VariableValue>,
) {
    if let Some((name, _)) = variable_name(value) {
        to.insert(name.to_owned(), lookup(name));
        return;
    }
    match value {
        DeValue::Table(table) => add(table, lookup, to),
        DeValue::Array(items) => {
            items.iter().for_each(|item| add_value(item.get_ref(), lookup, to))
        }
        _ => {}
    }
}

/// Returns the name in `{ env = "NAME" }` and its range in the text; `None` for any other value.
pub(super) fn variable_name<'d>(value: &'d DeValue<'_>) -> Option<(&'d str, Range<usize>)> {
    let DeValue::Table(table) = value else { return None };
    let mut entries = table.iter();
    let (key, value) = entries.next()?;
    match value.get_ref() {
        DeValue::String(name) if key.get_ref() == "env" && entries.next().is_none() => {
            Some((name, value.span()))
        }
        _ => None,
    }
}

/// Returns `true` for a name of upper-case letters, digits and `_`, the usual form of a variable's
/// name. Such a name is safe to print. Any other name may be a secret that the operator wrote in
/// place of the name.
pub(crate) fn is_usual_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
