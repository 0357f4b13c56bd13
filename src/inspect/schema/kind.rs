//! The schema of one kind: the data that the app receives, and the answers that the app may give.

use serde_json::{Map, Value, json};

use super::DRAFT;
use crate::json::{Name, Shape};
use crate::provider::decision::{Decision, ReplyField, ReplyFieldName};
use crate::provider::field::{Field, Fields, Nested, Range, Type};
use crate::provider::plan::BodyFormat;
use crate::provider::{Kind, Plan};
use crate::time::Unit;

/// Returns the schema of the data of the kind `plan.kinds[index]`, with the schema of the answer in
/// `$defs`.
pub(crate) fn of_kind(plan: &Plan, index: usize) -> Value {
    let kind = plan.kind(Some(index));
    let signature = plan.signature_of(Some(index));
    // The event's data does not contain the members that belong to the signature.
    let is_consumed = |name: &str| signature.is_some_and(|rule| rule.consumes(&Name::new(name)));
    let mut schema = object(&kind.fields, true, &is_consumed);
    if plan.has_format(BodyFormat::Raw) {
        // The data may also be a body other than an object.
        schema.remove("type");
    }
    schema.insert("$schema".into(), DRAFT.into());
    schema.insert("title".into(), format!("{}.{}", plan.name, kind.name).into());
    let docs = kind.docs.as_deref().unwrap_or(&plan.docs);
    let description = match &kind.about {
        Some(about) => format!("{about} {}: {docs}", plan.title),
        None => format!("{}: {docs}", plan.title),
    };
    schema.insert("description".into(), description.into());
    schema.insert("$defs".into(), json!({ "answer": answer(kind) }));
    schema.into()
}

/// Returns the schema of the answers with a 2xx status.
fn answer(kind: &Kind) -> Value {
    let Some(decision) = &kind.decision else {
        return json!({ "description": "An answer with a 2xx status and a body without a denial or an error acknowledges the event." });
    };
    if decision.by_status.is_some() {
        return common(decision);
    }
    let flat = object(&decision.fields, decision.open, &|_| false);
    let mut forms = vec![Value::from(flat.clone())];
    if let Some(per) = &decision.item_list {
        let mut element = flat.clone();
        if let Some(Value::Object(properties)) = element.get_mut("properties") {
            properties.extend(per.echo.iter().map(|name| (name.to_string(), json!({}))));
        }
        forms.push(json!({ "type": "array", "items": element }));
    }
    if let Some(envelope) = decision.envelope.as_deref() {
        let inner = forms.clone();
        forms.push(json!({
            "type": "object",
            "properties": { envelope: { "anyOf": inner } },
            "required": [envelope],
            "additionalProperties": false,
        }));
    }
    forms.push(common(decision));
    json!({
        "description": "The platform's fields, the same fields in an envelope, or the common form with `allow`.",
        "anyOf": forms,
    })
}

/// Returns the schema of the common form: `allow`, `message`, and the platform's fields.
///
/// Omits the fields that `allow` sets, because an answer must not set a field twice.
fn common(decision: &Decision) -> Value {
    let is_field = |preset: &ReplyField, name: &str| match &preset.name {
        ReplyFieldName::Declared(index) => {
            decision.fields.get(*index).is_some_and(|f| *f.name == *name)
        }
        ReplyFieldName::Undeclared(_) => false,
    };
    let is_set_by_allow = |name: &str| {
        let mut presets = decision.allow.iter().chain(&decision.deny);
        presets.any(|preset| is_field(preset, name))
    };
    let mut common = object(&decision.fields, decision.open, &is_set_by_allow);
    let properties = common.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("allow".into(), json!({ "type": "boolean" }));
        properties.insert("message".into(), json!({ "type": ["string", "null"] }));
    }
    common.insert("required".into(), json!(["allow"]));
    common.into()
}

/// Returns the schema of an object with the declared fields. Omits fields that `leave_out` selects.
///
/// If `open` is true, the schema also allows undeclared fields.
fn object(fields: &Fields, open: bool, leave_out: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let declared: Vec<_> = fields.iter().filter(|field| !leave_out(&field.name)).collect();
    let properties: Map<_, _> =
        declared.iter().map(|field| (field.name.to_string(), of_field(field, open))).collect();
    let required: Vec<_> =
        declared.iter().filter(|field| !field.optional).map(|field| &*field.name).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    schema.insert("required".into(), required.into());
    if !open {
        schema.insert("additionalProperties".into(), false.into());
    }
    schema
}

fn of_field(field: &Field, open: bool) -> Value {
    let mut schema = if field.lenient { json!({}) } else { of_type(&field.ty, open) };
    if field.optional || field.nullable {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    let description = description(field);
    if let Some(schema) = schema.as_object_mut().filter(|_| !description.is_empty()) {
        schema.insert("description".into(), description.into());
    }
    schema
}

fn description(field: &Field) -> String {
    let about = field.about.as_deref().map(str::to_owned);
    let secret = field.secret.then(|| "A credential: do not log it.".to_owned());
    let when = field.when.as_ref().map(|when| {
        format!("Present only if `{}` is one of: {}.", when.field, when.values.join(", "))
    });
    let sentences: Vec<_> = about.into_iter().chain(secret).chain(when).collect();
    sentences.join(" ")
}

fn of_type(ty: &Type, open: bool) -> Value {
    match ty {
        Type::Any => json!({}),
        Type::Array { inner, .. } => array(inner, open),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Integer(range) => integer(range),
        Type::Json { shape: Some(Shape::Array), inner } => array(inner, open),
        Type::Json { shape: Some(_), inner } | Type::Object { inner, .. } => inside(inner, open),
        Type::Json { shape: None, .. } => json!({ "type": ["array", "object"] }),
        Type::Number => json!({ "type": "number" }),
        Type::String => json!({ "type": "string" }),
        Type::Timestamp(unit) => {
            let unit = if *unit == Unit::Millis { "Unix milliseconds." } else { "Unix seconds." };
            json!({ "type": "integer", "description": unit })
        }
    }
}

/// Returns the schema of an object. Lists the fields if the definition declares them.
fn inside(inner: &Nested, open: bool) -> Value {
    match &inner.fields {
        Some(fields) => object(fields, open, &|_| false).into(),
        None => json!({ "type": "object" }),
    }
}

fn array(inner: &Nested, open: bool) -> Value {
    let mut schema = json!({ "type": "array" });
    if let Some(schema) = schema.as_object_mut() {
        if inner.fields.is_some() {
            schema.insert("items".into(), inside(inner, open));
        }
        if let Some(of) = &inner.element {
            schema.insert("items".into(), of_type(of, open));
        }
        schema.extend(inner.max_items.map(|max| ("maxItems".to_owned(), max.into())));
    }
    schema
}

fn integer(range: &Range) -> Value {
    let mut schema = Map::new();
    schema.insert("type".into(), "integer".into());
    if range.min > i64::MIN {
        schema.insert("minimum".into(), range.min.into());
    }
    if range.max < i64::MAX {
        schema.insert("maximum".into(), range.max.into());
    }
    if range.or_zero {
        return json!({ "anyOf": [schema, { "const": 0 }] });
    }
    schema.into()
}
