//! Meanings of config keys, from the schema of the config file.

use gatepost::config_schema;
use serde_json::{Map, Value};

/// A key in one table of the config.
pub(super) struct KeyHelp {
    /// Table in brackets; empty for a key above all tables.
    pub(super) table: String,
    pub(super) meaning: String,
    /// Smallest and largest value of a number.
    pub(super) range: Option<(i64, i64)>,
}

/// Returns each key called `name`.
pub(super) fn named(name: &str) -> Vec<KeyHelp> {
    let schema = config_schema();
    let mut search = Search { definitions: &schema["$defs"], name, found: Vec::new() };
    search.visit("", &schema);
    search.visit("template.on.KIND", &schema["$defs"]["any_kind"]);
    search.found
}

/// A search for the keys of one name.
struct Search<'s> {
    definitions: &'s Value,
    name: &'s str,
    found: Vec<KeyHelp>,
}

impl<'s> Search<'s> {
    /// Adds the keys in the table that a schema describes, and in the tables below it.
    fn visit(&mut self, table: &str, schema: &'s Value) {
        let Some((keys, is_list)) = self.keys(schema) else { return };
        for (key, value) in keys {
            if key == self.name {
                self.add(table, is_list, value);
            }
            let below = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
            self.visit(&below, value);
        }
    }

    fn add(&mut self, table: &str, is_list: bool, value: &Value) {
        let all = self.alternatives(value);
        let own = value["description"].as_str();
        let about = own.or_else(|| all.iter().find_map(|one| one["description"].as_str()));
        let limits = |one: &&Value| Some((one["minimum"].as_i64()?, one["maximum"].as_i64()?));
        let table = match (table, is_list) {
            ("", _) => String::new(),
            (table, true) => format!("[[{table}]]"),
            (table, false) => format!("[{table}]"),
        };
        self.found.push(KeyHelp {
            table,
            meaning: about.unwrap_or("see the manual").to_owned(),
            range: all.iter().find_map(limits),
        });
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
