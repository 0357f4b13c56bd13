//! Tests of shadow mode: gatepost removes the reserved headers of every request for a route, and
//! passes the request to the app. gatepost logs and counts the verdict.

use std::io::BufReader;
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc::channel;
use std::thread;

use crate::support::*;

/// Serves routes for Kollus and Tencent CSS in shadow mode, with `app` as the upstream.
fn shadow(app: &App) -> Gatepost {
    Gatepost::serve_config(&config(app, "shadow"))
}

fn config(app: &App, mode: &str) -> String {
    format!(
        "upstream = '{}'\nmax_body_bytes = 4096\n\
         [[route]]\npath = '/callbacks/kollus/{{token}}'\nprovider = 'kollus'\n\
         token = {{ env = 'KOLLUS_TOKEN' }}\nmode = '{mode}'\n\
         [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\nmode = '{mode}'\n{}",
        app.url(""),
        templates(app)
    )
}

/// Answer of the app. gatepost itself writes no reply that equals this answer.
const OWN: &str = "{\"code\": 0, \"own\": true}\n";

fn chunked(path: &str, pieces: &[&str]) -> Vec<u8> {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: gate.test\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunks = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
    [head, chunks.collect(), "0\r\n\r\n".into()].concat().into_bytes()
}

fn assert_counted(gate: &Gatepost, provider: &str, code: &str, count: u32) {
    let line =
        format!("gatepost_shadow_total{{code=\"{code}\",provider=\"{provider}\"}} {count}\n");
    let metrics = gate.metrics();
    assert!(metrics.contains(&line), "expected {line}, found:\n{metrics}");
    let refusals = metrics.lines().filter(|line| line.starts_with("gatepost_refusals_total{"));
    let refusals: Vec<_> = refusals.filter(|line| !line.ends_with(" 0")).collect();
    assert!(refusals.is_empty(), "expected no refusals, found {refusals:?}");
}

#[test]
fn series_of_providers_in_shadow_mode_exist_at_the_start() {
    let gate = shadow(&App::down());
    for provider in ["kollus", "tencent-css"] {
        for code in ["accepted", "unseen", "signature_mismatch", "body_incomplete"] {
            assert_counted(&gate, provider, code, 0);
        }
        let answers = format!("outcome=\"replaced\",provider=\"{provider}\"}} 0\n");
        let series = format!("gatepost_shadow_answers_total{{{answers}");
        assert!(gate.metrics().contains(&series), "expected {series}, found none");
    }
    let enforcing = Gatepost::serve_config(&config(&App::down(), "enforce"));
    assert!(
        !enforcing.metrics().contains("gatepost_shadow_"),
        "expected no series in enforce mode, found one"
    );
}

#[test]
fn passes_genuine_and_forged_callbacks_to_app() {
    let app = App::answering(207, OWN);
    let gate = shadow(&app);
    let genuine = push();
    let forged = with_flipped_sign(&genuine);
    let (first, rest) = genuine.split_at(99);
    let headers = "x-own: kept\r\nce-type: forged\r\nwebhook-id: sent\r\n";
    for (request, body) in [
        (post_with("/callbacks/tencent?x=%41", headers, &genuine), &genuine),
        (post_with("/callbacks/tencent?x=%41", headers, &forged), &forged),
        (chunked("/callbacks/tencent", &[first, rest]), &genuine),
    ] {
        let before = app.seen().len();
        let reply = gate.send(&request);
        assert_eq!((reply.status, reply.text().as_str()), (207, OWN));
        let seen = app.seen().remove(before);
        assert_eq!(seen.body, body.as_bytes());
        if before < 2 {
            assert_eq!(seen.line, "POST /callbacks/tencent?x=%41 HTTP/1.1");
            assert_eq!(seen.header("x-own"), Some("kept"));
            assert_eq!(seen.header("webhook-id"), Some("sent"));
        }
        assert!(
            seen.headers.iter().all(|(_, value)| value != "forged"),
            "expected no forged header, found {seen:?}"
        );
    }
    assert_eq!(gate.send(&play()).text(), OWN);
    let guess = "/callbacks/kollus/gu3ss";
    assert_eq!(gate.send(&post(guess, PLAY)).text(), OWN);

    let line = gate.program.wait_for_lines("callback would be accepted", 3);
    for part in ["\"level\":\"INFO\"", "\"code\":\"accepted\"", "\"mode\":\"shadow\""] {
        assert!(line.contains(part), "expected {part}, found:\n{line}");
    }
    let line = gate.program.wait_for_line("signature_mismatch");
    for part in [
        "\"level\":\"WARN\"",
        "callback would be refused: no key",
        "\"provider\":\"tencent-css\"",
        "\"route\":\"/callbacks/tencent\"",
        "\"tenant\":\"push.example.com\"",
        "\"template\":\"prod-live\"",
        "\"from\":\"127.0.0.1\"",
    ] {
        assert!(line.contains(part), "expected {part}, found:\n{line}");
    }
    gate.program.wait_for_line("token_mismatch");
    assert_counted(&gate, "tencent-css", "accepted", 2);
    assert_counted(&gate, "tencent-css", "signature_mismatch", 1);
    assert_counted(&gate, "kollus", "accepted", 1);
    assert_counted(&gate, "kollus", "token_mismatch", 1);
    for secret in [TOKEN, KEY, "txSecret", "gu3ss"] {
        assert!(
            !gate.program.log().contains(secret),
            "expected no {secret}, found:\n{}",
            gate.program.log()
        );
    }
}

#[test]
fn passes_requests_with_path_or_head_that_enforce_mode_refuses() {
    let app = App::answering(200, OWN);
    let gate = shadow(&app);
    for (path, code) in [
        ("//callbacks/tencent", "path_ambiguous"),
        ("/callbacks/tencent//", "path_ambiguous"),
        ("/callbacks/%74encent", "path_ambiguous"),
    ] {
        assert_eq!(gate.send(&post(path, "x")).text(), OWN, "{path}");
        assert_eq!(app.seen().last().unwrap().line, format!("POST {path} HTTP/1.1"));
        gate.program.wait_for_line(code);
    }
    assert_counted(&gate, "tencent-css", "path_ambiguous", 3);
    assert_eq!(gate.send(b"GET /callbacks/tencent HTTP/1.1\r\nhost: x\r\n\r\n").text(), OWN);
    assert_eq!(gate.send(&post("/callbacks/tencent", "")).text(), OWN);
    assert_counted(&gate, "tencent-css", "method_not_allowed", 1);
    assert_counted(&gate, "tencent-css", "body_missing", 1);
    // gatepost still refuses requests to app paths that it reserves for events.
    assert_eq!(gate.send(&post("/live/push", "{}")).status, 403);
}

#[test]
fn passes_upgrade() {
    let accept = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                   connection: upgrade\r\n\r\n";
    let app = App::start(|_| Act::Echo(accept));
    let gate = shadow(&app);
    let mut client = gate.connect();
    let reply = client.send(
        b"GET /callbacks/tencent HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\
          connection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          sec-websocket-version: 13\r\n\r\n",
    );
    assert_eq!(reply.status, 101);
    client.write(b"\x81\x02hi");
    assert_eq!(client.read_exact(4), b"\x81\x02hi");
    assert_counted(&gate, "tencent-css", "upgrade_not_allowed", 1);
}

#[test]
fn passes_large_body() {
    let app = App::answering(200, OWN);
    let gate = shadow(&app);
    let large = "x".repeat(1024 * 1024);
    assert_eq!(gate.send(&post("/callbacks/tencent", &large)).text(), OWN);
    let pieces: Vec<_> = (0..16).map(|_| &large[..64 * 1024]).collect();
    assert_eq!(gate.send(&chunked("/callbacks/tencent", &pieces)).text(), OWN);
    assert!(app.seen().iter().all(|seen| seen.body == large.as_bytes()));
    gate.program.wait_for_lines("body_too_large", 2);
    assert_counted(&gate, "tencent-css", "body_too_large", 2);
}

// The app receives the first byte of the body before the client sends the last byte.
#[test]
fn passes_body_without_waiting_for_verdict() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let gate = Gatepost::serve_config(&format!(
        "upstream = 'http://127.0.0.1:{port}'\n[[route]]\npath = '/callbacks/tencent'\n\
         provider = 'tencent-css'\nmode = 'shadow'\n"
    ));
    let (accepted, connection) = channel();
    thread::spawn(move || accepted.send(listener.accept().unwrap().0));
    let mut client = gate.connect();
    client.write(b"POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{");
    let stream = connection.recv_timeout(PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut app = BufReader::new(stream);
    assert!(read_head(&mut app).unwrap().0.starts_with("POST /callbacks/tencent"));
    let mut app = Client::new_from(app);
    assert_eq!(app.read_exact(1), b"{");
    client.write(b"}");
    assert_eq!(app.read_exact(1), b"}");
    app.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsoon");
    assert_eq!(client.read().text(), "soon");
    gate.program.wait_for_line("tenant_missing");
}

#[test]
fn logs_client_that_disconnects_before_end_of_body() {
    let app = App::answering(200, OWN);
    let gate = shadow(&app);
    let whole = pushed();
    let stream = connect(gate.port);
    let mut client = Client::new(stream.try_clone().unwrap());
    client.write(&whole[..whole.len() - 9]);
    stream.shutdown(Shutdown::Both).unwrap();
    gate.program.wait_for_line("callback would be refused: the body ended early");
    assert_counted(&gate, "tencent-css", "body_incomplete", 1);
    assert_eq!(gate.send(&pushed()).text(), OWN, "answer to the next callback");
}

#[test]
fn logs_request_without_verdict_as_unseen_and_shows_no_token() {
    let gate = shadow(&App::down());
    assert_eq!(gate.send(&play()).status, 502);
    gate.program.wait_for_line("callback passed without a verdict");
    assert_counted(&gate, "kollus", "unseen", 1);
    let log = gate.program.log();
    assert!(!log.contains(TOKEN) && log.contains("POST /callbacks/kollus/{token}"), "{log}");
}

#[test]
fn reload_switches_from_shadow_to_enforce() {
    let app = App::answering(200, OWN);
    let gate = shadow(&app);
    let forged = post("/callbacks/tencent", &with_flipped_sign(&push()));
    assert_eq!(gate.send(&forged).text(), OWN);
    let path = gate.folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("'shadow'", "'enforce'")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("reloaded the config");
    assert_eq!(gate.send(&forged).status, 401);
    assert_eq!(app.seen().len(), 1);
    assert_eq!(gate.send(&pushed()).text(), r#"{"code":0}"#);
    assert_eq!(app.seen().len(), 2);
}
