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

use self::connection_pool::{self as pool, BoxError, HostHeader, StaleConnection, is_hang_up};

pub(crate) use self::connection_pool::load_root_certificates;

/// Sends an event and reads the whole answer.
///
/// The app may close an idle connection while gatepost sends the event. The driver then sends the
/// event again on a new connection. An app that reads both copies can compare the `ce-id` headers.
/// A legacy app, which receives the callback as it came, may not know these headers. If such an app
/// closes a new connection without an answer, gatepost does not send the callback again.
pub(crate) async fn ask(url: &Uri, event: EventMessage, attempt: Attempt) -> Asked {
    let host = if event.keeps_host { HostHeader::AsGiven } else { HostHeader::OfAddress };
    let is_repeatable = event.is_repeatable;
    let request = event.into_request();
    let sent = match attempt {
        Attempt::First => pool::send(url, request, host).await,
        Attempt::NewConnection => pool::send_on_new_connection(url, request, host).await,
    };
    match sent {
        Err(error) if error.is::<StaleConnection>() => Asked::ConnectionClosed,
        Err(error) if attempt == Attempt::First && is_repeatable && is_hang_up(&*error) => {
            Asked::ConnectionClosed
        }
        Err(error) => Asked::Answered(failed_answer(&*error)),
        Ok((parts, body)) => {
            Asked::Answered(Answer::Response { status: parts.status, headers: parts.headers, body })
        }
    }
}

/// Returns the answer after an error: the app has sent no answer, or no answer that gatepost can read.
fn failed_answer(error: &(dyn Error + 'static)) -> Answer {
    let reason = root_cause(error);
    match pool::fault(error) {
        Some(fault) => Answer::Unreadable(fault, reason),
        None => Answer::Unreachable(reason),
    }
}

/// An event as an HTTP request without a target.
pub(crate) struct EventMessage {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// True if `headers` has the `host` for the app. Otherwise, the host is that of the address.
    pub(crate) keeps_host: bool,
    /// True if the app can recognize a second copy of the event.
    pub(crate) is_repeatable: bool,
}

impl EventMessage {
    fn into_request(self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        request
    }
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
    let sent =
        timeout(FETCH_TIMEOUT, pool::send_on_new_connection(&url, request, HostHeader::OfAddress))
            .await;
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
