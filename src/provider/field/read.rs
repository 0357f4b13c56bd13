//! Parser of the fields that a definition declares.

use std::sync::Arc;

use super::types::{Nested, Range, Type};
use super::{Condition, Field, FieldRef, Fields, MAX_FIELDS};
use crate::json::{self, Json, NameMap, Shape, Value};
use crate::time::Unit;
use crate::toml_reader::{Faults, Form, Item, Located, Table};

/// The message that contains a declared field. Some keys of a declaration are valid only for an
/// event, others only for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Event,
    Reply,
}

/// Declared fields with their aliases. A kind may add fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeclaredFields(Vec<(Field, Vec<Box<str>>)>);

/// Reads a `fields` table that kinds may extend.
pub(crate) fn declare(table: &Table<'_>, usage: Usage, faults: &Faults<'_>) -> DeclaredFields {
    let entries = table.entries().into_iter();
    DeclaredFields(
        entries.filter_map(|(name, item)| read_field(name, &item, usage, faults)).collect(),
    )
}

impl DeclaredFields {
    /// Declares one required field that the definition does not list.
    pub(crate) fn required(name: &str, ty: Type, about: &str) -> Self {
        let field = Field { about: Some(about.into()), ..Field::plain(name, ty, false) };
        Self(vec![(field, Vec::new())])
    }

    /// Adds the fields of `table`. An added field replaces an existing field of the same name.
    pub(crate) fn extend(mut self, table: &Table<'_>, usage: Usage, faults: &Faults<'_>) -> Fields {
        for added in declare(table, usage, faults).0 {
            match self.0.iter_mut().find(|(field, _)| field.name == added.0.name) {
                Some(existing) => *existing = added,
                None => self.0.push(added),
            }
        }
        if self.0.len() > MAX_FIELDS {
            let problem = format!("expected at most {MAX_FIELDS} fields, found {}", self.0.len());
            faults.add(&table.place, problem, "remove fields");
            self.0.truncate(MAX_FIELDS);
        }
        let fields = self.build();
        if let Some(name) = fields.by_name.first_duplicate() {
            let problem = format!("expected different names, found two fields `{name}`");
            faults.add(&table.place, problem, "give each field and alias a different name");
        }
        fields
    }

    /// Builds the list of fields, with an index by names and aliases.
    pub(crate) fn build(self) -> Fields {
        let mut fields = Fields::default();
        let mut by_name = Vec::new();
        for (index, (field, aliases)) in self.0.into_iter().enumerate().take(MAX_FIELDS) {
            let bit = 1 << index;
            if !field.optional {
                fields.required |= bit;
            }
            let aliases = aliases.iter().map(|alias| (alias, true));
            let names = aliases.chain([(&field.name, false)]);
            let field_ref = |is_alias| FieldRef { index, is_alias, bit };
            by_name.extend(names.map(|(name, is_alias)| ((&**name).into(), field_ref(is_alias))));
            fields.list.push(field);
        }
        fields.by_name = NameMap::new(by_name);
        fields
    }
}

/// Reads a `fields` table that kinds cannot extend.
pub(crate) fn read_fields(table: &Table<'_>, usage: Usage, faults: &Faults<'_>) -> Fields {
    DeclaredFields::default().extend(table, usage, faults)
}

impl Field {
    /// Returns a field with defaults for all properties except the name, the type and `optional`.
    fn plain(name: &str, ty: Type, optional: bool) -> Self {
        let mut key = Vec::new();
        json::write_string(name, &mut key);
        key.push(b':');
        Self {
            name: name.into(),
            key: key.into(),
            ty,
            about: None,
            optional,
            nullable: false,
            secret: false,
            lenient: false,
            essential: false,
            when: None,
        }
    }
}

/// Reads one field: `"integer"`, `"integer?"` for an optional field, or a table.
fn read_field(
    name: &str,
    item: &Item<'_>,
    usage: Usage,
    faults: &Faults<'_>,
) -> Option<(Field, Vec<Box<str>>)> {
    match &item.form {
        Form::String(word) => {
            let type_name = word.strip_suffix('?').unwrap_or(word);
            let is_optional = type_name.len() < word.len();
            let type_name = Located { value: type_name, place: item.place.clone() };
            let ty = read_type(&type_name, None, usage, faults)?;
            Some((Field::plain(name, ty, is_optional), Vec::new()))
        }
        Form::Table(table) => {
            let word = table.require_string("type", "set the type of the field");
            let optional = table.boolean("optional").unwrap_or(false);
            let about = table.string("about").map(|text| text.value.into());
            let mut aliases = Vec::new();
            let (mut nullable, mut secret, mut lenient, mut when) = (false, false, false, None);
            match usage {
                Usage::Event => {
                    nullable = table.boolean("nullable").unwrap_or(false);
                    secret = table.boolean("secret").unwrap_or(false);
                    lenient = table.boolean("lenient").unwrap_or(false);
                    aliases = table.strings("aliases").iter().map(|a| a.value.into()).collect();
                }
                Usage::Reply => when = table.table("when").and_then(|t| read_condition(&t, faults)),
            }
            let ty = read_type(&word?, Some(table), usage, faults);
            table.finish();
            Some((
                Field {
                    about,
                    nullable,
                    secret,
                    lenient,
                    when,
                    ..Field::plain(name, ty?, optional)
                },
                aliases,
            ))
        }
        Form::Other(_) => {
            let problem = format!("expected a string or a table, found {}", item.form.name());
            faults.add(&item.place, problem, "write a type such as \"integer\", or a table");
            None
        }
    }
}

fn read_type(
    word: &Located<&str>,
    table: Option<&Table<'_>>,
    usage: Usage,
    faults: &Faults<'_>,
) -> Option<Type> {
    let flag = |key| table.and_then(|t| t.boolean(key)).unwrap_or(false);
    let inner = || table.map(|t| read_inner(t, usage, faults)).unwrap_or_default();
    Some(match word.value {
        "any" => Type::Any,
        "array" => Type::Array { wrap: usage == Usage::Event && flag("wrap"), inner: inner() },
        "boolean" => Type::Boolean,
        "integer" => Type::Integer(read_range(table, faults)),
        "json" => Type::Json { shape: table.and_then(|t| read_shape(t, faults)), inner: inner() },
        "number" => Type::Number,
        "object" => Type::Object { inner: inner(), rising: flag("rising") },
        "string" => Type::String,
        "timestamp" => {
            let unit = table.map_or(Unit::Seconds, |t| read_unit(t, faults));
            if let Some(table) = table.filter(|_| !unit.is_number()) {
                let word = unit.word();
                let problem = format!("expected s or ms as the unit of a timestamp, found {word}");
                let remedy = "write unit = \"s\" or \"ms\", or type = \"string\"";
                faults.add(&table.place_of("unit"), problem, remedy);
            }
            Type::Timestamp(unit)
        }
        _ => {
            faults.add_unknown(word, "type", Type::NAMES.into_iter());
            return None;
        }
    })
}

fn read_inner(table: &Table<'_>, usage: Usage, faults: &Faults<'_>) -> Nested {
    let max_items = table.integer("max_items", 1..=1_000_000);
    let element = table.any("of").and_then(|item| {
        let Form::String(word) = item.form else { return None };
        let word = Located { value: word, place: item.place };
        read_type(&word, None, usage, faults).map(Box::new)
    });
    Nested {
        element,
        fields: table.table("fields").map(|nested| Arc::new(read_fields(&nested, usage, faults))),
        max_items: max_items.and_then(|max| usize::try_from(max).ok()),
    }
}

/// Reads a condition, such as `{ kind = [1, 3] }`: a member and its allowed values.
pub(crate) fn read_condition(table: &Table<'_>, faults: &Faults<'_>) -> Option<Condition> {
    let json = table.to_json()?;
    let object = json::Object::from_json(&json).ok()?;
    let mut members = object.iter();
    let condition = members.next().and_then(|(field, value)| {
        let values: Option<Vec<_>> = match value {
            Value::Json(Json { text, shape: Shape::Array, .. }) => json::elements(text)
                .ok()?
                .into_iter()
                .map(|raw| Value::json(raw).scalar().map(|text| Box::from(&*text)))
                .collect(),
            Value::Json(_) | Value::Text(_) => value.scalar().map(|text| vec![Box::from(&*text)]),
        };
        Some(Condition { field: field.into(), values: values? })
    });
    if condition.is_none() || members.next().is_some() {
        let remedy = "write one field with its values, for example { kind = [1, 3] }";
        let found = match object.len() {
            1 => "an unsupported value".to_owned(),
            fields => format!("{fields} fields"),
        };
        faults.add(
            &table.place,
            format!("expected one field with its values, found {found}"),
            remedy,
        );
        return None;
    }
    condition
}

/// Reads `holds`, the required shape of a `json` field: `"object"` or `"array"`. `None` allows
/// both.
fn read_shape(table: &Table<'_>, faults: &Faults<'_>) -> Option<Shape> {
    let word = table.string("holds")?;
    match word.value {
        "array" => Some(Shape::Array),
        "object" => Some(Shape::Object),
        _ => {
            faults.add_unknown(&word, "shape", ["array", "object"].into_iter());
            None
        }
    }
}

fn read_range(table: Option<&Table<'_>>, faults: &Faults<'_>) -> Range {
    let bound = |key| table.and_then(|t| t.integer(key, i64::MIN..=i64::MAX));
    let range = Range {
        min: bound("min").unwrap_or(Range::ANY.min),
        max: bound("max").unwrap_or(Range::ANY.max),
        or_zero: table.and_then(|t| t.boolean("or_zero")).unwrap_or(false),
    };
    if let Some(table) = table.filter(|_| range.min > range.max) {
        let Range { min, max, .. } = range;
        let problem = format!("expected min to be at most max, found {min} and {max}");
        faults.add(&table.place_of("min"), problem, "decrease min or increase max");
    }
    range
}

/// Reads `unit`: `"s"`, `"ms"`, `"rfc3339"` or `"iso8601-utc"`. The default is `"s"`.
pub(crate) fn read_unit(table: &Table<'_>, faults: &Faults<'_>) -> Unit {
    let Some(unit) = table.string("unit") else { return Unit::Seconds };
    let found = Unit::WORDS.iter().find(|(word, _)| *word == unit.value).map(|(_, unit)| *unit);
    if found.is_none() {
        faults.add_unknown(&unit, "unit", Unit::WORDS.iter().map(|(word, _)| *word));
    }
    found.unwrap_or(Unit::Seconds)
}
