//! Asking the app.

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

use self::connection_pool::{self as pool, BoxError, Response, is_unanswered};

pub(crate) use self::connection_pool::prepare;

/// What came of asking.
pub(crate) enum Asked {
    Answered(Answer),
    /// The app hung up before it began to answer: it may have closed an idle connection at the
    /// moment when it was used, and is to be asked [afresh](ask_afresh). An app that did take the
    /// event knows it by its `ce-id`.
    HungUp,
}

/// Sends an event, and waits for the whole answer, for so long and some milliseconds: where a timer
/// is the next one due, tokio's costs a system call, and these are shared.
pub(crate) async fn ask(url: &Uri, limit: Duration, event: (HeaderMap, Bytes)) -> Asked {
    match fast_timeout(limit, pool::send(url, post(event))).await {
        Ok(Err(error)) if is_unanswered(&*error) => Asked::HungUp,
        sent => Asked::Answered(answer(sent.ok())),
    }
}

/// The same, on a connection of its own.
pub(crate) async fn ask_afresh(url: &Uri, limit: Duration, event: (HeaderMap, Bytes)) -> Answer {
    answer(fast_timeout(limit, pool::send_afresh(url, post(event))).await.ok())
}

fn post((headers, body): (HeaderMap, Bytes)) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    request
}

/// What is told to the gate; without a response, there was none in time.
fn answer(sent: Option<Result<Response, BoxError>>) -> Answer {
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
    let sent = timeout(FETCH_TIMEOUT, pool::send_afresh(&url, request)).await;
    let (parts, body) = sent.map_err(|_| FetchError::Timeout)?.map_err(FetchError::Failed)?;
    Ok((parts, body.ok_or(FetchError::TooLong)?))
}

/// As long as the most patient platform waits.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// What an operator needs to read: the last cause, as in `Connection refused (os error 111)`.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
