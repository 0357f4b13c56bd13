//! Tests of decisions that the platform reads from the status of the reply.

use std::fs;

use gatepost::{Accepted, Answer, Conclusion, Gate, Head, Next, Origin, Timestamp};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::core::judge;

/// The definition of a streaming server that sends a callback before it lets a broadcaster publish
/// a stream. A test can append keys of the reply.
const DEFINITION: &str = "name = 'server'\ntitle = 'S'\ndocs = 'd'\nce_type = 'com.server'\n\
    [request]\nmethods = 'POST'\nbody = 'form'\n[kind]\nfrom = '/call'\n[kinds.publish]\nviewer = '/addr'\n\
    fields = { call = 'string', name = 'string', addr = 'string' }\n\
    [kinds.publish.reply]\nallow_status = 200\ndeny_status = 403\n";

const NOW: i64 = 1_700_000_000;

const REDIRECT: &str =
    "redirect = { field = 'location', status = 302 }\nfields = { location = 'string?' }";
const BODY: &str = "allow = { code = 0 }\ndeny = { code = 1 }\nfields = { code = 'integer?' }";

/// Builds a gate. `reply` contains further keys of `[kinds.publish.reply]` in the definition.
/// `entry` contains further keys of `publish` in `[template.on]`.
fn gate(reply: &str, entry: &str) -> Result<Gate, String> {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("server.toml"), format!("{DEFINITION}{reply}\n")).unwrap();
    let config = format!(
        "provider_files = ['server.toml']\n[[route]]\npath = '/c'\nprovider = 'server'\n\
         [[template]]\nname = 't'\nprovider = 'server'\nbind = ['*']\n[template.on]\n\
         publish = {{ url = 'http://127.0.0.1:1', {entry} }}\n"
    );
    let path = folder.path().join("gatepost.toml");
    fs::write(&path, config).unwrap();
    Gate::from_toml_file(path).map_err(|error| error.to_string())
}

fn accepted(gate: &Gate) -> Accepted {
    let (uri, headers) = (Uri::from_static("/c"), HeaderMap::new());
    let body = b"call=publish&name=s1&addr=192.0.2.1";
    judge(gate, &Head::new(&Method::POST, &uri, &headers), body, 4096, NOW).unwrap()
}

fn conclude(gate: &Gate, answer: &Answer) -> Conclusion {
    let now = Timestamp::from_secs(NOW);
    let found = accepted(gate).next(now);
    let Next::Ask(question) = found else {
        panic!("expected a question for the app, found {found:?}")
    };
    question.conclude(answer, now)
}

fn app(status: u16, body: &str) -> Answer {
    Answer::response(StatusCode::from_u16(status).unwrap(), Some(body.to_owned().into()))
}

fn status(gate: &Gate, answer: &Answer) -> (u16, &'static str) {
    let Conclusion { reply, origin, .. } = conclude(gate, answer);
    let code = origin.failure().map_or_else(|| origin.as_str(), |reason| reason.kind().as_str());
    (reply.status().as_u16(), code)
}

#[test]
fn status_of_reply_carries_the_permission() {
    let gate = gate("", "").unwrap();
    for (answer, expected) in [
        (app(200, r#"{"allow":true}"#), (200, "app")),
        (app(200, r#"{"allow":false}"#), (403, "app")),
        (app(200, r#"{"allow":false,"message":"no such stream"}"#), (403, "app")),
        (app(204, ""), (200, "app")),
        (app(200, " \n"), (200, "app")),
        (app(401, ""), (403, "app")),
        (app(403, r#"{"reason":"x"}"#), (403, "app")),
        // None of these answers allows the stream.
        (app(200, "<b>Fatal error</b>: x"), (403, "answer_malformed")),
        (app(200, r#"{"allow":1}"#), (403, "answer_invalid")),
        (app(200, r#"{"allow":"true"}"#), (403, "answer_invalid")),
        (app(200, r#"{"alow":true}"#), (403, "answer_invalid")),
        (app(200, r#"{"allow":true,"allow":false}"#), (403, "answer_invalid")),
        (app(200, "{}"), (403, "answer_invalid")),
        (app(200, "[]"), (403, "answer_malformed")),
        (app(404, ""), (403, "app_status")),
        (app(500, ""), (403, "app_status")),
        (app(302, ""), (403, "app_status")),
        (Answer::Timeout, (403, "app_timeout")),
        (Answer::Unreachable("refused".into()), (403, "app_unreachable")),
    ] {
        assert_eq!(status(&gate, &answer), expected, "{answer:?}");
    }
    let reply = conclude(&gate, &app(200, r#"{"allow":true}"#)).reply;
    assert!(reply.body().is_empty(), "expected an empty body, found {:?}", reply.body());
    assert!(reply.headers().all(|(name, _)| name != CONTENT_TYPE));
}

#[test]
fn failure_policy_and_key_empty_answer_set_the_status() {
    let allow = gate("", "on_failure = 'allow'").unwrap();
    assert_eq!(status(&allow, &Answer::Timeout), (200, "app_timeout"));
    assert_eq!(status(&allow, &app(403, "")), (403, "app"), "answer with status 403");
    let deny = gate("", "empty_answer = 'deny'").unwrap();
    assert_eq!(status(&deny, &app(204, "")), (403, "answer_empty"));
    let fields = gate("", "on_failure = { allow = true }").unwrap();
    assert_eq!(status(&fields, &Answer::Timeout), (200, "app_timeout"));
    let last = gate("", "last_good = true").unwrap();
    assert_eq!(status(&last, &app(200, r#"{"allow":true}"#)), (200, "app"));
    assert_eq!(status(&last, &Answer::Timeout), (200, "app_timeout"));
}

#[test]
fn body_has_only_fields_that_status_does_not_carry() {
    let gate = gate(BODY, "").unwrap();
    let allowed = conclude(&gate, &app(200, r#"{"allow":true}"#)).reply;
    assert_eq!((allowed.status().as_u16(), &allowed.body()[..]), (200, &br#"{"code":0}"#[..]));
    let denied = conclude(&gate, &app(200, r#"{"allow":false}"#)).reply;
    assert_eq!((denied.status().as_u16(), &denied.body()[..]), (403, &br#"{"code":1}"#[..]));
}

#[test]
fn redirect_is_a_reply_that_allows() {
    let gate = gate(REDIRECT, "").unwrap();
    let location = |answer: &str| {
        let Conclusion { reply, origin, .. } = conclude(&gate, &app(200, answer));
        let location = reply.headers().find(|(name, _)| *name == LOCATION);
        let location = location.map(|(_, value)| value.to_str().unwrap().to_owned());
        (reply.status().as_u16(), location, matches!(origin, Origin::App))
    };
    let target = "rtmp://edge1.example.com/live/s1?token=a%20b";
    let answer =
        |allow: bool, target: &str| format!(r#"{{"allow":{allow},"location":{target:?}}}"#);
    assert_eq!(location(&answer(true, target)), (302, Some(target.to_owned()), true));
    assert_eq!(location(&answer(true, "s2")), (302, Some("s2".to_owned()), true));
    assert_eq!(location(&answer(false, target)), (403, None, true));
    assert_eq!(location(r#"{"allow":true,"location":null}"#), (200, None, true));
    for bad in ["a b", "http://x/\r\nset-cookie: a=b", "http://x/\u{e9}", "<x>", "http://x/\0"] {
        let bad = serde_json::json!({ "allow": true, "location": bad }).to_string();
        assert_eq!(location(&bad), (403, None, false), "{bad}");
    }
}

#[test]
fn asks_app_about_each_of_two_equal_callbacks() {
    let asked = |gate: &Gate| {
        (0..2).all(|_| matches!(accepted(gate).next(Timestamp::from_secs(NOW)), Next::Ask(_)))
    };
    assert!(asked(&gate("", "").unwrap()));
    let error = gate("", "dedupe = true").unwrap_err();
    assert!(
        error.contains("expected no dedupe for publish, because the platform reads the permission"),
        "expected a fault about dedupe, found {error}"
    );
}

#[test]
fn passthrough_keeps_status_and_body_of_the_app() {
    let gate = gate(REDIRECT, "forward = 'passthrough'").unwrap();
    let kept = |answer: &Answer| {
        let Conclusion { reply, origin, .. } = conclude(&gate, answer);
        let body = String::from_utf8(reply.body().to_vec()).unwrap();
        let code =
            origin.failure().map_or_else(|| origin.as_str(), |reason| reason.kind().as_str());
        (reply.status().as_u16(), body, code)
    };
    let redirect = |to: &str| {
        let answer = app(302, "moved");
        let Answer::Response { status, mut headers, body } = answer else {
            panic!("expected a response, found {answer:?}")
        };
        headers.insert(LOCATION, HeaderValue::from_str(to).unwrap());
        Answer::Response { status, headers, body }
    };
    for (answer, expected) in [
        (app(200, "OK\n"), (200, "OK\n", "app")),
        (app(201, ""), (201, "", "app")),
        (app(200, r#"{"allow":true}"#), (200, r#"{"allow":true}"#, "app")),
        (app(404, "no such stream"), (404, "no such stream", "app")),
        (app(403, r#"{"allow":true}"#), (403, r#"{"allow":true}"#, "app")),
        (redirect("rtmp://edge/live/s1"), (302, "moved", "app")),
        // gatepost replaces each of these answers.
        (app(200, r#"{"allow":false}"#), (403, "", "app")),
        (app(200, "x\n<b>Fatal error</b>: y"), (403, "", "answer_fatal")),
        (redirect("rtmp://edge/live/s1 x"), (403, "", "app_status")),
        (app(302, "no address"), (403, "", "app_status")),
        (app(500, ""), (403, "", "app_status")),
        (Answer::Timeout, (403, "", "app_timeout")),
    ] {
        let (status, body, code) = kept(&answer);
        assert_eq!((status, &*body, code), expected, "{answer:?}");
    }
}
