//! Fields as a definition writes them.

use super::types::{Range, Type};
use super::{Field, Fields, MAX_FIELDS};
use crate::document::{Faults, Form, Item, Table, allowed};
use crate::json::{self, Shape};
use crate::time::Unit;

/// Reads `[…fields]` tables; a later one replaces a field of an earlier one.
pub(crate) fn read_fields(tables: &[&Table<'_>], faults: &Faults<'_>) -> Fields {
    let mut list: Vec<(Field, Vec<Box<str>>)> = Vec::new();
    for table in tables {
        for (name, item) in table.entries() {
            let Some(read) = read_field(name, &item, faults) else { continue };
            match list.iter_mut().find(|(field, _)| *field.name == *name) {
                Some(earlier) => *earlier = read,
                None => list.push(read),
            }
        }
    }
    if let (true, Some(table)) = (list.len() > MAX_FIELDS, tables.last()) {
        faults.add(&table.place, "too many fields", format!("declare at most {MAX_FIELDS}"));
        list.truncate(MAX_FIELDS);
    }
    let mut fields = Fields::default();
    for (index, (field, aliases)) in list.into_iter().enumerate() {
        if !field.optional {
            fields.required |= 1 << index;
        }
        fields.index.extend(aliases.into_iter().map(|alias| (alias, index)));
        fields.index.push((field.name.clone(), index));
        fields.list.push(field);
    }
    fields.index.sort();
    fields
}

/// `"integer"`, `"integer?"` for an optional one, or a table.
fn read_field(name: &str, item: &Item<'_>, faults: &Faults<'_>) -> Option<(Field, Vec<Box<str>>)> {
    let plain = |ty, optional| {
        let mut key = Vec::new();
        json::write_string(name, &mut key);
        key.push(b':');
        let (name, key) = (name.into(), key.into());
        Field { name, key, ty, optional, nullable: false, secret: false }
    };
    match &item.form {
        Form::String(word) => {
            let bare = word.strip_suffix('?').unwrap_or(word);
            let ty = read_type(bare, None, item, faults)?;
            Some((plain(ty, bare.len() < word.len()), Vec::new()))
        }
        Form::Table(table) => {
            let word = table.require_string("type", "name the field's type");
            let optional = table.boolean("optional").unwrap_or(false);
            let nullable = table.boolean("nullable").unwrap_or(false);
            let secret = table.boolean("secret").unwrap_or(false);
            let aliases = table.strings("aliases").iter().map(|a| a.value.into()).collect();
            let ty = read_type(word?.value, Some(table), item, faults);
            table.finish();
            Some((Field { nullable, secret, ..plain(ty?, optional) }, aliases))
        }
        Form::Other(_) => {
            let problem = format!("this is {}", item.form.name());
            faults.add(&item.place, problem, "write a type such as \"integer\", or a table");
            None
        }
    }
}

fn read_type(
    word: &str,
    table: Option<&Table<'_>>,
    item: &Item<'_>,
    faults: &Faults<'_>,
) -> Option<Type> {
    Some(match word {
        "array" => Type::Array { wrap: table.and_then(|t| t.boolean("wrap")).unwrap_or(false) },
        "boolean" => Type::Boolean,
        "integer" => Type::Integer(read_range(table)),
        "json" => Type::Json { holds: table.and_then(|t| read_holds(t, faults)) },
        "number" => Type::Number,
        "object" => Type::Object,
        "string" => Type::String,
        "timestamp" => Type::Timestamp(table.map_or(Unit::Seconds, |t| read_unit(t, faults))),
        other => {
            let remedy = allowed("type", other, Type::NAMES.into_iter());
            faults.add(&item.place, "this type is unknown", remedy);
            return None;
        }
    })
}

/// `holds = "object"` or `"array"`; without it either.
fn read_holds(table: &Table<'_>, faults: &Faults<'_>) -> Option<Shape> {
    let word = table.string("holds")?;
    match word.value {
        "array" => Some(Shape::Array),
        "object" => Some(Shape::Object),
        other => {
            let remedy = allowed("shape", other, ["array", "object"].into_iter());
            faults.add(&word.place, "this shape is unknown", remedy);
            None
        }
    }
}

fn read_range(table: Option<&Table<'_>>) -> Range {
    let bound = |key| table.and_then(|t| t.integer(key, i64::MIN..=i64::MAX));
    Range {
        min: bound("min").unwrap_or(Range::ANY.min),
        max: bound("max").unwrap_or(Range::ANY.max),
    }
}

/// `unit = "s"` or `"ms"`.
pub(crate) fn read_unit(table: &Table<'_>, faults: &Faults<'_>) -> Unit {
    match table.string("unit") {
        None => Unit::Seconds,
        Some(unit) => match unit.value {
            "s" => Unit::Seconds,
            "ms" => Unit::Millis,
            other => {
                let remedy = allowed("unit", other, ["s", "ms"].into_iter());
                faults.add(&unit.place, "this unit is unknown", remedy);
                Unit::Seconds
            }
        },
    }
}
