//! An upstream that reads any bytes as requests, and responds to each request with 200 or 304.
//!
//! - On `/echo`, the response contains the header lines of the request; on `/cookie`, its cookies.
//! - On `/sentinel`, the response contains this path.
//! - On any other path, the response contains the body of the request, or `OK` for a request
//!   without a body.
//! - Every response has the same `ETag` and the same `Last-Modified`. The upstream responds with
//!   304 to a request whose condition names this tag or this date.
//! - No response has `Date` or `Allow`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const TAG: &str = "\"v1\"";
const MODIFIED: &str = "Sat, 01 Jan 2000 00:00:00 GMT";

pub struct Upstream {
    pub port: u16,
    answered: Arc<AtomicUsize>,
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered: Arc<AtomicUsize> = Arc::default();
        let counted = Arc::clone(&answered);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || serve(BufReader::new(stream.unwrap()), &counted));
            }
        });
        Self { port, answered }
    }

    /// Returns the number of responses that the upstream has sent.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: BufReader<TcpStream>, answered: &AtomicUsize) {
    while let Some(request) = read_request(&mut stream) {
        answered.fetch_add(1, Ordering::SeqCst);
        let _closed = stream.get_mut().write_all(&answer(&request));
    }
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let line = read_line(stream)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { line, headers, body: Vec::new() };
    request.body = read_body(stream, &request)?;
    Some(request)
}

fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).ok().filter(|length| *length > 0)?;
    let text: String = line.iter().map(|byte| char::from(*byte)).collect();
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_body(stream: &mut BufReader<TcpStream>, request: &Request) -> Option<Vec<u8>> {
    if !request.header("transfer-encoding").to_ascii_lowercase().contains("chunked") {
        let length = request.header("content-length").parse().unwrap_or(0);
        return exactly(stream, length);
    }
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        match usize::from_str_radix(digits, 16).unwrap_or(0) {
            0 => break,
            size => body.extend(exactly(stream, size)?),
        }
        read_line(stream)?;
    }
    while !read_line(stream)?.is_empty() {}
    Some(body)
}

fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    fn target(&self) -> &str {
        self.line.split_whitespace().nth(1).unwrap_or_default()
    }

    fn is_unchanged(&self) -> bool {
        let tags = self.header("if-none-match");
        if tags.is_empty() {
            return self.header("if-modified-since") == MODIFIED;
        }
        tags == "*" || tags.trim_start_matches("W/") == TAG
    }

    fn content(&self) -> Vec<u8> {
        let latin_1 = |text: String| text.chars().map(|c| c as u8).collect();
        match self.target() {
            "/echo" => {
                let line = |(name, value): &(String, String)| format!("{name}: {value}\n");
                latin_1(self.headers.iter().map(line).collect())
            }
            "/cookie" => latin_1(self.header("cookie").replace("; ", "\n")),
            super::SENTINEL => super::SENTINEL.into(),
            _ if self.body.is_empty() => b"OK".into(),
            _ => self.body.clone(),
        }
    }
}

fn answer(request: &Request) -> Vec<u8> {
    let validators = format!("etag: {TAG}\r\nlast-modified: {MODIFIED}\r\n");
    if request.is_unchanged() {
        return format!("HTTP/1.1 304 Not Modified\r\n{validators}\r\n").into_bytes();
    }
    let content = request.content();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{validators}content-length: {}\r\n\r\n",
        content.len()
    );
    let content = if request.line.starts_with("HEAD ") { Vec::new() } else { content };
    [head.into_bytes(), content].concat()
}
