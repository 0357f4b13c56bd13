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

/// Sends a callback, and returns the value of `gatepost-stale` in its event.
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
fn end_of_unknown_push_is_stale_if_older_than_current_push() {
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
