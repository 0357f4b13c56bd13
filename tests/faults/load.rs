//! Load generator: sends a mix of requests on keep-alive connections, and checks every reply.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::app::{Act, Seen};
use super::process::{FAILED, KEY, TOKEN};
use super::tls::NAME;

/// Number of the next request. No two requests have the same number.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Time limit for the reply on a connection that gatepost may never accept.
const ENDING: Duration = Duration::from_secs(1);

/// Requests to send, and the conditions that their replies must meet.
pub struct Load<'a> {
    pub port: u16,
    /// Settings of a client with TLS; `None` for plain HTTP.
    pub tls: Option<Arc<ClientConfig>>,
    pub connections: usize,
    /// Acts that the app carries out in turn.
    pub acts: &'a [Act],
    /// Kinds of the requests, in turn.
    pub kinds: &'a [Kind],
    /// The client's address.
    pub source: Ipv4Addr,
    /// Maximum number of requests, over all connections.
    pub requests: u64,
    pub duration: Duration,
    /// Time after which a reply counts as lost.
    pub patience: Duration,
    /// True if the listener may close. If a new connection fails in this case, its sender stops
    /// without a complaint.
    pub may_end: &'a AtomicBool,
    pub seen: &'a Seen,
    /// Number of connections that have received a reply.
    pub established: AtomicUsize,
}

/// Result of a load.
#[derive(Debug, Default)]
pub struct Tally {
    pub sent: u64,
    /// Replies that follow from an answer of the app.
    pub right: u64,
    /// Replies by gatepost itself: refusals, and replies after failures of the app.
    pub policy: u64,
    /// Replies that are missing, late or wrong.
    pub lost: u64,
    /// Replies by gatepost itself to genuine requests whose act is [`Act::Answers`].
    pub spared: u64,
    /// Time until each reply, in microseconds.
    pub micros: Vec<u32>,
    pub complaints: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.right += other.right;
        self.policy += other.policy;
        self.lost += other.lost;
        self.spared += other.spared;
        self.micros.extend(other.micros);
        self.complaints.extend(other.complaints);
        self.complaints.truncate(8);
    }

    /// Returns the 99th percentile of the reply times, in milliseconds.
    pub fn p99(&self) -> f64 {
        let mut micros = self.micros.clone();
        micros.sort_unstable();
        let at = micros.len() * 99 / 100;
        micros.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }

    pub fn lose(&mut self, why: String) {
        self.lost += 1;
        self.complaints.push(why);
    }
}

impl Load<'_> {
    /// Sends up to `requests` requests, and stops after `duration`.
    pub fn run(&self) -> Tally {
        let left = AtomicU64::new(self.requests);
        let until = Instant::now() + self.duration;
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let send = || scope.spawn(|| self.send_share(&left, until));
            let senders: Vec<_> = (0..self.connections).map(|_| send()).collect();
            for sender in senders {
                tally.add(sender.join().unwrap());
            }
        });
        tally
    }

    /// Waits until every connection has received a reply, or the load has ended.
    pub fn wait_until_established(&self, load: &thread::ScopedJoinHandle<'_, Tally>) {
        while self.established.load(Ordering::Relaxed) < self.connections && !load.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn send_share(&self, left: &AtomicU64, until: Instant) -> Tally {
        let mut tally = Tally::default();
        let (mut connection, mut established) = (None, false);
        let take = |left: u64| left.checked_sub(1);
        while Instant::now() < until
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
        {
            let request = Request::next(self.acts, self.kinds);
            let (fresh, reader) = match connection.take() {
                Some(reader) => (false, reader),
                None => match self.connect() {
                    Ok(reader) => (true, reader),
                    Err(_) if self.may_end.load(Ordering::Relaxed) => return tally,
                    Err(error) => {
                        tally.sent += 1;
                        tally.lose(format!(
                            "{:?}: expected a connection, found an error: {error}",
                            request.kind
                        ));
                        thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                },
            };
            let started = Instant::now();
            let reply = exchange(reader, &request.bytes());
            let took = started.elapsed();
            match reply {
                // The listener closed before it accepted the connection.
                Err(_) if fresh && self.may_end.load(Ordering::Relaxed) => return tally,
                Err(error) => {
                    tally.sent += 1;
                    tally.lose(format!(
                        "{:?}: expected a reply, found an error: {error} (new connection: {fresh})",
                        request.kind
                    ));
                }
                Ok((reply, rest)) => {
                    tally.sent += 1;
                    tally.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
                    self.count(&mut tally, &request, &reply, took);
                    connection = rest;
                    if let (true, Some(reader)) = (fresh, &connection) {
                        let _gone = reader.get_ref().socket().set_read_timeout(Some(self.patience));
                    }
                    if !established {
                        established = true;
                        self.established.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
        tally
    }

    fn connect(&self) -> io::Result<Connection> {
        let stream = connect_from(self.source, self.port)?;
        stream.set_nodelay(true)?;
        // If the listener closes, it may never accept the connection.
        let ending = self.may_end.load(Ordering::Relaxed);
        let limit = if ending { ENDING } else { self.patience };
        stream.set_read_timeout(Some(limit))?;
        let stream = match &self.tls {
            None => Wire::Plain(stream),
            Some(config) => Wire::encrypted(config, stream)?,
        };
        Ok(BufReader::with_capacity(2048, stream))
    }

    /// Counts a reply to a request.
    pub fn count(&self, tally: &mut Tally, request: &Request, reply: &Reply, took: Duration) {
        let outcome = request.judge(reply);
        let acknowledged = request.kind == Kind::Push && reply.status == 200;
        if took > self.patience {
            tally.lose(format!(
                "{:?}: expected a reply within {:?}, found one after {took:?}",
                request.kind, self.patience
            ));
        } else if acknowledged && !self.seen.has(request.number) {
            tally.lose(format!("push {}: expected an event, found none", request.number));
        } else {
            match outcome {
                Outcome::Right => tally.right += 1,
                Outcome::Policy => {
                    tally.policy += 1;
                    let genuine = !matches!(request.kind, Kind::Forged | Kind::Malformed);
                    tally.spared += u64::from(genuine && request.act == Act::Answers);
                }
                Outcome::Wrong => {
                    tally.lose(format!("expected the reply to {request:?}, found {reply:?}"))
                }
            }
        }
    }
}

/// Connects to a local port from `source`, an address of the same machine.
pub fn connect_from(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket.into())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Forged,
    Malformed,
    Page,
    Play,
    Push,
}

/// Kinds of requests in a load. Each entry is a tenth of the load.
pub const MIX: [Kind; 10] = [
    Kind::Push,
    Kind::Play,
    Kind::Page,
    Kind::Push,
    Kind::Forged,
    Kind::Push,
    Kind::Play,
    Kind::Malformed,
    Kind::Page,
    Kind::Push,
];

#[derive(Debug)]
pub struct Request {
    kind: Kind,
    act: Act,
    number: u64,
    pub path: String,
    /// Body of a `POST` request; a `GET` request has none.
    pub body: Option<String>,
}

enum Outcome {
    Policy,
    Right,
    Wrong,
}

impl Request {
    pub fn next(acts: &[Act], kinds: &[Kind]) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(number).unwrap_or(0);
        let kind = kinds[at % kinds.len()];
        // gatepost has no failure policy for pages, so a page request uses only `Answers` or an act
        // that ends the connection without an HTTP response.
        let act = acts[(at / kinds.len()) % acts.len()];
        let ends = matches!(act, Act::Closes | Act::NoHttp | Act::ResetsAtOnce);
        let act = if kind == Kind::Page && !ends { Act::Answers } else { act };
        let name = format!("act-{}-{number}", act.code());
        let (tencent, kollus) = ("/callbacks/tencent".into(), format!("/callbacks/kollus/{TOKEN}"));
        let (path, body) = match kind {
            Kind::Push => (tencent, push(&name, KEY)),
            Kind::Forged => (tencent, push(&format!("forged-{name}"), "other")),
            Kind::Play => (kollus, play(&name)),
            Kind::Page => {
                return Self { kind, act, number, path: format!("/page/{name}"), body: None };
            }
            Kind::Malformed => match number % 3 {
                0 => (tencent, format!("{{\"forged-{name}\":")),
                1 => ("/callbacks/kollus/wrong".into(), play(&format!("forged-{name}"))),
                _ => (kollus, "kind=100&forged=%".into()),
            },
        };
        Self { kind, act, number, path, body: Some(body) }
    }

    pub const fn method(&self) -> &'static str {
        if self.body.is_some() { "POST" } else { "GET" }
    }

    /// Formats the request for HTTP/1.1.
    fn bytes(&self) -> Vec<u8> {
        let (method, path) = (self.method(), &self.path);
        let length = self.body.as_ref().map(|body| format!("content-length: {}\r\n", body.len()));
        let (length, body) = (length.unwrap_or_default(), self.body.as_deref().unwrap_or_default());
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{length}\r\n{body}").into_bytes()
    }

    fn judge(&self, reply: &Reply) -> Outcome {
        let body = reply.body.as_str();
        let own = match self.kind {
            Kind::Push => r#"{"code":0}"#.to_owned(),
            Kind::Play => format!("{{\"data\":{{\"result\":1,\"message\":\"{}\"}}}}", self.number),
            Kind::Page => format!("page {}", self.number),
            Kind::Forged | Kind::Malformed => String::new(),
        };
        match (self.kind, reply.status) {
            (Kind::Push, 200) if body == own => Outcome::Right,
            (Kind::Play | Kind::Page, 200) if body == own && self.act == Act::Answers => {
                Outcome::Right
            }
            (Kind::Play, 200) if body == FAILED => Outcome::Policy,
            (Kind::Push, 503) if body == "unavailable\n" => Outcome::Policy,
            (Kind::Forged | Kind::Malformed, 400 | 401) if body == "refused\n" => Outcome::Policy,
            (Kind::Page, 502..=504) => Outcome::Policy,
            _ => Outcome::Wrong,
        }
    }
}

fn push(name: &str, key: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let t = now + 600;
    let sign: String =
        Md5::digest(format!("{key}{t}")).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{{\"app\":\"push.example.com\",\"appid\":1,\"appname\":\"live\",\"channel_id\":\"{name}\",\
         \"event_time\":1703731478,\"event_type\":1,\"node\":\"10.0.0.1\",\"sequence\":\"1\",\
         \"stream_id\":\"{name}\",\"stream_param\":\"\",\"user_ip\":\"10.0.0.2\",\
         \"t\":{t},\"sign\":\"{sign}\"}}"
    )
}

fn play(name: &str) -> String {
    format!("kind=100&client_user_id={name}&media_content_key=m&channel_key=c&localtime=1703731478")
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

/// A connection with or without TLS.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    fn encrypted(config: &Arc<ClientConfig>, socket: TcpStream) -> io::Result<Self> {
        let name = NAME.try_into().map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(config), name);
        let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    const fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl io::Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

type Connection = BufReader<Wire>;

/// Sends a request and reads one reply. Also returns the connection if gatepost keeps it open.
fn exchange(mut reader: Connection, bytes: &[u8]) -> io::Result<(Reply, Option<Connection>)> {
    // If the write fails, gatepost may still have replied before it closed the connection.
    let written = reader.get_mut().write_all(bytes).and_then(|()| reader.get_mut().flush());
    match read_reply(reader) {
        Err(error) => written.and(Err(error)),
        reply => reply,
    }
}

/// Reads one reply. Also returns the connection if gatepost keeps it open.
///
/// # Errors
///
/// Returns an error for a failed connection, and for a malformed reply.
pub fn read_reply(mut reader: Connection) -> io::Result<(Reply, Option<Connection>)> {
    let status = read_line(&mut reader)?;
    let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| malformed("no HTTP/1.1 status line"))?;
    let (mut length, mut ends) = (None, false);
    loop {
        let line = read_line(&mut reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) =
            line.split_once(": ").ok_or_else(|| malformed("a header field without a colon"))?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" if length.is_none() => length = value.parse().ok(),
            "content-length" | "transfer-encoding" => {
                return Err(malformed("a second content-length, or a transfer-encoding"));
            }
            "connection" => ends = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = vec![0; length.ok_or_else(|| malformed("no content-length"))?];
    reader.read_exact(&mut body)?;
    if !reader.buffer().is_empty() {
        return Err(malformed("bytes after the body"));
    }
    let body = String::from_utf8(body).map_err(|_| malformed("a body that is not UTF-8"))?;
    Ok((Reply { status, body }, (!ends).then_some(reader)))
}

fn read_line(reader: &mut Connection) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a closed connection"));
    }
    let line = line.strip_suffix("\r\n").ok_or_else(|| malformed("a line without CRLF"))?;
    Ok(line.to_owned())
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
