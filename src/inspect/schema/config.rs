//! The schema of the config file. TOML editors use the schema to check a config during editing.

use serde_json::{Map, Value, json};

use super::DRAFT;
use crate::config::{
    KEEP_CEILING, MAX_BODY_BYTES_CEILING, MAX_BYTES_CEILING, MAX_CONNECTIONS_CEILING,
    MAX_GIVE_UP_SECS, MAX_REPLICAS, MAX_RETENTION_SECS, MAX_RETRY_MS, MAX_STORE_BYTES,
    MAX_UNJUDGED_BYTES_CEILING, MIN_MAX_BYTES, MIN_STORE_BYTES, MIN_UNJUDGED_BYTES,
};
use crate::inspect::{KindInfo, ProviderInfo, SettingInfo, providers};
use crate::provider::built_in_names;
use crate::toml_reader::duration_key;

/// The number of seconds in a day: the upper limit of time windows and ages in the config.
const DAY: i64 = 86_400;

/// Description of `dedupe`.
const DEDUPE: &str = "Deduplication: gatepost replies to a resend without asking the app again.";

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

/// Returns the keys that only the proxy uses.
fn proxy_keys() -> Value {
    json!({
        "listen": strings("Addresses on which the proxy listens, for example 127.0.0.1:8080."),
        "listen_tls": strings("Addresses on which the proxy listens for TLS, for example 0.0.0.0:8443."),
        "certificate": { "type": "array", "items": certificate() },
        "tls": tls(),
        "upstream": strings("Servers for all requests that are not callbacks, each http://, https:// or unix:. Default: none; the proxy replies 404 to these requests."),
        "upstream_http2": boolean("If true, the proxy uses HTTP/2 with the upstream, even without TLS. gRPC needs HTTP/2."),
        "health_path": text("Path that gatepost requests to probe a server that is down, if an app or the upstream has several addresses; default: gatepost only connects."),
        "upstream_idle_ms": integer(
            "Milliseconds for which the proxy keeps an idle connection to the upstream.", 1, 3_600_000,
        ),
        "upstream_idle": duration("Value of upstream_idle_ms with a unit, for example \"4s\"."),
        "admin": text("Address of the listener for /healthz, /readyz, /metrics, /api and the console: 127.0.0.1:9900, tls:127.0.0.1:9900 or unix:/path."),
        "watch": boolean("If true, the proxy loads the config again when one of its files changes."),
        "admin_token": {
            "$ref": "#/$defs/secret",
            "description": "Token with which clients of /api may read data and make changes; if this key is not set, no client may make changes.",
        },
        "admin_read_token": {
            "$ref": "#/$defs/secret",
            "description": "Token with which clients of /api may only read data; default: none.",
        },
        "inspector": inspector(),
        "admin_hosts": strings("Names that /api and the console accept as `host`, besides localhost and IP addresses."),
        "allow_addresses": strings("Networks, host names and unix: sockets that a client of /api may set as addresses of apps; default: all but link-local addresses, metadata services and sockets."),
        "key_dirs": strings("Folders of the key files that a client of /api may name, besides the folder of the config and the folders below it."),
        "threads": integer("Number of worker threads; default: one per core.", 1, 1024),
        "max_connections": integer(
            "Maximum number of open connections; above this number, the proxy closes a connection that is idle or has an incomplete request, from the client address that has the most such connections.",
            1, MAX_CONNECTIONS_CEILING,
        ),
        "max_unjudged_bytes": integer(
            "Maximum number of bytes of requests without a verdict; above this number, the proxy closes the oldest incomplete request of the client whose requests hold the most bytes.",
            MIN_UNJUDGED_BYTES, MAX_UNJUDGED_BYTES_CEILING,
        ),
        "stop_timeout_secs": integer(
            "Seconds for which a stopping proxy waits for requests in flight.", 0, 3600,
        ),
        "stop_timeout": duration("Value of stop_timeout_secs with a unit, for example \"30s\"."),
        "upgrade_socket": text("Path of the Unix socket over which `gatepost run --upgrade` takes over the listeners of the running proxy."),
        "log_callbacks": log_callbacks(),
        "store": store(),
        "telemetry": telemetry(),
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

fn certificate() -> Value {
    json!({
        "type": "object",
        "description": "A certificate of the TLS listeners. The proxy chooses the certificate with the server name that the client sends (SNI); if no certificate has this name, or the client sends no name, the proxy uses the first certificate.",
        "additionalProperties": false,
        "required": ["chain", "key"],
        "properties": {
            "chain": text("PEM file with the server's certificate and the certificates of its issuers, relative to the config."),
            "key": { "$ref": "#/$defs/secret", "description": "Private key of the first certificate of `chain`, in PEM." },
        },
    })
}

fn tls() -> Value {
    json!({
        "type": "object",
        "description": "Settings of the TLS listeners.",
        "additionalProperties": false,
        "properties": {
            "min_version": { "enum": ["1.2", "1.3"], "description": "Lowest version of TLS that the proxy accepts." },
            "client_ca": text("PEM file with the certificates of the authorities; each client must have a certificate of one of these authorities."),
        },
    })
}

fn text(about: &str) -> Value {
    let variable = json!({ "$ref": "#/$defs/variable" });
    json!({ "description": about, "anyOf": [{ "type": "string" }, variable] })
}

fn boolean(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

fn integer(about: &str, min: i64, max: i64) -> Value {
    let number = json!({ "type": "integer", "minimum": min, "maximum": max });
    json!({ "description": about, "anyOf": [number, { "$ref": "#/$defs/variable" }] })
}

fn millis(about: &str) -> Value {
    integer(about, 1, 600_000)
}

fn duration(about: &str) -> Value {
    json!({ "$ref": "#/$defs/duration", "description": about })
}

fn strings(about: &str) -> Value {
    let variable = json!({ "$ref": "#/$defs/variable" });
    let item = json!({ "anyOf": [{ "type": "string" }, variable] });
    json!({
        "description": about,
        "anyOf": [{ "type": "string" }, variable, { "type": "array", "items": item }],
    })
}

/// Returns the schema of an environment variable in place of a string or a number.
fn variable() -> Value {
    json!({
        "type": "object",
        "description": "Environment variable whose value replaces this table.",
        "additionalProperties": false,
        "required": ["env"],
        "properties": { "env": { "type": "string" } },
    })
}

fn dedupe() -> Value {
    switch(
        DEDUPE,
        &json!({
            "window_secs": integer("Seconds for which gatepost remembers a callback.", 1, DAY),
            "window": duration("Value of window_secs with a unit, for example \"1h\"."),
        }),
    )
}

/// Returns the schema of a value that is a boolean or a table with `properties`.
fn switch(about: &str, properties: &Value) -> Value {
    json!({
        "description": about,
        "anyOf": [
            { "type": "boolean" },
            { "type": "object", "additionalProperties": false, "properties": properties },
        ],
    })
}

fn max_body_bytes() -> Value {
    json!({
        "type": "integer",
        "description": "Maximum size of the body of a callback, in bytes.",
        "minimum": 1,
        "maximum": MAX_BODY_BYTES_CEILING,
    })
}

fn secret() -> Value {
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

fn secrets(about: &str) -> Value {
    json!({
        "description": about,
        "anyOf": [
            { "$ref": "#/$defs/secret" },
            { "type": "array", "items": { "$ref": "#/$defs/secret" } },
        ],
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

fn log_callbacks() -> Value {
    json!({
        "enum": ["all", "none", "refused"],
        "description": "Callbacks for which the proxy writes a log line; default: refused.",
    })
}

fn store() -> Value {
    json!({
        "type": "object",
        "description": "Store for queued events, and for the state that gatepost needs after a restart.",
        "additionalProperties": false,
        "required": ["url"],
        "properties": {
            "url": text("URL of the store: sqlite: and a file, relative to the config file; or nats:// or tls:// and NATS servers."),
            "replicas": integer("Number of NATS servers that store each event; default: 3.", 1, MAX_REPLICAS),
            "prefix": text("First part of the names of streams and subjects in NATS; default: gatepost."),
            "monitor": strings("Addresses of the monitor ports of the NATS servers, such as http://n1:8222."),
            "user": text("User name for the NATS servers."),
            "password": { "$ref": "#/$defs/secret", "description": "Password for the NATS servers." },
            "token": { "$ref": "#/$defs/secret", "description": "Token for the NATS servers." },
            "credentials": { "$ref": "#/$defs/secret", "description": "Credentials of a NATS user: the content of a .creds file." },
            "nkey": { "$ref": "#/$defs/secret", "description": "Seed of an NKey user of the NATS servers." },
            "max_bytes": integer(
                "Maximum total size of the pending events and the dead letters, in bytes; above this size, gatepost stores no new event, and replies 503.",
                MIN_STORE_BYTES, MAX_STORE_BYTES,
            ),
            "retention": {
                "type": "object",
                "description": "Times for which the store keeps delivered events and dead letters.",
                "additionalProperties": false,
                "properties": {
                    "delivered_secs": integer("Seconds for which the store keeps a delivered event; default: 86400.", 1, MAX_RETENTION_SECS),
                    "delivered": duration("Value of delivered_secs with a unit, for example \"24h\"."),
                    "dead_secs": integer("Seconds for which the store keeps a dead letter: an event that gatepost stopped trying to deliver; default: 1209600.", 1, MAX_RETENTION_SECS),
                    "dead": duration("Value of dead_secs with a unit, for example \"336h\"."),
                },
            },
        },
    })
}

fn inspector() -> Value {
    json!({
        "type": "object",
        "description": "Callbacks that the proxy keeps in memory for the operator; needs admin_token or admin_read_token.",
        "additionalProperties": false,
        "properties": {
            "keep": integer("Maximum number of callbacks.", 1, KEEP_CEILING),
            "max_bytes": integer("Maximum total size of these callbacks, in bytes.", MIN_MAX_BYTES, MAX_BYTES_CEILING),
            "capture": {
                "enum": ["none", "masked", "full"],
                "description": "none: gatepost captures no callback. masked: gatepost shows captured callbacks, but hides keys, tokens, credentials, signatures, and fields whose names or definitions denote secrets. full: gatepost hides only keys, tokens and credentials.",
            },
        },
    })
}

fn retry() -> Value {
    json!({
        "type": "object",
        "description": "Times of the attempts to deliver a queued event. If this table is missing, each key has its default.",
        "additionalProperties": false,
        "properties": {
            "first_ms": integer("Wait after the first failed attempt, in milliseconds; each further wait is twice as long, up to max_ms. gatepost shortens each wait at random, by up to half. Default: 1000.", 1, MAX_RETRY_MS),
            "first": duration("Value of first_ms with a unit, for example \"1s\"."),
            "max_ms": integer("Longest wait between two attempts, in milliseconds; default: 300000, or first_ms if this is longer.", 1, MAX_RETRY_MS),
            "max": duration("Value of max_ms with a unit, for example \"5m\"."),
            "give_up_after_secs": integer("Seconds from the queueing of an event until gatepost stops trying to deliver the event; default: 86400.", 1, MAX_GIVE_UP_SECS),
            "give_up_after": duration("Value of give_up_after_secs with a unit, for example \"24h\"."),
        },
    })
}

fn telemetry() -> Value {
    json!({
        "type": "object",
        "description": "Access log and traces of the proxy.",
        "additionalProperties": false,
        "properties": {
            "access_log": {
                "type": "object",
                "description": "Access log: a file with a line for each request, or for a sample of the requests.",
                "additionalProperties": false,
                "required": ["file"],
                "properties": {
                    "file": text("Path of the file, relative to the config file."),
                    "sample": {
                        "description": "Fraction of the requests for which the proxy writes a line, from 0 to 1; default: 1.",
                        "anyOf": [
                            { "type": "number", "minimum": 0, "maximum": 1 },
                            { "$ref": "#/$defs/variable" },
                        ],
                    },
                },
            },
            "otlp": text("Address of an OpenTelemetry collector, for example http://127.0.0.1:4318."),
        },
    })
}

fn signing_secret() -> Value {
    secrets(
        "Keys with which gatepost signs events for the app. Each key is whsec_ and 24 to 64 bytes in base64.",
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

fn route() -> Value {
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
                 (field_invalid), unless this key names the provider's kind for names that the definition does not declare, such as `event`."
            ),
            "template": text("Template of all callbacks on this path."),
            "mode": {
                "enum": ["enforce", "shadow"],
                "description": "In shadow mode, gatepost logs and counts its verdicts, and passes all callbacks on to the upstream, including the callbacks that it would refuse.",
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

fn forward() -> Value {
    json!({
        "description": "Form in which the app receives events.",
        "enum": ["json", "cloudevents", "common", "raw", "passthrough"],
    })
}

fn reserve() -> Value {
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

fn provider_name() -> Value {
    json!({
        "description": "Name of the provider: built in, or from provider_files.",
        "anyOf": [{ "enum": built_in_names().collect::<Vec<_>>() }, { "type": "string" }],
    })
}

fn template(providers: &[ProviderInfo]) -> Value {
    let of_provider = |provider: &ProviderInfo| {
        json!({
            "if": { "properties": { "provider": { "const": provider.name } } },
            "then": { "properties": { "on": on(provider), "settings": settings(provider) } },
        })
    };
    json!({
        "type": "object",
        "description": "Keys, addresses and settings for a set of tenants.",
        "additionalProperties": false,
        "required": ["name", "provider"],
        "properties": {
            "name": {
                "type": "string",
                "description": "Unique name of Chinese characters, letters, digits, _ and -.",
                "minLength": 1,
                "maxLength": 30,
            },
            "description": { "type": "string", "description": "Text about the template, for operators.", "maxLength": 100 },
            "provider": provider_name(),
            "keys": secrets("Keys with which the platform signs; gatepost accepts a signature with any of these keys."),
            "signing_secret": signing_secret(),
            "bind": strings(
                "Tenants of this template; \"*\" binds all other tenants. If the definition has tenant_app, \
                 a tenant may also be one application of a push domain, such as push.example.com/live; the binding of the \
                 push domain then applies to all its other applications."
            ),
            "insecure_unsigned": {
                "description": "Kinds that gatepost accepts without a signature; true means all kinds.",
                "anyOf": [{ "type": "boolean" }, { "type": "array", "items": { "type": "string" } }],
            },
            "dedupe": { "$ref": "#/$defs/dedupe", "description": DEDUPE },
            "signature_reuse": {
                "description": "Action if a signature arrives again with another body or id: accept the callback and count the reuse, or refuse the callback.",
                "enum": ["count", "refuse"],
            },
            "settings": time_limits(),
            "on": { "type": "object", "description": "Addresses and settings of the app for each kind; \"*\" means every kind without its own entry." },
        },
        "allOf": providers.iter().map(of_provider).collect::<Vec<_>>(),
    })
}

/// Returns the schema of the settings that limit a signed time, for any provider. [`settings`]
/// returns the schema for one provider.
fn time_limits() -> Value {
    let limit = |key: &str| integer(time_limit_about(key), 0, DAY);
    json!({
        "type": "object",
        "description": "Settings of the provider; `gatepost providers NAME` lists them.",
        "properties": {
            "grace_secs": limit("grace_secs"),
            "max_age_secs": limit("max_age_secs"),
            "max_ahead_secs": limit("max_ahead_secs"),
        },
    })
}

/// Returns the description of a setting that limits a signed time.
fn time_limit_about(key: &str) -> &'static str {
    match key {
        "grace_secs" => "Seconds for which gatepost accepts a callback after its signed expiry.",
        "max_age_secs" => {
            "Maximum age of a callback whose platform signs the time of sending, in seconds."
        }
        _ => "Maximum number of seconds by which a signed time may be in the future.",
    }
}

fn on(provider: &ProviderInfo) -> Value {
    let kinds = provider.kinds.iter().map(|kind| (kind.name.to_string(), delivery(kind)));
    let any = json!({ "$ref": "#/$defs/any_kind" });
    let groups = provider.groups.iter().map(|group| (group.to_string(), any.clone()));
    let all = kinds.chain(groups).chain([("*".to_owned(), any.clone())]);
    let properties: Map<String, Value> = all.collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// Returns the schema of the entry for a kind: a reference, because many kinds have the same keys.
fn delivery(kind: &KindInfo) -> Value {
    let of = if kind.decision { "#/$defs/decision" } else { "#/$defs/notification" };
    match &kind.about {
        Some(about) => json!({ "$ref": of, "description": about }),
        None => json!({ "$ref": of }),
    }
}

fn decision() -> Value {
    entry("A decision: the reply depends on the app's answer.", &[decision_keys()])
}

fn notification() -> Value {
    let about = "A notification: the reply only acknowledges the callback.";
    entry(about, &[notification_keys()])
}

/// Returns the schema of an entry of `[template.on]`, with the keys of all entries and `own`.
fn entry(about: &str, own: &[Value]) -> Value {
    let mut properties = json!({
        "url": strings("Addresses of the app, each http://, https:// or unix:. A path alone is a path on the upstream, or on the inner service of a layer."),
        "answer": {
            "type": "object",
            "description": "Fixed answer; gatepost does not ask the app. A string field of the reply may be { text = \"…{field}…\" }, with fields of the callback.",
        },
        "timeout_ms": millis("Longest wait for the app's answer, in milliseconds, and at most budget_ms less 100. Default: the value for the platform on the page `defaults` of the manual, otherwise 3000."),
        "timeout": duration("Value of timeout_ms with a unit, for example \"2s\"."),
        "budget_ms": integer("Milliseconds that the platform waits for the reply; gatepost replies at least 100 ms earlier. Default: the time that the platform documents, otherwise 5000.", 101, 600_000),
        "budget": duration("Value of budget_ms with a unit, for example \"5s\"."),
        "forward": { "$ref": "#/$defs/forward" },
        "check_reply": {
            "type": "boolean",
            "description": "With passthrough: if true, gatepost judges the app's answer before it passes the answer on. Default: true for a decision, otherwise false.",
        },
        "ce_headers": {
            "type": "boolean",
            "description": "With passthrough: if true, the app also receives the headers of the event, `ce-*` and `gatepost-*`. Default: false.",
        },
        "keep_proof": {
            "type": "boolean",
            "description": "With json, cloudevents and common: if true, the app also receives the fields of the proof, such as `sign` and `t`. Default: false.",
        },
        "host": text("Value of the `host` header of events."),
        "reserve": { "$ref": "#/$defs/reserve" },
        "dedupe": { "$ref": "#/$defs/dedupe", "description": DEDUPE },
    });
    if let Some(properties) = properties.as_object_mut() {
        let own = own.iter().filter_map(Value::as_object).flatten();
        properties.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    }
    json!({
        "description": about,
        "anyOf": [
            strings("Addresses of the app."),
            { "type": "object", "additionalProperties": false, "properties": properties },
        ],
    })
}

/// Returns the keys that only entries for decisions have.
fn decision_keys() -> Value {
    json!({
        "on_failure": {
            "description": "Reply to a decision if the app gives no usable answer: a word, or the fields of a reply. Default: deny.",
            "anyOf": [{ "enum": ["allow", "deny", "last_good"] }, { "type": "object" }],
        },
        "last_good": switch(
            "If the app fails, gatepost repeats the last good reply for the same viewer and content.",
            &json!({
                "max_age_secs": integer("Maximum age of the reply, in seconds.", 1, DAY),
                "max_age": duration("Value of max_age_secs with a unit, for example \"10m\"."),
            }),
        ),
        "reply": {
            "type": "object",
            "description": "Default fields of a reply that allows the request; fields of the app's answer take precedence.",
        },
        "empty_answer": {
            "description": "Meaning of a 2xx answer with an empty or blank body. Default: deny; allow if the platform reads the permission from the status of the reply.",
            "enum": ["allow", "deny"],
        },
    })
}

/// Returns the keys that only entries for notifications have.
fn notification_keys() -> Value {
    json!({
        "unclear_answer": {
            "description": "Meaning of a 2xx answer that says neither that the app accepted the event nor that it refused the event. Default: taken.",
            "enum": ["taken", "refused"],
        },
        "deliver": {
            "description": "With queued: gatepost stores the event, sends the reply, and delivers the event later. Default: direct.",
            "enum": ["direct", "queued"],
        },
        "retry": retry(),
        "mirror": strings("Addresses of another app, which receives a copy of each event after the reply. The answers of this app do not affect the reply."),
    })
}

fn settings(provider: &ProviderInfo) -> Value {
    let of_setting = |setting: &SettingInfo| {
        let schema = match (setting.secret, setting.one_of.is_empty()) {
            (true, _) => json!({ "$ref": "#/$defs/secret", "description": setting.about }),
            (false, false) => json!({ "enum": setting.one_of, "description": setting.about }),
            (false, true) => text(&setting.about),
        };
        (setting.name.to_string(), schema)
    };
    let window = provider.window.iter().flat_map(|(key, _)| {
        let plain = duration_key(key).0.to_owned();
        let with_unit = duration(&format!("Value of {key} with a unit, for example \"5m\"."));
        [(key.to_string(), integer(time_limit_about(key), 0, DAY)), (plain, with_unit)]
    });
    let properties: Map<String, Value> =
        provider.settings.iter().map(of_setting).chain(window).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
