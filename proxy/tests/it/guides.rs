//! Tests of the guides of the manual. A test writes the files of a guide, runs its commands in one
//! shell, and compares the output with the page. Other tests check the examples for Rust and for
//! Kubernetes.
//!
//! An ellipsis in an output represents any text. A `log` block contains a line that gatepost must
//! log after the start of the previous block of commands.

use std::collections::BTreeSet;

use tempfile::TempDir;

use crate::guide_shell::{Block, Shell, blocks, fits, page, root};
use crate::support::gatepost;

/// Runs a guide. Returns the number of compared outputs.
fn run(guide: &str) -> usize {
    run_with_example(guide, "")
}

/// Runs a guide whose app is an example of this workspace.
fn run_with_example(guide: &str, example: &'static str) -> usize {
    let mut shell = Shell::start(example);
    let (mut last, mut compared) = (String::new(), 0);
    for Block { language, file, text } in blocks(&page(guide)) {
        match (language.as_str(), file) {
            ("sh", _) => last = shell.run(&text),
            ("text", _) => {
                let expected = shell.with_ports(&text);
                let log = shell.log();
                assert!(
                    fits(&expected, &last),
                    "{guide}: expected {expected}\nfound {last}\n{log}"
                );
                compared += 1;
            }
            ("log", _) => {
                shell.wait_for_log(&text);
                compared += 1;
            }
            (_, Some(file)) => shell.write(&file, &text),
            _ => {}
        }
    }
    compared
}

#[test]
fn guide_for_php_shows_actual_outputs() {
    assert_eq!(run("php"), 6);
}

#[test]
fn guide_for_node_shows_actual_outputs() {
    assert_eq!(run("node"), 4);
}

#[test]
fn guide_for_kollus_shows_actual_outputs() {
    assert_eq!(run("kollus"), 1);
}

#[test]
fn guide_for_two_platforms_shows_actual_outputs() {
    assert_eq!(run("platforms"), 4);
}

#[test]
fn guide_for_keys_shows_actual_outputs() {
    assert_eq!(run("keys"), 2);
}

#[test]
fn guide_for_several_machines_shows_actual_outputs() {
    assert_eq!(run("machines"), 2);
}

#[test]
fn guide_for_receivers_shows_actual_outputs() {
    assert_eq!(run("receiver"), 8);
}

#[test]
#[ignore = "needs Go"]
fn guide_for_go_shows_actual_outputs() {
    assert_eq!(run("go"), 1);
}

/// Uses Laravel's router to serve the Laravel routes of the guide.
#[test]
#[ignore = "needs php-illuminate-routing"]
fn guide_for_laravel_shows_actual_outputs() {
    assert_eq!(run("laravel"), 1);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_express_shows_actual_outputs() {
    assert_eq!(run("express"), 1);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_python_shows_actual_outputs() {
    assert_eq!(run("python"), 4);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_fastapi_shows_actual_outputs() {
    assert_eq!(run("fastapi"), 1);
}

#[test]
#[ignore = "needs puma and Rack"]
fn guide_for_ruby_shows_actual_outputs() {
    assert_eq!(run("ruby"), 1);
}

/// Needs a built workspace: the app of the guide is `examples/recordings.rs`.
#[test]
#[ignore = "needs the examples of the workspace"]
fn guide_for_axum_shows_actual_outputs() {
    assert_eq!(run_with_example("axum", "recordings"), 3);
}

#[test]
#[ignore = "needs the examples of the workspace"]
fn guide_for_tonic_shows_actual_outputs() {
    assert_eq!(run_with_example("tonic", "grpc_server"), 1);
}

#[test]
#[ignore = "needs the examples of the workspace"]
fn guide_for_pingora_shows_actual_outputs() {
    assert_eq!(run_with_example("pingora", "own_proxy"), 2);
}

#[test]
fn apps_of_guides_for_rust_are_the_examples() {
    for (guide, example) in
        [("axum", "recordings"), ("tonic", "grpc_server"), ("pingora", "own_proxy")]
    {
        let file = root().join(format!("examples/{example}.rs"));
        let example = std::fs::read_to_string(file).unwrap();
        let is_rust = |block: &Block| block.language.starts_with("rust");
        let app = blocks(&page(guide)).into_iter().find(is_rust).unwrap();
        let (_, code) = example.split_once("\n\n").unwrap();
        assert_eq!(app.text, code.trim_end(), "{guide}");
    }
}

/// Returns the crates and features of the lines with `cargo add` in a guide.
fn added(guide: &str) -> Vec<(String, Vec<String>)> {
    let lines = page(guide);
    let lines = lines.lines().filter_map(|line| line.strip_prefix("cargo add "));
    lines
        .flat_map(|line| {
            let (crates, features) = line.split_once(" --features ").unwrap_or((line, ""));
            let features: Vec<_> =
                features.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
            let crates = crates.split(' ').map(|name| (name.to_owned(), features.clone()));
            crates.collect::<Vec<_>>()
        })
        .collect()
}

/// Returns the names of the crates that a manifest declares.
fn declared(manifest: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join(manifest)).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let tables = ["dependencies", "dev-dependencies"].into_iter();
    let tables = tables.filter_map(|table| manifest.get(table)?.as_table());
    tables.flat_map(|table| table.keys().map(|name| name.replace('-', "_"))).collect()
}

/// Returns the first segment of each Rust path in the code of an app.
fn first_segments(code: &str) -> BTreeSet<&str> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let lines = code.lines().flat_map(|line| {
        let of_use = line.strip_prefix("use ").and_then(|rest| rest.split("::").next());
        let others = line.split(|c| !is_of_path(c)).filter(|path| path.contains("::"));
        let others = others.filter_map(|path| path.split("::").next());
        match of_use {
            Some(first) => vec![first],
            None => others.collect(),
        }
    });
    lines.collect()
}

#[test]
fn guides_for_rust_add_the_crates_that_their_app_uses() {
    let declared = [declared("Cargo.toml"), declared("proxy/Cargo.toml")].concat();
    for (guide, example) in
        [("axum", "recordings"), ("tonic", "grpc_server"), ("pingora", "own_proxy")]
    {
        let file = root().join(format!("examples/{example}.rs"));
        let code = std::fs::read_to_string(file).unwrap();
        let own = ["gatepost".to_owned(), "gatepost_proxy".to_owned()];
        let crates: BTreeSet<_> = declared.iter().chain(&own).map(String::as_str).collect();
        let used: Vec<_> = first_segments(&code).intersection(&crates).copied().collect();
        let added = added(guide);
        let mut names: Vec<_> = added.iter().map(|(name, _)| name.replace('-', "_")).collect();
        names.sort();
        assert_eq!(
            names, used,
            "{guide}: expected `cargo add` of the crates of {example}, found others"
        );
        let has = |name: &str, feature: &str| {
            added.iter().any(|(own, features)| own == name && features.iter().any(|f| f == feature))
        };
        assert!(has("gatepost", "axum") || !code.contains("gatepost::axum"), "{guide}");
        assert!(has("tokio", "full") || !code.contains("#[tokio::main]"), "{guide}");
    }
}

#[test]
fn config_in_kubernetes_manifest_has_no_faults() {
    let manifest =
        std::fs::read_to_string(root().join("examples/kubernetes/gatepost.yaml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "  gatepost.toml: |").skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    let config: Vec<_> = lines.map(|line| line.strip_prefix("    ").unwrap_or_default()).collect();
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("tencent-css.key");
    std::fs::write(&keys, "a-key-of-32-letters-and-digits-01").unwrap();
    let config = config.join("\n").replace("/etc/gatepost-keys", folder.path().to_str().unwrap());
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    let output = gatepost().args(["check", "-c"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn kubernetes_manifest_fits_the_schemas_of_kubernetes() {
    let output = std::process::Command::new("python3")
        .args(["-m", "kubernetes_validate", "--strict", "examples/kubernetes/gatepost.yaml"])
        .env("PYTHONPATH", root().join("target/peers/python"))
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "expected success, found {text}");
    assert_eq!(text.matches("passed for resource").count(), 3, "{text}");
}
