//! Connections to the app, kept open between requests.
//!
//! Each thread has its own pool. Each worker of Pingora is a runtime with one thread, and only the
//! runtime that opened a connection can use the connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatepost::Server;
use http::Request;
use http::uri::PathAndQuery;
use http_body_util::Full;
use tokio::time::Instant;

use super::connect::BoxError;
use super::connection::{AppConnection, AppResponse, HostHeader, is_hang_up};

/// Maximum time from the start of a request to the next request on the same connection. Node closes
/// a connection after five idle seconds, so gatepost uses a shorter limit. gatepost closes an idle
/// connection within twice this time after the start of its last request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// A connection for one request.
pub(crate) struct ReadyConnection {
    connection: AppConnection,
    key: PoolKey,
    /// True if the connection has carried an earlier request.
    is_reused: bool,
    /// Start of the request. The idle time also counts from this time, so that gatepost reads the
    /// clock only once.
    since: Instant,
}

impl ReadyConnection {
    /// Takes an idle connection to the server from the pool, or opens a new connection.
    pub(crate) async fn idle_or_new(server: &Arc<Server>) -> Result<Self, BoxError> {
        let key = PoolKey(Arc::clone(server));
        let since = Instant::now();
        let idle = POOL.with(|pool| take(pool, &key, since));
        let is_reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            // Box this future, so that the future of a request on an idle connection stays small.
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

    /// Returns true if the connection uses TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.key.0.is_https()
    }

    /// Sends a request, and reads the whole response. If the connection is still open, keeps it for
    /// later requests.
    ///
    /// # Errors
    ///
    /// Returns [`StaleConnection`] if the app closed an idle connection without an answer. Returns
    /// another error if the request fails for another reason.
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
#[error("expected an open idle connection, found one that the app has closed")]
pub(crate) struct StaleConnection;

/// A server as a key of the pool. Requests to the same server can share a connection.
///
/// Each config has its own servers. If two servers without TLS and without an address guard have
/// the same address, they are equal, so gatepost keeps their connections across a reload. Any other
/// server equals only itself, so gatepost applies the files and rules of a new config to new
/// connections.
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

/// Idle connections of a thread.
#[derive(Default)]
struct Pool {
    /// Connections by key. A fast hash is safe, because the config supplies the keys, not a client.
    idle: HashMap<PoolKey, Vec<IdleConnection>, foldhash::fast::RandomState>,
    /// True while a task runs [`sweep`].
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

/// Takes the most recently used connection to a server. Returns `None` without such a
/// connection, and for a connection that has been idle for [`IDLE_TIMEOUT`]. The app may already
/// have closed the returned connection.
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

/// Closes connections that have been idle for [`IDLE_TIMEOUT`], until the pool is empty.
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::pin;

    use gatepost::Address;
    use http::Uri;
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

        /// Sends a request through the pool, and answers the request on `stream`. If `stream` is
        /// `None`, accepts a new connection.
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
        let closed = timeout(3 * IDLE_TIMEOUT, stream.read_u8()).await;
        let closed = closed.expect("expected gatepost to close the connection, found it open");
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(
            !POOL.with(|pool| pool.lock().unwrap().has_sweeper),
            "expected the sweeper to end with the last connection, found it running"
        );
    }

    #[tokio::test]
    async fn keeps_plain_connection_after_a_reload() {
        let mut app = MockApp::start().await;
        let stream = app.ask(None).await;
        // Another config has another server for the same URL.
        app.address = Address::try_from(app.address.url().clone()).unwrap();
        let reused = timeout(IDLE_TIMEOUT, app.ask(Some(stream))).await;
        assert!(reused.is_ok(), "expected the request on the kept connection, found none");
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
}
