//! Replies in the format of HTTP/1.1, for the [fast path](super).

use gatepost::Reply;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use pingora::protocols::http::date::get_cached_date;

/// Formats a reply with the headers that Pingora writes. `is_last` is true if gatepost closes
/// the connection after the reply.
pub(super) fn rendered(reply: &Reply, is_last: bool) -> Vec<u8> {
    let status = reply.status();
    let mut bytes = Vec::with_capacity(256 + reply.body().len());
    bytes.extend_from_slice(b"HTTP/1.1 ");
    bytes.extend_from_slice(status.as_str().as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in reply.headers().filter(|(name, _)| name != CONNECTION) {
        match name {
            CONTENT_TYPE => bytes.extend_from_slice(b"Content-Type"),
            CONTENT_LENGTH => bytes.extend_from_slice(b"Content-Length"),
            name => extend_titled(&mut bytes, name.as_str()),
        }
        extend_value(&mut bytes, value.as_bytes());
    }
    bytes.extend_from_slice(b"Date");
    extend_value(&mut bytes, get_cached_date().as_bytes());
    bytes.extend_from_slice(b"Connection");
    extend_value(&mut bytes, if is_last { b"close" } else { b"keep-alive" });
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(reply.body());
    bytes
}

fn extend_value(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

/// Appends a header name in title case: `Retry-After` for `retry-after`.
fn extend_titled(bytes: &mut Vec<u8>, name: &str) {
    let mut starts = true;
    bytes.extend(name.bytes().map(|byte| {
        let cased = if starts { byte.to_ascii_uppercase() } else { byte };
        starts = byte == b'-';
        cased
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_names_in_title_case() {
        let mut bytes = Vec::new();
        extend_titled(&mut bytes, "x-kollus-userkey");
        assert_eq!(bytes, b"X-Kollus-Userkey");
    }

    #[test]
    fn writes_the_headers_that_pingora_writes() {
        let bytes = rendered(&Reply::not_found(), false);
        let text = String::from_utf8(bytes).unwrap();
        let (before, after) = text.split_once("Date: ").unwrap();
        assert_eq!(
            before,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 10\r\n"
        );
        let (date, after) = after.split_once("\r\n").unwrap();
        assert!(date.ends_with(" GMT"), "expected `GMT` at the end, found {date}");
        assert_eq!(after, "Connection: keep-alive\r\n\r\nnot found\n");
        let last = rendered(&Reply::bad_request(), true);
        assert_eq!(String::from_utf8(last).unwrap().matches("Connection: close\r\n").count(), 1);
    }
}
