//! Conversion of values of the config file from and to JSON.

use serde_json::{Map, Number, Value as Json};
use toml_edit::{Array, InlineTable, Item, TableLike, Value};

/// A TOML value.
#[derive(Clone, Debug)]
pub struct TomlValue(pub(crate) Value);

impl TomlValue {
    /// Converts a JSON value. Returns `None` if the JSON contains `null` or an integer outside of
    /// `i64`, because TOML has no such values.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let value = match json {
            Json::Null => return None,
            Json::Bool(flag) => (*flag).into(),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => whole.into(),
                None => number.as_f64().filter(|_| number.is_f64())?.into(),
            },
            Json::String(text) => text.into(),
            Json::Array(items) => {
                let items = items.iter().map(|item| Self::from_json(item).map(|value| value.0));
                items.collect::<Option<Array>>()?.into()
            }
            Json::Object(map) => Value::InlineTable(TomlTable::from_json(map)?.0),
        };
        Some(Self(value))
    }

    /// Parses `text` as a TOML value. Text that is not a TOML value becomes a string.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.parse().unwrap_or_else(|_| text.into()))
    }
}

/// A TOML table in braces: `{ key = value }`.
#[derive(Clone, Debug)]
pub struct TomlTable(pub(crate) InlineTable);

impl TomlTable {
    /// Converts a JSON object. Returns `None` if the object contains `null`, or an integer outside
    /// of `i64`.
    #[must_use]
    pub fn from_json(map: &Map<String, Json>) -> Option<Self> {
        let mut table = InlineTable::new();
        for (name, value) in map {
            table.insert(name, TomlValue::from_json(value)?.0);
        }
        Some(Self(table))
    }
}

/// Converts a TOML item to JSON. A date becomes a string. An infinite float or NaN becomes `null`.
pub(crate) fn json_from_item(item: &Item) -> Json {
    if let Some(value) = item.as_value() {
        return json_from_value(value);
    }
    if let Some(table) = item.as_table_like() {
        return json_from_table(table);
    }
    let tables = item.as_array_of_tables().into_iter().flatten();
    tables.map(|table| json_from_table(table)).collect()
}

fn json_from_value(value: &Value) -> Json {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => Number::from_f64(*number.value()).map_or(Json::Null, Json::Number),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(items) => items.iter().map(json_from_value).collect(),
        Value::InlineTable(table) => json_from_table(table),
    }
}

fn json_from_table(table: &dyn TableLike) -> Json {
    table.iter().map(|(name, item)| (name.to_owned(), json_from_item(item))).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Parses a TOML table in braces.
    pub(crate) fn table(text: &str) -> TomlTable {
        TomlTable(text.parse::<Value>().unwrap().as_inline_table().unwrap().clone())
    }
}
