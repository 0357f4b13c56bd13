//! Test of `tests/vectors/index.json`: derives the index from the vectors, and compares it with the
//! committed file.
//!
//! `tests/vectors/README.md` describes the index for implementations in other languages, and
//! `tests/vectors/index.schema.json` is its schema.

use gatepost::{Definition, Explanation, Gate, Timestamp};
use serde_json::{Map, Value, json};

use crate::core::Request;
use crate::vectors::{self, VARIABLES, Vector};
use crate::view_files::check_file;

/// The verdicts of the signature stage, in which gatepost checks the signature and its time.
const STAGE: [&str; 7] = [
    "signature_malformed",
    "signature_mismatch",
    "signature_missing",
    "signed_part_missing",
    "timestamp_expired",
    "timestamp_invalid",
    "timestamp_too_far_ahead",
];

/// Returns the value of the explanation's first step with this name.
fn step<'e>(explanation: &'e Explanation, name: &str) -> Option<&'e str> {
    explanation.steps.iter().find(|step| step.name == name).map(|step| &*step.found)
}

/// Returns a member of the index: text as `NAME`, or other bytes in hex as `NAME_hex`.
fn bytes(name: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), text.into()),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            (format!("{name}_hex"), hex.into())
        }
    }
}

/// Returns the text of a key or setting in a config.
fn secret(value: &toml::Value) -> Value {
    let variable = |source: &toml::Value| {
        let name = source.get("env")?.as_str()?;
        VARIABLES.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    };
    value.as_str().or_else(|| variable(value)).unwrap().into()
}

fn request(vector: &Vector) -> Value {
    let request = &vector.case.request;
    let headers: Vec<_> = request.all_headers().map(|(name, value)| json!([name, value])).collect();
    let mut out = Map::new();
    out.insert("method".into(), request.method.as_str().into());
    out.insert("target".into(), request.path.as_str().into());
    out.insert("headers".into(), headers.into());
    out.extend([bytes("body", &vector.body)]);
    out.into()
}

/// Returns the result of the signature stage. Returns `None` if gatepost refuses the request before
/// this stage, or checks no signature.
fn result<'v>(vector: &'v Vector, explanation: &Explanation) -> Option<&'v str> {
    let verdict = &*vector.case.verdict;
    if STAGE.contains(&verdict) {
        return Some(verdict);
    }
    step(explanation, "key").filter(|key| key.starts_with("number")).map(|_| "valid")
}

/// Returns the member `signature` of a vector: the inputs and the result of the signature stage.
fn signature(
    vector: &Vector,
    explanation: &Explanation,
    template: &toml::Value,
    rules: &Value,
) -> Option<Value> {
    let result = result(vector, explanation)?;
    let kind = step(explanation, "kind").map(|kind| &rules["kinds"][kind]);
    let kind = kind.filter(|kind| !kind.is_null()).unwrap_or(rules);
    let keys = keys(&kind["signature"], template);
    let settings = template.get("settings").and_then(toml::Value::as_table);
    let settings = settings.into_iter().flatten();
    let (limits, settings): (Vec<_>, Vec<_>) = settings.partition(|(_, value)| value.is_integer());
    let settings: Map<_, _> =
        settings.into_iter().map(|(name, value)| (name.clone(), secret(value))).collect();
    let mut out = Map::new();
    out.insert("keys".into(), keys.into());
    out.insert("settings".into(), settings.into());
    if !limits.is_empty() {
        let mut time =
            definition(provider(vector))["signature"]["time"].as_table().unwrap().clone();
        time.extend(limits.into_iter().map(|(name, limit)| (name.clone(), limit.clone())));
        out.insert("time".into(), window(&serde_json::to_value(time).unwrap()));
    }
    let signed = explanation.string_to_sign.as_deref().filter(|signed| !signed.is_empty());
    out.extend(signed.map(|signed| bytes("string_to_sign", signed)));
    out.insert("result".into(), result.into());
    Some(out.into())
}

fn entry(gate: &Gate, templates: &[toml::Value], vector: &Vector) -> Value {
    let head = Request::of(vector);
    let now = Timestamp::from_secs(vector.case.now);
    let explanation = gate.explain(&head.head(), vector.body.clone().into(), now);
    let name = step(&explanation, "template").and_then(|text| text.split(", ").next());
    let template = name
        .and_then(|name| templates.iter().find(|template| template["name"].as_str() == Some(name)));
    let mut out = Map::new();
    out.insert("name".into(), vector.name.as_str().into());
    out.insert("what".into(), vector.case.what.as_str().into());
    out.extend(vector.source.as_deref().map(|source| ("source".into(), source.into())));
    out.insert("provider".into(), provider(vector).into());
    let kind = step(&explanation, "kind").filter(|kind| !kind.contains([',', ':']));
    out.extend(kind.map(|kind| ("kind".into(), kind.into())));
    out.insert("now".into(), vector.case.now.into());
    out.insert("request".into(), request(vector));
    let rules = rules(provider(vector));
    let signature = template.and_then(|template| signature(vector, &explanation, template, &rules));
    out.extend(signature.map(|signature| ("signature".into(), signature)));
    out.insert("verdict".into(), vector.case.verdict.as_str().into());
    out.extend(vector.event.clone().map(|event| ("event".into(), event)));
    let app = vector.case.app.as_ref().filter(|_| vector.event.is_some() && vector.case.asked);
    let answer = app.map(|app| json!({ "status": app.status, "body": app.body }));
    out.extend(answer.map(|answer| ("answer".into(), answer)));
    let reply = &vector.case.reply;
    let reply = json!({ "status": reply.status, "headers": reply.headers, "body": reply.body });
    out.insert("reply".into(), reply);
    out.into()
}

fn provider(vector: &Vector) -> &str {
    vector.name.split('/').next().unwrap()
}

fn definition(name: &str) -> toml::Table {
    let file = format!("src/provider/definitions/{}.toml", name.replace('-', "_"));
    toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Returns the rules of a definition for requests and signatures.
fn rules(name: &str) -> Value {
    let definition = definition(name);
    let mut out = Map::new();
    let mut copy = |key: &str| {
        let value = definition.get(key).map(|value| serde_json::to_value(value).unwrap());
        out.extend(value.map(|value| (key.to_owned(), value)));
    };
    copy("request");
    out.extend(definition.get("signature").map(|table| ("signature".into(), rule(table))));
    let kinds = definition["kinds"].as_table().unwrap().iter();
    let of_kinds = kinds.filter_map(|(kind, table)| {
        Some((kind.clone(), json!({ "signature": rule(table.get("signature")?) })))
    });
    let of_kinds: Map<_, _> = of_kinds.collect();
    if !of_kinds.is_empty() {
        out.insert("kinds".into(), of_kinds.into());
    }
    out.into()
}

/// Returns the table `[signature]` with all defaults. Lists replace single values, and tables
/// replace the short form of signed parts.
fn rule(table: &toml::Value) -> Value {
    let mut rule = serde_json::to_value(table).unwrap();
    let list = |value: Value| {
        let one = if value.is_null() { Vec::new() } else { vec![value.clone()] };
        value.as_array().cloned().unwrap_or(one)
    };
    rule["found_in"] = list(rule["found_in"].take()).into();
    let part = |part: Value| {
        let Some(table) = part.as_object() else { return json!({ "from": part }) };
        let mut table = table.clone();
        let from = table.remove("part").unwrap();
        table.insert("from".into(), from);
        table.into()
    };
    let sorted = rule["parts"].get_mut("sorted").map(Value::take);
    rule["join"] = rule["parts"].get("separator").cloned().unwrap_or_else(|| "".into());
    rule["sort"] = sorted.is_some().into();
    let parts = sorted.unwrap_or_else(|| rule["parts"].take());
    rule["parts"] = list(parts).into_iter().map(part).collect();
    let set = |table: &mut Value, key: &str, default: Value| {
        if table[key].is_null() {
            table[key] = default;
        }
    };
    if rule["form"] == "jwt" {
        rule["encoding"] = "base64url-unpadded".into();
        rule["algorithm"] = algorithm(&rule["digest"]).into();
    }
    set(&mut rule, "prefix", "".into());
    set(&mut rule, "encoding", "text".into());
    set(&mut rule, "key", json!({}));
    // If the key has no encoding, the prefix is a part of the key.
    if rule["key"]["encoding"].is_null() {
        rule["key"]["prefix"] = "".into();
    }
    for key in ["/key", "/also/key"] {
        if let Some(key) = rule.pointer_mut(key) {
            set(key, "prefix", "".into());
            set(key, "encoding", "text".into());
        }
    }
    if let Some(time) = rule.get_mut("time").map(Value::take) {
        let is_checked = time["enforced"] != false;
        rule.as_object_mut().unwrap().remove("time");
        if is_checked {
            rule["time"] = window(&time);
        }
    }
    rule
}

/// Returns the name of the digest in the header of a JSON Web Token.
fn algorithm(digest: &Value) -> &'static str {
    match digest.as_str() {
        Some("hmac-sha256") => "HS256",
        Some("hmac-sha512") => "HS512",
        Some("rsa-sha256") => "RS256",
        Some("ed25519") => "EdDSA",
        other => panic!("expected the digest of a token, found {other:?}"),
    }
}

/// Returns the source and the unit of a signed time, and the permitted seconds in the past and in
/// the future.
fn window(time: &Value) -> Value {
    let secs = |key: &str, default: i64| time[key].as_i64().unwrap_or(default);
    let (past, ahead) = match time["means"].as_str() {
        Some("sent") => (secs("max_age_secs", 300), secs("max_ahead_secs", 300)),
        Some("expiry") => (secs("grace_secs", 0), secs("max_ahead_secs", 86_400)),
        other => panic!("expected the meaning of a time, found {other:?}"),
    };
    json!({ "from": time["from"], "unit": time["unit"], "past_secs": past, "ahead_secs": ahead })
}

/// Returns the keys of the template for the signatures that `rule` describes.
fn keys(rule: &Value, template: &toml::Value) -> Vec<Value> {
    if let Some(name) = rule["key"]["setting"].as_str() {
        return template["settings"].get(name).map(secret).into_iter().collect();
    }
    let keys = template.get("keys").and_then(toml::Value::as_array);
    keys.into_iter().flatten().map(secret).collect()
}

/// Joins the members of an object or the elements of an array, one per line.
fn lines(members: impl IntoIterator<Item = String>) -> String {
    members.into_iter().collect::<Vec<_>>().join(",\n")
}

fn index() -> String {
    let gate = vectors::gate("http://app.test");
    let config: toml::Table = toml::from_str(&vectors::config()).unwrap();
    let templates = config["template"].as_array().unwrap();
    let providers = Definition::built_in_names();
    let providers = lines(providers.map(|name| format!("{}:{}", json!(name), rules(name))));
    let entries = vectors::all();
    let entries = lines(entries.iter().map(|vector| entry(&gate, templates, vector).to_string()));
    format!(
        "{{\"$schema\":\"index.schema.json\",\"version\":1,\"providers\":{{\n{providers}\n}},\"vectors\":[\n{entries}\n]}}\n"
    )
}

#[test]
fn committed_index_matches_vectors_and_schema() {
    let index = index();
    let path = vectors::folder().join("index.json");
    check_file(&path, &index);
    let schema = std::fs::read(vectors::folder().join("index.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
    let index = serde_json::from_str(&index).unwrap();
    let errors: Vec<_> = schema.iter_errors(&index).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "expected an index that fits its schema, found {errors:#?}");
}
