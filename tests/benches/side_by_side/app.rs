//! The app behind the peers: one thread that answers `{"result":1}` and counts the requests.
//!
//! `GET /seen` returns the counts. `GET /last` returns the last body, or nothing if this body is
//! longer than [`SHOWN`]. `GET /awake` and `GET /asleep` select a variant of [`Wait`] for the app.

use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Sub;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::busy::Wait;
use super::process::{Peer, first_line};
use super::wire;

const LISTENER: Token = Token(usize::MAX);
/// Maximum length of a body that the app keeps for `GET /last`.
pub(super) const SHOWN: usize = 8192;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"result\":1}";

/// Number of requests that the app has received, and the length of their bodies.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) requests: u64,
    /// Total length of the bodies.
    pub(super) bytes: u64,
}

/// The app, running in a separate process.
#[derive(Debug)]
pub(super) struct App(pub(super) Peer);

impl App {
    /// Starts the app.
    ///
    /// # Errors
    /// Returns an error if the app does not start.
    pub(super) fn start() -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(std::env::current_exe()?).arg("--serve-app");
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let port = first_line(&mut child)?.parse()?;
        Ok(Self(Peer::new("app", port, vec![child])))
    }

    /// Returns the counts of the app.
    ///
    /// # Errors
    /// Returns an error if the app does not answer.
    pub(super) fn seen(&self) -> Result<Seen, Box<dyn Error>> {
        let text = String::from_utf8(self.fetch("/seen")?)?;
        let (requests, bytes) = text.split_once(' ').ok_or("expected two counts, found one")?;
        Ok(Seen { requests: requests.parse()?, bytes: bytes.parse()? })
    }

    /// Returns the last body that the app received, or nothing if this body is longer than
    /// [`SHOWN`].
    ///
    /// # Errors
    /// Returns an error if the app does not answer.
    pub(super) fn last(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        self.fetch("/last")
    }

    /// Selects the way in which the app waits for I/O events.
    ///
    /// # Errors
    /// Returns an error if the app does not answer.
    pub(super) fn wait(&self, wait: Wait) -> Result<(), Box<dyn Error>> {
        let path = if wait == Wait::Awake { "/awake" } else { "/asleep" };
        self.fetch(path).map(drop)
    }

    fn fetch(&self, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        fetch(self.0.port, path)
    }
}

impl Sub for Seen {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { requests: self.requests - before.requests, bytes: self.bytes - before.bytes }
    }
}

/// Returns the number of requests to the PHP app, from the `stub_status` of nginx.
///
/// # Errors
/// Returns an error if nginx does not answer.
pub(super) fn seen_by_php(port: u16) -> Result<Seen, Box<dyn Error>> {
    // nginx also counts the requests for `/seen`.
    static POLLS: AtomicU64 = AtomicU64::new(0);
    let text = String::from_utf8(fetch(port, "/seen")?)?;
    let polls = POLLS.fetch_add(1, Ordering::Relaxed) + 1;
    let counts = text.lines().nth(2).ok_or("expected a line of counts, found none")?;
    let requests = counts.split_whitespace().nth(2).ok_or("expected a count, found none")?;
    Ok(Seen { requests: requests.parse::<u64>()? - polls, bytes: 0 })
}

fn fetch(port: u16, path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: app\r\n\r\n").as_bytes())?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut piece)?;
        bytes.extend_from_slice(piece.get(..length).unwrap_or_default());
        if let Some(reply) = wire::parse_reply(&bytes)? {
            return Ok(reply.body.into_owned());
        }
        if length == 0 {
            return Err("expected an answer, found a closed connection".into());
        }
    }
}

/// Prints a free port, and serves on that port until the process ends.
///
/// # Errors
/// Returns an error if the app cannot listen.
pub(super) fn serve() -> Result<(), Box<dyn Error>> {
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?.port());
    let mut server = Server {
        poll: &mut poll,
        connections: Vec::new(),
        free: Vec::new(),
        scratch: vec![0; 1 << 18],
    };
    let mut state = State { wait: Wait::Asleep, seen: Seen::default(), last: Vec::new() };
    let mut events = Events::with_capacity(1024);
    loop {
        state.wait.poll(server.poll, &mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                server.accept(&listener)?;
            } else {
                server.serve(event.token().0, event.is_read_closed(), &mut state);
            }
        }
    }
}

struct Server<'a> {
    poll: &'a mut Poll,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    scratch: Vec<u8>,
}

struct State {
    wait: Wait,
    seen: Seen,
    last: Vec<u8>,
}

impl State {
    /// Returns the answer to `/asleep`, `/awake`, `/last` or `/seen`; `None` for any other path.
    fn reply(&mut self, path: &str) -> Option<Vec<u8>> {
        let body = match path {
            "/asleep" | "/awake" => {
                self.wait = if path == "/awake" { Wait::Awake } else { Wait::Asleep };
                Vec::new()
            }
            "/last" => self.last.clone(),
            "/seen" => format!("{} {}", self.seen.requests, self.seen.bytes).into_bytes(),
            _ => return None,
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Some([head.into_bytes(), body].concat())
    }
}

impl Server<'_> {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let (mut stream, _) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or(self.connections.len());
            self.poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            if at == self.connections.len() {
                self.connections.push(None);
            }
            if let Some(slot) = self.connections.get_mut(at) {
                *slot =
                    Some(Connection { stream, head: Vec::new(), remaining: 0, body: Vec::new() });
            }
        }
    }

    fn serve(&mut self, at: usize, ended: bool, state: &mut State) {
        let Some(slot) = self.connections.get_mut(at) else { return };
        let Some(connection) = slot else { return };
        if connection.serve(&mut self.scratch, state).is_err() || ended {
            *slot = None;
            self.free.push(at);
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// Received bytes of an incomplete head.
    head: Vec<u8>,
    /// Number of bytes of the body that have not arrived.
    remaining: usize,
    /// Received bytes of the body; empty if the body is longer than [`SHOWN`].
    body: Vec<u8>,
}

impl Connection {
    /// Reads the available bytes, and answers complete requests. An error ends the connection.
    fn serve(&mut self, scratch: &mut [u8], state: &mut State) -> Result<(), Box<dyn Error>> {
        loop {
            let length = match self.stream.read(scratch) {
                Ok(0) => return Err("expected bytes, found a closed connection".into()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.take(scratch.get(..length).unwrap_or_default(), state)?;
            if length < scratch.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, fresh: &[u8], state: &mut State) -> Result<(), Box<dyn Error>> {
        if self.remaining > 0 {
            return self.take_body(fresh, state);
        }
        let joined;
        let bytes = if self.head.is_empty() {
            fresh
        } else {
            self.head.extend_from_slice(fresh);
            joined = std::mem::take(&mut self.head);
            &joined
        };
        let Some(request) = wire::parse_request(bytes)? else {
            self.head = bytes.to_vec();
            return Ok(());
        };
        if let Some(reply) = state.reply(request.path) {
            return self.answer(&reply);
        }
        state.seen.requests += 1;
        state.seen.bytes += request.length as u64;
        self.remaining = request.length;
        self.body.clear();
        self.take_body(bytes.get(request.head..).unwrap_or_default(), state)
    }

    fn take_body(&mut self, piece: &[u8], state: &mut State) -> Result<(), Box<dyn Error>> {
        if self.body.len() + self.remaining <= SHOWN {
            self.body.extend_from_slice(piece);
        }
        self.remaining =
            self.remaining.checked_sub(piece.len()).ok_or("expected one request, found more")?;
        if self.remaining > 0 {
            return Ok(());
        }
        std::mem::swap(&mut self.body, &mut state.last);
        self.answer(ANSWER)
    }

    fn answer(&mut self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        Ok(self.stream.write_all(bytes)?)
    }
}
