//! Tests of the admin API for templates.

mod access;
mod edits;
mod requests;

use serde_json::{Value, json};

use crate::support::*;

pub const TOKEN_LINE: &str = "admin_token = { env = 'KOLLUS_TOKEN' }";

const TEMPLATES: &str = "# of live
[[template]]
name = 'prod-live' # as in the console
provider = 'tencent-css'
keys = [{ env = 'TENCENT_KEY' }]
bind = ['push.example.com']
on.push = { answer = {} }
# the end
";

/// Sends a request to the API with these header lines.
pub fn ask(gate: &Gatepost, method: &str, path: &str, headers: &str, body: &str) -> Response {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    Client::new(connect(gate.admin)).send(request.as_bytes())
}

/// Sends a request with the token. Returns the status and the JSON of the response.
pub fn call(gate: &Gatepost, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let response = ask(gate, method, path, &headers, &body);
    let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    (response.status, json)
}

fn serve() -> Gatepost {
    Gatepost::serve(TOKEN_LINE, TEMPLATES)
}

fn text(gate: &Gatepost) -> String {
    std::fs::read_to_string(gate.folder.path().join("gatepost.toml")).unwrap()
}

/// Sends a request that the API must refuse with this status and code. The config file must not
/// change.
#[track_caller]
fn refused(gate: &Gatepost, request: (&str, &str, Value), status: u16, code: &str) -> Value {
    let before = text(gate);
    let (method, path, body) = request;
    let (got, json) = call(gate, method, path, &body);
    assert_eq!((got, json["error"]["code"].as_str()), (status, Some(code)), "{json}");
    assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert_eq!(text(gate), before);
    json["error"].clone()
}

/// Returns the status of the reply to a genuine push of this tenant.
fn push_status(gate: &Gatepost, tenant: &str) -> u16 {
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", tenant))).status
}

fn new(name: &str) -> Value {
    json!({
        "name": name, "provider": "tencent-css", "keys": [{ "env": "TENCENT_KEY" }],
        "on": { "*": { "answer": {} } },
    })
}
