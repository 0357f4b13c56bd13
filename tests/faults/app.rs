//! An app that answers or fails as each request specifies.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// Behaviour of the app for a request. Each request contains the code of an act, and a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    Answers,
    /// Answers 200 with a body that is not JSON.
    BadJson,
    /// Closes the connection without an answer.
    Closes,
    /// Closes the connection in the middle of the answer's body.
    ClosesInBody,
    EndlessBody,
    EndlessHead,
    EndlessInterim,
    HugeBody,
    /// Announces a longer body than the app sends, and keeps the connection open.
    LongLength,
    NoHttp,
    ResetsAtOnce,
    ResetsInHead,
    /// Announces a shorter body than the app sends, so the excess looks like the next answer.
    ShortLength,
    /// Answers later than `timeout_ms`.
    Slow,
}

impl Act {
    pub const ALL: [Self; 14] = [
        Self::Answers,
        Self::BadJson,
        Self::Closes,
        Self::ClosesInBody,
        Self::EndlessBody,
        Self::EndlessHead,
        Self::EndlessInterim,
        Self::HugeBody,
        Self::LongLength,
        Self::NoHttp,
        Self::ResetsAtOnce,
        Self::ResetsInHead,
        Self::ShortLength,
        Self::Slow,
    ];

    /// Returns the act's index in [`Self::ALL`].
    pub fn code(self) -> usize {
        Self::ALL
            .iter()
            .position(|act| *act == self)
            .expect("expected the act in `ALL`, found none")
    }
}

/// Delay of [`Act::Slow`].
const SLOW: Duration = Duration::from_millis(900);

/// Time limit of each write, and of the read in [`Act::LongLength`], so that every thread ends.
const STUCK: Duration = Duration::from_secs(5);

/// Requests that the app has received.
#[derive(Default)]
pub struct Seen {
    /// Hash of the `ce-id` header of each `push` event, keyed by the number in the request.
    pushes: Mutex<HashMap<u64, u64>>,
    /// Number of forged requests that the app has received.
    pub forged: AtomicU64,
}

impl Seen {
    pub fn has(&self, push: u64) -> bool {
        self.pushes.lock().unwrap().contains_key(&push)
    }

    /// Returns true if no two `push` events have the same `ce-id`.
    pub fn ids_differ(&self) -> bool {
        let pushes = self.pushes.lock().unwrap();
        let ids: std::collections::HashSet<_> = pushes.values().collect();
        ids.len() == pushes.len()
    }
}

/// Duplicate handles of the open connections, with which [`App::stop`] closes the connections.
type Connections = Mutex<HashMap<usize, TcpStream>>;

/// App on a local port.
pub struct App {
    pub port: u16,
    pub seen: Arc<Seen>,
    down: Arc<AtomicBool>,
    connections: Arc<Connections>,
    listener: Option<JoinHandle<()>>,
}

impl App {
    pub fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), Arc::default())
    }

    /// Returns an app that does not listen on its port.
    pub fn absent(port: u16) -> Self {
        let down = Arc::new(AtomicBool::new(true));
        Self { port, seen: Arc::default(), down, connections: Arc::default(), listener: None }
    }

    fn listen(listener: TcpListener, seen: Arc<Seen>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let down = Arc::new(AtomicBool::new(false));
        let connections: Arc<Connections> = Arc::default();
        let app = (Arc::clone(&seen), Arc::clone(&down), Arc::clone(&connections));
        let listener = thread::spawn(move || {
            let (seen, down, connections) = app;
            for (number, stream) in listener.incoming().enumerate() {
                if down.load(Ordering::Relaxed) {
                    return;
                }
                // `accept` and `try_clone` fail if the process has no free file descriptors.
                let Ok(stream) = stream else { continue };
                let Ok(twin) = stream.try_clone() else { continue };
                connections.lock().unwrap().insert(number, twin);
                let (seen, down) = (Arc::clone(&seen), Arc::clone(&down));
                let connections = Arc::clone(&connections);
                thread::spawn(move || {
                    let stream = serve(stream, &seen, &down);
                    // Dropping the last duplicate closes the connection.
                    connections.lock().unwrap().remove(&number);
                    drop(stream);
                });
            }
        });
        Self { port, seen, down, connections, listener: Some(listener) }
    }

    /// Stops the app, and closes all connections.
    pub fn stop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.down.store(true, Ordering::Relaxed);
        let _wake = TcpStream::connect(("127.0.0.1", self.port));
        listener.join().unwrap();
        for (_, connection) in self.connections.lock().unwrap().drain() {
            let _gone = connection.shutdown(Shutdown::Both);
        }
    }

    /// Stops the app, and starts a new app on the same port after a pause.
    pub fn restart(&mut self, pause: Duration) {
        self.stop();
        thread::sleep(pause);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        *self = Self::listen(listener, Arc::clone(&self.seen));
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves a connection until an act ends the connection or gatepost closes it.
fn serve(stream: TcpStream, seen: &Seen, down: &AtomicBool) -> TcpStream {
    stream.set_nodelay(true).unwrap();
    stream.set_write_timeout(Some(STUCK)).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some((act, answer)) = read_request(&mut reader, seen) {
        if !play_act(reader.get_mut(), act, &answer, down) {
            break;
        }
    }
    reader.into_inner()
}

/// Reads a request. Returns its act, and the body of the correct answer.
fn read_request(reader: &mut BufReader<TcpStream>, seen: &Seen) -> Option<(Act, String)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let (mut length, mut id) = (0, String::new());
    let target = line.clone();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        } else if name.eq_ignore_ascii_case("ce-id") {
            value.clone_into(&mut id);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).ok()?;
    if text.contains("forged") || target.contains("forged") {
        seen.forged.fetch_add(1, Ordering::Relaxed);
    }
    let (act, number) = parse_act(&text).or_else(|| parse_act(&target))?;
    if target.starts_with("POST /live/push") {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        seen.pushes.lock().unwrap().insert(number, hasher.finish());
    }
    if target.starts_with("GET") {
        return Some((act, format!("page {number}")));
    }
    Some((act, format!("{{\"result\":1,\"message\":\"{number}\"}}")))
}

/// Parses the act and the number in a request, for example in `act-3-17`.
fn parse_act(text: &str) -> Option<(Act, u64)> {
    let (_, rest) = text.split_once("act-")?;
    let (code, rest) = rest.split_once('-')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((*Act::ALL.get(code.parse::<usize>().ok()?)?, digits.parse().ok()?))
}

/// Carries out an act. Returns false if the app must close the connection.
fn play_act(stream: &mut TcpStream, act: Act, answer: &str, down: &AtomicBool) -> bool {
    match act {
        Act::Answers => write(stream, &whole(answer)),
        Act::BadJson => write(stream, &whole("<html>")),
        Act::Closes => false,
        Act::ClosesInBody => {
            write(stream, "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{\"result\":1,");
            false
        }
        Act::EndlessBody => {
            write(stream, "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n");
            flood(stream, &format!("2000\r\n{}\r\n", " ".repeat(0x2000)), u64::MAX, down);
            false
        }
        Act::EndlessHead => {
            write(stream, "HTTP/1.1 200 X\r\n");
            flood(stream, &"x-more: of the same\r\n".repeat(400), u64::MAX, down);
            false
        }
        Act::EndlessInterim => {
            flood(stream, &"HTTP/1.1 103 X\r\nlink: x\r\n\r\n".repeat(300), u64::MAX, down);
            false
        }
        Act::HugeBody => {
            write(stream, "HTTP/1.1 200 X\r\ncontent-length: 100000000\r\n\r\n");
            flood(stream, &" ".repeat(10_000), 10_000, down);
            false
        }
        Act::LongLength => {
            write(stream, "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{\"result\":1}");
            stream.set_read_timeout(Some(STUCK)).unwrap();
            let _until_closed = stream.read(&mut [0]);
            false
        }
        Act::NoHttp => {
            write(stream, "220 mail.example.com ESMTP\r\n");
            false
        }
        Act::ResetsAtOnce => reset(stream),
        Act::ResetsInHead => {
            write(stream, "HTTP/1.1 200 X\r\ncontent-le");
            reset(stream)
        }
        Act::ShortLength => {
            let next = whole("{\"result\":1,\"message\":\"another reply\"}");
            write(stream, &format!("HTTP/1.1 200 X\r\ncontent-length: 4\r\n\r\n{{\"re{next}"))
        }
        Act::Slow => {
            thread::sleep(SLOW);
            write(stream, &whole(answer))
        }
    }
}

fn whole(body: &str) -> String {
    format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn write(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).is_ok()
}

fn flood(stream: &mut TcpStream, text: &str, times: u64, down: &AtomicBool) {
    for _ in 0..times {
        if down.load(Ordering::Relaxed) || !write(stream, text) {
            return;
        }
    }
}

fn reset(stream: &TcpStream) -> bool {
    let _gone = set_socket_linger(stream, Some(Duration::ZERO));
    false
}
