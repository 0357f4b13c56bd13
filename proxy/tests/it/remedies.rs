//! Tests of the remedies that messages, log lines and help texts give to the operator.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{
    Act, App, Gatepost, KEY, PLAY, Program, TOKEN, free_port, gatepost, now, post, sign,
};

/// Runs a command in a folder. Returns its exit code and both outputs.
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
        assert!(help.contains(text), "{topic}: expected {text} in:\n{help}");
    }
}

#[test]
fn help_for_empty_answer_runs_script_before_it_names_empty_answer() {
    let text = help("answer_empty");
    let (_, remedy) = text.split_once("remedy:").unwrap();
    let (first, rest) = remedy.split_once("empty_answer").unwrap();
    assert!(first.contains("`php -l FILE`"), "{text}");
    assert!(rest.contains("a syntax error then lets every viewer in"), "{text}");
}
