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
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatepost::{AnswerFault, MAX_ANSWER_BYTES, Server};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri, response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use tokio::time::Instant;

use super::connect::{AppStream, BoxError, connect};
use super::response_limit::{AnswerTooLong, LimitedConnection};

/// Maximum age of an idle connection that gatepost uses for a request. Node closes a connection
/// after five idle seconds, so gatepost uses a shorter limit. gatepost closes an older connection
/// within twice this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Head and body of a response; `None` if the body exceeds [`MAX_ANSWER_BYTES`].
pub(crate) type AppResponse = (response::Parts, Option<Bytes>);

/// A connection for one request.
pub(crate) struct ReadyConnection {
    connection: AppConnection,
    key: PoolKey,
    /// True if the connection has carried an earlier request.
    is_reused: bool,
    /// Start of the request. The later idle time also counts from here, so that gatepost reads the
    /// clock once.
    since: Instant,
}

impl ReadyConnection {
    /// Takes an idle connection to the server, or opens one.
    pub(crate) async fn idle_or_new(server: &Arc<Server>) -> Result<Self, BoxError> {
        let key = PoolKey(Arc::clone(server));
        let since = Instant::now();
        let idle = POOL.with(|pool| take(pool, &key, since));
        let is_reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            // Boxed, so that the future of a request on an idle connection stays small.
            None => Box::pin(AppConnection::open(server)).await?,
        };
        Ok(Self { connection, key, is_reused, since })
    }

    /// Opens a connection.
    pub(crate) async fn new(server: &Arc<Server>) -> Result<Self, BoxError> {
        let connection = Box::pin(AppConnection::open(server)).await?;
        let key = PoolKey(Arc::clone(server));
        Ok(Self { connection, key, is_reused: false, since: Instant::now() })
    }

    /// Returns true if the connection has TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.key.0.is_https()
    }

    /// Sends a request, reads the whole response, and keeps the connection for later requests.
    ///
    /// # Errors
    ///
    /// Returns [`StaleConnection`] if the app closed an idle connection without an answer.
    pub(crate) async fn send(
        mut self,
        path: Option<&PathAndQuery>,
        request: Request<Full<Bytes>>,
        host: HostHeader,
    ) -> Result<AppResponse, BoxError> {
        let response = match self.connection.exchange(path, request, host).await {
            Err(error) if self.is_reused && is_hang_up(&*error) => {
                return Err(StaleConnection.into());
            }
            response => response?,
        };
        let Self { mut connection, key, since, .. } = self;
        if connection.is_open() {
            POOL.with(|pool| put(pool, key, IdleConnection { connection, since }));
        }
        Ok(response)
    }
}

/// Error for an idle connection that the app closed without an answer. The app may have closed the
/// connection before the request arrived, so gatepost sends the request again.
#[derive(Debug, thiserror::Error)]
#[error("the app closed an idle connection")]
pub(crate) struct StaleConnection;

/// Error for a connection that ends within the body of an answer.
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

/// The `host` header of a request to the app.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostHeader {
    /// The `host` in the request's headers, if the request has one.
    AsGiven,
    /// The host of the address.
    OfAddress,
}

/// A server as a key. Requests to one server can share a connection.
///
/// Each config has its own servers. Plain connections outlive a reload, because the servers of two
/// configs are equal if they have the same address. A server with TLS or an address guard equals
/// only itself, so its connections do not outlive the files and rules of its config.
#[derive(Clone)]
struct PoolKey(Arc<Server>);

impl PoolKey {
    /// Returns true if gatepost needs only the address of the server to connect.
    fn has_only_address(&self) -> bool {
        let server = &self.0;
        !server.is_https() && server.tls().is_none() && server.guard().is_none()
    }
}

impl PartialEq for PoolKey {
    fn eq(&self, other: &Self) -> bool {
        let (own, other_server) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || self.has_only_address()
                && other.has_only_address()
                && own.authority().as_str() == other_server.authority().as_str()
                && own.socket() == other_server.socket()
    }
}

impl Eq for PoolKey {}

impl Hash for PoolKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // All Unix sockets have the authority `localhost`; `eq` also compares their paths.
        self.0.authority().as_str().hash(state);
    }
}

/// Returns the value of the `host` header, without a port that is the scheme's default.
fn host_header(server: &Server) -> Result<HeaderValue, BoxError> {
    let default = if server.is_https() { 443 } else { 80 };
    let authority = server.authority();
    let name = match authority.port_u16() {
        Some(port) if port != default => authority.as_str(),
        _ => authority.host(),
    };
    Ok(HeaderValue::from_str(name)?)
}

/// Idle connections of a thread.
#[derive(Default)]
struct Pool {
    /// Connections by key. A fast hash is safe, because the config supplies the keys, not a client.
    idle: HashMap<PoolKey, Vec<IdleConnection>, foldhash::fast::RandomState>,
    /// True if a task [`sweep`] runs.
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

/// Takes the most recently used connection. Returns `None` if the pool has no connection, or only
/// connections past [`IDLE_TIMEOUT`]. The app may already have closed the returned connection.
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

type ConnectionTask = http1::Connection<LimitedConnection<AppStream>, Full<Bytes>>;

/// A connection to the app.
struct AppConnection {
    sender: SendRequest<Full<Bytes>>,
    /// Task that reads and writes the bytes; `None` after the connection has ended.
    task: Option<Box<ConnectionTask>>,
    host: HeaderValue,
}

impl AppConnection {
    async fn open(server: &Server) -> Result<Self, BoxError> {
        let host = host_header(server)?;
        let stream = LimitedConnection::new(connect(server).await?);
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
        path: Option<&PathAndQuery>,
        mut request: Request<Full<Bytes>>,
        host: HostHeader,
    ) -> Result<AppResponse, BoxError> {
        *request.uri_mut() = path.cloned().map_or_else(Uri::default, Uri::from);
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

#[cfg(test)]
mod tests {
    use gatepost::Address;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    /// An app for which the test writes the answers.
    struct MockApp {
        listener: TcpListener,
        address: Address,
    }

    impl MockApp {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/event", listener.local_addr().unwrap());
            let address = Address::try_from(url.parse::<Uri>().unwrap()).unwrap();
            Self { listener, address }
        }

        /// Sends a request and answers the request. If `stream` is `None`, uses a new connection.
        async fn ask(&self, stream: Option<TcpStream>) -> TcpStream {
            self.ask_and_get(stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
        }

        async fn ask_and_get(&self, mut stream: Option<TcpStream>, answer: &str) -> TcpStream {
            let request = Request::new(Full::new("{}".into()));
            let mut sent = pin!(async {
                let connection = ReadyConnection::idle_or_new(self.address.server()).await?;
                let path = self.address.url().path_and_query();
                connection.send(path, request, HostHeader::OfAddress).await
            });
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
                let host = format!("host: {}\r\n", self.address.server().authority());
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
    async fn keeps_plain_connection_after_a_reload() {
        let mut app = MockApp::start().await;
        let stream = app.ask(None).await;
        // Another config has another server for the same URL.
        app.address = Address::try_from(app.address.url().clone()).unwrap();
        let reused = timeout(IDLE_TIMEOUT, app.ask(Some(stream))).await;
        assert!(reused.is_ok(), "expected the event on the kept connection, found none");
    }

    #[test]
    fn servers_with_tls_share_no_connection() {
        let key = |url: &'static str| {
            let address = Address::try_from(Uri::from_static(url)).unwrap();
            PoolKey(Arc::clone(address.server()))
        };
        assert!(key("http://app.test/a") == key("http://app.test/b"));
        assert!(key("http://app.test/") != key("http://app.test:81/"));
        assert!(key("https://app.test/") != key("https://app.test/"));
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
        let key = PoolKey(Arc::clone(app.address.server()));
        for (age, is_used) in [(IDLE_TIMEOUT / 2, true), (IDLE_TIMEOUT, false)] {
            let connection = AppConnection::open(app.address.server()).await.unwrap();
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
    fn host_header_has_no_default_port() {
        let header = |url: &'static str| {
            let address = Address::try_from(Uri::from_static(url)).unwrap();
            host_header(address.server()).unwrap()
        };
        assert_eq!(header("http://app.test:80/"), "app.test");
        assert_eq!(header("https://app.test:80/"), "app.test:80");
        assert_eq!(header("https://[::1]:443/"), "[::1]");
    }
}
