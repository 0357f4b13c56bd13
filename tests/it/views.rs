//! Tests of typed views and JSON schemas. The event of each vector must match the schema for the
//! event's kind, and the typed view must keep all data.

use std::collections::{BTreeMap, BTreeSet};

use gatepost::{Accepted, Definition, FieldInfo, KindInfo, ProviderInfo, View, tencent_css};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::core::{Request, judge};
use crate::vectors::{self, Vector};

fn accepted() -> Vec<(Vector, Accepted)> {
    let gate = vectors::gate("http://app.test");
    let judged = vectors::all().into_iter().filter_map(|vector| {
        let request = Request::of(&vector);
        let accepted = judge(&gate, &request.head(), &vector.body, 4096, vector.case.now).ok()?;
        Some((vector, accepted))
    });
    judged.collect()
}

/// Reads data as the callback enum of the provider. Returns the view as JSON, and its `Debug`
/// output.
fn read(provider: &str, kind: &str, data: &str) -> Option<serde_json::Result<(Value, String)>> {
    fn read_as<T: View + serde::Serialize + std::fmt::Debug>(
        provider: &str,
        kind: &str,
        data: &str,
    ) -> Option<serde_json::Result<(Value, String)>> {
        let read = || {
            let view = T::read(kind, data)?;
            Ok((serde_json::to_value(&view)?, format!("{view:?}")))
        };
        T::describes(provider, kind).then(read)
    }
    let readers = include!("view_readers.rs");
    readers.iter().find_map(|read| read(provider, kind, data))
}

/// Removes irrelevant differences: a view writes an absent field as `null`, and 10 as 10.0.
fn normalized(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name.clone(), normalized(value))).collect()
        }
        Value::Array(elements) => elements.iter().map(normalized).collect(),
        Value::Number(number) => number.as_f64().into(),
        Value::Bool(_) | Value::Null | Value::String(_) => value.clone(),
    }
}

/// Returns false for a body of Standard Webhooks or YouTube that is not JSON. Such data has no
/// view.
fn is_json(accepted: &Accepted) -> bool {
    let is_json = serde_json::from_slice::<IgnoredAny>(accepted.event().data()).is_ok();
    let provider = accepted.event().provider();
    let may_be_text = matches!(provider, "standard-webhooks" | "youtube");
    assert!(is_json || may_be_text, "expected JSON of {provider}, found another body");
    is_json
}

#[test]
fn views_keep_all_data_of_every_vector() {
    let mut seen = BTreeSet::new();
    for (vector, accepted) in accepted() {
        let event = accepted.event();
        if !is_json(&accepted) {
            continue;
        }
        let data: Value = accepted.view().unwrap();
        let Some(view) = read(event.provider(), event.kind(), &data.to_string()) else { continue };
        let (view, _) =
            view.unwrap_or_else(|error| panic!("{}: expected a view, found {error}", vector.name));
        seen.insert(event.ce_type().to_owned());
        assert_eq!(normalized(&view), normalized(&data), "{}: data of the view", vector.name);
    }
    assert!(seen.len() > 150, "expected more than 150 kinds, found {}", seen.len());
}

/// Calls `check` for each kind that has fields, of all built-in providers. Passes data with every
/// field of the kind.
fn for_every_kind(check: impl Fn(&ProviderInfo, &KindInfo, &Value)) {
    for provider in gatepost::providers() {
        for kind in provider.kinds.iter().filter(|kind| !kind.fields.is_empty()) {
            check(&provider, kind, &full_object(&kind.fields));
        }
    }
}

fn full_object(fields: &[FieldInfo]) -> Value {
    let member = |field: &FieldInfo| (field.name.to_string(), full_value(field));
    fields.iter().map(member).collect()
}

/// Returns a value of the declared type, with every inner field.
fn full_value(field: &FieldInfo) -> Value {
    match field.json_type {
        Some("array") if field.fields.is_empty() => json!([1, "text", {}, null]),
        Some("array") => json!([full_object(&field.fields)]),
        Some("boolean") => json!(true),
        Some("number") => json!(7),
        Some("object") if field.fields.is_empty() => json!({ "a": 1 }),
        Some("object") => full_object(&field.fields),
        Some("string") => json!("text"),
        _ => json!({ "any": [1] }),
    }
}

/// Returns the JSON pointer of every field, with the field.
fn pointers<'f>(fields: &'f [FieldInfo], outer: &str) -> Vec<(String, &'f FieldInfo)> {
    let mut list = Vec::new();
    for field in fields {
        let pointer = format!("{outer}/{}", field.name);
        let element = if field.json_type == Some("array") { "/0" } else { "" };
        list.extend(pointers(&field.fields, &format!("{pointer}{element}")));
        list.push((pointer, field));
    }
    list
}

fn with(data: &Value, pointer: &str, value: Value) -> Value {
    let mut data = data.clone();
    *data.pointer_mut(pointer).unwrap() = value;
    data
}

fn without(data: &Value, pointer: &str) -> Value {
    let mut data = data.clone();
    let (outer, name) = pointer.rsplit_once('/').unwrap();
    data.pointer_mut(outer).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    data
}

#[test]
fn views_accept_any_value_of_field_that_is_not_identifying() {
    let values = [
        r#"null"#,
        r#"false"#,
        r#"0"#,
        r#"-1.5"#,
        r#"1e308"#,
        r#"18446744073709551615"#,
        r#""""#,
        r#""text""#,
        r#"[]"#,
        r#"[null]"#,
        r#"[1,{},"a",[{}]]"#,
        r#"{}"#,
        r#"{"kind":{"a":null}}"#,
    ];
    for_every_kind(|provider, kind, full| {
        for (pointer, field) in pointers(&kind.fields, "") {
            let place = format!("{}.{}: {pointer}", provider.name, kind.name);
            let view = |data: &Value| read(&provider.name, &kind.name, &data.to_string()).unwrap();
            if field.identifying {
                let read = view(&without(full, &pointer));
                assert!(read.is_err(), "{place}: expected an error, found {read:?}");
                continue;
            }
            let absent = without(full, &pointer);
            assert_eq!(normalized(&view(&absent).unwrap().0), normalized(&absent), "{place}");
            for value in values {
                let data = with(full, &pointer, serde_json::from_str(value).unwrap());
                let (read, _) = view(&data)
                    .unwrap_or_else(|error| panic!("{place}: expected a view, found {error}"));
                assert_eq!(normalized(&read), normalized(&data), "{place}: {value}");
            }
        }
    });
}

// gatepost refuses a callback if an identifying field of its kind is missing, so a view of an
// accepted callback never fails.
#[test]
fn every_accepted_callback_has_a_view() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let mut verdicts = BTreeSet::new();
    let providers = gatepost::providers();
    let kollus = providers.iter().find(|provider| &*provider.name == "kollus").unwrap();
    for kind in kollus.kinds.iter().filter(|kind| ["live_play", "drm"].contains(&&*kind.name)) {
        let vector = vectors.iter().find(|one| one.name == format!("kollus/kind_{}", kind.name));
        let request = Request::of(vector.unwrap());
        let full = full_object(&kind.fields);
        let full = if full.get("kind").is_some() { with(&full, "/kind", json!(100)) } else { full };
        for (pointer, field) in pointers(&kind.fields, "") {
            for value in ["null", "1", "1e400", "true", "\"a\"", "\"\"", "[]", "[1]", "{}"] {
                // The member is a form value, or is inside the JSON text of a form value.
                let member = |(name, member): (&String, &Value)| {
                    let text = member.as_str().map_or_else(|| member.to_string(), str::to_owned);
                    let text = text.replace("\"MARK\"", value);
                    (name.clone(), text.replace("MARK", value.trim_matches('"')))
                };
                let data = with(&full, &pointer, json!("MARK"));
                let form: Vec<_> = data.as_object().unwrap().iter().map(member).collect();
                let body = serde_urlencoded::to_string(form).unwrap();
                let judged = judge(&gate, &request.head(), body.as_bytes(), 4096, 1_703_731_478);
                verdicts.insert((judged.is_ok(), field.identifying));
                if let Ok(accepted) = judged {
                    let view = accepted.view::<gatepost::kollus::KollusCallback>();
                    assert!(view.is_ok(), "{pointer} = {value}: expected a view, found {view:?}");
                }
            }
        }
    }
    for expected in [(true, true), (true, false), (false, true)] {
        assert!(verdicts.contains(&expected), "expected the case {expected:?}, found none");
    }
}

#[test]
fn field_of_wrong_type_is_none_and_remains_in_extra() {
    let data = r#"{"event_type":1,"app":["a"],"width":1e3,"height":720,"new":{"a":1}}"#;
    let push = tencent_css::Push::read("push", data).unwrap();
    assert_eq!((push.app.as_deref(), push.width, push.height), (None, None, Some(720)));
    assert_eq!(Value::from(push.extra), json!({ "app": ["a"], "width": 1e3, "new": { "a": 1 } }));
}

#[test]
fn list_contains_only_elements_of_the_declared_type() {
    let items = json!([1, { "title": "a" }, null, "b", { "title": 2 }]);
    let data = json!({ "items": items }).to_string();
    let view = tencent_css::Highlights::read("highlights", &data).unwrap();
    let titles: Vec<_> = view.items.iter().flatten().map(|item| item.title.as_deref()).collect();
    assert_eq!(titles, [Some("a"), None]);
    assert_eq!(view.extra["items"], items);
}

#[test]
fn views_accept_numbers_that_rust_cannot_represent() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let vector = vectors.iter().find(|vector| vector.name == "tencent-css/push").unwrap();
    let body = String::from_utf8(vector.body.to_vec()).unwrap();
    let digits = "9".repeat(400);
    for (number, text) in [("1e400", "1e400"), ("-1E+999", "-1E+999"), (&digits, &digits)] {
        let members = format!("{{\"width\":{number},\"a\\\"1e400\":[{{\"b\":[{number},1]}}],");
        let body = body.replacen('{', &members, 1).replace("\"width\":0", "\"w\":0");
        let request = Request::of(vector);
        let accepted =
            judge(&gate, &request.head(), body.as_bytes(), 4096, vector.case.now).unwrap();
        let push: tencent_css::Push = accepted.view().unwrap();
        assert_eq!((push.width, &push.extra["width"]), (None, &json!(text)));
        assert_eq!(push.extra["a\"1e400"], json!([{ "b": [text, 1] }]));
        assert_eq!(push.stream_id.as_deref(), Some("test_stream"));
        assert_eq!(accepted.view::<Value>().unwrap()["width"], text);
    }
}

#[test]
fn enum_has_variant_for_each_kind() {
    use gatepost::kollus::KollusCallback;

    let data = r#"{"client_user_id":"u","media_content_key":"m","channel_key":"c"}"#;
    let read = |kind| KollusCallback::read(kind, data).unwrap();
    assert!(matches!(read("live_play"), KollusCallback::LivePlay(play) if play.channel_key == "c"));
    assert!(matches!(read("next_episode"), KollusCallback::NextEpisode(_)));
    assert!(matches!(read("unknown"), KollusCallback::Unknown(data) if data.len() == 3));
    assert!(KollusCallback::describes("kollus", "unknown"));
    assert!(!KollusCallback::describes("mux", "event"));
}

#[test]
fn debug_output_of_views_contains_no_credential() {
    for_every_kind(|provider, kind, full| {
        let events = provider.kinds.iter().flat_map(|kind| kind.subject.iter().chain(&kind.time));
        let listed: BTreeSet<_> = events.map(|path| &**path).collect();
        for (pointer, field) in pointers(&kind.fields, "") {
            let data = with(full, &pointer, json!("hunter2")).to_string();
            if let Ok((_, printed)) = read(&provider.name, &kind.name, &data).unwrap() {
                let may_print = !field.secret && listed.contains(&*pointer);
                let place = format!("{}.{}: {pointer}", provider.name, kind.name);
                assert!(
                    may_print || !printed.contains("hunter2"),
                    "{place}: expected no credential, found {printed}"
                );
            }
            let unknown = read(&provider.name, "none", &data).unwrap().unwrap().1;
            assert_eq!(unknown, "Unknown(..)");
        }
    });
}

#[test]
fn schemas_accept_event_of_every_vector() {
    let mut schemas = BTreeMap::new();
    let mut checked = 0;
    for (vector, accepted) in accepted() {
        let event = accepted.event();
        let schema = schemas.entry(event.ce_type().to_owned()).or_insert_with(|| {
            let definition = Definition::built_in(event.provider()).unwrap();
            let schema = definition.schema(event.kind())?;
            let draft = jsonschema::draft202012::options();
            Some(draft.should_validate_formats(true).build(&schema).unwrap())
        });
        // A schema describes fields with their declared types. Skip an event in which a field
        // is missing or has another type.
        let Some(schema) = schema.as_ref().filter(|_| accepted.misfits().len() == 0) else {
            continue;
        };
        if !is_json(&accepted) {
            continue;
        }
        let data: Value = accepted.view().unwrap();
        let faults: Vec<_> = schema.iter_errors(&data).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{}: expected no faults, found {faults:#?}", vector.name);
        checked += 1;
    }
    assert!(checked > 300, "expected more than 300 events, found {checked}");
}

#[test]
fn schemas_accept_only_data_and_answers_with_declared_types_and_fields() {
    let schema = Definition::built_in("kollus").unwrap().schema("live_play").unwrap();
    let data = jsonschema::validator_for(&schema).unwrap();
    let good = serde_json::json!({
        "kind": 100, "client_user_id": "u", "media_content_key": "m", "channel_key": "c",
        "uservalues": { "uservalue0": "a" }, "new": 1,
    });
    assert!(data.is_valid(&good));
    for (name, wrong) in
        [("kind", "100".into()), ("uservalues", "{}".into()), ("channel_key", Value::Null)]
    {
        let mut bad = good.clone();
        bad[name] = wrong;
        assert!(!data.is_valid(&bad), "expected a fault in {bad}, found none");
    }
    let answer = jsonschema::validator_for(&schema["$defs"]["answer"]).unwrap();
    for (json, valid) in [
        (r#"{"result":1}"#, true),
        (r#"{"data":{"result":1,"vmcheck":0}}"#, true),
        (r#"{"allow":false,"message":"no"}"#, true),
        (r#"{"allow":true,"vmcheck":0}"#, true),
        (r#"{"result":2}"#, false),
        (r#"{"result":1,"note":1}"#, false),
        (r#"{"vmcheck":0}"#, false),
        (r#"{"data":{"result":1},"code":0}"#, false),
    ] {
        assert_eq!(answer.is_valid(&serde_json::from_str(json).unwrap()), valid, "{json}");
    }
    let drm = Definition::built_in("kollus").unwrap().schema("drm").unwrap();
    let answer = jsonschema::validator_for(&drm["$defs"]["answer"]).unwrap();
    for (json, valid) in [
        (r#"[{"kind":1,"media_content_key":"a","result":1}]"#, true),
        (r#"{"data":[{"result":0}]}"#, true),
        (r#"{"result":1,"expiration_playtime":0}"#, true),
        (r#"{"result":1,"expiration_playtime":59}"#, false),
        (r#"[{"result":1,"expiration_count":1001}]"#, false),
    ] {
        assert_eq!(answer.is_valid(&serde_json::from_str(json).unwrap()), valid, "{json}");
    }
}

/// Converts a config to JSON for the validator.
fn as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
}

#[test]
fn config_schema_accepts_config_of_vectors_and_shipped_configs() {
    let schema = jsonschema::validator_for(&gatepost::config_schema()).unwrap();
    let mut texts = vec![("tests/vectors".to_owned(), vectors::config())];
    for file in [
        "proxy/configs/full.toml",
        "proxy/configs/quickstart.toml",
        "examples/gatepost.toml",
        "examples/php/gatepost.toml",
        "examples/node/gatepost.toml",
        "tests/it/example.toml",
    ] {
        texts.push((file.to_owned(), std::fs::read_to_string(file).unwrap()));
    }
    for (file, text) in texts {
        let json = as_json(&text);
        let faults: Vec<_> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{file}: expected no faults, found {faults:#?}");
    }
}

#[test]
fn config_schema_has_exactly_the_keys_that_the_parser_allows() {
    let schema = gatepost::config_schema();
    let properties = |value: &Value| -> BTreeSet<String> {
        value["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let base = "[[route]]\npath = '/x'\nprovider = 'kollus'\n";
    let template = "[[template]]\nname = 'a'\nprovider = 'tencent-css'\nkeys = ['k']\n";
    let entry = schema["properties"]["template"]["items"]["allOf"].as_array().unwrap();
    let of = |provider: &str| {
        let is_for = |rule: &&Value| rule["if"]["properties"]["provider"]["const"] == provider;
        entry.iter().find(is_for).unwrap()["then"]["properties"].clone()
    };
    // Decisions and notifications have different keys. The parser lists the keys of both.
    let delivery = |kind| {
        let name = of("kollus")["on"]["properties"][kind]["$ref"].clone();
        let name = name.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        properties(&schema["$defs"][name]["anyOf"][1])
    };
    let delivery: BTreeSet<_> = delivery("live_play").union(&delivery("upload")).cloned().collect();
    for (config, in_schema) in [
        (format!("zzz = 1\n{base}"), properties(&schema)),
        (format!("[telemetry]\nzzz = 1\n{base}"), properties(&schema["properties"]["telemetry"])),
        (format!("{base}zzz = 1\n"), properties(&schema["properties"]["route"]["items"])),
        (
            format!("{base}{template}zzz = 1\n"),
            properties(&schema["properties"]["template"]["items"]),
        ),
        (format!("{base}{template}on.zzz = 'http://a/b'\n"), properties(&of("tencent-css")["on"])),
        (format!("{base}{template}settings.zzz = 1\n"), properties(&of("tencent-css")["settings"])),
        (
            format!("{base}[[template]]\nname = 'a'\nprovider = 'kollus'\non.live_play.zzz = 1\n"),
            delivery,
        ),
        (
            format!("{base}[[template]]\nname = 'a'\nprovider = 'kollus'\nsettings.zzz = 1\n"),
            properties(&of("kollus")["settings"]),
        ),
    ] {
        // The parser lists only some of the allowed words, and counts the others.
        let remedy = remedy_for(&config, "zzz").unwrap();
        let remedy = remedy.split("; the page").next().unwrap();
        let listed: BTreeSet<_> = remedy.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(
            listed.is_subset(&in_schema),
            "{config}: expected keys of the schema, found {remedy}"
        );
        let more =
            remedy.rsplit_once(" and ").map_or("0", |(_, more)| more.trim_end_matches(" more"));
        assert_eq!(listed.len() + more.parse::<usize>().unwrap(), in_schema.len(), "{remedy}");
        for key in &in_schema {
            let config = config.replace("zzz", &format!("{key:?}"));
            assert_eq!(remedy_for(&config, key), None, "{config}");
        }
    }
}

#[test]
fn config_schema_accepts_shipped_configs_and_refuses_wrong_configs() {
    let schema = gatepost::config_schema();
    // The schema names the kinds and settings of every built-in provider.
    let length = schema.to_string().len();
    assert!(length < 128 * 1024, "expected less than 128 KiB, found {length} bytes");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let valid = |text: &str| {
        let value: toml::Value = toml::from_str(text).unwrap();
        validator.is_valid(&serde_json::to_value(value).unwrap())
    };
    for file in [
        "proxy/configs/full.toml",
        "proxy/configs/quickstart.toml",
        "examples/gatepost.toml",
        "examples/node/gatepost.toml",
        "examples/php/gatepost.toml",
        "tests/it/example.toml",
    ] {
        assert!(
            valid(&std::fs::read_to_string(file).unwrap()),
            "{file}: expected a valid config, found a fault"
        );
    }
    let base = "[[route]]\npath = '/x'\nprovider = 'kollus'\n";
    let template = "[[template]]\nname = 'a'\nprovider = 'kollus'\n";
    assert!(valid(&format!("stop_timeout = '5s'\n{base}")));
    for wrong in [
        format!("stop_timeout = 5\n{base}"),
        format!("stop_timeout = 'soon'\n{base}"),
        format!("{base}paht = '/y'\n"),
        format!("{base}{template}on.live_play = {{ urll = 'http://a/b' }}"),
        format!("{base}{template}on.live_pla = 'http://a/b'"),
        format!("{base}{template}on.upload = {{ on_failure = 'deny' }}"),
        format!("{base}{template}settings.custom = 'x'"),
    ] {
        assert!(!valid(&wrong), "expected a fault, found none in {wrong}");
    }
}

/// Returns the remedy of the fault about the unknown word `word` in a config. Returns `None` if no
/// fault is about the word.
fn remedy_for(config: &str, word: &str) -> Option<String> {
    let built = gatepost::Gate::builder().toml(config).build();
    let unknown = format!(", found \"{word}\"");
    let faults = built.as_ref().err().map_or(&[][..], gatepost::ConfigError::faults);
    let fault = faults.iter().find(|fault| fault.problem().ends_with(&unknown));
    fault.map(|fault| fault.remedy().to_owned())
}
