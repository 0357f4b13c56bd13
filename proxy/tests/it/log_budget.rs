//! Tests of the log: its size during a flood, and the secrets and errors that it must not contain.

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::*;

/// Maximum size of the log of a test, in bytes. Without a budget for log lines, each flood
/// exceeds this size.
const MAX_LOG_BYTES: usize = 500_000;

/// Stops the program, and checks the size of its log and the form of each line. Returns the log.
#[track_caller]
fn stop_and_check_size(gate: &mut Gatepost) -> String {
    gate.program.signal("TERM");
    assert_eq!(gate.program.wait(), Some(0));
    gate.program.wait_for_line("\"message\":\"stopped\"");
    let log = gate.program.log();
    let start: String = log.chars().take(2_000).collect();
    let size = log.len();
    assert!(size < MAX_LOG_BYTES, "expected under {MAX_LOG_BYTES} bytes, found {size}:\n{start}");
    for line in log.lines() {
        let length = line.len();
        assert!(length < 4_200, "expected lines under 4,200 bytes, found {length}: {start}");
        serde_json::from_str::<serde_json::Value>(line)
            .expect("expected a JSON object per line, found another line");
    }
    log
}

fn serve_with_broken_upstream() -> Gatepost {
    Gatepost::serve(&format!("stop_timeout_secs = 1\nupstream = '{}'", App::down().url("")), "")
}

#[test]
fn long_paths_do_not_fill_log_while_upstream_fails() {
    let mut gate = serve_with_broken_upstream();
    for piece in ["x", "%2f", "y/"] {
        let path = format!("/{}", piece.repeat(60_000 / piece.len()));
        let mut client = gate.connect();
        for _ in 0..20 {
            // gatepost refuses a long path that servers read in different ways.
            let status = if piece == "x" { 502 } else { 400 };
            assert_eq!(client.send(&post(&path, "")).status, status, "{piece}");
            client = gate.connect();
        }
    }
    let log = stop_and_check_size(&mut gate);
    let line = log
        .lines()
        .find(|line| line.contains("upstream_failed"))
        .expect("expected a line with upstream_failed, found none");
    assert!(line.contains(&"x".repeat(200)), "expected the start of the path, found {line}");
    assert!(!line.contains(&"x".repeat(257)), "expected up to 256 bytes of the path, found {line}");
}

#[test]
fn flood_of_short_requests_does_not_fill_log() {
    let mut gate = serve_with_broken_upstream();
    for number in 0..4_000 {
        assert_eq!(gate.send(&post(&format!("/{number}"), "")).status, 502);
    }
    let log = stop_and_check_size(&mut gate);
    assert!(log.contains("suppressed"), "expected the number of suppressed lines, found {log}");
}

#[test]
fn wrong_admin_tokens_do_not_fill_log() {
    let mut gate =
        Gatepost::serve("stop_timeout_secs = 1\nadmin_token = { env = 'KOLLUS_TOKEN' }", "");
    let request = format!(
        "GET /api/templates HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer gu3ss{}\r\n\r\n",
        "x".repeat(2_000)
    );
    for _ in 0..3_000 {
        let status = Client::new(connect(gate.admin)).send(request.as_bytes()).status;
        assert!(matches!(status, 401 | 429), "expected 401 or 429, found {status}");
    }
    let log = stop_and_check_size(&mut gate);
    assert!(!log.contains("gu3ss"), "expected no token, found {log}");
}

#[test]
fn unreadable_requests_do_not_fill_log() {
    let mut gate = Gatepost::serve("stop_timeout_secs = 1", "");
    let long = format!("GET /{} HTTP/1.1\r\nhost\r\n\r\n", "x".repeat(30_000));
    let half = "GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer h";
    for bytes in [&*long, half, "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        for _ in 0..500 {
            connect(gate.port).write_all(bytes.as_bytes()).unwrap();
            let mut admin = connect(gate.admin);
            admin.write_all(bytes.as_bytes()).unwrap();
        }
    }
    drop(gate.metrics());
    let log = stop_and_check_size(&mut gate);
    assert!(!log.contains("Bearer"), "expected no received header, found {log}");
}

#[test]
fn http_2_errors_do_not_fill_log() {
    let mut gate = Gatepost::serve("stop_timeout_secs = 1", "");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    // A frame that is too long, a stream with an even number, an acknowledgement without a PING,
    // and a malformed header block.
    let faults: [&[u8]; 4] = [
        b"\xff\xff\xff\x04\0\0\0\0\0",
        b"\0\0\x01\x01\x05\0\0\0\x02\x82",
        b"\0\0\x08\x06\x01\0\0\0\0abcdefgh",
        b"\0\0\x02\x01\x05\0\0\0\x01\xff\xff",
    ];
    for fault in faults {
        for _ in 0..500 {
            connect(gate.port).write_all(&[&preface[..], settings, fault].concat()).unwrap();
        }
    }
    for _ in 0..500 {
        connect(gate.port).write_all(preface).unwrap();
    }
    // Send many acknowledgements on one connection.
    let mut pings = connect(gate.port);
    pings.write_all(&[&preface[..], settings].concat()).unwrap();
    let _closed = pings.write_all(&faults[2].repeat(20_000));
    drop(pings);
    stop_and_check_size(&mut gate);
}

#[test]
fn refused_callbacks_do_not_fill_log() {
    let app = App::answering(200, "{}");
    let mut gate = Gatepost::serve("stop_timeout_secs = 1", &templates(&app));
    let forged = with_flipped_sign(&push());
    let mut client = gate.connect();
    for number in 0..1_000 {
        assert_eq!(client.send(&post("/callbacks/tencent", &forged)).status, 401);
        assert_eq!(client.send(&post(&format!("/callbacks/kollus/no{number}"), PLAY)).status, 401);
    }
    stop_and_check_size(&mut gate);
}

#[test]
fn no_line_contains_token_of_a_route() {
    let app = App::down();
    let routes = "[[route]]\npath = '/callbacks/kollus/{token}'\nprovider = 'kollus'\n\
                  token = { env = 'KOLLUS_TOKEN' }\nmode = 'shadow'\n";
    let config = format!("upstream = '{}'\nstop_timeout_secs = 1\n{routes}", app.url(""));
    let mut gate = Gatepost::serve_config(&config);
    for path in [
        "/callbacks/kollus/TOKEN",
        "/callbacks/kollus/TOKEN/x",
        "/callbacks/kollus/TOKEN/",
        "/callbacks//kollus//TOKEN",
        "/callbacks/kollus/TOKEN?token=TOKEN",
        "/callbacks/kollus/x/../TOKEN",
        "/callbacks/./kollus/TOKEN/x/y",
        "/Callbacks/KOLLUS/TOKEN",
        "/callbacks%2fkollus%2fTOKEN",
        "/callbacks%252fkollus%252fTOKEN/x",
        "/%63allbacks/koll%75s/TOKEN",
        "/callbacks;a=b/kollus;c/TOKEN",
        "/callbacks/kollus/a/b/TOKEN",
        "/prefix/callbacks/kollus/TOKEN",
        "/callbacks\\kollus\\TOKEN",
        "//host/callbacks/kollus/TOKEN/x",
        "http://gate.test/callbacks/kollus/TOKEN/x",
        "/index.php/callbacks/kollus/TOKEN/x",
    ] {
        for version in ["1.1", "1.0"] {
            let request = format!(
                "POST {} HTTP/{version}\r\nhost: gate.test\r\ncontent-length: 0\r\n\r\n",
                path.replace("TOKEN", TOKEN)
            );
            let status = gate.send(request.as_bytes()).status;
            assert!(status >= 400, "{path}: expected an error status, found {status}");
        }
    }
    let log = stop_and_check_size(&mut gate);
    assert!(log.contains("/callbacks/kollus/{token}"), "{log}");
    let leaks: Vec<_> = log.lines().filter(|line| line.contains(TOKEN)).collect();
    assert_eq!(leaks, Vec::<&str>::new());
}

#[test]
fn healthy_pass_through_logs_no_error() {
    let app = App::start(|seen| match seen.line.split(' ').nth(1) {
        Some("/close") => Act::AnswerAndHangUp("ok"),
        Some("/large") => Act::Hold(b"HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\nabc"),
        _ => Act::Answer(200, "ok"),
    });
    let mut gate =
        Gatepost::serve(&format!("stop_timeout_secs = 1\nupstream = '{}'", app.url("")), "");
    let get = b"GET /x HTTP/1.1\r\nhost: gate.test\r\n\r\n";
    for _ in 0..10 {
        // The client closes or resets an idle connection, or a connection with half a request.
        let mut client = gate.connect();
        assert_eq!(client.send(get).status, 200);
        drop(client);
        let mut client = gate.connect();
        assert_eq!(client.send(get).status, 200);
        client.reset();
        let mut client = gate.connect();
        client.write(b"GET /x HTTP/1.1\r\nho");
        client.reset();
        let mut client = gate.connect();
        client.write(b"POST /x HTTP/1.1\r\nhost: gate.test\r\ncontent-length: 9\r\n\r\nabc");
        drop(client);
        // The client disconnects before the end of the reply.
        let mut client = gate.connect();
        client.write(get);
        drop(client);
        let mut client = gate.connect();
        client.write(b"GET /large HTTP/1.1\r\nhost: gate.test\r\n\r\n");
        eventually("a request in flight", || gate.metrics().contains("_in_flight 1\n"));
        client.reset();
        gate.wait_for_in_flight(0);
        // The upstream closes its connection after the response.
        let mut client = gate.connect();
        assert_eq!(client.send(b"GET /close HTTP/1.1\r\nhost: gate.test\r\n\r\n").status, 200);
        // Clients of the admin listener disconnect before the response.
        connect(gate.admin).write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        connect(gate.admin).write_all(b"GET /met").unwrap();
        drop(TcpStream::connect(("127.0.0.1", gate.port)));
    }
    let log = stop_and_check_size(&mut gate);
    let errors: Vec<_> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
    assert_eq!(errors, Vec::<&str>::new());
}
