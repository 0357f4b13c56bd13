//! Queued events as an operator sees them: filters by name, and JSON with masked values.

use gatepost::{EntryState, QueueEntry, QueueFilter, StoreStatus, StoredEvent};
use http::HeaderName;
use serde_json::{Value as Json, json};

/// Sets the condition called `name` of a filter. Returns false for an unknown name.
///
/// # Errors
///
/// Returns a description of the expected values if `value` is invalid.
pub(crate) fn set_condition(
    filter: &mut QueueFilter,
    name: &str,
    value: &str,
) -> Result<bool, &'static str> {
    let given = Some(value).filter(|value| !value.is_empty()).map(Into::into);
    match name {
        "template" => filter.template = given,
        "kind" => filter.kind = given,
        "subject" => filter.subject = given,
        "id" => filter.id = given,
        "state" => {
            let parse = |value| EntryState::parse(value).ok_or("pending, delivered or dead");
            filter.state = given.as_deref().map(parse).transpose()?;
        }
        "failing" => {
            let parse = |value: &str| value.parse().map_err(|_| "true or false");
            filter.is_failing = given.as_deref().map(parse).transpose()?.unwrap_or_default();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Returns the status of the store as JSON.
pub(crate) fn status_json(status: &StoreStatus) -> Json {
    let total = |state| {
        let total = status.of(state);
        json!({ "count": total.count, "bytes": total.bytes })
    };
    let totals = EntryState::ALL.map(|state| (state.as_str().to_owned(), total(state)));
    let mut status_json = Json::Object(totals.into_iter().collect());
    status_json["oldest_pending"] = json!(status.oldest_pending.map(|oldest| oldest.to_string()));
    status_json
}

/// Returns an event without headers and body.
pub(crate) fn entry_json(entry: &QueueEntry) -> Json {
    json!({
        "number": entry.number,
        "id": entry.id,
        "template": entry.lane.template(),
        "kind": entry.lane.kind(),
        "source": entry.source,
        "subject": entry.subject,
        "received": entry.received.to_string(),
        "state": entry.state.as_str(),
        "attempts": entry.attempts,
        "due": (entry.state == EntryState::Pending).then(|| entry.due.to_string()),
        "claimed": entry.is_claimed,
        "ended": entry.ended.map(|ended| ended.to_string()),
        "reason": entry.reason,
        "replay": entry.is_replay,
        "bytes": entry.bytes,
    })
}

/// Returns an event with headers and body. Values that may be secrets are masked.
pub(crate) fn event_json(entry: &QueueEntry, event: &StoredEvent) -> Json {
    let headers = event.headers.iter().map(|(name, value)| {
        let shown =
            if is_plain(name) { String::from_utf8_lossy(value.as_bytes()) } else { MASK.into() };
        json!([name.as_str(), shown])
    });
    let mut shown = entry_json(entry);
    shown["headers"] = headers.collect();
    shown["body"] = match serde_json::from_slice::<Json>(&event.body) {
        Ok(mut body) => {
            mask(&mut body);
            body
        }
        Err(_) => json!(format!("{} bytes that are not JSON", event.body.len())),
    };
    shown
}

/// Text that replaces a value that may be a secret.
const MASK: &str = "***";

/// Returns true if gatepost sets the header, or if its value is never a secret.
fn is_plain(name: &HeaderName) -> bool {
    let name = name.as_str();
    let plain = ["content-type", "user-agent", "traceparent", "tracestate"];
    ["ce-", "gatepost-", "x-forwarded-"].iter().any(|start| name.starts_with(start))
        || plain.contains(&name)
}

/// Masks the members whose names suggest a secret, at any depth. In other text, masks everything
/// after `?`, because an address may contain a secret in its query.
fn mask(json: &mut Json) {
    const SECRET: [&str; 9] =
        ["auth", "cookie", "hash", "key", "param", "pass", "secret", "sign", "token"];
    match json {
        Json::Object(members) => members.iter_mut().for_each(|(name, value)| {
            let name = name.to_ascii_lowercase();
            if SECRET.iter().any(|word| name.contains(word)) {
                *value = MASK.into();
            } else {
                mask(value);
            }
        }),
        Json::Array(items) => items.iter_mut().for_each(mask),
        Json::String(text) => {
            if let Some((address, _)) = text.split_once('?') {
                *text = format!("{address}?{MASK}");
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
