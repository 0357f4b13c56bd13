//! Tests of the log line about a request to which gatepost replies 404.

use std::process::Command;

use serde_json::Value as Json;

use crate::support::{App, Gatepost, TOKEN, post, pushed, templates};

fn json(line: &str) -> Json {
    serde_json::from_str(line).unwrap()
}

#[test]
fn line_about_path_without_route_has_method_path_client_and_remedy() {
    let gate = Gatepost::serve("", &templates(&App::answering(200, "")));
    assert_eq!(gate.send(&post("/wrong/callback?key=s1gning-k3y", "abc")).status, 404);
    let line = json(&gate.program.wait_for_line("route_not_found"));
    assert_eq!((&line["level"], &line["status"]), (&"WARN".into(), &404.into()), "{line}");
    assert_eq!(line["request"], "POST /wrong/callback");
    assert_eq!(line["from"], "127.0.0.1");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("no route has this path"), "{message}");
    assert!(message.contains("compare the path with `gatepost routes`"), "{message}");
    // gatepost writes no such line for a callback, and the same line for a request over HTTP/2.
    assert_eq!(gate.send(&pushed()).status, 200);
    let url = format!("http://127.0.0.1:{}/other", gate.port);
    let mut curl = Command::new("curl");
    let output = curl.args(["-s", "--http2-prior-knowledge", &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "not found\n");
    let line = json(&gate.program.wait_for_lines("route_not_found", 2));
    assert_eq!(line["request"], "GET /other");
}

#[test]
fn line_about_path_without_route_has_no_token() {
    let gate = Gatepost::serve("", &templates(&App::down()));
    let long = format!("/{}/{TOKEN}", "x".repeat(250));
    for (path, shown) in [
        (&*format!("/callbacks/other/{TOKEN}/x"), "/callbacks/other/***/x"),
        ("/callbacks/kollus/x/gu3ssed", "/callbacks/kollus/{token}…"),
        ("/s3cret%2Dt0ken", "/***"),
        (&long, &format!("/{}/***", "x".repeat(250))),
    ] {
        gate.send(&post(path, ""));
        let line = gate.program.wait_for_line(&format!("POST {shown}\""));
        assert!(!line.contains("t0ken"), "{line}");
    }
}

#[test]
fn omits_line_about_path_without_route_for_request_to_upstream() {
    let app = App::answering(404, "");
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), "");
    assert_eq!(gate.send(&post("/wrong/callback", "")).status, 404);
    gate.program.signal("TERM");
    gate.program.wait_for_line("\"message\":\"stopped\"");
    assert!(!gate.program.log().contains("route_not_found"), "{}", gate.program.log());
}
