//! Validator for the part of JSON Schema that gatepost's schemas use.

use serde_json::Value;

/// Returns true if the value matches the schema.
///
/// # Panics
///
/// Panics if the schema has an unknown keyword, so that the check skips no rule.
pub fn fits(schema: &Value, value: &Value) -> bool {
    let keywords = schema.as_object().expect("expected an object, found another type");
    keywords.iter().all(|(keyword, rule)| match &**keyword {
        "$defs" | "$schema" | "description" | "title" => true,
        "additionalProperties" => {
            let known = keywords.get("properties").and_then(Value::as_object);
            let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
            assert_eq!(rule, &Value::Bool(false));
            value.as_object().is_none_or(|members| members.keys().all(is_known))
        }
        "anyOf" => list(rule).iter().any(|schema| fits(schema, value)),
        "const" => rule == value,
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(rule, item))),
        "maxItems" => {
            value.as_array().is_none_or(|items| Some(items.len() as u64) <= rule.as_u64())
        }
        "maximum" => value.as_i64().is_none_or(|number| Some(number) <= rule.as_i64()),
        "minimum" => value.as_i64().is_none_or(|number| Some(number) >= rule.as_i64()),
        "properties" => rule
            .as_object()
            .expect("expected an object, found another type")
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|member| fits(schema, member))),
        "required" => {
            let name = |name: &Value| {
                value.get(name.as_str().expect("expected a name, found another type")).is_some()
            };
            !value.is_object() || list(rule).iter().all(name)
        }
        "type" => match rule {
            Value::String(one) => is(one, value),
            several => list(several).iter().any(|one| {
                is(one.as_str().expect("expected the name of a type, found another type"), value)
            }),
        },
        unknown => panic!("expected a known keyword, found `{unknown}`"),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("expected a list, found another type")
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        unknown => panic!("expected a type, found `{unknown}`"),
    }
}
