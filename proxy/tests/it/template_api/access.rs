//! Tests of the access to the admin API: tokens, hosts, and delays after wrong tokens.

use std::io::{BufReader, Write as _};

use serde_json::{Value, json};

use super::{TEMPLATES, TOKEN_LINE, ask, call, new, refused, serve, text};
use crate::support::*;

#[test]
fn api_is_absent_without_admin_token() {
    let gate = Gatepost::serve("", TEMPLATES);
    for path in ["/api", "/api/", "/api/templates", "/api/openapi.json", "/api/templates/prod-live"]
    {
        for method in ["GET", "POST", "DELETE"] {
            let error = refused(&gate, (method, path, json!({})), 404, "not_found");
            assert!(error["message"].as_str().unwrap().contains("admin_token"));
        }
    }
    assert_eq!(call(&gate, "GET", "/apis", &Value::Null).1, Value::Null);
}

#[test]
fn refuses_wrong_or_missing_token() {
    let gate = serve();
    let before = text(&gate);
    let flipped = format!("authorization: Bearer {}T\r\n", &TOKEN[..TOKEN.len() - 1]);
    let twice = format!("authorization: Bearer {TOKEN}\r\nauthorization: Bearer {TOKEN}\r\n");
    let basic = format!("authorization: Basic {TOKEN}\r\n");
    let bare = format!("authorization: {TOKEN}\r\n");
    for headers in [
        "",
        "authorization: Bearer\r\n",
        "authorization: Bearer \r\n",
        &flipped,
        &twice,
        &basic,
        &bare,
    ] {
        for path in ["/api/templates", "/api/openapi.json", "/api/nowhere", "/api/templates/%ff"] {
            let headers = format!("{headers}content-type: application/json\r\n");
            let response = ask(&gate, "POST", path, &headers, &new("n").to_string());
            assert_eq!(response.status, 401, "{headers}");
            assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"gatepost\""));
            assert!(!response.text().contains(TOKEN));
        }
    }
    assert_eq!(text(&gate), before);
    let spelled = format!("authorization: bearer {TOKEN}\r\n");
    assert_eq!(ask(&gate, "GET", "/api/templates", &spelled, "").status, 200);
}

#[test]
fn does_not_wait_for_body_without_token() {
    let gate = serve();
    let mut client = Client::new(connect(gate.admin));
    client.write(
        b"POST /api/templates HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2000\r\n\r\n{}",
    );
    // A client with the token has ten seconds for the body.
    let started = std::time::Instant::now();
    assert_eq!(client.read().status, 401);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

/// Sends a request with this target and these header lines, from this address of the machine.
fn ask_from(gate: &Gatepost, from: [u8; 4], target: &str, headers: &str) -> Response {
    let stream = connect_from(from, gate.admin);
    let request = format!("GET {target} HTTP/1.1\r\n{headers}\r\n");
    Client::new(stream).send(request.as_bytes())
}

#[test]
fn api_accepts_only_localhost_ip_addresses_and_listed_hosts() {
    let gate = Gatepost::serve(
        &format!("{TOKEN_LINE}\nadmin_hosts = ['Gatepost.example.com', 'ops']"),
        TEMPLATES,
    );
    // Returns `None` if Pingora closes the connection without a response.
    let status = |target: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
        let mut stream = connect(gate.admin);
        let head = format!("GET {target} HTTP/1.1\r\n{hosts}authorization: Bearer {TOKEN}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let (line, _) = read_head(&mut BufReader::new(stream))?;
        line.split(' ').nth(1)?.parse::<u16>().ok()
    };
    for own in [
        "localhost",
        "LOCALHOST:9900",
        "localhost.",
        "app.localhost",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:9900",
        "192.0.2.1:80",
        "gatepost.example.com",
        "GATEPOST.example.com.:443",
        "ops",
    ] {
        assert_eq!(status("/api/templates", &[own]), Some(200), "{own}");
    }
    for other in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil@localhost",
        "xlocalhost",
        "gatepost.example.com.evil",
        "2130706433",
        "0x7f.1",
        "",
        "*",
        "sub.gatepost.example.com",
        "[::1",
        "localhost:80:80",
        "localhost/",
        "localhost..",
    ] {
        let found = status("/api/templates", &[other]);
        assert!(
            matches!(found, None | Some(400 | 421)),
            "{other}: expected 400, 421 or a closed connection, found {found:?}"
        );
    }
    assert_ne!(status("/api/templates", &[]), Some(200));
    assert_ne!(status("/api/templates", &["localhost", "localhost"]), Some(200));
    assert_ne!(status("/api/templates", &["localhost", "evil.example"]), Some(200));
    assert_ne!(status("http://evil.example/api/templates", &["localhost"]), Some(200));
    assert_ne!(status("http://evil.example/api/templates", &["evil.example"]), Some(200));
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(status(path, &["evil.example"]), Some(200), "{path}");
    }
}

#[test]
fn refusal_of_host_has_code_and_constant_body() {
    let gate = serve();
    let reply = ask_from(&gate, [127, 0, 0, 1], "/api/templates", "host: evil.example\r\n");
    assert_eq!(reply.status, 421, "status for another host without a token");
    let json: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(json["error"]["code"], "host_refused");
    assert!(!reply.text().contains("evil"), "expected no host in the body, found one");
    let counted = "gatepost_admin_refusals_total{code=\"host_refused\"}";
    assert!(gate.metrics().contains(counted), "expected {counted}, found {}", gate.metrics());
}

#[test]
fn delays_source_that_guesses_token() {
    let gate = serve();
    let (guesser, operator) = ([127, 0, 0, 9], [127, 0, 0, 1]);
    let send = |from, token: &str| {
        let headers = format!("host: localhost\r\nauthorization: Bearer {token}\r\n");
        ask_from(&gate, from, "/api/templates", &headers)
    };
    let (mut judged, mut delayed) = (0, 0);
    for number in 0..300 {
        let reply = send(guesser, &format!("guess-{number}"));
        match reply.status {
            401 => judged += 1,
            429 => {
                delayed += 1;
                let secs: u64 = reply.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&secs), "expected 1 to 60 s, found {secs}");
                let json: Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(json["error"]["code"], "too_many_attempts");
                let message = json["error"]["message"].as_str().unwrap();
                assert!(message.contains(&format!("wait {secs} s")), "{message}");
            }
            status => panic!("expected 401 or 429, found {status}"),
        }
    }
    // Without a delay, gatepost compares all 300 guesses.
    let counts = format!("found {judged} compared and {delayed} delayed guesses");
    assert!(
        (10..20).contains(&judged) && delayed > 200,
        "expected 10 to 19 compared guesses, {counts}"
    );
    assert_eq!(send(guesser, TOKEN).status, 429, "correct token during the delay");
    assert_eq!(send(operator, TOKEN).status, 200, "another source during the delay");
    assert_eq!(ask_from(&gate, guesser, "/metrics", "host: x\r\n").status, 200);
    let metrics = gate.metrics();
    assert!(metrics.contains("gatepost_admin_refusals_total{code=\"too_many_attempts\"}"));
    assert!(metrics.contains("gatepost_admin_refusals_total{code=\"unauthorized\"}"));
}
