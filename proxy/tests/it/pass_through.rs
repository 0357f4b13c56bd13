//! Tests of requests for paths that are not callback paths. gatepost passes these requests on to
//! the upstream.

use crate::support::*;

fn serve(app: &App) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(app))
}

#[test]
fn passes_other_requests_on_and_removes_their_reserved_headers() {
    let app = App::answering(207, "as it is");
    let gate = serve(&app);
    let headers = "x-own: kept\r\ncookie: a=b\r\nce-type: forged\r\nCe_Id: forged\r\n\
                   Gatepost-Template: forged\r\nwebhook-id: kept\r\n";
    let reply = gate.send(&post_with("/other/%41?x=1&y=%20", headers, "a body"));
    assert_eq!((reply.status, reply.text().as_str()), (207, "as it is"));
    let seen = app.only();
    assert_eq!(seen.line, "POST /other/%41?x=1&y=%20 HTTP/1.1");
    assert_eq!(seen.body, b"a body");
    assert_eq!(seen.header("host"), Some("gate.test"));
    assert_eq!(seen.header("x-own"), Some("kept"));
    assert_eq!(seen.header("webhook-id"), Some("kept"));
    assert_eq!(seen.header("cookie"), Some("a=b"));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-host"), Some("gate.test"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert!(
        seen.headers.iter().all(|(_, value)| value != "forged"),
        "expected no forged header, found {seen:?}"
    );
}

#[test]
fn reuses_connections_of_client_and_upstream() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    let mut client = gate.connect();
    for _ in 0..5 {
        assert_eq!(client.send(&post("/other", "x")).status, 200);
    }
    assert!(app.seen().iter().all(|seen| seen.connection == 0));
}

// Without keepalive probes, gatepost reuses a connection to a machine that has failed.
#[cfg(target_os = "linux")]
#[test]
fn probes_idle_connection_to_upstream() {
    const KEEPALIVE_TIMER: &str = "02:";
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    let upstream = format!("0100007F:{:04X}", app.port);
    eventually("a keepalive timer on the upstream connection", || {
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        sockets.lines().any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields[2] == upstream && fields[5].starts_with(KEEPALIVE_TIMER)
        })
    });
}

#[test]
fn passes_websocket_messages() {
    let accept = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                   connection: upgrade\r\n\r\n";
    let app = App::start(|_| Act::Echo(accept));
    let gate = serve(&app);
    let mut client = gate.connect();
    let reply = client.send(
        b"GET /socket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
          sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
    );
    assert_eq!(reply.status, 101);
    for message in [&b"\x81\x02hi"[..], b"\x82\x03\x00\xff\x7f"] {
        client.write(message);
        assert_eq!(client.read_exact(message.len()), message);
    }
}

#[test]
fn accepts_http_2() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    let output = std::process::Command::new("curl")
        .args(["-s", "--http2-prior-knowledge", "-w", " %{http_version}", "-d", "x"])
        .arg(format!("http://127.0.0.1:{}/other", gate.port))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "ok 2");
    assert_eq!(app.only().body, b"x");
}

#[test]
fn passes_request_shorter_than_http_2_preface() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    assert_eq!(gate.send(b"GET / HTTP/1.0\r\n\r\n").text(), "ok");
}

#[test]
fn replies_404_without_upstream() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let mut client = gate.connect();
    for _ in 0..2 {
        let reply = client.send(&post("/other", "x"));
        assert_eq!((reply.status, reply.text().as_str()), (404, "not found\n"));
    }
    assert!(app.seen().is_empty());
}

#[test]
fn replies_502_if_upstream_is_down() {
    let app = App::down();
    assert_eq!(serve(&app).send(&post("/other", "x")).status, 502);
}

#[test]
fn tries_every_address_of_upstream() {
    let app = App::answering(200, "ok");
    // `localhost` may resolve to ::1 first, but the app listens only on 127.0.0.1.
    let upstream = format!("upstream = 'http://localhost:{}'", app.port);
    let gate = Gatepost::serve(&upstream, &templates(&app));
    assert_eq!(gate.send(&post("/other", "x")).text(), "ok");
}

#[test]
fn serves_callbacks_while_upstream_name_does_not_resolve() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("upstream = 'http://no-such-host.invalid'", &templates(&app));
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(app.only().header("ce-type"), Some("com.tencentcloud.css.push"));
    assert_eq!(gate.send(&post("/other", "x")).status, 502);
    gate.program.wait_for_line("expected addresses of the upstream");
}
