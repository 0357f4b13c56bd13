//! Tests that gatepost accepts callbacks with a config from `gatepost init`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use gatepost::Definition;
use tempfile::TempDir;

use crate::mock::{Act, App};
use crate::support::{Program, free_port, gatepost};

/// Runs a command line in a shell whose `gatepost` is the tested program.
fn shell(folder: &Path, line: &str) -> (Option<i32>, String) {
    let programs = Path::new(env!("CARGO_BIN_EXE_gatepost")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path).env_remove("GATEPOST_LOG");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn new_config_of_each_provider_passes_check_and_accepts_callback_of_printed_command() {
    let app = App::start(|_| Act::Answer(200, "{\"allow\":true}"));
    for name in Definition::built_in_names() {
        let folder = TempDir::new().unwrap();
        let app_url = format!("http://127.0.0.1:{}/events", app.port);
        let init = format!("gatepost init --provider {name} --app {app_url}");
        let (code, printed) = shell(folder.path(), &init);
        assert_eq!(code, Some(0), "{name}: {printed}");
        assert_names_each_address(name, folder.path(), &printed);
        // If `init` prints no `gatepost send` command, the config has a public key: only the
        // platform can sign.
        if !printed.contains("gatepost send ") {
            let is_accepted = checks_with_public_key(name, folder.path());
            assert!(
                is_accepted,
                "{name}: expected a valid config with a public key, found a fault"
            );
            continue;
        }
        let (code, checked) = shell(folder.path(), "gatepost check");
        assert_eq!(code, Some(0), "{name}: {checked}");

        let (port, admin) = (free_port(), free_port());
        let path = folder.path().join("gatepost.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        let moved =
            config.replace(":8080", &format!(":{port}")).replace(":9900", &format!(":{admin}"));
        std::fs::write(&path, moved).unwrap();
        let mut run = gatepost();
        let program = Program::start(run.arg("run").current_dir(&folder));
        program.wait_for_line("listening for the operator");
        let send = printed.lines().find(|line| line.trim().starts_with("gatepost send ")).unwrap();
        let before = app.seen().len();
        let (code, reply) = shell(folder.path(), &send.replace(":8080", &format!(":{port}")));
        assert_eq!(code, Some(0), "{name}: {send}: {reply}");
        assert_eq!(app.seen().len(), before + 1, "{name}");
    }
}

/// Tries a public key of each type. Returns true if `gatepost check` accepts the config with one of
/// the keys.
fn checks_with_public_key(name: &str, folder: &Path) -> bool {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it/keys");
    ["rsa", "ed", "ec"].iter().any(|kind| {
        let public = keys.join(format!("{kind}_public.pem"));
        std::fs::copy(public, folder.join(format!("{name}.key"))).unwrap();
        shell(folder, "gatepost check").0 == Some(0)
    })
}

/// Checks that the printed steps name the address of each route and the file of each secret.
fn assert_names_each_address(name: &str, folder: &Path, printed: &str) {
    let config = std::fs::read_to_string(folder.join("gatepost.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let (steps, _) = printed.split_once("\nNext:").unwrap();
    for route in config["route"].as_array().unwrap() {
        let path = route["path"].as_str().unwrap().replace("{token}", "TOKEN");
        assert!(
            steps.contains(&format!("https://YOUR-HOST{path}")),
            "{name}: {path}: expected `https://YOUR-HOST{path}`, found:\n{steps}"
        );
        let has_token = path.contains("TOKEN");
        let has_keys = config["template"][0].get("keys").is_some();
        for (ending, is_needed) in [("key", has_keys), ("token", has_token)] {
            assert_eq!(steps.contains(&format!("{name}.{ending}")), is_needed, "{name}: {steps}");
        }
        // YouTube's hub signs notifications. Its challenge has no signature, so the path contains a
        // token.
        assert!(has_token != has_keys || name == "youtube", "{name}");
        assert_eq!(route.get("token").is_some(), has_token, "{name}");
    }
    assert!(
        !steps.contains("{url}") && !steps.contains("{key_file}"),
        "{name}: expected neither `{{url}}` nor `{{key_file}}`, found:\n{steps}"
    );
}

#[test]
fn new_secrets_are_readable_only_by_owner_and_not_printed() {
    let folder = TempDir::new().unwrap();
    let (_, printed) = shell(folder.path(), "gatepost init --provider tencent-css");
    let file = folder.path().join("tencent-css.key");
    let key = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        key.trim().len() == 32 && !printed.contains(key.trim()),
        "expected a key of 32 characters that gatepost does not print, found {printed}"
    );
    assert!(printed.contains("https://YOUR-HOST/callbacks/tencent-css"), "{printed}");
}

#[test]
fn init_for_layer_prints_rust_lines_and_writes_config_without_listener() {
    let folder = TempDir::new().unwrap();
    let (code, printed) = shell(folder.path(), "gatepost init --provider github --door layer");
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains(".layer(gatepost::GateLayer::new(gate))"), "{printed}");
    let config = std::fs::read_to_string(folder.path().join("gatepost.toml")).unwrap();
    assert!(!config.contains("listen"), "expected no `listen`, found:\n{config}");
    let subject = "# Config of gatepost's layer in a Rust app that receives callbacks of GitHub.\n";
    assert!(config.starts_with(subject), "{config}");
    assert!(shell(folder.path(), "gatepost check").1.contains("warning[listen_missing]"));
    assert!(printed.contains("\n  gatepost check --door layer\n"), "{printed}");
    let (code, checked) = shell(folder.path(), "gatepost check --door layer");
    assert_eq!(code, Some(0), "{checked}");
    assert!(!checked.contains("warning"), "expected no warning, found:\n{checked}");
    let (code, printed) = shell(
        folder.path(),
        "gatepost init --force --provider github --door layer --app http://x/y",
    );
    assert_eq!(code, Some(2));
    assert!(printed.contains("expected neither --app nor --upstream with --door layer"));
}

#[test]
fn new_config_lists_the_definition_file() {
    let folder = TempDir::new().unwrap();
    let definition = "name = 'my-camera'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
                      setup = 'Enter {url}.'\n[request]\nmethods = 'POST'\nbody = 'json'\n\
                      [signature]\ndigest = 'hmac-sha256'\nparts = 'body'\nfound_in = 'header:x-sig'\n\
                      encoding = 'hex'\nkey = { prefix = 'cam_', encoding = 'base64' }\n\
                      [kind]\nfrom = '/event'\n[kinds.motion]\nsample = '{\"event\":\"motion\"}'\n";
    std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
    for out in ["gatepost.toml", "etc/gatepost.toml"] {
        std::fs::create_dir_all(folder.path().join("etc")).unwrap();
        let (code, printed) =
            shell(folder.path(), &format!("gatepost init --definition cam.toml --out {out}"));
        assert_eq!(code, Some(0), "{printed}");
        assert!(printed.contains("Enter https://YOUR-HOST/callbacks/my-camera."), "{printed}");
        assert!(printed.contains("gatepost send my-camera.motion --definition "), "{printed}");
        let (code, checked) = shell(folder.path(), &format!("gatepost check -c {out}"));
        assert_eq!(code, Some(0), "{checked}");
        assert!(!checked.contains("secret_unprefixed"), "{checked}");
    }
    let key = std::fs::read_to_string(folder.path().join("my-camera.key")).unwrap();
    assert!(key.starts_with("cam_"), "expected `cam_` at the start, found {key}");
    let (code, printed) =
        shell(folder.path(), "gatepost init --definition cam.toml --provider mux --out m.toml");
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("expected provider mux, found my-camera"), "{printed}");
}

#[test]
fn adds_platforms_to_an_existing_config_and_keeps_its_lines() {
    let folder = TempDir::new().unwrap();
    let (code, printed) = shell(folder.path(), "gatepost init --provider kollus");
    assert_eq!(code, Some(0), "{printed}");
    let names = "kollus.token, kollus.security_key, kollus.custom_key and kollus.lms_key";
    assert!(printed.starts_with(&format!("wrote gatepost.toml, {names}\n")), "{printed}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let first = read("gatepost.toml");
    let (code, printed) = shell(folder.path(), "gatepost init --provider tencent-css --add");
    assert_eq!(code, Some(0), "{printed}");
    let files = "wrote tencent-css.platform.toml and tencent-css.key\n\
                 added include to gatepost.toml\n";
    assert!(printed.starts_with(files), "{printed}");
    let second = read("gatepost.toml");
    let mut lines = second.lines();
    assert!(first.lines().all(|line| lines.any(|own| own == line)), "{second}");

    let (code, printed) = shell(folder.path(), "gatepost init --provider mux --add");
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.starts_with("wrote mux.platform.toml and mux.key\n\nSet up"), "{printed}");
    assert_eq!(read("gatepost.toml"), second);
    let (code, checked) = shell(folder.path(), "gatepost check");
    assert_eq!(code, Some(0), "{checked}");
    for path in ["/callbacks/kollus/", "/callbacks/tencent-css", "/callbacks/mux"] {
        assert!(shell(folder.path(), "gatepost routes").1.contains(path), "{path}");
    }
}

#[test]
fn refuses_to_add_platform_without_config_or_twice_or_beside_another_include() {
    let folder = TempDir::new().unwrap();
    let add = |name: &str| shell(folder.path(), &format!("gatepost init --provider {name} --add"));
    let (code, printed) = add("mux");
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("expected an existing config for --add"), "{printed}");
    assert_eq!(shell(folder.path(), "gatepost init --provider mux").0, Some(0));
    let before = std::fs::read_to_string(folder.path().join("gatepost.toml")).unwrap();
    let (code, printed) = add("mux");
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("path_taken") || printed.contains("/callbacks/mux"), "{printed}");
    let left = folder.path().join("mux.platform.toml");
    assert!(!left.exists(), "expected no file, found {}", left.display());
    assert_eq!(std::fs::read_to_string(folder.path().join("gatepost.toml")).unwrap(), before);

    std::fs::write(folder.path().join("other.toml"), "").unwrap();
    let with_other = format!("include = ['other.toml']\n{before}");
    std::fs::write(folder.path().join("gatepost.toml"), with_other).unwrap();
    let (code, printed) = add("kollus");
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("add \"*.platform.toml\" to `include`"), "{printed}");
    assert!(!folder.path().join("kollus.token").exists(), "expected no token, found one");
    let (code, printed) = shell(folder.path(), "gatepost init --provider srs --add --listen :1");
    assert_eq!(code, Some(2), "{printed}");
}

#[test]
fn faults_in_values_of_options_name_the_options() {
    let folder = TempDir::new().unwrap();
    for (options, expected) in [
        ("--provider srs --app nowhere", "--app: expected a valid URL, found no http://"),
        (
            "--provider srs --listen 80",
            "--listen: expected an address to listen on, found a port alone",
        ),
        // The command does not know the public key of this provider, so it cannot check the config.
        ("--provider discord --listen 80", "--listen: expected an address to listen on, found"),
        (
            "--provider srs --app \"$(printf 'http://a\\033')\"",
            "--app: expected a valid URL, found",
        ),
    ] {
        let (code, printed) = shell(folder.path(), &format!("gatepost init {options}"));
        assert_eq!(code, Some(2), "{printed}");
        assert!(printed.starts_with(expected), "expected {expected}, found {printed}");
        assert!(!printed.contains("gatepost.toml"), "{printed}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "expected no file, found {left:?}");
    }
    assert_eq!(shell(folder.path(), "gatepost init --provider mux").0, Some(0));
    let (code, printed) = shell(folder.path(), "gatepost init --provider srs --add --app nowhere");
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.starts_with("--app: expected a valid URL, found no http://"), "{printed}");
}
