//! The admin API for templates.

use std::io::{BufReader, Write as _};

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

/// Sends a request that the API must refuse with this status and code. The file must not change.
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
fn takes(gate: &Gatepost, tenant: &str) -> u16 {
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", tenant))).status
}

fn new(name: &str) -> Value {
    json!({
        "name": name, "provider": "tencent-css", "keys": [{ "env": "TENCENT_KEY" }],
        "on": { "*": { "answer": {} } },
    })
}

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
            assert!(known.is_some(), "{method} {path}: expected {status} in the document");
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
        serde_json::from_str(include_str!("../../src/admin/api/openapi.json")).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "expected {reference} in the document");
    }
}

#[test]
fn creates_binds_changes_and_deletes_template() {
    let gate = serve();
    let before = text(&gate);
    let mut draft = new("直播-1");
    draft["description"] = json!("Live");
    draft["settings"] = json!({ "grace_secs": 60 });
    let headers = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let created = ask(&gate, "POST", "/api/templates", &headers, &draft.to_string());
    assert_eq!(created.status, 201, "{}", created.text());
    let path = created.header("location").unwrap().to_owned();
    assert_eq!(path, "/api/templates/%E7%9B%B4%E6%92%AD%2D1");
    draft["bind"] = json!([]);
    assert_eq!(call(&gate, "GET", &path, &Value::Null), (200, draft.clone()));
    let expected = "\n[[template]]\nname = \"直播-1\"\ndescription = \"Live\"\n\
                    provider = \"tencent-css\"\nkeys = [{ env = \"TENCENT_KEY\" }]\n\n\
                    [template.settings]\ngrace_secs = 60\n\n[template.on]\n\
                    \"*\" = { answer = {} }\n";
    assert_eq!(text(&gate), format!("{before}{expected}"));

    let tenant = format!("{path}/tenants/new.example.com");
    assert_eq!(takes(&gate, "new.example.com"), 401);
    for _ in 0..2 {
        let (status, json) = call(&gate, "PUT", &tenant, &Value::Null);
        assert_eq!((status, &json["bind"]), (200, &json!(["new.example.com"])));
        assert_eq!(takes(&gate, "new.example.com"), 200, "expected the binding to apply at once");
    }
    let change = json!({ "name": "new", "description": null, "on": { "push": { "answer": {} }, "*": null } });
    let (status, json) = call(&gate, "PATCH", &path, &change);
    assert_eq!((status, &json["name"], &json["description"]), (200, &json!("new"), &json!("")));
    assert_eq!(json["on"], json!({ "push": { "answer": {} } }));
    assert_eq!(call(&gate, "GET", &path, &Value::Null).0, 404);

    refused(&gate, ("DELETE", "/api/templates/new", Value::Null), 409, "template_in_use");
    assert_eq!(
        call(&gate, "DELETE", "/api/templates/new/tenants/new.example.com", &Value::Null).0,
        200
    );
    assert_eq!(takes(&gate, "new.example.com"), 401, "expected the unbinding to apply at once");
    assert_eq!(call(&gate, "DELETE", "/api/templates/new", &Value::Null), (204, Value::Null));
    assert_eq!(text(&gate), before);
    let (status, json) = call(&gate, "GET", "/api/templates", &Value::Null);
    assert_eq!((status, json["templates"].as_array().map(Vec::len)), (200, Some(1)));
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
    assert_eq!(post(&json_type, &fits), (422, "invalid".into()), "expected no 413 at the limit");
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
    assert_eq!(client.send(request.as_bytes()).status, 413, "expected 413 for a chunked body too");
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
    // Without the token, gatepost reads no body and closes the connection.
    let (mut client, status) = send("");
    assert_eq!(status, 401);
    assert!(client.is_closed());
    gate.program.wait_for_line("refused a request to the admin API");
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

#[test]
fn refuses_key_file_that_is_a_device() {
    let gate = serve();
    let device = json!({ "keys": [{ "file": "/dev/zero" }] });
    let error = refused(&gate, ("PATCH", "/api/templates/prod-live", device), 422, "invalid");
    assert!(error.to_string().contains("gatepost cannot read the file"), "{error}");
}

#[test]
fn refuses_key_file_outside_of_the_folders() {
    let gate = Gatepost::serve(&format!("{TOKEN_LINE}\nkey_dirs = ['../keys-of-test']"), TEMPLATES);
    std::fs::write(gate.folder.path().join("own.key"), KEY).unwrap();
    let parent = gate.folder.path().parent().unwrap();
    std::os::unix::fs::symlink("/etc", gate.folder.path().join("link")).unwrap();
    let mut bodies = Vec::new();
    for name in [
        "/etc/passwd",
        "../outside.key",
        "link/passwd",
        "link/absent",
        "/proc/self/environ",
        "/absent",
        parent.to_str().unwrap(),
    ] {
        let keys = json!({ "keys": [{ "file": name }] });
        for (method, path, body) in [
            ("PATCH", "/api/templates/prod-live", keys),
            (
                "PATCH",
                "/api/templates/prod-live",
                json!({ "settings": { "grace_secs": { "file": name } } }),
            ),
            (
                "POST",
                "/api/templates",
                json!({
                    "name": "n", "provider": "tencent-css", "keys": [{ "file": name }],
                    "on": { "*": { "answer": {} } },
                }),
            ),
        ] {
            let error = refused(&gate, (method, path, body), 422, "invalid");
            bodies.push(error["faults"][0]["problem"].to_string());
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "expected the same fault for each file, found {bodies:?}");
    let own = json!({ "keys": [{ "file": "own.key" }] });
    assert_eq!(call(&gate, "PATCH", "/api/templates/prod-live", &own).0, 200);
    assert_eq!(takes(&gate, "push.example.com"), 200);
}

#[test]
fn refuses_edit_of_file_with_hard_links() {
    let gate = serve();
    let path = gate.folder.path().join("gatepost.toml");
    std::fs::hard_link(&path, gate.folder.path().join("other.toml")).unwrap();
    let change = json!({ "description": "new" });
    refused(&gate, ("PATCH", "/api/templates/prod-live", change), 409, "file_linked");
}

#[test]
fn each_conflict_and_fault_has_its_own_code() {
    let gate = serve();
    let templates = "/api/templates";
    refused(&gate, ("POST", templates, new("prod-live")), 409, "name_taken");
    let mut taken = new("n");
    taken["bind"] = json!(["push.example.com"]);
    refused(&gate, ("POST", templates, taken), 409, "tenant_taken");
    refused(&gate, ("DELETE", "/api/templates/prod-live", Value::Null), 409, "template_in_use");
    refused(&gate, ("GET", "/api/templates/n", Value::Null), 404, "template_not_found");
    refused(
        &gate,
        ("PATCH", "/api/templates/n", json!({ "name": "m" })),
        404,
        "template_not_found",
    );
    let binding = "/api/templates/prod-live/tenants/x";
    refused(&gate, ("DELETE", binding, Value::Null), 404, "tenant_not_bound");
    refused(&gate, ("GET", "/api/templates/%ff", Value::Null), 400, "bad_request");
    let colon = "/api/templates/prod-live/tenants/a:b";
    refused(&gate, ("PUT", colon, Value::Null), 422, "invalid");

    let mut bad = new("two words");
    bad["on"] = json!({ "pusch": "http://x/", "push": "nowhere" });
    let error = refused(&gate, ("POST", templates, bad), 422, "invalid");
    let keys: Vec<_> = error["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["template[1].name", "template[1].on.pusch", "template[1].on.push"]);

    let mut literal = new("n");
    literal["keys"] = json!(["hunter2"]);
    let error = refused(&gate, ("POST", templates, literal), 422, "invalid");
    assert_eq!(error["faults"][0]["key"], "keys");
    assert!(!error.to_string().contains("hunter2"));
    let mut nothing = new("n");
    nothing["on"] = json!({});
    refused(&gate, ("POST", templates, nothing), 422, "invalid");
    let off = json!({ "on": { "push": null } });
    refused(&gate, ("PATCH", "/api/templates/prod-live", off), 422, "invalid");
    refused(&gate, ("PATCH", "/api/templates/prod-live", json!({})), 422, "invalid");
    refused(
        &gate,
        ("PATCH", "/api/templates/prod-live", json!({ "provider": "kollus" })),
        422,
        "invalid",
    );
    assert_eq!(takes(&gate, "push.example.com"), 200, "expected an unchanged config");
}

#[test]
fn never_shows_key_written_in_file() {
    let literal = TEMPLATES.replace("keys = [{ env = 'TENCENT_KEY' }]", "keys = ['s1gning-k3y']");
    let gate = Gatepost::serve(TOKEN_LINE, &literal);
    let (status, json) = call(&gate, "GET", "/api/templates/prod-live", &Value::Null);
    assert_eq!((status, &json["keys"]), (200, &json!([{ "secret": true }])));
    let (_, json) = call(&gate, "PUT", "/api/templates/prod-live/tenants/x", &Value::Null);
    assert_eq!(json["keys"], json!([{ "secret": true }]));
    assert_eq!(takes(&gate, "x"), 200);
    let keys = json!({ "keys": [{ "env": "TENCENT_KEY" }] });
    assert_eq!(call(&gate, "PATCH", "/api/templates/prod-live", &keys).1["keys"], keys["keys"]);
    assert!(!text(&gate).contains("s1gning"));
    assert_eq!(takes(&gate, "x"), 200);
    assert!(!gate.program.log().contains(TOKEN), "expected no token in the log");
}

#[test]
fn does_not_overwrite_file_changed_by_hand() {
    let by_hands = [
        |text: String| text.replace("# the end", "# by hand"),
        |text: String| format!("upstream = 'http://127.0.0.1:1'\n{text}"),
        |text: String| text.replace("threads = 1", "threads = 2"),
        |_| "no toml".to_owned(),
    ];
    for by_hand in by_hands {
        let gate = serve();
        let path = gate.folder.path().join("gatepost.toml");
        let changed = by_hand(text(&gate));
        std::fs::write(&path, &changed).unwrap();
        let binding = "/api/templates/prod-live/tenants/new.example.com";
        let error = refused(&gate, ("PUT", binding, Value::Null), 409, "file_changed");
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with("; send gatepost a SIGHUP to load the file"), "{message}");
        let start = message.find(path.to_str().unwrap()).unwrap();
        let kept = message[start..].split(' ').find(|word| word.contains(".rejected-"));
        let kept = kept.unwrap().trim_end_matches(';');
        let kept = std::fs::read_to_string(kept).unwrap();
        assert!(kept.contains("\"new.example.com\"]"), "{kept}");
        assert_eq!(takes(&gate, "new.example.com"), 401);
        assert_eq!(takes(&gate, "push.example.com"), 200);
    }
}

/// Sends a request with this target and these header lines, from this address of the machine.
fn ask_from(gate: &Gatepost, from: [u8; 4], target: &str, headers: &str) -> Response {
    let stream = connect_from(from, gate.admin);
    let request = format!("GET {target} HTTP/1.1\r\n{headers}\r\n");
    Client::new(stream).send(request.as_bytes())
}

#[test]
fn api_refuses_hosts_that_are_not_its_own() {
    let gate = Gatepost::serve(
        &format!("{TOKEN_LINE}\nadmin_hosts = ['Gatepost.example.com', 'ops']"),
        TEMPLATES,
    );
    // Returns `None` if Pingora closes the connection instead.
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
        assert!(matches!(found, None | Some(400 | 421)), "{other}: found {found:?}");
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
    assert_eq!(reply.status, 421, "expected the check of the host before the check of the token");
    let json: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(json["error"]["code"], "host_refused");
    assert!(!reply.text().contains("evil"), "expected a constant body");
    let counted = "gatepost_admin_refusals_total{code=\"host_refused\"}";
    assert!(gate.metrics().contains(counted), "{}", gate.metrics());
}

#[test]
fn slows_down_guesses_of_token_by_source() {
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
                assert!((1..=60).contains(&secs), "{secs}");
                let json: Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(json["error"]["code"], "too_many_attempts");
            }
            status => panic!("expected 401 or 429, found {status}"),
        }
    }
    // Without a limit, gatepost judges 300 guesses.
    assert!((10..20).contains(&judged) && delayed > 200, "{judged} {delayed}");
    assert_eq!(send(guesser, TOKEN).status, 429, "expected no comparison during the delay");
    assert_eq!(send(operator, TOKEN).status, 200, "expected no delay for another source");
    assert_eq!(ask_from(&gate, guesser, "/metrics", "host: x\r\n").status, 200);
    let metrics = gate.metrics();
    assert!(metrics.contains("gatepost_admin_refusals_total{code=\"too_many_attempts\"}"));
    assert!(metrics.contains("gatepost_admin_refusals_total{code=\"unauthorized\"}"));
}

#[test]
fn refuses_address_of_metadata_service_or_socket() {
    let at = |url: &str| json!({ "on": { "push": url } });
    let path = "/api/templates/prod-live";
    let gate = serve();
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "unix:/var/run/docker.sock:/containers/create",
    ] {
        let error = refused(&gate, ("PATCH", path, at(url)), 422, "invalid");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("add its network, name or socket to allow_addresses"),
            "{message}"
        );
    }
    assert_eq!(call(&gate, "PATCH", path, &at("http://127.0.0.1:9/push")).0, 200);

    let top = format!("{TOKEN_LINE}\nallow_addresses = ['10.0.0.0/8', 'unix:/run/app.sock']");
    let gate = Gatepost::serve(&top, TEMPLATES);
    refused(&gate, ("PATCH", path, at("http://127.0.0.1:9/push")), 422, "invalid");
    for url in ["http://10.1.2.3/push", "unix:/run/app.sock:/push", "http://app.test/push"] {
        assert_eq!(call(&gate, "PATCH", path, &at(url)).0, 200, "{url}");
    }
}

#[test]
fn edit_keeps_address_that_the_operator_has_written() {
    let own = "on.push = 'http://169.254.169.254/push'";
    let gate = Gatepost::serve(TOKEN_LINE, &TEMPLATES.replace("on.push = { answer = {} }", own));
    let change = json!({ "description": "as before" });
    assert_eq!(call(&gate, "PATCH", "/api/templates/prod-live", &change).0, 200);
    assert!(text(&gate).contains(own));
}
