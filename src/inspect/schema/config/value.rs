//! Schemas of single values: texts, numbers, times, lists and secrets.

use serde_json::{Value, json};

use crate::config::MAX_BODY_BYTES_CEILING;
use crate::provider::built_in_names;

pub(super) fn text(about: &str) -> Value {
    let variable = json!({ "$ref": "#/$defs/variable" });
    json!({ "description": about, "anyOf": [{ "type": "string" }, variable] })
}

pub(super) fn boolean(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

pub(super) fn integer(about: &str, min: i64, max: i64) -> Value {
    let number = json!({ "type": "integer", "minimum": min, "maximum": max });
    json!({ "description": about, "anyOf": [number, { "$ref": "#/$defs/variable" }] })
}

pub(super) fn millis(about: &str) -> Value {
    integer(about, 1, 600_000)
}

pub(super) fn duration(about: &str) -> Value {
    json!({ "$ref": "#/$defs/duration", "description": about })
}

pub(super) fn strings(about: &str) -> Value {
    let variable = json!({ "$ref": "#/$defs/variable" });
    let item = json!({ "anyOf": [{ "type": "string" }, variable] });
    json!({
        "description": about,
        "anyOf": [{ "type": "string" }, variable, { "type": "array", "items": item }],
    })
}

/// Returns the schema of an environment variable in place of a string or a number.
pub(super) fn variable() -> Value {
    json!({
        "type": "object",
        "description": "Environment variable whose value replaces this table.",
        "additionalProperties": false,
        "required": ["env"],
        "properties": { "env": { "type": "string" } },
    })
}

/// Returns the schema of a value that is a boolean or a table with `properties`.
pub(super) fn switch(about: &str, properties: &Value) -> Value {
    json!({
        "description": about,
        "anyOf": [
            { "type": "boolean" },
            { "type": "object", "additionalProperties": false, "properties": properties },
        ],
    })
}

pub(super) fn max_body_bytes() -> Value {
    json!({
        "type": "integer",
        "description": "Maximum size of the body of a callback, in bytes.",
        "minimum": 1,
        "maximum": MAX_BODY_BYTES_CEILING,
    })
}

pub(super) fn secret() -> Value {
    let from = |key: &str, about: &str| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [key],
            "properties": { key: { "type": "string", "description": about } },
        })
    };
    json!({
        "description": "A secret, or the source of a secret. A secret in the config itself causes a warning.",
        "anyOf": [
            from("env", "Name of the environment variable."),
            from("file", "Path of the file, relative to the config file."),
            { "type": "string" },
        ],
    })
}

pub(super) fn secrets(about: &str) -> Value {
    json!({
        "description": about,
        "anyOf": [
            { "$ref": "#/$defs/secret" },
            { "type": "array", "items": { "$ref": "#/$defs/secret" } },
        ],
    })
}

pub(super) fn signing_secret() -> Value {
    secrets(
        "Keys with which gatepost signs events for the app. Each key is whsec_ and 24 to 64 bytes in base64.",
    )
}

pub(super) fn provider_name() -> Value {
    json!({
        "description": "Name of the provider: built in, or from provider_files.",
        "anyOf": [{ "enum": built_in_names().collect::<Vec<_>>() }, { "type": "string" }],
    })
}
