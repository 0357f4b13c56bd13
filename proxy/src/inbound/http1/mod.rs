//! The short way: callbacks that leave nothing open are read and answered here, without a session of
//! Pingora's, which costs several times as much.
//!
//! Nearly all callbacks are alike: the whole head is there at once, in HTTP/1.1, and says how long
//! the body is. Whatever is otherwise, by its path or by its form, is left to Pingora together with
//! the bytes that have come; so what is unusual is read by one parser only.

mod reply;
mod request;

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use gatepost::{ClientActivity, Disconnected, FoundRoute, Gate, Head, Reply};
use http::Version;
use memchr::memmem;
use pingora::protocols::Stream;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

use self::reply::rendered;
use self::request::{Request, path};
use super::callback_driver::{CallbackServer, DRAIN_BYTES, DRAIN_TIMEOUT, Exchange, unhurried};
use super::head_clock::Serving;
use super::proxy_protocol;

/// How HTTP/2 begins.
pub(crate) const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at a time while a head is waited for; most callbacks are shorter.
const HEAD_BYTES: usize = 8 * 1024;

/// How much is read at a time of a body.
const BODY_BYTES: usize = 64 * 1024;

/// How long a sender may take to take a reply that does not fit into the connection: one that sends
/// request after request and reads no reply.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection, of HTTP/1 if it is to be [served](Connection::serve).
pub(crate) struct Connection {
    stream: Stream,
    peer: Option<IpAddr>,
    is_encrypted: bool,
    /// What has come of the next request.
    ahead: BytesMut,
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Self {
        let peer = proxy_protocol::peer(&stream).as_ref().map(SocketAddr::ip);
        let is_encrypted = stream.get_ssl_digest().is_some();
        Self { stream, peer, is_encrypted, ahead: BytesMut::new() }
    }

    /// Reads on until it is known which version of HTTP is spoken; `None` if it ends before.
    pub(crate) async fn version(&mut self) -> Option<Version> {
        loop {
            let (begin, _) = PREFACE.split_at(self.ahead.len().min(PREFACE.len()));
            if !self.ahead.starts_with(begin) {
                return Some(Version::HTTP_11);
            }
            if begin.len() == PREFACE.len() {
                return Some(Version::HTTP_2);
            }
            if !matches!(self.read().await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Answers callbacks until a request comes that is to be left to others, or nothing any more.
    /// `stopped` is when nobody waits for requests any longer.
    pub(crate) async fn serve(
        &mut self,
        server: &CallbackServer,
        stopping: &ShutdownWatch,
        mut stopped: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Left {
        loop {
            if self.ahead.is_empty() {
                let read = tokio::select! {
                    biased; // Whoever has spoken is answered.
                    read = self.read() => read,
                    () = &mut stopped => return Left::Nothing,
                };
                if !matches!(read, Ok(1..)) {
                    return Left::Nothing;
                }
            }
            let Some((request, route)) = self.take_request(&server.gate) else {
                return Left::Request;
            };
            let _serving = Serving::start();
            let started = Instant::now();
            let admitted = server.gate.admit_on(&route, &request.head(self.peer), (server.clock)());
            let mut exchange = Plain { connection: self, request, stopping };
            match admitted {
                Ok(intake) => server.serve(&mut exchange, intake, started).await,
                Err(refusal) => server.refuse(&mut exchange, &refusal).await,
            }
            if exchange.request.is_last {
                // What was not taken yet would be waited for.
                let shut_down = unhurried(DRAIN_TIMEOUT, self.stream.shutdown()).await;
                if !matches!(shut_down, Some(Ok(()))) {
                    tracing::debug!("the connection was closed already, or not read");
                }
                return Left::Nothing;
            }
        }
    }

    /// Who connected.
    pub(crate) const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The connection, and what has come of the request that is left: with room for the rest of its
    /// head, as whoever reads on reads no more than there is room for.
    pub(crate) fn into_parts(mut self) -> (Stream, BytesMut) {
        if memmem::find(&self.ahead, b"\r\n\r\n").is_none() {
            self.ahead.reserve(HEAD_BYTES);
        }
        (self.stream, self.ahead)
    }

    /// The connection as it was before anything was read.
    pub(crate) fn into_stream(self) -> Option<Stream> {
        let mut stream = self.stream.into_any().downcast::<TcpStream>().ok()?;
        stream.rewind(&self.ahead);
        Some(stream)
    }

    /// Reads what there is. A connection that is silent takes no buffer.
    async fn read(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            let mut space = [MaybeUninit::uninit(); HEAD_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            self.ahead.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// Takes the received request, with its route, if it is a callback that needs no session of
    /// Pingora's.
    fn take_request(&mut self, gate: &Gate) -> Option<(Request, FoundRoute)> {
        let route = gate.find_route(path(&self.ahead)?)?;
        let whole = self.ahead.split().freeze();
        let (request, rest) = match Request::parse(&whole) {
            Some((request, rest)) => (Some(request), rest),
            None => (None, whole),
        };
        if !rest.is_empty() {
            self.ahead = rest.into();
        }
        Some((request?, route))
    }
}

/// What a connection is left with.
pub(crate) enum Left {
    /// It is over.
    Nothing,
    /// A request for somebody else, at least its first bytes.
    Request,
}

/// A plain request on its connection.
struct Plain<'c> {
    connection: &'c mut Connection,
    request: Request,
    stopping: &'c ShutdownWatch,
}

impl Plain<'_> {
    async fn read_body(&mut self) -> Result<Bytes, Disconnected> {
        let mut chunk = BytesMut::with_capacity(self.request.missing.min(BODY_BYTES));
        let mut space = (&mut chunk).limit(self.request.missing);
        match self.connection.stream.read_buf(&mut space).await {
            Ok(0) | Err(_) => Err(Disconnected),
            Ok(read) => {
                self.request.missing -= read;
                Ok(chunk.freeze())
            }
        }
    }

    /// Throws away what is left of the body. Whether that was all.
    async fn drain(&mut self) -> bool {
        let mut left = DRAIN_BYTES;
        while let Ok(Some(chunk)) = self.next_chunk().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return false };
            left = rest;
        }
        self.request.missing == 0
    }
}

impl Exchange for Plain<'_> {
    fn head(&self) -> Head<'_> {
        self.request.head(self.connection.peer)
    }

    fn is_encrypted(&self) -> bool {
        self.connection.is_encrypted
    }

    /// A sender that waits for a word is left to Pingora.
    async fn invite_body(&mut self) -> Result<(), Disconnected> {
        Ok(())
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        if !self.request.body.is_empty() {
            return Ok(Some(std::mem::take(&mut self.request.body)));
        }
        if self.request.missing == 0 {
            return Ok(None);
        }
        self.read_body().await.map(Some)
    }

    /// Bytes that a client sends before its reply are its next request.
    async fn activity(&mut self) -> ClientActivity {
        if !self.connection.ahead.is_empty() {
            return pending().await;
        }
        match self.connection.read().await {
            Ok(0) => ClientActivity::HalfClosed,
            Ok(_) => ClientActivity::SentMore,
            Err(_) => ClientActivity::Disconnected,
        }
    }

    async fn write(&mut self, reply: &Reply) {
        // It may have been told to stop while the app was asked. What has come behind is answered.
        let stops = *self.stopping.borrow() && self.connection.ahead.is_empty();
        self.request.is_last |= reply.must_close() || stops;
        let bytes = rendered(reply, self.request.is_last);
        let stream = &mut self.connection.stream;
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        if !matches!(unhurried(WRITE_TIMEOUT, written).await, Some(Ok(()))) {
            tracing::debug!("the sender did not take its reply");
            self.request.is_last = true;
        }
    }

    async fn write_unread(&mut self, reply: &Reply) {
        self.request.is_last |= self.request.missing > 0 && self.request.length > DRAIN_BYTES;
        self.write(reply).await;
        // Hanging up on bytes that are still coming would take the reply back.
        if self.request.missing > 0 {
            let drained = tokio::time::timeout(DRAIN_TIMEOUT, self.drain()).await;
            self.request.is_last |= !matches!(drained, Ok(true));
        }
    }

    fn close(&mut self) {
        self.request.is_last = true;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::request::tests::PLAIN;
    use super::*;
    use crate::inbound::pingora::GateModule;

    #[tokio::test]
    async fn takes_a_callback_and_leaves_other_paths() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let (_client, stream) = tokio::io::duplex(64);
        let mut connection = Connection::new(Box::new(stream));
        connection.ahead.extend_from_slice(format!("{PLAIN}GET /next HTTP/1.1").as_bytes());
        assert!(connection.take_request(&gate).is_some());
        assert_eq!(connection.ahead, "GET /next HTTP/1.1");
        assert!(connection.take_request(&gate).is_none());
        assert_eq!(connection.ahead, "GET /next HTTP/1.1");
    }

    /// Serves a connection that has sent this; what it gets.
    async fn serve(
        sent: &[u8],
        is_stopping: bool,
        stopped: impl Future<Output = ()> + Send,
    ) -> String {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let server = GateModule::new(gate).server().clone();
        let (mut client, stream) = tokio::io::duplex(1024);
        let mut connection = Connection::new(Box::new(stream));
        client.write_all(sent).await.unwrap();
        let (_running, stopping) = tokio::sync::watch::channel(is_stopping);
        let left = connection.serve(&server, &stopping, pin!(stopped)).await;
        assert!(matches!(left, Left::Nothing));
        drop(connection);
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_is_ahead_is_not_read_further() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let (mut client, stream) = tokio::io::duplex(1024);
        let mut connection = Connection::new(Box::new(stream));
        let (_running, stopping) = tokio::sync::watch::channel(false);
        connection.ahead.extend_from_slice(format!("{PLAIN}GET /next").as_bytes());
        let (request, _) = connection.take_request(&gate).unwrap();
        let mut plain = Plain { connection: &mut connection, request, stopping: &stopping };
        client.write_all(b"more").await.unwrap();
        assert!(tokio::time::timeout(WRITE_TIMEOUT, plain.activity()).await.is_err());
        assert_eq!(connection.ahead, "GET /next");
    }

    #[test]
    fn what_is_left_has_room_for_the_rest_of_its_head() {
        for (left, has_room) in [("GET /", true), ("GET / HTTP/1.1\r\n\r\nbody", false)] {
            let mut connection = Connection::new(Box::new(tokio::io::duplex(1).1));
            connection.ahead.extend_from_slice(left.as_bytes());
            let (_, ahead) = connection.into_parts();
            assert_eq!(ahead, left);
            assert_eq!(ahead.capacity() >= HEAD_BYTES, has_room, "{left}");
        }
    }

    #[tokio::test]
    async fn when_the_proxy_stops_an_idle_connection_ends() {
        assert_eq!(serve(b"", false, async {}).await, "");
    }

    #[tokio::test]
    async fn while_the_proxy_stops_a_reply_says_that_it_is_the_last() {
        let got = serve(PLAIN.as_bytes(), true, pending()).await;
        assert!(got.starts_with("HTTP/1.1 401 ") && got.contains("Connection: close\r\n"), "{got}");
        let got = serve(PLAIN.repeat(2).as_bytes(), true, pending()).await;
        let (first, second) = got.split_once("refused\n").unwrap();
        assert!(first.contains("keep-alive") && second.contains("Connection: close\r\n"), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let part = PLAIN.strip_suffix('}').unwrap();
        let got = serve(part.as_bytes(), false, pending()).await;
        assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
    }

    /// What comes of it later is no request.
    #[tokio::test(start_paused = true)]
    async fn a_refused_body_that_does_not_come_ends_the_connection() {
        let head = PLAIN.replace("/tencent", "/kollus/guess").replace("{}", "");
        let served = tokio::time::timeout(WRITE_TIMEOUT, serve(head.as_bytes(), false, pending()));
        let got = served.await.expect("in time");
        assert!(got.starts_with("HTTP/1.1 401 "), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_is_not_taken_is_not_waited_for() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let server = GateModule::new(gate).server().clone();
        let (mut client, stream) = tokio::io::duplex(PLAIN.len());
        let mut connection = Connection::new(Box::new(stream));
        client.write_all(PLAIN.as_bytes()).await.unwrap();
        let (_running, stopping) = tokio::sync::watch::channel(false);
        let started = tokio::time::Instant::now();
        let left = connection.serve(&server, &stopping, pin!(pending())).await;
        assert!(matches!(left, Left::Nothing));
        assert_eq!(started.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    }
}
