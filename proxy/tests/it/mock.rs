//! A mock app that records every request, and acts on each request as the test specifies.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::support::{PATIENCE, eventually, free_port, read_head};

/// A request that the app received.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub connection: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A mock app.
pub struct App {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

/// Reaction of the app to a request.
pub enum Act {
    Answer(u16, &'static str),
    /// Answers without `connection: close`, then closes the connection.
    AnswerAndHangUp(&'static str),
    HangUp,
    /// Writes these bytes, and reads the next request.
    Raw(Vec<u8>),
    /// Writes these bytes, then closes the connection.
    RawAndHangUp(&'static [u8]),
    /// Writes these bytes, and keeps the connection open.
    Hold(&'static [u8]),
    /// Writes these bytes, then resets the connection.
    Reset(&'static [u8]),
    /// Writes these bytes, then echoes all further input.
    Echo(&'static [u8]),
    /// Does not answer, and notifies the test when gatepost closes the connection.
    TellWhenGone(Arc<Mutex<Sender<()>>>),
    /// Answers after the test sends a message on the channel.
    WaitFor(Arc<Mutex<Receiver<()>>>),
}

impl App {
    pub fn start(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(true, act)
    }

    /// Starts an app that acts on a request as soon as the head has arrived.
    pub fn start_at_head(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(false, act)
    }

    fn start_with(reads_bodies: bool, act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap(), reads_bodies, act)
    }

    fn start_on(
        listener: TcpListener,
        reads_bodies: bool,
        act: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (received, act) = (Arc::clone(&seen), Arc::new(act));
        let connections: Arc<AtomicUsize> = Arc::default();
        let counted = Arc::clone(&connections);
        let closed: Arc<AtomicUsize> = Arc::default();
        let ended = Arc::clone(&closed);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (received, act) = (Arc::clone(&received), Arc::clone(&act));
                let ended = Arc::clone(&ended);
                thread::spawn(move || {
                    serve(stream.unwrap(), connection, reads_bodies, &received, &*act);
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, seen, connections, closed }
    }

    pub fn answering(status: u16, body: &'static str) -> Self {
        Self::start(move |_| Act::Answer(status, body))
    }

    /// Starts an app on `port`, which must be free.
    pub fn answering_on(port: u16, status: u16, body: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        Self::start_on(listener, true, move |_| Act::Answer(status, body))
    }

    /// Returns an app that does not listen on its port.
    pub fn down() -> Self {
        Self {
            port: free_port(),
            seen: Arc::default(),
            connections: Arc::default(),
            closed: Arc::default(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the number of connections, including connections without a request.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns the number of connections that have ended.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the app has received at least `count` requests.
    pub fn wait_for(&self, count: usize) {
        eventually("requests to the app", || self.seen().len() >= count);
    }

    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "expected one request, found {seen:?}");
        seen.into_iter().next().unwrap()
    }
}

fn serve(
    stream: TcpStream,
    connection: usize,
    reads_bodies: bool,
    received: &Mutex<Vec<Seen>>,
    act: &dyn Fn(&Seen) -> Act,
) {
    let mut stream = BufReader::new(stream);
    while let Some((line, headers)) = read_head(&mut stream) {
        let mut seen = Seen { line, headers, body: Vec::new(), connection };
        if reads_bodies {
            seen.body = read_body(&mut stream, &seen);
        }
        received.lock().unwrap().push(seen.clone());
        let out = stream.get_mut();
        match act(&seen) {
            Act::Answer(status, body) => answer(out, status, body),
            Act::AnswerAndHangUp(body) => {
                answer(out, 200, body);
                return;
            }
            Act::HangUp => return,
            Act::Raw(bytes) => out.write_all(&bytes).unwrap(),
            Act::RawAndHangUp(bytes) => {
                out.write_all(bytes).unwrap();
                return;
            }
            Act::Hold(bytes) => {
                out.write_all(bytes).unwrap();
                let _until_closed = stream.read(&mut [0]);
                return;
            }
            Act::Reset(bytes) => {
                out.write_all(bytes).unwrap();
                set_socket_linger(out, Some(Duration::ZERO)).unwrap();
                return;
            }
            Act::Echo(bytes) => {
                out.write_all(bytes).unwrap();
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    stream.get_mut().write_all(&buffer[..length]).unwrap();
                }
                return;
            }
            Act::TellWhenGone(closed) => {
                let _until_closed = stream.read(&mut [0]);
                closed.lock().unwrap().send(()).unwrap();
                return;
            }
            Act::WaitFor(released) => {
                let _released = released.lock().unwrap().recv_timeout(PATIENCE);
                answer(out, 200, "{\"result\":1}");
            }
        }
    }
}

fn answer(out: &mut TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
    let _gone = out.write_all(format!("{head}{body}").as_bytes());
}

fn read_body(stream: &mut BufReader<TcpStream>, seen: &Seen) -> Vec<u8> {
    if let Some(length) = seen.header("content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        return body;
    }
    let mut body = Vec::new();
    if seen.header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).unwrap();
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    body
}
