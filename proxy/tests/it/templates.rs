//! Tests of `gatepost template`, the command that edits templates.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::gatepost;

const CONFIG: &str = "\
# The gate of the studio.
listen = ['127.0.0.1:8080'] # proxy

[[route]]
path     = '/kollus' # theirs
provider = 'kollus'

[[route]]
path     = '/tencent'
provider = 'tencent-css'

# Members only
[[template]]
name     = 'paid' # as in the console
provider = 'kollus'
bind     = ['c1'] # channels

[template.on] # the play
live_play = { answer = { result = 1 } } # everyone

# the end
";

/// The config file that the commands edit, in its own folder.
struct File {
    folder: TempDir,
    path: PathBuf,
}

/// Exit code, standard output and standard error of a command.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("gatepost.toml");
        std::fs::write(&path, text).unwrap();
        Self { folder, path }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gatepost();
        command.arg("template").args(arguments).arg("-c").arg(&self.path);
        command.env("KEY", "hunter2").stdin(Stdio::null());
        command
    }

    fn call(&self, arguments: &[&str]) -> Done {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn good(&self, arguments: &[&str]) -> String {
        let done = self.call(arguments);
        assert_eq!((done.code, &*done.err), (Some(0), ""), "{arguments:?}");
        done.out
    }

    /// Runs a command that must fail with these texts and leave the file unchanged.
    fn refused(&self, arguments: &[&str], because: &[&str]) {
        let before = self.text();
        let done = self.call(arguments);
        assert_eq!((done.code, &*done.out), (Some(1), ""), "{arguments:?}");
        for part in because {
            assert!(
                done.err.contains(part),
                "{arguments:?}: expected {part}, found:\n{}",
                done.err
            );
        }
        assert_eq!(self.text(), before, "{arguments:?}");
        assert_eq!(std::fs::read_dir(&self.folder).unwrap().count(), 1, "{arguments:?}");
    }
}

const CREATE: &[&str] = &[
    "create",
    "直播-1",
    "--provider",
    "tencent-css",
    "--description",
    "Live",
    "--key-env",
    "KEY",
    "--bind",
    "push.example.com",
    "--bind",
    "*",
    "--on",
    "push=http://127.0.0.1:3000/push",
    "--answer",
    "*={}",
    "--setting",
    "grace_secs=60",
];

const CREATED: &str = "
[[template]]
name = \"直播-1\"
description = \"Live\"
provider = \"tencent-css\"
keys = [{ env = \"KEY\" }]
bind = [\"push.example.com\", \"*\"]

[template.settings]
grace_secs = 60

[template.on]
push = \"http://127.0.0.1:3000/push\"
\"*\" = { answer = {} }
";

#[test]
fn creates_binds_changes_and_deletes_template() {
    let file = File::new(CONFIG);
    let shown = file.path.display();
    let effect = "send a running gatepost a SIGHUP to reload the config";
    let printed = file.good(CREATE);
    assert_eq!(printed, format!("created `直播-1` in {shown}; {effect}\n"));
    assert_eq!(file.text(), format!("{CONFIG}{CREATED}"));

    assert_eq!(
        file.good(&["list"]),
        "NAME    PROVIDER     TENANTS              KINDS\n\
         paid    kollus       c1                   live_play\n\
         直播-1  tencent-css  push.example.com, *  push, *\n"
    );

    file.good(&["bind", "paid", "c2", "c3"]);
    file.good(&["unbind", "paid", "c1"]);
    let change = ["--on", "error=http://127.0.0.1:3000/e", "--off", "*", "--description", ""];
    file.good(&[&["modify", "直播-1", "--rename", "new"], &change[..]].concat());
    let expected = format!("{CONFIG}{CREATED}")
        .replace("['c1']", "[\"c2\", \"c3\"]")
        .replace("name = \"直播-1\"\ndescription = \"Live\"", "name = \"new\"")
        .replace("\"*\" = { answer = {} }", "error = \"http://127.0.0.1:3000/e\"");
    assert_eq!(file.text(), expected);

    file.good(&["unbind", "new", "push.example.com", "*"]);
    let done = file.call(&["delete", "new", "--yes"]);
    let warning = "expected a template for the callbacks of Tencent Cloud CSS, found none";
    assert_eq!(done.code, Some(0));
    assert!(done.err.contains(warning), "expected {warning}, found {}", done.err);
    assert_eq!(file.text(), CONFIG.replace("['c1']", "[\"c2\", \"c3\"]"));
}

#[test]
fn shows_template_without_secrets() {
    let literal = "[[template]]\nname = 'old'\nprovider = 'kollus'\n\
                   on.live_play.answer = { result = 1 }\n\
                   settings.security_key = 's3cret'\nsettings.live_play_reply = 'jwt'\n\
                   settings.custom_key = { env = 'KEY' }\n\
                   [[template]]\nname = 'older'\nprovider = 'tencent-css'\n\
                   keys = ['s3cret', { env = 'KEY' }]\non.push.answer = {}\n";
    let file = File::new(&format!("{CONFIG}{literal}"));
    let old = file.good(&["show", "old"]);
    assert_eq!(
        old,
        "name                      old\ndescription               -\n\
         provider                  kollus\nkeys                      -\n\
         tenants                   -\nsettings.security_key     [secret]\n\
         settings.live_play_reply  jwt\nsettings.custom_key       env KEY\n\
         on.live_play              {\"answer\":{\"result\":1}}\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&file.good(&["show", "older", "--json"])).unwrap();
    assert_eq!(json["keys"], serde_json::json!([{ "secret": true }, { "env": "KEY" }]));
    let json: serde_json::Value = serde_json::from_str(&file.good(&["list", "--json"])).unwrap();
    let names: Vec<_> = json["templates"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["paid", "old", "older"]);
    let all = [&["list"][..], &["list", "--json"], &["show", "older"], &["show", "old", "--json"]];
    for arguments in all {
        let shown = file.good(arguments);
        assert!(
            !shown.contains("s3cret") && !shown.contains("hunter2"),
            "expected no secret, found {shown}"
        );
    }
}

#[test]
fn shows_templates_of_invalid_file() {
    let file = File::new(&CONFIG.replace("listen", "lisden"));
    assert!(file.good(&["list"]).contains("paid"));
    assert!(file.good(&["show", "paid"]).contains("on.live_play"));
    file.refused(&["bind", "paid", "c2"], &["expected a valid config", "lisden: expected"]);
}

#[test]
fn reports_every_fault_of_resulting_config() {
    let file = File::new(CONFIG);
    let long = "x".repeat(101);
    let name = "播".repeat(31);
    let create = |name: &str, description: &str, extra: &[&str]| {
        let start = ["create", name, "--provider", "tencent-css", "--description", description];
        let all = [&start[..], &["--on", "push=http://127.0.0.1:3000/"], extra].concat();
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let refused = |arguments: Vec<String>, because: &[&str]| {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        file.refused(&arguments, because);
    };
    let faults = [
        "expected a valid config, found faults, so gatepost keeps the old config; correct these faults",
        "expected at most 30 characters, found 31; use 1 to 30 Chinese characters",
        "expected at most 100 characters, found 101",
        "template[1].on.pusch: expected a known kind, found \"pusch\"; did you mean `push`?",
        "template[1].settings.graec: expected a known setting, found \"graec\"",
        "expected a value of the environment variable `NO_SUCH_KEY`, found none",
    ];
    let extra = ["--on", "pusch=http://x/", "--setting", "graec=1", "--key-env", "NO_SUCH_KEY"];
    refused(create(&name, &long, &extra), &faults);
    for name in ["a b", "a.b", "", "é"] {
        refused(create(name, "", &["--key-env", "KEY"]), &["template[1].name: expected "]);
    }
    refused(create("x", "", &[]), &["expected keys, because Tencent Cloud CSS signs, found none"]);
    let fits = create(&"播".repeat(30), &"x".repeat(100), &["--key-env", "KEY"]);
    file.good(&fits.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn refuses_edits_that_the_admin_api_refuses() {
    let file = File::new(&format!("{CONFIG}{CREATED}"));
    let answer = "live_play={\"result\":1}";
    let other = ["create", "other", "--provider", "kollus", "--answer", answer];
    file.good(&other);
    file.refused(&other, &["expected an unused template name, found `other`; choose another name"]);
    file.refused(
        &["bind", "other", "c1"],
        &["found `c1`, which is bound to the template `paid`; unbind the tenant"],
    );
    file.refused(
        &["delete", "paid", "--yes"],
        &["expected no tenants of the template `paid`, found `c1`; unbind these tenants"],
    );
    file.refused(&["modify", "paid", "--off", "live_play"], &["expected an address or an answer"]);
    file.refused(&["create", "n", "--provider", "kollus"], &["expected an address or an answer"]);
    file.refused(
        &["unbind", "other", "c1"],
        &["expected a tenant of `other`, found `c1`; bound tenants: none"],
    );
    file.refused(
        &["show", "unknown"],
        &["expected an existing template, found `unknown`; existing templates: `paid`"],
    );
    file.refused(&["modify", "paid"], &["expected a change, found none"]);
    // gatepost compares domains in lower case.
    let folded = ["create", "n", "--provider", "tencent-css", "--key-env", "KEY"];
    let folded = [&folded[..], &["--on", "push=http://x/", "--bind", "PUSH.example.com"]].concat();
    file.refused(&folded, &["expected an unbound tenant, found a tenant of `直播-1`"]);
    // Templates of different providers may bind the same tenant.
    file.good(&["bind", "other", "push.example.com"]);
}

#[test]
fn delete_refuses_template_that_a_route_names_and_rename_edits_this_route() {
    let pinned = CONFIG.replace("path     = '/kollus'", "template = 'paid'\npath     = '/kollus'");
    let file = File::new(&pinned);
    file.good(&["unbind", "paid", "c1"]);
    file.refused(&["delete", "paid", "--yes"], &["expected no route that names `paid`"]);
    file.good(&["modify", "paid", "--rename", "new"]);
    assert!(file.text().contains("template = \"new\"\npath     = '/kollus' # theirs\n"));
}

#[test]
fn delete_asks_for_confirmation() {
    let file = File::new(CONFIG);
    file.good(&["unbind", "paid", "c1"]);
    let why = "you cannot undo the deletion of `paid`; confirm at a terminal, or add --yes";
    file.refused(&["delete", "paid"], &[why]);
    for (input, code) in [("n\n", 1), ("y\n", 0)] {
        assert!(file.text().contains("paid"));
        let printed = on_terminal(&file, &["delete", "paid"], |_| input, code);
        assert!(
            printed.contains("you cannot undo the deletion of `paid`; delete `paid`? [y/N]"),
            "{printed}"
        );
    }
    assert!(!file.text().contains("paid"));
}

#[test]
fn does_not_overwrite_file_that_changes_during_confirmation() {
    let file = File::new(CONFIG);
    file.good(&["unbind", "paid", "c1"]);
    let by_hand = file.text().replace("# the end", "# by hand");
    let change = |file: &File| {
        std::fs::write(&file.path, &by_hand).unwrap();
        "y\n"
    };
    let printed = on_terminal(&file, &["delete", "paid"], change, 1);
    assert!(printed.contains("found a file that has changed since the edit began"), "{printed}");
    assert_eq!(file.text(), by_hand);
    let mut names = std::fs::read_dir(&file.folder).unwrap().map(|entry| entry.unwrap().path());
    let kept = names.find(|path| path.display().to_string().contains(".rejected-")).unwrap();
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("# the end") && !kept.contains("paid"), "{kept}");
}

#[test]
fn commands_in_manual_succeed() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/manual/templates.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let file = File::new(CONFIG);
    let program = gatepost().get_program().to_owned();
    let block = block.replace("gatepost template", &format!("'{}' template", program.display()));
    let output = Command::new("sh")
        .args(["-ec", &block])
        .current_dir(&file.folder)
        .env("TENCENT_KEY", "x")
        .output()
        .unwrap();
    assert!(output.status.success(), "expected success, found {output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("events-2  tencent-css  push2.example.com  push, *"), "{printed}");
    assert_eq!(file.text(), CONFIG);
}

/// Runs the program on a terminal. After the program's question, types the text that `input`
/// returns. Checks the exit code, and returns the program's output.
fn on_terminal(
    file: &File,
    arguments: &[&str],
    input: impl FnOnce(&File) -> &'static str,
    code: i32,
) -> String {
    let command = file.command(arguments);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = Command::new("script")
        .args(["-qefc", &words.join(" "), "/dev/null"])
        .env("KEY", "hunter2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("expected the program `script`, found none; install util-linux");
    let mut out = BufReader::new(terminal.stdout.take().unwrap());
    let mut printed = String::new();
    out.read_line(&mut printed).unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    keyboard.write_all(input(file).as_bytes()).unwrap();
    while out.read_line(&mut printed).is_ok_and(|length| length > 0) {}
    drop(keyboard);
    assert_eq!(terminal.wait().unwrap().code(), Some(code), "{printed}");
    printed
}

#[test]
fn edits_keep_signing_secret_and_never_show_it() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let line = format!("signing_secret = ['{secret}', {{ env = 'SIGNING' }}] # both");
    let bound = "bind     = ['c1'] # channels\n";
    let file = File::new(&CONFIG.replace(bound, &format!("{bound}{line}\n")));
    for arguments in [
        &["show", "paid"][..],
        &["show", "paid", "--json"],
        &["modify", "paid", "--description", "Members"],
        &["bind", "paid", "c2"],
        &["list"],
        &["list", "--json"],
    ] {
        let output = file.command(arguments).env("SIGNING", secret).output().unwrap();
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{arguments:?}: expected success, found {shown}");
        assert!(!shown.contains("MfKQ"), "{arguments:?}: expected no secret, found {shown}");
        assert!(file.text().contains(&line), "{arguments:?}: expected {line}, found none");
        if arguments[0] == "show" {
            assert!(shown.contains("signing_secret") && shown.contains("SIGNING"), "{shown}");
        }
    }
}
