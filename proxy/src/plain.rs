//! The short way: callbacks that leave nothing open are read and answered here, without a session of
//! Pingora's, which costs several times as much.
//!
//! Nearly all callbacks are alike: the whole head is there at once, in HTTP/1.1, and says how long
//! the body is. Whatever is otherwise, by its path or by its form, is left to Pingora together with
//! the bytes that have come; so what is unusual is read by one parser only.

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str;
use std::task::{Poll, ready};
use std::time::Instant;

use bytes::{BufMut as _, Bytes, BytesMut};
use gatepost::{Admission, Gate, Head, Reply};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderName, HeaderValue, Method, Uri, Version};
use pingora::protocols::Stream;
use pingora::protocols::http::date::get_cached_date;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

use crate::entrance::Serving;
use crate::exchange::{DRAIN_BYTES, DRAIN_TIMEOUT, Exchange, Gone, Heard, Way};
use crate::proxy_protocol;

/// How HTTP/2 begins.
pub(crate) const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at a time while a head is waited for; most callbacks are shorter.
const HEAD_BYTES: usize = 8 * 1024;

/// How much is read at a time of a body.
const BODY_BYTES: usize = 64 * 1024;

const MAX_HEADERS: usize = 32;

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
        way: &Way,
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
            let Some(mut request) = self.take_request(&way.gate) else { return Left::Request };
            let _serving = Serving::start();
            let started = Instant::now();
            let admission = way.gate.admit(&request.head(self.peer), (way.clock)());
            if matches!(admission, Admission::Other | Admission::Shadow(_)) {
                self.put_back(request);
                return Left::Request;
            }
            request.is_last |= *stopping.borrow();
            let mut exchange = Plain { connection: self, request };
            match admission {
                Admission::Callback(intake) => way.answer(&mut exchange, intake, started).await,
                Admission::Refused(refusal) => way.refuse(&mut exchange, &refusal).await,
                Admission::Other | Admission::Shadow(_) => {}
            }
            if exchange.request.is_last {
                if let Err(error) = self.stream.shutdown().await {
                    tracing::debug!(%error, "the connection was closed already");
                }
                return Left::Nothing;
            }
        }
    }

    fn put_back(&mut self, request: Request) {
        let behind = std::mem::replace(&mut self.ahead, request.whole.into());
        self.ahead.extend_from_slice(&behind);
    }

    /// The connection, and what has come of the request that is left.
    pub(crate) fn into_parts(self) -> (Stream, BytesMut) {
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

    /// The request that has come, if it is a callback and leaves nothing open.
    fn take_request(&mut self, gate: &Gate) -> Option<Request> {
        if !gate.answers(path(&self.ahead)?) {
            return None;
        }
        let whole = self.ahead.split().freeze();
        let (request, rest) = match Request::parse(&whole) {
            Some((request, rest)) => (Some(request), rest),
            None => (None, whole),
        };
        if !rest.is_empty() {
            self.ahead = rest.into();
        }
        request
    }
}

/// What a connection is left with.
pub(crate) enum Left {
    /// It is over.
    Nothing,
    /// A request for somebody else, at least its first bytes.
    Request,
}

/// The path in a request line.
fn path(request: &[u8]) -> Option<&str> {
    let mut words = request.split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let (_method, target, _version) = (words.next()?, words.next()?, words.next()?);
    let path = target.split(|byte| *byte == b'?').next()?;
    str::from_utf8(path).ok()
}

/// A request whose head leaves nothing open.
struct Request {
    /// As it came, as far as it has.
    whole: Bytes,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// What has come of the body and was not taken yet.
    body: Bytes,
    /// How many bytes of the body are to come.
    missing: usize,
    length: usize,
    /// Whether the connection ends with it.
    is_last: bool,
}

impl Request {
    /// The request, and what came behind it.
    fn parse(bytes: &Bytes) -> Option<(Self, Bytes)> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut lines);
        let httparse::Status::Complete(end) = parsed.parse(bytes).ok()? else { return None };
        if parsed.version != Some(1) || !has_plain_lines(&bytes[..end]) {
            return None;
        }
        let method = plain_method(parsed.method?)?;
        let target = parsed.path.filter(|target| is_plain_target(target))?;
        let uri = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes())).ok()?;
        let mut headers = HeaderMap::with_capacity(parsed.headers.len());
        let mut framing = Framing::default();
        for line in &*parsed.headers {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).ok()?;
            framing.note(&name, &value)?;
            headers.append(name, value);
        }
        let length = framing.length(&method)?;
        let body = end..bytes.len().min(end.saturating_add(length));
        let request = Self {
            whole: bytes.slice(..body.end),
            method,
            uri,
            headers,
            missing: length - body.len(),
            body: bytes.slice(body.clone()),
            length,
            is_last: framing.is_last.unwrap_or_default(),
        };
        Some((request, bytes.slice(body.end..)))
    }

    fn head(&self, peer: Option<IpAddr>) -> Head<'_> {
        let head = Head::new(&self.method, &self.uri, &self.headers);
        match peer {
            Some(peer) => head.with_peer(peer),
            None => head,
        }
    }
}

/// Whether every line ends as it should, and the first begins there.
fn has_plain_lines(head: &[u8]) -> bool {
    let follows_return = |at: usize| at > 0 && head[at - 1] == b'\r';
    head.first().is_some_and(u8::is_ascii_uppercase)
        && memchr::memchr_iter(b'\n', head).all(follows_return)
}

fn plain_method(name: &str) -> Option<Method> {
    match name {
        "POST" => Some(Method::POST),
        "GET" => Some(Method::GET),
        _ => None,
    }
}

/// What may stand in the path and the query of a target.
const IN_TARGET: [bool; 256] = table(b"-._~!$&'()*+,;=:@/?%");

/// What a host's name or address and its port are written with.
const IN_HOST: [bool; 256] = table(b"-._:[]");

/// Letters, digits, and these.
const fn table(more: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte as usize] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < more.len() {
        table[more[at] as usize] = true;
        at += 1;
    }
    table
}

fn is_plain_target(target: &str) -> bool {
    target.starts_with('/') && target.bytes().all(|byte| IN_TARGET[usize::from(byte)])
}

/// What the headers say of where the request ends, and of the connection, if each says it once.
#[derive(Default)]
struct Framing {
    has_host: bool,
    length: Option<usize>,
    is_last: Option<bool>,
}

impl Framing {
    /// `None` if that can be read in more than one way.
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Option<()> {
        let value = value.as_bytes();
        if *name == HOST {
            let is_plain = value.iter().all(|byte| IN_HOST[usize::from(*byte)]);
            let is_first = !std::mem::replace(&mut self.has_host, true);
            (is_plain && is_first && !value.is_empty()).then_some(())
        } else if *name == CONTENT_LENGTH {
            let is_number = value.iter().all(u8::is_ascii_digit);
            let length = str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()?;
            self.length.replace(length).is_none().then_some(())
        } else if *name == CONNECTION {
            let is = |word: &[u8]| value.eq_ignore_ascii_case(word);
            let is_last = if is(b"close") { true } else { is(b"keep-alive").then_some(false)? };
            self.is_last.replace(is_last).is_none().then_some(())
        } else {
            let is_open = [TRANSFER_ENCODING, EXPECT, UPGRADE, TE, TRAILER].contains(name);
            (!is_open).then_some(())
        }
    }

    /// How long the body is.
    fn length(&self, method: &Method) -> Option<usize> {
        let length =
            if *method == Method::GET { self.length.is_none().then_some(0) } else { self.length };
        length.filter(|_| self.has_host)
    }
}

/// A plain request on its connection.
struct Plain<'c> {
    connection: &'c mut Connection,
    request: Request,
}

impl Plain<'_> {
    async fn read_body(&mut self) -> Result<Bytes, Gone> {
        let mut chunk = BytesMut::with_capacity(self.request.missing.min(BODY_BYTES));
        let mut space = (&mut chunk).limit(self.request.missing);
        match self.connection.stream.read_buf(&mut space).await {
            Ok(0) | Err(_) => Err(Gone),
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

    fn uri(&self) -> &Uri {
        &self.request.uri
    }

    fn is_encrypted(&self) -> bool {
        self.connection.is_encrypted
    }

    /// A sender that waits for a word is left to Pingora.
    async fn invite_body(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Gone> {
        if !self.request.body.is_empty() {
            return Ok(Some(std::mem::take(&mut self.request.body)));
        }
        if self.request.missing == 0 {
            return Ok(None);
        }
        self.read_body().await.map(Some)
    }

    /// What a sender says before its turn is its next request.
    async fn heard(&mut self) -> Heard {
        if !self.connection.ahead.is_empty() {
            return pending().await;
        }
        match self.connection.read().await {
            Ok(0) => Heard::Closed,
            Ok(_) => Heard::More,
            Err(_) => Heard::Gone,
        }
    }

    async fn write(&mut self, reply: &Reply) {
        self.request.is_last |= reply.must_close();
        let bytes = rendered(reply, self.request.is_last);
        let stream = &mut self.connection.stream;
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "the sender did not wait for its reply");
            self.request.is_last = true;
        }
    }

    async fn write_unread(&mut self, reply: &Reply) {
        self.request.is_last |= self.request.length > DRAIN_BYTES;
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

/// A reply as it is sent, with the headers that Pingora gives one.
fn rendered(reply: &Reply, is_last: bool) -> Vec<u8> {
    let status = reply.status();
    let mut bytes = Vec::with_capacity(256 + reply.body().len());
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in reply.headers().filter(|(name, _)| name != CONNECTION) {
        match name {
            CONTENT_TYPE => bytes.extend_from_slice(b"Content-Type"),
            CONTENT_LENGTH => bytes.extend_from_slice(b"Content-Length"),
            name => extend_titled(&mut bytes, name.as_str()),
        }
        extend_value(&mut bytes, value.as_bytes());
    }
    bytes.extend_from_slice(b"Date");
    extend_value(&mut bytes, get_cached_date().as_bytes());
    bytes.extend_from_slice(b"Connection");
    extend_value(&mut bytes, if is_last { b"close" } else { b"keep-alive" });
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(reply.body());
    bytes
}

fn extend_value(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

/// `Retry-After` for `retry-after`.
fn extend_titled(bytes: &mut Vec<u8>, name: &str) {
    let mut starts = true;
    bytes.extend(name.bytes().map(|byte| {
        let cased = if starts { byte.to_ascii_uppercase() } else { byte };
        starts = byte == b'-';
        cased
    }));
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::module::GateModule;

    const PLAIN: &str = "POST /callbacks/tencent?x=%2F HTTP/1.1\r\nhost: gate.test:8080\r\n\
                         content-length: 2\r\nconnection: Keep-Alive\r\n\r\n{}";

    fn parse(text: &str) -> Option<(Request, Bytes)> {
        Request::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_plain_request_is_read_to_its_end() {
        let (request, behind) = parse(&format!("{PLAIN}GET /next")).unwrap();
        assert_eq!((request.method, request.uri.path()), (Method::POST, "/callbacks/tencent"));
        assert_eq!(request.headers[HOST], "gate.test:8080");
        assert_eq!((&*request.body, request.missing, request.is_last), (&b"{}"[..], 0, false));
        assert_eq!((&*request.whole, &*behind), (PLAIN.as_bytes(), &b"GET /next"[..]));

        let (request, behind) = parse(PLAIN.strip_suffix('}').unwrap()).unwrap();
        assert_eq!((request.missing, request.length, behind.len()), (1, 2, 0));
        let (request, _) = parse(&PLAIN.replace("Keep-Alive", "close")).unwrap();
        assert!(request.is_last);
        let get = "GET /callbacks/srs HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(parse(get).unwrap().0.length, 0);
    }

    #[test]
    fn whatever_leaves_something_open_is_left_to_pingora() {
        let changed = [
            ("POST", "PUT"),
            ("POST", "\r\nPOST"),
            ("/callbacks", "http://x/callbacks"),
            ("/tencent", "/tencent#x"),
            ("/tencent", "/ten\\cent"),
            ("/tencent", "/tencént"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("host: gate.test:8080\r\n", ""),
            ("host: gate", "host: a@gate"),
            ("host: gate.test:8080", "host:"),
            ("host", "host: x\r\nhost"),
            ("host", "transfer-encoding: chunked\r\nhost"),
            ("host", "expect: 100-continue\r\nhost"),
            ("host", "upgrade: websocket\r\nhost"),
            ("host", "te: trailers\r\nhost"),
            ("host", "trailer: x\r\nhost"),
            ("host", "connection: x\r\nhost"),
            ("Keep-Alive", "upgrade"),
            ("Keep-Alive", "close, x"),
            ("content-length: 2\r\n", ""),
            ("content-length", "content-length: 2\r\ncontent-length"),
            (": 2", ": +2"),
            (": 2", ": 2, 2"),
            (": 2", ":"),
            (": 2", ": 99999999999999999999"),
            ("POST", "GET"),
            ("8080\r\n", "8080\n"),
            ("\r\n\r\n", "\r\n"),
        ];
        for (plain, open) in changed {
            let text = PLAIN.replacen(plain, open, 1);
            assert!(text != PLAIN && parse(&text).is_none(), "{text}");
        }
        let many = "x: y\r\n".repeat(MAX_HEADERS);
        assert!(parse(&PLAIN.replacen("host", &format!("{many}host"), 1)).is_none());
    }

    #[test]
    fn names_are_titled() {
        let mut bytes = Vec::new();
        extend_titled(&mut bytes, "x-kollus-userkey");
        assert_eq!(bytes, b"X-Kollus-Userkey");
    }

    #[test]
    fn a_reply_is_written_with_the_headers_that_pingora_gives_one() {
        let bytes = rendered(&Reply::not_found(), false);
        let text = String::from_utf8(bytes).unwrap();
        let (before, after) = text.split_once("Date: ").unwrap();
        assert_eq!(
            before,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 10\r\n"
        );
        let (date, after) = after.split_once("\r\n").unwrap();
        assert!(date.ends_with(" GMT"), "{date}");
        assert_eq!(after, "Connection: keep-alive\r\n\r\nnot found\n");
        let last = rendered(&Reply::bad_request(), true);
        assert_eq!(String::from_utf8(last).unwrap().matches("Connection: close\r\n").count(), 1);
    }

    #[tokio::test]
    async fn what_is_put_back_stands_before_what_came_behind() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let (_client, server) = tokio::io::duplex(64);
        let mut connection = Connection::new(Box::new(server));
        let sent = format!("{PLAIN}GET /next");
        connection.ahead.extend_from_slice(sent.as_bytes());
        let request = connection.take_request(&gate).unwrap();
        assert_eq!(connection.ahead, "GET /next");
        connection.put_back(request);
        assert_eq!(connection.ahead, sent);
        assert!(connection.take_request(&gate).is_some());
        assert!(connection.take_request(&gate).is_none(), "nobody's path");
        assert_eq!(connection.ahead, "GET /next");
    }

    /// Serves a connection that has sent this; what it gets.
    async fn serve(
        sent: &[u8],
        is_stopping: bool,
        stopped: impl Future<Output = ()> + Send,
    ) -> String {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let way = GateModule::new(gate).way().clone();
        let (mut client, server) = tokio::io::duplex(1024);
        let mut connection = Connection::new(Box::new(server));
        client.write_all(sent).await.unwrap();
        let (_running, stopping) = tokio::sync::watch::channel(is_stopping);
        let left = connection.serve(&way, &stopping, pin!(stopped)).await;
        assert!(matches!(left, Left::Nothing));
        drop(connection);
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    }

    #[tokio::test]
    async fn when_the_proxy_stops_an_idle_connection_ends() {
        assert_eq!(serve(b"", false, async {}).await, "");
    }

    #[tokio::test]
    async fn while_the_proxy_stops_a_reply_says_that_it_is_the_last() {
        let got = serve(PLAIN.as_bytes(), true, pending()).await;
        assert!(got.starts_with("HTTP/1.1 401 ") && got.contains("Connection: close\r\n"), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let part = PLAIN.strip_suffix('}').unwrap();
        let got = serve(part.as_bytes(), false, pending()).await;
        assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
    }
}
