//! Checks that the commands in the README print the output that the README shows.

use std::path::Path;
use std::process::Command;

use crate::guide_shell::{Shell, root};
use crate::support::Gatepost;

/// Returns each shell block of the README, with the output block that follows it.
fn blocks() -> Vec<(String, Option<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks: Vec<(String, Option<String>)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|word| !word.is_empty()) else {
            continue;
        };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push((block, None)),
            ("text", Some((_, output @ None))) => *output = Some(block),
            _ => {}
        }
    }
    blocks
}

#[test]
fn every_curl_command_prints_output_shown_in_readme() {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/quickstart.toml");
    let config = std::fs::read_to_string(quickstart).unwrap();
    let config = config
        .replace("listen = [\"127.0.0.1:8080\"]\n", "")
        .replace("admin  = \"127.0.0.1:9900\"\n", "");
    let gate = Gatepost::serve_config(&config);
    let mut tried = 0;
    for (command, expected) in blocks() {
        let (true, Some(expected)) = (command.contains("curl"), expected) else { continue };
        let command = command.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", gate.port));
        let output = Command::new("sh").arg("-c").arg(&command).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), expected, "{command}");
        tried += 1;
    }
    assert_eq!(tried, 3, "curl commands in the README");
}

/// Runs the block that starts an app and gatepost, as a user pastes it.
#[test]
fn block_with_php_app_prints_output_shown_in_readme() {
    let (block, expected) =
        blocks().into_iter().find(|(block, _)| block.contains("php -S")).unwrap();
    let mut shell = Shell::start("");
    for (file, more) in [
        ("examples/php/index.php", ""),
        // The shell waits for this listener.
        ("examples/php/gatepost.toml", "admin = \"127.0.0.1:9900\"\n"),
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        shell.write(file, &format!("{more}{text}"));
    }
    assert_eq!(shell.run(&block), expected.expect("expected the output in the README, found none"));
    assert!(!shell.log().contains("tenant_unnamed"), "{}", shell.log());
}

#[test]
fn scripts_in_readme_print_help() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for script in ["examples/quickstart", "tests/run"] {
        assert!(
            blocks().iter().any(|(block, _)| block.strip_prefix("./") == Some(script)),
            "expected a block with {script}, found none"
        );
        let help = Command::new(root.join(script)).arg("--help").output().unwrap();
        assert!(help.status.success(), "expected success of {script}, found a failure");
        assert!(
            String::from_utf8(help.stdout).unwrap().contains(script),
            "expected {script} in the help, found none"
        );
    }
}

#[test]
fn readme_has_at_most_220_lines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    assert!(lines <= 220, "expected at most 220 lines, found {lines}; move details to src/manual");
}
