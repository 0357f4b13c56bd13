//! Tests that `gatepost help` explains each code that the source contains, and other topics such as
//! metrics and config keys.

use std::path::{Path, PathBuf};

/// Functions that return codes, each with its file.
const TABLES: [(&str, &str); 9] = [
    ("proxy/src/server/start_error.rs", "pub(crate) fn code"),
    ("proxy/store/src/nats/error.rs", "pub const fn code"),
    ("proxy/store/src/sqlite/error.rs", "pub const fn code"),
    ("src/head/checks.rs", "pub const fn as_str"),
    ("src/shadow/prediction.rs", "const fn code"),
    ("src/shadow/mod.rs", "pub const fn code"),
    ("src/report/mod.rs", "pub fn upstream_failed("),
    ("proxy/src/admin/api/error.rs", "const fn status_and_code"),
    ("proxy/editor/src/error.rs", "pub const fn as_str"),
];

/// Texts after which the Rust source contains the code of a log line. A code is, for example,
/// `app_timeout`.
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

/// Returns the codes of the log lines in `src` and `proxy/src`.
fn in_log_lines() -> Vec<String> {
    let mut files = Vec::new();
    ["src", "proxy/src"].iter().for_each(|folder| sources(&root().join(folder), &mut files));
    let mut codes = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        for before in BEFORE {
            // The code is the first or second argument, before the message.
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

/// Functions whose results are values of the labels `code`, `origin` and `result`.
const LABELS: [(&str, &str); 4] = [
    ("src/conclusion.rs", "pub const fn as_str"),
    ("src/conclusion.rs", "const fn code_and_meaning"),
    ("proxy/src/queue/store.rs", "const fn reason"),
    ("proxy/src/queue/dispatcher.rs", "async fn settle"),
];

#[test]
fn help_explains_every_label_value_that_is_a_code() {
    let of_functions = LABELS.iter().flat_map(|(file, function)| {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        let body = body_of(&source, function).to_owned();
        let arrow = body.lines().filter(|line| line.contains("=> \"") || line.contains("=> (\""));
        let values = arrow.filter_map(|line| line.split('"').nth_back(1).map(str::to_owned));
        let is_word = |text: &String| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        values.filter(is_word).collect::<Vec<_>>()
    });
    let gate = crate::support::Gatepost::serve("", "");
    let metrics = gate.metrics();
    let of_metrics = ["code=\"", "origin=\""].into_iter().flat_map(|label| {
        metrics.split(label).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
    });
    let attempts = metrics.lines().filter(|line| line.starts_with("gatepost_queue_attempts_total"));
    let of_attempts = attempts.filter_map(|line| line.split('"').nth(1).map(str::to_owned));
    let values = of_functions.chain(of_metrics).chain(of_attempts);
    let values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
    for value in ["app", "lease_lost", "unavailable", "request_too_slow", "unauthorized", "expired"]
    {
        assert!(values.iter().any(|found| found == value), "expected {value}, found {values:?}");
    }
    let without: Vec<_> =
        values.iter().filter(|code| gatepost::code_help(code).is_none()).collect();
    assert!(without.is_empty(), "expected help in src/inspect/codes for {without:?}, found none");
}

#[test]
fn help_explains_each_type_of_topic() {
    for (topic, expected) in [
        ("outgoing_tls", "outgoing_tls: top-level table of the config"),
        ("certificate", "certificate: top-level table of the config"),
        ("route", "A path on which a platform sends its callbacks."),
        ("301", "`location` of the response to `curl -i -X POST URL`"),
        ("422", "code event_refused"),
        ("431", "code head_too_large"),
        ("504", "code is app_timeout"),
        ("418", "gatepost does not send this status"),
        ("last_good", "last_good: value of a label"),
        ("last_good", "last_good: table of the config, in [template.on.KIND]"),
        ("app", "app: field of the log"),
        ("app_status", "419, or 403 of a framework: exempt the path from the CSRF check"),
        ("answer_malformed", "turn off compression"),
        (
            "shared_state_lost",
            "meaning: gatepost continues without the shared state, so an app may",
        ),
    ] {
        let text = help(topic);
        let found = text.to_lowercase().contains(&expected.to_lowercase());
        assert!(found, "{topic}: expected {expected}, found:\n{text}");
    }
}

/// Returns the output of `gatepost help` about a topic.
fn help(topic: &str) -> String {
    let output = crate::support::gatepost().args(["help", topic]).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn help_finds_a_metric_by_the_name_of_a_series() {
    let expected = "gatepost_app_duration_seconds: metric of the type histogram\n\n\
                    meaning: Seconds from the sending of the event to the app's answer, or to the end of \
                    gatepost's wait for it.\n\
                    subject: Callbacks\nlabels:  provider, template, kind\nunit:    seconds\n";
    assert_eq!(help("gatepost_app_duration_seconds"), expected);
    assert_eq!(help("gatepost_app_duration_seconds_bucket"), expected);
    assert!(help("metrics").contains("gatepost_refusals_total\tRefused callbacks"));
}

#[test]
fn help_explains_the_status_of_a_path_without_route() {
    let text = help("404");
    assert!(text.contains("No route has this path, and the config has no upstream"), "{text}");
    assert!(text.contains("The log line (code route_not_found)"), "{text}");
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

#[test]
fn help_for_503_lists_only_failures_that_cause_the_status() {
    let text = help("503");
    for code in ["answer_empty", "answer_invalid", "answer_malformed"] {
        assert!(!text.contains(code), "expected no {code}, found:\n{text}");
    }
    for code in ["answer_fatal", "app_timeout", "store_full", "reply_key_missing"] {
        assert!(text.contains(code), "expected {code}, found:\n{text}");
    }
}

#[test]
fn help_for_419_does_not_describe_422() {
    let text = help("419");
    assert!(text.contains("CSRF") && !text.contains("422") && !text.contains("/api"), "{text}");
    let text = help("422");
    assert!(text.contains("On /api"), "expected `On /api`, found:\n{text}");
}

#[test]
fn help_names_key_rotation_failed_attempts_and_private_authority() {
    for (topic, expected) in [
        ("signature_mismatch", "list both keys: keys = ["),
        ("delivery_failed", "after each failed attempt"),
        ("app_unreachable", "ca (the PEM file with the certificate of a private authority)"),
        ("upstream_failed", "ca (the PEM file with the certificate of a private authority)"),
    ] {
        let text = help(topic);
        assert!(text.contains(expected), "{topic}: expected {expected}, found:\n{text}");
    }
}
