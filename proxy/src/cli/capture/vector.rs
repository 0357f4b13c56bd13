//! A captured callback as a test vector: a folder in the form of `tests/vectors` of the repository.

use std::fs;
use std::path::Path;

use gatepost::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};

use crate::cli::error::CommandError;
use crate::cli::recorded_request::RecordedRequest;

/// Attributes of CloudEvents that the `ce-` headers of the event contain.
const ATTRIBUTES: [&str; 6] = ["specversion", "id", "source", "type", "subject", "time"];

/// Writes `case.toml` and `body` to the folder. For an accepted callback whose event has JSON data,
/// also writes `event.json`.
///
/// # Errors
///
/// Returns an error for a request with a masked or cut part, because gatepost cannot judge the
/// request again. Returns an error if gatepost cannot write a file.
pub(super) fn save(
    folder: &Path,
    view: &Json,
    request: &RecordedRequest,
) -> Result<(), CommandError> {
    let recorded = request.recorded.as_ref().filter(|recorded| !recorded.is_masked);
    let Some(recorded) = recorded else {
        let problem = "expected a whole request, found a masked or cut part; set capture = \"full\" in \
                       [inspector] before the callback arrives; if the request has a token or a \
                       credential, or gatepost cut its body, write the vector by hand";
        return Err(CommandError::argument("--vector", problem));
    };
    let is_accepted = recorded.verdict == "accepted";
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| CommandError::File { path, source })
    };
    let created = fs::create_dir_all(folder);
    created.map_err(|source| CommandError::File { path: folder.to_owned(), source })?;
    let now = Timestamp::from_secs(recorded.at).as_secs();
    write("case.toml", case(view, request, now, is_accepted).as_bytes())?;
    write("body", &request.body)?;
    match event(view).filter(|_| is_accepted) {
        Some(event) => write("event.json", format!("{event:#}\n").as_bytes()),
        None => Ok(()),
    }
}

fn case(view: &Json, request: &RecordedRequest, now: i64, is_accepted: bool) -> String {
    let code = if is_accepted { "accepted" } else { view["code"].as_str().unwrap_or_default() };
    let kind = view["kind"].as_str().unwrap_or("callback");
    let mut lines = vec![
        format!("what    = {}", quoted(&format!("a captured {kind}"))),
        format!("now     = {now}"),
        format!("verdict = {}", quoted(code)),
    ];
    let was_asked = view["answer"].is_object();
    if is_accepted && !was_asked {
        lines.push("asked   = false".into());
    }
    lines.extend([
        String::new(),
        "[request]".into(),
        format!("method = {}", quoted(request.method.as_str())),
        format!("path   = {}", quoted(&request.uri.to_string())),
    ]);
    let header = |name: &http::HeaderName| {
        let value =
            request.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        format!("{} = {}", quoted(name.as_str()), quoted(&value.unwrap_or_default()))
    };
    let headers = request.headers.keys().filter(|name| *name != http::header::CONTENT_LENGTH);
    let headers: Vec<_> = headers.map(header).collect();
    if !headers.is_empty() {
        lines.extend([String::new(), "[request.headers]".into()]);
        lines.extend(headers);
    }
    for (table, name) in [("app", "answer"), ("reply", "reply")] {
        let Some(status) = status(&view[name]) else { continue };
        let body = view[name]["body"].as_str().unwrap_or_default();
        lines.extend([String::new(), format!("[{table}]"), format!("status = {status}")]);
        lines.push(format!("body   = {}", quoted(body)));
    }
    lines.join("\n") + "\n"
}

/// Returns the status at the start of a message's first line, such as `200 OK`.
fn status(message: &Json) -> Option<u16> {
    message["line"].as_str()?.split(' ').next()?.parse().ok()
}

/// Returns the event in the structured mode of CloudEvents; `None` if the callback has no event
/// with JSON data.
fn event(view: &Json) -> Option<Json> {
    let headers = view["event"]["headers"].as_array()?;
    let header = |name: &str| {
        let found = headers.iter().find(|header| header[0].as_str() == Some(name))?;
        found[1].as_str()
    };
    let mut event = Map::new();
    for name in ATTRIBUTES {
        if let Some(value) = header(&format!("ce-{name}")) {
            let value = percent_decode_str(value).decode_utf8_lossy();
            event.insert(name.to_owned(), json!(value));
        }
    }
    event.get("id")?;
    event.insert("datacontenttype".into(), json!(header("content-type")?));
    event.insert("data".into(), serde_json::from_str(view["event"]["body"].as_str()?).ok()?);
    Some(event.into())
}

/// Returns `text` as a basic string of TOML. Such strings have the escapes of JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}
