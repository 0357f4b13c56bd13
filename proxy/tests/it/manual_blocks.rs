//! Tests of the fenced blocks of the README and of the manual: the tests run `gatepost check` on
//! each config, and check the syntax of scripts and JSON.
//!
//! `guides.rs` runs the guides, and rustdoc compiles the Rust blocks. The pages of platforms, of
//! providers, of TLS and of rollout have separate tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::guide_shell::{Block, blocks, root};
use crate::support::gatepost;

/// A route and a template, for blocks that show a part of a config.
const ROUTES: &str = r#"
[[route]]
path     = "/callbacks/tencent"
provider = "tencent-css"

[[template]]
name     = "live"
provider = "tencent-css"
keys     = ["a-key-of-32-letters-and-digits-1"]
bind     = ["*"]
"#;

/// Pages whose configs other tests check, and the page of scenarios, whose TOML is not a config.
const OTHER_PAGES: [&str; 5] =
    ["language.md", "providers.md", "tls.md", "rollout.md", "scenario.md"];

/// Returns the README and the pages of the manual, except for the pages of platforms.
fn pages() -> Vec<PathBuf> {
    let manual = root().join("src/manual");
    let files = [manual.clone(), manual.join("guides")];
    let files = files.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|file| file.unwrap().path());
    let mut pages: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root().join("README.md"));
    assert!(pages.len() > 40, "expected more than 40 pages, found {pages:?}");
    pages
}

/// Returns the blocks in `language`, each with its page.
pub fn all(language: &str) -> Vec<(PathBuf, Block)> {
    let of_page = |page: PathBuf| {
        let blocks = blocks(&fs::read_to_string(&page).unwrap());
        blocks.into_iter().map(move |block| (page.clone(), block))
    };
    let all = pages().into_iter().flat_map(of_page);
    all.filter(|(_, block)| block.language == language).collect()
}

/// If a part of a config has no route, adds [`ROUTES`] to the part.
fn whole_config(part: &str) -> String {
    if part.contains("[[route]]") {
        return part.to_owned();
    }
    let (mut before, mut after) = (String::new(), String::new());
    let mut is_of_template = false;
    for line in part.lines() {
        if line.starts_with('[') {
            is_of_template = line.starts_with("[template");
        }
        let place = if is_of_template { &mut after } else { &mut before };
        *place += &format!("{line}\n");
    }
    format!("{before}{ROUTES}{after}")
}

/// Returns the names of the environment variables of a config.
fn variables(config: &str) -> impl Iterator<Item = &str> {
    config.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next())
}

fn check(config: &str) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    for file in ["tencent-css.key", "kollus.token"] {
        fs::write(folder.path().join(file), "a-key-of-32-letters-and-digits-1").unwrap();
    }
    let mut command = gatepost();
    command.arg("check").current_dir(&folder);
    for name in variables(config) {
        command.env(name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(text).unwrap()) }
}

#[test]
fn each_config_of_the_manual_has_no_faults() {
    let mut checked = 0;
    for (page, block) in all("toml") {
        let name = page.file_name().unwrap().to_str().unwrap();
        // A program without the feature `otlp` refuses the config key `otlp`.
        let needs_feature = block.text.contains("otlp") && !cfg!(feature = "otlp");
        if OTHER_PAGES.contains(&name) || needs_feature {
            continue;
        }
        let config = whole_config(&block.text);
        check(&config).unwrap_or_else(|text| {
            panic!("{}: expected no fault, found {text}\n{config}", page.display())
        });
        checked += 1;
    }
    assert!(checked > 8, "expected more than 8 configs in the manual, found {checked}");
}

#[test]
fn each_json_block_of_the_manual_is_json() {
    for (page, block) in all("json") {
        let json = serde_json::from_str::<serde_json::Value>(&block.text);
        assert!(json.is_ok(), "{}: expected JSON, found {json:?}", page.display());
    }
}

/// Checks the syntax of a script with the program that runs it.
fn lint(page: &Path, program: &str, arguments: &[&str], script: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("expected {program}, found {error}; install it"));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        output.status.success(),
        "{}: expected valid syntax, found {text}\n{script}",
        page.display()
    );
}

#[test]
fn each_script_of_the_manual_has_valid_syntax() {
    for (page, block) in all("sh") {
        lint(&page, "bash", &["-n"], &block.text);
    }
    for (page, block) in all("php") {
        let is_part = block.text.starts_with("->");
        let text = if is_part { format!("$app{};", block.text) } else { block.text };
        let script = if text.starts_with("<?php") { text } else { format!("<?php\n{text}") };
        lint(&page, "php", &["-l"], &script);
    }
}
