//! Requests to the app.

mod connect;
mod connection;
mod connection_pool;
mod health;
mod response_limit;
pub(crate) mod tls;
pub(crate) mod tls_fault;

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Address, Addresses, Answer, Asked, Attempt, Server};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, StatusCode, response};
use http_body_util::Full;
use tokio::time::{Instant, timeout};

use self::connect::BoxError;
use self::connection::{HostHeader, TlsFound, fault, is_hang_up};
use self::connection_pool::{ReadyConnection, StaleConnection};

pub(crate) use self::health::probe_until_up;
pub(crate) use self::tls::load_root_certificates;

/// Sends an event and reads the whole answer.
///
/// The app may close an idle connection while gatepost sends the event. `gatepost::drive` then
/// sends the event again on a new connection. An app that reads both copies can compare the `ce-id`
/// headers. A legacy app receives the original callback, and may ignore these headers. If a legacy
/// app closes a new connection without an answer, gatepost does not send the callback again.
pub(crate) async fn ask(
    target: Target,
    event: EventMessage,
    attempt: Attempt,
    limit: Duration,
) -> Asked {
    match target.addresses.only() {
        Some(only) => {
            let connection = connection(only.server(), attempt).await;
            send(connection, target.path_on(only), event, attempt).await
        }
        // Boxed, so that the future of a request to a single address stays small.
        None => Box::pin(ask_in_turn(&target, event, attempt, limit)).await,
    }
}

/// Sends an event to the first address to which gatepost can connect.
async fn ask_in_turn(
    target: &Target,
    event: EventMessage,
    attempt: Attempt,
    limit: Duration,
) -> Asked {
    let timing = ServerTiming { started: Instant::now(), limit };
    let addresses = target.addresses.in_turn(target.addresses.turn());
    let mut left = addresses.len();
    for address in addresses {
        left -= 1;
        let outcome = ServerOutcome { server: address.server(), timing, is_settled: false };
        let connection = match left {
            0 => connection(address.server(), attempt).await,
            _ => timely(connection(address.server(), attempt)).await,
        };
        if connection.is_err() && left > 0 {
            outcome.unreachable();
            continue;
        }
        let asked = send(connection, target.path_on(address), event, attempt).await;
        return outcome.record(asked);
    }
    let why = "expected an address of the app, found none; set `url`".to_owned();
    Asked::Answered(Answer::Unreachable(why))
}

/// Limits the time for connecting, so that time remains for another address.
async fn timely<T>(connecting: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|error| Err(error.into()))
}

/// Time limit for connecting to each address that [`ask_in_turn`] tries, except for the last.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

async fn connection(server: &Arc<Server>, attempt: Attempt) -> Result<ReadyConnection, BoxError> {
    match attempt {
        Attempt::First => ReadyConnection::idle_or_new(server).await,
        Attempt::NewConnection => ReadyConnection::new(server).await,
    }
}

async fn send(
    connection: Result<ReadyConnection, BoxError>,
    path: Option<&PathAndQuery>,
    event: EventMessage,
    attempt: Attempt,
) -> Asked {
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => return Asked::Answered(not_connected(&*error)),
    };
    let host = if event.keeps_host { HostHeader::AsGiven } else { HostHeader::OfAddress };
    let (is_repeatable, is_https) = (event.is_repeatable, connection.is_https());
    match connection.send(path, event.into_request(), host).await {
        Err(error) if error.is::<StaleConnection>() => Asked::ConnectionClosed,
        Err(error) if attempt == Attempt::First && is_repeatable && is_hang_up(&*error) => {
            Asked::ConnectionClosed
        }
        Err(error) => Asked::Answered(failed_answer(&*error, is_https)),
        Ok((parts, body)) => {
            Asked::Answered(Answer::Response { status: parts.status, headers: parts.headers, body })
        }
    }
}

/// The addresses of an app, and the path for all of them.
pub(crate) struct Target {
    pub(crate) addresses: Arc<Addresses>,
    /// Path for all addresses; `None` if each address has its own path.
    pub(crate) path: Option<PathAndQuery>,
}

impl Target {
    fn path_on<'t>(&'t self, address: &'t Address) -> Option<&'t PathAndQuery> {
        self.path.as_ref().or_else(|| address.url().path_and_query())
    }
}

#[derive(Clone, Copy)]
struct ServerTiming {
    started: Instant,
    limit: Duration,
}

/// Outcome of sending an event to a server of a list. If `gatepost::drive` drops the future after
/// the app's time-out, the drop counts as a failure of the server.
struct ServerOutcome<'s> {
    server: &'s Arc<Server>,
    timing: ServerTiming,
    is_settled: bool,
}

impl ServerOutcome<'_> {
    fn unreachable(mut self) {
        self.is_settled = true;
        if self.server.unreachable() {
            probe_until_up(self.server);
        }
    }

    fn record(mut self, asked: Asked) -> Asked {
        self.is_settled = true;
        match &asked {
            Asked::Answered(Answer::Response { status, .. }) if !is_gateway_error(*status) => {
                self.server.answered();
            }
            Asked::Answered(_) => self.count_failure(),
            Asked::ConnectionClosed => {}
        }
        asked
    }

    fn count_failure(&self) {
        if self.server.failed() {
            probe_until_up(self.server);
        }
    }
}

impl Drop for ServerOutcome<'_> {
    fn drop(&mut self) {
        if !self.is_settled && self.timing.started.elapsed() >= self.timing.limit {
            self.count_failure();
        }
    }
}

/// Returns true for the statuses of a server that temporarily cannot serve.
fn is_gateway_error(status: StatusCode) -> bool {
    [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT]
        .contains(&status)
}

/// Converts the error of a new connection to an [`Answer`].
fn not_connected(error: &(dyn Error + 'static)) -> Answer {
    let explained = tls_fault::explain_new_connection(error).map(Cow::into_owned);
    Answer::Unreachable(explained.unwrap_or_else(|| root_cause(error)))
}

/// Converts an error to an [`Answer`]. The app has sent no answer, or an answer that gatepost
/// cannot read.
fn failed_answer(error: &(dyn Error + 'static), is_https: bool) -> Answer {
    let closed = match is_https {
        true => tls_fault::CLOSED_AFTER_HANDSHAKE,
        false => tls_fault::CLOSED_WITHOUT_TLS,
    };
    let reason = if error.is::<TlsFound>() {
        tls_fault::TLS_FOUND.to_owned()
    } else if tls_fault::explain(error).is_none() && is_hang_up(error) {
        closed.to_owned()
    } else {
        root_cause(error)
    };
    match fault(error) {
        Some(fault) => Answer::Unreadable(fault, reason),
        None => Answer::Unreachable(reason),
    }
}

/// An event as an HTTP request without a target.
pub(crate) struct EventMessage {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// True to send the `host` in `headers`; false to send the host of the address.
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
    #[error(
        "expected at most {} reply bytes, found more; check the address",
        gatepost::MAX_ANSWER_BYTES
    )]
    TooLong,
}

impl FetchError {
    /// Returns true if no program listens on the address.
    pub(crate) fn is_refused(&self) -> bool {
        let Self::Failed(error) = self else { return false };
        let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
        while let Some(error) = cause {
            let own = error.downcast_ref::<std::io::Error>();
            if own.is_some_and(|own| own.kind() == std::io::ErrorKind::ConnectionRefused) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// Sends a request over a new connection, and reads the whole response.
pub(crate) async fn fetch(
    request: Request<Full<Bytes>>,
) -> Result<(response::Parts, Bytes), FetchError> {
    let url = request.uri().clone();
    let sent = timeout(FETCH_TIMEOUT, async {
        let address = Address::try_from(url)?;
        let connection = ReadyConnection::new(address.server()).await?;
        connection.send(address.url().path_and_query(), request, HostHeader::OfAddress).await
    });
    let sent = sent.await;
    let (parts, body) = sent.map_err(|_| FetchError::Timeout)?.map_err(FetchError::Failed)?;
    Ok((parts, body.ok_or(FetchError::TooLong)?))
}

/// Time limit of [`fetch`]: the longest time for which a platform waits for a reply.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the innermost cause of an error, for example `Connection refused (os error 111)`. The
/// outer causes only name the library that failed. For a TLS error, returns the text of
/// [`tls_fault::explain`], which has a remedy.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    if let Some(explained) = tls_fault::explain(error) {
        return explained.into_owned();
    }
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
