//! Tests of common events, which have the same types and fields for every platform.

use std::fs;

use gatepost::{Answer, Definition, Gate, Head, Next, RequestContext, Timestamp};
use http::{HeaderMap, Request, StatusCode, Uri};
use serde_json::{Value, json};

use crate::core::judge;
use crate::language::{NOW, assert_fault, definition, faults, gate, sample, send, try_gate};

const CAMERA: &str = "[common]\nstream = '/name'\nclient_address = '/client/ip'\nsession = '/id'\n\
    duration_ms = { from = '/secs', unit = 's' }\n[kind]\nfrom = '/event'\n\
    [fields]\nevent = 'string'\nname = 'string?'\n\
    [kinds.begin]\ncommon = { event = 'started', started_at = { from = '/at', unit = 'ms' }, \
    app = { from = '/url', segment = 1 } }\n\
    fields = { at = 'integer', url = 'string?', id = 'any?', client = 'object?' }\n\
    sample = '{\"event\":\"begin\",\"name\":\"s1\",\"at\":1703731478900,\"id\":12345678901234567890,\
    \"client\":{\"ip\":\"203.0.113.9\"},\"url\":\"rtmp://h/live/s1?token=t\"}'\n\
    [kinds.file]\ncommon = { event = { from = '/state', values = { done = 'recorded' } }, file = '/url' }\n\
    fields = { state = 'string', secs = 'number?', url = 'string?' }\n\
    sample = '{\"event\":\"file\",\"name\":\"s1\",\"state\":\"done\",\"secs\":2.5,\"url\":\"/rec/a.flv\"}'\n\
    [kinds.ask]\ncommon = 'publish_requested'\nsample = '{\"event\":\"ask\",\"name\":\"s1\"}'\n\
    [kinds.ask.reply]\nallow = { ok = true }\ndeny = { ok = false }\nfields = { ok = 'boolean' }\n\
    [kinds.other]\nsample = '{\"event\":\"other\"}'\n";

const ON: &str = "[template.on]\n'*' = { url = 'http://127.0.0.1:1/a', forward = 'common' }\n";

/// Returns the `ce-type` and the body of the event that the app gets.
fn event(gate: &Gate, request: &Request<Vec<u8>>) -> (String, Value) {
    let head = Head::new(request.method(), request.uri(), request.headers());
    let accepted = send(gate, request).unwrap();
    let (headers, body): (HeaderMap, _) =
        accepted.request(&head, &RequestContext::default(), Timestamp::from_secs(NOW));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["content-length"], body.len().to_string());
    let body = serde_json::from_slice(&body).unwrap();
    (headers["ce-type"].to_str().unwrap().to_owned(), body)
}

#[test]
fn common_event_has_fields_that_all_platforms_share() {
    // At least one sample must name a tenant.
    let camera = CAMERA.replace("\"other\"}", "\"other\",\"tenant\":\"door-1\"}");
    let text = format!("tenant = '/tenant'\n{}", definition(&camera));
    let gate = gate(&text, ON);
    let mut request = sample(&text, "begin", "");
    *request.body_mut() = String::from_utf8(request.body().clone())
        .unwrap()
        .replacen('{', r#"{"tenant":"door-1","#, 1)
        .into_bytes();
    let (ce_type, body) = event(&gate, &request);
    assert_eq!(ce_type, "com.gatepost.stream.started");
    let data: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        json!({
            "stream": "s1", "app": "live", "client_address": "203.0.113.9",
            "session": "12345678901234567890", "started_at": "2023-12-28T02:44:38.9Z",
            "provider": "cam", "kind": "begin", "tenant": "door-1", "data": data,
        })
    );
    let (ce_type, body) = event(&gate, &sample(&text, "file", ""));
    assert_eq!(ce_type, "com.gatepost.stream.recorded");
    assert_eq!((&body["file"], &body["duration_ms"]), (&json!("/rec/a.flv"), &json!(2500)));
    assert_eq!(body.get("tenant"), None);
}

#[test]
fn forwards_kind_without_common_event_as_typed_json() {
    let text = definition(CAMERA);
    let gate = gate(&text, ON);
    let (ce_type, body) = event(&gate, &sample(&text, "other", ""));
    assert_eq!((&*ce_type, body), ("c.other", json!({"event": "other"})));
    let mut failed = sample(&text, "file", "");
    *failed.body_mut() = br#"{"event":"file","name":"s1","state":"failed"}"#.to_vec();
    assert_eq!(event(&gate, &failed).0, "c.file");
    *failed.body_mut() = br#"{"event":"file","name":"s1","state":["done"]}"#.to_vec();
    assert_eq!(event(&gate, &failed).0, "c.file");
    *failed.body_mut() = br#"{"event":"file","state":"done","secs":"x","url":""}"#.to_vec();
    let (ce_type, body) = event(&gate, &failed);
    assert_eq!(ce_type, "com.gatepost.stream.recorded");
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["data", "kind", "provider"], "{body}");
}

#[test]
fn answer_to_common_event_sets_permission() {
    let text = definition(CAMERA);
    let gate = gate(&text, ON);
    let request = sample(&text, "ask", "");
    assert_eq!(event(&gate, &request).0, "com.gatepost.stream.publish_requested");
    for (answer, expected) in
        [(r#"{"allow":true}"#, r#"{"ok":true}"#), (r#"{"allow":false}"#, r#"{"ok":false}"#)]
    {
        let now = Timestamp::from_secs(NOW);
        let next = send(&gate, &request).unwrap().next(now);
        let Next::Ask(question) = next else { panic!("expected a question, found {next:?}") };
        let answer = Answer::response(StatusCode::OK, Some(answer.into()));
        assert_eq!(&question.conclude(&answer, now).reply.body()[..], expected.as_bytes());
    }
}

#[test]
fn reports_wrong_common_events() {
    let with = |common: &str, fields: &str| {
        format!("[kind]\nother = 'a'\n{fields}[kinds.a]\ncommon = {common}\n")
    };
    let of = |common: &str| with(common, "[fields]\ns = 'string?'\n");
    assert_eq!(faults(&of("{ event = 'started', stream = '/s' }")), [""; 0]);
    for (common, expected) in [
        ("{ event = 'begun', stream = '/s' }", "expected a known common event, found \"begun\""),
        ("{ stream = '/s' }", "expected the common event, found none"),
        ("{ event = 1, stream = '/s' }", "expected a string or a table, found a whole number"),
        ("{ event = 'started' }", "expected the `stream` of the common event, found none"),
        ("'started'", "expected the `stream` of the common event, found none"),
        ("{ event = 'started', stream = '/x' }", "expected a declaration of `x`"),
        (
            "{ event = 'started', stream = '/s', host = '/s' }",
            "expected a known key, found \"host\"",
        ),
        (
            "{ event = 'started', stream = { from = '/s', segment = 0 } }",
            "expected a number from 1",
        ),
        (
            "{ event = 'started', stream = '/s', started_at = '/s' }",
            "expected a table for started_at, found a string",
        ),
        (
            "{ event = 'started', stream = '/s', duration_ms = { from = '/s', unit = 'h' } }",
            "expected a known unit",
        ),
        ("{ event = 'started', stream = '/s', duration_ms = { from = '/s' } }", "`unit`"),
        (
            "{ event = { from = '/s', values = {} }, stream = '/s' }",
            "expected at least one entry in `values`",
        ),
        (
            "{ event = { from = '/x', values = { a = 'ended' } }, stream = '/s' }",
            "expected a declaration of `x`",
        ),
        (
            "{ event = 'play_requested', stream = '/s' }",
            "expected a kind with a reply that decides",
        ),
    ] {
        assert_fault(&of(common), expected);
    }
    let decides =
        "[kinds.a.reply]\nallow = { o = 1 }\ndeny = { o = 0 }\nfields = { o = 'integer' }\n";
    let text = format!("{}{decides}", of("{ event = 'ended', stream = '/s' }"));
    assert_fault(&text, "expected a kind without a decision");
    let unused = format!("[common]\nstream = '/s'\nsession = '/z'\n{}", of("'started'"));
    assert_fault(
        &unused,
        "expected a kind that has a common event and declares the source of `session`",
    );
    let error = try_gate(&definition("[kind]\nother = 'a'\n[kinds.a]\n"), ON).unwrap_err();
    assert!(
        error.contains("expected a provider with common events"),
        "expected a fault about a provider with common events, found {error}"
    );
}

/// Checks that the sample of each kind with common events becomes one of these events, and that the
/// event names a stream. The sample of one kind of IVS becomes no common event, and the events of
/// the asset kinds of Mux may name no stream.
#[test]
fn samples_of_built_in_platforms_become_common_events_of_their_kinds() {
    let mut platforms = Vec::new();
    for name in Definition::built_in_names() {
        let definition = Definition::built_in(name).unwrap();
        for kind in definition.info().kinds.iter().filter(|kind| !kind.common.is_empty()) {
            let config = format!(
                "[[route]]\npath = '/c'\nprovider = '{name}'\nkind = '{}'\nforward = 'common'\n\
                 [[template]]\nname = 't'\nprovider = '{name}'\nbind = ['*']\n\
                 insecure_unsigned = true\n[template.on]\n'*' = 'http://127.0.0.1:1/a'\n",
                kind.name
            );
            let gate = Gate::builder().toml(config).build().unwrap();
            let sample = definition.sample(&kind.name).unwrap();
            let request = sample.request(&Uri::from_static("/c")).unwrap().map(|b| b.to_vec());
            let head = Head::new(request.method(), request.uri(), request.headers());
            let accepted = judge(&gate, &head, request.body(), 4096, NOW).unwrap();
            let now = Timestamp::from_secs(NOW);
            let (headers, body) = accepted.request(&head, &RequestContext::default(), now);
            let ce_type = headers["ce-type"].to_str().unwrap();
            let word = ce_type.strip_prefix("com.gatepost.stream.");
            let place = format!("{name}.{}", kind.name);
            // A field of this kind selects the common event. The field's value in the sample
            // selects none.
            let Some(word) = word else {
                assert_eq!(place, "aws-ivs.recording_state");
                continue;
            };
            let known = &kind.common;
            assert!(known.contains(&word), "{place}: expected one of {known:?}, found {word}");
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert!(
                body["stream"].is_string() || place.starts_with("mux.video.asset"),
                "{place}: expected a stream, found {body}"
            );
            platforms.push(name);
        }
    }
    platforms.dedup();
    assert!(platforms.len() >= 13, "expected at least 13 platforms, found {platforms:?}");
    let manual = fs::read_to_string(format!("{}/src/manual/common.md", env!("CARGO_MANIFEST_DIR")));
    let manual = manual.unwrap();
    for name in platforms {
        assert!(manual.contains(&format!("`{name}`")), "expected {name} in the manual, found none");
    }
}
