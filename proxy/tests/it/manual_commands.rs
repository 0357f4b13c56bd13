//! Tests that run the commands in the README and in the manual, and compare their output with the
//! page. `guides.rs` runs the commands of most guides. [`NOT_RUN`] lists the blocks that no test
//! runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::guide_shell::{Shell, blocks, fits, root};
use crate::manual_blocks::all;
use crate::support::App;

/// Blocks that a test outside `guides.rs` runs: the page, and the start of the block.
const RUN: [(&str, &str); 19] = [
    ("README.md", "curl -s http://127.0.0.1:8080/callbacks/kollus/try-me"),
    ("README.md", "t=$(($(date +%s) + 600))"),
    ("README.md", "curl -s -w '%{http_code}\\n'"),
    ("README.md", "export KOLLUS_PATH_TOKEN="),
    ("account.md", "$ export TENCENTCLOUD_SECRET_ID="),
    ("commands.md", "$ gatepost send tencent-css.push"),
    ("commands.md", "$ gatepost explain"),
    ("deploy.md", ""),
    ("providers.md", ""),
    ("queue.md", "gatepost queue list"),
    ("queue.md", "pid=$(pidof gatepost)"),
    ("scenario.md", "$ gatepost send --scenario"),
    ("templates.md", "gatepost template create"),
    ("templates.md", "curl -X PUT"),
    ("testing.md", "$ curl -i"),
    ("tls.md", "#!/bin/sh"),
    ("tls.md", "curl --unix-socket"),
    ("tls.md", "openssl req"),
    ("api.md", "curl -H"),
];

/// Blocks that no test runs: the page, the start of the block, and the reason.
const NOT_RUN: [(&str, &str, &str); 13] = [
    ("README.md", "./examples/quickstart", "a program for a terminal; a test prints its help"),
    ("README.md", "./tests/run", "runs the tests; a test prints its help"),
    (
        "install.md",
        "proxy/packaging/build deb",
        "`proxy/packaging/try` builds and tries the packages",
    ),
    ("install.md", "sudo apt-get install", "`proxy/packaging/try` installs the package"),
    ("install.md", "sudoedit", "needs the installed service; `proxy/packaging/try` starts it"),
    ("install.md", "sha256sum", "`proxy/packaging/try` unpacks the archive"),
    ("install.md", "sudo useradd", "needs root; `proxy/packaging/try` makes the user"),
    ("install.md", "docker build", "`proxy/packaging/try` builds the image"),
    ("install.md", "export KOLLUS_PATH_TOKEN=", "needs Docker"),
    ("install.md", "cargo install", "compiles for minutes"),
    ("install.md", "source <(", "changes the shell of the reader; a test prints the completions"),
    ("queue.md", "# Recover the rows", "needs a damaged file; the tests of the store damage files"),
    ("tls.md", "install -o gatepost", "needs the user of the package"),
];

/// Returns the pages that `guides.rs` runs.
fn guides() -> Vec<String> {
    let source = fs::read_to_string(root().join("proxy/tests/it/guides.rs")).unwrap();
    let calls = ["assert_eq!(run(\"", "assert_eq!(run_with_example(\""];
    let calls = calls.iter().flat_map(|call| source.split(call).skip(1));
    calls.map(|rest| format!("{}.md", rest.split('"').next().unwrap())).collect()
}

#[test]
fn each_block_of_commands_runs_in_a_test_or_has_a_reason() {
    let guides = guides();
    assert!(guides.len() > 12, "{guides:?}");
    let mut blocks: Vec<(String, String)> = Vec::new();
    for language in ["sh", "console"] {
        for (page, block) in all(language) {
            blocks.push((page.file_name().unwrap().to_string_lossy().into(), block.text));
        }
    }
    let listed = RUN.map(|(page, start)| (page, start)).into_iter();
    let listed: Vec<_> = listed.chain(NOT_RUN.map(|(page, start, _)| (page, start))).collect();
    for (page, text) in blocks.iter().filter(|(page, _)| !guides.contains(page)) {
        let is_listed = listed.iter().any(|(own, start)| own == page && text.starts_with(start));
        assert!(is_listed, "{page}: expected a row in RUN or NOT_RUN, found none for\n{text}");
    }
    for (page, start) in listed {
        let is_used = blocks.iter().any(|(own, text)| own == page && text.starts_with(start));
        assert!(is_used, "expected a block of {page} that starts with {start}, found none");
    }
}

/// Compares a block of `rust.md` with the example in the docs of the crate `gatepost-store`.
/// rustdoc compiles this example.
#[test]
fn rust_page_shows_the_example_of_the_store_crate() {
    let source = fs::read_to_string(root().join("proxy/store/src/lib.rs")).unwrap();
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let code: Vec<_> = lines.filter(|line| !line.starts_with("# ")).collect();
    let example = block("rust.md", "use std::{path::Path, sync::Arc, time::Duration};");
    assert!(
        code.join("\n").contains(&example),
        "expected the block of rust.md in the docs of the crate, found none"
    );
}

/// Returns the block that starts with `start` on a page.
fn block(page: &str, start: &str) -> String {
    let text = fs::read_to_string(root().join("src/manual").join(page)).unwrap();
    let block = blocks(&text).into_iter().find(|block| block.text.starts_with(start));
    block.unwrap_or_else(|| panic!("expected {start} in a block of {page}, found none")).text
}

/// Splits a block into the commands, which begin with `$ `, and their output.
fn session(block: &str) -> (String, String) {
    let (mut commands, mut output, mut continues) = (String::new(), String::new(), false);
    for line in block.lines() {
        let command = line.strip_prefix("$ ").or_else(|| continues.then_some(line));
        continues = command.is_some_and(|command| command.ends_with('\\'));
        let into = if command.is_some() { &mut commands } else { &mut output };
        *into += &format!("{}\n", command.unwrap_or(line));
    }
    (commands.trim_end().into(), output.trim_end().into())
}

/// Applies `change` to the commands of a block, runs them, and compares their output with the
/// output in the block.
fn check(shell: &mut Shell, page: &str, start: &str, change: impl Fn(String) -> String) {
    let (commands, expected) = session(&block(page, start));
    let found = shell.run(&change(commands));
    let (expected, log) = (shell.with_ports(&expected), shell.log());
    assert!(fits(&expected, &found), "{page}: expected {expected}\nfound {found}\n{log}");
}

/// Starts gatepost in a shell, with a template for Tencent CSS. `top` contains further lines of the
/// config, and `on` is the TOML value for all kinds. Returns the shell.
fn serving(top: &str, on: &str) -> Shell {
    let mut shell = Shell::start("");
    let config = format!(
        "listen = ['127.0.0.1:8080']\nadmin = '127.0.0.1:9900'\n{top}\n\
         [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
         bind = ['push.example.com']\n[template.on]\n\"*\" = {on}\n"
    );
    shell.write("gatepost.toml", &config);
    shell.run("export TENCENT_KEY=test GATEPOST_ADMIN_TOKEN=an-admin-token");
    shell.run("gatepost run &");
    shell
}

const FIXED: &str = "{ answer = {} }";

#[test]
fn page_of_commands_shows_their_output() {
    let mut shell = serving("", FIXED);
    check(&mut shell, "commands.md", "$ gatepost send", |text| text);
    let zeros = "0".repeat(32);
    let body = format!(
        "{{\"app\":\"push.example.com\",\"event_type\":1,\"t\":1703732078,\"sign\":\"{zeros}\"}}"
    );
    let request = format!(
        "POST /callbacks/tencent HTTP/1.1\r\nhost: gate.example.com\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    shell.write("request.http", &request);
    shell.run("truncate -s -1 request.http");
    check(&mut shell, "commands.md", "$ gatepost explain", |text| text);
}

#[test]
fn page_of_scenarios_shows_output_of_its_command() {
    let mut shell = serving("", FIXED);
    shell.write("scenario.toml", &block("scenario.md", "provider = \"tencent-css\""));
    let start = "$ gatepost send --scenario";
    check(&mut shell, "scenario.md", start, |text| text.replace("--speed 60", "--speed max"));
}

#[test]
fn commands_on_page_of_queue_select_the_event() {
    let app = App::answering(200, "");
    let on = format!("{{ url = '{}', deliver = 'queued' }}", app.url("/push"));
    let mut shell = serving("[store]\nurl = 'sqlite:gatepost.db'", &on);
    let send = "gatepost send tencent-css.push --key test appname=live stream_id=s1 \
                app=push.example.com --to http://127.0.0.1:8080/callbacks/tencent";
    shell.run(send);
    let commands = block("queue.md", "gatepost queue list");
    let (list, replay) = commands.split_once('\n').unwrap();
    let wait = format!("until {list} | grep -q delivered; do :; done\n{list}");
    let listed = shell.run(&wait);
    assert!(listed.contains("live/s1") && listed.contains("prod-live/push"), "{listed}");
    let replayed = shell.run(replay);
    assert!(replayed.contains('1'), "expected one event, found {replayed}");
}

#[test]
fn commands_on_page_of_templates_change_the_config() {
    let mut shell = serving("admin_token = { env = 'GATEPOST_ADMIN_TOKEN' }", FIXED);
    let commands = block("templates.md", "gatepost template create");
    let output = shell.run(&format!("set -e\n{commands}\nset +e\necho succeeded"));
    assert!(output.contains("events-2") && output.ends_with("succeeded"), "{output}");
    assert!(!shell.run("cat gatepost.toml").contains("events-2"));
    shell.run("kill -HUP %1");
    shell.wait_for_log("reloaded the config");
    let bind =
        block("templates.md", "curl -X PUT").replace("curl -X", "curl -s -w '%{http_code}\\n' -X");
    let output = shell.run(&bind);
    assert!(output.ends_with("200") || output.ends_with("204"), "{output}");
    assert!(shell.run("cat gatepost.toml").contains("push2.example.com"));
    let list = block("api.md", "curl -H").replace("curl -H", "curl -s -H");
    let output = shell.run(&format!("{list}; echo"));
    assert!(output.contains("prod-live"), "{output}");
}

#[test]
fn event_of_testing_guide_reaches_the_app() {
    let app = App::answering(200, "{\"allow\":true}");
    let (command, _) = session(&block("guides/testing.md", "$ curl -i"));
    let mut shell = Shell::start("");
    let command = command.replace("127.0.0.1:3000", &format!("127.0.0.1:{}", app.port));
    let output = shell.run(&format!("{command}; echo"));
    assert!(output.starts_with("HTTP/1.1 200") && output.ends_with("{\"allow\":true}"), "{output}");
    let seen = &app.seen()[0];
    assert_eq!(seen.header("ce-type"), Some("com.kollus.live_play"));
}

/// Programs that the guide for deployment calls, and that the test replaces with scripts. Each
/// script writes its arguments to `calls.log`.
const PROGRAMS: [&str; 7] =
    ["apt-get", "install", "systemctl", "journalctl", "docker", "kubectl", "sudo"];

/// Replaces [`PROGRAMS`] with scripts, and runs the commands of the guide. Checks that the files
/// and objects in the arguments of the commands exist.
#[test]
fn commands_of_deployment_guide_name_files_and_objects_that_exist() {
    let mut shell = serving("", FIXED);
    let page = fs::read_to_string(root().join("src/manual/guides/deploy.md")).unwrap();
    let folder = shell.run("mkdir stubs etc && pwd");
    for name in PROGRAMS {
        let act = match name {
            "sudo" => "exec \"$@\"",
            "install" => "shift 4; cp \"$@\"",
            _ => ":",
        };
        let path = Path::new(&folder).join("stubs").join(name);
        fs::write(&path, format!("#!/bin/sh\necho {name} \"$@\" >> {folder}/calls.log\n{act}\n"))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    shell.run("export PATH=$PWD/stubs:$PATH; mkdir run; cd run");
    for block in blocks(&page).into_iter().filter(|block| block.language == "sh") {
        let text = block.text.replace("/etc/gatepost", &format!("{folder}/etc"));
        let text = text.replace("gatepost health", "gatepost health http://127.0.0.1:9900/healthz");
        let text = text.replace("kollus.live_play", "tencent-css.push --key test");
        let text = text.replace("callbacks/kollus/choose-a-long-one", "callbacks/tencent");
        let text = text.replace("push --key AS-IN-THE-CONSOLE", "push --key test");
        shell.run(&format!("set -e\n{}\nset +e", text.replace(" &\n", "\n")));
    }
    let calls = fs::read_to_string(Path::new(&folder).join("calls.log")).unwrap();
    let manifest = fs::read_to_string(root().join("examples/kubernetes/gatepost.yaml")).unwrap();
    for call in calls.lines() {
        let words: Vec<_> = call.split(' ').collect();
        let files = words.windows(2).filter(|pair| pair[0] == "-f" && pair[1].contains('/'));
        for pair in files {
            assert!(root().join(pair[1]).exists(), "expected a file named in `{call}`, found none");
        }
        let objects = words.iter().filter_map(|word| word.strip_prefix("deploy/"));
        for name in objects {
            let object = format!("kind: Deployment\nmetadata:\n  name: {name}\n");
            assert!(manifest.contains(&object), "expected the Deployment of `{call}`, found none");
        }
        if call.starts_with("systemctl") || call.starts_with("journalctl") {
            assert!(words.contains(&"gatepost"), "{call}");
        }
    }
    assert!(root().join("examples/systemd/gatepost.service").exists());
    for (needle, of_manifest) in [
        ("-t gatepost:0.1.0", "image: gatepost:0.1.0"),
        ("secret generic gatepost", "secretName: gatepost"),
        ("--from-literal=tencent-css.key=", "tencent-css.key"),
    ] {
        assert!(calls.contains(needle), "expected {needle}, found:\n{calls}");
        assert!(manifest.contains(of_manifest), "expected {of_manifest}, found:\n{manifest}");
    }
    for program in PROGRAMS {
        assert!(calls.contains(&format!("{program} ")), "expected a call of {program}, found none");
    }
}
