//! The schema of the config file. TOML editors use the schema to check a config during editing.

mod proxy;
mod route;
mod template;
mod value;

use serde_json::{Map, Value, json};

use self::proxy::proxy_keys;
use self::route::{forward, reserve, route};
use self::template::{
    decision, decision_keys, dedupe, entry, notification, notification_keys, template,
};
use self::value::{
    boolean, duration, integer, max_body_bytes, millis, secret, signing_secret, strings, switch,
    text, variable,
};
use super::DRAFT;
use crate::inspect::providers;

/// Identifier of the schema. The address need not exist.
const ID: &str = "https://github.com/gatepost/gatepost/schema/config.json";

/// Returns the JSON Schema (draft 2020-12) of the config file.
///
/// The schema contains the kinds and settings of the built-in providers.
///
/// # Examples
///
/// ```
/// let schema = gatepost::config_schema();
/// assert_eq!(schema["required"], serde_json::json!(["route"]));
/// assert_eq!(schema["properties"]["threads"]["anyOf"][0]["maximum"], 1024);
/// ```
#[must_use]
pub fn config_schema() -> Value {
    json!({
        "$schema": DRAFT,
        "$id": ID,
        "title": "gatepost's config file",
        "type": "object",
        "additionalProperties": false,
        "required": ["route"],
        "properties": joined([proxy_keys(), shared_keys()]),
        "$defs": definitions(),
    })
}

/// Returns the keys that both the proxy and a layer use.
fn shared_keys() -> Value {
    json!({
        "include": strings("Files with further routes and templates, relative to the config file; * in a path matches any name."),
        "max_body_bytes": max_body_bytes(),
        "breaker": breaker(),
        "trusted_proxies": strings(
            "Networks of the proxies whose x-forwarded-* headers gatepost trusts.",
        ),
        "proxy_protocol": boolean("If true, each connection must begin with a header of the PROXY protocol; the proxy closes all other connections."),
        "signing_secret": signing_secret(),
        "provider_files": strings("Files with provider definitions, relative to the config."),
        "outgoing_tls": { "type": "array", "items": outgoing_tls() },
        "route": { "type": "array", "minItems": 1, "items": route() },
        "template": { "type": "array", "items": template(&providers()) },
    })
}

/// Returns an object with the members of several objects.
fn joined(objects: impl IntoIterator<Item = Value>) -> Value {
    let mut all = Map::new();
    for object in objects {
        if let Value::Object(members) = object {
            all.extend(members);
        }
    }
    Value::Object(all)
}

/// Returns `$defs`: the schemas that several parts of the schema refer to.
fn definitions() -> Value {
    json!({
        "secret": secret(),
        "variable": variable(),
        "duration": {
            "description": "Time with a unit: ms, s, m or h, for example 1500ms or 1m 30s.",
            "anyOf": [
                { "type": "string", "pattern": "[0-9]\\s*[a-zA-Z]" },
                { "$ref": "#/$defs/variable" },
            ],
        },
        "dedupe": dedupe(),
        "forward": forward(),
        "reserve": reserve(),
        "decision": decision(),
        "notification": notification(),
        "any_kind": entry("Entry for each kind of a group, or (\"*\") for each kind without an entry of its own.", &[
            decision_keys(), notification_keys(),
        ]),
    })
}

fn breaker() -> Value {
    switch(
        "Circuit breaker: while the circuit is open, gatepost asks the app only once in each retry_ms. Default: true; false turns the circuit breaker off.",
        &json!({
            "failures": integer("Consecutive failures that open the circuit; default: 5.", 1, 1_000_000),
            "retry_ms": millis("Milliseconds between two attempts while the circuit is open; default: 1000."),
            "retry": duration("Value of retry_ms with a unit, for example \"1s\"."),
        }),
    )
}

fn outgoing_tls() -> Value {
    json!({
        "type": "object",
        "description": "TLS of connections to apps, to the upstream and to NATS servers; for each host, the first entry that covers the host applies.",
        "additionalProperties": false,
        "properties": {
            "hosts": strings("Hosts to which this entry applies; default: all."),
            "ca": text("PEM file with the certificates of the trusted authorities; default: the authorities that the machine trusts."),
            "certificate": text("PEM file with the client certificate and the certificates of its issuers."),
            "key": { "$ref": "#/$defs/secret", "description": "Key of the client certificate." },
            "server_name": text("Name that the certificate of the server must have; default: the host."),
        },
    })
}
