//! Where connections come in: HTTP/1.1 and HTTP/2 on one port.
//!
//! Left to itself, Pingora waits for the 24 bytes of HTTP/2's preface before it answers anybody,
//! which a short HTTP/1.0 request never sends, and for ever. The first byte that differs tells the
//! two apart.
//!
//! Nor does it limit how long a whole head may take, only how long each piece of it. See
//! [`HeadClock`].
//!
//! On HTTP/1 callbacks are served in a [shorter way](http1), all else in Pingora's.
//!
//! With `proxy_protocol` the proxy in front says before that whose connection it is.

mod callback_driver;
mod head_clock;
mod http1;
pub(crate) mod pingora;
mod proxy_protocol;

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ::pingora::apps::{
    HttpPersistentSettings, HttpServerApp as _, HttpServerOptions, ReusedHttpStream, ServerApp,
};
use ::pingora::protocols::Stream;
use ::pingora::protocols::http::ServerSession;
use ::pingora::proxy::{HttpProxy, http_proxy};
use ::pingora::server::ShutdownWatch;
use ::pingora::server::configuration::ServerConf;
use async_trait::async_trait;
use gatepost::report;
use http::Version;
use tokio::time::timeout;

use self::callback_driver::CallbackServer;
use self::head_clock::{HEAD, HeadClock};
use self::http1::{Connection, Left};
use self::pingora::Service;
use self::proxy_protocol::HeaderError;
use crate::clock;
use crate::telemetry::metrics::METRICS;

/// How long a connection may take to say what it wants.
#[derive(Clone, Copy)]
struct Limits {
    /// Until the first bytes are there, which tell the version.
    start: Duration,
    /// Until a head of HTTP/1 is whole, counted from the first bytes or from the last reply.
    head: Duration,
    /// Between the bytes of a head of HTTP/1, and without a request on HTTP/2, where a head that is
    /// not whole is none.
    idle: Duration,
}

const LIMITS: Limits = Limits {
    start: Duration::from_secs(60),
    head: Duration::from_secs(90),
    idle: Duration::from_secs(60),
};

/// How long idle connections stay open when the proxy stops: a request may be on its way on one,
/// and would be cut. It is answered, and told that the connection ends.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_millis(500);

/// The proxy, for either version of HTTP.
pub(crate) struct Entrance {
    server: CallbackServer,
    proxy_protocol: bool,
    http_1: Arc<HttpProxy<Service>>,
    http_2: Arc<HttpProxy<Service>>,
    limits: Limits,
}

impl Entrance {
    /// `proxy_protocol`: whether each connection starts with a header of it.
    pub(crate) fn new(conf: &Arc<ServerConf>, service: &Service, proxy_protocol: bool) -> Self {
        Self::with_limits(conf, service, proxy_protocol, LIMITS)
    }

    fn with_limits(
        conf: &Arc<ServerConf>,
        service: &Service,
        proxy_protocol: bool,
        limits: Limits,
    ) -> Self {
        let proxy = |h2c| {
            let mut proxy = http_proxy(conf, service.clone());
            let mut options = HttpServerOptions::default();
            options.h2c = h2c;
            options.h2_idle_timeout = Some(limits.idle);
            proxy.server_options = Some(options);
            Arc::new(proxy)
        };
        let server = service.server().clone();
        Self { server, proxy_protocol, http_1: proxy(false), http_2: proxy(true), limits }
    }

    /// Serves a connection to its end: callbacks in the short way, everything else in Pingora's.
    async fn serve_http_1(
        &self,
        mut connection: Connection,
        shutdown: &ShutdownWatch,
        mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) {
        let mut earlier = None::<HttpPersistentSettings>;
        loop {
            match connection.serve(&self.server, shutdown, stopped.as_mut()).await {
                Left::Nothing => return,
                Left::Request => {}
            }
            let peer = connection.peer();
            let (stream, ahead) = connection.into_parts();
            let mut session = ServerSession::new_http1(stream);
            match earlier {
                Some(settings) => settings.apply_to_session(&mut session),
                None => session.set_keepalive(Some(self.limits.idle.as_secs())),
            }
            session.set_pipelined_prefix(ahead);
            let owed = HeadClock::owed();
            let served = self.http_1.process_new_http(session, shutdown).await;
            let Some((stream, settings)) = served.map(ReusedHttpStream::consume) else {
                if owed == HeadClock::owed() && !*shutdown.borrow() {
                    unreadable(peer);
                }
                return;
            };
            earlier = settings;
            connection = Connection::new(stream);
        }
    }

    /// Reads on until it is known who speaks, and which version of HTTP. `None`: the connection is
    /// to be closed.
    async fn greet(&self, mut stream: Stream) -> Option<(Version, Connection)> {
        if self.proxy_protocol && !self.is_introduced(&mut stream).await {
            return None;
        }
        let mut connection = Connection::new(stream);
        // If it takes longer it is silent, or as good as that.
        let version = timeout(self.limits.start, connection.version()).await.ok()??;
        Some((version, connection))
    }

    /// Whether whoever connected may say whose connection it is, and did.
    async fn is_introduced(&self, stream: &mut Stream) -> bool {
        let peer = proxy_protocol::peer(stream).map(|peer| peer.ip());
        let error = if peer.is_some_and(|peer| self.server.gate.accepts_proxy_protocol_from(peer)) {
            match proxy_protocol::accept(stream).await {
                Ok(()) => return true,
                Err(error) => error,
            }
        } else {
            HeaderError::NotTrusted
        };
        report::closed("proxy_protocol_broken", &error, peer, clock::now());
        false
    }
}

/// A request of HTTP/1 that Pingora itself turned away: it tells nobody why.
#[derive(Debug, thiserror::Error)]
#[error("its request is no HTTP that is served here, or not whole")]
struct Unreadable;

fn unreadable(peer: Option<IpAddr>) {
    METRICS.unreadable.inc();
    report::closed("request_unreadable", &Unreadable, peer, clock::now());
}

#[async_trait]
impl ServerApp for Entrance {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let mut stopping = shutdown.clone();
        let stopped = async {
            drop(stopping.wait_for(|stopping| *stopping).await);
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        let mut stopped = pin!(stopped);
        let greeted = tokio::select! {
            biased; // Whoever has spoken is answered.
            greeted = self.greet(stream) => greeted,
            () = &mut stopped => None,
        };
        let (version, connection) = greeted?;
        if version == Version::HTTP_2 {
            return self.http_2.process_new(connection.into_stream()?, shutdown).await;
        }
        let clock = HeadClock::start();
        let served = HEAD.scope(clock.clone(), self.serve_http_1(connection, shutdown, stopped));
        tokio::select! {
            biased;
            () = served => {}
            () = clock.overdue(self.limits.head) => {}
        }
        None
    }

    /// Closes the idle connections.
    async fn cleanup(&self) {
        tokio::time::sleep(LAST_REQUESTS).await;
        self.http_1.cleanup().await;
        self.http_2.cleanup().await;
    }
}

#[cfg(test)]
mod tests {
    use ::pingora::protocols::l4;
    use gatepost::Gate;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::inbound::http1::PREFACE;

    fn entrance(limits: Limits) -> Arc<Entrance> {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let conf = Arc::new(ServerConf::default());
        let service = Service::new(gate, None);
        Arc::new(Entrance::with_limits(&conf, &service, false, limits))
    }

    /// Serves a connection until its end.
    async fn serve(stream: Stream, limits: Limits) {
        let (_running, shutdown) = watch::channel(false);
        assert!(entrance(limits).process_new(stream, &shutdown).await.is_none());
    }

    /// Whether a request gets its whole reply.
    async fn is_answered(client: &mut DuplexStream) -> bool {
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut reply = Vec::new();
        while !reply.ends_with(b"not found\n") {
            if client.read_buf(&mut reply).await.unwrap() == 0 {
                return false;
            }
        }
        true
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_cut_off() {
        let (mut client, server) = duplex(1024);
        let server = tokio::spawn(serve(Box::new(server), LIMITS));
        let started = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        while client.write_all(b"y").await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
        server.await.unwrap();
        let took = started.elapsed();
        assert!((LIMITS.head..LIMITS.head + Duration::from_secs(7)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_head_has_its_own_time() {
        let (mut client, server) = duplex(1024);
        let server = tokio::spawn(serve(Box::new(server), LIMITS));
        for _ in 0..5 {
            assert!(is_answered(&mut client).await);
            sleep(LIMITS.head - Duration::from_secs(1)).await;
        }
        assert!(is_answered(&mut client).await);
        sleep(LIMITS.head + Duration::from_secs(1)).await;
        assert!(client.write_all(b"GET / HTTP/1.1\r\n").await.is_err());
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_be_served_for_as_long_as_it_takes() {
        let clock = HeadClock::start();
        clock.set(None);
        let hour = Duration::from_secs(3600);
        assert!(timeout(hour, clock.overdue(LIMITS.head)).await.is_err());
        clock.set(Some(Instant::now()));
        assert!(timeout(LIMITS.head * 2, clock.overdue(LIMITS.head)).await.is_ok());
    }

    /// Sends these bytes, and waits to be hung up on.
    async fn is_hung_up_on(bytes: &[u8], limits: Limits) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(bytes).await.unwrap();
        let served = serve(Box::new(l4::stream::Stream::from(server)), limits);
        let mut read = Vec::new();
        let (_, _gone) = tokio::join!(served, client.read_to_end(&mut read));
    }

    #[tokio::test]
    async fn a_preface_that_is_not_whole_is_not_waited_for() {
        let limits = Limits { start: Duration::from_millis(10), ..LIMITS };
        is_hung_up_on(&PREFACE[..23], limits).await;
        is_hung_up_on(b"", limits).await;
    }

    #[tokio::test]
    async fn http_2_without_a_whole_head_is_not_waited_for() {
        let limits = Limits { idle: Duration::from_millis(10), ..LIMITS };
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let half_a_head = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83];
        is_hung_up_on(&[&PREFACE[..], &settings, &half_a_head].concat(), limits).await;
    }
}
