//! Tests of reloads: included files, the key `watch`, and reports in `/readyz`, log and metrics.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::support::*;
use crate::template_api::{TOKEN_LINE, call};

const TOP: &str = "include = ['templates/*.toml']\n";
const WATCH: &str = "watch = true\n";
const RELOADED: &str = "reloaded the config";
const KEPT: &str = "kept the earlier config";

fn template(name: &str, tenant: &str) -> String {
    format!(
        "# of {name}\n[[template]]\nname = '{name}' # console\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['{tenant}']\non.push = {{ answer = {{}} }}\n"
    )
}

/// Serves a config that has one template, and includes the files of the folder `templates/`, which
/// does not exist yet.
fn serve(top: &str) -> Gatepost {
    Gatepost::serve(&format!("{TOP}{top}{TOKEN_LINE}"), &template("main", "main.example.com"))
}

fn path(gate: &Gatepost, name: &str) -> PathBuf {
    gate.folder.path().join(name)
}

fn read(gate: &Gatepost, name: &str) -> String {
    fs::read_to_string(path(gate, name)).unwrap()
}

/// Writes a file as editors do: a new file replaces the old one.
fn save(gate: &Gatepost, name: &str, text: &str) {
    let target = path(gate, name);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    let new = path(gate, ".new");
    fs::write(&new, text).unwrap();
    fs::rename(new, target).unwrap();
}

/// Writes a file, and sends `SIGHUP`. Waits until gatepost has reloaded the config `reloads` times
/// since its start.
fn include(gate: &Gatepost, name: &str, text: &str, reloads: usize) {
    save(gate, name, text);
    gate.program.signal("HUP");
    gate.program.wait_for_lines(RELOADED, reloads);
}

/// Returns the status of the reply to a genuine push of `tenant`.
fn push_status(gate: &Gatepost, tenant: &str) -> u16 {
    gate.send(&post("/callbacks/tencent", &push().replace("push.example.com", tenant))).status
}

fn readyz(gate: &Gatepost) -> Value {
    let request = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let reply = Client::new(connect(gate.admin)).send(request);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

fn count(gate: &Gatepost, text: &str) -> usize {
    gate.program.log().matches(text).count()
}

#[test]
fn edits_template_in_the_file_that_contains_the_template() {
    let gate = serve("");
    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 1);
    let main = read(&gate, "gatepost.toml");
    assert_eq!(push_status(&gate, "a.example.com"), 200);

    let bind = "/api/templates/a/tenants/b.example.com";
    assert_eq!(call(&gate, "PUT", bind, &Value::Null).0, 200);
    assert_eq!(push_status(&gate, "b.example.com"), 200);
    let expected = template("a", "a.example.com").replace("']\n", "', \"b.example.com\"]\n");
    assert_eq!(read(&gate, "templates/a.toml"), expected);
    assert_eq!(read(&gate, "gatepost.toml"), main);

    let names = |gate: &Gatepost| {
        let (_, list) = call(gate, "GET", "/api/templates", &Value::Null);
        let list = list["templates"].as_array().unwrap().clone();
        list.iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&gate), ["main", "a"]);
    let new = json!({ "name": "new", "provider": "tencent-css", "keys": [{ "env": "TENCENT_KEY" }],
                      "on": { "*": { "answer": {} } } });
    assert_eq!(call(&gate, "POST", "/api/templates", &new).0, 201);
    assert!(
        read(&gate, "gatepost.toml").contains("name = \"new\""),
        "expected the template in the main file, found none"
    );
    assert_eq!(names(&gate), ["main", "new", "a"]);

    // Template names and tenants must be unique across all files.
    let taken = json!({ "name": "a", "provider": "tencent-css", "on": { "*": { "answer": {} } } });
    let (status, error) = call(&gate, "POST", "/api/templates", &taken);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("name_taken")));
    let bind = "/api/templates/new/tenants/a.example.com";
    let (status, error) = call(&gate, "PUT", bind, &Value::Null);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("tenant_taken")));
}

#[test]
fn refuses_edit_if_an_included_file_has_changed() {
    let gate = serve("");
    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 1);
    let by_hand = format!("# by hand\n{}", template("a", "a.example.com"));
    save(&gate, "templates/a.toml", &by_hand);
    let bind = "/api/templates/a/tenants/b.example.com";
    let (status, error) = call(&gate, "PUT", bind, &Value::Null);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("file_changed")));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("templates/a.toml: expected an unchanged file"), "{message}");
    assert!(message.contains("templates/a.toml.rejected-"), "{message}");
    assert_eq!(read(&gate, "templates/a.toml"), by_hand);

    // gatepost also refuses an edit of another file, because the reload after the edit loads the
    // changed file too.
    let bind = "/api/templates/main/tenants/b.example.com";
    let (status, error) = call(&gate, "PUT", bind, &Value::Null);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("file_changed")));
    save(&gate, "templates/b.toml", &template("b", "b.example.com"));
    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 2);
    assert_eq!(call(&gate, "PUT", "/api/templates/b/tenants/c.example.com", &Value::Null).0, 200);
    assert_eq!(push_status(&gate, "c.example.com"), 200);
}

#[test]
fn renames_template_only_if_no_other_file_names_the_template() {
    let gate = serve("");
    let route = "[[route]]\npath = '/pinned'\nprovider = 'tencent-css'\ntemplate = 'a'\n";
    let text = format!("{}{route}", template("a", "a.example.com"));
    include(&gate, "templates/a.toml", &text, 1);
    let rename = json!({ "name": "b" });
    assert_eq!(call(&gate, "PATCH", "/api/templates/a", &rename).0, 200);
    assert!(read(&gate, "templates/a.toml").contains("template = \"b\""));
    include(
        &gate,
        "templates/route.toml",
        &route.replace("pinned", "other").replace("'a'", "'b'"),
        2,
    );
    let (status, error) = call(&gate, "PATCH", "/api/templates/b", &json!({ "name": "c" }));
    assert_eq!((status, &error["error"]["code"]), (409, &json!("template_in_use")), "{error}");
    let (status, error) = call(&gate, "DELETE", "/api/templates/b", &Value::Null);
    assert_eq!((status, &error["error"]["code"]), (409, &json!("template_in_use")), "{error}");
}

#[test]
fn key_file_in_an_edit_is_relative_to_the_included_file() {
    let gate = serve("");
    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 1);
    fs::write(path(&gate, "templates/a.key"), KEY).unwrap();
    let keys = json!({ "keys": [{ "file": "a.key" }] });
    assert_eq!(call(&gate, "PATCH", "/api/templates/a", &keys).0, 200);
    assert_eq!(push_status(&gate, "a.example.com"), 200);
    let outside = json!({ "keys": [{ "file": "/etc/hostname" }] });
    assert_eq!(call(&gate, "PATCH", "/api/templates/a", &outside).0, 422);
}

#[test]
fn command_line_edits_included_file() {
    let gate = serve("");
    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 1);
    let run = |arguments: &[&str]| {
        let mut command = gatepost();
        command.args(arguments).arg("-c").arg(path(&gate, "gatepost.toml"));
        let output = command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        (output.status.success(), out + &err)
    };
    let (done, output) = run(&["template", "bind", "a", "b.example.com"]);
    assert!(done && output.contains("templates/a.toml; send"), "{output}");
    assert!(read(&gate, "templates/a.toml").contains("b.example.com"));
    let (done, output) = run(&["template", "show", "a"]);
    assert!(done && output.contains("b.example.com"), "{output}");
    let (done, output) = run(&["check"]);
    assert!(done && output.contains("\nread: "), "{output}");
    let file = path(&gate, "templates/a.toml");
    assert!(output.contains(&format!("read: {}\n", file.display())), "{output}");
    let fingerprint = output.lines().find_map(|line| line.strip_prefix("fingerprint: ")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_lines(RELOADED, 2);
    assert_eq!(readyz(&gate)["config"]["fingerprint"], fingerprint);
}

#[test]
fn readiness_and_metrics_describe_the_served_config() {
    let gate = serve("");
    let first = readyz(&gate);
    assert_eq!(first["status"], "ready");
    let config = &first["config"];
    assert_eq!((&config["generation"], &config["last_reload"]), (&json!(1), &Value::Null));
    let loaded_at = config["loaded_at"].as_str().unwrap();
    assert!(loaded_at.starts_with("20") && loaded_at.ends_with('Z'), "{loaded_at}");
    let metrics = gate.metrics();
    for line in [
        "gatepost_config_reloads_total{result=\"failure\"} 0\n",
        "gatepost_config_reloads_total{result=\"success\"} 0\n",
        "gatepost_config_generation 1\n",
        &format!("gatepost_config_info{{fingerprint={}}} 1\n", config["fingerprint"]),
    ] {
        assert!(metrics.contains(line), "expected {line}, found {metrics}");
    }
    let stamp = "gatepost_config_last_reload_success_timestamp_seconds ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(stamp)).unwrap();
    assert!(
        value.parse::<u64>().unwrap().abs_diff(now()) < 60,
        "expected the present time, found {value}"
    );

    include(&gate, "templates/a.toml", &template("a", "a.example.com"), 1);
    let second = readyz(&gate);
    assert_eq!(second["config"]["generation"], 2);
    assert_eq!(second["config"]["last_reload"], "success");
    assert_ne!(second["config"]["fingerprint"], config["fingerprint"]);

    save(&gate, "templates/a.toml", "colour = 1");
    gate.program.signal("HUP");
    let line = gate.program.wait_for_line(KEPT);
    assert!(line.contains("\"code\":\"key_unknown\""), "{line}");
    assert!(line.contains("templates/a.toml:1:1: colour") && line.contains("SIGHUP"), "{line}");
    let third = readyz(&gate);
    assert_eq!(third["config"]["fingerprint"], second["config"]["fingerprint"]);
    assert_eq!(third["config"]["last_reload"], "failure");
    let metrics = gate.metrics();
    assert!(metrics.contains("gatepost_config_reloads_total{result=\"failure\"} 1\n"), "{metrics}");
    assert!(metrics.contains("gatepost_config_generation 2\n"), "{metrics}");
    assert!(
        !metrics.contains(config["fingerprint"].as_str().unwrap()),
        "expected no series of the old config, found one"
    );
}

#[test]
fn keeps_the_config_if_an_include_is_missing_or_circular() {
    let gate = serve("");
    let main = read(&gate, "gatepost.toml");
    save(&gate, "templates/back.toml", "include = ['../gatepost.toml']\n");
    let own = "expected a file other than the config file, found the config file";
    let faults = [
        ("'templates/none.toml'", "expected a readable file"),
        ("'gatepost.toml'", own),
        ("'templates/*.toml'", "expected no `include` in an included file, found one"),
    ];
    for (number, (include, found)) in faults.into_iter().enumerate() {
        save(&gate, "gatepost.toml", &main.replace("'templates/*.toml'", include));
        gate.program.signal("HUP");
        let lines = gate.program.wait_for_lines(KEPT, number + 1);
        assert!(lines.contains(found), "expected {found}, found {lines}");
        assert_eq!(push_status(&gate, "main.example.com"), 200, "{found}");
        assert_eq!(readyz(&gate)["config"]["last_reload"], "failure");
    }
    fs::remove_file(path(&gate, "templates/back.toml")).unwrap();
    save(&gate, "gatepost.toml", &main);
    gate.program.signal("HUP");
    gate.program.wait_for_line(RELOADED);
    assert_eq!(push_status(&gate, "main.example.com"), 200);
}

#[test]
fn watch_loads_changes_of_every_file_and_reports_a_fault_once() {
    let keyed = template("keyed", "keyed.example.com").replace("env = 'TENCENT_KEY'", "file = 'k'");
    let gate = serve(WATCH);
    save(&gate, "templates/k", "another-key-of-tencent");
    save(&gate, "templates/keyed.toml", &keyed);
    let line = gate.program.wait_for_lines(RELOADED, 1);
    assert!(line.contains("change of") && line.contains("templates/keyed.toml"), "{line}");
    assert_eq!(push_status(&gate, "keyed.example.com"), 401);

    // A change of a file that contains a secret also causes a reload.
    save(&gate, "templates/k", KEY);
    let line = gate.program.wait_for_lines(RELOADED, 2);
    assert!(line.contains("templates/k"), "expected `templates/k`, found {line}");
    assert_eq!(push_status(&gate, "keyed.example.com"), 200);

    // gatepost retries the reload, but reports each fault only once.
    let main = read(&gate, "gatepost.toml");
    save(&gate, "gatepost.toml", &format!("colour = 1\n{main}"));
    gate.program.wait_for_line(KEPT);
    assert_eq!(push_status(&gate, "keyed.example.com"), 200);
    save(&gate, "gatepost.toml", &format!("size = 1\n{main}"));
    gate.program.wait_for_lines(KEPT, 2);
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(count(&gate, KEPT), 2, "{}", gate.program.log());

    // gatepost already serves the config with this text, so no reload is necessary.
    save(&gate, "gatepost.toml", &main);
    gate.program.wait_for_line("equal the served config again");
    save(&gate, "gatepost.toml", &format!("{main}\n{}", template("more", "more.example.com")));
    gate.program.wait_for_lines(RELOADED, 3);
    assert_eq!(push_status(&gate, "more.example.com"), 200);
}

#[test]
fn watch_ignores_edits_over_the_api_and_touched_files() {
    let gate = serve(WATCH);
    let file = fs::File::options().write(true).open(path(&gate, "gatepost.toml")).unwrap();
    file.set_modified(SystemTime::now()).unwrap();
    for tenant in ["a", "b", "c"] {
        let path = format!("/api/templates/main/tenants/{tenant}.example.com");
        assert_eq!(call(&gate, "PUT", &path, &Value::Null).0, 200);
        std::thread::sleep(std::time::Duration::from_millis(1500));
    }
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(count(&gate, RELOADED), 0, "{}", gate.program.log());
    assert_eq!(readyz(&gate)["config"]["generation"], 4);
    // Without `watch`, a changed file causes no reload.
    let main = read(&gate, "gatepost.toml");
    save(&gate, "gatepost.toml", &main.replace(WATCH, ""));
    gate.program.wait_for_lines(RELOADED, 1);
    save(&gate, "gatepost.toml", &main);
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(count(&gate, RELOADED), 1, "{}", gate.program.log());
}

#[test]
fn watch_waits_for_the_end_of_a_write() {
    let gate = serve(WATCH);
    let parts = template("slow", "slow.example.com");
    let target = path(&gate, "templates/slow.toml");
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    // Some of the texts are valid TOML, so only a pause shows that the file is complete.
    let started = std::time::Instant::now();
    let mut lines = 0;
    while started.elapsed().as_secs() < 5 {
        lines += 1;
        fs::write(&target, format!("{}# {lines}\n", &parts[..parts.len() / 2 * (lines % 2)]))
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    fs::write(&target, &parts).unwrap();
    gate.program.wait_for_lines(RELOADED, 1);
    assert_eq!(push_status(&gate, "slow.example.com"), 200);
    assert_eq!((count(&gate, RELOADED), count(&gate, KEPT)), (1, 0), "{}", gate.program.log());
}

#[test]
fn reloads_under_load_lose_no_push() {
    const RELOADS: usize = 100;
    let gate = Gatepost::serve(TOP, &template("main", "push.example.com"));
    let over = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::Relaxed;
    let sent: usize = std::thread::scope(|scope| {
        let (port, over) = (gate.port, &over);
        let push_all = move || {
            let mut client = Client::new(connect(port));
            let mut sent = 0;
            while !over.load(order) {
                let status = client.send(&pushed()).status;
                if status != 200 {
                    over.store(true, order);
                }
                assert_eq!(status, 200);
                sent += 1;
            }
            sent
        };
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(push_all)).collect();
        for reload in 1..=RELOADS {
            let name = format!("t{}", reload % 7);
            let tenant = format!("{reload}.example.com");
            include(&gate, &format!("templates/{name}.toml"), &template(&name, &tenant), reload);
        }
        over.store(true, order);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(sent > RELOADS, "expected more than {RELOADS} pushes, found {sent}");
    let generation = RELOADS + 1;
    assert_eq!(readyz(&gate)["config"]["generation"], generation);
    let metrics = gate.metrics();
    let success = format!("gatepost_config_reloads_total{{result=\"success\"}} {RELOADS}\n");
    assert!(metrics.contains(&success), "expected {success}, found:\n{metrics}");
}

#[test]
fn fault_in_the_main_file_names_the_file() {
    let gate = serve("");
    let good = read(&gate, "gatepost.toml");
    save(&gate, "gatepost.toml", &format!("colour = 1\n{good}"));
    gate.program.signal("HUP");
    let line = gate.program.wait_for_line(KEPT);
    let expected = format!("{}:1:1: colour", path(&gate, "gatepost.toml").display());
    assert!(line.contains(&expected), "expected {expected}, found {line}");
    assert_eq!(readyz(&gate)["config"]["last_reload"], "failure");

    save(&gate, "gatepost.toml", &good);
    gate.program.signal("HUP");
    gate.program.wait_for_line(RELOADED);
    assert_eq!(readyz(&gate)["config"]["last_reload"], "success");
}

#[test]
fn correction_of_a_watched_file_ends_the_failure() {
    let gate = serve(WATCH);
    let good = read(&gate, "gatepost.toml");
    save(&gate, "gatepost.toml", &format!("colour = 1\n{good}"));
    gate.program.wait_for_line(KEPT);
    assert_eq!(readyz(&gate)["config"]["last_reload"], "failure");
    save(&gate, "gatepost.toml", &good);
    gate.program.wait_for_line("equal the served config again");
    assert_eq!(readyz(&gate)["config"]["last_reload"], "success");
    assert_eq!(readyz(&gate)["config"]["generation"], 1);
}
