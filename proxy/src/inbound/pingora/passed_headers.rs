//! Headers of the requests and responses that gatepost passes on: RFC 9110, section 7.6.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HeaderMap, MAX_FORWARDS, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{Error, ErrorType};

/// Headers for one connection only (hop-by-hop), which gatepost removes from each response.
/// gatepost also removes the headers that `connection` names.
const HOP_BY_HOP: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
];

/// Returns true if the client accepts trailers in the response, as gRPC clients do.
pub(super) fn accepts_trailers(request: &RequestHeader) -> bool {
    request.headers.get(TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"))
}

/// Removes `upgrade` from a request if `connection` does not name `upgrade`. Pingora
/// adds the name of a remaining `upgrade` to `connection`.
pub(super) fn settle_upgrade(request: &mut RequestHeader) {
    if request.headers.contains_key(UPGRADE) && !nominated(&request.headers).any(|n| n == UPGRADE) {
        request.remove_header(&UPGRADE);
    }
}

/// Returns true if gatepost itself must respond to the request, because of `max-forwards: 0`.
pub(super) fn is_last_recipient(request: &RequestHeader) -> bool {
    max_forwards(request) == Some(0)
}

/// Returns the value of `max-forwards`, the number of servers that may still pass the request on;
/// `None` for any method except `OPTIONS` and `TRACE`, and without a valid value.
fn max_forwards(request: &RequestHeader) -> Option<u64> {
    let counts = [Method::OPTIONS, Method::TRACE].contains(&request.method);
    let value = request.headers.get(MAX_FORWARDS).filter(|_| counts)?;
    value.to_str().ok()?.parse().ok()
}

/// Prepares a request for the upstream. `version` is the version of the client's request.
///
/// Pingora has removed the hop-by-hop headers.
pub(super) fn settle_request(request: &mut RequestHeader, version: Version) -> pingora::Result<()> {
    let via = match version {
        Version::HTTP_10 => "1.0 gatepost",
        Version::HTTP_2 => "2 gatepost",
        _ => "1.1 gatepost",
    };
    request.append_header(VIA, HeaderValue::from_static(via))?;
    if version == Version::HTTP_10 {
        request.remove_header(&EXPECT);
    }
    if version == Version::HTTP_2 {
        join_cookies(request)?;
    }
    match max_forwards(request).and_then(|count| count.checked_sub(1)) {
        Some(left) => request.insert_header(MAX_FORWARDS, left),
        None => Ok(()),
    }
}

/// Joins the `cookie` lines of a request. HTTP/2 permits several lines, and HTTP/1 only one.
fn join_cookies(request: &mut RequestHeader) -> pingora::Result<()> {
    let lines: Vec<_> = request.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() < 2 {
        return Ok(());
    }
    let joined = lines.join(&b"; "[..]);
    request.insert_header(COOKIE, joined)
}

/// Prepares a response for the client.
///
/// # Errors
///
/// Returns an error for transfer codings other than a single `chunked`, because the client cannot
/// find the end of the response with certainty.
pub(super) fn settle_reply(reply: &mut ResponseHeader) -> pingora::Result<()> {
    let mut names: Vec<_> = nominated(&reply.headers).collect();
    names.extend(HOP_BY_HOP);
    let switches = reply.status == StatusCode::SWITCHING_PROTOCOLS;
    // A response with the status 426 must keep its `upgrade` header.
    if !switches && reply.status != StatusCode::UPGRADE_REQUIRED {
        names.push(UPGRADE);
    }
    names.retain(|name| ![CONTENT_LENGTH, TRANSFER_ENCODING].contains(name));
    if switches {
        names.retain(|name| *name != UPGRADE);
    }
    for name in names {
        reply.remove_header(&name);
    }
    if switches {
        reply.insert_header(CONNECTION, "upgrade")?;
    }
    settle_framing(reply)
}

fn settle_framing(reply: &mut ResponseHeader) -> pingora::Result<()> {
    if reply.status.is_informational() || reply.status == StatusCode::NO_CONTENT {
        reply.remove_header(&CONTENT_LENGTH);
        reply.remove_header(&TRANSFER_ENCODING);
    }
    let mut encodings = reply.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if !encodings.next().is_none_or(is_chunked) || encodings.next().is_some() {
        let found =
            "expected `chunked` as the only transfer coding, found others; correct the upstream";
        return Err(Error::explain(ErrorType::InvalidHTTPHeader, found).into_up());
    }
    // If the header has several lengths, Pingora has checked that they are equal.
    let lengths = reply.headers.get(CONTENT_LENGTH);
    let one = lengths.and_then(|value| value.to_str().ok()?.split(',').next()).map(str::trim);
    match one.map(ToOwned::to_owned) {
        Some(length) => reply.insert_header(CONTENT_LENGTH, length),
        None => Ok(()),
    }
}

/// Returns true if a request asks to close the connection after the response.
pub(super) fn asks_to_close(request: &RequestHeader) -> bool {
    words(&request.headers).any(|word| word.eq_ignore_ascii_case(b"close"))
}

/// Returns the names in the `connection` headers.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    words(headers).filter_map(|word| HeaderName::from_bytes(word).ok())
}

fn words(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(CONNECTION).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}
