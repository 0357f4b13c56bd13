//! Tests of events to the app, and of replies to the platform.

use crate::support::*;

#[test]
fn event_is_typed_json_with_cloudevents_and_forwarding_headers() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("trusted_proxies = '127.0.0.1'", &templates(&app));
    let headers = "x-forwarded-for: 198.51.100.7\r\nx-forwarded-proto: https\r\n\
                   user-agent: tencent\r\nce-type: forged\r\ngatepost-template: forged\r\n\
                   webhook-id: forged\r\nce_id: forged\r\n";
    let reply = gate.send(&post_with("/callbacks/tencent", headers, &push()));
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"code":0}"#));
    assert_eq!(reply.header("content-type"), Some("application/json"));

    let seen = app.only();
    assert_eq!(seen.line, "POST /live/push HTTP/1.1");
    let length = seen.body.len().to_string();
    for (name, value) in [
        ("host", format!("127.0.0.1:{}", app.port).as_str()),
        ("content-type", "application/json"),
        ("content-length", &length),
        ("ce-specversion", "1.0"),
        ("ce-source", "/tencent-css/push.example.com"),
        ("ce-type", "com.tencentcloud.css.push"),
        ("ce-subject", "live/s"),
        ("ce-time", "2023-12-28T02:44:38Z"),
        ("gatepost-template", "prod-live"),
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-host", "gate.test"),
        ("x-forwarded-proto", "https"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("ce-id").unwrap().len(), 32);
    assert_eq!(seen.header("traceparent").unwrap().len(), 55);
    for (name, value) in &seen.headers {
        assert!(!value.contains("forged"), "expected no forged {name}, found {value}");
    }
    let data = seen.json();
    assert!(data["sequence"].as_str().unwrap().starts_with("2210464508206756938"));
    assert_eq!(data["event_type"], 1);
    assert!(
        data.get("sign").is_none() && data.get("t").is_none(),
        "expected neither `sign` nor `t`, found {data}"
    );
}

#[test]
fn chinese_template_name_is_percent_encoded() {
    let app = App::answering(200, "{\"result\":1}");
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).text(), r#"{"data":{"result":1}}"#);
    assert_eq!(app.only().header("gatepost-template"), Some("%E4%BB%98%E8%B4%B9-1"));
    assert_eq!(app.only().json()["uservalues"]["uservalue0"], "a");
}

#[test]
fn forward_selects_format_of_event() {
    for (forward, content_type) in [
        ("cloudevents", "application/cloudevents+json; charset=utf-8"),
        ("raw", "text/plain"),
        ("json", "application/json"),
    ] {
        let app = App::answering(200, "");
        let gate = Gatepost::serve(
            "",
            &format!(
                "[[template]]\nname = 'a'\nprovider = 'tencent-css'\nbind = ['*']\n\
                 keys = [{{ env = 'TENCENT_KEY' }}]\n\
                 on.push = {{ url = '{}', forward = '{forward}' }}",
                app.url("/")
            ),
        );
        let body = push();
        let headers = "content-type: text/plain\r\n";
        let reply = gate.send(&post_with("/callbacks/tencent", headers, &body));
        assert_eq!(reply.status, 200);
        let seen = app.only();
        assert_eq!(seen.header("content-type"), Some(content_type));
        match forward {
            "cloudevents" => assert_eq!(seen.json()["data"]["stream_id"], "s"),
            "raw" => assert_eq!(seen.body, body.as_bytes()),
            _ => assert_eq!(seen.json()["stream_id"], "s"),
        }
    }
}

#[test]
fn reuses_connections_of_client_and_app() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let mut client = gate.connect();
    for _ in 0..5 {
        assert_eq!(client.send(&pushed()).status, 200);
    }
    let seen = app.seen();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|one| one.connection == 0), "expected one connection, found {seen:?}");
}

#[test]
fn accepts_chunked_and_large_bodies() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("max_body_bytes = 16777216", &templates(&app));
    let chunked = |body: &str| {
        let mut bytes = b"POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\n\
                          transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        for chunk in body.as_bytes().chunks(100_000) {
            bytes.extend_from_slice(format!("{:x};ext=1\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    };
    let padded = |length: usize| {
        let push = push();
        let pad = "x".repeat(length - push.len() - 9);
        push.replacen('{', &format!("{{\"pad\":\"{pad}\","), 1)
    };
    let most = 16 * 1024 * 1024;
    assert_eq!(gate.send(&chunked(&push())).status, 200);
    assert_eq!(gate.send(&chunked(&padded(1_000_000))).status, 200);
    assert_eq!(gate.send(&post("/callbacks/tencent", &padded(most))).status, 200);
    assert_eq!(gate.send(&chunked(&padded(most))).status, 200);
    assert_eq!(app.seen().len(), 4);
    assert_eq!(app.seen()[3].json()["stream_id"], "s");
    assert!(app.seen()[3].header("transfer-encoding").is_none());
}

#[test]
fn sends_100_continue_before_reading_body() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let body = push();
    let mut client = gate.connect();
    client.write(
        format!(
            "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    assert_eq!(client.read().status, 100);
    assert_eq!(client.send(body.as_bytes()).status, 200);
}

#[test]
fn accepts_http_2() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let url = format!("http://127.0.0.1:{}/callbacks/tencent", gate.port);
    let curl = |body: &str| {
        let output = std::process::Command::new("curl")
            .args(["-s", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}"])
            .args(["--data-binary", body, &url])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(curl(&push()), "{\"code\":0} 2 200");
    assert_eq!(app.only().json()["stream_id"], "s");
    assert_eq!(app.only().header("x-forwarded-host").unwrap(), format!("127.0.0.1:{}", gate.port));
    assert_eq!(curl("{}"), "refused\n 2 401");
}

#[test]
fn sends_event_of_kind_without_address_to_callback_path_on_upstream() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve(
        &format!("upstream = '{}'", app.url("")),
        "[[template]]\nname = 'a'\nprovider = 'tencent-css'\nbind = ['*']\n\
         keys = [{ env = 'TENCENT_KEY' }]",
    );
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(app.only().line, "POST /callbacks/tencent HTTP/1.1");
    assert_eq!(app.only().header("ce-type"), Some("com.tencentcloud.css.push"));
}

#[test]
fn counts_dropped_answer_members_and_logs_their_names_once() {
    let app = App::answering(200, r#"{"allow":true,"user":"hidden","role":"hidden"}"#);
    let gate = Gatepost::serve("", &templates(&app));
    for _ in 0..3 {
        assert_eq!(gate.send(&play()).text(), r#"{"data":{"result":1}}"#);
    }
    let line = gate.program.wait_for_line("answer_members_dropped");
    assert!(line.contains(r#""members":"user role""#), "{line}");
    let counted = r#"gatepost_answer_members_dropped_total{kind="live_play",provider="kollus"} 6"#;
    let metrics = gate.metrics();
    assert!(metrics.contains(counted), "expected {counted}, found:\n{metrics}");
    let log = gate.program.log();
    assert_eq!(log.matches("answer_members_dropped").count(), 1, "{log}");
    assert!(!log.contains("hidden"), "expected no `hidden`, found:\n{log}");
}

#[test]
fn logs_warning_if_app_refuses_event() {
    let app = App::answering(403, r#"{"message":"hidden"}"#);
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&pushed()).status, 503);
    let line = gate.program.wait_for_line("event_refused");
    assert!(
        line.contains("WARN") && line.contains("the app refused the event: status 403"),
        "{line}"
    );
}

#[test]
fn counts_callbacks_refusals_and_failures() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    gate.send(&pushed());
    gate.send(&post("/callbacks/tencent", &push().replace("\"event_type\":1", "\"event_type\":9")));
    gate.send(&post("/callbacks/tencent", "{}"));
    gate.send(&play());
    let metrics = gate.metrics();
    let line = gate.program.wait_for_line("\"code\":\"unlisted\"");
    assert!(line.contains("\"written\":\"9\""), "expected `\"written\":\"9\"`, found {line}");
    for line in [
        r#"gatepost_callbacks_total{decision="none",kind="push",origin="app",provider="tencent-css",template="prod-live"} 1"#,
        r#"gatepost_callbacks_total{decision="none",kind="unknown",origin="unlisted",provider="tencent-css",template="prod-live"} 1"#,
        r#"gatepost_callbacks_total{decision="deny",kind="live_play",origin="answer_empty",provider="kollus",template="付费-1"} 1"#,
        r#"gatepost_app_failures_total{code="answer_empty",kind="live_play",provider="kollus",template="付费-1"} 1"#,
        r#"gatepost_refusals_total{code="tenant_missing",provider="tencent-css"} 1"#,
        r#"gatepost_callback_duration_seconds_count{kind="push",provider="tencent-css",template="prod-live"} 1"#,
        r#"gatepost_app_duration_seconds_count{kind="push",provider="tencent-css",template="prod-live"} 1"#,
        r#"gatepost_app_duration_seconds_count{kind="unknown",provider="tencent-css",template="prod-live"} 0"#,
        r#"gatepost_gate_duration_seconds_count{kind="unknown",provider="tencent-css",template="prod-live"} 1"#,
    ] {
        assert!(metrics.contains(line), "expected {line}, found:\n{metrics}");
    }
}

#[test]
fn browser_player_reads_reply_across_origins() {
    let app = App::answering(200, "");
    let template = templates(&app);
    let gate = Gatepost::serve_config(&format!(
        "[[route]]\npath = '/records'\nprovider = 'kollus'\ncors = 'https://player.test'\n{template}"
    ));
    let origin = "origin: https://player.test\r\naccess-control-request-method: POST\r\n";
    let preflight = format!("OPTIONS /records HTTP/1.1\r\nhost: gate.test\r\n{origin}\r\n");
    let mut client = gate.connect();
    let reply = client.send(preflight.as_bytes());
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://player.test"));
    assert_eq!(reply.header("access-control-allow-methods"), Some("POST"));
    // Without `te`, gatepost's own HTTP/1 code (the fast path) replies. With `te`, Pingora replies.
    let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
    for framing in ["", "te: trailers\r\n"] {
        let headers = format!("{origin}{framing}");
        let reply = client.send(&post_with("/records", &headers, form));
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!((reply.status, allowed), (200, Some("https://player.test")), "{framing}");
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    let reply = client.send(&preflight.replace("player.test", "other.test").into_bytes());
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (405, None));
    gate.program.wait_for_line("found a CORS preflight of `https://other.test`; to permit");
}

#[test]
fn fixed_answer_contains_fields_of_the_callback_and_no_injected_member() {
    let answer = "answer = { allow = false, message = { text = 'Hello {client_user_id}' } }";
    let template = "[[template]]\nname = 't'\nprovider = 'kollus'\nbind = ['*']\n";
    let gate = Gatepost::serve("", &format!("{template}[template.on.live_play]\n{answer}\n"));
    let denied = |user: &str| format!(r#"{{"data":{{"result":0,"message":"Hello {user}"}}}}"#);
    assert_eq!(gate.send(&play()).text(), denied("user01"));
    let forged = PLAY.replace("user01", "%22,%22result%22:1%0D%0A");
    let reply = gate.send(&post(&format!("/callbacks/kollus/{TOKEN}"), &forged));
    assert_eq!((reply.status, reply.text()), (200, denied(r#"\",\"result\":1\r\n"#)));
}
