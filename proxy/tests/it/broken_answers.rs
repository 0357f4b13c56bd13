//! Tests of answers and upstream responses that HTTP forbids, that end early, or that exceed a
//! limit. gatepost logs a code. In place of such an answer, the platform gets the reply of the
//! failure policy.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::*;

const LONG_HEADER: usize = 1_200_000;

/// Returns the answers of a broken app: the name and the bytes of each, and the code that gatepost
/// logs for it.
fn answers() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let long = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(LONG_HEADER));
    vec![
        (
            "control character",
            text("HTTP/1.1 200 OK\r\nx-a: b\x01c\r\ncontent-length: 2\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "NUL",
            text("HTTP/1.1 200 OK\r\nx-a: b\0\r\ncontent-length: 2\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "space in name",
            text("HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 2\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "line without colon",
            text("HTTP/1.1 200 OK\r\nWarning in line 3\r\ncontent-length: 2\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "status of two digits",
            text("HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\n{}"),
            "answer_broken",
        ),
        ("not HTTP", text("<b>Fatal error</b>: out of memory\r\n\r\n"), "answer_broken"),
        (
            "length that is not a number",
            text("HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "two lengths",
            text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
            "answer_broken",
        ),
        (
            "chunk size that is not a number",
            text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}"),
            "answer_broken",
        ),
        (
            "cut off",
            text("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"resul"),
            "answer_incomplete",
        ),
        (
            "cut off in chunk",
            text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"re"),
            "answer_incomplete",
        ),
        ("long head", long.into_bytes(), "answer_too_large"),
    ]
}

/// Starts an app that sends the answer at the current `index` of [`answers`].
fn app(index: &Arc<AtomicUsize>) -> App {
    let index = Arc::clone(index);
    let answers: Vec<_> = answers().into_iter().map(|(_, bytes, _)| &*bytes.leak()).collect();
    App::start(move |_| Act::RawAndHangUp(answers[index.load(Ordering::SeqCst)]))
}

/// Sets the index of each answer in turn, and runs `check` with the answer's name and code.
fn for_each_answer(index: &AtomicUsize, check: impl Fn(&str, &str)) {
    for (number, (what, _, code)) in answers().into_iter().enumerate() {
        index.store(number, Ordering::SeqCst);
        check(what, code);
    }
}

/// Waits for `count` log lines that contain `text`. Returns the code of the last of these lines.
fn last_code(gate: &Gatepost, text: &str, count: usize) -> String {
    let line = gate.program.wait_for_lines(text, count);
    let line: Value = serde_json::from_str(&line).unwrap();
    line["code"].as_str().unwrap().to_owned()
}

const UNUSABLE: &str = "without a usable answer";

#[test]
fn policy_replaces_answer_that_gatepost_cannot_read() {
    let index = Arc::new(AtomicUsize::new(0));
    let app = app(&index);
    let gate = Gatepost::serve("breaker = false", &templates(&app));
    for_each_answer(&index, |what, code| {
        let reply = gate.send(&play());
        assert_eq!((reply.status, reply.text().as_str()), (200, FAILED), "{what}");
        assert_eq!(gate.send(&pushed()).status, 503, "{what}");
        gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
        let counted = format!("gatepost_app_failures_total{{code=\"{code}\",kind=\"push\"");
        let metrics = gate.metrics();
        assert!(metrics.contains(&counted), "{what}: expected {counted}, found:\n{metrics}");
    });
}

#[test]
fn policy_replaces_unreadable_answer_to_passthrough_callback() {
    let (index, lines) = (Arc::new(AtomicUsize::new(0)), Cell::new(0));
    let app = app(&index);
    let gate = Gatepost::serve_config(&format!(
        "upstream = '{}'\nbreaker = false\n\
         [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\nforward = 'passthrough'\n\
         [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = ['{KEY}']\nbind = ['*']\n",
        app.url("")
    ));
    for_each_answer(&index, |what, code| {
        let reply = gate.send(&pushed());
        assert_eq!((reply.status, reply.text().as_str()), (503, "unavailable\n"), "{what}");
        lines.set(lines.get() + 1);
        assert_eq!(last_code(&gate, UNUSABLE, lines.get()), code, "{what}");
    });
}

// Pingora's HTTP client, not gatepost's client for apps, reads the upstream's response.
#[test]
fn log_line_has_a_code_for_each_unreadable_upstream_response() {
    let (index, lines) = (Arc::new(AtomicUsize::new(0)), Cell::new(0));
    let app = app(&index);
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(&app));
    for_each_answer(&index, |what, code| {
        let mut client = gate.connect();
        client.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        lines.set(lines.get() + 1);
        let found = last_code(&gate, "upstream failed", lines.get());
        assert_eq!(found, code.replace("answer", "upstream"), "{what}");
    });
}

#[test]
fn logs_missing_upstream_response_as_upstream_failed() {
    for app in [App::start(|_| Act::HangUp), App::down()] {
        let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(&app));
        assert_eq!(gate.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").status, 502);
        assert_eq!(last_code(&gate, "upstream failed", 1), "upstream_failed");
    }
}
