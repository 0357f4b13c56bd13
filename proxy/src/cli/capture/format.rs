//! A captured callback and a replay as text for a person.

use serde_json::Value as Json;

use super::rows::millis;
use crate::table::plain;

/// Returns the text that describes a captured callback.
pub(super) fn shown(view: &Json) -> String {
    let text = |name: &str| view[name].as_str().unwrap_or("-");
    let mut lines = vec![
        format!("callback {} at {} from {}", view["id"], text("at"), text("from")),
        format!(
            "{:<10} {} in total, {} in the app",
            "time",
            millis(view, "elapsed_ms"),
            millis(view, "app_ms")
        ),
    ];
    for step in view["steps"].as_array().into_iter().flatten() {
        let word = |name: &str| step[name].as_str().unwrap_or_default();
        lines.push(format!("{:<10} {}", word("name"), word("found")));
    }
    if view["is_of_earlier_config"] == true {
        let note = "computed with the current config, which gatepost loaded after this callback";
        lines.push(format!("{:<10} {note}", "steps"));
    }
    lines.push(format!("{:<10} {}", "verdict", text("explanation")));
    let messages = [
        ("request", "request"),
        ("event to the app", "event"),
        ("answer of the app", "answer"),
        ("reply to the platform", "reply"),
    ];
    for (title, name) in messages {
        if view[name].is_object() {
            lines.extend(message(title, &view[name]));
        }
    }
    if view["is_masked"] == true {
        lines.push(String::new());
        lines.push("*** replaces each signature and each secret".into());
    }
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

/// Returns the text that describes a replay.
pub(super) fn replayed(result: &Json) -> String {
    let text = |name: &str| result[name].as_str().unwrap_or("-");
    let edited = if result["is_edited"] == true { "edited" } else { "unchanged" };
    let mut lines = vec![format!(
        "sent the event {} again, {edited}; the app took {}",
        text("event_id"),
        millis(result, "app_ms")
    )];
    lines.extend(message("answer of the app", &result["answer"]));
    let title = format!("preview of the reply to the platform ({})", text("code"));
    lines.extend(message(&title, &result["reply"]));
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn message(title: &str, message: &Json) -> Vec<String> {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![String::new(), format!("--- {title}"), text(&message["line"])];
    for header in message["headers"].as_array().into_iter().flatten() {
        lines.push(format!("{}: {}", text(&header[0]), text(&header[1])));
    }
    let body = text(&message["body"]);
    if !body.is_empty() {
        lines.push(String::new());
        lines.extend(body.lines().map(ToOwned::to_owned));
    }
    if message["is_cut"] == true {
        lines.push(format!("[cut: the whole body has {} bytes]", message["body_bytes"]));
    }
    lines
}

/// Replaces control characters except tabs.
fn printable(line: &str) -> String {
    line.split('\t').map(plain).collect::<Vec<_>>().join("\t")
}
