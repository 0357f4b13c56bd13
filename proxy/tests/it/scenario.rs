//! Tests of `gatepost send --scenario`.

use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::*;

const EXAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/scenario.toml"));

/// Serves a config in which every kind has the address of `app`.
fn serve(app: &App) -> Gatepost {
    let template = format!(
        "[[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
         bind = ['push.example.com']\non.'*' = '{}'\n",
        app.url("/events")
    );
    Gatepost::serve("", &template)
}

/// Plays a scenario, and skips its pauses. Returns the exit code, and standard output followed by
/// standard error.
fn play(text: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("scenario.toml"), text).unwrap();
    fs::write(folder.path().join("key"), KEY).unwrap();
    let mut command = gatepost();
    command.args(["send", "--scenario", "scenario.toml", "--speed", "max"]).args(arguments);
    let output = command.current_dir(folder.path()).env("TENCENT_KEY", KEY).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains(KEY), "expected no {KEY}, found {text}");
    (output.status.code(), text)
}

#[test]
fn example_plays_the_steps_of_two_streams_in_the_order_of_their_times() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    let to = format!("http://127.0.0.1:{}/callbacks/tencent", gate.port);
    let before = now();
    let (code, text) = play(EXAMPLE, &["--to", &to]);
    assert_eq!(code, Some(0), "{text}");
    let expected = "      \
      0.0 s  morning-show  push  200 {\"code\":0}
    600.0 s  match  push  200 {\"code\":0}
    660.0 s  match  interruption  200 {\"code\":0}
    665.0 s  match  push  200 {\"code\":0}
   1800.0 s  morning-show  recording_file  200 {\"code\":0}
   3065.0 s  match  interruption  200 {\"code\":0}
   3600.0 s  morning-show  recording_file  200 {\"code\":0}
   3900.0 s  morning-show  interruption  200 {\"code\":0}
";
    assert_eq!(text, expected);
    // The times in the callbacks are as far apart as the times of the steps in the file.
    let events: Vec<Json> = app.seen().iter().map(|seen| seen.json()).collect();
    assert_eq!(events.len(), 8);
    let start = events[0]["event_time"].as_u64().unwrap();
    assert!(start.abs_diff(before) <= 5, "expected {before} ± 5 s, found {start}");
    assert_eq!(events[1]["event_time"], start + 600);
    assert_eq!(events[4]["file_id"], "morning-show-1");
    assert_eq!(events[6]["file_id"], "morning-show-2");
    assert_eq!(
        (&events[6]["start_time"], &events[6]["end_time"]),
        (&start.into(), &(start + 3600).into())
    );
    assert_eq!(events[7]["event_time"], start + 3900);
}

const HEAD: &str = "provider = 'tencent-css'\nkey = { file = 'key' }\n[[stream]]\nname = 'one'\n";

#[test]
fn checks_expected_statuses_and_reads_key_from_folder_of_the_file() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    let to = format!("http://127.0.0.1:{}/callbacks/tencent", gate.port);
    // No template binds this tenant.
    let step = "step = [{ kind = 'push', fields = { app = 'other.example.com' }, expect_status = 404 },\n\
                { kind = 'push', after = '1s' }]\n";
    let refused = gate.send(&post(
        "/callbacks/tencent",
        &push().replace("push.example.com", "other.example.com"),
    ));
    let step = step.replace("404", &refused.status.to_string());
    let (code, text) = play(&format!("{HEAD}{step}"), &["--to", &to, "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!((&lines[1]["at_secs"], &lines[1]["status"]), (&1.0.into(), &200.into()));
    assert_eq!(lines[0]["expected"], true);
    let (code, text) = play(&format!("{HEAD}{step}"), &["--to", &to, "--key", "wrong"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("  (unexpected)\n"), "{text}");
    let end = "callbacks; see the log of the server\n";
    assert!(text.contains("found another status for ") && text.ends_with(end), "{text}");
}

#[test]
fn reports_faults_before_the_first_callback() {
    let app = App::answering(200, "");
    let gate = serve(&app);
    let to = format!("http://127.0.0.1:{}/callbacks/tencent", gate.port);
    let step = |step: &str| format!("{HEAD}step = [{{ kind = 'push' }}, {step}]\n");
    let without_provider = "[[stream]]\nname = 'one'\nstep = [{ kind = 'push' }]\n";
    for (text, found) in [
        (step("{ kind = 'pusch' }"), "did you mean `push`"),
        (step("{ kind = 'push', fields = { colour = 1 } }"), "expected a known field or setting"),
        (
            step("{ kind = 'push', fields = { app = [1] } }"),
            "expected a string, a number or a boolean",
        ),
        (step("{ kind = 'push', after = 'soon' }"), "write a number and a unit"),
        (step("{ kind = 'push', to = '/callbacks' }"), "write, for example, http://127.0.0.1:8080"),
        (step("{ kind = 'push', pause = '1s' }"), "unknown field `pause`"),
        (step("{ after = '1s' }"), "missing field `kind`"),
        (without_provider.to_owned(), "write provider at the top of the file"),
        (
            HEAD.replace("file = 'key'", "file = 'none'") + "step = []\n",
            "none: expected a file that gatepost can use",
        ),
        (
            HEAD.replace("file = 'key'", "env = 'UNSET'") + "step = []\n",
            "environment variable UNSET, found none",
        ),
        ("provider = ".to_owned(), "scenario.toml: TOML parse error"),
    ] {
        let (code, shown) = play(&text, &["--to", &to]);
        assert!(
            matches!(code, Some(1 | 2)),
            "{text}: expected exit code 1 or 2, found {code:?}: {shown}"
        );
        assert!(shown.contains(found), "{text}: expected {found}, found {shown}");
    }
    let (code, shown) = play(&step("{ kind = 'push' }"), &[]);
    assert!(code == Some(2) && shown.contains("add --to, or write `to`"), "{shown}");
    assert_eq!(app.seen().len(), 0);
    for arguments in [&["tencent-css.push"][..], &["--print"], &["--speed", "0"]] {
        let (code, shown) = play(&step("{ kind = 'push' }"), arguments);
        assert_eq!(code, Some(2), "{shown}");
    }
    let output = gatepost().args(["send", "--speed", "2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
