//! Whatever the app does, the platform gets a well-formed reply in time.

use std::time::Duration;

use crate::support::*;

/// What a play and a push get from such an app, and the code in the log.
fn assert_policy(app: &App, code: &str) {
    let gate = Gatepost::serve("", &templates(app));
    // `timeout_ms` is 500.
    let reply = within(Duration::from_millis(550), || gate.send(&play()));
    assert_eq!((reply.status, reply.text().as_str()), (200, FAILED), "{code}");
    gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
    let reply = gate.send(&pushed());
    assert_eq!((reply.status, reply.text().as_str()), (503, "unavailable\n"), "{code}");
    let metrics = gate.metrics();
    let counted = format!("gatepost_app_failures_total{{code=\"{code}\",kind=\"push\"");
    assert!(metrics.contains(&counted), "{metrics}");
}

#[test]
fn an_app_that_is_down() {
    let app = App::down();
    assert_policy(&app, "app_unreachable");
}

#[test]
fn an_app_that_hangs_up() {
    assert_policy(&App::start(|_| Act::HangUp), "app_unreachable");
}

#[test]
fn an_app_that_closes_its_idle_connections_is_asked_on_another() {
    let app = App::start(|seen| match seen.header("x-forwarded-for") {
        // Each connection takes one request.
        Some("198.51.100.1, 127.0.0.1") => Act::AnswerAndHangUp("{\"result\":1}"),
        _ => Act::HangUp,
    });
    let gate = Gatepost::serve("", &templates(&app));
    let headers = "x-forwarded-for: 198.51.100.1\r\n";
    for _ in 0..20 {
        let reply = gate.send(&post_with(&format!("/callbacks/kollus/{TOKEN}"), headers, PLAY));
        assert_eq!(reply.text(), r#"{"data":{"result":1}}"#);
    }
}

#[test]
fn an_app_that_hangs_up_is_asked_once_more_and_no_more() {
    let app = App::start(|_| Act::HangUp);
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).text(), FAILED);
    let ids: Vec<_> =
        app.seen().iter().map(|seen| seen.header("ce-id").map(str::to_owned)).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn an_app_that_never_answers() {
    assert_policy(&App::start(|_| Act::Hold(b"")), "app_timeout");
}

#[test]
fn an_app_that_stops_in_the_middle() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"resu";
    assert_policy(&App::start(|_| Act::Hold(start)), "app_timeout");
}

#[test]
fn an_app_that_fails() {
    assert_policy(&App::answering(500, "{\"result\":1}"), "app_status");
    assert_policy(&App::answering(404, ""), "app_status");
}

#[test]
fn an_answer_that_cannot_be_used() {
    for (answer, code) in [
        ("not json", "answer_malformed"),
        ("{\"result\":7}", "answer_invalid"),
        ("{\"result\":1,\"debug\":true}", "answer_invalid"),
    ] {
        let app = App::answering(200, answer);
        let gate = Gatepost::serve("", &templates(&app));
        assert_eq!(gate.send(&play()).text(), FAILED);
        gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
        assert_eq!(gate.send(&pushed()).status, 200, "a notification's answer does not matter");
    }
}

#[test]
fn an_answer_that_is_too_large() {
    let huge = format!("{{\"result\":1,\"message\":\"{}\"}}", "x".repeat(300_000));
    let app = App::answering(200, huge.leak());
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).text(), FAILED);
    gate.program.wait_for_line("\"code\":\"answer_too_large\"");
    assert_eq!(gate.send(&pushed()).status, 200);
}

#[test]
fn an_app_that_comes_back_is_asked_again() {
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
