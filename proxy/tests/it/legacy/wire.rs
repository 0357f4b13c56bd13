//! A client that sends a request and reads the whole reply, and a relay that records the bytes that
//! an app receives.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::connect;

/// A reply, without the headers in [`PER_CONNECTION`]. `headers` is sorted by name: only the order
/// of headers with equal names matters (RFC 9110, 5.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Headers that may differ between replies with the same content.
const PER_CONNECTION: [&str; 5] =
    ["connection", "keep-alive", "transfer-encoding", "content-length", "date"];

/// Sends a request that asks for `connection: close`. If the other side closes the connection
/// without a reply, returns `None`.
pub(super) fn exchange(port: u16, request: &[u8]) -> Option<Reply> {
    let mut stream = connect(port);
    stream.write_all(request).unwrap();
    let mut bytes = Vec::new();
    let _cut_off = stream.read_to_end(&mut bytes);
    let at = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let (first, headers) = head_lines(&bytes[..at]);
    let header = |name| headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
    let body = match header("transfer-encoding") {
        Some("chunked") => dechunked(&bytes[at + 4..]),
        _ => bytes[at + 4..].to_vec(),
    };
    if let Some(length) = header("content-length") {
        assert_eq!(length, body.len().to_string(), "expected a complete body, found {bytes:?}");
    }
    let status = first.split(' ').nth(1)?.parse().unwrap();
    let is_passed = |(name, _): &(String, String)| !PER_CONNECTION.contains(&&**name);
    let mut headers: Vec<_> = headers.into_iter().filter(is_passed).collect();
    headers.sort_by(|(a, _), (b, _)| a.cmp(b));
    Some(Reply { status, headers, body })
}

/// Returns the first line and the headers of a head, with names in lower case.
pub(super) fn head_lines(head: &[u8]) -> (String, Vec<(String, String)>) {
    // Latin-1 preserves each byte as a character.
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.split("\r\n").map(str::to_owned);
    let first = lines.next().unwrap_or_default();
    let header = |line: String| {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    (first, lines.map(header).collect())
}

fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = bytes.windows(2).position(|end| end == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..at]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.extend_from_slice(&bytes[at + 2..at + 2 + size]);
        bytes = &bytes[at + 2 + size + 2..];
        if size == 0 {
            break;
        }
    }
    body
}

/// A relay to an app. The relay records the bytes that gatepost sends on each connection.
pub(super) struct Tap {
    pub(super) port: u16,
    connections: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    pub(super) fn start(app: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let noted = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(app) = TcpStream::connect(("127.0.0.1", app)) else { continue };
                let index = {
                    let mut noted = noted.lock().unwrap();
                    noted.push(Vec::new());
                    noted.len() - 1
                };
                let noted = Arc::clone(&noted);
                let (to_app, to_client) = (app.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    relay(client, to_app, |bytes| noted.lock().unwrap()[index].extend(bytes));
                });
                thread::spawn(move || relay(app, to_client, |_| ()));
            }
        });
        Self { port, connections }
    }

    /// Returns the bytes that the app has received on all connections since the last call.
    pub(super) fn take(&self) -> Vec<u8> {
        self.connections.lock().unwrap().iter_mut().flat_map(std::mem::take).collect()
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, note: impl Fn(&[u8])) {
    let mut buffer = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        note(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _closed = to.shutdown(Shutdown::Write);
}
