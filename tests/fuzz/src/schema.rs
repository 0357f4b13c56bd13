//! As much of JSON Schema as the crate's own schemas use.

use serde_json::Value;

/// Whether the value fits.
///
/// # Panics
///
/// At a word that is not known here, so that nothing is passed over.
pub fn fits(schema: &Value, value: &Value) -> bool {
    let words = schema.as_object().expect("a schema is an object");
    words.iter().all(|(word, says)| match &**word {
        "$defs" | "$schema" | "description" | "title" => true,
        "additionalProperties" => {
            let known = words.get("properties").and_then(Value::as_object);
            let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
            assert_eq!(says, &Value::Bool(false));
            value.as_object().is_none_or(|members| members.keys().all(is_known))
        }
        "anyOf" => list(says).iter().any(|schema| fits(schema, value)),
        "const" => says == value,
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(says, item))),
        "maxItems" => {
            value.as_array().is_none_or(|items| Some(items.len() as u64) <= says.as_u64())
        }
        "maximum" => value.as_i64().is_none_or(|number| Some(number) <= says.as_i64()),
        "minimum" => value.as_i64().is_none_or(|number| Some(number) >= says.as_i64()),
        "properties" => says
            .as_object()
            .expect("an object")
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|member| fits(schema, member))),
        "required" => {
            let name = |name: &Value| value.get(name.as_str().expect("a name")).is_some();
            !value.is_object() || list(says).iter().all(name)
        }
        "type" => match says {
            Value::String(one) => is(one, value),
            several => list(several).iter().any(|one| is(one.as_str().expect("a type"), value)),
        },
        unknown => panic!("`{unknown}` is not known here"),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
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
        unknown => panic!("`{unknown}` is no type"),
    }
}
