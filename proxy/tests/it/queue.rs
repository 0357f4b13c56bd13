//! Tests of queued delivery: an event is durable before the reply, and the app receives it later.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mock::Seen;
use crate::support::*;
use crate::template_api::{TOKEN_LINE, ask, call};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub const STORE: &str = "[store]\nurl = 'sqlite:gatepost.db'\n";

/// Returns a template with queued delivery. `push` and `end` are the apps for the kinds `push` and
/// `interruption`, and `retry` contains the keys of the table `retry`.
fn queued(push: &App, end: &App, retry: &str) -> String {
    format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
         signing_secret = '{SECRET}'\n\
         [template.on]\n\
         push = {{ url = '{}', timeout_ms = 500, budget_ms = 1500, deliver = 'queued', retry = {{ {retry} }} }}\n\
         interruption = {{ url = '{}', timeout_ms = 500, deliver = 'queued', retry = {{ {retry} }} }}\n",
        push.url("/live/push"),
        end.url("/live/end"),
    )
}

const FAST: &str = "first_ms = 20, max_ms = 100";

fn serve(push: &App, end: &App, retry: &str) -> Gatepost {
    Gatepost::serve(
        "breaker = { failures = 5, retry_ms = 100 }",
        &(queued(push, end, retry) + STORE),
    )
}

fn push_of(stream: &str) -> Vec<u8> {
    let body = push().replace("\"stream_id\":\"s\"", &format!("\"stream_id\":\"{stream}\""));
    post("/callbacks/tencent", &body)
}

fn end_of(stream: &str) -> Vec<u8> {
    let body = push()
        .replace("\"stream_id\":\"s\"", &format!("\"stream_id\":\"{stream}\""))
        .replace("\"event_type\":1", "\"event_type\":0,\"errcode\":1,\"errmsg\":\"x\"");
    post("/callbacks/tencent", &body)
}

fn subjects(app: &App) -> Vec<String> {
    app.seen().iter().map(|seen| seen.header("ce-subject").unwrap().to_owned()).collect()
}

/// Starts gatepost again in the same folder, on the same ports.
pub fn restart(gate: &mut Gatepost) {
    let mut command = gatepost();
    command
        .args(["--log-format", "json", "run", "-c"])
        .arg(gate.folder.path().join("gatepost.toml"));
    command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
    gate.program = Program::start(&mut command);
    gate.program.wait_for_line("listening for the operator");
    drop(connect(gate.port));
}

pub fn database(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("gatepost.db")).unwrap()
}

#[test]
fn event_arrives_after_the_app_starts() {
    let app = App::down();
    let gate = serve(&app, &app, FAST);
    let reply = gate.send(&push_of("a"));
    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"code\":0}"));
    eventually("a failed attempt", || {
        gate.counted("gatepost_queue_attempts_total", "result=\"failed\"") > 0
    });
    let app = App::answering_on(app.port, 200, "");
    eventually("the event", || app.seen().len() == 1);
    let seen = &app.seen()[0];
    assert!(seen.line.starts_with("POST /live/push "), "{}", seen.line);
    assert_eq!(seen.header("ce-type"), Some("com.tencentcloud.css.push"));
    assert_eq!(seen.header("ce-subject"), Some("live/a"));
    assert_eq!(seen.header("host"), Some(&*format!("127.0.0.1:{}", app.port)));
    assert!(seen.header("gatepost-delivery").unwrap().parse::<u32>().unwrap() > 1);
    assert_eq!(seen.header("gatepost-replay"), None);
    assert!(is_signed_with(SECRET, seen));
    eventually("the end of the attempt", || {
        gate.counted("gatepost_queue_events", "state=\"delivered\"") == 1
    });
    assert_eq!(gate.counted("gatepost_queue_events", "state=\"pending\""), 0);
    assert_eq!(gate.counted("gatepost_callbacks_total", "origin=\"queued\""), 1);
}

/// Returns true if the event has a valid `webhook-signature` by `secret`.
fn is_signed_with(secret: &str, seen: &Seen) -> bool {
    let headers = seen.headers.iter().map(|(name, value)| {
        let name: http::HeaderName = name.parse().unwrap();
        (name, http::HeaderValue::from_str(value).unwrap())
    });
    let signing = standardwebhooks::Webhook::new(secret).unwrap();
    signing.verify(&seen.body, &headers.collect()).is_ok()
}

#[test]
fn each_attempt_has_the_same_id_and_a_new_signature_with_the_current_secret() {
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let app = App::start(|seen| {
        Act::Answer(if seen.header("gatepost-delivery") == Some("1") { 500 } else { 200 }, "")
    });
    // The second attempt is at least 1.5 s after the first, so their timestamps differ.
    let gate = serve(&app, &app, "first_ms = 3000, max_ms = 3000");
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("the first attempt", || app.seen().len() == 1);
    let path = gate.folder.path().join("gatepost.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace(SECRET, NEW)).unwrap();
    gate.program.signal("HUP");
    eventually("the second attempt", || app.seen().len() == 2);
    let [first, second] = &app.seen()[..] else {
        panic!("expected two attempts, found {:?}", app.seen())
    };
    assert_eq!(first.header("webhook-id"), first.header("ce-id"), "ids of the first attempt");
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    let time = |seen: &Seen| seen.header("webhook-timestamp").unwrap().parse::<u64>().unwrap();
    let (earlier, later) = (time(first), time(second));
    assert!(later > earlier, "expected a timestamp after {earlier}, found {later}");
    let signers = |seen: &Seen| (is_signed_with(SECRET, seen), is_signed_with(NEW, seen));
    assert_eq!(signers(first), (true, false), "old and new secret verify the first attempt");
    assert_eq!(signers(second), (false, true), "old and new secret verify the second attempt");
}

#[test]
fn process_suspended_beyond_its_lease_counts_a_lost_lease() {
    let (_sender, never) = std::sync::mpsc::channel();
    let never = Arc::new(std::sync::Mutex::new(never));
    let app = App::start(move |seen| match seen.header("gatepost-delivery") {
        Some("1") => Act::WaitFor(Arc::clone(&never)),
        _ => Act::Answer(200, ""),
    });
    let templates = queued(&app, &app, FAST).replace("timeout_ms = 500", "timeout_ms = 3000");
    let owner = Gatepost::serve("", &(templates.clone() + STORE));
    assert_eq!(owner.send(&push_of("a")).status, 200);
    eventually("the attempt", || app.seen().len() == 1);
    owner.program.signal("STOP");
    let file = owner.folder.path().join("gatepost.db");
    let store = format!("[store]\nurl = 'sqlite:{}'\n", file.display());
    let other = Gatepost::serve("", &(templates + &store));
    // The lease ends 5 s after the time-out of the attempt.
    eventually("the attempt of the other process", || app.seen().len() == 2);
    eventually("the end of this attempt", || {
        other.counted("gatepost_queue_attempts_total", "result=\"delivered\"") == 1
    });
    owner.program.signal("CONT");
    eventually("the lost lease", || {
        owner.counted("gatepost_queue_attempts_total", "result=\"lease_lost\"") == 1
    });
    let [first, second] = &app.seen()[..] else {
        panic!("expected two attempts, found {:?}", app.seen())
    };
    assert_eq!(first.header("ce-id"), second.header("ce-id"));
    assert_eq!(owner.counted("gatepost_queue_events", "state=\"delivered\""), 1);
}

#[test]
fn largest_event_reaches_the_app() {
    let app = App::answering(200, "");
    let templates = queued(&app, &app, FAST)
        .replace("timeout_ms = 500, budget_ms = 1500", "timeout_ms = 10000, budget_ms = 4000");
    let gate = Gatepost::serve("max_body_bytes = 16777216", &(templates + STORE));
    let body = push();
    let padding = (16 << 20) - body.len() + "txSecret=c0ffee".len();
    let body = body.replace("txSecret=c0ffee", &"x".repeat(padding));
    assert_eq!(body.len(), 16 << 20);
    assert_eq!(gate.send(&post("/callbacks/tencent", &body)).status, 200);
    eventually("the event", || !app.seen().is_empty());
    let found = app.only().body.len();
    assert!(found > 15 << 20, "expected a body of over 15 MiB, found {found} bytes");
    assert_eq!(app.only().json()["stream_param"].as_str().unwrap().len(), padding);
}

#[test]
fn acknowledged_event_survives_a_kill() {
    let app = App::down();
    let mut gate = serve(&app, &app, FAST);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    gate.program.signal("KILL");
    gate.program.wait();
    let app = App::answering_on(app.port, 200, "");
    restart(&mut gate);
    eventually("the event", || !app.seen().is_empty());
}

#[test]
fn events_of_a_subject_keep_their_order() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let app = App::start(move |seen| {
        let fails = seen.header("ce-subject") == Some("live/a") && !up.load(Ordering::SeqCst);
        Act::Answer(if fails { 500 } else { 200 }, "")
    });
    let gate = serve(&app, &app, FAST);
    for request in [push_of("a"), end_of("a"), push_of("b"), end_of("b"), push_of("a")] {
        assert_eq!(gate.send(&request).status, 200);
    }
    let of = |subject: &str| {
        let seen = app.seen();
        let own = seen.iter().filter(|seen| seen.header("ce-subject") == Some(subject));
        own.map(|seen| seen.line.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    eventually("events of the other subject", || of("live/b") == ["/live/push", "/live/end"]);
    assert!(
        of("live/a").iter().all(|path| path == "/live/push"),
        "expected only /live/push, found {:?}",
        of("live/a")
    );
    is_up.store(true, Ordering::SeqCst);
    eventually("five events", || gate.counted("gatepost_queue_events", "state=\"delivered\"") == 5);
    assert!(of("live/a").ends_with(&["/live/push", "/live/end", "/live/push"].map(str::to_owned)));
}

#[test]
fn acknowledges_resend_without_a_second_event() {
    let app = App::answering(200, "");
    let gate = serve(&app, &app, FAST);
    let push = push_of("a");
    assert_eq!(gate.send(&push).status, 200);
    eventually("the event", || app.seen().len() == 1);
    assert_eq!(gate.send(&push).status, 200);
    assert_eq!(gate.counted("gatepost_callbacks_total", "origin=\"resend\""), 1);
    assert_eq!(gate.counted("gatepost_queue_events", "state"), 1);
}

#[test]
fn slow_store_causes_503_but_app_receives_the_event() {
    let app = App::answering(200, "");
    let gate = serve(&app, &app, FAST);
    let push = push_of("a");
    let lock = database(gate.folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(gate.send(&push).status, 503);
    let lines = gate.program.wait_for_line("store_unavailable");
    assert!(lines.contains("the store did not store the event in time"), "{lines}");
    lock.execute_batch("ROLLBACK").unwrap();
    eventually("the event", || app.seen().len() == 1);
    assert_eq!(gate.send(&push).status, 200);
    assert_eq!(gate.counted("gatepost_callbacks_total", "origin=\"resend\""), 1);
}

#[test]
fn gives_up_after_the_configured_time() {
    let app = App::answering(500, "");
    let gate = serve(&app, &app, "first_ms = 20, max_ms = 100, give_up_after_secs = 1");
    assert_eq!(gate.send(&push_of("a")).status, 200);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    let line = gate.program.wait_for_line("event_dead");
    assert!(line.contains("app_status: the app answered with an unexpected status: 500"), "{line}");
    let address = format!("\"app\":\"http://127.0.0.1:{}\"", app.port);
    assert!(line.contains(&address), "{line}");
    let line = gate.program.wait_for_line("delivery_failed");
    let lane = "\"lane\":\"prod-live/push\"";
    for field in [&*address, "\"number\":1", "\"attempt\":1", lane] {
        assert!(line.contains(field), "expected {field}, found {line}");
    }
    eventually("both dead letters", || {
        gate.counted("gatepost_queue_events", "state=\"dead\"") == 2
    });
}

#[test]
fn logs_and_counts_unclear_answer_to_a_queued_event() {
    let app = App::answering(200, "<title>Sign in</title>");
    let gate = serve(&app, &app, FAST);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    let line = gate.program.wait_for_line("answer_unclear");
    let text = "event 1 (prod-live/push), attempt 1: delivered after an unclear answer";
    for part in [text, "unclear_answer = \\\"refused\\\"", "\"lane\":\"prod-live/push\""] {
        assert!(line.contains(part), "expected {part}, found {line}");
    }
    eventually("the event", || gate.counted("gatepost_queue_events", "state=\"delivered\"") == 1);
    assert_eq!(gate.counted("gatepost_answers_unclear_total", "kind=\"push\""), 1);
}

#[test]
fn next_attempt_waits_for_retry_after_of_the_app() {
    const BUSY: &[u8] =
        b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let app = App::start(|seen| match seen.header("gatepost-delivery") {
        Some("1") => Act::Raw(BUSY.to_vec()),
        _ => Act::Answer(200, ""),
    });
    let gate = serve(&app, &app, "first_ms = 1, max_ms = 1");
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("the first attempt", || app.seen().len() == 1);
    let first = std::time::Instant::now();
    eventually("the second attempt", || app.seen().len() == 2);
    assert!(
        first.elapsed() > Duration::from_millis(700),
        "expected more than 700 ms, found {:?}",
        first.elapsed()
    );
}

#[test]
fn app_that_is_down_does_not_delay_events_of_another_app() {
    let (dead, app) = (App::down(), App::answering(200, ""));
    let gate = serve(&dead, &app, "first_ms = 1000");
    for number in 0..100 {
        assert_eq!(gate.send(&push_of(&format!("dead-{number}"))).status, 200);
    }
    assert_eq!(gate.send(&end_of("a")).status, 200);
    eventually("the event of the other app", || subjects(&app) == ["live/a"]);
    eventually("100 pending events", || {
        gate.counted("gatepost_queue_events", "state=\"pending\"") == 100
    });
}

#[test]
fn events_of_a_removed_template_become_dead_letters() {
    let app = App::answering(500, "");
    let gate = serve(&app, &app, FAST);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    let path = gate.folder.path().join("gatepost.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("name = 'prod-live'", "name = 'other'")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("reloaded the config");
    let line = gate.program.wait_for_line("event_dead");
    assert!(line.contains("expected the template `prod-live`, found none"), "{line}");
}

#[test]
fn attempt_uses_the_address_in_the_current_config() {
    let (old, new) = (App::answering(500, ""), App::answering(200, ""));
    let gate = serve(&old, &old, FAST);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("an attempt", || !old.seen().is_empty());
    let path = gate.folder.path().join("gatepost.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace(&old.url(""), &new.url(""))).unwrap();
    gate.program.signal("HUP");
    eventually("the event", || new.seen().len() == 1);
}

#[test]
fn stop_waits_for_the_attempt_in_flight() {
    let (release, released) = std::sync::mpsc::channel();
    let released = Arc::new(std::sync::Mutex::new(released));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&released)));
    let mut gate = Gatepost::serve(
        "",
        &(queued(&app, &app, FAST).replace("timeout_ms = 500", "timeout_ms = 20000") + STORE),
    );
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("the attempt", || app.seen().len() == 1);
    gate.program.signal("TERM");
    gate.program.wait_for_line("stopping");
    // After the signal, idle connections stay open for 500 ms. After these 500 ms, a program that
    // does not wait for the attempt ends. Neither a log line nor a socket shows that the
    // program still runs.
    thread::sleep(Duration::from_millis(700));
    release.send(()).unwrap();
    assert_eq!(gate.program.wait(), Some(0));
    let delivered = "SELECT count(*) FROM event WHERE state = 'delivered'";
    assert_eq!(database(gate.folder.path()).query_row(delivered, [], |row| row.get(0)), Ok(1));
}

#[test]
fn successor_delivers_the_events_of_its_predecessor() {
    let app = App::down();
    let top = "upgrade_socket = 'upgrade.sock'\nbreaker = { retry_ms = 100 }";
    let mut gate = Gatepost::serve(top, &(queued(&app, &app, FAST) + STORE));
    assert_eq!(gate.send(&push_of("a")).status, 200);
    let mut command = gatepost();
    command.args(["run", "--upgrade", "-c"]).arg(gate.folder.path().join("gatepost.toml"));
    let _successor = Program::start(command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY));
    assert_eq!(gate.program.wait(), Some(0));
    assert_eq!(gate.send(&push_of("b")).status, 200);
    let app = App::answering_on(app.port, 200, "");
    eventually("both events", || app.seen().len() == 2);
}

/// Kills gatepost, changes its store, and starts gatepost again. Checks that the program logs
/// `expected`, and exits with 1. Returns the program.
fn refuses_to_start(change: impl FnOnce(&Path), expected: &str) -> Program {
    let app = App::down();
    let mut gate = serve(&app, &app, FAST);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    gate.program.signal("KILL");
    gate.program.wait();
    change(gate.folder.path());
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(gate.folder.path().join("gatepost.toml"));
    let mut program = Program::start(command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY));
    program.wait_for_line(expected);
    assert_eq!(program.wait(), Some(1));
    program
}

#[test]
fn corrupt_store_prevents_the_start() {
    let change = |folder: &Path| {
        fs::remove_file(folder.join("gatepost.db-wal")).unwrap();
        fs::write(folder.join("gatepost.db"), "no database ".repeat(1000)).unwrap();
    };
    refuses_to_start(change, "expected a store of gatepost, found another database");
}

#[test]
fn damaged_write_ahead_log_prevents_the_start() {
    let change = |folder: &Path| {
        let path = folder.join("gatepost.db-wal");
        let mut log = fs::read(&path).unwrap();
        let middle = log.len() / 2;
        log[middle] ^= 1;
        fs::write(&path, log).unwrap();
    };
    let program =
        refuses_to_start(change, "gatepost.db-wal: expected an intact log, found a damaged");
    assert!(program.log().contains("before any other command, copy "), "{}", program.log());
}

#[test]
fn newer_schema_prevents_the_start() {
    let change = |folder: &Path| {
        database(folder).pragma_update(None, "user_version", 99).unwrap();
    };
    refuses_to_start(change, "found schema 99; run the newer gatepost that wrote it");
}

#[test]
fn damaged_event_does_not_reach_the_app_and_delays_no_other_event() {
    let app = App::down();
    let mut gate = serve(&app, &app, "first_ms = 1000");
    for stream in ["a", "b"] {
        assert_eq!(gate.send(&push_of(stream)).status, 200);
    }
    gate.program.signal("KILL");
    gate.program.wait();
    let change = "UPDATE payload SET body = x'00' WHERE number = 1";
    database(gate.folder.path()).execute(change, []).unwrap();
    let app = App::answering_on(app.port, 200, "");
    restart(&mut gate);
    let line = gate.program.wait_for_line("event_damaged");
    assert!(line.contains("\"ERROR\"") && line.contains("\"number\":1"), "{line}");
    eventually("the other event", || subjects(&app) == ["live/b"]);
    eventually("the dead letter", || gate.counted("gatepost_queue_events", "state=\"dead\"") == 1);
}

fn queue(gate: &Gatepost, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = gatepost();
    command.arg("queue").args(arguments).arg("-c").arg(gate.folder.path().join("gatepost.toml"));
    let output = command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn operator_lists_shows_replays_and_drops_events() {
    let app = App::start(|seen| match seen.header("gatepost-replay") {
        Some("1") => Act::Answer(200, ""),
        _ => Act::Answer(500, ""),
    });
    let gate = serve(&app, &app, "first_ms = 20, max_ms = 100, give_up_after_secs = 1");
    assert_eq!(gate.send(&push_of("a")).status, 200);
    gate.program.wait_for_line("event_dead");
    let (code, text) = queue(&gate, &["list", "--state", "dead"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("prod-live/push") && text.contains("app_status"), "{text}");
    let (_, text) = queue(&gate, &["show", "1"]);
    assert!(text.contains("\"stream_param\": \"***\"") && !text.contains("c0ffee"), "{text}");
    assert_eq!(queue(&gate, &["replay"]).0, Some(2));
    let (code, text) = queue(&gate, &["replay", "--state", "dead", "--format", "json"]);
    assert_eq!((code, text.as_str()), (Some(0), "{\"replayed\":1}\n"));
    eventually("the replay", || gate.counted("gatepost_queue_events", "state=\"delivered\"") == 1);
    let seen = app.seen();
    let (first, last) = (&seen[0], seen.last().unwrap());
    assert_eq!(first.header("ce-id"), last.header("ce-id"));
    assert_eq!(queue(&gate, &["drop", "2"]), (Some(0), "dropped 1 event\n".into()));
    assert_eq!(queue(&gate, &["show", "2"]).0, Some(2));
}

#[test]
fn api_lists_shows_replays_and_drops_events() {
    let app = App::start(|seen| match seen.header("gatepost-replay") {
        Some("1") => Act::Answer(200, ""),
        _ => Act::Answer(500, ""),
    });
    let retry = "first_ms = 20, max_ms = 100, give_up_after_secs = 1";
    let top = format!("{TOKEN_LINE}\nadmin_read_token = {{ env = 'TENCENT_KEY' }}");
    let gate = Gatepost::serve(&top, &(queued(&app, &app, retry) + STORE));
    assert_eq!(gate.send(&push_of("a")).status, 200);
    gate.program.wait_for_line("event_dead");
    let (status, page) = call(&gate, "GET", "/api/queue?state=dead&kind=push", &Value::Null);
    assert_eq!(
        (status, &page["last"], &page["store"]["dead"]["count"]),
        (200, &json!(1), &json!(1))
    );
    assert_eq!(page["events"][0]["subject"], "live/a");
    assert_eq!(call(&gate, "GET", "/api/queue?after=1", &Value::Null).1["events"], json!([]));
    let (_, event) = call(&gate, "GET", "/api/queue/1", &Value::Null);
    assert_eq!(event["body"]["stream_param"], "***");
    assert!(!event.to_string().contains("c0ffee"), "expected no `c0ffee`, found {event}");
    for (method, path, body, status, code) in [
        ("GET", "/api/queue/9", Value::Null, 404, "event_not_found"),
        ("GET", "/api/queue?state=lost", Value::Null, 400, "bad_request"),
        ("GET", "/api/queue?failing=maybe", Value::Null, 400, "bad_request"),
        ("GET", "/api/queue?other=1", Value::Null, 400, "bad_request"),
        ("POST", "/api/queue/drop", json!({}), 422, "invalid"),
        ("POST", "/api/queue/drop", json!({ "numbers": [] }), 422, "invalid"),
        ("POST", "/api/queue/drop", json!({ "state": "" }), 422, "invalid"),
        ("POST", "/api/queue/drop", json!({ "failing": false }), 422, "invalid"),
        ("POST", "/api/queue/drop", json!({ "failing": "true" }), 422, "invalid"),
        ("POST", "/api/queue/replay", json!({ "status": "dead" }), 422, "invalid"),
    ] {
        let (got, json) = call(&gate, method, path, &body);
        assert_eq!((got, json["error"]["code"].as_str()), (status, Some(code)), "{path} {body}");
    }
    let read = format!("authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n");
    assert_eq!(ask(&gate, "GET", "/api/queue", &read, "").status, 200);
    assert_eq!(ask(&gate, "POST", "/api/queue/drop", &read, "{\"state\":\"dead\"}").status, 403);
    let replayed = call(&gate, "POST", "/api/queue/replay", &json!({ "state": "dead" }));
    assert_eq!(replayed, (200, json!({ "replayed": 1 })));
    eventually("the replay", || gate.counted("gatepost_queue_events", "state=\"delivered\"") == 1);
    let dropped = call(&gate, "POST", "/api/queue/drop", &json!({ "numbers": [2] }));
    assert_eq!(dropped, (200, json!({ "dropped": 1 })));
}

#[test]
fn api_without_store_names_the_remedy() {
    let gate = Gatepost::serve(TOKEN_LINE, "");
    let (status, json) = call(&gate, "GET", "/api/queue", &Value::Null);
    assert_eq!((status, &json["error"]["code"]), (404, &json!("no_store")));
    assert!(json["error"]["message"].as_str().unwrap().contains("[store]"), "{json}");
}
