//! Tests of the remedies that messages, log lines and help texts give to the operator.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{
    Act, App, Gatepost, KEY, PLAY, Program, TOKEN, free_port, gatepost, now, post, sign,
};

/// Runs a command of gatepost in a folder. Returns the exit code, standard output and standard
/// error.
fn run_in(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = gatepost().args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Writes a config, and runs a command in its folder.
fn run_with(config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    run_in(folder.path(), arguments)
}

fn help(topic: &str) -> String {
    let (_, stdout, stderr) = run_in(Path::new("."), &["help", topic]);
    stdout + &stderr
}

/// Checks that the help for a topic contains each text.
fn assert_help_names(topic: &str, texts: &[&str]) {
    let help = help(topic);
    for text in texts {
        assert!(help.contains(text), "{topic}: expected {text}, found:\n{help}");
    }
}

#[test]
fn help_for_empty_answer_names_syntax_check_before_key_empty_answer() {
    let text = help("answer_empty");
    let (_, remedy) = text.split_once("remedy:").unwrap();
    let (first, rest) = remedy.split_once("empty_answer").unwrap();
    assert!(first.contains("`php -l FILE`"), "{text}");
    assert!(rest.contains("with this setting, a syntax error allows every viewer"), "{text}");
}

/// A config with one route, which also receives callbacks that name no tenant, and with one
/// template, which binds one tenant.
const ONE_CHANNEL: &str = "listen = ['127.0.0.1:1']\n[[route]]\npath = '/k/{token}'\nprovider = 'kollus'\n\
                           token = 'a-token-of-24-letters-xy'\n[[template]]\nname = 'paid'\n\
                           provider = 'kollus'\nbind = ['one-channel']\n[template.on]\n\
                           live_play = 'http://127.0.0.1:3000/play'\n";

#[test]
fn check_warns_of_kinds_without_tenant_and_routes_lists_these_kinds_as_refused() {
    let (code, stdout, stderr) = run_with(ONE_CHANNEL, &["check"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("warning[tenant_unnamed]"), "{stderr}");
    let without_app: Vec<_> =
        stdout.lines().filter(|line| line.contains("without the app")).collect();
    for kind in ["vod_lms", "next_episode", "upload"] {
        assert!(
            without_app.iter().all(|line| !line.contains(kind)),
            "expected no {kind}, found {without_app:#?}"
        );
    }
    let (_, stdout, _) = run_with(ONE_CHANNEL, &["routes"]);
    let (_, refused) = stdout
        .split_once("without the app, refused with 401, because the callback names no tenant:")
        .unwrap_or_else(|| panic!("expected refused kinds, found:\n{stdout}"));
    assert!(refused.contains("vod_lms") && refused.contains("next_episode"), "{stdout}");
    assert!(!stdout.contains("acknowledged: vod_lms"), "{stdout}");
}

#[test]
fn warning_about_tenants_lists_every_kind_and_the_line() {
    let (_, _, stderr) = run_with(ONE_CHANNEL, &["check"]);
    let (_, warning) = stderr.split_once("warning[tenant_unnamed]").unwrap();
    assert!(!warning.contains(" more"), "expected no `more`, found {warning}");
    assert!(warning.contains("gatepost.toml:3:1"), "expected `gatepost.toml:3:1`, found {warning}");
    assert!(
        warning.contains("kind = \"vod_lms\"") || warning.contains("a route with `kind`"),
        "{warning}"
    );
    let (_, stdout, _) = run_with(ONE_CHANNEL, &["check", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let all = found["diagnostics"].as_array().unwrap();
    let warning = all.iter().find(|one| one["code"] == "tenant_unnamed").unwrap();
    assert_eq!(warning["line"], 3, "{warning}");
    assert!(!warning.to_string().contains(" more"), "expected no `more`, found {warning}");
    assert_help_names("tenant_unnamed", &["tenant_missing", "`kind`", "platform's page"]);
    assert_help_names("tenant_missing", &["tenant_unnamed", "`kind`", "platform's page"]);
}

#[test]
fn log_line_about_failed_app_has_its_address_without_the_path() {
    let port = free_port();
    let templates = format!(
        "[[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\n[template.on]\n\
         live_play = 'http://127.0.0.1:{port}/secret-path?key=hunter2'\n"
    );
    let gate = Gatepost::serve("", &templates);
    let path = format!("/callbacks/kollus/{TOKEN}");
    assert_eq!(gate.send(&post(&path, PLAY)).status, 200);
    let line = gate.program.wait_for_line("app_unreachable");
    assert!(line.contains(&format!("\"app\":\"http://127.0.0.1:{port}\"")), "{line}");
    assert!(!line.contains("secret-path") && !line.contains("hunter2"), "{line}");
    assert!(!line.contains("timeout_ms"), "expected no `timeout_ms`, found {line}");
}

#[test]
fn log_line_about_slow_app_has_its_time_limit() {
    let app = App::start(|_| Act::Hold(b""));
    let templates = format!(
        "[[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\n[template.on]\n\
         live_play = {{ url = 'http://127.0.0.1:{}/play', timeout_ms = 120 }}\n",
        app.port
    );
    let gate = Gatepost::serve("", &templates);
    let path = format!("/callbacks/kollus/{TOKEN}");
    assert_eq!(gate.send(&post(&path, PLAY)).status, 200);
    let line = gate.program.wait_for_line("app_timeout");
    assert!(line.contains("\"timeout_ms\":120"), "expected `\"timeout_ms\":120`, found {line}");
    assert!(line.contains(&format!("\"app\":\"http://127.0.0.1:{}\"", app.port)), "{line}");
}

#[test]
fn absent_secret_file_is_one_fault_with_its_path() {
    let config = ONE_CHANNEL.replace("'a-token-of-24-letters-xy'", "{ file = 'kolus.token' }");
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("gatepost.toml"), &config).unwrap();
    let (code, _, stderr) = run_in(folder.path(), &["check"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("expected a file at kolus.token, found none"), "{stderr}");
    assert!(!stderr.contains("entity not found"), "{stderr}");
    let own = folder.path().join("gatepost.toml").display().to_string();
    let (_, _, stderr) = run_in(Path::new("/"), &["check", "-c", &own]);
    let path = folder.path().join("kolus.token").display().to_string();
    assert!(stderr.contains(&format!("expected a file at {path}, found none")), "{stderr}");

    let lms = "vod_lms live_lms upload content_update channel_add channel_delete next_episode";
    let routes: String = lms
        .split(' ')
        .map(|kind| {
            format!(
                "[[route]]\npath = '/k/{{token}}/{kind}'\nprovider = 'kollus'\nkind = '{kind}'\n\
                 token = {{ file = 'kolus.token' }}\n"
            )
        })
        .collect();
    let (_, _, stderr) = run_with(&(config + &routes), &["check"]);
    assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
    assert!(stderr.contains("gatepost.toml: 1 error;"), "{stderr}");
}

#[test]
fn help_for_wrong_secret_names_reload() {
    for code in ["token_mismatch", "signature_mismatch"] {
        assert_help_names(code, &["after gatepost started", "`kill -HUP PID`", "watch = true"]);
    }
}

#[test]
fn new_config_watches_its_files() {
    let folder = TempDir::new().unwrap();
    run_in(folder.path(), &["init", "--provider", "kollus"]);
    let config = std::fs::read_to_string(folder.path().join("gatepost.toml")).unwrap();
    assert!(config.contains("\nwatch = true\n"), "expected `watch = true`, found:\n{config}");
}

#[test]
fn send_waits_for_a_server_that_starts() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let to = format!("http://127.0.0.1:{port}/k");
    let send = gatepost().args(["send", "srs.on_play", "--to", &to]).spawn().unwrap();
    let config = format!(
        "listen = ['127.0.0.1:{port}']\n[[route]]\npath = '/k'\nprovider = 'srs'\n[[template]]\n\
         name = 'a'\nprovider = 'srs'\nbind = ['*']\n[template.on]\non_play = {{ answer = {{ allow = true }} }}\n"
    );
    std::fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    let _gate = Program::start(gatepost().arg("run").current_dir(&folder));
    let output = send.wait_with_output().unwrap();
    assert!(output.status.success(), "expected success, found {output:?}");
}

#[test]
fn taken_port_has_a_code_that_help_explains() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = format!("listen = ['{address}']\n[[route]]\npath = '/a'\nprovider = 'mux'\n");
    let (code, _, stderr) = run_with(&config, &["run"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("`gatepost help address_in_use`"), "{stderr}");
    assert_help_names("address_in_use", &["cannot listen", "`ss -ltnp`"]);
}

#[test]
fn help_accepts_a_code_as_the_log_writes_it() {
    let expected = help("app_timeout");
    assert!(expected.starts_with("app_timeout: failure of the app"), "{expected}");
    for pasted in [
        "code=\"app_timeout\"",
        "code=app_timeout",
        "\"code\":\"app_timeout\"",
        "`app_timeout`",
        "error[app_timeout]",
    ] {
        assert_eq!(help(pasted), expected, "{pasted}");
    }
}

#[test]
fn send_says_that_the_signature_replaces_a_field() {
    let send = ["send", "tencent-css.push", "--key", "test", "--print"];
    let (code, stdout, stderr) =
        run_in(Path::new("."), &[&send[..], &["sign=0000", "app=a"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("sign: expected a field that the signature does not set"), "{stderr}");
    assert!(!stderr.contains("app:") && !stdout.contains("0000\""), "{stderr}{stdout}");
    let (_, stdout, stderr) =
        run_in(Path::new("."), &[&send[..2], &["sign=0000", "--print"]].concat());
    assert!(!stderr.contains("sign:") && stdout.contains("0000"), "{stderr}{stdout}");
}

#[test]
fn caret_of_a_kind_without_quotes_marks_its_whole_name() {
    for on in ["[template.on]\nvideo.asset.ready", "[template.on.video.asset]\nready"] {
        let config = format!(
            "listen = ['127.0.0.1:1']\n[[route]]\npath = '/a'\nprovider = 'mux'\n[[template]]\n\
             name = 'm'\nprovider = 'mux'\nbind = '*'\ninsecure_unsigned = true\n{on} = 'http://127.0.0.1:1'\n"
        );
        let (_, _, stderr) = run_with(&config, &["check"]);
        assert!(stderr.contains("error[kind_not_quoted]"), "{stderr}");
        let is_one_line = on.contains("video.asset.ready");
        assert!(!is_one_line || stderr.contains(" ^^^^^^^^^^^^^^^^^ "), "{stderr}");
    }
}

#[test]
fn init_names_the_missing_folder_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let init = ["init", "--provider", "kollus", "--out", "none/deeper/gatepost.toml"];
    let (code, _, stderr) = run_in(folder.path(), &init);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("create it with `mkdir -p none/deeper`"), "{stderr}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn commands_of_the_admin_api_use_the_address_in_the_config() {
    let gate = Gatepost::serve("admin_token = 'an-admin-token'", "");
    let path = gate.folder.path().join("gatepost.toml");
    let config = std::fs::read_to_string(path).unwrap();
    assert!(config.contains("admin"), "{config}");
    let list = |folder: &Path| {
        let mut command = gatepost();
        command.args(["capture", "list"]).env("GATEPOST_ADMIN_TOKEN", "an-admin-token");
        command.current_dir(folder).output().unwrap()
    };
    let output = list(gate.folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn help_for_a_code_has_the_remedy_of_the_layer() {
    let of_layer = "in a Rust app: ";
    assert_help_names(
        "signature_mismatch",
        &["target gatepost::report", of_layer, "Gate::builder().variable(", "gate.replace("],
    );
    assert_help_names("token_mismatch", &[of_layer, "gate.replace("]);
    assert_help_names("app_unreachable", &[of_layer, "panic"]);
    assert_help_names("view_mismatch", &["target gatepost::report"]);
}

#[test]
fn help_for_a_status_lists_its_codes() {
    let text = help("401");
    assert!(
        text.contains("\nsignature_mismatch\t") && text.contains("\ntoken_mismatch\t"),
        "{text}"
    );
    assert!(!text.contains("json_malformed"), "expected no `json_malformed`, found {text}");
    let text = help("status=503");
    assert!(text.contains("\napp_unreachable\t") && text.contains("notification"), "{text}");
    assert!(help("299").contains("expected a code"), "{}", help("299"));
}

#[test]
fn help_for_a_config_key_prints_its_meaning() {
    assert_help_names(
        "timeout_ms",
        &["timeout_ms: key of the config", "[template.on.KIND]", "meaning: Longest wait"],
    );
    for key in ["breaker", "budget_ms", "dedupe", "on_failure", "retry", "retry_ms", "timeout"] {
        let text = help(key);
        assert!(!text.contains("see the manual"), "expected no `see the manual`, found {text}");
    }
    assert_help_names(
        "max_connections",
        &["max_connections: top-level key of the config", "1 to "],
    );
    assert_help_names("grace_secs", &["grace_secs: key of the config", "[template.settings]"]);
    assert_help_names("max_age_secs", &["[template.settings]", "last_good"]);
}

#[test]
fn lines_about_the_stop_have_codes_that_help_explains() {
    let mut gate = Gatepost::serve("", "");
    gate.program.signal("TERM");
    gate.program.wait();
    for code in ["stopping", "stopped"] {
        let line = gate.program.wait_for_line(&format!("\"code\":\"{code}\""));
        assert!(line.contains("\"reason\":\"SIGTERM\""), "{line}");
        assert_help_names(code, &["signal", "exit status 0"]);
    }
}

#[test]
fn help_for_unknown_tenant_says_that_the_signature_is_unchecked() {
    assert_help_names(
        "tenant_unknown",
        &["has not verified the signature", "`gatepost template bind NAME TENANT`", "reload"],
    );
}

#[test]
fn help_for_signature_and_timestamp_codes_names_condition_and_config_keys() {
    assert_help_names("signature_mismatch", &["a proxy changed a signed body"]);
    for code in ["timestamp_expired", "timestamp_too_far_ahead"] {
        assert_help_names(code, &["[template.settings]", "_secs"]);
    }
}

#[test]
fn log_line_about_wrong_timestamp_has_the_accepted_window() {
    let templates = "[[template]]\nname = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'TENCENT_KEY' }]\n\
                     bind = ['*']\non.'*' = { answer = {} }\n";
    let gate = Gatepost::serve("", templates);
    let (past, future) = (now() - 900, now() + 2000);
    let windows = ["expected a time up to 180 s ago", "expected a time up to 900 s ahead"];
    for (t, window) in [past, future].into_iter().zip(windows) {
        let body =
            format!("{{\"event_type\":1,\"app\":\"a.b\",\"t\":{t},\"sign\":\"{}\"}}", sign(KEY, t));
        assert_eq!(gate.send(&post("/callbacks/tencent", &body)).status, 401);
        gate.program.wait_for_line(window);
    }
}

#[test]
fn help_for_failed_apps_says_what_happens_to_the_event() {
    for code in ["app_unreachable", "app_timeout", "circuit_open"] {
        assert_help_names(code, &["on_failure", "sends the notification again"]);
    }
}

#[test]
fn health_without_server_names_host_port_and_argument() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/healthz");
    let (code, _, stderr) = run_in(Path::new("."), &["health", &url]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("from 127.0.0.1:{port}, found none")), "{stderr}");
    assert!(!stderr.contains("--to") && stderr.contains("`admin`"), "{stderr}");
}

#[test]
fn send_prints_the_fields_of_the_callback() {
    let app = App::start(|_| Act::Answer(200, "{\"allow\":true}"));
    let templates = format!(
        "[[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\n[template.on]\n\
         live_play = 'http://127.0.0.1:{}/play'\n",
        app.port
    );
    let gate = Gatepost::serve("", &templates);
    let to = format!("http://127.0.0.1:{}/callbacks/kollus/{TOKEN}", gate.port);
    let (code, stdout, stderr) = run_in(Path::new("."), &["send", "kollus.live_play", "--to", &to]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stdout, "200 OK\n{\"data\":{\"result\":1}}\n");
    assert!(
        stderr.contains("sent kollus.live_play with ") && stderr.contains("client_user_id="),
        "{stderr}"
    );
}

#[test]
fn new_config_shows_on_failure_in_a_comment() {
    let folder = TempDir::new().unwrap();
    run_in(folder.path(), &["init", "--provider", "kollus"]);
    let path = folder.path().join("gatepost.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let line = "# live_play = { url = \"http://127.0.0.1:3000/events\", on_failure = { result = 0, message = \"";
    assert!(config.contains(line), "expected {line}, found:\n{config}");
    let second = "\n# Or, in place of the first line of live_play:\n# live_play = \"";
    assert!(config.contains(second), "expected {second}, found:\n{config}");
    // Without its `# `, the line is valid.
    std::fs::write(&path, config.replace(line, line.trim_start_matches("# "))).unwrap();
    let (code, _, stderr) = run_in(folder.path(), &["check"]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn check_explains_table_without_braces() {
    let config = ONE_CHANNEL.replace("token = 'a-token-of-24-letters-xy'", "token = file = \"x\"");
    let (code, _, stderr) = run_with(&config, &["check"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("write { file = \"name\" }"), "{stderr}");
    assert!(!stderr.contains("invalid boolean"), "expected no `invalid boolean`, found {stderr}");
}

#[test]
fn short_token_in_the_path_is_a_warning() {
    let config = ONE_CHANNEL.replace("a-token-of-24-letters-xy", "abc");
    let (code, _, stderr) = run_with(&config, &["check"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("warning[secret_weak]"), "{stderr}");
    assert!(stderr.contains("at least 16"), "expected `at least 16`, found {stderr}");
    let (_, _, stderr) = run_with(ONE_CHANNEL, &["check"]);
    assert!(!stderr.contains("secret_weak"), "expected no `secret_weak`, found {stderr}");
}

#[test]
fn init_writes_the_given_addresses_of_the_listeners() {
    let folder = TempDir::new().unwrap();
    let arguments =
        ["init", "--provider", "kollus", "--listen", "127.0.0.1:8443", "--admin", "127.0.0.1:9943"];
    let (code, stdout, stderr) = run_in(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("http://127.0.0.1:8443/callbacks/kollus/"), "{stdout}");
    let config = std::fs::read_to_string(folder.path().join("gatepost.toml")).unwrap();
    assert!(config.contains("listen = [\"127.0.0.1:8443\"]"), "{config}");
    assert!(config.contains("admin = \"127.0.0.1:9943\""), "{config}");
    let layer =
        ["init", "--provider", "mux", "--door", "layer", "--listen", "127.0.0.1:1", "--force"];
    let (code, _, stderr) = run_in(folder.path(), &layer);
    assert_eq!(code, Some(2), "{stderr}");
}

#[test]
fn help_for_a_code_says_which_config_keys_its_command_needs() {
    assert_help_names(
        "token_mismatch",
        &["`gatepost capture list --code CODE` (needs admin, and admin_token or admin_read_token)"],
    );
}

#[test]
fn check_notes_a_config_without_admin_listener() {
    let (code, stdout, stderr) = run_with(ONE_CHANNEL, &["check"]);
    assert_eq!(code, Some(0));
    let note = "note: no metrics, console or captured callbacks; add admin = \"127.0.0.1:9900\" for them\n";
    assert!(stdout.contains(note), "expected {note}, found {stdout}");
    assert!(!stderr.contains("admin"), "expected no `admin`, found {stderr}");
    let (_, stdout, _) = run_with(&format!("admin = '127.0.0.1:2'\n{ONE_CHANNEL}"), &["check"]);
    assert!(!stdout.contains("no metrics"), "expected no `no metrics`, found {stdout}");
}

#[test]
fn check_prints_one_line_about_memory_and_its_parts_with_option_memory() {
    let lines = |arguments: &[&str]| {
        let (_, stdout, _) = run_with(ONE_CHANNEL, arguments);
        stdout.lines().filter(|line| line.starts_with("memory: ")).count()
    };
    assert_eq!(lines(&["check"]), 1);
    assert!(lines(&["check", "--memory"]) > 5);
}
