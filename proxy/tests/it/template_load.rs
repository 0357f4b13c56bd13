//! Templates changed while callbacks come.

use std::thread;

use serde_json::{Value, json};

use crate::support::*;
use crate::template_api::{TOKEN_LINE, call};

const SENDERS: usize = 4;
const EACH: usize = 700;

/// What a genuine push of this tenant gets.
fn try_once(gate: &Gatepost, tenant: &str) -> u16 {
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", tenant))).status
}

/// A whole life of a template, each step taking effect when it is answered.
fn live_and_die(gate: &Gatepost, apps: [&App; 2], round: usize) {
    let name = format!("round-{round}");
    let path = format!("/api/templates/{name}");
    let tenant = format!("{path}/tenants/new.example.com");
    let draft = json!({
        "name": name, "provider": "tencent-css", "keys": [{ "env": "TENCENT_KEY" }],
        "on": { "push": apps[0].url("/a") },
    });
    assert_eq!(call(gate, "POST", "/api/templates", &draft).0, 201);
    assert_eq!(try_once(gate, "new.example.com"), 401, "not bound yet");
    assert_eq!(call(gate, "PUT", &tenant, &Value::Null).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 200, "bound");
    let moved = json!({ "on": { "push": apps[1].url("/b") } });
    assert_eq!(call(gate, "PATCH", &path, &moved).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 200, "moved");
    assert_eq!(call(gate, "DELETE", &tenant, &Value::Null).0, 200);
    assert_eq!(try_once(gate, "new.example.com"), 401, "unbound");
    assert_eq!(call(gate, "DELETE", &path, &Value::Null).0, 204);
    // The template that the load is on changes too.
    let kinds = if round.is_multiple_of(2) {
        json!({ "error": { "answer": {} } })
    } else {
        json!({ "error": null })
    };
    assert_eq!(call(gate, "PATCH", "/api/templates/prod-live", &json!({ "on": kinds })).0, 200);
}

/// Sends its share on one connection; each must be taken.
fn send_all(port: u16) {
    let mut client = Client::new(connect(port));
    for _ in 0..EACH {
        let reply = client.send(&pushed());
        assert_eq!((reply.status, &*reply.text()), (200, r#"{"code":0}"#));
    }
}

#[test]
fn no_request_fails_while_templates_change() {
    let (first, second) = (App::answering(200, ""), App::answering(200, ""));
    let answered = "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
                    keys = [{ env = 'TENCENT_KEY' }]\nbind = ['push.example.com']\n\
                    on.push = { answer = {} }\n";
    let gate = Gatepost::serve(TOKEN_LINE, answered);
    let config = gate.folder.path().join("gatepost.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let port = gate.port;
    let (mut rounds, mut under_load) = (0, 0);
    thread::scope(|scope| {
        let send = || scope.spawn(move || send_all(port));
        let senders: Vec<_> = (0..SENDERS).map(|_| send()).collect();
        // An even number of rounds leaves the file as it was.
        while rounds % 2 == 1 || senders.iter().any(|sender| !sender.is_finished()) {
            live_and_die(&gate, [&first, &second], rounds);
            rounds += 1;
            if !senders.iter().any(thread::ScopedJoinHandle::is_finished) {
                under_load = rounds;
            }
        }
    });
    assert!(under_load > 0, "no round was under load");
    assert_eq!(first.seen().len(), rounds, "one event of each round before the move");
    assert_eq!(second.seen().len(), rounds, "and one behind it");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
    let served = format!("origin=\"fixed\",provider=\"tencent-css\"}} {}", SENDERS * EACH);
    assert!(gate.metrics().contains(&served), "{}", gate.metrics());
}
