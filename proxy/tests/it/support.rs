//! Helpers for the tests: the program under test, and a client that writes arbitrary bytes.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{AddressFamily, SocketType};
use tempfile::TempDir;

pub use crate::mock::{Act, App};

/// Time limit of a wait: long enough for a loaded machine. Only a failing test reaches the limit.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Returns a free port below the system's range of ephemeral ports, so that no bind to port 0 gets
/// the same port. Each call in a process returns a different port. The process id makes it likely
/// that processes that run at the same time get different ports.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let spread = std::process::id().wrapping_mul(257).wrapping_add(step);
        let port = 10_000 + u16::try_from(spread % 22_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Connects to `port`, and retries until a listener accepts.
pub fn connect(port: u16) -> TcpStream {
    let started = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                return stream;
            }
            Err(error) if started.elapsed() > PATIENCE => {
                panic!("expected a listener on port {port}, found {error}")
            }
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Connects to `port` from the address `from` of this machine.
pub fn connect_from(from: [u8; 4], port: u16) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrV4::new(from.into(), 0)).unwrap();
    rustix::net::connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A running program and its lines on standard error. Dropping this value kills the program.
pub struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    news: Receiver<()>,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("expected {command:?} to start, found {error}; install the program")
        });
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (sender, news) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let received = Arc::clone(&lines);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                received.lock().unwrap().push(line);
                let _test_over = sender.send(());
            }
        });
        Self { child, lines, news }
    }

    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits for a line that contains `text`, and returns the first of these lines.
    pub fn wait_for_line(&self, text: &str) -> String {
        self.wait_for_lines(text, 1)
    }

    /// Waits for `count` lines that contain `text`, and returns the last of the first `count` such
    /// lines.
    pub fn wait_for_lines(&self, text: &str, count: usize) -> String {
        let started = Instant::now();
        loop {
            let lines = self.lines.lock().unwrap();
            if let Some(line) = lines.iter().filter(|line| line.contains(text)).nth(count - 1) {
                return line.clone();
            }
            drop(lines);
            let _tick = self.news.recv_timeout(Duration::from_millis(50));
            assert!(
                started.elapsed() < PATIENCE,
                "expected {count} lines with {text:?}, found:\n{}",
                self.log()
            );
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
        if !thread::panicking() {
            self.lines.lock().unwrap().iter().for_each(|line| assert_fields_are_known(line));
        }
    }
}

/// Checks that the manual's page of log fields contains each field of a log line.
fn assert_fields_are_known(line: &str) {
    let Ok(serde_json::Value::Object(line)) = serde_json::from_str(line) else { return };
    if !line.contains_key("timestamp") || !line.contains_key("target") {
        return;
    }
    let (log, _) = LOG_PAGE.split_once("\n# Access log\n").unwrap();
    for field in line.keys() {
        let row = format!("| `{field}` |");
        assert!(
            log.contains(&row),
            "expected each field in src/manual/log.md, found `{field}` only in the line {line:?}"
        );
    }
}

/// The manual's page of log fields.
pub const LOG_PAGE: &str = include_str!("../../../src/manual/log.md");

pub fn gatepost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_remove("GATEPOST_LOG").stdout(Stdio::piped());
    command
}

/// A running `gatepost` that accepts requests.
pub struct Gatepost {
    pub port: u16,
    pub admin: u16,
    pub program: Program,
    pub folder: TempDir,
}

pub const TOKEN: &str = "s3cret-t0ken";
pub const KEY: &str = "s1gning-k3y";

const ROUTES: &str = "[[route]]\npath = '/callbacks/kollus/{token}'\nprovider = 'kollus'\n\
                      token = { env = 'KOLLUS_TOKEN' }\n\
                      [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";

impl Gatepost {
    /// Serves a config with the keys `listen`, `admin` and `threads`, then the lines of `top`, two
    /// routes and the lines of `templates`.
    pub fn serve(top: &str, templates: &str) -> Self {
        Self::serve_config(&format!("{top}\n{ROUTES}\n{templates}"))
    }

    pub fn serve_config(config: &str) -> Self {
        Self::serve_by(gatepost(), config, |_| {})
    }

    /// Serves a config as [`Self::serve`] does. Before the start, calls `prepare` with the folder
    /// of the config.
    pub fn serve_prepared(top: &str, templates: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::serve_by(gatepost(), &format!("{top}\n{ROUTES}\n{templates}"), prepare)
    }

    /// Serves a config with the log level `debug`, at which gatepost logs a line for each callback.
    pub fn serve_verbosely(config: &str) -> Self {
        let mut command = gatepost();
        command.env("GATEPOST_LOG", "info,gatepost=debug");
        Self::serve_by(command, config, |_| {})
    }

    pub fn serve_by(mut command: Command, config: &str, prepare: impl FnOnce(&Path)) -> Self {
        let (port, admin) = (free_port(), free_port());
        let config = format!(
            "listen = ['127.0.0.1:{port}']\nadmin = '127.0.0.1:{admin}'\nthreads = 1\n{config}"
        );
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("gatepost.toml");
        std::fs::write(&path, config).unwrap();
        prepare(folder.path());
        command.args(["--log-format", "json", "run", "-c"]).arg(path);
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        let program = Program::start(&mut command);
        program.wait_for_line("listening for the operator");
        drop(connect(port));
        Self { port, admin, program, folder }
    }

    pub fn connect(&self) -> Client {
        Client::new(connect(self.port))
    }

    /// Sends one request on a new connection.
    pub fn send(&self, bytes: &[u8]) -> Response {
        self.connect().send(bytes)
    }

    /// Waits until `count` requests are in flight.
    pub fn wait_for_in_flight(&self, count: usize) {
        let line = format!("gatepost_requests_in_flight {count}\n");
        eventually(&line, || self.metrics().contains(&line));
    }

    /// Returns the sum of the series of a metric that contain `label`, such as `origin="app"`.
    pub fn counted(&self, name: &str, label: &str) -> usize {
        let metrics = self.metrics();
        let series = metrics.lines().filter(|line| line.starts_with(name) && line.contains(label));
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// Returns the resident memory of the program, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.program.id());
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with("Rss:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn metrics(&self) -> String {
        let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        Client::new(connect(self.admin)).send(request).text()
    }
}

/// A client's connection.
pub struct Client<S = TcpStream> {
    stream: BufReader<S>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

impl Client {
    /// Closes the sending half of the connection.
    pub fn finish(&mut self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Resets the connection.
    pub fn reset(self) {
        set_socket_linger(self.stream.get_ref(), Some(Duration::ZERO)).unwrap();
    }
}

impl<S: Read + Write> Client<S> {
    pub const fn new_from(stream: BufReader<S>) -> Self {
        Self { stream }
    }

    pub fn new(stream: S) -> Self {
        Self::new_from(BufReader::new(stream))
    }

    pub fn stream(&self) -> &S {
        self.stream.get_ref()
    }

    pub fn send(&mut self, bytes: &[u8]) -> Response {
        self.write(bytes);
        self.read()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Sends up to `bytes` bytes. Returns true if the other side closes the connection before this
    /// client has sent all of them.
    pub fn is_hung_up_on(&mut self, bytes: usize) -> bool {
        let piece = [b'x'; 1 << 16];
        (0..bytes / piece.len()).any(|_| self.stream.get_mut().write_all(&piece).is_err())
    }

    /// Reads one response. Reads a body only if the response has a `content-length`.
    pub fn read(&mut self) -> Response {
        let (first, headers) =
            read_head(&mut self.stream).expect("expected a response, found none");
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response { status, headers, body: Vec::new() };
        if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut response.body).unwrap();
        }
        response
    }

    pub fn read_exact(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Returns all bytes that arrive before the other side closes the connection.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(read.is_ok(), "expected a closed connection, found {read:?} after {text:?}");
        text
    }

    /// Waits for a byte. Returns true if the connection ends or fails. Returns false if a byte
    /// arrives or the wait times out.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock),
        }
    }
}

pub fn read_head(stream: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut first = String::new();
    if stream.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some((first.trim_end().to_owned(), headers))
}

/// Waits until `holds` returns true.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < PATIENCE,
            "expected {what} within {PATIENCE:?}, found a timeout"
        );
        thread::yield_now();
    }
}

/// Returns the result of `act`. Makes up to three attempts, because other tests run at the same
/// time. At least one attempt must end within `limit`.
pub fn within<T>(limit: Duration, act: impl Fn() -> T) -> T {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        let result = act();
        best = best.min(started.elapsed());
        if best <= limit {
            return result;
        }
    }
    panic!("expected at most {limit:?}, found {best:?}");
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn sign(key: &str, t: u64) -> String {
    Md5::digest(format!("{key}{t}").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the body of a genuine push of Tencent CSS, with a current signature. Each call returns a
/// different body.
pub fn push() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (t, next) = (now() + 600, NEXT.fetch_add(1, Ordering::Relaxed));
    format!(
        "{{\"app\":\"push.example.com\",\"appid\":1,\"appname\":\"live\",\"channel_id\":\"s\",\
         \"event_time\":1703731478,\"event_type\":1,\"node\":\"10.0.0.1\",\
         \"sequence\":\"2210464508206756938{next}\",\"stream_id\":\"s\",\
         \"stream_param\":\"txSecret=c0ffee\",\"user_ip\":\"10.0.0.2\",\"t\":{t},\"sign\":\"{}\"}}",
        sign(KEY, t)
    )
}

/// Changes the last digit of `sign`, the last field of a push.
pub fn with_flipped_sign(push: &str) -> String {
    let digits =
        push.strip_suffix("\"}").expect("expected `sign` as the last field, found another field");
    let (rest, last) = digits.split_at(digits.len() - 1);
    format!("{rest}{}\"}}", if last == "0" { '1' } else { '0' })
}

pub const PLAY: &str = "kind=100&client_user_id=user01&media_content_key=m&channel_key=c\
                        &uservalues=%7B%22uservalue0%22%3A%22a%22%7D&localtime=1703731478";

pub fn post(path: &str, body: &str) -> Vec<u8> {
    post_with(path, "", body)
}

/// Formats a POST request. `headers` are complete lines.
pub fn post_with(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: gate.test\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub fn play() -> Vec<u8> {
    post(&format!("/callbacks/kollus/{TOKEN}"), PLAY)
}

pub fn pushed() -> Vec<u8> {
    post("/callbacks/tencent", &push())
}

/// Returns templates for Kollus and Tencent CSS, in which plays and pushes have addresses of `app`.
pub fn templates(app: &App) -> String {
    format!(
        "[[template]]\nname = '付费-1'\nprovider = 'kollus'\nbind = ['c']\n[template.on]\n\
         live_play = {{ url = '{}', timeout_ms = 500, \
         on_failure = {{ result = 0, message = 'Please try again' }} }}\n\
         [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n[template.on]\n\
         push = {{ url = '{}', timeout_ms = 500 }}\n",
        app.url("/kollus/play"),
        app.url("/live/push"),
    )
}

pub const FAILED: &str = r#"{"data":{"result":0,"message":"Please try again"}}"#;
