//! Checks a callback's head before gatepost reads the body.

use std::borrow::Cow;

use http::header::{CONTENT_ENCODING, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderValue, Method};

use crate::head::Head;
use crate::printable::printable;
use crate::provider::Plan;
use crate::provider::locator::CapturedHead;
use crate::route::{Route, is_preflight};
use crate::verdict::{RefusalCause, RefusalKind};

/// Methods that the detail of a refusal may name as the method of the request.
const STANDARD_METHODS: [Method; 7] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
];

/// Facts that later checks need from a callback's head.
#[derive(Debug)]
pub(crate) struct CheckedHead {
    /// Length of the body in bytes according to `content-length`; 0 if the header is absent.
    pub(super) declared_length: usize,
    pub(super) captured: CapturedHead,
}

/// Checks framing, upgrade, method, secret path segment, content encoding, the headers and
/// parameters that the definition reads, and declared length.
///
/// `token` is the segment of the request's path at the position of the secret segment; `None` if
/// the route has no secret segment.
///
/// # Errors
///
/// Returns the cause of the refusal if a check fails.
pub(crate) fn check_head(
    head: &Head<'_>,
    route: &Route,
    token: Option<&str>,
) -> Result<CheckedHead, RefusalCause> {
    let headers = head.headers();
    let length = head.declared_length().map_err(|_| RefusalKind::FramingAmbiguous)?;
    if asks_for_upgrade(headers) {
        return Err(RefusalKind::UpgradeNotAllowed.into());
    }
    if !route.plan.methods.contains(head.method()) {
        return Err(method_not_allowed(head, &route.plan));
    }
    if !route.token_matches(token) {
        return Err(RefusalKind::TokenMismatch.into());
    }
    if let Some(coding) = headers.get_all(CONTENT_ENCODING).iter().find_map(content_coding) {
        let detail = format!("expected no content coding, found `{}`", printable(&coding));
        return Err(RefusalCause::with(RefusalKind::ContentEncodingUnsupported, detail));
    }
    let captured = route.plan.capture(head, route.query_of(head))?;
    match usize::try_from(length) {
        Ok(declared_length) if declared_length <= route.max_body_bytes => {
            Ok(CheckedHead { declared_length, captured })
        }
        Ok(_) | Err(_) => {
            let limit = route.max_body_bytes;
            let detail = format!("expected at most {limit} bytes, found {length}");
            Err(RefusalCause::with(RefusalKind::BodyTooLarge, detail))
        }
    }
}

fn method_not_allowed(head: &Head<'_>, plan: &Plan) -> RefusalCause {
    let origin = head.headers().get(ORIGIN).filter(|_| is_preflight(head));
    let Some(origin) = origin else {
        let allowed = plan.allow.to_str().unwrap_or_default();
        // A malformed request may have a secret in place of its method.
        let is_standard = |method: &Method| *method == *head.method();
        let method = STANDARD_METHODS.iter().find(|method| is_standard(method));
        let method = method.map_or("another method", Method::as_str);
        let detail = format!("expected {allowed}, found {method}");
        return RefusalCause::with(RefusalKind::MethodNotAllowed, detail);
    };
    let origin = printable(&String::from_utf8_lossy(origin.as_bytes()));
    let detail = format!(
        "expected a callback, found a CORS preflight of `{origin}`; to permit this origin, add it \
         to `cors`"
    );
    RefusalCause::with(RefusalKind::MethodNotAllowed, detail)
}

/// Returns the first coding that changes the body; `None` if the `content-encoding` header has no
/// such coding.
///
/// `identity` and an empty word do not change the body. Neither does a charset, which some
/// platforms put into this header instead of into `content-type`.
fn content_coding(value: &HeaderValue) -> Option<Cow<'_, str>> {
    const UNCHANGED: [&str; 5] = ["", "identity", "utf-8", "utf8", "us-ascii"];
    let codings = value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
    let changes = |coding: &&[u8]| {
        !UNCHANGED.iter().any(|unchanged| coding.eq_ignore_ascii_case(unchanged.as_bytes()))
    };
    codings.filter(changes).map(String::from_utf8_lossy).next()
}

/// Returns true if the client asks for an upgrade to a protocol other than `h2c`, such as
/// WebSocket.
///
/// Clients such as `curl --http2` offer HTTP/2 (`h2c`) with each request, and some proxies send
/// `connection: upgrade` without `upgrade`. A server may ignore both (RFC 9110, 7.8). gatepost
/// ignores both.
fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    if !headers.contains_key(UPGRADE) {
        return false;
    }
    let lines = headers.get_all(UPGRADE).iter();
    let mut protocols = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
    protocols.any(|protocol| {
        let protocol = protocol.trim_ascii();
        !protocol.is_empty() && !protocol.eq_ignore_ascii_case(b"h2c")
    })
}
