//! Rules of HTTP for requests and replies that gatepost passes on: RFC 9110 and RFC 9112. The
//! client writes raw bytes, and the upstream replies with raw bytes.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::support::*;

fn serve(app: &App) -> Gatepost {
    serve_with(app, "")
}

fn serve_with(app: &App, top: &str) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'\n{top}", app.url("")), &templates(app))
}

/// Returns an app that answers every request with these bytes.
fn replying(bytes: &'static str) -> App {
    App::start(move |_| Act::Raw(bytes.into()))
}

/// Sends these bytes. Returns everything that gatepost sends until it closes the connection.
fn exchange(gate: &Gatepost, bytes: &str) -> String {
    let mut client = gate.connect();
    client.write(bytes.as_bytes());
    client.rest()
}

const CHUNKED_REPLY: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
const OLD_GET: &str = "GET /other HTTP/1.0\r\nhost: gate.test\r\n\r\n";
const LAST_GET: &str = "GET /other HTTP/1.1\r\nhost: gate.test\r\nconnection: close\r\n\r\n";
const GET: &str = "GET /other HTTP/1.1\r\nhost: gate.test\r\n\r\n";

// RFC 9112, section 6.1: no transfer coding to a client that sends HTTP/1.0.
#[test]
fn ends_reply_to_http_1_0_client_by_closing_connection() {
    let replies = [
        CHUNKED_REPLY,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n\
         b\r\nhello world\r\n0\r\nx: y\r\n\r\n",
    ];
    for reply in replies {
        let app = replying(reply);
        let gate = serve(&app);
        let kept = OLD_GET.replace("\r\n\r\n", "\r\nconnection: keep-alive\r\n\r\n");
        for request in [OLD_GET, &kept] {
            let got = exchange(&gate, request).to_ascii_lowercase();
            let (head, body) = got.split_once("\r\n\r\n").unwrap();
            assert_eq!(body, "hello world", "{got}");
            assert!(!head.contains("transfer-encoding"), "{got}");
            assert!(!head.contains("trailer"), "{got}");
            assert!(head.contains("connection: close"), "{got}");
        }
        let head_only = OLD_GET.replace("GET", "HEAD");
        let got = exchange(&gate, &head_only).to_ascii_lowercase();
        assert!(got.ends_with("\r\n\r\n") && !got.contains("transfer-encoding"), "{got}");
    }
}

#[test]
fn ends_reply_without_length_to_http_1_0_client_by_closing_connection() {
    let app = App::start(|_| Act::RawAndHangUp(b"HTTP/1.0 200 OK\r\n\r\nhello"));
    let gate = serve(&app);
    let got = exchange(&gate, OLD_GET).to_ascii_lowercase();
    assert!(got.ends_with("\r\n\r\nhello") && !got.contains("transfer-encoding"), "{got}");
    let got = exchange(&gate, LAST_GET);
    assert!(got.contains("5\r\nhello\r\n0\r\n\r\n"), "{got}");
}

// RFC 9110, section 7.6.1.
#[test]
fn removes_hop_by_hop_headers_from_replies() {
    let app = replying(
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
         Connection: X-Hop, keep-alive\r\nConnection: x-other\r\nX-Hop: forged\r\n\
         X-Other: forged\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nx-kept: y\r\n\
         content-length: 2\r\n\r\nok",
    );
    let gate = serve(&app);
    for request in [LAST_GET, OLD_GET, &LAST_GET.replace("GET", "HEAD")] {
        let got = exchange(&gate, request).to_ascii_lowercase();
        for name in
            ["keep-alive:", "proxy-connection", "x-hop", "x-other", "te:", "trailer", "upgrade"]
        {
            assert!(!got.contains(&format!("\n{name}")), "{name} in {got}");
        }
        assert!(got.contains("x-kept: y\r\n") && got.contains("content-length: 2\r\n"), "{got}");
        assert_eq!(got.matches("connection:").count(), 1, "{got}");
    }
    let got = curl_http2(&gate, &[]).to_ascii_lowercase();
    assert!(got.contains("x-kept: y") && !got.contains("forged"), "{got}");
}

/// Sends a request in HTTP/2 with these further arguments for curl. Returns head and body.
fn curl_http2(gate: &Gatepost, arguments: &[&str]) -> String {
    let output = std::process::Command::new("curl")
        .args(["-si", "--http2-prior-knowledge", "-m", "20"])
        .args(arguments)
        .arg(format!("http://127.0.0.1:{}/other", gate.port))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn removes_hop_by_hop_headers_from_requests() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    let lines = "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
                 Connection: X-Hop, close\r\nConnection: x-other\r\nX-Hop: forged\r\n\
                 X-Other: forged\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nx-kept: y\r\n";
    assert_eq!(gate.send(&post_with("/other", lines, "ok")).status, 200);
    let seen = app.only();
    for name in ["keep-alive", "proxy-connection", "x-hop", "x-other", "te", "trailer", "upgrade"] {
        assert_eq!(seen.header(name), None, "{seen:?}");
    }
    assert_eq!((seen.header("x-kept"), &*seen.body), (Some("y"), &b"ok"[..]));
}

#[test]
fn passes_websocket_messages_that_arrive_with_handshake() {
    let accept = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                   connection: upgrade\r\nkeep-alive: x\r\n\r\n";
    let app = App::start(|_| Act::Echo(accept));
    let gate = serve(&app);
    let mut client = gate.connect();
    let handshake = GET.replace(
        "\r\n\r\n",
        "\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n\x01\x02hi",
    );
    let reply = client.send(handshake.as_bytes());
    assert_eq!((reply.status, reply.header("upgrade")), (101, Some("websocket")));
    assert_eq!(reply.header("connection"), Some("upgrade"));
    assert_eq!(reply.header("keep-alive"), None);
    assert_eq!(client.read_exact(4), b"\x01\x02hi");
    client.write(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.read_exact(18), b"GET / HTTP/1.1\r\n\r\n");
    client.finish();
    assert_eq!(client.rest(), "");
}

// RFC 9110, section 7.6.1: `close` counts in every line and at every position.
#[test]
fn closes_connection_if_any_connection_line_says_close() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    for lines in [
        "connection: close",
        "connection: x, Close",
        "connection: keep-alive, close",
        "connection: keep-alive\r\nconnection: close",
        "connection: x\r\nconnection: y ,\tclose , z",
    ] {
        let got = exchange(&gate, &GET.replace("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n")));
        assert!(got.to_ascii_lowercase().contains("\nconnection: close\r\n"), "{lines}: {got}");
    }
}

// RFC 9110, section 7.8: `Upgrade` counts only if `Connection` names this header.
#[test]
fn ignores_upgrade_that_connection_does_not_name() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for lines in ["upgrade: websocket\r\n", "upgrade: websocket\r\nconnection: close\r\n"] {
        assert_eq!(gate.send(&post_with("/other", lines, "")).status, 200);
        let seen = app.seen().pop().unwrap();
        assert_eq!((seen.header("upgrade"), seen.header("connection")), (None, None), "{seen:?}");
    }
}

// RFC 9110, section 15.2: no 1xx status to a client that sends HTTP/1.0.
#[test]
fn sends_no_interim_reply_to_http_1_0_client() {
    let app = replying(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    let gate = serve(&app);
    let expecting = "POST /other HTTP/1.0\r\nhost: x\r\nexpect: 100-continue\r\n\
                     content-length: 1\r\n\r\nx";
    for request in [OLD_GET, expecting] {
        let got = exchange(&gate, request);
        assert!(got.starts_with("HTTP/1.1 200 ") && got.matches("HTTP/1.1").count() == 1, "{got}");
    }
    assert!(app.seen().iter().all(|seen| seen.header("expect").is_none()), "{:?}", app.seen());
    let got = exchange(&gate, LAST_GET);
    assert!(got.contains("HTTP/1.1 103 ") && got.ends_with("\r\n\r\nok"), "{got}");
}

fn chunked(body: &str) -> String {
    format!("POST /other HTTP/1.1\r\nhost: gate.test\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}

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

// RFC 9112, section 7.1.
#[test]
fn refuses_malformed_chunks_at_once() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for body in BAD_CHUNKS {
        // The connection stays open: gatepost must not wait for more bytes.
        let got = exchange(&gate, &chunked(body));
        assert!(got.starts_with("HTTP/1.1 400 "), "{body:?}: {got}");
        assert!(got.ends_with("\r\n\r\nrefused\n"), "{body:?}: {got}");
    }
    assert_eq!(app.seen().len(), 0);
}

#[test]
fn refuses_malformed_chunks_that_arrive_later() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for body in BAD_CHUNKS {
        let mut client = gate.connect();
        client.write(chunked("1\r\nx\r\n").as_bytes());
        gate.wait_for_in_flight(1);
        client.write(body.as_bytes());
        let got = client.rest();
        assert!(got.starts_with("HTTP/1.1 400 "), "{body:?}: {got}");
        assert!(got.ends_with("\r\n\r\nrefused\n"), "{body:?}: {got}");
        drop(client);
        gate.wait_for_in_flight(0);
    }
}

#[test]
fn accepts_legal_chunks() {
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
        // The same bytes one by one.
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
fn refuses_malformed_heads_without_repair() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    for line in BAD_LINES {
        let got = exchange(&gate, &format!("{line}\r\nhost: gate.test\r\n\r\n"));
        assert!(got.starts_with("HTTP/1.1 400 "), "{line:?}: {got}");
        assert!(got.ends_with("\r\n\r\nrefused\n"), "{line:?}: {got}");
    }
    for lines in BAD_HEADERS {
        let got = exchange(&gate, &format!("GET /path HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n"));
        assert!(got.starts_with("HTTP/1.1 400 "), "{lines:?}: {got}");
        assert!(got.ends_with("\r\n\r\nrefused\n"), "{lines:?}: {got}");
    }
    let got = exchange(&gate, "GET /path HTTP/1.1\nhost: gate.test\n\n");
    assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
    assert_eq!(app.seen().len(), 0, "{:?}", app.seen());
    let metrics = gate.metrics();
    assert!(metrics.contains("gatepost_requests_rejected_total{code=\"target_invalid\"}"));
    assert!(metrics.contains("gatepost_requests_unreadable_total"), "{metrics}");
    gate.program.wait_for_line("\"code\":\"request_unreadable\"");
}

#[test]
fn passes_unusual_heads_unchanged() {
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
    assert!(got.starts_with("HTTP/1.1 405 "), "{got}");
}

// RFC 9113, section 8.2.3.
#[test]
fn joins_cookie_lines_of_http_2() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    let got =
        curl_http2(&gate, &["-H", "cookie: a=b", "-H", "Cookie: c=d; e=f", "-H", "cookie: g"]);
    assert!(got.starts_with("HTTP/2 200"), "{got}");
    let seen = app.only();
    let cookies: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "cookie").collect();
    assert_eq!(cookies, [&("cookie".to_owned(), "a=b; c=d; e=f; g".to_owned())], "{seen:?}");
}

#[test]
fn refuses_transfer_codings_other_than_chunked() {
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
        assert!(got.starts_with("HTTP/1.1 400 ") || got.starts_with("HTTP/1.1 501 "), "{got}");
        assert_eq!(got.matches("HTTP/1.1").count(), 1, "{got}");
    }
    assert_eq!(app.seen().len(), 0);
}

#[test]
fn replies_502_to_transfer_codings_and_lengths_that_clients_may_not_read() {
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
        assert!(got.starts_with("HTTP/1.1 502 "), "{head:?}: {got}");
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
        assert!(got.starts_with("http/1.1 200 ") && got.ends_with(body), "{head:?}: {got}");
        let framing = got.matches("content-length").count() + got.matches("transfer-enc").count();
        assert_eq!(framing, 1, "{got}");
        assert!(!got.contains("5, 5"), "{got}");
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
        assert!(got.starts_with("http/1.1 ") && got.ends_with("\r\n\r\n"), "{got}");
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

// RFC 9112, section 9.3.2.
#[test]
fn answers_pipelined_requests() {
    let app = App::start(|seen| {
        let body = seen.line.split(' ').nth(1).unwrap().to_owned();
        let length = body.len();
        Act::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into())
    });
    let gate = serve(&app);
    let post = |path: &str| String::from_utf8(post(path, "hello")).unwrap();
    let chunks = chunked("5\r\nhello\r\n0\r\nx: y\r\n\r\n");
    let websocket = GET.replace(
        "\r\n\r\n",
        "\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\r\n",
    );
    let push = String::from_utf8(pushed()).unwrap();
    for first in [GET, &post("/other"), &chunks, &websocket, &push, &GET.replace("GET", "OPTIONS")]
    {
        let mut client = gate.connect();
        let next = GET.replace("/other", "/next");
        client.write(format!("{first}{next}{}{}", post("/third"), pushed_text()).as_bytes());
        assert_eq!(client.read().status, 200, "{first:?}");
        assert_eq!(client.read().text(), "/next", "{first:?}");
        assert_eq!(client.read().text(), "/third", "{first:?}");
        assert_eq!(client.read().status, 200, "{first:?}");
    }
    // The bytes arrive one by one.
    let mut client = gate.connect();
    for byte in format!("{GET}{chunks}{GET}{}", pushed_text()).as_bytes() {
        client.write(&[*byte]);
    }
    assert!((0..4).all(|_| client.read().status == 200));
}

// gatepost closes the connection after the 502, and must announce this by `connection: close`.
#[test]
fn announces_close_before_it_drops_pipelined_requests() {
    let app = App::down();
    let got = exchange(&serve(&app), &GET.repeat(2));
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert_eq!(got.matches("HTTP/1.1").count(), 1, "{got}");
    assert!(got.to_ascii_lowercase().contains("connection: close"), "{got}");
}

fn pushed_text() -> String {
    String::from_utf8(pushed()).unwrap()
}

#[test]
fn answers_request_that_arrives_before_reply() {
    let (say, said) = channel();
    let said = Arc::new(Mutex::new(said));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&said)));
    let gate = serve(&app);
    for first in [GET.to_owned(), chunked("5\r\nhello\r\n0\r\n\r\n")] {
        let before = app.seen().len();
        let mut client = gate.connect();
        client.write(first.as_bytes());
        app.wait_for(before + 1);
        client.write(GET.as_bytes());
        say.send(()).unwrap();
        say.send(()).unwrap();
        assert_eq!((client.read().status, client.read().status), (200, 200));
    }
}

// RFC 9112, section 9.6.
#[test]
fn replies_to_client_that_closes_its_sending_half() {
    let (say, said) = channel();
    let said = Arc::new(Mutex::new(said));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&said)));
    let templates = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates);
    let chunked_push = {
        let push = push();
        let head = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
        format!("{head}\r\n\r\n{:x}\r\n{push}\r\n0\r\n\r\n", push.len())
    };
    let play = String::from_utf8(play()).unwrap();
    let post = String::from_utf8(post("/other", "x")).unwrap();
    for request in [GET, LAST_GET, &post, OLD_GET, &chunked("0\r\n\r\n"), &play, &chunked_push] {
        let before = app.seen().len();
        let mut client = gate.connect();
        client.write(request.as_bytes());
        client.finish();
        app.wait_for(before + 1);
        // The app answers late. gatepost must still send the reply to the half-closed connection.
        std::thread::sleep(std::time::Duration::from_millis(400));
        say.send(()).unwrap();
        let got = client.rest();
        assert!(got.starts_with("HTTP/1.1 200 "), "{request:?}: {got}");
    }
    gate.wait_for_in_flight(0);
}

#[test]
fn drops_request_of_client_that_resets_connection() {
    let (say, gone) = channel();
    let say = Arc::new(Mutex::new(say));
    let app = App::start(move |_| Act::TellWhenGone(Arc::clone(&say)));
    let gate = serve(&app);
    let mut client = gate.connect();
    client.write(GET.as_bytes());
    app.wait_for(1);
    client.reset();
    gone.recv_timeout(PATIENCE).unwrap();
    gate.wait_for_in_flight(0);
}

// RFC 9112, section 9.6: a reset would destroy the reply in the client's buffer.
#[test]
fn delivers_early_reply_while_client_sends() {
    let app = App::start_at_head(|_| {
        Act::RawAndHangUp(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
    });
    let gate = serve(&app);
    for _ in 0..5 {
        let mut client = gate.connect();
        client.write(b"POST /other HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n");
        app.wait_for(1);
        client.write(&[b'x'; 200_000]);
        let got = client.read();
        assert_eq!((got.status, got.text().as_str()), (413, "large"));
    }
}

#[test]
fn closes_idle_connection_to_upstream() {
    let app = App::answering(200, "ok");
    let gate = serve_with(&app, "upstream_idle_ms = 30");
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    eventually("a closed connection to the upstream", || app.closed() == 1);
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    assert_eq!(app.seen().pop().unwrap().connection, 1);
}

#[test]
fn sends_post_on_new_connection_after_upstream_closed_the_old() {
    let app = App::start(|_| Act::AnswerAndHangUp("ok"));
    let gate = serve(&app);
    let mut client = gate.connect();
    for count in 1..=100 {
        assert_eq!(client.send(&post("/other", "x")).status, 200);
        eventually("the end of the connection", || app.closed() == count);
    }
    assert_eq!(app.seen().len(), 100);
}

#[test]
fn does_not_send_post_twice() {
    let app = App::start(|seen| {
        if seen.connection == 0 && seen.body == b"2" { Act::HangUp } else { Act::Answer(200, "ok") }
    });
    let gate = serve(&app);
    let mut client = gate.connect();
    assert_eq!(client.send(&post("/other", "1")).status, 200);
    assert_eq!(client.send(&post("/other", "2")).status, 502);
    assert_eq!(app.seen().len(), 2);
    // An idempotent request goes to a new connection.
    let app = App::start(|seen| {
        if seen.connection == 0 && seen.body == b"2" { Act::HangUp } else { Act::Answer(200, "ok") }
    });
    let gate = serve(&app);
    let put = |body| String::from_utf8(post("/other", body)).unwrap().replace("POST", "PUT");
    let mut client = gate.connect();
    assert_eq!(client.send(put("1").as_bytes()).status, 200);
    assert_eq!(client.send(put("2").as_bytes()).status, 200);
    assert_eq!(app.seen().len(), 3);
}

// RFC 9110, section 7.6.2.
#[test]
fn counts_max_forwards_down() {
    let app = App::answering(200, "app");
    let gate = serve(&app);
    for method in ["OPTIONS", "TRACE"] {
        let send = |value: &str| {
            let head = format!("{method} /other HTTP/1.1\r\nhost: x\r\nmax-forwards: {value}\r\n");
            gate.send(format!("{head}\r\n").as_bytes())
        };
        assert_eq!(send("3").text(), "app");
        assert_eq!(app.seen().pop().unwrap().header("max-forwards"), Some("2"));
        let before = app.seen().len();
        assert_ne!(send("0").text(), "app");
        assert_eq!(app.seen().len(), before, "expected no request to the app");
    }
    let head = "GET /other HTTP/1.1\r\nhost: x\r\nmax-forwards: 0\r\n\r\n";
    assert_eq!(gate.send(head.as_bytes()).text(), "app");
}

// RFC 9110, section 7.6.3.
#[test]
fn adds_via_to_requests() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    gate.send(GET.as_bytes());
    assert_eq!(app.seen().pop().unwrap().header("via"), Some("1.1 gatepost"));
    gate.send(OLD_GET.replace("host", "via: 1.1 edge\r\nhost").as_bytes());
    let seen = app.seen().pop().unwrap();
    let via: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "via").collect();
    let via: Vec<_> = via.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(via.join(", "), "1.1 edge, 1.0 gatepost");
}

// HTTP/2 clients send `:authority`, and no `host`.
#[test]
fn accepts_signed_host_in_http_1_and_http_2() {
    let app = App::answering(200, "");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("cam.toml");
    let definition = "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n[request]\n\
                      methods = 'POST'\nbody = 'json'\n[kind]\nother = 'event'\n[kinds.event]\n\
                      [signature]\ndigest = 'md5'\nparts = ['key', 'header:Host']\n\
                      found_in = 'header:x-sign'\nencoding = 'hex'";
    std::fs::write(&file, definition).unwrap();
    let gate = Gatepost::serve_config(&format!(
        "provider_files = ['{}']\n[[route]]\npath = '/other'\nprovider = 'cam'\n[[template]]\n\
         name = 'cam'\nprovider = 'cam'\nkeys = ['k']\nbind = '*'\ndedupe = false\n\
         on.event = '{}'",
        file.display(),
        app.url("/event")
    ));
    // md5 of `kgate.test`.
    let sign = "x-sign: 8fb7f009fb9a38edb71c644fc2fd0c8c";
    assert_eq!(gate.send(&post_with("/other", &format!("{sign}\r\n"), "{}")).status, 200);
    let got = curl_http2(&gate, &["-d", "{}", "-H", sign, "-H", "host: gate.test"]);
    assert!(got.starts_with("HTTP/2 200"), "{got}");
    let got = curl_http2(&gate, &["-d", "{}", "-H", sign]);
    assert!(got.starts_with("HTTP/2 401"), "{got}");
    assert_eq!(app.seen().len(), 2);
}
