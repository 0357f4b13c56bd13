//! Tests of session ends that arrive after the start of the next session.

use bytes::Bytes;
use gatepost::{
    Accepted, Admission, Answer, Definition, Gate, Head, Next, Permission, RequestContext,
    Timestamp,
};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::config::build;

const AT: fn(i64) -> Timestamp = |secs| Timestamp::from_secs(1_703_731_478 + secs);

fn tencent(on: &str) -> Gate {
    build(&format!(
        "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\ninsecure_unsigned = true\nbind = '*'\n\
         on = {{ {on} }}\n"
    ))
    .unwrap()
}

const BOTH: &str = "push = 'http://app/push', interruption = 'http://app/end'";

fn accept(gate: &Gate, body: &str) -> Accepted {
    let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let admission = gate.admit(&head, AT(0));
    let Admission::Callback(mut intake) = admission else {
        panic!("expected a callback, found {admission:?}")
    };
    intake.push(body.to_owned().into()).unwrap();
    intake.finish(AT(0)).unwrap()
}

/// Sends a callback, and returns the value of `gatepost-stale` in its event. The app answers with
/// `status`.
fn stale(gate: &Gate, body: &str, status: StatusCode) -> Option<String> {
    let accepted = accept(gate, body);
    let found = accepted.next(AT(0));
    let Next::Ask(question) = found else { panic!("expected a question, found {found:?}") };
    let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let (headers, _) = accepted.request(&head, &RequestContext::default(), AT(0));
    drop(question.conclude(&Answer::response(status, Some(Bytes::new())), AT(0)));
    headers.get("gatepost-stale").map(|value| value.to_str().unwrap().to_owned())
}

fn event(kind: u8, stream: &str, sequence: &str, secs: i64) -> String {
    let time = AT(secs).as_secs();
    format!(
        r#"{{"event_type":{kind},"app":"a","appname":"live","stream_id":"{stream}","channel_id":"s",
            "event_time":{time},"sequence":"{sequence}","node":"n","user_ip":"u","stream_param":""}}"#
    )
}

fn push(gate: &Gate, stream: &str, sequence: &str, secs: i64) {
    let stale = stale(gate, &event(1, stream, sequence, secs), StatusCode::OK);
    assert_eq!(stale, None, "`gatepost-stale` of a start");
}

fn end(gate: &Gate, stream: &str, sequence: &str, secs: i64) -> Option<String> {
    stale(gate, &event(0, stream, sequence, secs), StatusCode::OK)
}

#[test]
fn late_end_of_an_older_push_is_stale() {
    let gate = tencent(BOTH);
    push(&gate, "s", "1", 0);
    push(&gate, "s", "2", 10);
    push(&gate, "other", "3", 20);
    assert_eq!(end(&gate, "s", "1", 12).as_deref(), Some("true"));
    assert_eq!(end(&gate, "s", "2", 30), None);
    assert_eq!(end(&gate, "other", "3", 30), None);
}

#[test]
fn end_without_known_start_is_stale_if_its_time_is_before_the_latest_start() {
    let gate = tencent(BOTH);
    assert_eq!(end(&gate, "s", "1", 0), None, "`gatepost-stale` of an end without a start");
    push(&gate, "s", "2", 10);
    assert_eq!(end(&gate, "s", "1", 9).as_deref(), Some("true"));
    assert_eq!(end(&gate, "s", "3", 11), None);
}

#[test]
fn reload_keeps_the_sessions() {
    let gate = tencent(BOTH);
    push(&gate, "s", "1", 0);
    push(&gate, "s", "2", 10);
    let text = format!(
        "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\ninsecure_unsigned = true\nbind = '*'\n\
         on = {{ {BOTH} }}\n"
    );
    gate.replace(gatepost::Config::from_text(&text, "gatepost.toml").unwrap());
    assert_eq!(end(&gate, "s", "1", 12).as_deref(), Some("true"));
}

#[test]
fn denied_publish_starts_no_session() {
    let gate = build(
        "[[route]]\npath = '/hook'\nprovider = 'srs'\n\
         [[template]]\nname = 'live'\nprovider = 'srs'\nbind = '*'\n\
         on = { on_publish = 'http://app/publish', on_unpublish = 'http://app/unpublish' }\n",
    )
    .unwrap();
    let body = |action: &str, client: &str| {
        format!(
            r#"{{"action":"{action}","client_id":"{client}","ip":"203.0.113.1","vhost":"v","app":"live",
                "stream":"s","tcUrl":"rtmp://h/live","param":""}}"#
        )
    };
    let publish = |client: &str, answer: &'static str, expected| {
        let accepted = accept(&gate, &body("on_publish", client));
        let found = accepted.next(AT(0));
        let Next::Ask(question) = found else { panic!("expected a question, found {found:?}") };
        let answer = Answer::response(StatusCode::OK, Some(answer.into()));
        assert_eq!(question.conclude(&answer, AT(0)).permission(), Some(expected));
    };
    let unpublish = |client: &str| stale(&gate, &body("on_unpublish", client), StatusCode::OK);
    publish("1", r#"{"allow":true}"#, Permission::Allow);
    publish("2", r#"{"allow":false}"#, Permission::Deny);
    assert_eq!(unpublish("1"), None);
    publish("3", r#"{"allow":true}"#, Permission::Allow);
    assert_eq!(unpublish("1").as_deref(), Some("true"));
}

#[test]
fn remembers_no_starts_if_app_receives_no_ends() {
    let gate = tencent("push = 'http://app/push'");
    push(&gate, "s", "1", 0);
    push(&gate, "s", "2", 10);
    let text = format!(
        "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\ninsecure_unsigned = true\nbind = '*'\n\
         on = {{ {BOTH} }}\n"
    );
    gate.replace(gatepost::Config::from_text(&text, "gatepost.toml").unwrap());
    assert_eq!(end(&gate, "s", "1", 12), None, "`gatepost-stale` of an end without a start");
}

#[test]
fn session_needs_part_subject_and_id_or_time() {
    let definition = |kind: &str| {
        format!(
            "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
             [request]\nmethods = 'POST'\nbody = 'json'\n[kind]\nfrom = '/kind'\n\
             [kinds.on]\n{kind}\n"
        )
    };
    for (kind, expected) in [
        ("subject = '/s'\nsession = { part = 'start', id = '/id' }", None),
        ("subject = '/s'\ntime = { from = '/t', unit = 's' }\nsession = { part = 'end' }", None),
        ("session = { part = 'start', id = '/id' }", Some("expected `subject`")),
        ("subject = '/s'\nsession = { part = 'end' }", Some("expected an id of the session")),
        ("subject = '/s'\nsession = { part = 'begin', id = '/id' }", Some("part")),
        ("subject = '/s'\nsession = { id = '/id' }", Some("part")),
    ] {
        let parsed = Definition::parse(&definition(kind));
        let found = parsed.err().map(|error| error.to_string());
        match (&found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) => {
                assert!(found.contains(expected), "{kind}: expected {expected}, found {found}")
            }
            (Some(_) | None, _) => panic!("{kind}: expected {expected:?}, found {found:?}"),
        }
    }
}

/// Starts and ends of sessions in the built-in definitions: the provider, the kinds of the start
/// and of the end, the JSON Pointer to a field, and the values of this field in a start, in the end
/// of this session, and in the start of the next session.
const ORDERS: &[(&str, [&str; 2], &str, [&str; 3])] = &[
    (
        "alibaba-live",
        ["publish", "publish_done"],
        "/time",
        ["1703731477", "1703731487", "1703731497"],
    ),
    (
        "api-video",
        ["live-stream.broadcast.started", "live-stream.broadcast.ended"],
        "/emittedAt",
        ["2023-12-28T02:44:37Z", "2023-12-28T02:44:38Z", "2023-12-28T02:44:39Z"],
    ),
    (
        "cloudflare-live",
        ["connected", "disconnected"],
        "/data/updated_at",
        ["2022-01-13T11:43:41Z", "2022-01-13T11:43:42Z", "2022-01-13T11:43:43Z"],
    ),
    ("getstream", ["call.session_started", "call.session_ended"], "/session_id", ["a", "a", "b"]),
    ("huawei-live", ["publish", "publish_done"], "/publish_timestamp", ["1", "1", "2"]),
    ("jaas", ["room_created", "room_destroyed"], "/sessionId", ["a", "a", "b"]),
    (
        "jwp",
        ["channel_active", "channel_idle"],
        "/event_time",
        ["2024-08-29T03:01:24Z", "2024-08-29T03:01:25Z", "2024-08-29T03:01:26Z"],
    ),
    ("livekit", ["room_started", "room_finished"], "/room/sid", ["a", "a", "b"]),
    ("livepeer", ["stream.started", "stream.idle"], "/createdAt", ["1", "2", "3"]),
    (
        "mux",
        ["video.live_stream.active", "video.live_stream.idle"],
        "/created_at",
        ["2023-12-28T02:44:37Z", "2023-12-28T02:44:38Z", "2023-12-28T02:44:39Z"],
    ),
    ("nginx-rtmp", ["publish", "publish_done"], "/clientid", ["1", "1", "2"]),
    ("realtimekit", ["meeting.started", "meeting.ended"], "/meeting/sessionId", ["a", "a", "b"]),
    ("srs", ["on_publish", "on_unpublish"], "/client_id", ["a", "a", "b"]),
    ("tencent-css", ["push", "interruption"], "/sequence", ["1", "1", "2"]),
    (
        "tencent-trtc",
        ["create_room", "dismiss_room"],
        "/EventInfo/EventMsTs",
        ["1687770731831", "1687770731832", "1687770731833"],
    ),
    ("twilio", ["room_created", "room_ended"], "/RoomSid", ["a", "a", "b"]),
    ("zegocloud", ["room_create", "room_close"], "/room_session_id", ["1", "1", "2"]),
];

/// Sends samples to one gate, in order: for each pair of `callbacks`, a sample of this kind with
/// this value at `place`. Returns the value of `gatepost-stale` in the last event.
fn stale_sample(provider: &str, place: &str, callbacks: &[(&str, &str)]) -> Option<String> {
    let definition = Definition::built_in(provider).unwrap();
    let kinds = callbacks.iter().map(|(kind, _)| format!("'{kind}' = 'http://app/'"));
    let kinds = std::collections::BTreeSet::from_iter(kinds);
    let kinds: Vec<_> = kinds.into_iter().collect();
    let gate = build(&format!(
        "[[route]]\npath = '/hook'\nprovider = '{provider}'\n\
         [[template]]\nname = 'live'\nprovider = '{provider}'\n{}bind = '*'\non = {{ {} }}\n",
        if definition.signs(callbacks[0].0) { "insecure_unsigned = true\n" } else { "" },
        kinds.join(", ")
    ));
    let gate = gate.unwrap_or_else(|error| panic!("{provider}: expected a gate, found {error}"));
    let mut stale = None;
    for (kind, value) in callbacks {
        let mut sample = definition.sample(kind).unwrap();
        // In the definitions of these providers, the samples have different subjects or tenants.
        match provider {
            "jwp" => {
                sample.set("channel_id", "c").unwrap();
            }
            "mux" => {
                sample.set("/object/id", "c").unwrap();
                sample.set("/environment/id", "e").unwrap();
            }
            _ => {}
        }
        sample.set(place, value).unwrap();
        let request = sample.request(&Uri::from_static("/hook")).unwrap();
        let head = Head::new(request.method(), request.uri(), request.headers());
        let admission = gate.admit(&head, AT(0));
        let Admission::Callback(mut intake) = admission else {
            panic!("{provider}: expected a callback, found {admission:?}")
        };
        intake.push(request.body().clone()).unwrap();
        let accepted = intake
            .finish(AT(0))
            .unwrap_or_else(|error| panic!("{provider}: expected acceptance, found {error}"));
        let next = accepted.next(AT(0));
        let Next::Ask(question) = next else {
            panic!("{provider} {kind} {value}: expected a question, found {next:?}")
        };
        let (headers, _) = accepted.request(&head, &RequestContext::default(), AT(0));
        let allow = Answer::response(StatusCode::OK, Some(r#"{"allow":true}"#.into()));
        drop(question.conclude(&allow, AT(0)));
        stale = headers.get("gatepost-stale").map(|value| value.to_str().unwrap().to_owned());
    }
    stale
}

#[test]
fn built_in_definitions_mark_the_end_of_an_older_session() {
    for (provider, [start, end], place, [first, ended, second]) in ORDERS {
        let starts = [(*start, *first), (*start, *second), (*end, *ended)];
        let current = stale_sample(provider, place, &[starts[0], starts[2]]);
        assert_eq!(current, None, "{provider}: the end of the current session");
        let late = stale_sample(provider, place, &starts);
        assert_eq!(late.as_deref(), Some("true"), "{provider}: the end of an older session");
    }
}

/// Returns the words of a name such as `room_started`, `liveStreamEnded` or `stream-published`.
fn words(name: &str) -> Vec<String> {
    let spaced: String = name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_uppercase() {
            text.push(' ');
        }
        text.push(if letter.is_alphabetic() { letter.to_ascii_lowercase() } else { ' ' });
        text
    });
    spaced.split_whitespace().map(str::to_owned).collect()
}

const STARTS: &[&str] = &[
    "active",
    "connect",
    "connected",
    "create",
    "created",
    "opening",
    "publish",
    "published",
    "start",
    "started",
];
const ENDS: &[&str] = &[
    "close",
    "closed",
    "closing",
    "destroyed",
    "disconnect",
    "disconnected",
    "dismiss",
    "done",
    "end",
    "ended",
    "finished",
    "idle",
    "stop",
    "stopped",
    "unpublish",
    "unpublished",
];

#[test]
fn each_definition_with_starts_and_ends_has_an_order_or_a_reason() {
    let manual = include_str!("../../src/manual/reliability.md");
    let (_, list) = manual.split_once("| provider | reason |\n|---|---|\n").unwrap();
    let reasons: Vec<_> =
        list.lines().map_while(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert!(reasons.is_sorted(), "expected a sorted list, found {reasons:?}");
    for entry in std::fs::read_dir("src/provider/definitions").unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let definition: toml::Table = text.parse().unwrap();
        let name = definition["name"].as_str().unwrap();
        let kinds = definition["kinds"].as_table().unwrap();
        let has = |all: &[&str], event: &str| {
            kinds.iter().any(|(kind, body)| {
                words(kind).iter().any(|word| all.contains(&word.as_str()))
                    || body.get("common").is_some_and(|common| common.to_string().contains(event))
            })
        };
        let has_both = has(STARTS, "\"started\"") && has(ENDS, "\"ended\"");
        let has_order = kinds.values().any(|body| body.get("session").is_some());
        let is_listed = reasons.contains(&name);
        assert!(
            !(has_both && !has_order && !is_listed),
            "{name}: expected `session` in its kinds, or a reason in the list of reliability.md, found neither"
        );
        assert!(!(has_order && is_listed), "{name}: expected an order or a reason, found both");
        let is_tested = ORDERS.iter().any(|(provider, ..)| *provider == name);
        assert_eq!(
            has_order, is_tested,
            "{name}: expected an order and an entry in ORDERS, or neither, found only one of them"
        );
    }
    for name in reasons {
        assert!(Definition::built_in(name).is_some(), "{name}: expected a provider, found none");
    }
}
