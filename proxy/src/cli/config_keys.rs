//! Meanings of config keys, from the schema of the config file.

use gatepost::config_schema;
use serde_json::{Map, Value};

/// A key in one table of the config.
pub(super) struct KeyHelp {
    /// Table in brackets; empty for a top-level key.
    pub(super) table: String,
    pub(super) meaning: String,
    pub(super) is_table: bool,
    /// Smallest and largest value of a number.
    pub(super) range: Option<(i64, i64)>,
}

/// Returns each key called `name`.
pub(super) fn named(name: &str) -> Vec<KeyHelp> {
    found(Some(name)).into_iter().map(|(_, key)| key).collect()
}

/// Returns the names of all keys and tables.
pub(super) fn names() -> Vec<String> {
    found(None).into_iter().map(|(name, _)| name).collect()
}

/// Returns each key called `name`. Returns all keys if `name` is `None`.
fn found(name: Option<&str>) -> Vec<(String, KeyHelp)> {
    let schema = config_schema();
    let mut search = Search { definitions: &schema["$defs"], name, found: Vec::new() };
    search.visit("", &schema);
    search.visit("template.on.KIND", &schema["$defs"]["any_kind"]);
    search.found
}

/// A search for the keys of one name, or for all keys.
struct Search<'s> {
    definitions: &'s Value,
    name: Option<&'s str>,
    found: Vec<(String, KeyHelp)>,
}

impl<'s> Search<'s> {
    /// Adds the keys in the table that a schema describes, and in the tables below it.
    fn visit(&mut self, table: &str, schema: &'s Value) {
        let Some((keys, is_list)) = self.keys(schema) else { return };
        for (key, value) in keys {
            if self.name.is_none_or(|name| name == key) {
                self.add(key, table, is_list, value);
            }
            let below = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
            self.visit(&below, value);
        }
    }

    fn add(&mut self, name: &str, table: &str, is_list: bool, value: &'s Value) {
        let all = self.alternatives(value);
        let own = value["description"].as_str();
        let of_one = |one: &&'s Value| one["description"].as_str();
        let of_rows = |one: &&'s Value| one["items"]["description"].as_str();
        let about = own.or_else(|| all.iter().find_map(of_one));
        let about = about.or_else(|| all.iter().find_map(of_rows)).unwrap_or_default();
        let limits = |one: &&Value| Some((one["minimum"].as_i64()?, one["maximum"].as_i64()?));
        let table = match (table, is_list) {
            ("", _) => String::new(),
            (table, true) => format!("[[{table}]]"),
            (table, false) => format!("[{table}]"),
        };
        let range = all.iter().find_map(limits);
        let (meaning, is_table) = (about.to_owned(), self.keys(value).is_some());
        self.found.push((name.to_owned(), KeyHelp { table, meaning, is_table, range }));
    }

    /// Returns the keys of a table, and true for a list of tables.
    fn keys(&self, schema: &'s Value) -> Option<(&'s Map<String, Value>, bool)> {
        self.alternatives(schema).into_iter().find_map(|one| {
            let is_list = one["type"] == "array";
            let table = if is_list { &one["items"] } else { one };
            Some((table["properties"].as_object()?, is_list))
        })
    }

    /// Returns the forms of a value, except `{ env = "NAME" }` and the forms of a secret, whose
    /// members are not keys of the config.
    fn alternatives(&self, schema: &'s Value) -> Vec<&'s Value> {
        if ["#/$defs/variable", "#/$defs/secret"].iter().any(|form| schema["$ref"] == *form) {
            return Vec::new();
        }
        let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
        let schema = name.map_or(schema, |name| &self.definitions[name]);
        match schema["anyOf"].as_array() {
            Some(any) => any.iter().flat_map(|one| self.alternatives(one)).collect(),
            None => vec![schema],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_and_table_has_a_meaning() {
        let all = found(None);
        assert!(all.len() > 100, "expected more than 100 keys, found {}", all.len());
        for (name, key) in all {
            assert!(
                !key.meaning.is_empty(),
                "expected the meaning of {name} in {}, found none",
                key.table
            );
        }
    }

    #[test]
    fn finds_a_key_in_each_of_its_tables() {
        let tables: Vec<_> = named("max_age_secs").into_iter().map(|key| key.table).collect();
        assert!(tables.contains(&"[template.settings]".to_owned()), "{tables:?}");
        assert!(
            tables.iter().any(|table| table.ends_with("last_good]")),
            "expected a `last_good` table, found {tables:?}"
        );
        assert_eq!(named("threads")[0].range, Some((1, 1024)));
        assert!(named("no_such_key").is_empty());
    }
}
