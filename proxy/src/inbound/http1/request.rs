//! HTTP/1.1 requests in the usual form: every parser reads such a request in the same way.

use std::net::IpAddr;
use std::str;

use bytes::Bytes;
use gatepost::{Head, is_host};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderName, HeaderValue, Method, Uri};

const MAX_HEADERS: usize = 32;

/// Returns the path and the query in the request line; `None` if the line is incomplete or the
/// target is not UTF-8.
pub(super) fn target(request: &[u8]) -> Option<(&str, Option<&str>)> {
    let mut words = request.split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let (_method, target, _version) = (words.next()?, words.next()?, words.next()?);
    let target = str::from_utf8(target).ok()?;
    Some(match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    })
}

/// A request whose head every parser reads in the same way.
pub(super) struct Http1Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// Received body bytes that the gate has not read yet.
    pub(super) body: Bytes,
    /// Number of body bytes that have not arrived yet.
    pub(super) missing: usize,
    /// Length of the whole body, in bytes.
    pub(super) length: usize,
    /// Length of the buffer in which the head arrived.
    pub(super) head_bytes: usize,
    /// True for the last request before gatepost closes the connection.
    pub(super) is_last: bool,
}

impl Http1Request {
    /// Parses a request. Returns the request and the bytes after its body; `None` if the head is
    /// incomplete or unusual.
    pub(super) fn parse(bytes: &Bytes) -> Option<(Self, Bytes)> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut lines);
        let httparse::Status::Complete(end) = parsed.parse(bytes).ok()? else { return None };
        if parsed.version != Some(1) || !has_usual_lines(&bytes[..end]) {
            return None;
        }
        let method = usual_method(parsed.method?)?;
        let target = parsed.path.filter(|target| is_usual_target(target))?;
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
            method,
            uri,
            headers,
            missing: length - body.len(),
            body: bytes.slice(body.clone()),
            length,
            head_bytes: bytes.len(),
            is_last: framing.is_last.unwrap_or_default(),
        };
        Some((request, bytes.slice(body.end..)))
    }

    pub(super) fn head(&self, peer: Option<IpAddr>) -> Head<'_> {
        let head = Head::new(&self.method, &self.uri, &self.headers);
        match peer {
            Some(peer) => head.with_peer(peer),
            None => head,
        }
    }
}

/// Returns true if every line ends with `\r\n` and no empty line precedes the head.
fn has_usual_lines(head: &[u8]) -> bool {
    let follows_return = |at: usize| at > 0 && head[at - 1] == b'\r';
    head.first().is_some_and(u8::is_ascii_uppercase)
        && memchr::memchr_iter(b'\n', head).all(follows_return)
}

fn usual_method(name: &str) -> Option<Method> {
    match name {
        "POST" => Some(Method::POST),
        "GET" => Some(Method::GET),
        _ => None,
    }
}

/// Bytes allowed in the path and the query of a target.
const IN_TARGET: [bool; 256] = table(b"-._~!$&'()*+,;=:@/?%");

/// Creates a table in which letters, digits and the bytes in `more` are true.
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

fn is_usual_target(target: &str) -> bool {
    target.starts_with('/') && target.bytes().all(|byte| IN_TARGET[usize::from(byte)])
}

/// Values of `host`, `content-length` and `connection`. Each of these headers may appear at most
/// once.
#[derive(Default)]
struct Framing {
    has_host: bool,
    length: Option<usize>,
    is_last: Option<bool>,
}

impl Framing {
    /// Records a header. Returns `None` for a repetition of one of the three headers and for an
    /// unusual header. Pingora then reads the request.
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Option<()> {
        let value = value.as_bytes();
        if *name == HOST {
            let is_first = !std::mem::replace(&mut self.has_host, true);
            (is_first && is_host(value)).then_some(())
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

    /// Returns the length of the body; `None` if the request has no `host` or no usual length.
    fn length(&self, method: &Method) -> Option<usize> {
        let length =
            if *method == Method::GET { self.length.is_none().then_some(0) } else { self.length };
        length.filter(|_| self.has_host)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const REQUEST: &str = "POST /callbacks/tencent?x=%2F HTTP/1.1\r\nhost: gate.test:8080\r\n\
                         content-length: 2\r\nconnection: Keep-Alive\r\n\r\n{}";

    fn parse(text: &str) -> Option<(Http1Request, Bytes)> {
        Http1Request::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn parses_usual_request_and_returns_bytes_after_it() {
        let (request, behind) = parse(&format!("{REQUEST}GET /next")).unwrap();
        assert_eq!((request.method, request.uri.path()), (Method::POST, "/callbacks/tencent"));
        assert_eq!(request.headers[HOST], "gate.test:8080");
        assert_eq!((&*request.body, request.missing, request.is_last), (&b"{}"[..], 0, false));
        assert_eq!(&*behind, b"GET /next");

        let (request, behind) = parse(REQUEST.strip_suffix('}').unwrap()).unwrap();
        assert_eq!((request.missing, request.length, behind.len()), (1, 2, 0));
        let (request, _) = parse(&REQUEST.replace("Keep-Alive", "close")).unwrap();
        assert!(request.is_last);
        let get = "GET /callbacks/srs HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(parse(get).unwrap().0.length, 0);
    }

    #[test]
    fn returns_none_for_unusual_request() {
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
            ("host: gate", "host: .gate"),
            (":8080", ":80:80"),
            (":8080", ":65536"),
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
        for (usual, unusual) in changed {
            let text = REQUEST.replacen(usual, unusual, 1);
            assert!(
                text != REQUEST && parse(&text).is_none(),
                "expected no usual request, found one in {text}"
            );
        }
        let many = "x: y\r\n".repeat(MAX_HEADERS);
        assert!(parse(&REQUEST.replacen("host", &format!("{many}host"), 1)).is_none());
    }
}
