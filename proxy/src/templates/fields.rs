//! What a table of the file says under one key.

use toml_edit::{Array, Item, TableLike, Value};

use super::entries::Entries;
use super::problem::Problem;

/// The name of a template.
pub(crate) fn name_of(template: &dyn TableLike) -> Option<&str> {
    string(template, "name")
}

/// A string of a table.
pub(crate) fn string<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Item::as_str)
}

/// The strings of a list, or a string alone.
pub(crate) fn strings<'t>(table: &'t dyn TableLike, key: &str) -> Vec<&'t str> {
    let Some(item) = table.get(key) else { return Vec::new() };
    let items = item.as_array().into_iter().flatten();
    item.as_str().into_iter().chain(items.filter_map(Value::as_str)).collect()
}

/// A list to be edited: a new one if there is none, and around a value that stands alone.
pub(crate) fn array_mut<'t>(
    table: &'t mut Entries<'_>,
    key: &str,
) -> Result<&'t mut Array, Problem> {
    let lone = table.get(key).and_then(Item::as_value).filter(|value| !value.is_array()).cloned();
    if let Some(mut lone) = lone {
        lone.decor_mut().clear();
        let mut around = Array::new();
        around.push_formatted(lone);
        table.set(key, Value::Array(around));
    } else if table.get(key).is_none() {
        table.set(key, Value::Array(Array::new()));
    }
    table.get_mut(key).and_then(Item::as_array_mut).ok_or_else(|| unfit(key))
}

/// A key is written in a form that nobody needs and nothing here edits.
pub(crate) fn unfit(key: &str) -> Problem {
    Problem::invalid(format!(
        "`{key}` has a form that cannot be edited here; edit the file by hand"
    ))
}

/// Names for a message.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
