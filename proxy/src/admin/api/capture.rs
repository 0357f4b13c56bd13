//! Operations of the API on captured callbacks: list, show, save, and send the event again.

use std::time::Duration;

use bytes::Bytes;
use gatepost::Gate;
use serde_json::Value as Json;

use super::error::ApiError;
use super::reply::ApiReply;
use super::resource::CaptureResource;
use crate::capture::{
    CAPTURED, CallbackPage, MAX_ROWS, MAX_WAIT, Numbered, PageQuery, Viewer, replay, saved_request,
};

pub(super) async fn answer(
    gate: &Gate,
    resource: CaptureResource,
    query: Option<&str>,
    body: &Json,
) -> Result<ApiReply, ApiError> {
    match resource {
        CaptureResource::List => list(gate, query).await,
        CaptureResource::Show(id) => show(gate, id).await,
        CaptureResource::Save(id) => save(gate, id).await,
        CaptureResource::Replay(id) => send_again(gate, id, body).await,
    }
}

/// Returns a page of callbacks. If the page is empty, waits for the first callback that the filter
/// admits, at most for the time in `wait`.
async fn list(gate: &Gate, query: Option<&str>) -> Result<ApiReply, ApiError> {
    let page = CallbackPage::wait_for(gate, page_query(query.unwrap_or_default())?).await;
    Ok(ApiReply::ok(&page))
}

async fn show(gate: &Gate, id: u64) -> Result<ApiReply, ApiError> {
    let (gate, numbered) = (gate.clone(), find(id)?);
    let view = tokio::task::spawn_blocking(move || Viewer::new(&gate).view(&numbered));
    Ok(ApiReply::ok(&view.await.map_err(|_| ApiError::Panicked)?))
}

async fn save(gate: &Gate, id: u64) -> Result<ApiReply, ApiError> {
    let (gate, numbered) = (gate.clone(), find(id)?);
    let saved = tokio::task::spawn_blocking(move || saved_request(&Viewer::new(&gate), &numbered));
    Ok(ApiReply::recorded_request(saved.await.map_err(|_| ApiError::Panicked)?))
}

/// Sends the event of a callback to the app again. If the request body has the member `body`, the
/// value of `body` replaces the body of the event.
async fn send_again(gate: &Gate, id: u64, body: &Json) -> Result<ApiReply, ApiError> {
    let numbered = find(id)?;
    let edited = edited_body(body)?.map(Bytes::from);
    let replayed = replay(gate, &numbered, edited).await?;
    tracing::info!(
        id,
        event_id = replayed.event_id,
        edited = replayed.is_edited,
        "sent an event again"
    );
    Ok(ApiReply::ok(&replayed))
}

fn find(id: u64) -> Result<Numbered, ApiError> {
    CAPTURED.get(id).ok_or(ApiError::NoCapture)
}

fn edited_body(body: &Json) -> Result<Option<String>, ApiError> {
    const EXPECTED: &str =
        "expected {} or {\"body\": \"…\"} as the body, found another value; see /api/openapi.json";
    let invalid = || ApiError::InvalidBody { message: EXPECTED, faults: Vec::new() };
    let members = body.as_object().ok_or_else(invalid)?;
    match (members.get("body"), members.len()) {
        (None, 0) => Ok(None),
        (Some(Json::String(text)), 1) => Ok(Some(text.clone())),
        _ => Err(invalid()),
    }
}

/// Parses the query of a request for the list of callbacks.
pub(in crate::admin) fn page_query(query: &str) -> Result<PageQuery, ApiError> {
    const KNOWN: &str = "a parameter that /api/openapi.json lists";
    let mut page = PageQuery::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || value.parse::<u64>().map_err(|_| ApiError::parameter(&name, "a number"));
        match &*name {
            "after" => page.after = Some(number()?),
            "limit" => page.limit = usize::try_from(number()?).unwrap_or(MAX_ROWS),
            "wait" => page.wait = Duration::from_secs(number()?).min(MAX_WAIT),
            _ => {
                let known = page.filter.set(&name, &value).map_err(ApiError::Filter)?;
                known.then_some(()).ok_or_else(|| ApiError::unknown_parameter(KNOWN))?;
            }
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_is_at_most_25_seconds() {
        assert_eq!(page_query("wait=3600").unwrap().wait, MAX_WAIT);
        assert_eq!(page_query("wait=3").unwrap().wait, Duration::from_secs(3));
        assert_eq!(MAX_WAIT, Duration::from_secs(25));
    }
}
