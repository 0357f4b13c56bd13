//! Tests of `forward = "passthrough"`, of `forward = "raw"`, and of apps that sign the reply.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatepost::{Gate, GateLayer, Timestamp};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

const PLAY: &str = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
const PUSH: &[u8] = include_bytes!("../vectors/tencent-css/push/body");
const NATIVE: &str = "{ \"data\" : {\"result\":1, \"x\":2} }\n";
/// `{"data":{"result":1}}`, signed with the key `k`.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJkYXRhIjp7InJlc3VsdCI6MX19.\
                     MZb78ZaUtPcBGwqL8CIcxCvHds5zo9yWCpApfvZ7ovA";

/// A gate, and an app behind its layer. The app always gives the same answer, and records the
/// requests.
struct Door {
    gate: Gate,
    answer: (u16, Vec<(&'static str, &'static str)>, String),
    seen: Arc<Mutex<Vec<(Parts, Bytes)>>>,
}

impl Door {
    /// Creates a door for a Kollus route and a Tencent route. `route` is a line of both routes.
    /// `play` is a line of the Kollus template, and `push` is a line of the Tencent template.
    fn new(route: &str, play: &str, push: &str) -> Self {
        let config = format!(
            "[[route]]\npath = '/k/{{token}}'\nprovider = 'kollus'\ntoken = {{ env = 'TOKEN' }}\n{route}\n\
             [[route]]\npath = '/t'\nprovider = 'tencent-css'\n{route}\n\
             [[template]]\nname = 'k'\nprovider = 'kollus'\nbind = ['*']\n\
             settings = {{ security_key = 'k', custom_key = 'c' }}\n{play}\n\
             [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
             bind = ['*']\n{push}\n"
        );
        let builder = Gate::builder().toml(config).variable("TOKEN", "t0ken");
        let gate = builder.variable("KEY", "test").build();
        let gate = gate.unwrap_or_else(|error| panic!("expected a gate, found {error}"));
        Self { gate, answer: (200, Vec::new(), NATIVE.into()), seen: Arc::default() }
    }

    fn answering(mut self, status: u16, body: &str) -> Self {
        self.answer = (status, Vec::new(), body.into());
        self
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (Response<()>, String) {
        let (seen, answer) = (Arc::clone(&self.seen), self.answer.clone());
        let app = service_fn(move |request: Request<_>| {
            let (seen, (status, headers, body)) = (Arc::clone(&seen), answer.clone());
            async move {
                let (head, received) = request.into_parts();
                let received: gatepost::layer::RequestBody<Full<Bytes>> = received;
                let received = received.collect().await.unwrap().to_bytes();
                seen.lock().unwrap().push((head, received));
                let response = Response::builder().status(status);
                let response =
                    headers.into_iter().fold(response, |r, (name, value)| r.header(name, value));
                Ok::<_, Infallible>(response.body(Full::<Bytes>::from(body)).unwrap())
            }
        });
        let layer = GateLayer::new(self.gate.clone());
        let layer = layer.with_clock(|| Timestamp::from_secs(1_703_731_478));
        let (head, body) = layer.layer(app).oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap())
    }

    fn only_request(&self) -> (Parts, Bytes) {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "requests at the app");
        seen.pop().unwrap()
    }

    async fn reply(&self, request: Request<Full<Bytes>>) -> (u16, String) {
        let (head, body) = self.send(request).await;
        (head.status().as_u16(), body)
    }
}

fn play() -> Request<Full<Bytes>> {
    Request::post("/k/t0ken?x=%2F&y")
        .header("host", "callbacks.example.com")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("x-vendor-signature", "s")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("accept-encoding", "gzip")
        .header("ce-type", "forged")
        .header("x-real-ip", "203.0.113.9")
        .body(PLAY.into())
        .unwrap()
}

fn push() -> Request<Full<Bytes>> {
    Request::post("/t").header("host", "x").body(Bytes::from_static(PUSH).into()).unwrap()
}

fn text(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn app_receives_callback_without_reserved_and_hop_headers() {
    for (route, address) in [
        ("", "[template.on.live_play]\nforward = 'passthrough'"),
        ("", "[template.on.live_play]\nforward = 'passthrough'\nurl = 'http://app.test'"),
        ("forward = 'passthrough'", ""),
        ("forward = 'passthrough'", "on.live_play = 'http://app.test/events'"),
    ] {
        let door = Door::new(route, address, "");
        assert_eq!(door.reply(play()).await, (200, NATIVE.to_owned()), "{route} {address}");
        let (head, body) = door.only_request();
        assert_eq!((head.method, &body[..]), (Method::POST, PLAY.as_bytes()));
        // The layer masks the token, because the test does not call `GateLayer::show_token`.
        assert_eq!(head.uri.to_string(), "/k/{token}?x=%2F&y", "{route} {address}");
        for (name, values) in [
            ("host", &["callbacks.example.com"][..]),
            ("content-type", &["application/x-www-form-urlencoded"]),
            ("cookie", &["a=1", "b=2"]),
            ("x-vendor-signature", &["s"]),
            ("ce-type", &[]),
            ("ce-id", &[]),
            ("gatepost-template", &[]),
            ("connection", &[]),
            ("x-hop", &[]),
            ("accept-encoding", &[]),
            ("x-real-ip", &[]),
        ] {
            assert_eq!(text(&head.headers, name), values, "{name}");
        }
    }
}

#[tokio::test]
async fn app_receives_event_headers_with_passthrough_if_ce_headers_is_set() {
    let address = "[template.on.live_play]\nforward = 'passthrough'\nce_headers = true";
    let door = Door::new("", address, "");
    assert_eq!(door.reply(play()).await, (200, NATIVE.to_owned()));
    let (head, _) = door.only_request();
    for (name, values) in [
        ("cookie", &["a=1", "b=2"][..]),
        ("x-vendor-signature", &["s"]),
        ("ce-type", &["com.kollus.live_play"]),
        ("gatepost-template", &["k"]),
    ] {
        assert_eq!(text(&head.headers, name), values, "{name}");
    }
}

#[tokio::test]
async fn raw_event_has_headers_of_callback() {
    let door = Door::new("", "on.live_play = { url = 'http://app.test/p', forward = 'raw' }", "");
    assert_eq!(door.reply(play()).await, (200, r#"{"data":{"result":1}}"#.to_owned()));
    let (head, body) = door.only_request();
    assert_eq!((head.uri.path(), &body[..]), ("/p", PLAY.as_bytes()));
    assert_eq!(text(&head.headers, "x-vendor-signature"), ["s"]);
    assert_eq!(text(&head.headers, "cookie"), ["a=1", "b=2"]);
    assert_eq!(text(&head.headers, "ce-type"), ["com.kollus.live_play"]);
    assert!(text(&head.headers, "x-hop").is_empty() && text(&head.headers, "x-real-ip").is_empty());
}

const CHECKED: &str =
    "on.live_play = { forward = 'passthrough', on_failure = { result = 0, message = 'later' } }";
const CHECKED_PUSH: &str = "on.push = { forward = 'passthrough', check_reply = true }";
const LATER: &str = r#"{"data":{"result":0,"message":"later"}}"#;

#[tokio::test]
async fn answer_passes_unchanged_with_its_headers_except_date_and_hop_headers() {
    let mut door = Door::new("", CHECKED, "");
    door.answer.1 = vec![
        ("content-type", "application/json; charset=utf-8"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("keep-alive", "timeout=5"),
        ("date", "x"),
    ];
    let (head, body) = door.send(play()).await;
    assert_eq!(body, NATIVE);
    assert_eq!(text(head.headers(), "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(text(head.headers(), "content-type"), ["application/json; charset=utf-8"]);
    assert_eq!(text(head.headers(), "content-length"), [NATIVE.len().to_string()]);
    assert!(head.headers().get("keep-alive").is_none() && head.headers().get("date").is_none());
}

#[tokio::test]
async fn corrects_or_replaces_only_checked_answer() {
    for (status, answer, expected) in [
        (200, r#"{"allow":true}"#, r#"{"data":{"result":1}}"#),
        (200, r#"{"result":1}"#, r#"{"data":{"result":1}}"#),
        (403, r#"{"message":"no"}"#, r#"{"data":{"result":0,"message":"no"}}"#),
        (200, r#"{"data":{"result":7}}"#, LATER),
        (200, "<b>Fatal error</b>: x", LATER),
        (500, NATIVE, LATER),
        (302, "", LATER),
        (200, "", r#"{"data":{"result":0}}"#),
    ] {
        let door = Door::new("", CHECKED, "").answering(status, answer);
        assert_eq!(door.reply(play()).await, (200, expected.to_owned()), "{status} {answer}");
    }
    let unchecked = "on.live_play = { forward = 'passthrough', check_reply = false }";
    for (status, answer) in [(200, "<html>"), (403, "no"), (500, "x"), (302, ""), (200, "")] {
        let door = Door::new("", unchecked, "").answering(status, answer);
        assert_eq!(door.reply(play()).await, (status, answer.to_owned()));
    }
}

#[tokio::test]
async fn answer_to_notification_passes_and_gatepost_remembers_only_acknowledged_event() {
    let push_through = "on.push = { forward = 'passthrough' }";
    let mut door = Door::new("", "", push_through).answering(500, "db down");
    for _ in 0..2 {
        assert_eq!(door.reply(push()).await, (500, "db down".to_owned()));
    }
    door = door.answering(200, r#"{"code":500}"#);
    assert_eq!(door.reply(push()).await, (200, r#"{"code":500}"#.to_owned()));
    door = door.answering(200, "thanks");
    assert_eq!(door.reply(push()).await, (200, "thanks".to_owned()));
    // gatepost acknowledges a resend itself.
    assert_eq!(door.reply(push()).await, (200, r#"{"code":0}"#.to_owned()));
    assert_eq!(door.seen.lock().unwrap().len(), 4);
    let door = Door::new("", "", CHECKED_PUSH).answering(200, r#"{"code":500}"#);
    assert_eq!(door.reply(push()).await, (503, "unavailable\n".to_owned()));
}

#[tokio::test]
async fn checked_reply_has_no_byte_order_mark() {
    let marked = |answer: &str| format!("\u{feff}{answer}");
    let door = Door::new("", CHECKED, "").answering(200, &marked(r#"{"data":{"result":1}}"#));
    assert_eq!(door.reply(play()).await.1, r#"{"data":{"result":1}}"#);
    for address in [CHECKED, "on.live_play.on_failure = { result = 0, message = 'later' }"] {
        let door = Door::new("", address, "").answering(200, &marked(TOKEN));
        assert_eq!(door.reply(play()).await.1, TOKEN, "{address}");
    }
    let door = Door::new("", "", CHECKED_PUSH).answering(200, &marked(r#"{"code":0}"#));
    assert_eq!(door.reply(push()).await.1, r#"{"code":0}"#);
}

#[tokio::test]
async fn checked_reply_to_notification_is_the_acknowledgement_if_the_answer_is_unclear() {
    let warning = r#"<b>Warning</b>: Undefined array key in x.php {"code":0}"#;
    for (answer, expected) in [
        (warning, r#"{"code":0}"#),
        ("<html>", r#"{"code":0}"#),
        (r#"{ "code": 0, "message": "ok" }"#, r#"{ "code": 0, "message": "ok" }"#),
    ] {
        let door = Door::new("", "", CHECKED_PUSH).answering(200, answer);
        assert_eq!(door.reply(push()).await, (200, expected.to_owned()), "{answer}");
    }
}

#[tokio::test]
async fn reply_has_envelope_if_checked_token_has_none() {
    // `{"result":1}`, signed with the key `k`.
    let flat = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJyZXN1bHQiOjF9.",
        "lqlhnvLrjCAif495U01bM0EP-tPFaaYcDW8JlIrcvsk"
    );
    let door = Door::new("", CHECKED, "").answering(200, flat);
    assert_eq!(door.reply(play()).await.1, r#"{"data":{"result":1}}"#);
}

#[tokio::test]
async fn forged_callback_never_reaches_app() {
    let door = Door::new("forward = 'passthrough'", "", "");
    let forged = String::from_utf8(PUSH.to_vec()).unwrap().replace("\"sign\":\"", "\"sign\":\"0");
    let request = Request::post("/t").body(Full::from(forged)).unwrap();
    assert_eq!(door.send(request).await.0.status(), StatusCode::UNAUTHORIZED);
    let guess = Request::post("/k/guess").body(PLAY.into()).unwrap();
    assert_eq!(door.send(guess).await.0.status(), StatusCode::UNAUTHORIZED);
    assert!(door.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn app_may_sign_the_reply() {
    let other_key = TOKEN.replace("MZb7", "MZbA");
    let none = TOKEN.replace("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJub25lIn0");
    for address in [CHECKED, "on.live_play.on_failure = { result = 0, message = 'later' }"] {
        let mut door = Door::new("", address, "").answering(200, TOKEN);
        door.answer.1 = vec![("x-kollus-userkey", "mine")];
        let (head, body) = door.send(play()).await;
        assert_eq!(body, TOKEN, "{address}");
        assert_eq!(text(head.headers(), "x-kollus-userkey"), ["mine"]);
        door.answer.1.clear();
        let (head, _) = door.send(play()).await;
        // With passthrough, gatepost adds no header.
        let added: &[&str] = if address == CHECKED { &[] } else { &["c"] };
        assert_eq!(text(head.headers(), "x-kollus-userkey"), added);
        for forged in [&other_key, &none] {
            let door = Door::new("", address, "").answering(200, forged);
            assert_eq!(door.reply(play()).await, (200, LATER.to_owned()), "{forged}");
        }
    }
}

#[tokio::test]
async fn unchecked_passthrough_needs_no_key_for_reply_signing() {
    let config = |check: &str| {
        format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'k'\nprovider = 'kollus'\n\
             bind = ['*']\non.vod_play = {{ forward = 'passthrough', check_reply = {check} }}\n"
        )
    };
    let error = Gate::builder().toml(config("true")).build().unwrap_err().to_string();
    assert!(error.contains("security_key"), "expected a fault about security_key, found {error}");
    let door = Door {
        gate: Gate::builder().toml(config("false")).build().unwrap(),
        ..Door::new("", "", "")
    };
    let door = door.answering(200, "a.b.c");
    let play = "kind=1&client_user_id=u&player_id=p&media_content_key=m&uservalues=%7B%7D";
    let request = Request::post("/k").body(Full::from(play)).unwrap();
    assert_eq!(door.reply(request).await, (200, "a.b.c".to_owned()));
}

#[test]
fn config_explains_faults_of_passthrough() {
    for (address, expected) in [
        (
            "{ url = 'http://app.test/play', forward = 'passthrough' }",
            "expected a server without a path, because passthrough keeps the callback's path, found \
             \"http://app.test/play\"; remove the path, or write forward = \"raw\" to set a path",
        ),
        (
            "{ url = 'http://app.test/play', forward = 'raw', check_reply = true }",
            "expected forward = \"passthrough\" beside check_reply, found another form; remove check_reply",
        ),
        (
            "{ url = 'http://app.test/play', forward = 'raw', ce_headers = true }",
            "expected forward = \"passthrough\" beside ce_headers, found another form; remove ce_headers",
        ),
        (
            "{ url = 'http://app.test/play', host = 'a b' }",
            "expected a host, found \"a b\"; write the name that the app expects",
        ),
        (
            "{ url = 'http://app.test/play', forward = 'pass' }",
            "expected a known format, found \"pass\"",
        ),
    ] {
        let config = format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'k'\n\
             provider = 'kollus'\nbind = ['*']\non.live_play = {address}\n"
        );
        let error = Gate::builder().toml(config).build().unwrap_err().to_string();
        assert!(error.contains(expected), "{address}: expected {expected}, found {error}");
    }
}

#[tokio::test]
async fn replaces_content_type_that_misleads_app() {
    for (path, sent, received) in [
        ("/t", &["application/json; charset=utf-8"][..], "application/json; charset=utf-8"),
        ("/t", &["text/plain"], "text/plain"),
        ("/t", &["application/x-www-form-urlencoded"], "application/json"),
        ("/t", &["Multipart/Form-Data; boundary=x"], "application/json"),
        ("/t", &["application/cloudevents+json"], "application/json"),
        ("/t", &["application/json, application/x-www-form-urlencoded"], "application/json"),
        (
            "/k",
            &["application/x-www-form-urlencoded; charset=UTF-8"],
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
        ("/k", &["application/json"], "application/x-www-form-urlencoded"),
    ] {
        for forward in ["raw", "passthrough"] {
            let route = format!("forward = '{forward}'");
            let address = if forward == "raw" { "on.'*' = 'http://app.test/e'" } else { "" };
            let door = Door::new(&route, address, address);
            let mut request = if path == "/t" { push() } else { play() };
            request.headers_mut().remove("content-type");
            for value in sent {
                request.headers_mut().append("content-type", value.parse().unwrap());
            }
            door.send(request).await;
            let (head, _) = door.only_request();
            assert_eq!(text(&head.headers, "content-type"), [received], "{forward} {sent:?}");
        }
    }
}
