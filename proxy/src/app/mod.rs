//! Requests to the app.

mod connection_pool;
mod response_limit;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use gatepost::Answer;
use http::{HeaderMap, Method, Request, Uri, response};
use http_body_util::Full;
use pingora::prelude::fast_timeout::fast_timeout;
use tokio::time::timeout;

use self::connection_pool::{self as pool, AppResponse, BoxError, is_hang_up};

pub(crate) use self::connection_pool::load_root_certificates;

/// Outcome of a request to the app.
pub(crate) enum AskOutcome {
    Answered(Answer),
    /// The app closed the connection before it began to answer. It may have closed an idle
    /// connection at the moment when it was used, so it is asked [again](ask_on_new_connection). An
    /// app that did take the event recognises it by its `ce-id`.
    HungUp,
}

/// Sends an event, and waits for the whole answer within `limit`. Pingora's timer may be some
/// milliseconds late, but it is shared between requests: a tokio timer costs a system call whenever
/// it is the next one due.
pub(crate) async fn ask(url: &Uri, limit: Duration, event: (HeaderMap, Bytes)) -> AskOutcome {
    match fast_timeout(limit, pool::send(url, post(event))).await {
        Ok(Err(error)) if is_hang_up(&*error) => AskOutcome::HungUp,
        sent => AskOutcome::Answered(answer(sent.ok())),
    }
}

/// Sends an event as [`ask`] does, on a new connection.
pub(crate) async fn ask_on_new_connection(
    url: &Uri,
    limit: Duration,
    event: (HeaderMap, Bytes),
) -> Answer {
    answer(fast_timeout(limit, pool::send_on_new_connection(url, post(event))).await.ok())
}

fn post((headers, body): (HeaderMap, Bytes)) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    request
}

/// Converts the outcome for the gate. `None` is a timeout.
fn answer(sent: Option<Result<AppResponse, BoxError>>) -> Answer {
    match sent {
        Some(Ok((parts, body))) => Answer::Response { status: parts.status, body },
        Some(Err(error)) => Answer::Unreachable(root_cause(&*error)),
        None => Answer::Timeout,
    }
}

/// Reason why a request that was sent got no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{}", root_cause(&**.0))]
    Failed(BoxError),
    #[error("no reply within {} s", FETCH_TIMEOUT.as_secs())]
    Timeout,
    #[error("length limit exceeded")]
    TooLong,
}

/// Sends any request over a connection of its own, and reads the whole reply.
pub(crate) async fn fetch(
    request: Request<Full<Bytes>>,
) -> Result<(response::Parts, Bytes), FetchError> {
    let url = request.uri().clone();
    let sent = timeout(FETCH_TIMEOUT, pool::send_on_new_connection(&url, request)).await;
    let (parts, body) = sent.map_err(|_| FetchError::Timeout)?.map_err(FetchError::Failed)?;
    Ok((parts, body.ok_or(FetchError::TooLong)?))
}

/// Time limit of [`fetch`]: as long as the most patient platform waits.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the last cause of an error, as in `Connection refused (os error 111)`: the outer ones
/// only say which library failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
