//! Tests of refusals: each has a status, a constant body and a code in the log. The app receives no
//! byte.

use crate::support::*;

/// Starts an app that must receive no request.
fn untouched() -> App {
    App::answering(200, "")
}

fn assert_refused(gate: &Gatepost, reply: &Response, status: u16, code: &str) {
    assert_eq!((reply.status, reply.text().as_str()), (status, "refused\n"), "{code}");
    let line = gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
    assert!(line.contains(&format!("\"status\":{status}")), "expected {status}, found {line}");
}

#[test]
fn each_refusal_has_its_code_and_app_gets_no_byte() {
    let app = untouched();
    let gate = Gatepost::serve("max_body_bytes = 150000", &templates(&app));
    let tencent = |body: &str| post("/callbacks/tencent", body);
    let push = push();
    let flipped = with_flipped_sign(&push);
    let raw = |text: &str| text.replace('\n', "\r\n").into_bytes();
    let cases: Vec<(&str, u16, Vec<u8>)> = vec![
        ("signature_mismatch", 401, tencent(&flipped)),
        ("signature_missing", 401, tencent(&push.replace("\"sign\"", "\"sing\""))),
        ("tenant_unknown", 401, tencent(&push.replace("push.example", "other.example"))),
        ("json_malformed", 400, tencent("{\"a\":")),
        (
            "json_too_deep",
            400,
            tencent(&format!("{{\"a\":{}{}}}", "[".repeat(900), "]".repeat(900))),
        ),
        ("fields_too_many", 400, tencent(&format!("{{\"a\":[{}0]}}", "0,".repeat(65_536)))),
        ("not_an_object", 400, tencent("[]")),
        ("field_duplicate", 400, tencent(&push.replace("\"appid\":1", "\"appid\":1,\"appid\":2"))),
        ("body_missing", 400, tencent("")),
        ("body_too_large", 413, tencent(&"x".repeat(150_001))),
        ("token_mismatch", 401, post("/callbacks/kollus/guess", PLAY)),
        ("form_malformed", 400, post(&format!("/callbacks/kollus/{TOKEN}"), "kind=%zz")),
        ("utf8_invalid", 400, post(&format!("/callbacks/kollus/{TOKEN}"), "kind=%ff")),
        ("path_ambiguous", 400, post("/callbacks//tencent", &push)),
        ("method_not_allowed", 405, raw("GET /callbacks/tencent HTTP/1.1\nhost: x\n\n")),
        (
            "framing_ambiguous",
            400,
            raw("POST /callbacks/tencent HTTP/1.1\nhost: x\ncontent-length: 5\n\
                 transfer-encoding: chunked\n\n0\n\n"),
        ),
        (
            "upgrade_not_allowed",
            400,
            raw("POST /callbacks/tencent HTTP/1.1\nhost: x\nconnection: upgrade\n\
                 upgrade: websocket\ncontent-length: 0\n\n"),
        ),
        (
            "content_encoding_unsupported",
            415,
            post_with("/callbacks/tencent", "content-encoding: gzip\r\n", &push),
        ),
    ];
    for (code, status, bytes) in &cases {
        assert_refused(&gate, &gate.send(bytes), *status, code);
    }
    let metrics = gate.metrics();
    for (code, ..) in &cases {
        assert!(
            metrics.contains(&format!("code=\"{code}\"")),
            "expected {code} in the metrics, found none"
        );
    }
    assert!(app.seen().is_empty(), "expected no request, found {:?}", app.seen());
}

#[test]
fn refuses_too_large_content_length_before_body_arrives() {
    let app = untouched();
    let gate = Gatepost::serve("max_body_bytes = 1000", &templates(&app));
    let head = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n";
    let reply = gate.send(format!("{head}\r\n").as_bytes());
    assert_refused(&gate, &reply, 413, "body_too_large");
    assert_eq!(reply.header("connection"), Some("close"));
    let reply = gate.send(format!("{head}expect: 100-continue\r\n\r\n").as_bytes());
    assert_eq!(reply.status, 413, "first status with `expect: 100-continue`");
    gate.program.wait_for_line("expected at most 1000 bytes, found 100000000");
    gate.send(b"GET /callbacks/tencent HTTP/1.1\r\nhost: x\r\n\r\n");
    gate.program.wait_for_line("expected POST, found GET");
    gate.send(b"S3CRETPOST /callbacks/tencent HTTP/1.1\r\nhost: x\r\n\r\n");
    gate.program.wait_for_line("expected POST, found another method");
}

#[test]
fn closes_connection_on_too_large_body() {
    let gate = Gatepost::serve("max_body_bytes = 1000", &templates(&untouched()));
    let mut client = gate.connect();
    let reply = client.send(&post("/callbacks/tencent", &"x".repeat(1001)));
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    assert!(client.is_closed());
}

// Pingora replies to a head that it cannot parse. Such a request does not reach the core.
#[test]
fn logs_and_counts_unreadable_head() {
    let gate = Gatepost::serve("", &templates(&untouched()));
    let path = format!("/callbacks/kollus/{TOKEN}");
    assert_eq!(gate.send(&post_with(&path, "host: other\r\n", PLAY)).status, 400);
    let line = gate.program.wait_for_line("\"code\":\"request_unreadable\"");
    assert!(line.contains("\"from\":\"127.0.0.1\"") && !line.contains(TOKEN), "{line}");
    assert_eq!(gate.send(&post("/other", "")).status, 404);
    drop(gate.connect());
    let counted = "\ngatepost_requests_unreadable_total 1\n";
    eventually(counted, || gate.metrics().contains(counted));
}

#[test]
fn refuses_chunked_body_as_soon_as_it_exceeds_limit() {
    let app = untouched();
    let gate = Gatepost::serve("max_body_bytes = 1000", &templates(&app));
    let mut client = gate.connect();
    client.write(
        b"POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    client.write(format!("3e9\r\n{}\r\n", "x".repeat(1001)).as_bytes());
    // The client never sends the last chunk.
    assert_refused(&gate, &client.read(), 413, "body_too_large");
    assert!(client.is_closed());
}

#[test]
fn incomplete_callback_does_not_reach_app() {
    let app = untouched();
    let gate = Gatepost::serve("", &templates(&app));
    let whole = pushed();
    let mut client = gate.connect();
    client.write(&whole[..whole.len() - 1]);
    drop(client);
    gate.program.wait_for_line("\"code\":\"body_incomplete\"");
    assert!(app.seen().is_empty());
}

#[test]
fn keeps_connection_after_refusal_if_gatepost_has_read_whole_request() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let mut client = gate.connect();
    for bytes in [
        post("/callbacks/tencent", "{}"),
        post("/callbacks/kollus/guess", PLAY),
        post("/callbacks//tencent", "x"),
        b"DELETE /callbacks/tencent HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
    ] {
        let reply = client.send(&bytes);
        assert_eq!(reply.header("connection"), Some("keep-alive"), "{reply:?}");
    }
    assert_eq!(client.send(&pushed()).status, 200);
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn never_reads_bytes_after_ambiguous_request_as_next_request() {
    let app = untouched();
    let gate = Gatepost::serve("", &templates(&app));
    let inner = String::from_utf8(pushed()).unwrap();
    let smuggled = format!(
        "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        inner.len() + 5
    );
    let mut client = gate.connect();
    assert_eq!(client.send(smuggled.as_bytes()).status, 400);
    assert!(client.is_closed());
    assert!(app.seen().is_empty());
}

#[test]
fn refuses_variants_of_callback_path() {
    let app = untouched();
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(&app));
    for path in [
        "//callbacks/tencent",
        "/callbacks/./tencent",
        "/callbacks/tencent//",
        "/callbacks/%74encent",
        "/CALLBACKS/tencent",
        "/callbacks/tencent;x=1",
        "/x/../callbacks/tencent",
        "/callbacks%2Ftencent",
        "/callbacks\\tencent",
        "/callbacks/tencent%00",
        "/%2563allbacks/tencent",
        "/callbacks/tencent/.",
        "/callbacks/tencent%20",
        "//evil/callbacks/tencent",
        "/callbacks//../tencent",
        "/x%3f/../callbacks/tencent",
        "callbacks/tencent",
    ] {
        let reply = gate.send(&post(path, &push()));
        assert_eq!((reply.status, reply.text().as_str()), (400, "refused\n"), "{path}");
    }
    let reply = gate.send(&post("http://gate.test/callbacks/tencent", "{}"));
    assert_eq!(reply.status, 401, "status for an absolute URI");
    assert!(app.seen().is_empty(), "expected no request, found {:?}", app.seen());
}

#[test]
fn log_has_reason_and_no_secret() {
    let app = App::answering(500, "boom");
    let gate = Gatepost::serve("", &templates(&app));
    gate.send(&pushed());
    gate.send(&play());
    gate.send(&post(&format!("/callbacks/kollus/{TOKEN}x"), PLAY));
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", "a\\nb\\u001b[31m")));
    let line = gate.program.wait_for_line("tenant_unknown");
    assert!(line.contains(r#""tenant":"a\\nb\\u{1b}[31m""#), "{line}");
    gate.program.wait_for_line("app_status");
    let log = gate.program.log();
    for secret in [TOKEN, KEY, "txSecret", "c0ffee", "boom"] {
        assert!(!log.contains(secret), "expected no {secret}, found:\n{log}");
    }
    for part in
        ["/callbacks/kollus/{token}", "\"template\":\"prod-live\"", "\"from\":\"127.0.0.1\""]
    {
        assert!(log.contains(part), "expected {part}, found:\n{log}");
    }
    assert!(!gate.metrics().contains(TOKEN));
}

#[test]
fn refuses_client_requests_to_app_paths_reserved_for_events() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(&app));
    for path in
        ["/live/push", "/live//push", "/LIVE/push/", "/x/../live/push", "/index.php/kollus/play"]
    {
        let reply = gate.send(&post(path, "{}"));
        assert_refused(&gate, &reply, 403, "address_reserved");
    }
    assert!(app.seen().is_empty());
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(gate.send(&post("/live", "{}")).status, 200);
    assert_eq!(app.seen().len(), 2);
}

/// Returns the head of a request that gatepost refuses, with `length` as the content length.
fn refused_head(length: usize) -> Vec<u8> {
    let path = "/callbacks/kollus/guess";
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

#[test]
fn never_reads_body_of_refused_request_as_next_request() {
    let app = untouched();
    let gate = Gatepost::serve("", &templates(&app));
    let mut client = gate.connect();
    let nested = post("/callbacks/tencent", "{");
    let reply = client.send(&refused_head(nested.len()));
    assert_eq!((reply.status, reply.header("connection")), (401, Some("keep-alive")));
    client.write(&nested);
    let next = client.send(&post("/callbacks/tencent", &with_flipped_sign(&push())));
    assert_eq!(next.status, 401, "status; 400 means that gatepost parsed the body as a request");
}

#[test]
fn does_not_wait_for_long_body_of_refused_request() {
    let app = untouched();
    let gate = Gatepost::serve("", &templates(&app));
    let reply = gate.send(&refused_head(300_000));
    assert_eq!((reply.status, reply.header("connection")), (401, Some("close")));
    let mut client = gate.connect();
    client.write(&refused_head(1_000_000_000));
    assert!(
        client.is_hung_up_on(64 << 20),
        "expected a closed connection before the whole body arrives, found an open connection"
    );
}

#[test]
fn keeps_connection_if_gatepost_has_read_long_body() {
    let gate = Gatepost::serve("max_body_bytes = 400000", &templates(&untouched()));
    let mut client = gate.connect();
    for _ in 0..2 {
        let reply = client.send(&post("/callbacks/tencent", &"x".repeat(300_000)));
        assert_eq!((reply.status, reply.header("connection")), (400, Some("keep-alive")));
    }
}
