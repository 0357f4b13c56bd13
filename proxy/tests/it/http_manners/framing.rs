//! Tests of message heads and bodies: messages that gatepost refuses as malformed, and messages
//! that it passes on.

use super::{GET, LAST_GET, chunked, curl_http2, exchange, replying, serve};
use crate::support::{Act, App};

const BAD_CHUNKS: [&str; 50] = [
    "5;\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "5;\nhello\r\n0\r\n\r\n",
    "5;x\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "5\r\nhello\r\n0\n\r\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0;\r\n\r\n",
    "5\r\nhello\r\n0 \r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "\r\n",
    "5,5\r\nhello\r\n0\r\n\r\n",
    "\"5\"\r\nhello\r\n0\r\n\r\n",
    "5_0\r\nhello\r\n0\r\n\r\n",
    "5\0\r\nhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "g\r\nhello\r\n0\r\n\r\n",
    "10000000000000000\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "00000000000000000\r\n\r\n",
    "5;=x\r\nhello\r\n0\r\n\r\n",
    "5;x=\r\nhello\r\n0\r\n\r\n",
    "5;x;\r\nhello\r\n0\r\n\r\n",
    "5;;x\r\nhello\r\n0\r\n\r\n",
    "5;x \r\nhello\r\n0\r\n\r\n",
    "5;x y\r\nhello\r\n0\r\n\r\n",
    "5 x\r\nhello\r\n0\r\n\r\n",
    "5;x=\"y\r\nhello\r\n0\r\n\r\n",
    "5;x=\"y\"z\r\nhello\r\n0\r\n\r\n",
    "5;x=\"\\\r\nhello\r\n0\r\n\r\n",
    "5;x=\0\r\nhello\r\n0\r\n\r\n",
    "5;x@y\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nx\r\n\r\n",
    "5\r\nhello\r\n0\r\nx : y\r\n\r\n",
    "5\r\nhello\r\n0\r\n: y\r\n\r\n",
    "5\r\nhello\r\n0\r\nx: y\n\r\n",
    "5\r\nhello\r\n0\r\nx: y\n\n",
    "5\r\nhello\r\n0\r\nx: \0\r\n\r\n",
    "5\r\nhello\r\n0\r\n x: y\r\n\r\n",
    "5\r\nhello\r\n0\r\nx: y\r\n z\r\n\r\n",
    "5\r\nhello\r\n0\r\nx: y\rz\r\n\r\n",
];

/// Checks that `got`, the reply to a request with `body`, is a refusal with status 400.
fn assert_refused(body: &str, got: &str) {
    let is_refused = got.starts_with("HTTP/1.1 400 ") && got.ends_with("\r\n\r\nrefused\n");
    assert!(is_refused, "{body:?}: expected 400 and `refused`, found {got}");
}

// RFC 9112, section 7.1.
#[test]
fn refuses_malformed_chunks_at_once() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for body in BAD_CHUNKS {
        // The client keeps the connection open. gatepost must not wait for more bytes.
        let got = exchange(&gate, &chunked(body));
        assert_refused(body, &got);
    }
    assert_eq!(app.seen().len(), 0);
}

#[test]
fn refuses_malformed_chunks_after_a_valid_chunk() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for body in BAD_CHUNKS {
        let mut client = gate.connect();
        client.write(chunked("1\r\nx\r\n").as_bytes());
        gate.wait_for_in_flight(1);
        client.write(body.as_bytes());
        let got = client.rest();
        assert_refused(body, &got);
        drop(client);
        gate.wait_for_in_flight(0);
    }
}

#[test]
fn accepts_valid_chunks() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for body in [
        "5\r\nhello\r\n0\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n00\r\n\r\n",
        "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
        "5;x\r\nhello\r\n0\r\n\r\n",
        "5;x=y\r\nhello\r\n0;z\r\n\r\n",
        "5;x=\"a;b\\\"\tc\u{ff}\";y\r\nhello\r\n0\r\n\r\n",
        "5 ; x = y\t;\tz\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        "5\r\nhello\r\n0\r\nx:\r\nContent-Length: 7\r\nce-type: \tforged\u{e9} \r\n\r\n",
    ] {
        let mut client = gate.connect();
        for _ in 0..2 {
            assert_eq!(client.send(chunked(body).as_bytes()).status, 200, "{body:?}");
            let seen = app.seen().pop().unwrap();
            assert_eq!(seen.body, b"hello", "{body:?}");
            assert_eq!(seen.header("ce-type"), None);
        }
        // The client sends the same bytes one by one.
        for byte in chunked(body).as_bytes() {
            client.write(&[*byte]);
        }
        assert_eq!(client.read().status, 200, "{body:?} one by one");
        assert_eq!(app.seen().pop().unwrap().body, b"hello", "{body:?} one by one");
    }
}

const BAD_LINES: [&str; 39] = [
    "GET /pa th HTTP/1.1",
    "GET /path\0 HTTP/1.1",
    "GET /path\u{1} HTTP/1.1",
    "GET /path\u{7f} HTTP/1.1",
    "GET /path\t HTTP/1.1",
    "GET /path\rx HTTP/1.1",
    "GET /p\u{e9}th HTTP/1.1",
    "GET /path?\u{e9} HTTP/1.1",
    "GET /path?a b HTTP/1.1",
    "GET /path#x HTTP/1.1",
    "GET /path?x#y HTTP/1.1",
    "GET #x HTTP/1.1",
    "GET /<path> HTTP/1.1",
    "GET /path?\"x\" HTTP/1.1",
    "GET * HTTP/1.1",
    "POST * HTTP/1.1",
    "OPTIONS *x HTTP/1.1",
    "GET  HTTP/1.1",
    "GET HTTP/1.1",
    "GET  /path HTTP/1.1",
    "GET /path  HTTP/1.1",
    "GET\t/path HTTP/1.1",
    "GET /path HTTP/1.1 ",
    " GET /path HTTP/1.1",
    "G@T /path HTTP/1.1",
    "GET /path",
    "GET /path HTTP/0.9",
    "GET /path HTTP/1.2",
    "GET /path HTTP/2.0",
    "GET /path HTTP/3.0",
    "GET /path HTTP/1.10",
    "GET /path http/1.1",
    "GET /path HTTP/11",
    "GET path HTTP/1.1",
    "GET gate.test:80 HTTP/1.1",
    "GET http://gate.test/pa th HTTP/1.1",
    "GET http://gate.test/path#x HTTP/1.1",
    "GET http://gate.test#x HTTP/1.1",
    "GET ftp://gate.test/path HTTP/1.1",
];

const BAD_HEADERS: [&str; 15] = [
    "x : y",
    "x\t: y",
    " x: y",
    "x: y\r\n z",
    "x: y\r\n\tz",
    "x",
    ": y",
    "x\0: y",
    "x y: z",
    "x\u{e9}: y",
    "x(: y",
    "x: \0",
    "x: y\rz",
    "x: y\nz: a",
    "x: \u{7f}",
];

// RFC 9112, section 3.
#[test]
fn refuses_malformed_heads_instead_of_repairing_them() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for line in BAD_LINES {
        let got = exchange(&gate, &format!("{line}\r\nhost: gate.test\r\n\r\n"));
        assert!(
            got.starts_with("HTTP/1.1 400 "),
            "{line:?}: expected `HTTP/1.1 400` at the start, found {got}"
        );
        assert!(
            got.ends_with("\r\n\r\nrefused\n"),
            "{line:?}: expected `refused` at the end, found {got}"
        );
    }
    for lines in BAD_HEADERS {
        let got = exchange(&gate, &format!("GET /path HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n"));
        assert!(
            got.starts_with("HTTP/1.1 400 "),
            "{lines:?}: expected `HTTP/1.1 400` at the start, found {got}"
        );
        assert!(
            got.ends_with("\r\n\r\nrefused\n"),
            "{lines:?}: expected `refused` at the end, found {got}"
        );
    }
    let got = exchange(&gate, "GET /path HTTP/1.1\nhost: gate.test\n\n");
    assert!(got.starts_with("HTTP/1.1 400 "), "expected `HTTP/1.1 400` at the start, found {got}");
    assert_eq!(app.seen().len(), 0, "{:?}", app.seen());
    let metrics = gate.metrics();
    assert!(metrics.contains("gatepost_requests_rejected_total{code=\"target_invalid\"}"));
    assert!(metrics.contains("gatepost_requests_unreadable_total"), "{metrics}");
    gate.program.wait_for_line("\"code\":\"request_unreadable\"");
}

#[test]
fn passes_unusual_but_valid_request_lines() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for (line, seen) in [
        ("get /path HTTP/1.1", "get /path HTTP/1.1"),
        ("M-SEARCH /path HTTP/1.1", "M-SEARCH /path HTTP/1.1"),
        ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"),
        ("OPTIONS http://gate.test HTTP/1.1", "OPTIONS * HTTP/1.1"),
        ("OPTIONS http://gate.test?x HTTP/1.1", "OPTIONS /?x HTTP/1.1"),
        ("GET http://gate.test HTTP/1.1", "GET / HTTP/1.1"),
        ("GET /%20\"^?c|{d}\\[e]&'~` HTTP/1.1", "GET /%20\"^?c|{d}\\[e]&'~` HTTP/1.1"),
        ("\r\nGET /path HTTP/1.1", "GET /path HTTP/1.1"),
    ] {
        let got = gate.send(format!("{line}\r\nhost: gate.test\r\n\r\n").as_bytes());
        assert_eq!(got.status, 200, "{line:?}: {got:?}");
        assert_eq!(app.seen().pop().unwrap().line, seen);
    }
    let got = exchange(&gate, "CONNECT gate.test:80 HTTP/1.1\r\nhost: gate.test:80\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 405 "), "expected `HTTP/1.1 405` at the start, found {got}");
}

// RFC 9113, section 8.2.3.
#[test]
fn joins_cookie_lines_of_http_2() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    let got =
        curl_http2(&gate, &["-H", "cookie: a=b", "-H", "Cookie: c=d; e=f", "-H", "cookie: g"]);
    assert!(got.starts_with("HTTP/2 200"), "expected `HTTP/2 200` at the start, found {got}");
    let seen = app.only();
    let cookies: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "cookie").collect();
    assert_eq!(cookies, [&("cookie".to_owned(), "a=b; c=d; e=f; g".to_owned())], "{seen:?}");
}

#[test]
fn refuses_ambiguous_or_unknown_transfer_encodings() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for (version, lines) in [
        ("1.1", "transfer-encoding: gzip, chunked"),
        ("1.1", "transfer-encoding: gzip"),
        ("1.1", "transfer-encoding: chunked, gzip"),
        ("1.1", "transfer-encoding: identity"),
        ("1.1", "transfer-encoding: gzip\r\ntransfer-encoding: chunked"),
        ("1.1", "transfer-encoding: chunked;x"),
        ("1.1", "transfer-encoding: chunked\r\ncontent-length: 5"),
        ("1.0", "transfer-encoding: chunked"),
        ("1.0", "transfer-encoding: chunked\r\nconnection: keep-alive"),
    ] {
        let head = format!("POST /other HTTP/{version}\r\nhost: gate.test\r\n{lines}\r\n\r\n");
        let got = exchange(&gate, &format!("{head}0\r\n\r\n{GET}"));
        assert!(
            got.starts_with("HTTP/1.1 400 ") || got.starts_with("HTTP/1.1 501 "),
            "expected 400 or 501, found {got}"
        );
        assert_eq!(got.matches("HTTP/1.1").count(), 1, "{got}");
    }
    assert_eq!(app.seen().len(), 0);
}

#[test]
fn replies_502_if_clients_could_misread_end_of_response() {
    for head in [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: x",
        "content-length: -5",
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        let app = App::start(move |_| Act::Raw(reply.clone().into()));
        let got = exchange(&serve(&app), LAST_GET);
        assert!(
            got.starts_with("HTTP/1.1 502 "),
            "{head:?}: expected `HTTP/1.1 502` at the start, found {got}"
        );
    }
    for (head, body) in [
        ("transfer-encoding: chunked\r\ncontent-length: 7", "5\r\nhello\r\n0\r\n\r\n"),
        ("content-length: 5, 5", "hello"),
        ("content-length: 5\r\ncontent-length: 5", "hello"),
        ("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
        let app = App::start(move |_| Act::Raw(reply.clone().into()));
        let got = exchange(&serve(&app), LAST_GET).to_ascii_lowercase();
        assert!(
            got.starts_with("http/1.1 200 ") && got.ends_with(body),
            "{head:?}: expected `http/1.1 200` at the start and {body} at the end, found {got}"
        );
        let framing = got.matches("content-length").count() + got.matches("transfer-enc").count();
        assert_eq!(framing, 1, "{got}");
        assert!(!got.contains("5, 5"), "expected no `5, 5`, found {got}");
    }
}

// RFC 9110, section 8.6 and section 6.4.1.
#[test]
fn sends_no_body_if_http_forbids_a_body() {
    for (status, lines) in [("204 No Content", "content-length: 5"), ("304 Not Modified", "x: y")] {
        let reply = format!("HTTP/1.1 {status}\r\n{lines}\r\n\r\nhello");
        let app = App::start(move |_| Act::Raw(reply.clone().into()));
        let gate = serve(&app);
        let got = exchange(&gate, LAST_GET).to_ascii_lowercase();
        assert!(
            got.starts_with("http/1.1 ") && got.ends_with("\r\n\r\n"),
            "expected a head without a body, found {got}"
        );
        assert!(!got.contains("content-length") && !got.contains("transfer-encoding"), "{got}");
        let mut client = gate.connect();
        for _ in 0..2 {
            assert_eq!(client.send(GET.as_bytes()).status.to_string(), status[..3]);
        }
    }
    let app = replying("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let got = exchange(&serve(&app), &LAST_GET.replace("GET", "HEAD"));
    assert!(got.ends_with("\r\n\r\n") && got.to_ascii_lowercase().contains("content-length: 5"));
}
