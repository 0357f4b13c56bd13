//! Operations of the API on queued events: list, show, replay and drop.

use gatepost::{Gate, QueueFilter, Store as _};
use serde_json::{Value as Json, json};

use super::error::ApiError;
use super::reply::ApiReply;
use super::resource::QueueResource;
use crate::clock;
use crate::queue::{
    Queue, entry_json, event_json, masked, set_condition, status_json, within_limit,
};

/// Maximum number of events in one list.
const MAX_EVENTS: usize = 200;

pub(super) async fn answer(
    queue: &Queue,
    gate: &Gate,
    resource: QueueResource,
    query: Option<&str>,
    body: &Json,
) -> Result<ApiReply, ApiError> {
    match resource {
        QueueResource::List => list(queue, gate, query.unwrap_or_default()).await,
        QueueResource::Show(number) => show(queue, gate, number).await,
        QueueResource::Replay => {
            let count = queue.replay(&selection(body)?, clock::now()).await?;
            tracing::info!(count, "replayed queued events");
            Ok(ApiReply::ok(&json!({ "replayed": count })))
        }
        QueueResource::Drop => {
            let count = queue.remove(&selection(body)?, clock::now()).await?;
            tracing::warn!(count, "dropped queued events");
            Ok(ApiReply::ok(&json!({ "dropped": count })))
        }
    }
}

/// Returns a page of events, oldest first, and the status of the store.
async fn list(queue: &Queue, gate: &Gate, query: &str) -> Result<ApiReply, ApiError> {
    let filter = list_filter(query)?;
    let read = async { Ok((queue.list(&filter).await?, queue.status().await?)) };
    let (entries, status) = within_limit(read).await?;
    let last = entries.last().map_or(filter.after, |entry| entry.number);
    let entries = entries.into_iter().map(|entry| masked(gate, entry));
    let events: Vec<_> = entries.map(|entry| entry_json(&entry)).collect();
    Ok(ApiReply::ok(&json!({ "events": events, "last": last, "store": status_json(&status) })))
}

async fn show(queue: &Queue, gate: &Gate, number: u64) -> Result<ApiReply, ApiError> {
    let (entry, event) = within_limit(queue.show(number)).await?.ok_or(ApiError::NoEvent)?;
    Ok(ApiReply::ok(&event_json(gate, &masked(gate, entry), &event)))
}

/// Parses the query of a request for the list of events.
fn list_filter(query: &str) -> Result<QueueFilter, ApiError> {
    const KNOWN: &str = "state, failing, template, kind, subject, id, after or limit";
    let mut filter = QueueFilter { limit: Some(MAX_EVENTS), ..QueueFilter::default() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || value.parse::<u64>().map_err(|_| ApiError::parameter(&name, "a number"));
        match &*name {
            "after" => filter.after = number()?,
            "limit" => {
                let limit = usize::try_from(number()?).unwrap_or(MAX_EVENTS);
                filter.limit = Some(limit.min(MAX_EVENTS));
            }
            _ => {
                let known = set_condition(&mut filter, &name, &value);
                let known = known.map_err(|wanted| ApiError::parameter(&name, wanted))?;
                known.then_some(()).ok_or_else(|| ApiError::unknown_parameter(KNOWN))?;
            }
        }
    }
    Ok(filter)
}

/// Parses the selection of events to replay or to drop. Returns an error for a selection without a
/// condition, because it selects every event.
fn selection(body: &Json) -> Result<QueueFilter, ApiError> {
    const EXPECTED: &str = "expected a valid condition in the body, such as numbers or subject, found none or an \
                            invalid one; write {\"state\": \"dead\"} for all dead letters";
    let invalid = || ApiError::InvalidBody { message: EXPECTED, faults: Vec::new() };
    let mut filter = QueueFilter::default();
    for (name, value) in body.as_object().ok_or_else(invalid)? {
        if name == "numbers" {
            let numbers = value.as_array().filter(|numbers| !numbers.is_empty());
            let numbers = numbers.ok_or_else(invalid)?.iter().map(Json::as_u64);
            filter.numbers = numbers.collect::<Option<_>>().ok_or_else(invalid)?;
            continue;
        }
        if name == "failing" {
            filter.is_failing = value.as_bool().ok_or_else(invalid)?;
            continue;
        }
        let value = value.as_str().filter(|value| !value.is_empty()).ok_or_else(invalid)?;
        let known = set_condition(&mut filter, name, value).map_err(|_| invalid())?;
        known.then_some(()).ok_or_else(invalid)?;
    }
    if filter == QueueFilter::default() { Err(invalid()) } else { Ok(filter) }
}
