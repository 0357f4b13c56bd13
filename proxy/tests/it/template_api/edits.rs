//! Tests of edits over the admin API: their effect on the config file, and their faults.

use serde_json::{Value, json};

use super::{TEMPLATES, TOKEN_LINE, ask, call, new, push_status, refused, serve, text};
use crate::support::*;

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
    assert_eq!(push_status(&gate, "new.example.com"), 401);
    for _ in 0..2 {
        let (status, json) = call(&gate, "PUT", &tenant, &Value::Null);
        assert_eq!((status, &json["bind"]), (200, &json!(["new.example.com"])));
        assert_eq!(push_status(&gate, "new.example.com"), 200, "after the binding");
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
    assert_eq!(push_status(&gate, "new.example.com"), 401, "after the unbinding");
    assert_eq!(call(&gate, "DELETE", "/api/templates/new", &Value::Null), (204, Value::Null));
    assert_eq!(text(&gate), before);
    let (status, json) = call(&gate, "GET", "/api/templates", &Value::Null);
    assert_eq!((status, json["templates"].as_array().map(Vec::len)), (200, Some(1)));
}

#[test]
fn refuses_key_file_that_is_a_device() {
    let gate = serve();
    let device = json!({ "keys": [{ "file": "/dev/zero" }] });
    let error = refused(&gate, ("PATCH", "/api/templates/prod-live", device), 422, "invalid");
    assert!(error.to_string().contains("expected a regular file in the folder"), "{error}");
}

#[test]
fn refuses_key_file_outside_of_the_config_folder_and_key_dirs() {
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
    assert_eq!(push_status(&gate, "push.example.com"), 200);
}

#[test]
fn refuses_edit_of_config_file_with_hard_links() {
    let gate = serve();
    let path = gate.folder.path().join("gatepost.toml");
    std::fs::hard_link(&path, gate.folder.path().join("other.toml")).unwrap();
    let change = json!({ "description": "new" });
    refused(&gate, ("PATCH", "/api/templates/prod-live", change), 409, "file_linked");
}

#[test]
fn each_conflict_and_fault_has_its_code() {
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
    assert_eq!(push_status(&gate, "push.example.com"), 200, "after the refused edits");
}

#[test]
fn never_shows_key_written_in_config_file() {
    let literal = TEMPLATES.replace("keys = [{ env = 'TENCENT_KEY' }]", "keys = ['s1gning-k3y']");
    let gate = Gatepost::serve(TOKEN_LINE, &literal);
    let (status, json) = call(&gate, "GET", "/api/templates/prod-live", &Value::Null);
    assert_eq!((status, &json["keys"]), (200, &json!([{ "secret": true }])));
    let (_, json) = call(&gate, "PUT", "/api/templates/prod-live/tenants/x", &Value::Null);
    assert_eq!(json["keys"], json!([{ "secret": true }]));
    assert_eq!(push_status(&gate, "x"), 200);
    let keys = json!({ "keys": [{ "env": "TENCENT_KEY" }] });
    assert_eq!(call(&gate, "PATCH", "/api/templates/prod-live", &keys).1["keys"], keys["keys"]);
    assert!(!text(&gate).contains("s1gning"));
    assert_eq!(push_status(&gate, "x"), 200);
    assert!(!gate.program.log().contains(TOKEN), "expected no token in the log, found one");
}

#[test]
fn does_not_overwrite_config_file_changed_by_hand() {
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
        assert_eq!(push_status(&gate, "new.example.com"), 401);
        assert_eq!(push_status(&gate, "push.example.com"), 200);
    }
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
