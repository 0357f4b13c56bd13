//! Headers that a proxy passes on: all headers except those that apply only to one connection
//! (RFC 9110, 7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that apply only to one connection. `content-length` is in the list, because gatepost
/// writes this header itself when it forwards the message.
const OF_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Returns the headers that a proxy passes on: all headers except [`OF_CONNECTION`] and the headers
/// that `connection` names.
pub(crate) fn end_to_end(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    // Compares each name with `connection`: a lookup costs more, because it hashes the name.
    let lines = headers.iter().filter(|(name, _)| *name == CONNECTION);
    let named: Vec<_> = lines
        .flat_map(|(_, line)| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    headers.iter().filter(move |(name, _)| {
        let is_named = named.iter().any(|word| name.as_str().as_bytes().eq_ignore_ascii_case(word));
        !is_named && !OF_CONNECTION.contains(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omits_headers_of_one_connection_and_headers_named_in_connection() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("connection", "\tx-other"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "2"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
            ("x-hops", "c"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let kept: Vec<_> = end_to_end(&headers).map(|(name, _)| name.as_str()).collect();
        assert_eq!(kept, ["set-cookie", "set-cookie", "x-hops"]);
    }
}
