//! Checks a callback's head before gatepost reads the body.

use http::header::{CONNECTION, CONTENT_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::head::Head;
use crate::provider::locator::CapturedHead;
use crate::route::Route;
use crate::verdict::{RefusalCause, RefusalKind};

/// Facts that later checks need from a callback's head.
#[derive(Debug)]
pub(crate) struct CheckedHead {
    /// Length of the body in bytes according to `content-length`, or 0 without this header.
    pub(super) declared_length: usize,
    pub(super) captured: CapturedHead,
}

/// Checks framing, upgrade, method, secret segment, content encoding and declared length.
///
/// `token` is the secret segment of the request's path.
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
    if headers.contains_key(UPGRADE) || asks_for_upgrade(headers) {
        return Err(RefusalKind::UpgradeNotAllowed.into());
    }
    if !route.plan.methods.contains(head.method()) {
        return Err(RefusalKind::MethodNotAllowed.into());
    }
    if let Some(secret) = &route.token
        && !token.is_some_and(|token| secret.matches(token.as_bytes()))
    {
        return Err(RefusalKind::TokenMismatch.into());
    }
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        return Err(RefusalKind::ContentEncodingUnsupported.into());
    }
    let captured = CapturedHead::of(head, &route.plan.headers, route.plan.reads_query)?;
    match usize::try_from(length) {
        Ok(declared_length) if declared_length <= route.max_body_bytes => {
            Ok(CheckedHead { declared_length, captured })
        }
        Ok(_) | Err(_) => Err(RefusalKind::BodyTooLarge.into()),
    }
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    })
}
