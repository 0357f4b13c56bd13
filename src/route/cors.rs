//! Cross-origin resource sharing (CORS): the web pages that may read a route's replies.
//!
//! A browser player may send callbacks itself, for example learning records. By default, a browser
//! withholds the reply from a page of another origin. If the request has a header that a form
//! cannot send, the browser first asks for permission (a *preflight*). CORS protects the user of
//! the browser. CORS does not protect the app, because only browsers obey CORS. gatepost therefore
//! judges callbacks from every origin in the same way.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, UPGRADE,
};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::head::Head;
use crate::reply::Reply;

/// Seconds for which a browser may remember the reply to a preflight.
const MAX_AGE_SECS: u16 = 600;

/// Web origins whose pages may read the replies of a route. Empty if the key `cors` is absent.
#[derive(Debug, Default)]
pub(crate) struct CorsOrigins(Vec<HeaderValue>);

impl CorsOrigins {
    /// Creates the list from values that [`as_origin`] returned.
    pub(crate) const fn new(origins: Vec<HeaderValue>) -> Self {
        Self(origins)
    }

    /// Returns the value of `access-control-allow-origin` for the reply to a request; `None` if the
    /// request has no listed origin.
    pub(crate) fn allowed(&self, head: &Head<'_>) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let origin = single(head, &ORIGIN)?;
        self.0.iter().find(|allowed| *allowed == "*" || *allowed == origin).cloned()
    }

    /// Returns the reply to the preflight of a listed origin; `None` for any other request.
    pub(crate) fn preflight(&self, head: &Head<'_>, methods: &HeaderValue) -> Option<Reply> {
        if self.0.is_empty() || !is_preflight(head) {
            return None;
        }
        // A preflight has no body. A request with a body is no preflight, so gatepost need not read
        // the body here.
        let has_body = !matches!(head.declared_length(), Ok(0));
        if has_body || head.headers().contains_key(UPGRADE) {
            return None;
        }
        let cors = self.allowed(head)?;
        let wanted = single(head, &ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let extra = [
            Some((ACCESS_CONTROL_ALLOW_METHODS, methods.clone())),
            wanted.map(|names| (ACCESS_CONTROL_ALLOW_HEADERS, names)),
            Some((ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECS.into())),
        ];
        let reply = Reply::empty(StatusCode::NO_CONTENT).readable_by(Some(cors));
        Some(Reply { extra: Some(extra.into_iter().flatten().collect()), ..reply })
    }
}

/// Returns true if a browser asks for permission to send a request.
pub(crate) fn is_preflight(head: &Head<'_>) -> bool {
    let headers = head.headers();
    *head.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Returns the value of a header; `None` if the header is missing or repeated.
fn single<'h>(head: &Head<'h>, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = head.headers().get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Returns a header value for `*`, which permits every origin, and for an origin as browsers write
/// it: scheme and host in lower case, without the default port. Returns `None` for any other text.
pub(crate) fn as_origin(text: &str) -> Option<HeaderValue> {
    let fits = text == "*" || is_origin(text);
    HeaderValue::from_str(text).ok().filter(|_| fits)
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let Ok(parsed) = authority.parse::<Authority>() else { return false };
    let host = parsed.host();
    let is_default = |port: u16| matches!((scheme, port), ("http", 80) | ("https", 443));
    let port_fits = match authority.strip_prefix(host) {
        Some("") => true,
        Some(_) => parsed.port_u16().is_some_and(|port| !is_default(port)),
        // The authority names a user.
        None => false,
    };
    Scheme::try_from(scheme).is_ok()
        && !text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'*')
        && !host.is_empty()
        && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_origin_only_as_browsers_write_it() {
        for origin in [
            "*",
            "https://player.example.com",
            "http://localhost:3000",
            "https://[2001:db8::1]:8443",
            "capacitor://localhost",
        ] {
            assert!(as_origin(origin).is_some(), "expected {origin} to be valid, found it invalid");
        }
        for other in [
            "",
            "null",
            "player.example.com",
            "https://",
            "https://:443",
            "https://player.example.com/",
            "https://player.example.com/watch",
            "https://player.example.com?x",
            "https://Player.example.com",
            "HTTPS://player.example.com",
            "https://player.example.com:443",
            "http://player.example.com:80",
            "https://player.example.com:",
            "https://player.example.com:99999",
            "https://*.example.com",
            "https://user@player.example.com",
            "https://a, https://b",
            "https://a\r\nx: y",
        ] {
            assert!(as_origin(other).is_none(), "expected {other:?} to be invalid, found it valid");
        }
    }
}
