//! Tests of the admin API: paths, methods and bodies of requests, and the OpenAPI document.

use serde_json::Value;

use super::{ask, call, refused, serve};
use crate::support::*;

#[test]
fn openapi_document_matches_api() {
    let gate = serve();
    let (status, document) = call(&gate, "GET", "/api/openapi.json", &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let concrete = path.replace("{name}", "unknown").replace("{tenant}", "t");
        let concrete = concrete.replace("{id}", "1").replace("{number}", "1");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "LIST"] {
            let operation = operations.get(method.to_lowercase());
            let (status, json) = call(&gate, method, &concrete, &Value::Null);
            assert_eq!(operation.is_none(), status == 405, "{method} {path}: {json}");
            let Some(operation) = operation else { continue };
            assert_ne!(json["error"]["code"], "not_found", "{method} {path}");
            let known = operation["responses"].get(status.to_string());
            assert!(
                known.is_some(),
                "{method} {path}: expected the status {status} in the document, found none"
            );
        }
    }
    for path in
        ["/api", "/api/template", "/api/templates/a/tenants", "/api/templates/a/tenants/b/c"]
    {
        assert!(!paths.contains_key(path));
        refused(&gate, ("GET", path, Value::Null), 404, "not_found");
    }
    let allow =
        ask(&gate, "PUT", "/api/templates", &format!("authorization: Bearer {TOKEN}\r\n"), "");
    assert_eq!(allow.header("allow"), Some("GET, POST"));
}

#[test]
fn every_reference_in_openapi_document_resolves() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document: Value =
        serde_json::from_str(include_str!("../../../src/admin/api/openapi.json")).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "expected more than 20 references, found {found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "expected {reference} in the document, found none"
        );
    }
}

#[test]
fn limits_length_and_type_of_body() {
    let gate = serve();
    let auth = format!("authorization: Bearer {TOKEN}\r\n");
    let json_type = format!("{auth}content-type: application/json; charset=utf-8\r\n");
    let post = |headers: &str, body: &str| {
        let response = ask(&gate, "POST", "/api/templates", headers, body);
        let json: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, json["error"]["code"].as_str().unwrap().to_owned())
    };
    let fits = format!("{{\"x\":\"{}\"}}", "x".repeat(64 * 1024 - 8));
    assert_eq!(post(&json_type, &fits), (422, "invalid".into()), "body of the maximum length");
    assert_eq!(post(&json_type, &format!("{fits} ")), (413, "body_too_large".into()));
    assert_eq!(post(&json_type, &"x".repeat(300_000)), (413, "body_too_large".into()));
    assert_eq!(post(&json_type, "{\"name\":"), (400, "bad_request".into()));
    assert_eq!(post(&json_type, ""), (400, "bad_request".into()));
    assert_eq!(post(&auth, "{}"), (415, "unsupported_media_type".into()));
    let form = format!("{auth}content-type: application/x-www-form-urlencoded\r\n");
    assert_eq!(post(&form, "{}"), (415, "unsupported_media_type".into()));

    let size = 64 * 1024 + 1;
    let mut client = Client::new(connect(gate.admin));
    let head = "POST /api/templates HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n";
    let request = format!("{head}{json_type}\r\n{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
    assert_eq!(client.send(request.as_bytes()).status, 413, "chunked body above the limit");
}

#[test]
fn never_reads_body_of_refused_request_as_next_request() {
    let gate = serve();
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let length = smuggled.len();
    let send = |headers: &str| {
        let mut client = Client::new(connect(gate.admin));
        let request = format!(
            "PUT /api/templates HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{smuggled}"
        );
        let status = client.send(request.as_bytes()).status;
        (client, status)
    };
    let (mut client, status) = send(&format!("authorization: Bearer {TOKEN}\r\n"));
    assert_eq!(status, 405);
    let next =
        client.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert_eq!(next.text(), "ok\n");
    assert!(client.is_closed());
    // If a request has no token, gatepost does not read the body, and closes the connection.
    let (mut client, status) = send("");
    assert_eq!(status, 401);
    assert!(client.is_closed());
    gate.program.wait_for_line("refused a request to the admin API");
}

#[test]
fn sends_100_continue_before_reading_body() {
    let gate = serve();
    let mut client = Client::new(connect(gate.admin));
    let body = r#"{"description":"x"}"#;
    client.write(
        format!(
            "PATCH /api/templates/prod-live HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    assert_eq!(client.read_exact(25), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.send(body.as_bytes()).status, 200);
}
