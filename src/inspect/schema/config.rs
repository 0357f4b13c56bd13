//! The schema of the config file. Editors that know TOML can check it while it is written.

use serde_json::{Map, Value, json};

use super::DRAFT;
use crate::config::MAX_BODY_BYTES_CEILING;
use crate::inspect::{KindInfo, ProviderInfo, SettingInfo, providers};

const DAY: u32 = 86_400;

/// The JSON Schema (2020-12) of the config file, with the built-in providers' kinds and settings.
#[must_use]
pub fn config_schema() -> Value {
    let providers = providers();
    json!({
        "$schema": DRAFT,
        "title": "gatepost's config file",
        "type": "object",
        "additionalProperties": false,
        "required": ["route"],
        "properties": {
            "listen": strings("Where the proxy listens, as in \"127.0.0.1:8080\"."),
            "upstream": text("Where every other path goes; without it they get 404."),
            "admin": text("Where /healthz, /readyz, /metrics and /api are served."),
            "admin_token": {
                "$ref": "#/$defs/secret",
                "description": "Who may change templates under /api; without it nobody may.",
            },
            "threads": integer("Worker threads; one per core if not set.", 1, 1024),
            "stop_timeout_secs": integer("How long requests in flight have at a stop.", 0, 3600),
            "upgrade_socket": text("Where `gatepost run --upgrade` takes the listeners over."),
            "max_body_bytes": max_body_bytes(),
            "breaker": switch("When an app counts as down, and is not asked for a while.", &json!({
                "failures": integer("Failures in a row.", 1, 1_000_000),
                "retry_ms": { "$ref": "#/$defs/duration_ms" },
            })),
            "trusted_proxies": strings(
                "Networks of the proxies in front, whose x-forwarded-* headers are believed.",
            ),
            "proxy_protocol": {
                "type": "boolean",
                "description": "Whether each connection starts with a PROXY protocol header.",
            },
            "signing_secret": signing_secret(),
            "provider_files": strings("Definitions of your own, relative to this file."),
            "route": { "type": "array", "minItems": 1, "items": route() },
            "template": { "type": "array", "items": template(&providers) },
        },
        "$defs": { "secret": secret(), "duration_ms": integer("Milliseconds.", 1, 600_000) },
    })
}

fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn integer(about: &str, min: u32, max: u32) -> Value {
    json!({ "type": "integer", "description": about, "minimum": min, "maximum": max })
}

fn strings(about: &str) -> Value {
    json!({
        "description": about,
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    })
}

fn dedupe() -> Value {
    switch(
        "Whether a resend of what the app has taken is answered without it.",
        &json!({ "window_secs": integer("For how long.", 1, DAY) }),
    )
}

/// On, off, or on with more to say.
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
        "description": "The longest body of a callback.",
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
            "properties": { key: text(about) },
        })
    };
    json!({
        "description": "Where a secret is; one that is written here is warned of.",
        "anyOf": [
            from("env", "The environment variable that holds it."),
            from("file", "The file that holds it, relative to this one."),
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

fn signing_secret() -> Value {
    secrets("What events are signed with for the app: whsec_ and 24 to 64 bytes in base64.")
}

fn route() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["path", "provider"],
        "properties": {
            "path": text("The path that the platform calls; {token} stands for a secret segment."),
            "provider": text("The platform."),
            "token": { "$ref": "#/$defs/secret" },
            "kind": text("The kind, where the address alone tells it."),
            "template": text("The template of callbacks without a tenant."),
            "mode": {
                "enum": ["enforce", "shadow"],
                "description": "shadow judges, logs and counts, and lets everything pass.",
            },
            "max_body_bytes": max_body_bytes(),
            "allow": strings("Networks that may call; without it everybody may."),
            "limit": rate("How many genuine callbacks the app gets."),
            "source_limit": rate("How many callbacks one sender may send."),
        },
    })
}

fn rate(about: &str) -> Value {
    json!({
        "type": "object",
        "description": about,
        "additionalProperties": false,
        "required": ["per_second"],
        "properties": {
            "per_second": integer("In a second.", 1, 1_000_000),
            "burst": integer("At once; without it as many as in a second.", 1, 1_000_000),
        },
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
        "additionalProperties": false,
        "required": ["name", "provider"],
        "properties": {
            "name": {
                "type": "string",
                "description": "Chinese characters, letters, digits, _ and -; unique.",
                "minLength": 1,
                "maxLength": 30,
            },
            "description": { "type": "string", "maxLength": 100 },
            "provider": text("The platform."),
            "keys": secrets("The platform's keys; any of them will do."),
            "signing_secret": signing_secret(),
            "bind": strings("Tenants; \"*\" is every other one."),
            "insecure_unsigned": {
                "description": "Takes what anybody sends: everything, or these kinds.",
                "anyOf": [{ "type": "boolean" }, { "type": "array", "items": { "type": "string" } }],
            },
            "dedupe": dedupe(),
            "signature_reuse": {
                "description": "What happens to another body with a signature that came before.",
                "enum": ["count", "refuse"],
            },
            "settings": { "type": "object" },
            "on": { "type": "object" },
        },
        "allOf": providers.iter().map(of_provider).collect::<Vec<_>>(),
    })
}

fn on(provider: &ProviderInfo) -> Value {
    let kinds = provider.kinds.iter().map(|kind| (kind.name.to_string(), delivery(kind)));
    let any = json!({ "anyOf": [{ "type": "string" }, { "type": "object" }] });
    let groups = provider.groups.iter().map(|group| (group.to_string(), any.clone()));
    let all = kinds.chain(groups).chain([("*".to_owned(), any.clone())]);
    let properties: Map<String, Value> = all.collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn delivery(kind: &KindInfo) -> Value {
    let reply = |about: &str| json!({ "type": "object", "description": about });
    let mut properties = json!({
        "url": text("Where the event goes."),
        "answer": reply("A fixed answer, without an app."),
        "timeout_ms": { "$ref": "#/$defs/duration_ms" },
        "budget_ms": integer("Milliseconds that the platform waits for the reply.", 101, 600_000),
        "forward": { "enum": ["json", "cloudevents", "raw"] },
        "dedupe": dedupe(),
    });
    if let (true, Some(properties)) = (kind.decision, properties.as_object_mut()) {
        let on_failure = json!({
            "description": "The reply when the app's answer cannot be used.",
            "anyOf": [{ "enum": ["allow", "deny", "last_good"] }, { "type": "object" }],
        });
        properties.insert("on_failure".into(), on_failure);
        let last_good = switch(
            "Before that, the last good reply to the same viewer.",
            &json!({
                "max_age_secs": integer("Its age at most.", 1, DAY),
            }),
        );
        properties.insert("last_good".into(), last_good);
        let defaults = reply("What an accepting answer is filled up with.");
        properties.insert("reply".into(), defaults);
    }
    json!({
        "description": if kind.decision { "A decision." } else { "A notification." },
        "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": false, "properties": properties },
        ],
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
    let window = provider.window.iter().map(|key| {
        (key.to_string(), integer("Seconds that a signature's time may lie off.", 0, DAY))
    });
    let properties: Map<String, Value> =
        provider.settings.iter().map(of_setting).chain(window).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
