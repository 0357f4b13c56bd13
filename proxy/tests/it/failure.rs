//! Tests that the platform gets a well-formed reply in time while the app fails.

use std::time::Duration;

use crate::console;
use crate::support::*;
use crate::template_api::TOKEN_LINE;

/// Checks the replies to a play and a push while the app fails. The log and the metrics must
/// contain `code`.
fn assert_policy(app: &App, code: &str) {
    let gate = Gatepost::serve("", &templates(app));
    // The templates set `timeout_ms = 500` for plays.
    let reply = within(Duration::from_millis(550), || gate.send(&play()));
    assert_eq!((reply.status, reply.text().as_str()), (200, FAILED), "{code}");
    gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
    let reply = gate.send(&pushed());
    assert_eq!((reply.status, reply.text().as_str()), (503, "unavailable\n"), "{code}");
    let metrics = gate.metrics();
    let counted = format!("gatepost_app_failures_total{{code=\"{code}\",kind=\"push\"");
    assert!(metrics.contains(&counted), "expected {counted}, found:\n{metrics}");
}

#[test]
fn applies_failure_policy_if_app_is_down() {
    let app = App::down();
    assert_policy(&app, "app_unreachable");
}

#[test]
fn applies_failure_policy_if_app_closes_connection() {
    assert_policy(&App::start(|_| Act::HangUp), "app_unreachable");
}

#[test]
fn asks_on_new_connection_if_app_closes_idle_connection() {
    let app = App::start(|seen| match seen.header("x-forwarded-for") {
        // The app answers one request on each connection.
        Some("198.51.100.1") => Act::AnswerAndHangUp("{\"result\":1}"),
        _ => Act::HangUp,
    });
    let gate = Gatepost::serve("trusted_proxies = '127.0.0.1'", &templates(&app));
    let headers = "x-forwarded-for: 198.51.100.1\r\n";
    for _ in 0..20 {
        let reply = gate.send(&post_with(&format!("/callbacks/kollus/{TOKEN}"), headers, PLAY));
        assert_eq!(reply.text(), r#"{"data":{"result":1}}"#);
    }
}

#[test]
fn sends_event_again_if_app_closes_connection_without_answer() {
    for app in [App::start(|_| Act::HangUp), App::start(|_| Act::Reset(b""))] {
        let gate = Gatepost::serve("", &templates(&app));
        assert_eq!(gate.send(&play()).text(), FAILED);
        let ids: Vec<_> =
            app.seen().iter().map(|seen| seen.header("ce-id").map(str::to_owned)).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    }
}

// An app that has begun to answer may already have processed the event.
#[test]
fn does_not_send_event_again_after_partial_answer() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"resu";
    let app = App::start(|_| Act::Reset(start));
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).text(), FAILED);
    gate.program.wait_for_line("Connection reset by peer");
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn applies_failure_policy_if_app_never_answers() {
    assert_policy(&App::start(|_| Act::Hold(b"")), "app_timeout");
}

#[test]
fn applies_failure_policy_if_answer_stalls() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"resu";
    assert_policy(&App::start(|_| Act::Hold(start)), "app_timeout");
}

#[test]
fn applies_failure_policy_on_app_status_404_or_500() {
    assert_policy(&App::answering(500, "{\"result\":1}"), "app_status");
    assert_policy(&App::answering(404, ""), "app_status");
}

#[test]
fn applies_failure_policy_on_invalid_answer() {
    for (answer, code) in [
        ("not json", "answer_malformed"),
        ("{\"result\":7}", "answer_invalid"),
        ("{\"result\":1,\"vmchek\":true}", "answer_invalid"),
    ] {
        let app = App::answering(200, answer);
        let gate = Gatepost::serve("", &templates(&app));
        assert_eq!(gate.send(&play()).text(), FAILED);
        gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
        assert_eq!(gate.send(&pushed()).status, 200, "status for a notification");
    }
}

#[test]
fn line_about_malformed_answer_has_its_status_and_content_type() {
    let long = format!("content-type: text/{}\r\n", "x".repeat(300));
    let cut = format!("status 200, content-type text/{}\"", "x".repeat(95));
    let html = "content-type: text/HTML; charset=utf-8\r\n";
    for (header, body, found) in [
        (
            html,
            "\n<!DOCTYPE html>Login",
            "status 200, content-type text/HTML; charset=utf-8; this is an HTML page: if it is a login",
        ),
        // PHP labels its own warnings as HTML.
        (html, "<br>Warning", "status 200, content-type text/HTML; charset=utf-8\""),
        ("content-type: application/json\r\n", "Login", "content-type application/json\""),
        (&*long, "Login", &cut),
        ("", "Login", "status 200, no content-type\""),
        (
            "content-encoding: gzip\r\ncontent-type: text/html\r\n",
            "Login",
            "without compression (status 200, content-type text/html)",
        ),
    ] {
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{header}content-length: {length}\r\n\r\n{body}");
        let app = App::start(move |_| Act::Raw(answer.clone().into_bytes()));
        let gate = Gatepost::serve("", &templates(&app));
        assert_eq!(gate.send(&play()).text(), FAILED);
        let line = gate.program.wait_for_line("\"code\":\"answer_malformed\"");
        assert!(line.contains(found), "expected {found}, found {line}");
    }
}

#[test]
fn applies_failure_policy_on_too_large_answer() {
    let huge = format!("{{\"result\":1,\"message\":\"{}\"}}", "x".repeat(300_000));
    let app = App::answering(200, huge.leak());
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).text(), FAILED);
    gate.program.wait_for_line("\"code\":\"answer_too_large\"");
    assert_eq!(gate.send(&pushed()).status, 200);
}

#[test]
fn asks_app_again_after_app_restarts() {
    let app = App::down();
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&pushed()).status, 503);
    let listener = std::net::TcpListener::bind(("127.0.0.1", app.port)).unwrap();
    let app = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 204 X\r\n\r\n").unwrap();
    });
    assert_eq!(gate.send(&pushed()).status, 200);
    app.join().unwrap();
}

/// Serves a route for play and DRM callbacks of Kollus, with `settings` in the template.
fn vod(app: &App, settings: &str) -> Gatepost {
    Gatepost::serve_config(&format!(
        "[[route]]\npath = '/vod/{{token}}'\nprovider = 'kollus'\ntoken = 'x'\n\
         [[template]]\nname = 'vod'\nprovider = 'kollus'\nbind = ['*']\n{settings}\
         [template.on]\n'*' = '{}'\n",
        app.url("/kollus")
    ))
}

const VOD_KEYS: &str = "settings = { security_key = 'key', custom_key = 'custom' }\n";
const VOD_PLAY: &str = "kind=1&client_user_id=u&media_content_key=m";
const DRM: &str = "items=[{\"kind\":1,\"media_content_key\":\"m\",\"client_user_id\":\"u\"},\
                   {\"kind\":2,\"media_content_key\":\"n\",\"client_user_id\":\"u\"}]";

fn payload(reply: &Response) -> String {
    let body = reply.text();
    let payload =
        body.split('.').nth(1).unwrap_or_else(|| panic!("expected a token, found {body}"));
    String::from_utf8(data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

#[test]
fn replaces_invalid_item_of_answer_and_logs_fault() {
    let app = App::start(|_| Act::Answer(200, r#"[{"result":1,"vmcheck":7},{"result":1}]"#));
    let gate = vod(&app, VOD_KEYS);
    let reply = gate.send(&post("/vod/x", DRM));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("x-kollus-userkey"), Some("custom"));
    assert_eq!(
        payload(&reply),
        r#"{"data":[{"kind":1,"media_content_key":"m","result":0},{"kind":2,"media_content_key":"n","result":1}]}"#
    );
    let line = gate.program.wait_for_line("\"code\":\"answer_invalid\"");
    assert!(line.contains("items[0]: expected `vmcheck` to be from 0 to 1"), "{line}");
    assert!(
        !gate.program.log().contains("custom\""),
        "expected no key, found {}",
        gate.program.log()
    );
}

#[test]
fn acknowledges_finished_download_while_app_is_down() {
    let gate = vod(&App::down(), VOD_KEYS);
    assert_eq!(
        payload(&gate.send(&post("/vod/x", DRM))),
        r#"{"data":[{"kind":1,"media_content_key":"m","result":0},{"kind":2,"media_content_key":"n","result":1}]}"#
    );
}

#[test]
fn one_address_receives_play_and_drm() {
    let app = App::start(|_| Act::Answer(200, r#"{"allow":true}"#));
    let gate = vod(&app, VOD_KEYS);
    assert_eq!(payload(&gate.send(&post("/vod/x", VOD_PLAY))), r#"{"data":{"result":1}}"#);
    let drm = payload(&gate.send(&post("/vod/x", DRM)));
    assert!(drm.starts_with(r#"{"data":[{"kind":1,"media_content_key":"m","result":1},"#), "{drm}");
    let kinds: Vec<_> =
        app.seen().iter().map(|s| s.header("ce-type").unwrap().to_owned()).collect();
    assert_eq!(kinds, ["com.kollus.vod_play", "com.kollus.drm"]);
}

#[test]
fn replies_503_without_reply_key() {
    let app = App::start(|_| Act::Answer(200, r#"{"allow":true}"#));
    let gate = vod(&app, "");
    let reply = gate.send(&post("/vod/x", VOD_PLAY));
    assert_eq!((reply.status, reply.text().as_str()), (503, "unavailable\n"));
    gate.program.wait_for_line("\"code\":\"reply_key_missing\"");
    assert_eq!(app.seen().len(), 0, "events without a reply key");
}

#[test]
fn page_of_callback_says_that_app_did_not_answer_in_time() {
    let app = App::start(|_| Act::Hold(b""));
    let gate = Gatepost::serve(TOKEN_LINE, &templates(&app));
    let cookie = console::cookie(&gate, TOKEN);
    assert_eq!(gate.send(&play()).text(), FAILED);
    let page = || console::get(&gate, "/console/callbacks/1", &cookie);
    eventually("a captured callback", || page().status == 200);
    let page = page().text();
    for found in ["<h2>Event to the app</h2>", "The app did not answer in time."] {
        assert!(page.contains(found), "expected {found}, found {page}");
    }
    for wrong in ["(not sent)", "gatepost did not ask the app"] {
        assert!(!page.contains(wrong), "expected no {wrong:?}, found {page}");
    }
}
