//! JSON as TOML, and back.

use serde_json::{Map, Number, Value as Json};
use toml_edit::{Array, InlineTable, Item, TableLike, Value};

/// A JSON value as the file has it; nothing for one with `null` or a number that TOML cannot say.
pub(crate) fn to_toml(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().filter(|_| number.is_f64())?.into(),
        },
        Json::String(text) => text.into(),
        Json::Array(items) => items.iter().map(to_toml).collect::<Option<Array>>()?.into(),
        Json::Object(map) => Value::InlineTable(to_table(map)?),
    })
}

/// A JSON object as a table in braces.
pub(crate) fn to_table(map: &Map<String, Json>) -> Option<InlineTable> {
    let mut table = InlineTable::new();
    for (name, value) in map {
        table.insert(name, to_toml(value)?);
    }
    Some(table)
}

/// An item of the file as JSON; a date as text.
pub(crate) fn from_item(item: &Item) -> Json {
    if let Some(value) = item.as_value() {
        return from_value(value);
    }
    if let Some(table) = item.as_table_like() {
        return from_table(table);
    }
    let tables = item.as_array_of_tables().into_iter().flatten();
    tables.map(|table| from_table(table)).collect()
}

fn from_value(value: &Value) -> Json {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => Number::from_f64(*number.value()).map_or(Json::Null, Json::Number),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Datetime(date) => date.value().to_string().into(),
        Value::Array(items) => items.iter().map(from_value).collect(),
        Value::InlineTable(table) => from_table(table),
    }
}

fn from_table(table: &dyn TableLike) -> Json {
    table.iter().map(|(name, item)| (name.to_owned(), from_item(item))).collect()
}
