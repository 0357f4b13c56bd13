//! Tests of the duties of an intermediary: hop-by-hop headers, `Upgrade`, `Max-Forwards` and `Via`
//! (RFC 9110, sections 7.6 and 7.8). One test covers a signed `Host`.

use super::{GET, LAST_GET, OLD_GET, curl_http2, exchange, replying, serve};
use crate::support::{Act, App, Gatepost, post_with};

// RFC 9110, section 7.6.1.
#[test]
fn removes_hop_by_hop_headers_from_responses() {
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
            assert!(!got.contains(&format!("\n{name}")), "expected no {name}, found {got}");
        }
        assert!(got.contains("x-kept: y\r\n") && got.contains("content-length: 2\r\n"), "{got}");
        assert_eq!(got.matches("connection:").count(), 1, "{got}");
    }
    let got = curl_http2(&gate, &[]).to_ascii_lowercase();
    assert!(got.contains("x-kept: y") && !got.contains("forged"), "{got}");
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

// RFC 9110, section 7.8: `Upgrade` is valid only if `Connection` names it.
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

// RFC 9110, section 7.6.2.
#[test]
fn decrements_max_forwards_of_options_and_trace() {
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
        assert_eq!(app.seen().len(), before, "requests to the app");
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

// HTTP/2 clients send `:authority` instead of `host`.
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
    assert!(got.starts_with("HTTP/2 200"), "expected `HTTP/2 200` at the start, found {got}");
    let got = curl_http2(&gate, &["-d", "{}", "-H", sign]);
    assert!(got.starts_with("HTTP/2 401"), "expected `HTTP/2 401` at the start, found {got}");
    assert_eq!(app.seen().len(), 2);
}
