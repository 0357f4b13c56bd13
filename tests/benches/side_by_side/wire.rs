//! Parser for the subset of HTTP/1.1 that this program and the peers write.

use std::borrow::Cow;

const HEADERS: usize = 48;

/// A complete reply of a peer, or a complete answer of the app.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) body: Cow<'a, [u8]>,
    /// True if the server closes the connection after the reply.
    pub(super) closes: bool,
}

/// Parses a reply. Returns `None` if the reply is incomplete.
///
/// # Errors
/// Returns an error for bytes that are not the start of a reply, for a reply with neither a
/// `content-length` nor chunks, and for more bytes after the reply.
pub(super) fn parse_reply(bytes: &[u8]) -> Result<Option<Reply<'_>>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut reply = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = reply.parse(bytes).map_err(|error| error.to_string())?
    else {
        return Ok(None);
    };
    let body = bytes.get(head..).unwrap_or_default();
    let status = reply.code.unwrap_or(0);
    let framing = Framing::of(reply.headers)?;
    let body = match framing.length {
        Some(length) if body.len() < length => return Ok(None),
        Some(length) if body.len() > length => return Err("expected one reply, found more".into()),
        Some(_) => Cow::Borrowed(body),
        None => match join_chunks(body)? {
            Some(body) => Cow::Owned(body),
            None => return Ok(None),
        },
    };
    Ok(Some(Reply { status, body, closes: framing.closes }))
}

/// Parses the head of a request. Returns `None` if the head is incomplete.
///
/// # Errors
/// Returns an error for bytes that are not the start of a request, for a chunked body, and for a
/// request other than `GET` without a `content-length`.
pub(super) fn parse_request(bytes: &[u8]) -> Result<Option<Request<'_>>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) =
        request.parse(bytes).map_err(|error| error.to_string())?
    else {
        return Ok(None);
    };
    let path = request.path.unwrap_or_default();
    let length = match Framing::of(request.headers) {
        Ok(framing) => framing.length.ok_or("expected a content-length, found chunks")?,
        Err(_) if request.method == Some("GET") => 0,
        Err(error) => return Err(error),
    };
    Ok(Some(Request { path, head, length }))
}

/// Head of a request: the path, the length of the head, and the length of the body.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) head: usize,
    pub(super) length: usize,
}

struct Framing {
    /// Length of the body, or `None` for a chunked body.
    length: Option<usize>,
    closes: bool,
}

impl Framing {
    fn of(headers: &[httparse::Header<'_>]) -> Result<Self, String> {
        let (mut length, mut chunked, mut closes) = (None, false, false);
        for header in headers {
            let value = header.value;
            if header.name.eq_ignore_ascii_case("content-length") {
                length = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case(b"chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case(b"close");
            }
        }
        if length.is_none() && !chunked {
            return Err("expected a content-length or chunks, found neither".into());
        }
        Ok(Self { length, closes })
    }
}

fn join_chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest).map_err(|error| error.to_string())?;
        let httparse::Status::Complete((start, length)) = size else { return Ok(None) };
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let Some(chunk) = rest.get(start..start + length + 2) else { return Ok(None) };
        body.extend_from_slice(chunk.get(..length).unwrap_or_default());
        rest = rest.get(start + length + 2..).unwrap_or_default();
        if length == 0 {
            return if rest.is_empty() {
                Ok(Some(body))
            } else {
                Err("expected one reply, found more".into())
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &str) -> Option<Result<String, String>> {
        let reply = parse_reply(bytes.as_bytes()).transpose()?;
        Some(reply.map(|reply| String::from_utf8(reply.body.into_owned()).unwrap()))
    }

    #[test]
    fn parses_complete_reply_with_content_length() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(body(whole), Some(Ok("ok".into())));
        assert_eq!(body(&whole[..whole.len() - 1]), None);
        assert!(body(&format!("{whole}HTTP")).unwrap().is_err());
    }

    #[test]
    fn parses_complete_chunked_reply() {
        let whole =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(body(whole), Some(Ok("ok!".into())));
        assert_eq!(body(&whole[..whole.len() - 2]), None);
    }

    #[test]
    fn returns_error_for_reply_without_length() {
        assert!(body("HTTP/1.1 200 OK\r\n\r\n").unwrap().is_err());
    }

    #[test]
    fn finds_start_and_length_of_request_body() {
        let bytes = b"POST /x HTTP/1.1\r\ncontent-length: 3\r\n\r\nab";
        let request = parse_request(bytes).unwrap().unwrap();
        assert_eq!((request.path, request.head, request.length), ("/x", 39, 3));
        assert!(parse_request(&bytes[..30]).unwrap().is_none());
    }
}
