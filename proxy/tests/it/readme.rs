//! Tests of the README: its commands print the output that it shows, and its figures are those of
//! the page of figures.

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
    assert_eq!(tried, 3, "curl blocks with an output in the README");
}

/// Runs the block that starts an app and gatepost. One shell runs all lines of the block, as if an
/// operator pasted it.
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
        assert!(help.status.success(), "expected success of {script} --help, found a failure");
        assert!(
            String::from_utf8(help.stdout).unwrap().contains(script),
            "expected {script} in the help, found none"
        );
    }
}

/// Returns the cells of each row of the tables in a text.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("| "));
    lines.map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Rows of the README's table of speed, each with the name of its work in the page of figures.
const SPEED: [(&str, &str); 4] = [
    ("Tencent push, answered by the app", "push (430 B)"),
    ("Kollus play, answered by the app", "Kollus play (form)"),
    ("bad signature, refused", "bad signature"),
    ("request that is not a callback", "pass-through"),
];

#[test]
fn readme_shows_speed_from_the_page_of_figures() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let (readme, figures) = (read("README.md"), read("src/manual/figures.md"));
    let (readme_rows, measured) = (rows(&readme), rows(&figures));
    let of_readme = |name: &str| readme_rows.iter().find(|row| row[0] == name).unwrap();
    for (name, work) in SPEED {
        let row = of_readme(name);
        let others = row[2].split(", ").map(|other| other.rsplit_once(' ').unwrap());
        for (by, micros) in [("gatepost", row[1])].into_iter().chain(others) {
            let by = by.strip_prefix("bare ").unwrap_or(by);
            let found = measured.iter().find(|row| row[0] == work && row[1] == by).unwrap();
            assert_eq!(found[2], micros, "{name}, {by}");
        }
    }
    let layer = of_readme("callback in your own process, with the layer");
    let by_hand = layer[2].strip_prefix("handwritten signature check ").unwrap();
    let text = figures.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [
        format!("through `.layer()` and a typed handler takes {} µs", layer[1]),
        format!("only a handwritten signature check takes {by_hand} µs"),
    ] {
        assert!(text.contains(&sentence), "expected `{sentence}` in figures.md, found none");
    }
}

#[test]
fn readme_shows_fault_runs_from_the_page_of_figures() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let (readme, figures) = (read("README.md"), read("src/manual/figures.md"));
    let (_, table) = figures.split_once("| fault under load |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let runs = rows(table);
    let number = |cell: &str| cell.replace(',', "").parse::<u64>().unwrap();
    let sent: u64 = runs.iter().map(|row| number(row[1])).sum();
    assert!(runs.iter().all(|row| number(row[4]) == 0), "expected no lost event, found:\n{table}");
    let (millions, tenths) = (sent / 1_000_000, sent % 1_000_000 / 100_000);
    let sentence = format!("In {} runs under load", runs.len());
    assert!(readme.contains(&sentence), "expected `{sentence}` in the README, found none");
    let sentence = format!("{millions}.{tenths} million requests got the right reply");
    let text = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&sentence), "expected `{sentence}` in the README, found none");
}

#[test]
fn readme_has_at_most_220_lines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    assert!(lines <= 220, "expected at most 220 lines, found {lines}; move details to src/manual");
}
