//! Connections to apps, kept between one question and the next.
//!
//! Each thread has its own: Pingora's workers are runtimes of one thread each, and a connection
//! lives on the runtime that opened it. Whoever asks on a connection also does its work, so that an
//! answer wakes one task and not two.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::future::poll_fn;
use std::hash::{Hash, Hasher};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatepost::MAX_ANSWER_BYTES;
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

use super::response_limit::{Bounded, BoundedConnector};

/// How long an idle connection is used: less than Node's five seconds, so that a request seldom meets
/// a closing connection. It is closed when it is next looked at, at the latest after twice that.
const IDLE: Duration = Duration::from_secs(4);

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What came back: the body is `None` if it is longer than [`MAX_ANSWER_BYTES`].
pub(crate) type Response = (response::Parts, Option<Bytes>);

/// Sends a request over a connection that is kept, if there is one, and reads the whole response.
pub(crate) async fn send(url: &Uri, request: Request<Full<Bytes>>) -> Result<Response, BoxError> {
    let host = Host::of(url)?;
    // One look at the clock for each question: what was asked long ago is as good as idle.
    let now = Instant::now();
    let kept = POOL.with(|pool| take(pool, &host, now));
    let mut link = match kept {
        Some(link) => link,
        // In a box, as every question would carry the room for it.
        None => Box::pin(Link::open(url)).await?,
    };
    let response = link.exchange(url, request).await?;
    if link.is_open() {
        POOL.with(|pool| keep(pool, host, Kept { link, since: now }));
    }
    Ok(response)
}

/// The same, over a connection of its own.
pub(crate) async fn send_afresh(
    url: &Uri,
    request: Request<Full<Bytes>>,
) -> Result<Response, BoxError> {
    Link::open(url).await?.exchange(url, request).await
}

/// The app has begun its answer, and did not end it.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
struct BrokenOff(#[source] hyper::Error);

/// Whether the app hung up before the head of its answer was whole.
pub(crate) fn is_unanswered(error: &(dyn Error + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<hyper::Error>() else { return false };
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    error.is_incomplete_message() || error.is_canceled() || io.is_some_and(reset)
}

/// Loads what `https` addresses need, so that no callback waits for it.
pub(crate) fn prepare() {
    LazyLock::force(&CONNECTOR);
}

/// Where connections that are alike lead to, as the address spells it.
#[derive(Clone)]
struct Host {
    is_https: bool,
    authority: Authority,
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.is_https == other.is_https && self.authority.as_str() == other.authority.as_str()
    }
}

impl Eq for Host {}

/// At once: an authority's own way, which knows no case, hashes letter by letter.
impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.authority.as_str().as_bytes());
    }
}

impl Host {
    fn of(url: &Uri) -> Result<Self, BoxError> {
        let authority = url.authority().cloned().ok_or("the address names no host")?;
        Ok(Self { is_https: url.scheme() == Some(&Scheme::HTTPS), authority })
    }

    /// For the header of this name, without a port that goes without saying.
    fn header(&self) -> Result<HeaderValue, BoxError> {
        let default = if self.is_https { 443 } else { 80 };
        let name = match self.authority.port_u16() {
            Some(port) if port != default => self.authority.as_str(),
            _ => self.authority.host(),
        };
        Ok(HeaderValue::from_str(name)?)
    }
}

/// The connections of a thread that nobody uses at the moment.
#[derive(Default)]
struct Pool {
    /// Whom the config names, and nobody else, so the hash need not be hard to guess.
    idle: HashMap<Host, Vec<Kept>, foldhash::fast::RandomState>,
    /// Whether somebody looks after those that are idle for too long.
    is_watched: bool,
}

struct Kept {
    link: Link,
    /// When it was asked on.
    since: Instant,
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < IDLE
    }
}

thread_local! {
    static POOL: Arc<Mutex<Pool>> = Arc::default();
}

/// The connection that was used last. If the app has closed it since, that shows when it is used.
fn take(pool: &Mutex<Pool>, host: &Host, now: Instant) -> Option<Link> {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = pool.idle.get_mut(host)?.pop()?;
    kept.is_fresh(now).then_some(kept.link)
}

fn keep(shared: &Arc<Mutex<Pool>>, host: Host, kept: Kept) {
    let mut pool = shared.lock().unwrap_or_else(PoisonError::into_inner);
    match pool.idle.entry(host) {
        Entry::Occupied(mut idle) => idle.get_mut().push(kept),
        Entry::Vacant(none) => drop(none.insert_entry(vec![kept])),
    }
    if !pool.is_watched {
        pool.is_watched = true;
        tokio::spawn(watch(Arc::clone(shared)));
    }
}

/// Closes what is idle for too long, until nothing is left.
async fn watch(pool: Arc<Mutex<Pool>>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let now = Instant::now();
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.idle.retain(|_, idle| {
            idle.retain(|kept| kept.is_fresh(now));
            !idle.is_empty()
        });
        if pool.idle.is_empty() {
            pool.is_watched = false;
            return;
        }
    }
}

type Driver = http1::Connection<Bounded<MaybeHttpsStream<TokioIo<TcpStream>>>, Full<Bytes>>;

/// A connection.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// What moves its bytes; `None` once it has ended.
    driver: Option<Box<Driver>>,
    host: HeaderValue,
}

impl Link {
    async fn open(url: &Uri) -> Result<Self, BoxError> {
        let host = Host::of(url)?.header()?;
        let mut connector = CONNECTOR.clone();
        poll_fn(|context| connector.poll_ready(context)).await?;
        let stream = connector.call(url.clone()).await?;
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Self { sender, driver: Some(Box::new(driver)), host })
    }

    /// Whether another request can be sent.
    fn is_open(&mut self) -> bool {
        // Nobody waits for an idle connection, so nobody is to be woken.
        self.work(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Moves bytes as far as that goes.
    fn work(&mut self, context: &mut Context<'_>) {
        // If it ends with an error, whoever waits for it is told.
        if self.driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
            self.driver = None;
        }
    }

    /// Sends a request and reads the whole response.
    async fn exchange(
        &mut self,
        url: &Uri,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response, BoxError> {
        let path = url.path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        request.headers_mut().insert(HOST, self.host.clone());
        let mut response = pin!(self.sender.send_request(request));
        let response = self.until(|context| response.as_mut().poll(context)).await?;
        let (parts, body) = response.into_parts();
        let body = self.collect(body).await.map_err(BrokenOff)?;
        Ok((parts, body))
    }

    /// A whole body, unless it is too long.
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

    /// Works until something is ready that comes over this connection. It is the work that is woken,
    /// and it is looked after here, so nothing else needs to be.
    async fn until<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|context| {
            let mut unwoken = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = poll(&mut unwoken) {
                return Poll::Ready(done);
            }
            self.work(context);
            poll(&mut unwoken)
        })
        .await
    }
}

type Connector = BoundedConnector<HttpsConnector<HttpConnector>>;

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls())
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    BoundedConnector(connector)
});

/// TLS with the machine's own certificate authorities. On a machine that has none, an `https`
/// address fails when it is called, and says so.
fn tls() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    tls_builder().with_root_certificates(roots).with_no_client_auth()
}

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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    /// An app that answers each connection's requests until it is closed.
    struct App {
        listener: TcpListener,
        url: Uri,
    }

    impl App {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/event", listener.local_addr().unwrap()).parse().unwrap();
            Self { listener, url }
        }

        /// Sends a request, over a connection to this one if there is one, and answers it.
        async fn ask(&self, stream: Option<TcpStream>) -> TcpStream {
            self.ask_and_get(stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
        }

        async fn ask_and_get(&self, mut stream: Option<TcpStream>, answer: &str) -> TcpStream {
            let mut sent = pin!(send(&self.url, Request::new(Full::new("{}".into()))));
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
    async fn a_connection_is_kept_until_it_is_idle_for_too_long() {
        let app = App::start().await;
        let stream = app.ask(None).await;
        let mut stream = app.ask(Some(stream)).await;
        // From now on, time passes as soon as nobody has anything to do.
        tokio::time::pause();
        let closed = timeout(3 * IDLE, stream.read_u8()).await.expect("in time");
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(!POOL.with(|pool| pool.lock().unwrap().is_watched), "nothing is left to watch");
    }

    #[tokio::test]
    async fn what_the_app_ends_is_not_kept() {
        let app = App::start().await;
        let last = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        app.ask_and_get(None, last).await;
        assert!(POOL.with(|pool| pool.lock().unwrap().idle.is_empty()));
    }

    #[tokio::test]
    async fn what_was_idle_for_too_long_is_not_used() {
        let app = App::start().await;
        let host = Host::of(&app.url).unwrap();
        for (age, is_used) in [(IDLE / 2, true), (IDLE, false)] {
            let link = Link::open(&app.url).await.unwrap();
            let since = Instant::now().checked_sub(age).unwrap();
            let pool = Mutex::new(Pool::default());
            pool.lock().unwrap().idle.insert(host.clone(), vec![Kept { link, since }]);
            assert_eq!(take(&pool, &host, Instant::now()).is_some(), is_used);
        }
    }

    #[test]
    fn hosts_differ_by_protocol_and_name_and_port() {
        let host = |url: &'static str| Host::of(&Uri::from_static(url)).unwrap();
        let (plain, secure) = (host("http://app.test/a"), host("https://app.test/a"));
        assert!(plain == host("http://app.test/b") && plain != secure);
        assert!(plain != host("http://app.test:8080/") && plain != host("http://b.test/"));
        let header = |url| host(url).header().unwrap();
        assert_eq!(header("http://app.test:80/"), "app.test");
        assert_eq!(header("https://app.test:80/"), "app.test:80");
        assert_eq!(header("https://[::1]:443/"), "[::1]");
    }
}
