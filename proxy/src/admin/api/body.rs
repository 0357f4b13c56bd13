//! Request bodies, with limits on size and time.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use pingora::protocols::http::ServerSession;
use serde_json::Value as Json;

use super::error::ApiError;

/// Maximum length of a body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Time limit for reading a whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body, which must be JSON.
pub(super) async fn json(session: &mut ServerSession) -> Result<Json, ApiError> {
    let headers = &session.req_header().headers;
    let ty = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = ty.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::BodyType);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(ApiError::BodyTooLarge { limit: MAX_BODY_BYTES });
    }
    let expects = headers.get(EXPECT).is_some_and(|value| value.as_bytes().starts_with(b"100-"));
    if expects && session.write_continue_response().await.is_err() {
        return Err(ApiError::Incomplete);
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, read(session)).await;
    let body = body.map_err(|_| ApiError::Incomplete)??;
    serde_json::from_slice(&body).map_err(|error| {
        // Drop serde_json's own message, because it may quote a secret from the body.
        ApiError::BodyNotJson { line: error.line(), column: error.column() }
    })
}

async fn read(session: &mut ServerSession) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = session.read_request_body().await.map_err(|_| ApiError::Incomplete)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::BodyTooLarge { limit: MAX_BODY_BYTES });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads and drops the unread rest of a body, because some clients read the response only after
/// they have sent the whole body. Returns true if the rest arrives within the limits.
pub(super) async fn discard(session: &mut ServerSession) -> bool {
    const MAX_DISCARDED: usize = 16 * MAX_BODY_BYTES;
    let rest = async {
        let mut seen = 0;
        while seen <= MAX_DISCARDED && !session.is_body_done() {
            match session.read_request_body().await {
                Ok(Some(chunk)) => seen += chunk.len(),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        seen <= MAX_DISCARDED
    };
    tokio::time::timeout(BODY_TIMEOUT, rest).await.unwrap_or(false)
}
