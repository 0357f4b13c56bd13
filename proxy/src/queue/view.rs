//! Queued events as an operator sees them: the named conditions of a filter, and JSON with masked
//! values.

use gatepost::{Capture, EntryState, Gate, QueueEntry, QueueFilter, StoreStatus, StoredEvent};
use http::HeaderName;
use serde_json::{Value as Json, json};

use crate::capture::{MASK, Mask};

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

/// Masks the secrets in the id, the source, the subject and the reason of an event. The reason may
/// contain a secret that the app wrote. Each other value may contain a secret that the platform
/// wrote.
pub(crate) fn masked(gate: &Gate, mut entry: QueueEntry) -> QueueEntry {
    let mask = mask_of(gate, &entry);
    entry.id = shown(&mask, &entry.id);
    entry.source = shown(&mask, &entry.source);
    entry.subject = entry.subject.as_deref().map(|subject| shown(&mask, subject));
    entry.reason = entry.reason.as_deref().map(|reason| shown(&mask, reason));
    entry
}

fn shown(mask: &Mask<'_>, text: &str) -> Box<str> {
    String::from_utf8_lossy(&mask.text(text.as_bytes())).into()
}

fn mask_of<'g>(gate: &'g Gate, entry: &QueueEntry) -> Mask<'g> {
    // The source is `/provider/tenant`.
    let provider = entry.source.split('/').nth(1).unwrap_or_default();
    Mask::new(gate, Capture::Masked, provider)
}

/// Returns an event as JSON without headers and body. [`masked`] masks the secrets of an event.
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

/// Returns an event as JSON with headers and body. Masks the values that may be secrets. [`masked`]
/// has already masked `entry`.
pub(crate) fn event_json(gate: &Gate, entry: &QueueEntry, event: &StoredEvent) -> Json {
    let mask = EventMask(mask_of(gate, entry));
    let headers = event.headers.iter().map(|(name, value)| {
        let shown = if is_plain(name) { mask.text(value.as_bytes()) } else { MASK.into() };
        json!([name.as_str(), shown])
    });
    let mut shown = entry_json(entry);
    shown["headers"] = headers.collect();
    shown["body"] = match serde_json::from_slice::<Json>(&event.body) {
        Ok(mut body) => {
            mask.apply(&mut body);
            body
        }
        Err(_) => json!(format!("{} bytes that are not JSON", event.body.len())),
    };
    shown
}

/// Returns true for a header that gatepost sets, and for a header whose value is never a secret.
fn is_plain(name: &HeaderName) -> bool {
    let name = name.as_str();
    let plain = ["content-type", "user-agent", "traceparent", "tracestate"];
    ["ce-", "gatepost-", "x-forwarded-"].iter().any(|start| name.starts_with(start))
        || plain.contains(&name)
}

/// Mask for the data of a queued event. The setting `capture` does not apply to the queue, so this
/// mask hides more than the mask of captured callbacks.
struct EventMask<'g>(Mask<'g>);

impl EventMask<'_> {
    /// Masks the members whose names suggest a secret, at any depth, and the secrets in all other
    /// strings.
    fn apply(&self, json: &mut Json) {
        const SECRET: [&str; 5] = ["auth", "hash", "param", "pass", "sign"];
        match json {
            Json::Object(members) => members.iter_mut().for_each(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let is_secret = SECRET.iter().any(|word| lower.contains(word));
                if is_secret || self.0.is_secret(name.as_bytes()) {
                    *value = MASK.into();
                } else {
                    self.apply(value);
                }
            }),
            Json::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Json::String(text) => *text = self.text(text.as_bytes()),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// Masks the secrets of the config and the values of secrets in `name=value` pairs. Masks
    /// everything after `?`, because an address may contain a secret of any name in its query.
    fn text(&self, text: &[u8]) -> String {
        let masked = self.0.text(text);
        let masked = String::from_utf8_lossy(&masked);
        match masked.split_once('?') {
            Some((address, _)) => format!("{address}?{MASK}"),
            None => masked.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gatepost::{Lane, Timestamp};
    use http::HeaderMap;

    use super::*;

    fn gate() -> Gate {
        let config = "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
                      [[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
                      keys = ['s1gning-k3y']\nbind = '*'\n";
        Gate::builder().toml(config).build().unwrap()
    }

    #[test]
    fn masks_secrets_in_id_source_subject_and_reason() {
        let event = StoredEvent {
            id: "id-s1gning-k3y".into(),
            lane: Lane::new("live", "push"),
            source: "/tencent-css/s1gning-k3y".into(),
            subject: Some("live/stream-1?txSecret=c0ffee&txTime=5".into()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            received: Timestamp::from_secs(1),
        };
        let mut entry = QueueEntry::new(1, &event, Timestamp::from_secs(2));
        entry.reason = Some("status 500: token=abc s1gning-k3y".into());
        let entry = masked(&gate(), entry);
        let json = entry_json(&entry);
        assert_eq!(json["id"], "id-***");
        assert_eq!(json["subject"], "live/stream-1?txSecret=***&txTime=5");
        assert_eq!(json["reason"], "status 500: token=*** ***");
        assert_eq!(json["source"], "/tencent-css/***");
    }

    #[test]
    fn masks_secrets_and_queries_of_addresses() {
        let gate = gate();
        let mask = EventMask(Mask::new(&gate, Capture::Masked, "tencent-css"));
        for (body, expected) in [
            (r#"{"credential":"x","jwt":1}"#, r#"{"credential":"***","jwt":"***"}"#),
            (r#"{"channel_key":"x","key":"y"}"#, r#"{"channel_key":"x","key":"***"}"#),
            (r#"["txSecret=c0ffee&txTime=5"]"#, r#"["txSecret=***&txTime=5"]"#),
            (r#"["the key is s1gning-k3y"]"#, r#"["the key is ***"]"#),
            (r#"["https://cdn.example.com/a?k=1"]"#, r#"["https://cdn.example.com/a?***"]"#),
            (r#"{"stream_id":"a=b","t":5}"#, r#"{"stream_id":"a=b","t":5}"#),
        ] {
            let mut json = serde_json::from_str(body).unwrap();
            mask.apply(&mut json);
            assert_eq!(json.to_string(), expected);
        }
    }
}
