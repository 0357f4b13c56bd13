//! Tests that change templates while clients send callbacks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::*;
use crate::template_api::{TOKEN_LINE, call};

const SENDERS: usize = 4;
const EACH: usize = 300;

/// Returns the status of the reply to a genuine push of `tenant`.
fn try_once(gate: &Gatepost, tenant: &str) -> u16 {
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", tenant))).status
}

/// Creates, binds, changes and deletes a template. Each step takes effect before the API responds.
fn create_and_delete_template(gate: &Gatepost, apps: [&App; 2], round: usize) {
    let name = format!("round-{round}");
    let path = format!("/api/templates/{name}");
    let tenant = format!("{path}/tenants/new.example.com");
    let draft = json!({
        "name": name, "provider": "tencent-css", "keys": [{ "env": "TENCENT_KEY" }],
        "on": { "push": apps[0].url("/a") },
    });
    assert_eq!(call(gate, "POST", "/api/templates", &draft).0, 201);
    assert_eq!(try_once(gate, "new.example.com"), 401, "before the binding");
    assert_eq!(call(gate, "PUT", &tenant, &Value::Null).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 200, "after the binding");
    let moved = json!({ "on": { "push": apps[1].url("/b") } });
    assert_eq!(call(gate, "PATCH", &path, &moved).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 200, "through the new address");
    assert_eq!(call(gate, "DELETE", &tenant, &Value::Null).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 401, "after the unbinding");
    assert_eq!(call(gate, "DELETE", &path, &Value::Null).0, 204);
    // Also change the template that serves the load.
    let kinds = if round.is_multiple_of(2) {
        json!({ "error": { "answer": {} } })
    } else {
        json!({ "error": null })
    };
    assert_eq!(call(gate, "PATCH", "/api/templates/prod-live", &json!({ "on": kinds })).0, 200);
}

/// Guard that sets the flag on drop, so the load ends even if the test panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends pushes on one connection until `is_over` is true, but at least [`EACH`] pushes. gatepost
/// must accept each push. Returns the number of sent pushes.
fn send_all(port: u16, is_over: &AtomicBool) -> usize {
    let mut client = Client::new(connect(port));
    let mut sent = 0;
    while sent < EACH || !is_over.load(Ordering::Relaxed) {
        let reply = client.send(&pushed());
        assert_eq!((reply.status, &*reply.text()), (200, r#"{"code":0}"#));
        sent += 1;
    }
    sent
}

#[test]
fn no_callback_fails_while_templates_change() {
    let (first, second) = (App::answering(200, ""), App::answering(200, ""));
    let answered = "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
                    keys = [{ env = 'TENCENT_KEY' }]\nbind = ['push.example.com']\n\
                    on.push = { answer = {} }\n";
    let gate = Gatepost::serve(TOKEN_LINE, answered);
    let config = gate.folder.path().join("gatepost.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let port = gate.port;
    // After an even number of rounds, the file equals the original.
    let rounds = 4;
    let is_over = AtomicBool::new(false);
    let sent: usize = thread::scope(|scope| {
        let is_over = &is_over;
        let send = || scope.spawn(move || send_all(port, is_over));
        let senders: Vec<_> = (0..SENDERS).map(|_| send()).collect();
        let over = Over(is_over);
        (0..rounds).for_each(|round| create_and_delete_template(&gate, [&first, &second], round));
        drop(over);
        senders.into_iter().map(|sender| sender.join().unwrap()).sum()
    });
    assert_eq!(first.seen().len(), rounds, "events before the PATCH");
    assert_eq!(second.seen().len(), rounds, "events after the PATCH");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
    let counted = gate.counted("gatepost_callbacks_total", "origin=\"fixed\"");
    assert_eq!(counted, sent, "{}", gate.metrics());
}

/// Runs a `gatepost template` command on the config file of `gate`.
fn template(gate: &Gatepost, arguments: &[&str]) {
    let config = gate.folder.path().join("gatepost.toml");
    let mut command = gatepost();
    command.arg("template").args(arguments).arg("-c").arg(config);
    let output = command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap();
    assert!(output.status.success(), "expected success, found {output:?}");
}

#[test]
fn sighup_applies_command_line_edits_under_load() {
    let answered = "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
                    keys = [{ env = 'TENCENT_KEY' }]\nbind = ['push.example.com']\n\
                    on.push = { answer = {} }\n";
    let gate = Gatepost::serve(TOKEN_LINE, answered);
    let config = gate.folder.path().join("gatepost.toml");
    let port = gate.port;
    let is_over = AtomicBool::new(false);
    let mut reloads = 0;
    let mut reload = || {
        reloads += 1;
        gate.program.signal("HUP");
        gate.program.wait_for_lines("reloaded the config", reloads);
    };
    thread::scope(|scope| {
        let is_over = &is_over;
        let send = || scope.spawn(move || send_all(port, is_over));
        let senders: Vec<_> = (0..SENDERS).map(|_| send()).collect();
        let over = Over(is_over);
        let create = ["create", "new", "--provider", "tencent-css", "--key-env", "TENCENT_KEY"];
        template(&gate, &[&create[..], &["--answer", "push={}"]].concat());
        template(&gate, &["bind", "new", "new.example.com"]);
        assert_eq!(try_once(&gate, "new.example.com"), 401, "before SIGHUP");
        reload();
        assert_eq!(try_once(&gate, "new.example.com"), 200, "after SIGHUP loads the binding");
        template(&gate, &["unbind", "new", "new.example.com"]);
        template(&gate, &["delete", "new", "--yes"]);
        reload();
        assert_eq!(try_once(&gate, "new.example.com"), 401, "after SIGHUP loads the unbinding");
        drop(over);
        senders.into_iter().for_each(|sender| assert!(sender.join().unwrap() >= EACH));
    });
    // The API edits the reloaded file. If a reload finds an invalid file, gatepost keeps the
    // earlier config.
    let change = json!({ "description": "x" });
    assert_eq!(call(&gate, "PATCH", "/api/templates/prod-live", &change).0, 200);
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("colour = 1\n{good}")).unwrap();
    gate.program.signal("HUP");
    let line = gate.program.wait_for_line("kept the earlier config");
    assert!(line.contains("colour: expected a known key, found "), "{line}");
    std::fs::write(&config, format!("upstream = 'http://127.0.0.1:9'\n{good}")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("expected no change of upstream, found a new value");
    assert_eq!(try_once(&gate, "push.example.com"), 200);
}
