//! Schema of `[[template]]`: keys, tenants, settings of each provider, and the entries for kinds.

use serde_json::{Map, Value, json};

use super::value::{
    duration, integer, millis, provider_name, secrets, signing_secret, strings, switch, text,
};
use crate::config::{MAX_GIVE_UP_SECS, MAX_RETRY_MS};
use crate::inspect::{KindInfo, ProviderInfo, SettingInfo};
use crate::toml_reader::duration_key;

/// The number of seconds in a day: the upper limit of time windows and ages in the config.
const DAY: i64 = 86_400;

/// Description of `dedupe`.
const DEDUPE: &str = "Deduplication: gatepost replies to a resend without asking the app again.";

pub(super) fn dedupe() -> Value {
    switch(
        DEDUPE,
        &json!({
            "window_secs": integer("Seconds for which gatepost remembers a callback.", 1, DAY),
            "window": duration("Value of window_secs with a unit, for example \"1h\"."),
        }),
    )
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

pub(super) fn template(providers: &[ProviderInfo]) -> Value {
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

pub(super) fn decision() -> Value {
    entry("A decision: the reply depends on the app's answer.", &[decision_keys()])
}

pub(super) fn notification() -> Value {
    let about = "A notification: the reply only acknowledges the callback.";
    entry(about, &[notification_keys()])
}

/// Returns the schema of an entry of `[template.on]`, with the keys of all entries and `own`.
pub(super) fn entry(about: &str, own: &[Value]) -> Value {
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
pub(super) fn decision_keys() -> Value {
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
pub(super) fn notification_keys() -> Value {
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
