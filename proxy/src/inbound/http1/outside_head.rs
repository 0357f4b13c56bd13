//! Heads of the requests that Pingora serves. gatepost reads each head before Pingora does, because
//! Pingora repairs malformed targets, and accepts line ends that other servers refuse.

use std::str;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;

use super::chunks::{ChunkedBody, MalformedChunks};
use crate::tls::HANDSHAKE_RECORD;

/// Maximum number of header lines, which is Pingora's limit.
const MAX_HEADERS: usize = 256;

/// Error for an HTTP/1 request that gatepost or Pingora cannot read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadableRequest {
    /// Incomplete request, or a fault whose reason Pingora does not report.
    #[error(
        "expected a complete HTTP request, found a malformed or incomplete one; correct the client"
    )]
    Any,
    #[error("expected plain HTTP, found TLS; send such requests to `listen_tls`, or use http://")]
    Tls,
    #[error("expected a request head as RFC 9112 defines it, found {0}; correct the client")]
    Head(httparse::Error),
    #[error("expected `\\r\\n` at the end of each line, found a bare line feed; send `\\r\\n`")]
    LineFeed,
    #[error(
        "expected a target with only the characters of a URI, found another character; encode it"
    )]
    Target,
    #[error("{0}")]
    Chunks(#[from] MalformedChunks),
}

/// Properties of a complete head.
#[derive(Debug)]
pub(crate) struct OutsideHead {
    /// Number of bytes of the request that have arrived: the head, and any bytes of the body.
    pub(super) received: usize,
    /// End of the part of the body that has not arrived.
    pub(super) end: BodyEnd,
    /// True if the request has an `upgrade` header, which asks for another protocol.
    pub(super) asks_for_upgrade: bool,
}

/// End of the body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodyEnd {
    /// Number of bytes of the body that have not arrived.
    Length(u64),
    Chunked(ChunkedBody),
    /// Unknown: gatepost refuses the request and closes the connection, or another protocol uses
    /// the connection.
    Open,
}

impl OutsideHead {
    /// Parses the bytes of a connection. Returns `None` if the head is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, UnreadableRequest> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut lines);
        let parsed = request.parse(bytes).map_err(|error| match bytes {
            [HANDSHAKE_RECORD, ..] => UnreadableRequest::Tls,
            _ => UnreadableRequest::Head(error),
        })?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        if has_bare_line_feed(&bytes[..length]) {
            return Err(UnreadableRequest::LineFeed);
        }
        if !request.path.is_some_and(is_target) {
            return Err(UnreadableRequest::Target);
        }
        let asks_for_upgrade = request.headers.iter().any(|line| is(line, UPGRADE.as_str()));
        let mut end = BodyEnd::of(request.headers);
        let received = length + end.take(&bytes[length..])?;
        Ok(Some(Self { received, end, asks_for_upgrade }))
    }
}

impl BodyEnd {
    fn of(lines: &[httparse::Header<'_>]) -> Self {
        let mut end = None;
        for line in lines {
            let found = if is(line, CONTENT_LENGTH.as_str()) {
                length(line.value).map_or(Self::Open, Self::Length)
            } else if is(line, TRANSFER_ENCODING.as_str()) {
                let is_chunked = line.value.eq_ignore_ascii_case(b"chunked");
                if is_chunked { Self::Chunked(ChunkedBody::new()) } else { Self::Open }
            } else {
                continue;
            };
            end = Some(if end.is_none() { found } else { Self::Open });
        }
        end.unwrap_or(Self::Length(0))
    }

    /// Takes the next bytes of the connection. Returns the number of bytes that belong to the
    /// request.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, MalformedChunks> {
        match self {
            Self::Open => Ok(bytes.len()),
            Self::Chunked(body) => body.advance(bytes),
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |n| n.min(bytes.len()));
                *left -= taken as u64;
                Ok(taken)
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Open => false,
            Self::Chunked(body) => body.is_done(),
            Self::Length(left) => *left == 0,
        }
    }
}

/// Returns true for a target that Pingora passes on unchanged. Pingora removes a fragment, and
/// other servers do not. For a target that is not a path, checks only the characters, because the
/// gate checks such a target later.
fn is_target(target: &str) -> bool {
    target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && (!target.starts_with('/') || PathAndQuery::try_from(target).is_ok())
}

fn is(line: &httparse::Header<'_>, name: &str) -> bool {
    line.name.eq_ignore_ascii_case(name)
}

fn length(value: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

pub(super) fn has_bare_line_feed(head: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', head).any(|at| at == 0 || head[at - 1] != b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_end_of_body_only_for_clear_framing() {
        let end = |lines: &str| {
            let head = format!("POST / HTTP/1.1\r\n{lines}\r\n");
            OutsideHead::parse(head.as_bytes()).unwrap().unwrap().end
        };
        assert!(matches!(end(""), BodyEnd::Length(0)));
        assert!(matches!(end("Content-Length: 5 \r\n"), BodyEnd::Length(5)));
        assert!(matches!(end("transfer-encoding: Chunked\r\n"), BodyEnd::Chunked(_)));
        for lines in [
            "content-length: 5, 5\r\n",
            "content-length: +5\r\n",
            "content-length:\r\n",
            "content-length: 5\r\ncontent-length: 5\r\n",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        ] {
            let found = end(lines);
            assert!(
                matches!(found, BodyEnd::Open),
                "expected an open end, found {found:?} for {lines}"
            );
        }
    }

    #[test]
    fn reports_malformed_head_before_its_end() {
        for head in ["GET /pa th HTTP/1.1\r\n", "\u{16}\u{3}", "GET / HTTP/1.1\r\nx : y\r\n"] {
            assert!(
                OutsideHead::parse(head.as_bytes()).is_err(),
                "expected an error, found none for {head:?}"
            );
        }
        for head in ["", "\r\n", "GET / HT", "GET / HTTP/1.1\r\nx: y\r\n"] {
            assert!(
                OutsideHead::parse(head.as_bytes()).unwrap().is_none(),
                "expected no complete head, found one in {head:?}"
            );
        }
    }
}
