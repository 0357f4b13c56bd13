//! Connections to the app, kept open between requests.
//!
//! 1. Each thread has its own pool. Each worker of Pingora is a runtime with one thread, and only
//!    the runtime that opened a connection can use the connection.
//! 2. The requesting task also polls the connection, so a response causes one wake-up. hyper's own
//!    client polls the connection in a separate task, so a response causes two wake-ups.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::future::poll_fn;
use std::hash::{Hash, Hasher};
use std::io;
use std::iter::successors;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatepost::{AnswerFault, MAX_ANSWER_BYTES};
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Uri, response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service as _;

use super::response_limit::{AnswerTooLong, LimitedConnection, LimitedConnector};

/// Maximum age of an idle connection that gatepost uses for a request. Node closes a connection
/// after five idle seconds, so gatepost uses a shorter limit. gatepost closes an older connection
/// within twice this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Head and body of a response; `None` if the body exceeds [`MAX_ANSWER_BYTES`].
pub(crate) type AppResponse = (response::Parts, Option<Bytes>);

/// Sends a request over an idle or a new connection, and reads the whole response.
///
/// # Errors
///
/// Returns [`StaleConnection`] if the app closed an idle connection before it answered.
pub(crate) async fn send(
    url: &Uri,
    request: Request<Full<Bytes>>,
    host: HostHeader,
) -> Result<AppResponse, BoxError> {
    let key = PoolKey::of(url)?;
    // Read the clock once: the age of a connection counts from the start of its last request.
    let now = Instant::now();
    let idle = POOL.with(|pool| take(pool, &key, now));
    let is_reused = idle.is_some();
    let mut connection = match idle {
        Some(connection) => connection,
        // Boxed, so that the future of a request on an idle connection stays small.
        None => Box::pin(AppConnection::open(url)).await?,
    };
    let response = match connection.exchange(url, request, host).await {
        Err(error) if is_reused && is_hang_up(&*error) => return Err(StaleConnection.into()),
        response => response?,
    };
    if connection.is_open() {
        POOL.with(|pool| put(pool, key, IdleConnection { connection, since: now }));
    }
    Ok(response)
}

/// Error if the app closed an idle connection before it answered. The app may have closed the
/// connection before the request arrived, so gatepost sends the request again.
#[derive(Debug, thiserror::Error)]
#[error("the app closed an idle connection")]
pub(crate) struct StaleConnection;

/// Does the same as [`send`], but always over a new connection.
pub(crate) async fn send_on_new_connection(
    url: &Uri,
    request: Request<Full<Bytes>>,
    host: HostHeader,
) -> Result<AppResponse, BoxError> {
    AppConnection::open(url).await?.exchange(url, request, host).await
}

/// Error if the connection ends within the body of an answer.
#[derive(Debug, thiserror::Error)]
#[error("incomplete answer body")]
struct AnswerBrokenOff(#[source] hyper::Error);

/// Returns true if the app closed the connection before the end of an answer's head.
pub(crate) fn is_hang_up(error: &(dyn Error + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<hyper::Error>() else { return false };
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    error.is_incomplete_message() || error.is_canceled() || io.is_some_and(reset)
}

/// Returns the fault of an answer that the app has begun; `None` if the error has another cause.
pub(crate) fn fault(error: &(dyn Error + 'static)) -> Option<AnswerFault> {
    let causes = || successors(Some(error), |&error| error.source());
    let io = causes().find_map(|cause| cause.downcast_ref::<io::Error>());
    if io.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<AnswerTooLong>()) {
        return Some(AnswerFault::TooLarge);
    }
    if error.is::<AnswerBrokenOff>() {
        let is_malformed = io.is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        });
        return Some(if is_malformed { AnswerFault::Broken } else { AnswerFault::Incomplete });
    }
    let error = causes().find_map(|cause| cause.downcast_ref::<hyper::Error>())?;
    // hyper has `is_parse_too_large` only with its feature `server`. A test compares the text.
    let is_too_large = || error.to_string() == "message head is too large";
    match error.is_parse() {
        true if is_too_large() => Some(AnswerFault::TooLarge),
        true => Some(AnswerFault::Broken),
        false => None,
    }
}

/// Loads the certificate authorities for `https` addresses, so that no callback waits for this.
pub(crate) fn load_root_certificates() {
    LazyLock::force(&CONNECTOR);
}

/// The `host` header of a request to the app.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostHeader {
    /// The `host` in the request's headers, if the request has one.
    AsGiven,
    /// The host of the address.
    OfAddress,
}

/// Scheme and authority of an address, spelled as in the config. Requests with equal keys can share
/// a connection.
#[derive(Clone)]
struct PoolKey {
    is_https: bool,
    authority: Authority,
}

impl PartialEq for PoolKey {
    fn eq(&self, other: &Self) -> bool {
        self.is_https == other.is_https && self.authority.as_str() == other.authority.as_str()
    }
}

impl Eq for PoolKey {}

/// Hashes the text in one call. The `Hash` of `Authority` ignores case and needs a call per letter.
impl Hash for PoolKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.authority.as_str().as_bytes());
    }
}

impl PoolKey {
    fn of(url: &Uri) -> Result<Self, BoxError> {
        let authority =
            url.authority().cloned().ok_or("expected a host in the address, found none")?;
        Ok(Self { is_https: url.scheme() == Some(&Scheme::HTTPS), authority })
    }

    /// Returns the value of the `host` header, without a port that is the scheme's default.
    fn host_header(&self) -> Result<HeaderValue, BoxError> {
        let default = if self.is_https { 443 } else { 80 };
        let name = match self.authority.port_u16() {
            Some(port) if port != default => self.authority.as_str(),
            _ => self.authority.host(),
        };
        Ok(HeaderValue::from_str(name)?)
    }
}

/// Idle connections of a thread.
#[derive(Default)]
struct Pool {
    /// Connections by key. A fast hash is safe, because the config supplies the keys, not a client.
    idle: HashMap<PoolKey, Vec<IdleConnection>, foldhash::fast::RandomState>,
    /// True while the task [`sweep`] runs.
    has_sweeper: bool,
}

struct IdleConnection {
    connection: AppConnection,
    /// Start of the last request on the connection.
    since: Instant,
}

impl IdleConnection {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < IDLE_TIMEOUT
    }
}

thread_local! {
    static POOL: Arc<Mutex<Pool>> = Arc::default();
}

/// Takes the most recently used connection; `None` if there is none, or if the connection has been
/// idle for too long. The app may already have closed the connection.
fn take(pool: &Mutex<Pool>, key: &PoolKey, now: Instant) -> Option<AppConnection> {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = pool.idle.get_mut(key)?.pop()?;
    idle.is_fresh(now).then_some(idle.connection)
}

fn put(shared: &Arc<Mutex<Pool>>, key: PoolKey, connection: IdleConnection) {
    let mut pool = shared.lock().unwrap_or_else(PoisonError::into_inner);
    match pool.idle.entry(key) {
        Entry::Occupied(mut idle) => idle.get_mut().push(connection),
        Entry::Vacant(none) => drop(none.insert_entry(vec![connection])),
    }
    if !pool.has_sweeper {
        pool.has_sweeper = true;
        tokio::spawn(sweep(Arc::clone(shared)));
    }
}

/// Closes connections that have been idle for too long, until the pool is empty.
async fn sweep(pool: Arc<Mutex<Pool>>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let now = Instant::now();
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.idle.retain(|_, idle| {
            idle.retain(|connection| connection.is_fresh(now));
            !idle.is_empty()
        });
        if pool.idle.is_empty() {
            pool.has_sweeper = false;
            return;
        }
    }
}

type ConnectionTask =
    http1::Connection<LimitedConnection<MaybeHttpsStream<TokioIo<TcpStream>>>, Full<Bytes>>;

/// A connection to the app.
struct AppConnection {
    sender: SendRequest<Full<Bytes>>,
    /// Task that reads and writes the bytes; `None` after the connection has ended.
    task: Option<Box<ConnectionTask>>,
    host: HeaderValue,
}

impl AppConnection {
    async fn open(url: &Uri) -> Result<Self, BoxError> {
        let host = PoolKey::of(url)?.host_header()?;
        let mut connector = CONNECTOR.clone();
        poll_fn(|context| connector.poll_ready(context)).await?;
        let stream = connector.call(url.clone()).await?;
        let (sender, task) = http1::handshake(stream).await?;
        Ok(Self { sender, task: Some(Box::new(task)), host })
    }

    /// Returns true if the connection can send another request.
    fn is_open(&mut self) -> bool {
        // Use no waker, because no task waits for an idle connection.
        self.poll_task(&mut Context::from_waker(Waker::noop()));
        self.task.is_some() && self.sender.is_ready()
    }

    /// Reads and writes as far as possible without waiting.
    fn poll_task(&mut self, context: &mut Context<'_>) {
        // Ignore the error here, because the pending response fails too.
        if self.task.as_mut().is_some_and(|task| Pin::new(task).poll(context).is_ready()) {
            self.task = None;
        }
    }

    /// Sends a request and reads the whole response.
    async fn exchange(
        &mut self,
        url: &Uri,
        mut request: Request<Full<Bytes>>,
        host: HostHeader,
    ) -> Result<AppResponse, BoxError> {
        let path = url.path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        let headers = request.headers_mut();
        if host == HostHeader::OfAddress || !headers.contains_key(HOST) {
            headers.insert(HOST, self.host.clone());
        }
        let mut response = pin!(self.sender.send_request(request));
        let response = self.until(|context| response.as_mut().poll(context)).await?;
        let (parts, body) = response.into_parts();
        let body = self.collect(body).await.map_err(AnswerBrokenOff)?;
        Ok((parts, body))
    }

    /// Reads a whole body; `None` if the body is too long.
    async fn collect(&mut self, mut body: Incoming) -> hyper::Result<Option<Bytes>> {
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        while let Some(frame) =
            self.until(|context| Pin::new(&mut body).poll_frame(context)).await.transpose()?
        {
            let Ok(data) = frame.into_data() else { continue };
            if first.len() + rest.len() + data.len() > MAX_ANSWER_BYTES {
                return Ok(None);
            }
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        if rest.is_empty() {
            return Ok(Some(first));
        }
        Ok(Some([first, rest.freeze()].concat().into()))
    }

    /// Polls the connection until `poll` is ready. Only the connection receives the waker. After
    /// each poll of the connection, calls `poll` again, because new bytes may have arrived.
    async fn until<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|context| {
            let mut unwoken = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = poll(&mut unwoken) {
                return Poll::Ready(done);
            }
            self.poll_task(context);
            poll(&mut unwoken)
        })
        .await
    }
}

type Connector = LimitedConnector<HttpsConnector<HttpConnector>>;

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    LimitedConnector(connector)
});

/// Creates a TLS config with the certificate authorities of the machine. If the machine has no
/// certificate authorities, each request to an `https` address fails.
fn tls() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_builder().with_root_certificates(roots).with_no_client_auth()
}

#[expect(
    clippy::expect_used,
    reason = "rustls guarantees that the ring provider supports the default versions"
)]
fn tls_builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    // Select ring explicitly, because the program may install another default.
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("expected ring to support TLS 1.2 and 1.3")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    /// An app for which the test writes the answers.
    struct MockApp {
        listener: TcpListener,
        url: Uri,
    }

    impl MockApp {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/event", listener.local_addr().unwrap()).parse().unwrap();
            Self { listener, url }
        }

        /// Sends a request and answers the request. If `stream` is `None`, uses a new connection.
        async fn ask(&self, stream: Option<TcpStream>) -> TcpStream {
            self.ask_and_get(stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
        }

        async fn ask_and_get(&self, mut stream: Option<TcpStream>, answer: &str) -> TcpStream {
            let request = Request::new(Full::new("{}".into()));
            let mut sent = pin!(send(&self.url, request, HostHeader::OfAddress));
            let answered = async {
                let mut stream = match stream.take() {
                    Some(stream) => stream,
                    None => self.listener.accept().await.unwrap().0,
                };
                let mut request = Vec::new();
                while !request.ends_with(b"{}") {
                    assert!(stream.read_buf(&mut request).await.unwrap() > 0);
                }
                assert!(request.starts_with(b"GET /event HTTP/1.1\r\n"));
                let host = format!("host: {}\r\n", self.url.authority().unwrap());
                assert!(String::from_utf8(request).unwrap().contains(&host));
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream
            };
            let (sent, stream) = tokio::join!(&mut sent, answered);
            assert_eq!(sent.unwrap().1.unwrap(), "ok");
            stream
        }
    }

    #[tokio::test]
    async fn keeps_connection_until_idle_timeout() {
        let app = MockApp::start().await;
        let stream = app.ask(None).await;
        let mut stream = app.ask(Some(stream)).await;
        // After this call, tokio's clock advances as soon as every task waits.
        tokio::time::pause();
        let closed = timeout(3 * IDLE_TIMEOUT, stream.read_u8()).await.expect("expected a close");
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(
            !POOL.with(|pool| pool.lock().unwrap().has_sweeper),
            "expected the sweeper to end with the last connection"
        );
    }

    #[tokio::test]
    async fn does_not_keep_connection_that_the_app_closes() {
        let app = MockApp::start().await;
        let last = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        app.ask_and_get(None, last).await;
        assert!(POOL.with(|pool| pool.lock().unwrap().idle.is_empty()));
    }

    #[tokio::test]
    async fn does_not_use_connection_past_idle_timeout() {
        let app = MockApp::start().await;
        let key = PoolKey::of(&app.url).unwrap();
        for (age, is_used) in [(IDLE_TIMEOUT / 2, true), (IDLE_TIMEOUT, false)] {
            let connection = AppConnection::open(&app.url).await.unwrap();
            let since = Instant::now().checked_sub(age).unwrap();
            let pool = Mutex::new(Pool::default());
            pool.lock()
                .unwrap()
                .idle
                .insert(key.clone(), vec![IdleConnection { connection, since }]);
            assert_eq!(take(&pool, &key, Instant::now()).is_some(), is_used);
        }
    }

    #[test]
    fn pool_keys_differ_by_scheme_name_and_port() {
        let key = |url: &'static str| PoolKey::of(&Uri::from_static(url)).unwrap();
        let (plain, secure) = (key("http://app.test/a"), key("https://app.test/a"));
        assert!(plain == key("http://app.test/b") && plain != secure);
        assert!(plain != key("http://app.test:8080/") && plain != key("http://b.test/"));
        let header = |url| key(url).host_header().unwrap();
        assert_eq!(header("http://app.test:80/"), "app.test");
        assert_eq!(header("https://app.test:80/"), "app.test:80");
        assert_eq!(header("https://[::1]:443/"), "[::1]");
    }
}
