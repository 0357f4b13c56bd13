//! Tests of the command line.

use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{free_port, gatepost};

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = gatepost().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_and_run_list_every_fault_and_do_not_listen() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.toml");
    let port = free_port();
    std::fs::write(
        &path,
        format!("listen = ['127.0.0.1:{port}']\nupstraem = 'http://127.0.0.1:3000'\n[[route]]\npath = '/a'\n"),
    )
    .unwrap();
    let shown = path.display().to_string();
    for command in ["check", "run"] {
        let (code, stdout, stderr) = run(&[command, "-c", &shown]);
        assert_eq!(code, Some(1), "{command}");
        assert_eq!(stdout, "");
        let start = format!(
            "error[key_unknown]: expected a known key, found \"upstraem\"\n --> {shown}:2:1\n  |\n2 | \
             upstraem = …\n  | ^^^^^^^^ upstraem\n  |\n  = help: did you mean `upstream`?"
        );
        assert!(stderr.starts_with(&start), "expected {start} at the start, found {stderr}");
        let second = format!(
            "error[key_missing]: expected `provider`, found none\n --> {shown}:3:1\n  |\n3 | \
             [[route]]\n  | ^^^^^^^^^ route[0]\n"
        );
        assert!(stderr.contains(&second), "expected {second}, found {stderr}");
        assert!(stderr.contains("bad.toml: 2 errors; `gatepost help CODE`"), "{stderr}");
        assert!(!stderr.contains('\u{1b}'), "expected no colour, found {stderr:?}");
        assert!(
            TcpStream::connect(("127.0.0.1", port)).is_err(),
            "expected no listener, found one"
        );
    }
}

#[test]
fn routes_command_shows_form_and_address_of_each_kind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = "listen = ['127.0.0.1:1']\nupstream = 'http://127.0.0.1:3000'\n\
                  [[route]]\npath = '/cb'\nprovider = 'srs'\n\
                  [[route]]\npath = '/index.php'\nquery = { c = 'srs' }\nprovider = 'srs'\n\
                  mode = 'shadow'\nkind = 'on_play'\n\
                  [[route]]\npath = '/old/'\nprovider = 'srs'\nforward = 'passthrough'\n\
                  kind = 'on_stop'\ntemplate = 'a'\n\
                  [[route]]\npath = '/mux'\nprovider = 'mux'\n\
                  [[template]]\nname = 'a'\nprovider = 'srs'\nbind = ['b', '*']\n[template.on]\n\
                  on_play = 'http://127.0.0.1:3001/play'\n\
                  on_publish = { url = 'http://127.0.0.1:3001/x.php', forward = 'raw' }\n\
                  on_stop = { forward = 'passthrough' }\non_close = { answer = {} }\n";
    std::fs::write(&path, config).unwrap();
    let shown = path.to_str().unwrap();
    let (code, stdout, stderr) = run(&["routes", "-c", shown]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        stdout,
        "/cb  srs, enforce
  template a, for b, *
    KIND        REPLY     FORM         TO
    on_publish  decision  raw          http://127.0.0.1:3001/x.php
    on_play     decision  json         http://127.0.0.1:3001/play
    on_stop     ack       passthrough  http://127.0.0.1:3000/cb
    without the app, acknowledged: on_unpublish, on_dvr, on_hls, unknown
    without the app, denied: on_connect, on_forward
    without the app, fixed reply: on_close

/index.php?c=srs  srs, shadow
  template a, for b, *
    KIND     REPLY     FORM    TO
    on_play  decision  shadow  http://127.0.0.1:3000/index.php?c=srs

/old/  srs, enforce
  template a, of the route
    KIND     REPLY  FORM         TO
    on_stop  ack    passthrough  http://127.0.0.1:3000/old/

/mux  mux, enforce
  no template: gatepost refuses every callback

reserved
  /cb/*
  /mux/*
  /old/*

kinds: 1 shadow, 2 passthrough, 1 raw, 1 json, 7 without the app
"
    );

    let (code, stdout, _) = run(&["routes", "-c", shown, "--format", "json"]);
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["routes"][1]["query"], serde_json::json!({ "c": "srs" }));
    assert_eq!(json["routes"][1]["mode"], "shadow");
    let route_kinds: Vec<_> = (0..4).map(|at| json["routes"][at]["kind"].as_str()).collect();
    assert_eq!(route_kinds, [None, Some("on_play"), Some("on_stop"), None]);
    let kinds = &json["routes"][0]["templates"][0]["kinds"];
    let kind = |name: &str| {
        kinds.as_array().unwrap().iter().find(|kind| kind["kind"] == name).unwrap().clone()
    };
    assert_eq!(
        kind("on_play"),
        serde_json::json!({ "kind": "on_play", "decision": true, "form": "json",
            "address": "http://127.0.0.1:3001/play", "reply": null })
    );
    assert_eq!(kind("on_close")["reply"], "fixed reply");
    assert_eq!(json["reserved"], serde_json::json!(["/cb/*", "/mux/*", "/old/*"]));

    std::fs::write(&path, config.replace("'srs'\nmode", "'srz'\nmode")).unwrap();
    let (code, stdout, stderr) = run(&["routes", "-c", shown]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("found \"srz\""), "{stderr}");
}

#[test]
fn check_prints_every_reserved_path() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = "listen = ['127.0.0.1:1']\nupstream = 'http://127.0.0.1:3000'\n\
                  [[route]]\npath = '/cb'\nprovider = 'srs'\n\
                  [[template]]\nname = 'a'\nprovider = 'srs'\nbind = ['*']\n[template.on]\n\
                  on_play = 'http://localhost:3000/live/play.php'\n\
                  on_stop = { url = 'http://localhost:3000/live/stop', reserve = 'exact' }\n";
    std::fs::write(&path, config).unwrap();
    let (code, stdout, _) = run(&["check", "-c", path.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    let meaning = " (gatepost refuses requests that are not callbacks)";
    let reserved = stdout.lines().filter_map(|line| line.strip_prefix("reserved: "));
    let reserved: Vec<_> = reserved.map(|line| line.strip_suffix(meaning).unwrap()).collect();
    assert_eq!(reserved, ["/cb/*", "/live/play/*", "/live/stop"], "{stdout}");
    let unlisted = "template a: acknowledged without the app: on_close, on_unpublish, on_dvr, \
                    on_hls\ntemplate a: denied without the app: on_connect, \
                    on_publish, on_forward\n";
    assert!(stdout.contains(unlisted), "expected {unlisted}, found {stdout}");
}

#[test]
fn error_names_missing_file_or_address_in_use() {
    let (code, _, stderr) = run(&["run", "-c", "no-such-file.toml"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("no-such-file.toml: expected a readable file, found none;"),
        "{stderr}"
    );

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("taken.toml");
    let address = taken.local_addr().unwrap();
    let routes = "[[route]]\npath = '/a'\nprovider = 'tencent-css'\n";
    std::fs::write(&path, format!("listen = ['{address}']\n{routes}")).unwrap();
    let (code, _, stderr) = run(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(
        stderr
            .contains(&format!("{address}: expected a free address to listen on, found an error:")),
        "{stderr}"
    );
    assert!(stderr.contains("stop the program that uses this port"), "{stderr}");

    let twice = format!("listen = ['127.0.0.1:{0}', '0.0.0.0:{0}']\n{routes}", free_port());
    std::fs::write(&path, twice).unwrap();
    let (code, _, stderr) = run(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(code, Some(1), "exit code with overlapping listeners");
    assert!(stderr.contains("expected a free address to listen on, found an error:"), "{stderr}");

    std::fs::write(&path, routes).unwrap();
    let (code, _, stderr) = run(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("expected a `listen` address, found none; add"), "{stderr}");
}

fn run_with_secrets(folder: &Path, arguments: &[&str]) -> std::process::Output {
    const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut command = gatepost();
    command.args(arguments).current_dir(folder);
    for name in [
        "KOLLUS_PATH_TOKEN",
        "TENCENT_KEY",
        "KOLLUS_SECURITY_KEY",
        "KOLLUS_CUSTOM_KEY",
        "KOLLUS_LMS_KEY",
        "GATEPOST_ADMIN_TOKEN",
        "GATEPOST_READ_TOKEN",
    ] {
        command.env(name, "x");
    }
    command.env("SIGNING_SECRET", SIGNING).env("LIVE_SIGNING_SECRET", SIGNING).output().unwrap()
}

#[test]
fn shipped_configs_pass_check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for config in [
        "proxy/configs/quickstart.toml",
        "proxy/configs/full.toml",
        "examples/gatepost.toml",
        "examples/node/gatepost.toml",
        "examples/php/gatepost.toml",
    ] {
        let output = run_with_secrets(&root, &["check", "-c", config]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{config}: expected success, found {stderr}");
        let routes = run_with_secrets(&root, &["routes", "-c", config]);
        let stdout = String::from_utf8(routes.stdout).unwrap();
        assert!(
            routes.status.success() && stdout.contains("\nkinds: "),
            "{config}: expected success and `kinds:`, found {stdout}"
        );
        let stdout = String::from_utf8(output.stdout).unwrap();
        if config.ends_with("full.toml") {
            for line in [
                "template prod-live: ce-id from the callback's content: push, interruption, ",
                "template paid-channels: ce-id new for each callback, also for a resend: live_play",
            ] {
                assert!(stdout.contains(line), "expected {line}, found {stdout}");
            }
        }
    }
}

#[test]
fn lists_providers_and_fields() {
    let (code, stdout, _) = run(&["providers"]);
    assert_eq!(code, Some(0));
    let play = "  kollus.live_play\tdecision\tA request for permission to play a live broadcast.\n";
    assert!(stdout.contains(play), "expected {play}, found {stdout}");
    let fork = "  github.fork\tnotification\tA user has forked the repository.\n";
    assert!(stdout.contains(fork), "{stdout}");
    let (_, stdout, _) = run(&["providers", "bitmovin"]);
    let evidence = "evidence\tunconfirmed\nunproven\tThe digest is that of the platform's SDK.";
    assert!(stdout.contains(evidence), "{stdout}");
    let (_, stdout, _) = run(&["providers", "tencent-css.push"]);
    let start = "tencent-css.push\tA push has started.\n  ce-type\tcom.tencentcloud.css.push\n  \
                 ce-id\twith /event_time or /update_time or /sequence, a digest of the data; \
                 otherwise new for each callback\n  \
                 common\tstarted\n  event_type\tinteger, optional\t";
    assert!(stdout.starts_with(start), "expected {start} at the start, found {stdout}");
    assert!(
        stdout.contains("  stream_param\tstring, optional, secret\tThe parameters of"),
        "{stdout}"
    );
    let (_, stdout, _) = run(&["providers", "tencent-css.relay"]);
    assert!(stdout.contains("\n    index\tinteger, optional\tThe index of"), "{stdout}");
    assert_eq!(run(&["providers", "unknown"]).0, Some(2));
    let (_, stdout, _) = run(&["providers", "tencent-css.recording"]);
    let kinds = stdout.lines().filter(|line| line.starts_with("tencent-css.")).count();
    assert_eq!(kinds, 3, "{stdout}");
}

#[test]
fn suggests_names_that_operator_probably_meant() {
    let url = "http://127.0.0.1:1/";
    for (arguments, expected) in [
        (&["providers", "tencent"][..], "did you mean `tencent-css`?"),
        (&["providers", "kolus.drm"], "did you mean `kollus`?"),
        (&["providers", "kollus.live_pla"], "did you mean `live_play`?"),
        (&["schema", "confg"], "did you mean `config`?"),
        (&["schema", "mux.video.asset.redy"], "did you mean `video.asset.ready`?"),
        (&["schema", "tencent-css.recording"], "use one of `tencent-css.recording_file`, "),
        (&["send", "tencent-css.psuh", "--to", url], "did you mean `push`?"),
        (&["send", "tencent-css.recording", "--to", url], "found a group of kinds; use one of"),
        (&["send", "tencent-css.push", "ap=x", "--to", url], "did you mean `app`?"),
        (&["send", "kollus.drm", "setting:custm_key=x", "--to", url], "did you mean `custom_key`?"),
        (&["help", "signature_mismatsh"], "did you mean `signature_mismatch`?"),
        (&["init", "--provider", "mx"], "did you mean `mux`?"),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: expected {expected}, found {stderr}");
    }
    let (code, stdout, _) =
        run(&["send", "tencent-css.push", "/brand_new=1", "--to", url, "--print"]);
    assert!(code == Some(0) && stdout.contains("\"brand_new\":1"), "{stdout}");
}

#[test]
fn send_explains_address_without_scheme() {
    let (code, _, stderr) = run(&["send", "kollus.live_play", "--to", "127.0.0.1:28080/x"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("write, for example, http://127.0.0.1:8080/callbacks"), "{stderr}");
}

#[test]
fn help_explains_codes_and_commands() {
    let (code, stdout, _) = run(&["help", "timestamp_expired"]);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("timestamp_expired: refusal with status 401\n\nmeaning: the sig"));
    assert!(stdout.contains("\ncause:   the clock of") && stdout.contains("\nremedy:  sync"));
    let (_, stdout, _) = run(&["help", "codes"]);
    assert!(stdout.contains("key_unknown\t") && stdout.contains("app_timeout\t"), "{stdout}");
    assert!(run(&["help", "check"]).1.contains("--format <FORMAT>"));
    assert!(run(&["help"]).1.contains("Exit codes: 0 success"));
}

#[test]
fn check_prints_json_and_github_annotations() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let route =
        "[[route]]\npath = '/a/{token}'\nprovider = 'srs'\ntoken = 'hunter2-hunter2-hunter2'\n";
    let template = "[[template]]\nname = 'a'\nprovider = 'srs'\nbind = '*'\n";
    let route = format!("{route}{template}");
    std::fs::write(&path, format!("threads = 0\n{route}")).unwrap();
    let check = |format| run(&["check", "-c", path.to_str().unwrap(), "--format", format]);
    let (code, stdout, stderr) = check("json");
    assert_eq!((code, &*stderr), (Some(1), ""));
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(found["ok"], false);
    let [fault, warning] = &**found["diagnostics"].as_array().unwrap() else {
        panic!("expected two diagnostics, found {stdout}")
    };
    assert_eq!(
        (&fault["severity"], &fault["code"]),
        (&"error".into(), &"number_out_of_range".into())
    );
    assert_eq!((&fault["line"], &fault["span"]), (&1.into(), &serde_json::json!([10, 11])));
    assert_eq!(
        (&warning["severity"], &warning["code"]),
        (&"warning".into(), &"secret_literal".into())
    );
    let (code, stdout, _) = check("github");
    assert_eq!(code, Some(1));
    let start = format!(
        "::error file={},line=1,col=11,title=number_out_of_range::threads: expected",
        path.display()
    );
    assert!(stdout.starts_with(&start), "expected {start} at the start, found {stdout}");
    assert!(stdout.contains("\n::warning file=") && !stdout.contains("hunter2"), "{stdout}");

    std::fs::write(&path, format!("threads = 1\n{route}")).unwrap();
    let (code, stdout, _) = check("json");
    let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, &found["ok"], &found["routes"]),
        (Some(0), &true.into(), &serde_json::json!(["/a/{token}"]))
    );
}

#[test]
fn commands_read_gatepost_toml_in_working_directory() {
    let folder = TempDir::new().unwrap();
    let run_here = |arguments: &[&str]| {
        let output = gatepost().args(arguments).current_dir(&folder).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), stderr)
    };
    for command in [&["check"][..], &["run"], &["explain", "x"], &["template", "list"]] {
        let (code, _, stderr) = run_here(command);
        assert_eq!(code, Some(2), "{command:?}");
        assert!(stderr.contains("expected a config file in this folder, found none"), "{stderr}");
        assert!(stderr.contains("`gatepost init`"), "expected `gatepost init`, found {stderr}");
    }
    let (code, stdout, stderr) = run_here(&["init", "--provider", "mux"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("wrote gatepost.toml and mux.key\n"), "{stdout}");
    assert_eq!(run_here(&["check"]).0, Some(0));
    assert!(run_here(&["template", "list"]).1.contains("mux"));
    let (code, _, stderr) = run_here(&["init", "--provider", "srs"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("expected a new file, found an existing one"), "{stderr}");
    let key = std::fs::read(folder.path().join("mux.key")).unwrap();
    assert_eq!(run_here(&["init", "--provider", "mux", "--force"]).0, Some(0));
    assert_eq!(std::fs::read(folder.path().join("mux.key")).unwrap(), key);
    let (_, _, stderr) = run_here(&["init", "--provider", "srs", "--app", "nonsense", "--force"]);
    assert!(stderr.contains("expected a valid URL"), "{stderr}");
    assert!(!folder.path().join("srs.token").exists());
}

#[test]
fn check_names_environment_variables_of_values() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = "upstream = { env = 'UPSTREAM_URL' }\n[[route]]\npath = '/a'\nprovider = 'mux'\n";
    std::fs::write(&path, config).unwrap();
    let check = |command: &mut std::process::Command| {
        let output = command.arg("check").arg("-c").arg(&path).output().unwrap();
        (
            output.status.success(),
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
        )
    };
    let (is_good, shown) = check(gatepost().env("UPSTREAM_URL", "http://127.0.0.1:3000"));
    let line = "upstream: from the environment variable UPSTREAM_URL\n";
    assert!(is_good && shown.contains(line), "{shown}");
    let (is_good, shown) = check(gatepost().env_remove("UPSTREAM_URL"));
    let fault = "error[variable_unreadable]: expected a value of the environment variable `UPSTREAM_URL`, found none\n";
    assert!(!is_good && shown.contains(fault), "{shown}");
    assert!(shown.contains("| upstream = { env = 'UPSTREAM_URL' }\n"), "{shown}");
    assert!(shown.contains("= help: set the variable"), "{shown}");
}
