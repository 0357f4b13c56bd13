//! Tests of the log lines about apps and limits: each line names the cause and the remedy.

use crate::support::*;

/// Serves the kind `push` with an app at `url`, and sends a push. Returns the log line that
/// contains `code`.
fn line_about_push(url: &str, code: &str) -> String {
    let template = format!(
        "[[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\non.push = '{url}'\n"
    );
    let gate = Gatepost::serve("", &template);
    let _reply = gate.send(&pushed());
    gate.program.wait_for_line(&format!("\"code\":\"{code}\""))
}

fn assert_names(line: &str, texts: &[&str]) {
    for text in texts {
        assert!(line.contains(text), "expected {text}, found {line}");
    }
}

#[test]
fn line_about_compressed_answer_to_notification_names_the_coding() {
    let answer =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00";
    let app = App::start(move |_| Act::Raw(answer.to_vec()));
    let line = line_about_push(&app.url("/events"), "answer_unclear");
    assert_names(&line, &["`gzip`", "send the answer without compression", "\"level\":\"WARN\""]);
}

#[test]
fn line_about_app_that_expects_tls_names_https() {
    for (bytes, code, texts) in [
        (&b"\x15\x03\x03\x00\x02\x02\x16"[..], "answer_broken", "found TLS; write https://"),
        (b"", "app_unreachable", "write https:// if the port has TLS"),
        (
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
            "event_refused",
            "status 400: expected HTTPS; write https://",
        ),
    ] {
        let app = App::start(move |_| Act::RawAndHangUp(bytes));
        assert_names(&line_about_push(&app.url("/events"), code), &[texts]);
        let reset = App::start(move |_| Act::Reset(bytes));
        let url = reset.url("/events");
        if bytes.is_empty() {
            assert_names(&line_about_push(&url, code), &[texts]);
        }
    }
}

#[test]
fn line_about_app_without_tls_names_http() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let _hello = std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
            if number % 2 == 0 {
                let linger = Some(std::time::Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(&stream, linger).unwrap();
            }
        }
    });
    for _close_or_reset in 0..2 {
        let line = line_about_push(&format!("https://127.0.0.1:{port}/events"), "app_unreachable");
        assert_names(&line, &["found a close; write http:// if the port has no TLS"]);
    }
}

#[test]
fn line_about_redirect_names_its_target() {
    let app = App::start(|_| {
        let answer = "HTTP/1.1 301 Moved\r\nlocation: https://app.test/s3cret/?id=1\r\ncontent-length: 0\r\n\r\n";
        Act::Raw(answer.into())
    });
    let line = line_about_push(&app.url("/s3cret"), "app_status");
    assert_names(
        &line,
        &["301 to https://app.test/…/", "if it leads to the same handler, write it into url"],
    );
    assert!(!line.contains("s3cret") && !line.contains("id=1"), "{line}");
}

#[test]
fn line_about_exhausted_limit_names_route_and_config_key() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve_config(&format!(
        "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
         limit = {{ per_second = 1, burst = 1 }}\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['{KEY}']\nbind = ['*']\n\
         on.push = {{ url = '{}', dedupe = false }}\n",
        app.url("/events")
    ));
    eventually("a callback beyond the limit", || gate.send(&pushed()).status == 503);
    let line = gate.program.wait_for_line("app_overloaded");
    assert_names(
        &line,
        &[
            "\"route\":\"/callbacks/tencent\"",
            "at most 1 callbacks per second, with bursts of 1",
            "`limit`",
            "WARN",
        ],
    );
}
