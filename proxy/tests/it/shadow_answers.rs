//! Tests of shadow mode: the app's answer passes unchanged. The log and the metrics contain the
//! outcome that this answer has in enforce mode.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use crate::support::*;

/// Serves a Tencent route and a Kollus route in shadow mode. `on` is the value of each kind in
/// `[template.on]`.
fn shadow(upstream: &str, on: &str) -> Gatepost {
    Gatepost::serve_config(&format!(
        "upstream = '{upstream}'\n\
         [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\nmode = 'shadow'\n\
         [[route]]\npath = '/callbacks/kollus/{{token}}'\nprovider = 'kollus'\nmode = 'shadow'\n\
         token = {{ env = 'KOLLUS_TOKEN' }}\n\
         [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
         bind = ['*']\n[template.on]\npush = {on}\n\
         [[template]]\nname = 'k'\nprovider = 'kollus'\nbind = ['*']\n[template.on]\nlive_play = {on}\n"
    ))
}

const PASSTHROUGH: &str = "{ forward = 'passthrough', check_reply = true, timeout_ms = 500 }";

/// Waits for the log line with `code`, and returns it.
fn line(gate: &Gatepost, code: &str) -> Value {
    let line = gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
    serde_json::from_str(&line).unwrap()
}

fn assert_counted(gate: &Gatepost, outcome: &str, count: u32) {
    let line = format!(
        "gatepost_shadow_answers_total{{outcome=\"{outcome}\",provider=\"tencent-css\"}} {count}\n"
    );
    let metrics = gate.metrics();
    assert!(metrics.contains(&line), "expected {line}, found:\n{metrics}");
}

#[test]
fn logs_outcome_of_enforce_mode_and_passes_answer_unchanged() {
    for (answer, code, message) in [
        ("{\"code\":0}", "answer_passed", "answer would pass unchanged"),
        (
            "OK",
            "answer_put_right",
            "answer would be corrected: gatepost writes the platform's acknowledgement",
        ),
        (
            "{\"code\":1}",
            "answer_replaced",
            "answer would be replaced: the app's answer contradicts",
        ),
        (
            "<b>Fatal error</b>: x",
            "answer_replaced",
            "answer would be replaced: the app's answer contains",
        ),
    ] {
        let app = App::answering(200, answer);
        let gate = shadow(&app.url(""), PASSTHROUGH);
        let reply = gate.send(&pushed());
        assert_eq!((reply.status, reply.text().as_str()), (200, answer));
        let line = line(&gate, code);
        assert!(line["message"].as_str().unwrap().starts_with(message), "{line}");
        assert_eq!(line["mode"], "shadow");
        assert_eq!((&line["route"], &line["kind"]), (&"/callbacks/tencent".into(), &"push".into()));
        assert_counted(&gate, code.trim_start_matches("answer_"), 1);
        let forged = post("/callbacks/tencent", &with_flipped_sign(&push()));
        assert_eq!(gate.send(&forged).text(), answer);
        gate.program.wait_for_line("signature_mismatch");
        assert_counted(&gate, code.trim_start_matches("answer_"), 1);
        let log = gate.program.log();
        for secret in [TOKEN, KEY, "txSecret"] {
            assert!(!log.contains(secret), "expected no {secret}, found:\n{log}");
        }
    }
}

#[test]
fn logs_headers_and_fields_that_a_json_event_lacks() {
    let app = App::answering(200, "{\"code\":0}");
    let gate = shadow(&app.url(""), &format!("'{}'", app.url("/events")));
    gate.send(&post_with("/callbacks/tencent", "x-vendor-signature: s3cr3t\r\n", &push()));
    let line = line(&gate, "answer_passed");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["missing_headers"], "x-vendor-signature");
    assert_eq!(line["missing_fields"], "sign t");
    assert!(!gate.program.log().contains("s3cr3t"));
}

#[test]
fn logs_answers_without_body_as_passed_and_answers_with_faults_as_replaced() {
    for (act, code, status) in [
        (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], None, 204),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None, 200),
        (
            b"HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n",
            Some("app_status"),
            302,
        ),
        (b"HTTP/1.1 200 OK\r\nx-a: b\x01\r\ncontent-length: 0\r\n\r\n", Some("answer_broken"), 502),
        (b"", Some("app_unreachable"), 502),
    ] {
        let app = App::start(move |_| Act::RawAndHangUp(act));
        let gate = shadow(&app.url(""), PASSTHROUGH);
        assert_eq!(gate.send(&pushed()).status, status, "{act:?}");
        let line = match code {
            None => line(&gate, "answer_passed"),
            Some(_) => line(&gate, "answer_replaced"),
        };
        assert_eq!(line["reason"].as_str(), code, "{line}");
    }
}

#[test]
fn logs_incomplete_answer_as_replaced() {
    let app = App::start(|_| {
        Act::RawAndHangUp(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"code\"")
    });
    let gate = shadow(&app.url(""), PASSTHROUGH);
    let mut client = gate.connect();
    client.write(&pushed());
    assert_eq!(line(&gate, "answer_replaced")["reason"], "answer_incomplete");
}

#[test]
fn logs_late_answer_as_replaced() {
    let (release, released) = std::sync::mpsc::channel();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let app = App::start(move |_| Act::WaitFor(std::sync::Arc::clone(&released)));
    let gate = shadow(&app.url(""), "{ forward = 'passthrough', timeout_ms = 1 }");
    let mut client = gate.connect();
    client.write(&play());
    app.wait_for(1);
    let started = now();
    eventually("the end of the time-out", || now() > started);
    release.send(()).unwrap();
    assert_eq!(client.read().text(), "{\"result\":1}");
    assert_eq!(line(&gate, "answer_replaced")["reason"], "app_timeout");
}

// The client receives the first byte of the answer before the app sends the last byte. In every
// mode, Pingora delays the start of a short answer with `content-length`, so this answer is
// chunked.
#[test]
fn streams_answer_while_observing_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let (ready, wait) = std::sync::mpsc::channel::<()>();
    thread::spawn(move || {
        let mut stream = std::io::BufReader::new(listener.accept().unwrap().0);
        read_head(&mut stream).unwrap();
        let out = stream.get_mut();
        out.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"cod\r\n")
            .unwrap();
        wait.recv_timeout(PATIENCE).unwrap();
        out.write_all(b"5\r\ne\":0}\r\n0\r\n\r\n").unwrap();
        wait.recv_timeout(PATIENCE).unwrap_err();
    });
    let gate = shadow(&upstream, PASSTHROUGH);
    let mut client = gate.connect();
    client.write(&pushed());
    read_until(&mut client, b"{\"cod");
    ready.send(()).unwrap();
    read_until(&mut client, b"e\":0}");
    line(&gate, "answer_passed");
}

fn read_until(client: &mut Client, end: &[u8]) {
    let mut read = Vec::new();
    while !read.ends_with(end) {
        read.extend(client.read_exact(1));
    }
}

#[test]
fn answer_larger_than_memory_bound_passes_unchanged() {
    let body = format!("{{\"code\":0}}{}", " ".repeat(2_000_000));
    let app = App::answering(200, body.clone().leak());
    let gate = shadow(&app.url(""), PASSTHROUGH);
    assert_eq!(gate.send(&pushed()).text(), body);
    let line = line(&gate, "answer_put_right");
    assert!(line["message"].as_str().unwrap().contains("acknowledgement"), "{line}");
}
