//! Checks that `gatepost help` explains each code in the source.

use std::path::{Path, PathBuf};

/// Functions that return codes, with the file of each.
const TABLES: [(&str, &str); 8] = [
    ("src/head/checks.rs", "pub const fn as_str"),
    ("src/shadow/prediction.rs", "const fn code"),
    ("src/shadow/mod.rs", "pub const fn code"),
    ("src/report/mod.rs", "pub fn upstream_failed("),
    ("proxy/src/inbound/unfinished.rs", "const fn as_str"),
    ("proxy/src/tls/handshake.rs", "const fn code"),
    ("proxy/src/admin/api/error.rs", "const fn status_and_code"),
    ("proxy/editor/src/error.rs", "pub const fn as_str"),
];

/// Source texts that precede the code of a log line.
const BEFORE: [&str; 5] =
    ["report::warned(", "report::closed(", "code = ", "limited_line!(", "event_line!("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_code(text: &str) -> bool {
    let letters = text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    letters && (text.contains('_') || ["accepted", "unseen", "panic"].contains(&text))
}

/// Returns the codes among the string literals of a text.
fn literals(text: &str) -> impl Iterator<Item = String> {
    text.split('"').skip(1).step_by(2).filter(|text| is_code(text)).map(str::to_owned)
}

fn body_of<'a>(source: &'a str, function: &str) -> &'a str {
    let (_, rest) = source.split_once(function).unwrap();
    let ends = ["\n    }\n", "\n}\n"].iter().filter_map(|end| rest.find(end));
    &rest[..ends.min().unwrap()]
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the codes of the log lines in all sources.
fn in_log_lines() -> Vec<String> {
    let mut files = Vec::new();
    ["src", "proxy/src"].iter().for_each(|folder| sources(&root().join(folder), &mut files));
    let mut codes = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        for before in BEFORE {
            // A code is the first or second argument. The message follows it.
            let calls = code.split(before).skip(1);
            codes.extend(calls.flat_map(|rest| {
                let statement = rest.split([';', '{']).next().unwrap();
                literals(statement).take(1).collect::<Vec<_>>()
            }));
        }
    }
    codes
}

#[test]
fn help_explains_every_code_of_log_api_and_metrics() {
    let tables = TABLES.iter().flat_map(|(file, function)| {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        literals(body_of(&source, function)).collect::<Vec<_>>()
    });
    let codes: Vec<_> = tables.chain(in_log_lines()).collect();
    assert!(codes.len() > 50, "expected more than 50 codes, found {codes:?}");
    let without: Vec<_> = codes.iter().filter(|code| gatepost::code_help(code).is_none()).collect();
    assert!(without.is_empty(), "expected help in src/inspect/codes for {without:?}, found none");
}

/// Returns the output of `gatepost help` about a topic.
fn help(topic: &str) -> String {
    let output = crate::support::gatepost().args(["help", topic]).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn help_explains_a_metric_by_the_name_of_a_series() {
    let expected = "gatepost_app_duration_seconds: metric of the type histogram\n\n\
                    meaning: Seconds from the event to the app's answer, or to the end of the wait.\n\
                    subject: Callbacks\nlabels:  provider, template, kind\nunit:    seconds\n";
    assert_eq!(help("gatepost_app_duration_seconds"), expected);
    assert_eq!(help("gatepost_app_duration_seconds_bucket"), expected);
    assert!(help("metrics").contains("gatepost_refusals_total\tRefused callbacks"));
}

#[test]
fn help_explains_the_status_of_a_path_without_route() {
    let text = help("404");
    assert!(text.contains("the config has no upstream"), "{text}");
}

#[test]
fn help_explains_a_field_of_the_log() {
    let expected = "took_ms: field of the log\n\nmeaning: duration of the stop, in milliseconds\n";
    assert_eq!(help("took_ms"), expected);
}

#[test]
fn help_suggests_the_closest_topic() {
    let text = help("gatepost_refusal_total");
    assert!(text.contains("did you mean `gatepost_refusals_total`?"), "{text}");
}
