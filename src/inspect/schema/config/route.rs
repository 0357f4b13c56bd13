//! Schema of `[[route]]`, and of its keys that entries for kinds also have.

use serde_json::{Value, json};

use super::value::{boolean, integer, max_body_bytes, provider_name, strings, text};

pub(super) fn route() -> Value {
    json!({
        "type": "object",
        "description": "A path on which a platform sends its callbacks.",
        "additionalProperties": false,
        "required": ["path", "provider"],
        "properties": {
            "path": text("Path that the platform calls; {token} marks a secret segment."),
            "query": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "type": "string", "pattern": "^[A-Za-z0-9._~/-]*$" },
                "description": "Parameters in the query of every callback, such as { c = \"callback\" }. A request with another query is not a callback, and gatepost passes it on.",
            },
            "provider": provider_name(),
            "token": { "$ref": "#/$defs/secret", "description": "Secret segment of the path, in place of {token}." },
            "kind": text(
                "Kind of all callbacks on this path. gatepost refuses a callback that names another kind \
                 (field_invalid). If this key names the provider's kind for undeclared names, such as `event`, gatepost accepts every name."
            ),
            "template": text("Template of all callbacks on this path."),
            "mode": {
                "enum": ["enforce", "shadow"],
                "description": "In shadow mode, gatepost logs and counts its verdicts, and passes all callbacks on to the upstream, whatever the verdict.",
            },
            "cors": strings("Origins whose web pages may read the replies, such as https://player.example.com; * for all; default: none."),
            "forward": { "$ref": "#/$defs/forward" },
            "reserve": { "$ref": "#/$defs/reserve" },
            "max_body_bytes": max_body_bytes(),
            "allow": strings("Networks of the clients that may call the route; default: all."),
            "limit": route_limit(),
            "source_limit": rate("Rate limit of the callbacks from one client."),
        },
    })
}

pub(super) fn forward() -> Value {
    json!({
        "description": "Form in which the app receives events.",
        "enum": ["json", "cloudevents", "common", "raw", "passthrough"],
    })
}

pub(super) fn reserve() -> Value {
    json!({
        "description": "Paths that the proxy reserves for callbacks and events: the path alone (exact), or also the paths that a file server maps to this path (subtree).",
        "enum": ["exact", "subtree"],
    })
}

fn route_limit() -> Value {
    let mut limit = rate("Rate limit of the genuine callbacks that the app receives.");
    limit["properties"]["shared"] =
        boolean("All machines with the same store share the limit; default: false.");
    limit
}

fn rate(about: &str) -> Value {
    json!({
        "type": "object",
        "description": about,
        "additionalProperties": false,
        "required": ["per_second"],
        "properties": {
            "per_second": integer("Callbacks per second.", 1, 1_000_000),
            "burst": integer("Maximum number of callbacks at the same moment; default: per_second.", 1, 1_000_000),
        },
    })
}
