//! Tests of typed views and JSON schemas. The event of each vector must match the schema for the
//! event's kind, and the typed view must keep all data.

use std::collections::{BTreeMap, BTreeSet};

use gatepost::{Accepted, Definition, View, kollus, tencent_css, tencent_trtc};
use serde_json::Value;

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

/// Reads the event's data into the view `T`, and converts the view to JSON. Returns `None` if `T`
/// describes another kind.
fn round_trip<T: View + serde::Serialize>(accepted: &Accepted) -> Option<Value> {
    let event = accepted.event();
    if !T::describes(event.provider(), event.kind()) {
        return None;
    }
    let view: T = accepted
        .view()
        .unwrap_or_else(|error| panic!("expected a view of {}, found: {error}", event.ce_type()));
    Some(serde_json::to_value(view).unwrap())
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

type RoundTrip = fn(&Accepted) -> Option<Value>;

fn views() -> Vec<RoundTrip> {
    macro_rules! all {
        ($($module:ident: $($view:ident)*;)*) => {
            vec![$($(round_trip::<$module::$view>),*),*]
        };
    }
    all! {
        kollus: Bookmark BroadcastState ChannelAdd ChannelDelete ContentUpdate Drm LiveLms LivePlay
            NextEpisode RecordingTransfer Transcoding Upload VodLms VodPlay;
        tencent_css: AudioModeration EvaluationAverage EvaluationLow Highlights Interruption
            PornDetection Push PushError QualityControl RecordingException RecordingFile
            RecordingStatus Relay Screencapture SmartErasing StreamliveInterruption StreamlivePush
            Subtitles Summary;
        tencent_trtc: Notification;
    }
}

#[test]
fn views_keep_all_data_of_every_vector() {
    let views = views();
    let mut seen = BTreeSet::new();
    for (vector, accepted) in accepted() {
        if accepted.misfits().len() > 0 {
            continue;
        }
        if vector.name == "kollus/drm_odd_item" {
            // The value of a `lenient` field can have another type than the definition declares. No
            // typed view can read such a value, so an app must read the data as JSON.
            assert!(accepted.view::<kollus::Drm>().is_err());
            continue;
        }
        let read: Vec<_> = views.iter().filter_map(|view| view(&accepted)).collect();
        let event = accepted.event();
        // The data of a body that is not JSON has no view.
        let Ok(data) = accepted.view::<Value>() else { continue };
        assert!(read.len() <= 1, "{}: expected at most 1 view, found {}", vector.name, read.len());
        if let Some(view) = read.first() {
            seen.insert(event.ce_type().to_owned());
            assert_eq!(normalized(view), normalized(&data), "{}: expected all data", vector.name);
        }
    }
    assert!(seen.len() > 80, "expected more than 80 kinds, found {}", seen.len());
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
        // A schema describes fields that fit. A misfit may be missing or have another type.
        let Some(schema) = schema.as_ref().filter(|_| accepted.misfits().len() == 0) else {
            continue;
        };
        // The data of a body that is not JSON has no view.
        let Ok(data) = accepted.view::<Value>() else { continue };
        let faults: Vec<_> = schema.iter_errors(&data).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{}: expected no faults, found {faults:#?}", vector.name);
        checked += 1;
    }
    assert!(checked > 300, "expected more than 300 events, found {checked}");
}

#[test]
fn schemas_refuse_data_and_answers_that_gatepost_refuses() {
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
        assert!(!data.is_valid(&bad), "expected a fault in {bad}");
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
fn config_schema_accepts_every_config_in_repository() {
    let schema = jsonschema::validator_for(&gatepost::config_schema()).unwrap();
    for file in [
        "proxy/configs/full.toml",
        "proxy/configs/quickstart.toml",
        "examples/gatepost.toml",
        "examples/php/gatepost.toml",
        "examples/node/gatepost.toml",
        "tests/it/example.toml",
        "tests/vectors/gate.toml",
    ] {
        let json = as_json(&std::fs::read_to_string(file).unwrap());
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
    let delivery = of("kollus")["on"]["properties"]["live_play"]["anyOf"][1].clone();
    for (config, in_schema) in [
        (format!("zzz = 1\n{base}"), properties(&schema)),
        (format!("{base}zzz = 1\n"), properties(&schema["properties"]["route"]["items"])),
        (
            format!("{base}{template}zzz = 1\n"),
            properties(&schema["properties"]["template"]["items"]),
        ),
        (format!("{base}{template}on.zzz = 'http://a/b'\n"), properties(&of("tencent-css")["on"])),
        (format!("{base}{template}settings.zzz = 1\n"), properties(&of("tencent-css")["settings"])),
        (
            format!("{base}[[template]]\nname = 'a'\nprovider = 'kollus'\non.live_play.zzz = 1\n"),
            properties(&delivery),
        ),
        (
            format!("{base}[[template]]\nname = 'a'\nprovider = 'kollus'\nsettings.zzz = 1\n"),
            properties(&of("kollus")["settings"]),
        ),
    ] {
        let error = gatepost::Gate::builder().toml(config.clone()).build().unwrap_err();
        let fault = error
            .faults()
            .iter()
            .find(|fault| fault.remedy().contains("use one of these "))
            .unwrap();
        let allowed: BTreeSet<_> =
            fault.remedy().split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(allowed, in_schema, "{config}");
    }
}
