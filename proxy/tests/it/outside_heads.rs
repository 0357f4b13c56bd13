//! Tests of the heads that clients send: headers that gatepost removes, and hosts and lengths that
//! gatepost refuses.

use crate::support::*;

fn serve(app: &App, top: &str) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'\n{top}", app.url("")), &templates(app))
}

/// Sends a request for `/other` with these header lines. Returns the request that the app received.
fn passed(gate: &Gatepost, app: &App, lines: &str) -> crate::mock::Seen {
    assert_eq!(gate.send(&post_with("/other", lines, "")).status, 200, "{lines}");
    app.seen().pop().unwrap()
}

#[test]
fn removes_headers_that_change_path_or_host_in_every_spelling() {
    let app = App::answering(200, "");
    // gatepost also removes these headers from requests of a trusted proxy, because a client of the
    // proxy may have set them.
    for top in ["", "trusted_proxies = ['127.0.0.1']"] {
        let gate = serve(&app, top);
        for name in [
            "script-name",
            "Script_Name",
            "SCRIPT.NAME",
            "path-info",
            "path_info",
            "path-translated",
            "daphne-root-path",
            "Daphne_Root-Path",
            "x-original-url",
            "x.original!url",
            "x-rewrite-url",
            "x-script-name",
            "x-forwarded-prefix",
            "x_forwarded_prefix",
            "request-uri",
            "document-uri",
            "proxy",
            "PROXY",
            "x-accel-mapping",
            "x-sendfile-type",
            "x-envoy-original-path",
            "x-waws-unencoded-url",
            "x-matched-path",
            "x-invoke-path",
            "x-middleware-rewrite",
            "content_length",
            "transfer_encoding",
        ] {
            let seen = passed(&gate, &app, &format!("{name}: forged\r\nx-kept: y\r\n"));
            assert!(
                seen.headers.iter().all(|(_, value)| value != "forged"),
                "expected no forged header, found {seen:?}"
            );
            assert_eq!(seen.header("x-kept"), Some("y"));
        }
    }
}

const PROXY_HEADERS: [&str; 9] = [
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded",
    "X-Forwarded-By",
    "True-Client-IP",
    "X-Original-Host",
];

#[test]
fn keeps_forwarding_headers_only_from_trusted_proxies() {
    let app = App::answering(200, "");
    let (untrusting, trusting) =
        (serve(&app, ""), serve(&app, "trusted_proxies = ['127.0.0.0/8']"));
    for name in PROXY_HEADERS {
        let line = format!("{name}: said\r\n{name}: twice\r\nx-forwarded-for: 192.0.2.9\r\n");
        let seen = passed(&untrusting, &app, &line);
        assert_eq!(seen.header(name), None, "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
        let seen = passed(&trusting, &app, &line);
        assert_eq!(seen.header(name), Some("said"), "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.9"));
        let misspelt = name.replace('-', "_");
        if misspelt != name {
            let seen = passed(&trusting, &app, &format!("{misspelt}: said\r\n"));
            assert_eq!(seen.header(&misspelt), None, "{seen:?}");
        }
    }
}

#[test]
fn keeps_headers_with_names_similar_to_removed_headers() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    for name in [
        "script-names",
        "x-path-info",
        "proxy-x",
        "x-http-method-override",
        "x-requested-with",
        "referer",
        "content-language",
        "forwarder",
        "x-accelerate",
        "client_id",
        "x-real-ips",
    ] {
        assert_eq!(passed(&gate, &app, &format!("{name}: y\r\n")).header(name), Some("y"));
    }
}

/// Sends a request line and header lines. Returns the status of the response.
fn status(gate: &Gatepost, line: &str, headers: &str) -> u16 {
    gate.send(format!("{line}\r\n{headers}\r\n").as_bytes()).status
}

/// Hosts that gatepost refuses. If an app builds a URL from one of these hosts, the path or the
/// host of the URL can be other than the app intends.
const BAD_HOSTS: [&str; 45] = [
    "",
    " ",
    "x/live/push?",
    "x/live/push#",
    "x/",
    "/live/push",
    "x\\live\\push",
    "x?",
    "x#",
    "x/live/push",
    "a, b",
    "a,b",
    "a b",
    "a\tb",
    "a@b",
    "user:pass@gate.test",
    "a:b",
    "a:80:80",
    "a:80/live/push",
    "a:-1",
    "a:+80",
    "a:65536",
    "a:999999",
    ":80",
    ":",
    "::1",
    "[::1",
    "[::1]]",
    "[]",
    "[::1]x",
    "[::1]:x",
    "[gate.test]",
    "[fe80::1%25eth0]",
    "[v1.x]",
    "::1]",
    ".",
    "..",
    ".gate.test",
    "gate..test",
    "gate%2ftest",
    "gate.test%3f",
    "gate;x",
    "gate'or'1",
    "<gate>",
    "gat\u{e9}.test",
];

const GOOD_HOSTS: [&str; 14] = [
    "gate.test",
    "GATE.test:8080",
    "gate_way.test",
    "_x",
    "gate.test.",
    "gate.test.:80",
    "gate.test:",
    "localhost:65535",
    "127.0.0.1",
    "127.0.0.1:80",
    "[::1]",
    "[::1]:8080",
    "[::ffff:192.0.2.1]:",
    "xn--bcher-kva.example",
];

#[test]
fn refuses_missing_repeated_or_malformed_host_on_every_path() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    let lines = ["GET /other HTTP/1.1", "GET / HTTP/1.1", "GET /callbacks/tencent HTTP/1.1"];
    for line in lines {
        assert_eq!(status(&gate, line, ""), 400, "{line} without host");
        for twice in ["host: a\r\nhost: b\r\n", "host: a\r\nHost: a\r\n", "host: a\r\nhost:\r\n"] {
            assert_eq!(status(&gate, line, twice), 400, "{line} with {twice:?}");
        }
        for host in BAD_HOSTS {
            let header = format!("host: {host}\r\n");
            assert_eq!(status(&gate, line, &header), 400, "{line} with {host:?}");
        }
    }
    assert_eq!(app.seen().len(), 0);
    for host in GOOD_HOSTS {
        assert_eq!(status(&gate, lines[0], &format!("host: {host}\r\n")), 200, "{host}");
        assert_eq!(app.seen().pop().unwrap().header("host"), Some(host));
    }
    assert_eq!(status(&gate, "GET /other HTTP/1.0", "host: a/b\r\n"), 400);
    assert_eq!(status(&gate, "GET /other HTTP/1.0", "host:\r\n"), 400);
    assert_eq!(status(&gate, "GET /other HTTP/1.0", ""), 200);
    let host = app.seen().pop().unwrap().header("host").map(ToOwned::to_owned);
    assert_eq!(host, Some(format!("127.0.0.1:{}", app.port)), "host for a request without a host");
    let log = gate.program.log();
    assert!(log.contains(r#""code":"host_invalid""#), "{log}");
    assert!(gate.metrics().contains("gatepost_requests_rejected_total{code=\"host_invalid\"}"));
}

#[test]
fn passes_absolute_target_as_path_if_authority_equals_host() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    let host = "host: gate.test\r\n";
    for (target, path) in [
        ("http://gate.test/other?x=1", "/other?x=1"),
        ("https://gate.test", "/"),
        ("HTTP://gate.test?x", "/?x"),
    ] {
        assert_eq!(status(&gate, &format!("GET {target} HTTP/1.1"), host), 200, "{target}");
        let seen = app.seen().pop().unwrap();
        assert_eq!(seen.line, format!("GET {path} HTTP/1.1"));
        assert_eq!(seen.header("host"), Some("gate.test"));
    }
    assert_eq!(status(&gate, "GET http://gate.test/other HTTP/1.0", ""), 200);
    assert_eq!(app.seen().pop().unwrap().header("host"), Some("gate.test"));
    let count = app.seen().len();
    for target in [
        "http://evil.test/other",
        "http://gate.test:80/other",
        "http://user@gate.test/other",
        "http://gate.test\\other",
        "http:/other",
        "http:///other",
        "ftp://gate.test/other",
        "other",
        "gate.test:80",
    ] {
        assert_eq!(status(&gate, &format!("GET {target} HTTP/1.1"), host), 400, "{target}");
    }
    assert_eq!(status(&gate, "GET http://gate.test/other HTTP/1.1", ""), 400);
    assert_eq!(status(&gate, "GET http://gate..test/other HTTP/1.0", ""), 400);
    assert_eq!(app.seen().len(), count);
    assert!(gate.metrics().contains("gatepost_requests_rejected_total{code=\"target_invalid\"}"));
}

#[test]
fn refuses_ambiguous_framing_on_every_path() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    let body = "0\r\n\r\n";
    for lines in [
        "content-length: 5, 5",
        "content-length: 5,5",
        "content-length: 5,",
        "content-length: 5\r\ncontent-length: 5",
        "Content-Length: 5\r\ncontent-length: 05",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 5_0",
        "content-length:",
        "content-length: \r\n 5",
        "content-length: 5\r\n ",
        "content-length: \"5\"",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: ,chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: identity",
        "transfer-encoding:",
        "transfer-encoding: chunked\r\n ",
        "transfer-encoding : chunked",
        "x: y\r\n content-length: 5",
    ] {
        let head = format!("POST /other HTTP/1.1\r\nhost: gate.test\r\n{lines}\r\n\r\n{body}");
        assert_eq!(gate.send(head.as_bytes()).status, 400, "{lines:?}");
        // The push is genuine, so only the framing can cause the refusal.
        let push = push();
        let chunks = lines.contains("chunked") && !lines.contains("content-length");
        let chunked = format!("{:x}\r\n{push}\r\n0\r\n\r\n", push.len());
        let (length, body) = (push.len().to_string(), if chunks { &chunked } else { &push });
        let lines = lines.replace('5', &length);
        let head =
            format!("POST /callbacks/tencent HTTP/1.1\r\nhost: gate.test\r\n{lines}\r\n\r\n{body}");
        assert_eq!(gate.send(head.as_bytes()).status, 400, "callback with {lines:?}");
    }
    assert_eq!(app.seen().len(), 0);
    for lines in ["content-length: 5", "Content-Length:\t 5 ", "transfer-encoding: Chunked"] {
        let head = format!("POST /other HTTP/1.1\r\nhost: gate.test\r\n{lines}\r\n\r\n{body}");
        assert_eq!(gate.send(head.as_bytes()).status, 200, "{lines:?}");
        let seen = app.seen().pop().unwrap();
        let is_framing = |name: &str| {
            ["content-length", "transfer-encoding"].iter().any(|n| n.eq_ignore_ascii_case(name))
        };
        assert_eq!(seen.headers.iter().filter(|(name, _)| is_framing(name)).count(), 1, "{seen:?}");
    }
    let rejected = "gatepost_requests_rejected_total{code=\"framing_ambiguous\"}";
    assert!(gate.metrics().contains(rejected));
}

#[test]
fn ignores_malformed_forwarded_host_of_trusted_proxy() {
    let app = App::answering(200, "");
    let gate = serve(&app, "trusted_proxies = ['127.0.0.1']");
    for (sent, expected) in [
        ("public.test", "public.test"),
        ("public.test:8080, inner.test", "public.test:8080, inner.test"),
        ("x/live/push?", "gate.test"),
        ("public.test, x#", "gate.test"),
        ("", "gate.test"),
    ] {
        let seen = passed(&gate, &app, &format!("x-forwarded-host: {sent}\r\n"));
        assert_eq!(seen.header("x-forwarded-host"), Some(expected), "{sent:?}");
    }
}

#[test]
fn refuses_request_whose_target_an_app_can_read_as_path_of_an_address() {
    let app = App::answering(200, "");
    let top = format!("upstream = '{}'", app.url(""));
    let gate = Gatepost::serve(&top, &templates(&app));
    for target in
        ["/?/live/push", "/index.php?s=live/push", "/x?a=1&_url=%2Flive%2Fpush", "/live/push.bak"]
    {
        let reply = gate.send(&post(target, "{}"));
        assert_eq!(reply.status, 403, "{target}");
    }
    assert!(app.seen().is_empty());
    for target in ["/?next=https://x/live/push", "/?tab=push", "/?live", "/live.bak"] {
        assert_eq!(gate.send(&post(target, "{}")).status, 200, "{target}");
    }
}
