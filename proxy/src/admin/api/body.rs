//! The body of a request: read within bounds of size and time.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use pingora::protocols::http::ServerSession;
use serde_json::Value as Json;

use crate::templates::problem::{Code, Problem};

/// The longest body.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the body, which must be JSON.
pub(super) async fn json(session: &mut ServerSession) -> Result<Json, Problem> {
    let headers = &session.req_header().headers;
    let ty = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = ty.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "the body must be JSON; send content-type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, message));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let expects = headers.get(EXPECT).is_some_and(|value| value.as_bytes().starts_with(b"100-"));
    if expects && session.write_continue_response().await.is_err() {
        return Err(incomplete());
    }
    let body = tokio::time::timeout(PATIENCE, read(session)).await;
    let body = body.map_err(|_| incomplete())??;
    serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = format!("the body is not JSON: line {line}, column {column}");
        Problem::new(Code::BadRequest, message)
    })
}

async fn read(session: &mut ServerSession) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = session.read_request_body().await.map_err(|_| incomplete())? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads what is left of a body, so that its sender gets to reading the answer; within bounds.
/// Tells whether nothing is left.
pub(super) async fn discard(session: &mut ServerSession) -> bool {
    const MOST: usize = 16 * MAX_BODY_BYTES;
    let rest = async {
        let mut seen = 0;
        while seen <= MOST && !session.is_body_done() {
            match session.read_request_body().await {
                Ok(Some(chunk)) => seen += chunk.len(),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        seen <= MOST
    };
    tokio::time::timeout(PATIENCE, rest).await.unwrap_or(false)
}

fn too_large() -> Problem {
    let message = format!("the body is longer than {MAX_BODY_BYTES} bytes");
    Problem::new(Code::BodyTooLarge, message)
}

fn incomplete() -> Problem {
    Problem::new(Code::BadRequest, "the body did not come whole")
}
