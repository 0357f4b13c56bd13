//! Tests of the files that the program generates for shells and `man`, and of `gatepost health`.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Gatepost, KEY, Program, free_port, gatepost};

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = gatepost().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Returns the completions that bash offers for the last of `words`.
fn bash_completions(words: &[&str]) -> Vec<String> {
    let (code, script, _) = output(&["completions", "bash"]);
    assert_eq!(code, Some(0));
    let last = words.len() - 1;
    let line = words.join(" ");
    let run = format!(
        "{script}\nCOMP_WORDS=({line}{}) COMP_CWORD={last}\n\
         _gatepost gatepost '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        if words[last].is_empty() { " ''" } else { "" },
        words[last],
        words[last - 1],
    );
    let bash = Command::new("bash").args(["--norc", "-c", &run]).output().unwrap();
    let errors = String::from_utf8(bash.stderr).unwrap();
    assert_eq!(errors, "", "{run}");
    String::from_utf8(bash.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_options() {
    assert_eq!(bash_completions(&["gatepost", "che"]), ["check"]);
    assert_eq!(bash_completions(&["gatepost", "template", "unb"]), ["unbind"]);
    assert_eq!(bash_completions(&["gatepost", "run", "--up"]), ["--upgrade"]);
}

#[test]
fn bash_completes_the_values_of_an_option() {
    assert_eq!(bash_completions(&["gatepost", "--log-format", ""]), ["json", "text"]);
}

#[test]
fn each_shell_has_completions_of_each_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, errors) = output(&["completions", shell]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{shell}");
        for command in commands() {
            assert!(script.contains(&command), "{shell}: expected {command}, found none");
        }
    }
}

#[test]
fn completions_of_an_unknown_shell_are_an_error_that_lists_the_shells() {
    let (code, _, errors) = output(&["completions", "tcsh"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{errors}");
}

#[test]
fn man_writes_a_page_for_each_command() {
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("man1");
    let (code, stdout, errors) = output(&["man", "--out", pages.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str(), errors.as_str()), (Some(0), "", ""));
    for command in commands() {
        let page = fs::read_to_string(pages.join(format!("gatepost-{command}.1")));
        let page = page.unwrap_or_else(|_| panic!("expected a page for {command}, found none"));
        assert!(page.contains(&format!(".TH gatepost-{command} 1 \"\" \"gatepost ")), "{page}");
    }
    let help = "gatepost-template-help.1".to_owned();
    assert!(!names(&pages).contains(&help), "expected no {help}, found {:?}", names(&pages));
    let whole = fs::read_to_string(pages.join("gatepost.1")).unwrap();
    assert!(whole.contains("GATEPOST_LOG"), "expected `GATEPOST_LOG`, found {whole}");
    assert_eq!(output(&["man"]).1, whole);
}

#[test]
fn man_names_the_path_that_it_cannot_write_to() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (code, _, errors) = output(&["man", "--out", file.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(errors.starts_with(file.to_str().unwrap()), "{errors}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Returns the commands that `gatepost --help` lists, except `help`.
fn commands() -> Vec<String> {
    let (_, help, _) = output(&["--help"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let words = lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    let commands: Vec<_> = words.filter(|command| command != "help").collect();
    assert!(commands.len() > 8, "expected more than 8 commands, found {help}");
    commands
}

#[test]
fn health_succeeds_while_gatepost_serves() {
    let gate = Gatepost::serve("", "");
    let url = format!("http://127.0.0.1:{}/healthz", gate.admin);
    assert_eq!(output(&["health", &url]), (Some(0), "ok\n".into(), String::new()));
}

#[test]
fn health_fails_without_a_listener() {
    let (code, stdout, errors) = output(&["health", &format!("http://127.0.0.1:{}", free_port())]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(errors.contains("Connection refused"), "expected `Connection refused`, found {errors}");
}

#[test]
fn health_fails_if_status_is_not_2xx() {
    let gate = Gatepost::serve("", "");
    let (code, _, errors) = output(&["health", &format!("http://127.0.0.1:{}/no", gate.admin)]);
    assert_eq!(code, Some(1));
    let expected = "expected a 2xx status, found 404 Not Found; see the log of the server\n";
    assert_eq!(errors, expected);
}

#[test]
fn health_requires_an_absolute_address() {
    for wrong in ["127.0.0.1:9900", "/healthz", "a b"] {
        let (code, _, errors) = output(&["health", wrong]);
        assert_eq!(code, Some(2), "{wrong}");
        assert!(errors.contains("expected an address such as http://127.0.0.1:9900"), "{errors}");
    }
}

#[test]
fn health_checks_an_admin_listener_on_a_unix_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("admin.sock");
    let place = format!("unix:{}:/healthz", socket.display());
    let (code, _, errors) = output(&["health", &place]);
    assert_eq!(code, Some(1), "{errors}");
    let config = folder.path().join("gatepost.toml");
    let text = format!(
        "listen = '127.0.0.1:{}'\nadmin = 'unix:{}'\nthreads = 1\n\
         [[route]]\npath = '/t'\nprovider = 'tencent-css'\n[[template]]\nname = 'a'\n\
         provider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\nbind = 'a.test'\n\
         description = {{ env = 'ABOUT' }}\non.'*' = {{ answer = {{}} }}\n",
        free_port(),
        socket.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&config).env("TENCENT_KEY", KEY).env("ABOUT", "one");
    let program = Program::start(&mut command);
    program.wait_for_line("listening for the operator");
    // `gatepost run` logs the warnings of `gatepost check`.
    assert!(program.log().contains("tenant_unnamed"), "{}", program.log());
    // `gatepost check` prints the name of a variable, not its value.
    let mut check = gatepost();
    check.args(["check", "--format", "json", "-c"]).arg(&config);
    let checked = check.env("TENCENT_KEY", KEY).env("ABOUT", "one").output().unwrap().stdout;
    let checked: serde_json::Value = serde_json::from_slice(&checked).unwrap();
    assert_eq!(checked["variables"], serde_json::json!({ "template[0].description": "ABOUT" }));
    for place in [place, format!("unix:{}", socket.display())] {
        assert_eq!(output(&["health", &place]), (Some(0), "ok\n".into(), String::new()));
    }
}
