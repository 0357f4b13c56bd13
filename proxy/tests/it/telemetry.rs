//! Tests of metrics, log lines and the access log.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::{
    Act, App, Gatepost, LOG_PAGE, Program, TOKEN, eventually, gatepost, play, post, pushed,
    templates, with_flipped_sign,
};

/// Returns the value of the first series that starts with the name and the labels in `series`.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find(|line| line.starts_with(series));
    let line = line.unwrap_or_else(|| panic!("expected {series}, found:\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn json(line: &str) -> Json {
    serde_json::from_str(line)
        .unwrap_or_else(|error| panic!("expected JSON, found {line}: {error}"))
}

/// Returns the nice values of the program's threads.
#[cfg(target_os = "linux")]
fn nice_values(gate: &Gatepost) -> BTreeSet<i32> {
    let threads = fs::read_dir(format!("/proc/{}/task", gate.program.id())).unwrap();
    let nice = threads.filter_map(|thread| {
        // A thread may end before this read.
        let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        // The name of the thread, in parentheses, may contain spaces. `nice` is field 19.
        stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()
    });
    nice.collect()
}

#[cfg(target_os = "linux")]
#[test]
fn only_threads_of_the_admin_listener_have_a_lower_priority() {
    let gate = Gatepost::serve("", &templates(&App::answering(200, "")));
    let usual = nice_values(&gate);
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(nice_values(&gate), usual, "nice values after a callback");
    gate.metrics();
    let with_lower: BTreeSet<_> = usual.iter().copied().chain([10]).collect();
    assert_eq!(nice_values(&gate), with_lower);
}

#[test]
fn series_exist_before_they_count_anything() {
    let gate = Gatepost::serve("", &templates(&App::down()));
    let metrics = gate.metrics();
    for series in [
        r#"gatepost_callbacks_total{decision="none",kind="push",origin="app",provider="tencent-css",template="prod-live"}"#,
        r#"gatepost_callbacks_total{decision="allow",kind="live_play",origin="app",provider="kollus",template="付费-1"}"#,
        r#"gatepost_callbacks_total{decision="deny",kind="live_play",origin="failure",provider="kollus",template="付费-1"}"#,
        r#"gatepost_app_failures_total{code="app_timeout",kind="push",provider="tencent-css",template="prod-live"}"#,
        r#"gatepost_app_duration_seconds_bucket{kind="push",provider="tencent-css",template="prod-live",le="0.00025"}"#,
        r#"gatepost_gate_duration_seconds_bucket{kind="push",provider="tencent-css",template="prod-live",le="0.00005"}"#,
        r#"gatepost_callback_duration_seconds_count{kind="push",provider="tencent-css",template="prod-live"}"#,
        r#"gatepost_refusals_total{code="signature_mismatch",provider="tencent-css"}"#,
        r#"gatepost_requests_rejected_total{code="host_invalid"}"#,
        r#"gatepost_requests_passed_total{status="5xx"}"#,
        r#"gatepost_connections_closed_total{code="too_many_connections"}"#,
        r#"gatepost_admin_refusals_total{code="unauthorized"}"#,
        "gatepost_access_log_lines_dropped_total",
    ] {
        assert_eq!(value(&metrics, series), 0.0, "{series}");
    }
    let unlisted = "kind=\"recording_file\"";
    assert!(!metrics.contains(unlisted), "expected no series of unlisted kinds, found one");
}

#[test]
fn metrics_describe_build_and_process() {
    let gate = Gatepost::serve("", &templates(&App::down()));
    let metrics = gate.metrics();
    let features = [("nats", cfg!(feature = "nats")), ("otlp", cfg!(feature = "otlp"))];
    let features: Vec<_> = features.iter().filter(|(_, is_on)| *is_on).map(|own| own.0).collect();
    let (features, version) = (features.join(","), env!("CARGO_PKG_VERSION"));
    let build = format!("gatepost_build_info{{features=\"{features}\",version=\"{version}\"}} 1\n");
    assert!(metrics.contains(&build), "expected {build}, found:\n{metrics}");
    let now = crate::support::now() as f64;
    let start = value(&metrics, "process_start_time_seconds");
    assert!(
        (now - 3600.0..=now + 1.0).contains(&start),
        "expected a start in the last hour, found {start}"
    );
    assert!(value(&metrics, "process_resident_memory_bytes") > 1e6);
    assert!(value(&metrics, "process_open_fds") > 3.0);
    assert!(value(&metrics, "process_max_fds") >= value(&metrics, "process_open_fds"));
    assert!(value(&metrics, "process_cpu_seconds_total") >= 0.0);
}

#[test]
fn allowed_and_denied_plays_differ_in_metrics_and_log() {
    let app = App::start(|seen| {
        let denies = String::from_utf8_lossy(&seen.body).contains("guest");
        Act::Answer(200, if denies { r#"{"allow":false}"# } else { r#"{"allow":true}"# })
    });
    let gate = Gatepost::serve("log_callbacks = 'all'", &templates(&app));
    gate.send(&play());
    let guest = String::from_utf8(play()).unwrap().replace("user01", "guest1");
    gate.send(guest.as_bytes());
    let metrics = gate.metrics();
    for decision in ["allow", "deny"] {
        let series = format!(
            "gatepost_callbacks_total{{decision=\"{decision}\",kind=\"live_play\",origin=\"app\""
        );
        assert_eq!(value(&metrics, &series), 1.0, "{series}");
        let line = json(&gate.program.wait_for_line(&format!("\"decision\":\"{decision}\"")));
        assert_eq!((&line["level"], &line["code"]), (&"INFO".into(), &"app".into()), "{line}");
        assert_eq!((&line["kind"], &line["tenant"]), (&"live_play".into(), &"c".into()), "{line}");
        assert_eq!(line["template"], "付费-1");
        assert_eq!(line["id"].as_str().unwrap().len(), 32);
        assert!(
            line["elapsed_ms"].is_u64(),
            "expected a whole number in `elapsed_ms`, found {line}"
        );
    }
    assert!(!gate.program.log().contains(TOKEN), "expected no token in the log, found one");
}

#[test]
fn log_callbacks_selects_the_callbacks_that_gatepost_logs() {
    let app = App::answering(200, "");
    for (word, accepted, refused) in [("all", 1, 1), ("refused", 0, 1), ("none", 0, 0)] {
        let gate = Gatepost::serve(&format!("log_callbacks = '{word}'"), &templates(&app));
        gate.send(&pushed());
        gate.send(&post("/callbacks/tencent", &with_flipped_sign(&crate::support::push())));
        gate.program.signal("TERM");
        gate.program.wait_for_line("\"stopped\"");
        let log = gate.program.log();
        let count = |text| log.matches(text).count();
        assert_eq!(count("callback concluded"), accepted, "{word}: {log}");
        assert_eq!(count("signature_mismatch"), refused, "{word}: {log}");
    }
}

#[test]
fn times_of_gate_and_app_are_separate() {
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&released)));
    let gate =
        Gatepost::serve("", &templates(&app).replace("timeout_ms = 500", "timeout_ms = 9000"));
    let mut client = gate.connect();
    client.write(&play());
    app.wait_for(1);
    let asked = Instant::now();
    eventually("the end of 100 ms", || asked.elapsed() >= Duration::from_millis(100));
    release.send(()).unwrap();
    assert_eq!(client.read().status, 200);
    let metrics = gate.metrics();
    let sum = |name: &str| {
        value(&metrics, &format!("gatepost_{name}_duration_seconds_sum{{kind=\"live_play\""))
    };
    let (total, of_app, of_gate) = (sum("callback"), sum("app"), sum("gate"));
    assert!(of_app >= 0.1, "expected at least 0.1 s, found {of_app} s");
    assert!(
        (total - of_app - of_gate).abs() < 1e-6,
        "expected a sum of {total} s, found {of_app} s and {of_gate} s"
    );
}

#[test]
fn time_of_app_includes_a_wait_without_answer() {
    let app = App::start(|_| Act::Hold(b""));
    let gate = Gatepost::serve("", &templates(&app).replace("timeout_ms = 500", "timeout_ms = 50"));
    gate.send(&play());
    let metrics = gate.metrics();
    let sum = value(&metrics, "gatepost_app_duration_seconds_sum{kind=\"live_play\"");
    assert!(sum >= 0.05, "expected at least 0.05 s, found {sum} s");
}

#[test]
fn counts_passed_requests_by_status_with_time_and_bytes() {
    let app = App::start(|seen| {
        Act::Answer(if seen.line.contains("/broken") { 500 } else { 200 }, "0123456789")
    });
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates(&app));
    gate.send(&post("/page", "abc"));
    gate.send(b"GET /broken HTTP/1.1\r\nhost: gate.test\r\n\r\n");
    gate.send(&pushed());
    eventually("two passed requests", || {
        value(&gate.metrics(), "gatepost_passed_duration_seconds_count") == 2.0
    });
    let metrics = gate.metrics();
    for (series, count) in [
        ("gatepost_requests_passed_total{status=\"2xx\"}", 1.0),
        ("gatepost_requests_passed_total{status=\"5xx\"}", 1.0),
        ("gatepost_passed_bytes_total{direction=\"received\"}", 3.0),
        ("gatepost_passed_bytes_total{direction=\"sent\"}", 20.0),
        ("gatepost_requests_not_found_total", 0.0),
    ] {
        assert_eq!(value(&metrics, series), count, "{series}");
    }
}

#[test]
fn counts_requests_that_have_no_upstream() {
    let gate = Gatepost::serve("", &templates(&App::down()));
    assert_eq!(gate.send(b"GET / HTTP/1.1\r\nhost: gate.test\r\n\r\n").status, 404);
    assert_eq!(value(&gate.metrics(), "gatepost_requests_not_found_total"), 1.0);
}

#[test]
fn reload_adds_series_of_new_template_and_removes_series_of_old_template() {
    let gate = Gatepost::serve("", &templates(&App::answering(200, "")));
    gate.send(&pushed());
    let path = gate.folder.path().join("gatepost.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("prod-live", "new-live")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("reloaded the config");
    let metrics = gate.metrics();
    assert!(metrics.contains("template=\"new-live\""), "{metrics}");
    assert!(!metrics.contains("template=\"prod-live\""), "{metrics}");
    assert!(metrics.contains("template=\"付费-1\""), "{metrics}");
    gate.send(&pushed());
    let metrics = gate.metrics();
    let series = "gatepost_callbacks_total{decision=\"none\",kind=\"push\",origin=\"app\"";
    assert_eq!(value(&metrics, series), 1.0);
}

/// Waits until an access log has at least `count` lines. Returns all lines.
fn access_lines(path: &Path, count: usize) -> Vec<Json> {
    let lines =
        || fs::read_to_string(path).unwrap_or_default().lines().map(json).collect::<Vec<_>>();
    eventually("lines of the access log", || lines().len() >= count);
    lines()
}

fn with_access_log(upstream: &App, settings: &str) -> Gatepost {
    let routes = "[[route]]\npath = '/callbacks/kollus/{token}'\nprovider = 'kollus'\n\
                  token = { env = 'KOLLUS_TOKEN' }\n\
                  [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";
    Gatepost::serve_config(&format!(
        "upstream = '{}'\n[telemetry]\naccess_log = {{ file = 'access.log'{settings} }}\n{routes}{}",
        upstream.url(""),
        templates(upstream)
    ))
}

#[test]
fn access_log_has_a_line_for_each_request() {
    let app = App::answering(200, r#"{"allow":true}"#);
    let gate = with_access_log(&app, "");
    gate.send(&play());
    gate.send(&post("/callbacks/kollus/a-guess", "kind=100"));
    gate.send(&post("/page?secret=s3cret", "abc"));
    gate.send(b"GET /bad HTTP/1.1\r\nhost: a b\r\n\r\n");
    let path = gate.folder.path().join("access.log");
    let lines = access_lines(&path, 4);
    let (_, page) = LOG_PAGE.split_once("\n# Access log\n").unwrap();
    for field in lines.iter().flat_map(|line| line.as_object().unwrap().keys()) {
        let row = format!("| `{field}` |");
        assert!(page.contains(&row), "expected `{field}` in src/manual/log.md, found none");
    }
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let [played, guessed, passed, rejected] = &lines[..] else {
        panic!("expected four lines, found {lines:#?}")
    };
    for (line, method, path, status) in [
        (played, "POST", "/callbacks/kollus/{token}…", 200),
        (guessed, "POST", "/callbacks/kollus/{token}…", 401),
        (passed, "POST", "/page", 200),
        (rejected, "GET", "/bad", 400),
    ] {
        assert_eq!((&line["method"], &line["path"]), (&method.into(), &path.into()), "{line}");
        assert_eq!((&line["status"], &line["from"]), (&status.into(), &"127.0.0.1".into()));
        assert!(
            line["elapsed_ms"].as_f64().unwrap() > 0.0,
            "expected a positive `elapsed_ms`, found {line}"
        );
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    assert_eq!((&played["decision"], &played["code"]), (&"allow".into(), &"app".into()));
    assert_eq!((&played["template"], &played["tenant"]), (&"付费-1".into(), &"c".into()));
    assert!(played["app_ms"].as_f64().unwrap() <= played["elapsed_ms"].as_f64().unwrap());
    assert_eq!(guessed["code"], "token_mismatch");
    assert_eq!((&passed["received_bytes"], &passed["sent_bytes"]), (&3.into(), &14.into()));
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains(TOKEN) && !text.contains("s3cret") && !text.contains("guess"), "{text}");
}

#[test]
fn signal_usr1_reopens_access_log() {
    let app = App::answering(200, "");
    let gate = with_access_log(&app, "");
    let path = gate.folder.path().join("access.log");
    let old = gate.folder.path().join("access.log.1");
    gate.send(&pushed());
    access_lines(&path, 1);
    fs::rename(&path, &old).unwrap();
    gate.program.signal("USR1");
    gate.program.wait_for_line("reopened the access log");
    gate.send(&pushed());
    assert_eq!(access_lines(&path, 1).len(), 1);
    assert_eq!(access_lines(&old, 1).len(), 1);
}

#[test]
fn access_log_with_sample_zero_stays_empty() {
    let app = App::answering(200, "");
    let gate = with_access_log(&app, ", sample = 0.0");
    gate.send(&pushed());
    gate.program.signal("TERM");
    gate.program.wait_for_line("\"stopped\"");
    assert_eq!(fs::read_to_string(gate.folder.path().join("access.log")).unwrap(), "");
}

/// Runs gatepost until it exits, and returns its log.
fn failed(config: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    fs::write(&path, config).unwrap();
    let mut program = Program::start(gatepost().args(arguments).arg("run").arg("-c").arg(&path));
    assert_eq!(program.wait(), Some(1));
    eventually("a line", || !program.log().is_empty());
    program.log()
}

const ROUTE: &str = "listen = '127.0.0.1:0'\n[[route]]\npath = '/x'\nprovider = 'kollus'\n\
                     mode = 'shadow'\n";

#[test]
fn does_not_start_if_it_cannot_open_access_log() {
    let config = format!("{ROUTE}[telemetry]\naccess_log = {{ file = 'no/such/folder/a.log' }}")
        .replace("listen", "upstream = 'http://127.0.0.1:9'\nlisten");
    let log = failed(&config, &[]);
    assert!(
        log.contains(
            "no/such/folder/a.log: expected a file for the access log, found an error: No such file"
        ),
        "{log}"
    );
}

#[test]
fn fault_of_config_is_json_with_log_format_json() {
    let log = failed("colour = 1", &["--log-format", "json"]);
    for line in log.lines() {
        assert_eq!(json(line)["level"], "ERROR", "{line}");
    }
    assert!(log.contains("expected a known key, found"), "{log}");
}

#[test]
fn warns_of_filter_with_an_unknown_level() {
    let app = App::answering(200, "");
    let mut command = gatepost();
    command.env("GATEPOST_LOG", "bogus");
    let gate = Gatepost::serve_by(
        command,
        &format!("{ROUTE}{}", templates(&app))
            .replace("listen = '127.0.0.1:0'", &format!("upstream = '{}'", app.url(""))),
        |_| {},
    );
    let line = gate.program.wait_for_line("GATEPOST_LOG");
    assert!(line.contains("expected a level or MODULE=LEVEL, found `bogus`"), "{line}");
    assert!(line.contains("WARN"), "expected `WARN`, found {line}");
}

/// Returns the names of metrics that a text contains.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("gatepost_") || word.starts_with("process_")).collect()
}

/// Returns the name of each metric in the output of `/metrics`.
fn metric_names(metrics: &str) -> BTreeSet<&str> {
    metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// Returns the cells of each table row whose first cell is code.
fn rows(page: &str) -> impl Iterator<Item = Vec<String>> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    lines.map(|line| line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect())
}

/// Returns the names of the labels of a series, except for `le`.
fn labels(series: &str) -> BTreeSet<&str> {
    let labels = series.split_once('{').map_or("", |(_, rest)| rest);
    let names = labels.split("\",").filter_map(|label| label.split_once('=').map(|(name, _)| name));
    names.filter(|name| *name != "le").collect()
}

#[test]
fn page_of_metrics_matches_a_scrape() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    gate.send(&pushed());
    let metrics = gate.metrics();
    let page = include_str!("../../../src/manual/metrics.md");
    let mut found = metric_names(&metrics);
    // These metrics appear only with a route in shadow mode, after the first TLS handshake, or with
    // a certificate in the config.
    found.extend(["gatepost_shadow_total", "gatepost_shadow_answers_total"]);
    found.insert("gatepost_tls_handshakes_total");
    found.insert("gatepost_tls_certificate_expiry_timestamp_seconds");
    let rows: Vec<_> = rows(page).collect();
    assert_eq!(rows.iter().map(|row| &*row[0]).collect::<BTreeSet<_>>(), found);
    for row in rows {
        let [name, form, page_labels, ..] = &row[..] else {
            panic!("expected at least three cells, found {row:?}")
        };
        let Some(series) = metrics.lines().find(|line| {
            let rest = line.strip_prefix(&**name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ', '_']))
        }) else {
            continue;
        };
        assert!(
            metrics.contains(&format!("# TYPE {name} {form}\n")),
            "{name}: expected the type {form}, found another"
        );
        let page_labels = page_labels.split(", ").filter(|label| !label.is_empty()).collect();
        assert_eq!(labels(series), page_labels, "{series}");
    }
}

#[test]
fn observe_page_names_only_metrics_that_exist() {
    let known = names(include_str!("../../../src/manual/metrics.md"));
    let page = names(include_str!("../../../src/manual/observe.md"));
    let unknown: Vec<_> = page.difference(&known).collect();
    assert!(unknown.is_empty(), "expected metrics of metrics.md, found {unknown:?}");
}

#[test]
fn dashboard_and_alert_rules_name_only_metrics_that_exist() {
    let gate = Gatepost::serve("", &templates(&App::down()));
    let metrics = gate.metrics();
    let mut known = metric_names(&metrics);
    known.insert("gatepost_shadow_total");
    let rules = include_str!("../../../examples/prometheus/gatepost.rules.yml");
    let dashboard: Json = json(include_str!("../../../examples/grafana/gatepost.json"));
    let targets = dashboard["panels"].as_array().unwrap().iter();
    let targets = targets.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(
        queries.len() > 30,
        "expected more than 30 queries in the dashboard, found {queries:?}"
    );
    for text in queries.into_iter().chain([rules]) {
        for name in names(text) {
            let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            let exists = known.contains(name) || base.is_some_and(|base| known.contains(base));
            assert!(exists, "expected a known metric, found {name} in {text}");
        }
    }
}
