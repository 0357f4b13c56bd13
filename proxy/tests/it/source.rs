//! Tests of the client's address: from the socket, `x-forwarded-for` and the PROXY protocol.

use std::process::Command;

use crate::support::*;

const FORWARDED: &str = "x-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 203.0.113.7\r\n\
                         X-Forwarded-Host: said.test\r\nx-forwarded-proto: https\r\n";

fn serve(top: &str, app: &App) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'\n{top}", app.url("")), &templates(app))
}

/// Returns the forwarding headers of each request that the app has received.
fn forwarding_headers(app: &App) -> Vec<[Option<String>; 3]> {
    let names = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    let value = |seen: &crate::mock::Seen, name: &str| {
        let mut values = seen.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.clone());
        assert!(values.next().is_none(), "expected {name} at most once, found {seen:?}");
        value
    };
    app.seen().iter().map(|seen| names.map(|name| value(seen, name))).collect()
}

fn words(words: [&str; 3]) -> [Option<String>; 3] {
    words.map(|word| Some(word.to_owned()))
}

#[test]
fn ignores_forwarding_headers_of_untrusted_peer() {
    let app = App::answering(200, "");
    let gate = serve("", &app);
    assert_eq!(gate.send(&post_with("/callbacks/tencent", FORWARDED, &push())).status, 200);
    assert_eq!(gate.send(&post_with("/other", FORWARDED, "x")).status, 200);
    let without_host = format!("GET /other HTTP/1.0\r\n{FORWARDED}\r\n");
    assert_eq!(gate.send(without_host.as_bytes()).status, 200);
    let own = words(["127.0.0.1", "gate.test", "http"]);
    let hostless = [own[0].clone(), None, own[2].clone()];
    assert_eq!(forwarding_headers(&app), [own.clone(), own, hostless]);
    gate.send(&post_with("/callbacks/tencent", FORWARDED, "{}"));
    assert!(gate.program.wait_for_line("tenant_missing").contains("\"from\":\"127.0.0.1\""));
}

#[test]
fn uses_forwarding_headers_of_trusted_proxy() {
    let app = App::answering(200, "");
    let gate = serve("trusted_proxies = ['127.0.0.0/8', '10.0.0.1']", &app);
    let forwarded = FORWARDED.replace("203.0.113.7", "203.0.113.7, 10.0.0.1");
    assert_eq!(gate.send(&post_with("/callbacks/tencent", &forwarded, &push())).status, 200);
    assert_eq!(gate.send(&post_with("/other", &forwarded, "x")).status, 200);
    let said = words(["192.0.2.1, 203.0.113.7", "said.test", "https"]);
    assert_eq!(forwarding_headers(&app), [said.clone(), said]);
    gate.send(&post_with("/callbacks/tencent", &forwarded, "{}"));
    assert!(gate.program.wait_for_line("tenant_missing").contains("\"from\":\"203.0.113.7\""));
}

/// A route that limits clients by network and by rate.
const GUARDED: &str = "[[route]]\npath = '/guarded'\nprovider = 'tencent-css'\n\
                       allow = ['203.0.113.0/24']\n\
                       source_limit = { per_second = 1, burst = 2 }\n";

#[test]
fn refuses_client_outside_allowed_networks() {
    let app = App::answering(200, "");
    let gate = serve(&format!("trusted_proxies = '127.0.0.1'\n{GUARDED}"), &app);
    let from = |address: &str| {
        let forwarded = format!("x-forwarded-for: 203.0.113.7, {address}\r\n");
        gate.send(&post_with("/guarded", &forwarded, &push()))
    };
    let refused = from("192.0.2.1");
    assert_eq!((refused.status, refused.text().as_str()), (403, "refused\n"));
    assert_eq!(gate.send(&post("/guarded", &push())).status, 403);
    assert!(app.seen().is_empty());
    let line = gate.program.wait_for_line("source_not_allowed");
    assert!(line.contains("\"from\":\"192.0.2.1\""), "{line}");
    assert_eq!(from("203.0.113.9").status, 200);
    assert!(gate.metrics().contains("code=\"source_not_allowed\",provider=\"tencent-css\"} 2"));
}

#[test]
fn refuses_client_above_rate_limit() {
    let app = App::answering(200, "");
    let guarded = GUARDED.replace("203.0.113.0/24", "127.0.0.1");
    let gate = serve(&guarded, &app);
    let mut client = gate.connect();
    let replies = [(); 10].map(|()| client.send(&post("/guarded", &push())));
    let statuses = replies.each_ref().map(|reply| reply.status);
    assert_eq!(statuses[0], 200);
    let limited = replies
        .iter()
        .find(|reply| reply.status == 429)
        .unwrap_or_else(|| panic!("expected status 429, found {statuses:?}"));
    assert_eq!(limited.text(), "refused\n");
    gate.program.wait_for_line("\"code\":\"rate_limited\"");
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(app.seen().len(), taken);
}

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n";

/// Returns a PROXY protocol version 2 header with an IPv6 address and an extra TLV field.
fn v2() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x28".to_vec();
    header.extend("2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets());
    header.extend([0; 15]);
    header.extend([1, 0x12, 0x67, 0, 80, 4, 0, 1, 0]);
    header
}

#[test]
fn takes_client_address_from_proxy_protocol() {
    let app = App::answering(200, "");
    let gate = serve("proxy_protocol = true", &app);
    for (header, from) in [
        (V1.to_vec(), "203.0.113.7"),
        (v2(), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(), "127.0.0.1"),
    ] {
        let before = app.seen().len();
        let mut client = gate.connect();
        // Write the header and the request together: gatepost must keep the bytes after the header.
        let first = post_with("/callbacks/tencent", FORWARDED, &push());
        assert_eq!(client.send(&[header, first].concat()).status, 200, "{from}");
        assert_eq!(client.send(&post_with("/other", FORWARDED, "x")).status, 200, "{from}");
        assert_eq!(client.send(&post("/callbacks/tencent", "{}")).status, 401, "{from}");
        let forwarding_headers = forwarding_headers(&app).split_off(before);
        assert_eq!(forwarding_headers, [(); 2].map(|()| words([from, "gate.test", "http"])));
        gate.program.wait_for_line(&format!("\"from\":\"{from}\""));
    }
}

#[test]
fn accepts_proxy_header_sent_byte_by_byte() {
    let app = App::answering(200, "");
    let gate = serve("proxy_protocol = true", &app);
    for header in [V1.to_vec(), v2()] {
        let mut client = gate.connect();
        for byte in header {
            client.write(&[byte]);
        }
        assert_eq!(client.send(&pushed()).status, 200);
    }
}

#[test]
fn closes_connection_without_valid_proxy_header() {
    let app = App::answering(200, "");
    let gate = serve("proxy_protocol = true", &app);
    for (start, why) in [
        (&b""[..], "expected a PROXY header"),
        (b"PROXY TCP4 203.0.113.7 127.0.0.1 4711\r\n", "found a malformed one"),
        (b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\n", "found a malformed one"),
        (b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c0123456789ab", "found a malformed one"),
    ] {
        let mut client = gate.connect();
        client.write(&[start, &pushed()].concat());
        assert!(
            client.is_closed(),
            "expected a closed connection after {start:?}, found an open one"
        );
        let line = gate.program.wait_for_line(why);
        assert!(line.contains("\"code\":\"proxy_protocol_broken\""), "{line}");
    }
    assert!(app.seen().is_empty());
}

#[test]
fn closes_connection_if_proxy_header_times_out() {
    let app = App::answering(200, "");
    let gate = serve("proxy_protocol = true", &app);
    let mut silent = gate.connect();
    let mut slow = gate.connect();
    slow.write(b"PROXY TCP4 203.0.113.7");
    assert!(silent.is_closed() && slow.is_closed());
    gate.program.wait_for_lines("within the time limit", 2);
}

#[test]
fn refuses_proxy_header_of_untrusted_peer() {
    let app = App::answering(200, "");
    for (trusted, taken) in [("127.0.0.1", true), ("10.0.0.0/8", false)] {
        let gate = serve(&format!("proxy_protocol = true\ntrusted_proxies = '{trusted}'"), &app);
        let mut client = gate.connect();
        client.write(&[V1, &pushed()].concat());
        if taken {
            assert_eq!(client.read().status, 200);
        } else {
            assert!(client.is_closed());
            gate.program.wait_for_line("expected a peer in trusted_proxies");
        }
    }
    assert_eq!(forwarding_headers(&app), [words(["203.0.113.7", "gate.test", "http"])]);
}

#[test]
fn accepts_http_2_after_proxy_header() {
    let app = App::answering(200, "ok");
    let gate = serve("proxy_protocol = true", &app);
    let output = Command::new("curl")
        .args(["-s", "--haproxy-protocol", "--http2-prior-knowledge", "-d", "x"])
        .args(["--interface", "127.0.0.9", "-w", " %{http_version}"])
        .arg(format!("http://127.0.0.1:{}/other", gate.port))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "ok 2");
    assert_eq!(app.only().header("x-forwarded-for"), Some("127.0.0.9"));
}

#[test]
fn reload_reports_change_of_proxy_protocol() {
    let app = App::answering(200, "");
    let gate = serve("proxy_protocol = false", &app);
    let path = gate.folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("proxy_protocol = false", "proxy_protocol = true")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("expected no change of proxy_protocol, found a new value");
    assert_eq!(gate.send(&pushed()).status, 200);
}
