//! Requests to the app.

mod connection_pool;
mod response_limit;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Answer, Asked, Attempt};
use http::{HeaderMap, Method, Request, Uri, response};
use http_body_util::Full;
use tokio::time::timeout;

use self::connection_pool::{self as pool, BoxError, is_hang_up};

pub(crate) use self::connection_pool::load_root_certificates;

/// Sends an event and reads the whole answer.
///
/// The app may close an idle connection while gatepost sends the event. The driver then sends the
/// event again on a new connection. An app that reads both copies can compare the `ce-id` headers.
pub(crate) async fn ask(url: &Uri, event: (HeaderMap, Bytes), attempt: Attempt) -> Asked {
    let request = post(event);
    let sent = match attempt {
        Attempt::First => pool::send(url, request).await,
        Attempt::NewConnection => pool::send_on_new_connection(url, request).await,
    };
    match sent {
        Err(error) if attempt == Attempt::First && is_hang_up(&*error) => Asked::ConnectionClosed,
        Err(error) => Asked::Answered(Answer::Unreachable(root_cause(&*error))),
        Ok((parts, body)) => Asked::Answered(Answer::Response { status: parts.status, body }),
    }
}

fn post((headers, body): (HeaderMap, Bytes)) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    request
}

/// Error of [`fetch`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{}", root_cause(&**.0))]
    Failed(BoxError),
    #[error("expected a reply within {} s, found none; check the server", FETCH_TIMEOUT.as_secs())]
    Timeout,
    #[error("expected at most {} reply bytes, found more; check --to", gatepost::MAX_ANSWER_BYTES)]
    TooLong,
}

/// Sends a request over a new connection, and reads the whole reply.
pub(crate) async fn fetch(
    request: Request<Full<Bytes>>,
) -> Result<(response::Parts, Bytes), FetchError> {
    let url = request.uri().clone();
    let sent = timeout(FETCH_TIMEOUT, pool::send_on_new_connection(&url, request)).await;
    let (parts, body) = sent.map_err(|_| FetchError::Timeout)?.map_err(FetchError::Failed)?;
    Ok((parts, body.ok_or(FetchError::TooLong)?))
}

/// Time limit of [`fetch`]: the longest time for which a platform waits for a reply.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the innermost cause of an error, for example `Connection refused (os error 111)`. The
/// outer causes only name the library that failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
