//! Asking the app: an HTTP client with a pool for each worker thread.
//!
//! Pingora's workers are runtimes of one thread each, and a pooled connection lives on the runtime
//! that opened it; so every thread has a client of its own, and no lock is shared.

use std::error::Error;
use std::io;
use std::sync::{Arc, LazyLock};
use std::thread::LocalKey;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Answer, MAX_ANSWER_BYTES};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::bounded::BoundedConnector;

type HttpClient = Client<BoundedConnector<HttpsConnector<HttpConnector>>, Full<Bytes>>;

/// How long an idle connection is kept: less than Node's five seconds, so that it is mostly we who
/// hang up, and a request seldom meets a closing connection.
const IDLE: Duration = Duration::from_secs(4);

thread_local! {
    static POOLED: HttpClient = new_client(usize::MAX);
    static FRESH: HttpClient = new_client(0);
}

/// What came of asking.
pub(crate) enum Asked {
    Answered(Answer),
    /// The app hung up before it said a word: it may have closed an idle connection at the moment
    /// when it was used, and is to be asked [afresh](ask_afresh). An app that did take the event
    /// knows it by its `ce-id`.
    HungUp,
}

/// Sends an event, and waits for the whole answer, until the deadline.
pub(crate) async fn ask(url: &Uri, deadline: Instant, event: (HeaderMap, Bytes)) -> Asked {
    match timeout_at(deadline, send(&POOLED, url, event)).await {
        Ok(Err(error)) if is_unanswered(&*error) => Asked::HungUp,
        result => Asked::Answered(answer(result)),
    }
}

/// The same, on a connection of its own.
pub(crate) async fn ask_afresh(url: &Uri, deadline: Instant, event: (HeaderMap, Bytes)) -> Answer {
    answer(timeout_at(deadline, send(&FRESH, url, event)).await)
}

type Sent = Result<(StatusCode, Option<Bytes>), BoxError>;

fn answer(sent: Result<Sent, Elapsed>) -> Answer {
    match sent {
        Ok(Ok((status, body))) => Answer::Response { status, body },
        Ok(Err(error)) => Answer::Unreachable(root_cause(&*error)),
        Err(_) => Answer::Timeout,
    }
}

fn is_unanswered(error: &(dyn Error + 'static)) -> bool {
    let Some(cause) = error.source().and_then(|source| source.downcast_ref::<hyper::Error>())
    else {
        return false;
    };
    let io = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    cause.is_incomplete_message() || cause.is_canceled() || io.is_some_and(reset)
}

type BoxError = Box<dyn Error + Send + Sync>;

async fn send(
    client: &'static LocalKey<HttpClient>,
    url: &Uri,
    (headers, body): (HeaderMap, Bytes),
) -> Sent {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    *request.headers_mut() = headers;
    let client = client.with(HttpClient::clone);
    let (parts, body) = client.request(request).await?.into_parts();
    match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(body) => Ok((parts.status, Some(body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => Ok((parts.status, None)),
        Err(error) => Err(error),
    }
}

/// Sends any request, and waits for the whole reply.
pub(crate) async fn fetch(
    request: Request<Full<Bytes>>,
) -> Result<(http::response::Parts, Bytes), String> {
    let fetched = async {
        let (parts, body) = FRESH.with(HttpClient::clone).request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?;
        Ok::<_, BoxError>((parts, body.to_bytes()))
    };
    match tokio::time::timeout(FETCH_TIMEOUT, fetched).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(root_cause(&*error)),
        Err(_) => Err(format!("no reply within {} s", FETCH_TIMEOUT.as_secs())),
    }
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

fn new_client(idle_connections: usize) -> HttpClient {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(TLS.clone())
        .https_or_http()
        .enable_http1()
        .build();
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(idle_connections)
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(BoundedConnector(connector))
}

/// Loads what `https` addresses need, so that no callback waits for it.
pub(crate) fn prepare() {
    LazyLock::force(&TLS);
}

/// TLS with the machine's own certificate authorities. On a machine that has none, an `https`
/// address fails when it is called, and says so.
static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_builder().with_root_certificates(roots).with_no_client_auth()
});

#[expect(
    clippy::expect_used,
    reason = "a constant of rustls: its own provider has its own versions"
)]
fn tls_builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    // Named here, because the host program may bring another provider as its default.
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
}
