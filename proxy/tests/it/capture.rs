//! Tests of captured callbacks: over the API, and with the commands `capture`, `tap`, `replay` and
//! `explain`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::*;
use crate::template_api::{TOKEN_LINE, ask, call};

const READ_TOKEN: &str = "r3ad-only-t0ken";

fn serve(app: &App) -> Gatepost {
    let top = format!("{TOKEN_LINE}\nadmin_read_token = '{READ_TOKEN}'");
    Gatepost::serve(&top, &templates(app))
}

fn get(gate: &Gatepost, path: &str) -> Value {
    let (status, json) = call(gate, "GET", path, &Value::Null);
    assert_eq!(status, 200, "{path}: {json}");
    json
}

/// Sends requests, and waits until gatepost lists `count` captured callbacks.
fn captured(gate: &Gatepost, requests: &[Vec<u8>], count: usize) -> Vec<Value> {
    requests.iter().for_each(|request| drop(gate.send(request)));
    let rows = || get(gate, "/api/capture")["callbacks"].as_array().unwrap().clone();
    eventually("captured callbacks", || rows().len() == count);
    rows()
}

fn refused_push() -> Vec<u8> {
    post("/callbacks/tencent", &with_flipped_sign(&push()))
}

fn run(gate: &Gatepost, arguments: &[&str]) -> Output {
    let admin = format!("http://127.0.0.1:{}", gate.admin);
    let mut command = gatepost();
    command.args(arguments).args(["--admin", &admin]).env("GATEPOST_ADMIN_TOKEN", TOKEN);
    command.output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn shows_request_verdict_event_answer_and_reply() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let rows = captured(&gate, &[pushed(), refused_push()], 2);
    assert_eq!((&rows[0]["verdict"], &rows[1]["verdict"]), (&json!("accepted"), &json!("refused")));
    assert_eq!((&rows[0]["kind"], &rows[0]["code"]), (&json!("push"), &json!("app")));
    assert_eq!((&rows[1]["code"], &rows[1]["status"]), (&json!("signature_mismatch"), &json!(401)));
    assert_eq!(rows[0]["tenant"], "push.example.com");

    let view = get(&gate, "/api/capture/1");
    assert_eq!(view["request"]["line"], "POST /callbacks/tencent");
    // The definition declares the field `stream_param` as a secret.
    let saved = ask(
        &gate,
        "GET",
        "/api/capture/1/request",
        &format!("authorization: Bearer {TOKEN}\r\n"),
        "",
    );
    for message in [&view["request"]["body"], &view["event"]["body"], &json!(saved.text())] {
        let text = message.as_str().unwrap();
        assert!(text.contains("\"stream_param\":\"***\"") && !text.contains("txSecret"), "{text}");
    }
    assert!(view["request"]["body"].as_str().unwrap().contains("\"sign\":\"***\""));
    assert_eq!(view["event"]["line"], format!("POST {}", app.url("/live/push")));
    let seen = app.seen().pop().unwrap();
    let id = json!(["ce-id", seen.header("ce-id").unwrap()]);
    assert!(view["event"]["headers"].as_array().unwrap().contains(&id), "{view}");
    assert_eq!(
        (&view["answer"]["line"], &view["answer"]["body"]),
        (&json!("200 OK"), &json!("{}"))
    );
    assert_eq!(view["reply"]["body"], "{\"code\":0}");
    assert_eq!((&view["can_replay"], &view["is_masked"]), (&json!(true), &json!(true)));
    assert!(view["app_ms"].as_f64().unwrap() <= view["elapsed_ms"].as_f64().unwrap());

    let view = get(&gate, "/api/capture/2");
    let steps = view["steps"].to_string();
    assert!(steps.contains("none of 1 matches") && steps.contains("*** at /sign"), "{steps}");
    assert!(
        view["explanation"].as_str().unwrap().starts_with("refused with 401: signature_mismatch")
    );
    assert_eq!((&view["event"], &view["answer"]), (&Value::Null, &Value::Null));
    assert_eq!(call(&gate, "GET", "/api/capture/3", &Value::Null).0, 404);
}

#[test]
fn view_and_saved_request_show_no_secret() {
    let app = App::answering(200, "{\"allow\":true}");
    let gate =
        Gatepost::serve(&format!("{TOKEN_LINE}\n[inspector]\ncapture = 'full'"), &templates(&app));
    let leaking = post_with(
        &format!("/callbacks/kollus/{TOKEN}?key={KEY}"),
        &format!("authorization: Bearer {TOKEN}\r\ncookie: a=b\r\nx-note: {KEY}\r\n"),
        &format!("{PLAY}&note={KEY}"),
    );
    let guess = post(&format!("/callbacks/kollus/{TOKEN}x"), PLAY);
    captured(&gate, &[leaking, guess, pushed()], 3);
    for id in 1..=3 {
        let view = get(&gate, &format!("/api/capture/{id}")).to_string();
        let headers = format!("authorization: Bearer {TOKEN}\r\n");
        let saved = ask(&gate, "GET", &format!("/api/capture/{id}/request"), &headers, "").text();
        for text in [view, saved] {
            assert!(
                !text.contains(TOKEN) && !text.contains(KEY) && !text.contains("a=b"),
                "{text}"
            );
        }
    }
    let push = get(&gate, "/api/capture/3")["request"]["body"].to_string();
    assert!(!push.contains("sign\\\":\\\"***"), "expected the signature, found {push}");
    let found = |text: &str| get(&gate, &format!("/api/capture?text={text}"))["callbacks"].clone();
    assert_eq!(found(KEY), json!([]), "callbacks that match a secret");
    assert_eq!(found("USER01").as_array().unwrap().len(), 1);
}

#[test]
fn api_filters_callbacks_and_returns_them_in_pages() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), refused_push(), pushed(), play()], 4);
    let ids = |query: &str| -> Vec<u64> {
        let page = get(&gate, &format!("/api/capture?{query}"));
        page["callbacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(ids("verdict=refused"), [2]);
    assert_eq!(ids("provider=tencent-css&verdict=accepted"), [1, 3]);
    assert_eq!(ids("kind=live_play"), [4]);
    assert_eq!(ids("template=%E4%BB%98%E8%B4%B9-1"), [4]);
    assert_eq!(ids("code=signature_mismatch"), [2]);
    assert_eq!(ids("tenant=push.example.com&text=APPNAME"), [1, 2, 3]);
    assert!(ids("text=txSecret").is_empty(), "expected no match in a secret, found one");
    assert_eq!(ids("limit=2"), [3, 4]);
    assert_eq!(ids("after=1&limit=2"), [2, 3]);
    assert_eq!(get(&gate, "/api/capture?after=1&limit=2")["last"], 3);
    assert_eq!(get(&gate, "/api/capture?after=1&verdict=refused")["last"], 4);
    assert_eq!(ids("after=999"), [1, 2, 3, 4], "callbacks after an unknown id");
    for query in ["after=x", "colour=red", "verdict=maybe", "wait=-1"] {
        let (status, error) = call(&gate, "GET", &format!("/api/capture?{query}"), &Value::Null);
        assert_eq!((status, &error["error"]["code"]), (400, &json!("bad_request")), "{query}");
    }
}

#[test]
fn api_waits_for_next_callback_that_matches_the_filter() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed()], 1);
    let mut waiting = Client::new(connect(gate.admin));
    let head = format!("host: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    let target = "/api/capture?after=1&wait=20&verdict=refused";
    waiting.write(format!("GET {target} HTTP/1.1\r\n{head}").as_bytes());
    gate.send(&pushed());
    gate.send(&refused_push());
    let page: Value = serde_json::from_slice(&waiting.read().body).unwrap();
    assert_eq!((&page["callbacks"][0]["id"], &page["last"]), (&json!(3), &json!(3)));
    assert_eq!(get(&gate, "/api/capture?after=3&wait=0")["callbacks"], json!([]));
}

#[test]
fn read_token_permits_no_change() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed()], 1);
    let headers =
        format!("authorization: Bearer {READ_TOKEN}\r\ncontent-type: application/json\r\n");
    for path in ["/api/capture", "/api/capture/1", "/api/capture/1/request", "/api/templates"] {
        assert_eq!(ask(&gate, "GET", path, &headers, "").status, 200, "{path}");
    }
    for (method, path) in [
        ("POST", "/api/capture/1/replay"),
        ("POST", "/api/templates"),
        ("DELETE", "/api/templates/prod-live"),
    ] {
        let response = ask(&gate, method, path, &headers, "{}");
        assert!(
            response.status == 403 && response.text().contains("read_only"),
            "{path}: expected 403 with `read_only`, found {response:?}"
        );
    }
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn api_lists_no_callbacks_without_admin_token_or_with_capture_none() {
    let app = App::answering(200, "{}");
    for top in ["", "[inspector]\ncapture = 'none'"] {
        let gate = Gatepost::serve(top, &templates(&app));
        gate.send(&pushed());
        if !top.is_empty() {
            assert_eq!(call(&gate, "GET", "/api/capture", &Value::Null).0, 404);
        }
    }
    let top = format!("{TOKEN_LINE}\n[inspector]\ncapture = 'none'");
    let gate = Gatepost::serve(&top, &templates(&app));
    gate.send(&pushed());
    let page = get(&gate, "/api/capture");
    assert_eq!((&page["callbacks"], &page["capture"]), (&json!([]), &json!("none")));
}

#[test]
fn captures_chunked_request_and_start_of_long_body() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let body = push();
    let chunked = format!(
        "POST /callbacks/tencent HTTP/1.1\r\nhost: gate.test\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let long = push().replacen('{', &format!("{{\"x\":\"{}\",", "y".repeat(200_000)), 1);
    captured(&gate, &[chunked.into_bytes(), post("/callbacks/tencent", &long)], 2);
    let view = get(&gate, "/api/capture/1");
    assert_eq!(view["request"]["body_bytes"], body.len());
    assert_eq!(view["steps"][0]["name"], "route");
    let view = get(&gate, "/api/capture/2");
    assert_eq!((&view["verdict"], &view["kind"]), (&json!("accepted"), &json!("push")));
    assert_eq!((&view["request"]["is_cut"], &view["can_replay"]), (&json!(true), &json!(false)));
    assert_eq!(view["request"]["body_bytes"], long.len());
    let (status, error) = call(&gate, "POST", "/api/capture/2/replay", &json!({}));
    assert_eq!((status, &error["error"]["code"]), (409, &json!("not_replayable")));
}

#[test]
fn edited_replay_keeps_the_values_that_the_view_hides() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), refused_push()], 2);
    let (_, view) = call(&gate, "GET", "/api/capture/1", &json!(null));
    let shown = view["event"]["body"].as_str().unwrap();
    assert!(shown.contains("\"stream_param\":\"***\""), "{shown}");
    let body = shown.replacen("\"appid\":1", "\"appid\":7", 1);
    let (status, _) = call(&gate, "POST", "/api/capture/1/replay", &json!({ "body": body }));
    assert_eq!(status, 200);
    let seen = app.seen();
    let parse = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    let mut expected = parse(&seen[0].body);
    expected["appid"] = json!(7);
    assert_eq!(parse(&seen[1].body), expected);
}

#[test]
fn replay_sends_event_unchanged_or_edited() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), refused_push()], 2);
    let (status, result) = call(&gate, "POST", "/api/capture/1/replay", &json!({}));
    assert_eq!((status, &result["code"]), (200, &json!("app")), "{result}");
    let (status, _) = call(&gate, "POST", "/api/capture/1/replay", &json!({ "body": "{\"a\":1}" }));
    assert_eq!(status, 200);
    let seen = app.seen();
    let [first, again, edited] = &*seen else { panic!("expected three events, found {seen:?}") };
    assert_eq!(
        (first.header("gatepost-replay"), again.header("gatepost-replay")),
        (None, Some("1"))
    );
    assert_eq!(first.body, again.body);
    for name in ["ce-id", "ce-type", "ce-source", "ce-time", "gatepost-template"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
        assert_eq!(first.header(name), edited.header(name), "{name}");
    }
    assert_eq!((&edited.body[..], edited.header("content-length")), (&b"{\"a\":1}"[..], Some("7")));
    let (status, error) = call(&gate, "POST", "/api/capture/2/replay", &json!({}));
    assert_eq!((status, &error["error"]["code"]), (409, &json!("not_replayable")));
    for body in [json!({ "body": 1 }), json!({ "x": "y" }), json!([])] {
        assert_eq!(call(&gate, "POST", "/api/capture/1/replay", &body).0, 422, "{body}");
    }
    assert_eq!(app.seen().len(), 3, "events after the refused replays");
    assert_eq!(captured(&gate, &[], 2).len(), 2, "captured callbacks after the replays");
}

#[test]
fn commands_list_and_show_callbacks_and_replay_events() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), refused_push()], 2);
    let list = printed(&run(&gate, &["capture", "list"]));
    assert_eq!(list.lines().count(), 3);
    assert!(list.starts_with("ID  TIME "), "{list}");
    assert!(list.contains("refused (signature_mismatch)"), "{list}");
    let refused =
        printed(&run(&gate, &["capture", "list", "--verdict", "refused", "--format", "json"]));
    let row: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!(row["id"], 2);
    let shown = printed(&run(&gate, &["capture", "show", "2"]));
    assert!(shown.contains("key        none of 1 matches"), "{shown}");
    assert!(shown.contains("--- reply to the platform\n401 Unauthorized"), "{shown}");
    let sent = printed(&run(&gate, &["replay", "1"]));
    assert!(sent.starts_with("sent the event ") && sent.contains("--- answer of the app\n200 OK"));
    let file = gate.folder.path().join("event.json");
    std::fs::write(&file, "{}").unwrap();
    printed(&run(&gate, &["replay", "1", "--edit", file.to_str().unwrap()]));
    assert_eq!(app.seen().last().unwrap().body, b"{}");
    let failed = run(&gate, &["capture", "show", "99"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&failed.stderr).contains("callback with this number, found none")
    );
}

#[test]
fn commands_name_remedy_for_wrong_token_or_address() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let mut command = gatepost();
    let admin = format!("http://127.0.0.1:{}", gate.admin);
    command.args(["capture", "list", "--admin", &admin]).env_remove("GATEPOST_ADMIN_TOKEN");
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && error.contains("--token-file"),
        "expected exit status 2 and `--token-file`, found {}: {error}",
        output.status
    );
    let output = command.env("GATEPOST_ADMIN_TOKEN", "wrong-t0ken").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let remedy = "check GATEPOST_ADMIN_TOKEN, --token-env or --token-file";
    assert!(error.contains(remedy) && !error.contains("wrong-t0ken"), "{error}");
    let token = gate.folder.path().join("token");
    std::fs::write(&token, format!("{READ_TOKEN}\n")).unwrap();
    let file = token.to_str().unwrap();
    let mut command = gatepost();
    let listed = command.args(["capture", "list", "--admin", &admin, "--token-file", file]);
    printed(&listed.output().unwrap());
    let port = free_port();
    let unreachable = ["capture", "list", "--admin", &format!("http://127.0.0.1:{port}")];
    let output = gatepost().args(unreachable).env("GATEPOST_ADMIN_TOKEN", TOKEN).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("Connection refused") && error.contains("--admin"), "{error}");
}

fn explain(gate: &Gatepost, file: &Path) -> (Option<i32>, String) {
    let mut command = gatepost();
    let config = gate.folder.path().join("gatepost.toml");
    command.args(["explain", "-c"]).arg(config).arg(file);
    let output = command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn explain_reads_saved_request() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), refused_push()], 2);
    let file = gate.folder.path().join("saved.http");
    let save = |id: &str| {
        printed(&run(&gate, &["capture", "save", id, "--out", file.to_str().unwrap()]));
        explain(&gate, &file)
    };
    let (code, text) = save("1");
    assert!(code == Some(0) && text.contains("key        number 1 of 1 matches"), "{text}");
    assert!(text.contains("verdict    accepted: app"), "{text}");
    let (code, text) = save("2");
    assert!(code == Some(1) && text.contains("key        none of 1 matches"), "{text}");
    assert!(text.contains("a part of the request is masked"), "{text}");
}

#[test]
fn explain_judges_unmasked_saved_request_at_time_of_its_arrival() {
    let app = App::answering(200, "{}");
    let top = format!("{TOKEN_LINE}\n[inspector]\ncapture = 'full'");
    let gate = Gatepost::serve(&top, &templates(&app));
    captured(&gate, &[post("/callbacks/tencent", &push().replace("txSecret=c0ffee", ""))], 1);
    let file = gate.folder.path().join("saved.http");
    printed(&run(&gate, &["capture", "save", "1", "--out", file.to_str().unwrap()]));
    let (code, text) = explain(&gate, &file);
    assert!(code == Some(0) && text.contains("accepted as com.tencentcloud.css.push"), "{text}");
    assert!(!text.contains("masked"), "expected no `masked`, found {text}");
}

#[test]
fn saves_whole_callback_as_vector() {
    let app = App::answering(200, "{}");
    let top =
        format!("{TOKEN_LINE}\nadmin_read_token = '{READ_TOKEN}'\n[inspector]\ncapture = 'full'");
    let gate = Gatepost::serve(&top, &templates(&app));
    let refused = refused_push();
    captured(&gate, &[post("/callbacks/tencent", &push()), refused.clone()], 2);
    let folder = gate.folder.path().join("vectors");
    let save = |id: &str| {
        let folder = folder.join(id);
        printed(&run(&gate, &["capture", "save", id, "--vector", folder.to_str().unwrap()]));
        let read = |name: &str| std::fs::read_to_string(folder.join(name));
        (read("case.toml").unwrap(), read("body").unwrap(), read("event.json").ok())
    };
    let (case, body, event) = save("1");
    assert!(case.contains("verdict = \"accepted\"\n") && case.contains("[app]\nstatus = 200\n"));
    assert!(case.contains("[reply]\nstatus = 200\nbody   = \"{\\\"code\\\":0}\"\n"), "{case}");
    let event: Value = serde_json::from_str(&event.unwrap()).unwrap();
    assert_eq!(event["type"], "com.tencentcloud.css.push");
    let (sent, data): (Value, _) = (serde_json::from_str(&body).unwrap(), &event["data"]);
    assert_eq!((&data["sequence"], &data["app"]), (&sent["sequence"], &sent["app"]));
    let (case, body, event) = save("2");
    assert!(case.contains("verdict = \"signature_mismatch\"\n"), "{case}");
    assert!(case.contains("path   = \"/callbacks/tencent\"\n"), "{case}");
    assert!(event.is_none() && refused.ends_with(body.as_bytes()));
}

#[test]
fn refuses_to_save_masked_callback_as_vector() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed()], 1);
    let folder = gate.folder.path().join("vector");
    let output = run(&gate, &["capture", "save", "1", "--vector", folder.to_str().unwrap()]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.contains("capture = \"full\""), "{text}");
    assert!(!folder.exists());
}

#[test]
fn tap_prints_callbacks_as_they_arrive() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed()], 1);
    let admin = format!("http://127.0.0.1:{}", gate.admin);
    let mut command = gatepost();
    command.args(["tap", "--format", "json", "--admin", &admin]);
    command.env("GATEPOST_ADMIN_TOKEN", READ_TOKEN).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["id"], 1);
    gate.send(&refused_push());
    assert_eq!(next()["code"], "signature_mismatch");
    gate.send(&pushed());
    assert_eq!(next()["id"], 3);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Config folder and port of a gatepost whose admin listener is a Unix socket.
struct OnSocket {
    folder: tempfile::TempDir,
    port: u16,
}

impl OnSocket {
    fn new(app: &App) -> Self {
        let (folder, port) = (tempfile::TempDir::new().unwrap(), free_port());
        let config = format!(
            "listen = '127.0.0.1:{port}'\nadmin = 'unix:admin.sock'\nthreads = 1\n{TOKEN_LINE}\n\
             [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
             [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
             bind = '*'\non.push = '{}'\n",
            app.url("/push")
        );
        std::fs::write(folder.path().join("gatepost.toml"), config).unwrap();
        Self { folder, port }
    }

    fn start(&self) -> Program {
        let mut command = gatepost();
        command.args(["run", "-c"]).arg(self.folder.path().join("gatepost.toml"));
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        let program = Program::start(&mut command);
        program.wait_for_line("listening for the operator");
        program
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let admin = format!("unix:{}", self.folder.path().join("admin.sock").display());
        let mut command = gatepost();
        command.args(arguments).args(["--admin", &admin]).env("GATEPOST_ADMIN_TOKEN", TOKEN);
        command
    }

    fn send(&self, request: &[u8]) -> u16 {
        Client::new(connect(self.port)).send(request).status
    }
}

#[test]
fn commands_use_unix_socket() {
    let app = App::answering(200, "{}");
    let socket = OnSocket::new(&app);
    let _program = socket.start();
    assert_eq!(socket.send(&pushed()), 200);
    let list = socket.command(&["capture", "list"]).output().unwrap();
    assert!(printed(&list).contains("accepted (app)"));
}

#[test]
fn tap_on_socket_filters_and_continues_after_restart() {
    let app = App::answering(200, "{}");
    let socket = OnSocket::new(&app);
    let program = socket.start();
    let mut tap = socket.command(&["tap", "--format", "json", "--code", "signature_mismatch"]);
    let mut child = tap.stderr(Stdio::piped()).spawn().unwrap();
    let lines = |output: &mut dyn std::io::Read| {
        let mut line = String::new();
        let mut byte = [0];
        while output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0].into());
        }
        line
    };
    let mut out = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let mut next = || -> Value { serde_json::from_str(&lines(&mut out)).unwrap() };
    assert_eq!((socket.send(&pushed()), socket.send(&refused_push())), (200, 401));
    assert_eq!(next()["id"], 2);
    drop(program);
    let lost = lines(&mut errors);
    assert!(lost.contains("trying again every second"), "{lost}");
    let _program = socket.start();
    assert_eq!(socket.send(&refused_push()), 401);
    let first = next();
    assert_eq!((&first["id"], &first["code"]), (&json!(1), &json!("signature_mismatch")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn list_has_at_most_200_rows() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let mut client = gate.connect();
    for _ in 0..201 {
        assert_eq!(client.send(&post("/callbacks/tencent", "{}")).status, 401);
    }
    let page = || get(&gate, "/api/capture?after=0&limit=100000");
    eventually("all callbacks", || get(&gate, "/api/capture?limit=1")["last"] == 201);
    let page = page();
    assert_eq!((page["callbacks"].as_array().unwrap().len(), &page["last"]), (200, &json!(200)));
    let one = get(&gate, "/api/capture?after=0&limit=0");
    assert!(one["callbacks"].as_array().unwrap().len() <= 1, "{one}");
}

#[test]
fn reload_changes_the_number_of_kept_callbacks() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    captured(&gate, &[pushed(), pushed(), pushed()], 3);
    let path = gate.folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[inspector]\nkeep = 1\n")).unwrap();
    gate.program.signal("HUP");
    let rows = || get(&gate, "/api/capture")["callbacks"].as_array().unwrap().len();
    eventually("one callback", || rows() == 1);
}
